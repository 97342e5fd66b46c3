//! What the head of an answer says of a photo, for every store that speaks HTTP.

use chrono::{DateTime, SecondsFormat, Utc};
use futures::StreamExt;
use http::{HeaderMap, StatusCode, header};
use hyper::body::Incoming;
use serde_json::{Map, Value};

use super::{ByteStream, GetError, StoredPhoto, etag};
use crate::http::{Failure, instant, pieces};

pub mod encoded_words;

/// What R2 keeps with an object as a text: the header, R2's own name of it, and the name in photos/index.json.
pub const KEPT: [(header::HeaderName, &str, &str); 4] = [
    (header::CACHE_CONTROL, "cacheControl", "cache_control"),
    (header::CONTENT_DISPOSITION, "contentDisposition", "content_disposition"),
    (header::CONTENT_ENCODING, "contentEncoding", "content_encoding"),
    (header::CONTENT_LANGUAGE, "contentLanguage", "content_language"),
];
/// The name in photos/index.json of the instant after which copies are stale; elsewhere it is a number or an HTTP date.
pub const EXPIRY: &str = "cache_expiry";
/// Begins the name of what an uploader attached.
pub const CUSTOM: &str = "x-amz-meta-";

impl From<Failure> for GetError {
    fn from(failure: Failure) -> Self {
        GetError::from(&failure)
    }
}

impl From<&Failure> for GetError {
    fn from(failure: &Failure) -> Self {
        match *failure {
            Failure::Timeout => GetError::Timeout,
            Failure::Forbidden => GetError::Forbidden,
            Failure::Untrusted(why) => GetError::Untrusted(why),
            Failure::Broken(_) | Failure::TooLarge => GetError::Unreachable,
        }
    }
}

/// Only 200 says that all of a photo follows: 206 is a part that nobody asked for, 204 nothing.
pub(super) fn whole_follows(status: StatusCode) -> Result<(), GetError> {
    if status == StatusCode::OK { Ok(()) } else { Err(GetError::BadLength) }
}

/// Whether an answer says that no ETag of the photo is an MD5, however it looks: that of bytes which S3 encrypted with
/// a key of KMS or of the customer. (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html>)
pub(super) fn has_no_md5(headers: &HeaderMap) -> bool {
    let by_kms =
        headers.get("x-amz-server-side-encryption").is_some_and(|by| by.as_bytes().starts_with(b"aws:"));
    by_kms || headers.contains_key("x-amz-server-side-encryption-customer-algorithm")
}

/// Whether an answer holds exactly the bytes of `photo` from `from` on, and of no other version of it: not every server
/// heeds the condition that it was asked under (RFC 9110, 15.3.7.3).
pub(super) fn goes_on(status: StatusCode, headers: &HeaderMap, photo: &StoredPhoto, from: u64) -> bool {
    let range = headers.get(header::CONTENT_RANGE).and_then(|value| value.to_str().ok());
    let rest = format!("bytes {from}-{}/{}", photo.size.saturating_sub(1), photo.size);
    let part = describe_of(&photo.key, photo.size, headers);
    let is_same = part.etag.is_none_or(|etag| photo.etag.as_ref() == Some(&etag))
        && part.last_modified.is_none_or(|time| photo.last_modified == Some(time));
    status == StatusCode::PARTIAL_CONTENT && range == Some(rest.as_str()) && is_same
}

/// Whether an answer is what servers say about photos, and no photo.
pub(super) fn is_page(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.unwrap_or_default().trim_start().to_ascii_lowercase();
    ["text/html", "application/json", "application/xml", "text/xml"].iter().any(|page| kind.starts_with(page))
}

/// Pieces whose failures are those of a photo.
pub(super) fn checked(body: Incoming) -> ByteStream {
    pieces(body).map(|piece| piece.map_err(GetError::from)).boxed()
}

/// How many bytes an answer says that it has.
pub(super) fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Whether a body marks its end, so that half of it is none.
pub(super) fn is_chunked(headers: &HeaderMap) -> bool {
    let coding = headers.get(header::TRANSFER_ENCODING).and_then(|value| value.to_str().ok());
    coding.is_some_and(|coding| coding.trim().eq_ignore_ascii_case("chunked"))
}

/// What the headers of an answer say of a photo of so many bytes.
pub(super) fn describe_of(key: &str, size: u64, headers: &HeaderMap) -> StoredPhoto {
    let text = |name: &header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    // File names in them are often UTF-8 as it is.
    let kept = |name: &header::HeaderName| {
        headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let texts =
        KEPT.into_iter().filter_map(|(header, _, name)| Some((name.to_owned(), kept(&header)?.into())));
    let http_metadata = http_metadata(texts, text(&header::EXPIRES).and_then(instant));
    let mut custom_metadata: Map<String, Value> = headers
        .iter()
        .filter_map(|(name, value)| {
            let name = name.as_str().strip_prefix(CUSTOM)?;
            let value = encoded_words::decode(&String::from_utf8_lossy(value.as_bytes()));
            Some((name.to_owned(), value.into()))
        })
        .collect();
    custom_metadata.sort_keys();
    let etag = text(&header::ETAG);
    StoredPhoto {
        key: key.into(),
        size,
        etag: etag.map(etag::opaque),
        md5: etag.and_then(etag::md5).filter(|_| !has_no_md5(headers)),
        last_modified: text(&header::LAST_MODIFIED).and_then(instant),
        content_type: text(&header::CONTENT_TYPE).map(str::to_owned),
        http_metadata: http_metadata.into(),
        custom_metadata: custom_metadata.into(),
    }
}

/// As photos/index.json has it.
pub(super) fn http_metadata(
    texts: impl Iterator<Item = (String, Value)>,
    expiry: Option<DateTime<Utc>>,
) -> Map<String, Value> {
    let expiry = expiry.map(|expiry| expiry.to_rfc3339_opts(SecondsFormat::AutoSi, true));
    let mut metadata: Map<_, _> =
        texts.chain(expiry.map(|expiry| (EXPIRY.to_owned(), expiry.into()))).collect();
    metadata.sort_keys();
    metadata
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn headers(of: &[(header::HeaderName, &'static [u8])]) -> HeaderMap {
        of.iter()
            .map(|(name, value)| (name.clone(), header::HeaderValue::from_bytes(value).unwrap()))
            .collect()
    }

    #[test]
    fn a_part_of_another_version_does_not_go_on() {
        let head =
            headers(&[(header::ETAG, b"\"one\""), (header::LAST_MODIFIED, b"Wed, 01 Jan 2025 00:00:00 GMT")]);
        let photo = describe_of("a.jpg", 10, &head);
        let range = (header::CONTENT_RANGE, b"bytes 4-9/10".as_slice());
        for (more, goes) in [
            (vec![], true),
            (vec![(header::ETAG, b"\"one\"".as_slice())], true),
            (vec![(header::ETAG, b"\"two\"".as_slice())], false),
            (vec![(header::LAST_MODIFIED, b"Wed, 01 Jan 2025 00:00:00 GMT".as_slice())], true),
            (vec![(header::LAST_MODIFIED, b"Wed, 01 Jan 2025 00:00:01 GMT".as_slice())], false),
        ] {
            let part = headers(&[vec![range.clone()], more].concat());
            assert_eq!(goes_on(StatusCode::PARTIAL_CONTENT, &part, &photo, 4), goes, "{part:?}");
            assert!(
                !goes_on(StatusCode::OK, &part, &photo, 4)
                    && !goes_on(StatusCode::PARTIAL_CONTENT, &part, &photo, 5)
            );
        }
    }

    #[test]
    fn names_of_files_may_be_utf8() {
        let name = "attachment; filename=\"é.jpg\"";
        let head = headers(&[(header::CONTENT_DISPOSITION, name.as_bytes())]);
        assert_eq!(describe_of("a.jpg", 1, &head).http_metadata.into_map()["content_disposition"], name);
    }
}
