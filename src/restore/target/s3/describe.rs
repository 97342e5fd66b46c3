//! What S3 holds of a photo beside its bytes: headers, all of them ASCII.

use chrono::DateTime;
use http::{HeaderName, HeaderValue, header};

use crate::formats::index::IndexedPhoto;
use crate::photos::source::headers::{CUSTOM, EXPIRY, KEPT, encoded_words};

/// The headers of a photo, as far as S3 can hold them.
pub(super) fn headers(photo: &IndexedPhoto) -> Vec<(HeaderName, String)> {
    split(photo).0
}

/// The metadata of a photo that S3 cannot hold, in words; None when it holds all.
pub(super) fn left_out(photo: &IndexedPhoto) -> Option<String> {
    let (_, left_out) = split(photo);
    (!left_out.is_empty()).then(|| {
        format!(
            "S3 cannot hold its metadata {}; it stays in the archive, in photos/index.json",
            left_out.join(", ")
        )
    })
}

/// Headers, and the names of what can be none.
fn split(photo: &IndexedPhoto) -> (Vec<(HeaderName, String)>, Vec<String>) {
    let (mut headers, mut left_out) = (Vec::new(), Vec::new());
    let mut add = |name: &str, header: Option<HeaderName>, value: Option<String>| match (
        header,
        value.filter(|value| HeaderValue::from_str(value).is_ok_and(|value| value.to_str().is_ok())),
    ) {
        // Names of metadata are those of headers, in which case does not count.
        (Some(header), Some(value)) if headers.iter().all(|(other, _)| *other != header) => {
            headers.push((header, value));
        }
        _ => left_out.push(name.to_owned()),
    };
    if let Some(kind) = &photo.content_type {
        add("content_type", Some(header::CONTENT_TYPE), Some(kind.to_string()));
    }
    for (name, value) in &photo.http_metadata.read() {
        let header = KEPT.iter().find(|(.., kept)| kept == name).map(|(header, ..)| header.clone());
        if name == EXPIRY {
            add(name, Some(header::EXPIRES), value.as_str().and_then(http_date));
        } else {
            add(name, header, value.as_str().map(str::to_owned));
        }
    }
    for (name, value) in &photo.custom_metadata.read() {
        let header = HeaderName::try_from(format!("{CUSTOM}{name}")).ok();
        add(name, header, value.as_str().map(encoded_words::encode));
    }
    (headers, left_out)
}

/// As RFC 9110, section 5.6.7, wants it.
fn http_date(instant: &str) -> Option<String> {
    let instant = DateTime::parse_from_rfc3339(instant).ok()?.to_utc();
    Some(instant.format("%a, %d %b %Y %H:%M:%S GMT").to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::{Value, json};

    use super::*;

    fn photo(http_metadata: Value, custom_metadata: Value) -> IndexedPhoto {
        let entry = json!({ "key": "a.jpg", "path": "photos/a.jpg", "size": 1, "sha256": "", "artwork_ids": [],
            "content_type": "image/jpeg", "http_metadata": http_metadata, "custom_metadata": custom_metadata });
        serde_json::from_str(&entry.to_string()).unwrap()
    }

    #[test]
    fn what_the_store_knew_becomes_headers() {
        let known = json!({ "cache_control": "max-age=60", "cache_expiry": "2030-01-02T03:04:05Z" });
        let photo = photo(known, json!({ "camera": "X100", "note": "Grüße" }));
        let headers = headers(&photo);
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let expected = [
            ("content-type", "image/jpeg"),
            ("cache-control", "max-age=60"),
            ("expires", "Wed, 02 Jan 2030 03:04:05 GMT"),
            ("x-amz-meta-camera", "X100"),
            ("x-amz-meta-note", "=?UTF-8?B?R3LDvMOfZQ==?="),
        ];
        assert_eq!(headers, expected);
        assert_eq!(left_out(&photo), None);
    }

    #[test]
    fn what_no_header_can_hold_is_named() {
        let known = json!({ "cache_control": "a\nb", "content_disposition": "inline; filename=\"é.jpg\"" });
        let photo = photo(known, json!({ "größe": "1", "OK": "1", "ok": "2" }));
        assert_eq!(headers(&photo)[1..], [("x-amz-meta-ok".parse().unwrap(), "1".to_owned())]);
        assert!(
            left_out(&photo)
                .is_some_and(|words| words.contains("cache_control, content_disposition, größe, ok;"))
        );
    }
}
