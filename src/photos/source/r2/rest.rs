//! Cloudflare's REST API for the objects of a bucket: pages of a thousand, then one request for each object.
//! (<https://developers.cloudflare.com/api/resources/r2/subresources/buckets/>)

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::Method;
use percent_encoding::utf8_percent_encode;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::cloudflare::{Answer, ApiError, Call, Cloudflare, refused};
use crate::error::{Error, Result};
use crate::http::{PATH, SEGMENT};
use crate::job::Job;
use crate::photos::source::headers::checked;
use crate::photos::source::listed::Listed;
use crate::photos::source::pages::{Next, Pages, Size};
use crate::photos::source::{
    Content, GetError, Listing, PhotoMetadata, StoredPhoto, etag, has_dot_segment, metadata,
};
use crate::retry::Setback;

/// What Cloudflare calls the permission.
const PERMISSION: &str = "Workers R2 Storage: Read";
/// Codes of a bucket and of a key that are not there.
const NO_BUCKET: i64 = 10006;
const NO_KEY: i64 = 10007;
/// A thousand objects with all the metadata that R2 takes, every character of it escaped, is below 64 MiB.
const MAX_PAGE: usize = 64 << 20;

/// The objects of a bucket.
pub(super) struct Rest {
    client: Cloudflare,
    account_id: String,
    bucket: String,
    /// `accounts/<account>/r2/buckets/<bucket>/objects`
    path: String,
    listed: Listed,
}

#[derive(Deserialize)]
struct Object {
    key: String,
    size: Size,
    etag: Option<String>,
    last_modified: Option<DateTime<Utc>>,
    http_metadata: Option<Map<String, Value>>,
    custom_metadata: Option<Map<String, Value>>,
}

impl Rest {
    pub(super) fn new(client: Cloudflare, account_id: &str, bucket: &str) -> Self {
        let path = format!("r2/buckets/{}/objects", utf8_percent_encode(bucket, SEGMENT));
        Rest {
            path: client.in_account(&path),
            client,
            account_id: account_id.into(),
            bucket: bucket.into(),
            listed: Listed::default(),
        }
    }

    pub(super) fn client(&self) -> &Cloudflare {
        &self.client
    }

    pub(super) fn place(&self) -> String {
        format!("the bucket {:?} of the Cloudflare account {}", self.bucket, self.account_id)
    }

    /// Everything the bucket holds. A page that fails is asked for again.
    pub(super) async fn list(&self, job: &Job) -> Result<Listing> {
        let (mut listing, mut pages) = (Listing::default(), Pages::default());
        let mut cursor: Option<String> = None;
        loop {
            let page = self.page(cursor.as_deref(), job).await?;
            let next = next(&page.result_info);
            let first = page.result.first().map(|object| object.key.as_str());
            cursor = pages.turn(first, next).map_err(|problem| self.unreachable(problem))?;
            Arc::make_mut(&mut listing.photos).extend(page.result.into_iter().map(Object::describe));
            if cursor.is_none() {
                break;
            }
        }
        listing.sort();
        self.listed.keep(&listing);
        Ok(listing)
    }

    async fn page(&self, cursor: Option<&str>, job: &Job) -> Result<Answer<Vec<Object>>> {
        let mut path = format!("{}?per_page=1000", self.path);
        if let Some(cursor) = cursor {
            path.push_str("&cursor=");
            path.extend(utf8_percent_encode(cursor, SEGMENT));
        }
        let call = Call { method: Method::GET, path: &path, body: Bytes::new(), limit: MAX_PAGE };
        self.client.call(&call, job).await?.map_err(|error| match error {
            ApiError::Refused { code: NO_BUCKET, .. } => self.unreachable(
                "the account has no such bucket; check its name and the account id. A bucket of a jurisdiction is read by \
                 S3, with credentials of its own",
            ),
            error => refused(self.place(), PERMISSION, error),
        })
    }

    fn unreachable(&self, problem: &str) -> Error {
        Error::SourceUnreachable { what: self.place(), problem: problem.into(), source: None }
    }

    /// Opens an object. The request's turn was taken before.
    pub(super) async fn get(&self, key: &str) -> Result<Content, GetError> {
        if has_dot_segment(key) {
            return Err(GetError::Unaddressable);
        }
        let path = format!("{}/{}", self.path, utf8_percent_encode(key, PATH));
        let call = Call { method: Method::GET, path: &path, body: Bytes::new(), limit: 0 };
        let response = self.client.send(&call).await.map_err(|error| GetError::from(&error))?;
        let photo = self.listed.describe(key, response.status(), response.headers())?;
        // Headers of the API, not of the object: those are in the listing.
        let photo = StoredPhoto {
            http_metadata: PhotoMetadata::default(),
            custom_metadata: PhotoMetadata::default(),
            ..photo
        };
        Ok(Content::Stream(Box::new(photo), checked(response.into_body())))
    }
}

impl Object {
    fn describe(self) -> StoredPhoto {
        let (content_type, http_metadata) = metadata::headers(self.http_metadata.unwrap_or_default());
        let mut custom_metadata = self.custom_metadata.unwrap_or_default();
        custom_metadata.sort_keys();
        StoredPhoto {
            key: self.key.into(),
            size: self.size.0,
            etag: self.etag.as_deref().map(etag::opaque),
            md5: self.etag.as_deref().and_then(etag::md5),
            last_modified: self.last_modified,
            content_type,
            http_metadata: http_metadata.into(),
            custom_metadata: custom_metadata.into(),
        }
    }
}

/// Where a listing goes on, if it does. Whether it does is said as a boolean, and elsewhere as text.
fn next(info: &Value) -> Next<'_> {
    let said = info.get("is_truncated").filter(|said| !said.is_null());
    // Whatever else is said is no end.
    let goes_on = said.map(|said| said.as_bool() != Some(false) && said.as_str() != Some("false"));
    Next::of(goes_on, info.get("cursor").and_then(Value::as_str))
}

impl From<&ApiError> for GetError {
    fn from(error: &ApiError) -> Self {
        match error {
            ApiError::Network(failure) => GetError::from(failure),
            ApiError::Refused { code: NO_KEY, .. } => GetError::NoSuchKey,
            ApiError::Refused { status: 401 | 403, .. } => GetError::Refused,
            ApiError::Refused { status: 412 | 416, .. } => GetError::ChangedWhileRead,
            error => match Setback::from(error) {
                Setback::Busy(retry_after) => GetError::Unavailable { retry_after },
                Setback::Silent => GetError::Timeout,
                Setback::Final => GetError::Unreadable,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_listing_goes_on_where_it_says() {
        let goes_on = Next::At("YS8vYg==");
        assert_eq!(next(&json!({ "is_truncated": true, "cursor": "YS8vYg==" })), goes_on);
        assert_eq!(next(&json!({ "is_truncated": "true", "cursor": "YS8vYg==" })), goes_on);
        assert_eq!(next(&json!({ "cursor": "YS8vYg==" })), goes_on);
        for ended in [
            json!({}),
            json!(null),
            json!({ "cursor": "" }),
            json!({ "is_truncated": false, "cursor": "x" }),
            json!({ "is_truncated": "false", "cursor": "x" }),
        ] {
            assert_eq!(next(&ended), Next::End, "{ended}");
        }
        assert_eq!(next(&json!({ "is_truncated": true, "cursor": "" })), Next::Nowhere);
        for odd in [json!(1), json!("True"), json!({})] {
            assert_eq!(next(&json!({ "is_truncated": odd, "cursor": "YS8vYg==" })), goes_on, "{odd}");
            assert_eq!(next(&json!({ "is_truncated": odd })), Next::Nowhere, "{odd}");
        }
    }

    #[test]
    fn answers_are_told_apart() {
        let answer = |status, code| ApiError::Refused {
            status,
            code,
            hint: crate::cloudflare::Hint::None,
            retry_after: None,
        };
        for (status, code, expected) in [
            (404, NO_KEY, GetError::NoSuchKey),
            (404, NO_BUCKET, GetError::Unreadable),
            // A gateway's page is no denial.
            (404, 0, GetError::Unreadable),
            (401, 10000, GetError::Refused),
            (403, 0, GetError::Refused),
            (429, 971, GetError::Unavailable { retry_after: None }),
            (502, 0, GetError::Unavailable { retry_after: None }),
            (400, 10001, GetError::Unreadable),
        ] {
            assert_eq!(GetError::from(&answer(status, code)), expected, "{status} {code}");
        }
    }
}
