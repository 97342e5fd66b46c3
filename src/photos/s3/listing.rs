//! Listing a bucket to its end: ListObjectsV2, page by page.

use chrono::{DateTime, Utc};
use http::Method;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::Map;

use super::{Bucket, S3Error, refused};
use crate::error::{Error, Result};
use crate::http::{Failure, whole};
use crate::job::Job;
use crate::photos::source::{GetError, ListProblem, Listing, StoredPhoto};
use crate::retry::Retries;

/// A page of 1,000 keys of 1,024 bytes each, every byte of them percent-encoded, is below 8 MiB.
const PAGE_LIMIT: usize = 8 << 20;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    #[serde(default)]
    contents: Vec<Object>,
    #[serde(default)]
    is_truncated: bool,
    next_continuation_token: Option<String>,
    encoding_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Object {
    key: String,
    size: u64,
    #[serde(rename = "ETag")]
    etag: Option<String>,
    last_modified: Option<DateTime<Utc>>,
}

/// Everything a bucket holds. A page that fails is asked for again; a bucket that is not there, refuses us or fails
/// for good is an error.
pub async fn list(bucket: &Bucket, job: &Job) -> Result<Listing> {
    let mut listing = Listing::default();
    let mut token: Option<String> = None;
    loop {
        let page = page(bucket, token.as_deref(), job).await?;
        let encoded = page.encoding_type.as_deref() == Some("url");
        for object in page.contents {
            match object.describe(encoded) {
                Ok(photo) => listing.photos.push(photo),
                Err(problem) => listing.problems.push(problem),
            }
        }
        if !page.is_truncated {
            break;
        }
        if page.next_continuation_token.is_none() || page.next_continuation_token == token {
            let problem = "it says that its listing goes on, and not where".into();
            return Err(Error::SourceUnreachable { what: bucket.place(), problem, source: None });
        }
        token = page.next_continuation_token;
    }
    // Not every store keeps to the order of bytes.
    listing.photos.sort_by(|a, b| a.key.cmp(&b.key));
    listing.photos.dedup_by(|a, b| a.key == b.key);
    Ok(listing)
}

async fn page(bucket: &Bucket, token: Option<&str>, job: &Job) -> Result<Page> {
    let mut retries = Retries::new();
    loop {
        let asked = job.stop_token().run_until_cancelled(ask(bucket, token)).await;
        let error = match asked.ok_or(Error::Aborted)? {
            Ok(page) => return Ok(page),
            Err(error) => error,
        };
        let Some(pause) = retries.pause(GetError::from(&error)) else {
            return Err(refused(bucket.place(), "list and read", error));
        };
        job.stop_token().run_until_cancelled(tokio::time::sleep(pause)).await.ok_or(Error::Aborted)?;
    }
}

async fn ask(bucket: &Bucket, token: Option<&str>) -> Result<Page, S3Error> {
    let mut query = vec![("encoding-type", "url"), ("list-type", "2")];
    query.extend(token.map(|token| ("continuation-token", token)));
    // Signed in the order of names.
    query.sort_unstable();
    let response = bucket.request(Method::GET, None, &query, &[], bytes::Bytes::new()).await?;
    let body = whole(response.into_body(), PAGE_LIMIT).await?;
    // Half an answer, as when a proxy cut it, looks like broken XML.
    quick_xml::de::from_reader(body.as_ref()).map_err(|error| S3Error::Network(Failure::Broken(error.into())))
}

impl Object {
    fn describe(self, encoded: bool) -> Result<StoredPhoto, ListProblem> {
        let key = if encoded { decode(&self.key)? } else { self.key };
        Ok(StoredPhoto {
            key,
            size: self.size,
            etag: self.etag.map(|etag| etag.trim_matches('"').to_owned()),
            last_modified: self.last_modified,
            content_type: None,
            http_metadata: Map::new(),
            custom_metadata: Map::new(),
        })
    }
}

/// A key as `encoding-type=url` gives it: percent-encoded, with `+` for a space.
fn decode(encoded: &str) -> Result<String, ListProblem> {
    let spaced = encoded.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8();
    decoded
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| ListProblem { key: encoded.to_owned(), error: GetError::Unreadable })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_page_is_read_with_every_legal_key() {
        let xml = br#"<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name>
<Contents><Key>a%2F%2Fb+c%2B%C3%A9%23%09.jpg</Key><LastModified>2025-09-04T14:30:22.123Z</LastModified>
<ETag>&quot;5d41402abc4b2a76b9719d911017c592&quot;</ETag><Size>5</Size><StorageClass>STANDARD</StorageClass></Contents>
<Contents><Key>%FF</Key><LastModified>2025-09-04T14:30:22Z</LastModified><Size>0</Size></Contents>
<IsTruncated>true</IsTruncated><NextContinuationToken>abc</NextContinuationToken><EncodingType>url</EncodingType>
</ListBucketResult>"#;
        let page: Page = quick_xml::de::from_reader(xml.as_ref()).unwrap();
        assert!(page.is_truncated);
        let mut contents = page.contents.into_iter();
        let photo = contents.next().unwrap().describe(true).unwrap();
        assert_eq!(photo.key, "a//b c+é#\t.jpg");
        assert_eq!(photo.etag.as_deref(), Some("5d41402abc4b2a76b9719d911017c592"));
        assert_eq!(photo.last_modified.unwrap().timestamp_subsec_millis(), 123);
        assert_eq!(contents.next().unwrap().describe(true).unwrap_err().key, "%FF");
    }

    #[test]
    fn an_empty_bucket_is_a_page_too() {
        let page: Page =
            quick_xml::de::from_str("<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>").unwrap();
        assert!(page.contents.is_empty() && !page.is_truncated);
    }
}
