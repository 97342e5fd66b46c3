//! What a listing told of photos, held against what the store then hands over: a gateway's page with status 200 looks
//! like any photo.

use std::sync::{Arc, OnceLock};

use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode, header};

use super::headers::{describe_of, has_no_md5, is_page, length, whole_follows};
use super::{GetError, Listing, StoredPhoto, etag, find};

/// The photos of a listing; none before there was one.
#[derive(Default)]
pub(super) struct Listed {
    photos: OnceLock<Arc<Vec<StoredPhoto>>>,
}

impl Listed {
    /// Keeps what a listing told.
    pub(super) fn keep(&self, listing: &Listing) {
        self.photos.get_or_init(|| Arc::clone(&listing.photos));
    }

    /// The photo that an answer to a request for all of it hands over.
    pub(super) fn describe(
        &self,
        key: &str,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Result<StoredPhoto, GetError> {
        whole_follows(status)?;
        let listed = self.photos.get().and_then(|photos| photos.get(find(photos, key)?));
        // A body that is sent in chunks has no length; then it has to have the one that was listed.
        let size = length(headers).or(listed.map(|listed| listed.size)).ok_or(GetError::BadLength)?;
        let photo = describe_of(key, size, headers);
        match listed {
            Some(listed) => Version(listed).hold_against(photo, headers),
            None => Ok(photo),
        }
    }
}

/// A photo as it was listed.
struct Version<'l>(&'l StoredPhoto);

impl Version<'_> {
    /// A photo may have become another since it was listed, if the answer says so. One that says nothing has to be
    /// followed by the bytes that were listed.
    fn hold_against(&self, photo: StoredPhoto, headers: &HeaderMap) -> Result<StoredPhoto, GetError> {
        let photo = match self.is_of_a_gateway(headers) {
            true => StoredPhoto { etag: None, md5: None, ..photo },
            false => photo,
        };
        let is_other = photo.size != self.0.size || self.has_other_etag(&photo);
        if is_other && (!self.became(&photo) || is_page(headers)) {
            return Err(GetError::BadLength);
        }
        if photo.etag.is_some() && photo.etag != self.0.etag {
            return Ok(photo);
        }
        // The same version; its MD5 may be in the listing alone, as where a proxy has made the ETag a weak one.
        let md5 = photo.md5.or(self.0.md5).filter(|_| !has_no_md5(headers));
        Ok(StoredPhoto { etag: self.0.etag.clone(), md5, ..photo })
    }

    /// Whether the ETag of an answer is that of whoever stands between: a weak one where the listed one is strong, or
    /// the listed one with the coding that was applied (`"….-gzip"`).
    fn is_of_a_gateway(&self, headers: &HeaderMap) -> bool {
        let (Some(listed), Some(tag)) = (&self.0.etag, headers.get(header::ETAG)) else { return false };
        let tag = tag.to_str().unwrap_or_default();
        let said = etag::opaque(tag);
        said != *listed && (tag.starts_with("W/") || said.starts_with(listed.as_str()))
    }

    /// Whether both were told and differ: not every listing tells ETags.
    fn has_other_etag(&self, photo: &StoredPhoto) -> bool {
        let etags = self.0.etag.as_ref().zip(photo.etag.as_ref());
        etags.is_some_and(|(then, now)| then != now)
    }

    fn became(&self, photo: &StoredPhoto) -> bool {
        // A header tells no part of a second.
        let second = |time: DateTime<Utc>| time.timestamp();
        let times = self.0.last_modified.map(second).zip(photo.last_modified.map(second));
        self.has_other_etag(photo) || times.is_some_and(|(then, now)| then != now)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use http::HeaderName;

    use super::*;

    fn listed(photo: StoredPhoto) -> Listed {
        Listed { photos: Arc::new(vec![photo]).into() }
    }

    /// What an answer says of the listed photo of seven bytes, whose listing told no ETag.
    fn answered(headers: &[(HeaderName, &str)]) -> Result<u64, GetError> {
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        let last_modified = "2025-01-01T00:00:00.123Z".parse().ok();
        let listed = listed(StoredPhoto { last_modified, ..StoredPhoto::bare("a", 7) });
        listed.describe("a", StatusCode::OK, &headers).map(|photo| photo.size)
    }

    /// What an answer of that many bytes says of a photo of seven that was listed with an ETag: its ETag.
    fn tagged(length: &str, etag: &str, kind: &str) -> Result<Option<String>, GetError> {
        let headers = [(header::CONTENT_LENGTH, length), (header::ETAG, etag), (header::CONTENT_TYPE, kind)];
        let headers = headers.into_iter().map(|(name, value)| (name, value.parse().unwrap())).collect();
        let photo = StoredPhoto { etag: Some("abc".into()), md5: Some([1; 16]), ..StoredPhoto::bare("a", 7) };
        let listed = listed(photo);
        let photo = listed.describe("a", StatusCode::OK, &headers)?;
        assert_eq!(photo.md5.is_some(), photo.etag.as_deref() == Some("abc"), "{etag}");
        Ok(photo.etag)
    }

    #[test]
    fn what_a_gateway_says_is_no_other_version() {
        assert_eq!(tagged("9", "\"def\"", "image/jpeg"), Ok(Some("def".into())));
        assert_eq!(tagged("7", "\"abc\"", "text/html"), Ok(Some("abc".into())));
        for (length, etag, kind) in [
            ("24", "W/\"18-abcdef\"", "text/html; charset=utf-8"),
            ("24", "\"18-abcdef\"", "text/html"),
            ("7", "\"18-abcdef\"", "application/json"),
            ("24", "W/\"18-abcdef\"", "image/jpeg"),
            ("5", "\"abc-gzip\"", "image/jpeg"),
        ] {
            assert_eq!(tagged(length, etag, kind), Err(GetError::BadLength), "{length} {etag} {kind}");
        }
        // The bytes are held against the MD5 that was listed.
        for etag in ["\"abc-gzip\"", "W/\"def\"", "W/\"abc\""] {
            assert_eq!(tagged("7", etag, "image/jpeg"), Ok(Some("abc".into())), "{etag}");
        }
    }

    #[test]
    fn another_length_needs_another_time_where_no_etag_tells() {
        let time = |text| (header::LAST_MODIFIED, text);
        let length = |text| (header::CONTENT_LENGTH, text);
        let (then, later) = ("Wed, 01 Jan 2025 00:00:00 GMT", "Wed, 01 Jan 2025 00:00:05 GMT");
        assert_eq!(answered(&[]), Ok(7));
        assert_eq!(answered(&[length("7"), time(later)]), Ok(7));
        assert_eq!(answered(&[length("9"), time(later)]), Ok(9));
        assert_eq!(answered(&[length("9"), time(then)]), Err(GetError::BadLength));
        assert_eq!(answered(&[length("9")]), Err(GetError::BadLength));
        // Some stores tell ETags with photos alone.
        let etag = (header::ETAG, "\"abc\"");
        assert_eq!(answered(&[length("7"), etag.clone(), time(then)]), Ok(7));
        assert_eq!(answered(&[length("9"), etag, time(then)]), Err(GetError::BadLength));
    }
}
