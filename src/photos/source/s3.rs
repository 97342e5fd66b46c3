//! Photos in a bucket of R2 or any other S3 store.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures::StreamExt;
use http::{HeaderMap, StatusCode, header};
use serde_json::{Map, Value};

use super::{ByteStream, Content, GetError, Listing, PhotoSource, StoredPhoto};
use crate::error::Result;
use crate::http::{Failure, Pieces, pieces};
use crate::job::Job;
use crate::photos::s3::listing::list;
use crate::photos::s3::{Access, Bucket};

/// Headers that R2 keeps with an object, and their names in photos/index.json.
const KEPT: [(header::HeaderName, &str); 4] = [
    (header::CACHE_CONTROL, "cache_control"),
    (header::CONTENT_DISPOSITION, "content_disposition"),
    (header::CONTENT_ENCODING, "content_encoding"),
    (header::CONTENT_LANGUAGE, "content_language"),
];
const CUSTOM: &str = "x-amz-meta-";

/// A bucket of photos.
pub struct S3 {
    bucket: Bucket,
}

impl S3 {
    /// The bucket; nothing is asked yet.
    pub fn new(access: Access) -> Result<Self> {
        Ok(S3 { bucket: Bucket::new(access)? })
    }
}

#[async_trait]
impl PhotoSource for S3 {
    fn kind(&self) -> &'static str {
        "s3"
    }

    fn place(&self) -> String {
        self.bucket.place()
    }

    async fn list(&self, job: &Job) -> Result<Option<Listing>> {
        list(&self.bucket, job).await.map(Some)
    }

    async fn get(&self, key: &str) -> Result<Content, GetError> {
        let response = self.bucket.get(key, 0, None).await.map_err(|error| GetError::from(&error))?;
        let photo = describe(key, response.headers()).ok_or(GetError::BadLength)?;
        Ok(Content::Stream(Box::new(photo), checked(pieces(response.into_body()))))
    }

    async fn resume(&self, photo: &StoredPhoto, from: u64) -> Result<Option<ByteStream>, GetError> {
        let Some(etag) = photo.etag.as_deref() else { return Ok(None) };
        let response =
            self.bucket.get(&photo.key, from, Some(etag)).await.map_err(|error| GetError::from(&error))?;
        if !goes_on(response.status(), response.headers(), from, photo.size) {
            return Ok(None);
        }
        Ok(Some(checked(pieces(response.into_body()))))
    }
}

/// Whether an answer holds exactly the bytes of a photo from `from` on.
pub(super) fn goes_on(status: StatusCode, headers: &HeaderMap, from: u64, size: u64) -> bool {
    let range = headers.get(header::CONTENT_RANGE).and_then(|value| value.to_str().ok());
    status == StatusCode::PARTIAL_CONTENT
        && range == Some(format!("bytes {from}-{}/{size}", size.saturating_sub(1)).as_str())
}

/// Pieces whose failures are those of a photo.
pub(super) fn checked(pieces: Pieces) -> ByteStream {
    pieces
        .map(|piece| {
            piece.map_err(|failure| match failure {
                Failure::Timeout => GetError::Timeout,
                Failure::Forbidden => GetError::Refused,
                Failure::Broken(_) => GetError::Unreachable,
            })
        })
        .boxed()
}

/// What the headers of an answer say of a photo; None when they do not say how long it is.
pub(super) fn describe(key: &str, headers: &HeaderMap) -> Option<StoredPhoto> {
    let text = |name: &header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let size = text(&header::CONTENT_LENGTH)?.parse().ok()?;
    let mut http_metadata: Map<String, Value> =
        KEPT.iter().filter_map(|(header, name)| Some(((*name).to_owned(), text(header)?.into()))).collect();
    if let Some(expiry) = text(&header::EXPIRES).and_then(instant) {
        http_metadata.insert(
            "cache_expiry".into(),
            expiry.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true).into(),
        );
    }
    http_metadata.sort_keys();
    let mut custom_metadata: Map<String, Value> = headers
        .iter()
        .filter_map(|(name, value)| {
            let name = name.as_str().strip_prefix(CUSTOM)?;
            // R2 gives what is not ASCII as RFC 2047 has it, others as UTF-8.
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            Some((name.to_owned(), value.into()))
        })
        .collect();
    custom_metadata.sort_keys();
    let etag =
        text(&header::ETAG).map(|etag| etag.strip_prefix("W/").unwrap_or(etag).trim_matches('"').to_owned());
    Some(StoredPhoto {
        key: key.to_owned(),
        size,
        etag,
        last_modified: text(&header::LAST_MODIFIED).and_then(instant),
        content_type: text(&header::CONTENT_TYPE).map(str::to_owned),
        http_metadata,
        custom_metadata,
    })
}

fn instant(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc2822(text).ok().map(|instant| instant.to_utc())
}
