//! Listing a bucket to its end: ListObjectsV2, page by page.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use percent_encoding::percent_decode_str;
use serde::Deserialize;

use super::trouble::code;
use super::{Bucket, Call, S3Error, refused};
use crate::error::{Error, Result};
use crate::http::{retry_after, whole};
use crate::job::Job;
use crate::photos::source::pages::{Next, Pages, Size};
use crate::photos::source::{GetError, ListProblem, Listing, PhotoMetadata, StoredPhoto, etag};
use crate::retry::Retries;

/// A page of 1,000 keys of 1,024 bytes each, every byte of them percent-encoded, is below 8 MiB.
const MAX_PAGE: usize = 8 << 20;

/// An answer, by its root: what looks like a page without any photo may be no listing at all.
#[derive(Deserialize)]
enum Document {
    ListBucketResult(Page),
    Error,
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    #[serde(default)]
    contents: Vec<Object>,
    is_truncated: Option<bool>,
    next_continuation_token: Option<String>,
    encoding_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Object {
    key: String,
    size: Size,
    #[serde(rename = "ETag")]
    etag: Option<String>,
    last_modified: Option<DateTime<Utc>>,
}

/// Everything a bucket holds. A page that fails is asked for again; a bucket that is not there, refuses us or fails
/// for good is an error.
pub async fn list(bucket: &Bucket, job: &Job) -> Result<Listing> {
    let (mut listing, mut pages) = (Listing::default(), Pages::default());
    let mut token: Option<String> = None;
    loop {
        let page = page(bucket, token.as_deref(), job).await?;
        let next = Next::of(page.is_truncated, page.next_continuation_token.as_deref());
        let first = page.contents.first().map(|object| object.key.as_str());
        token = pages.turn(first, next).map_err(|problem| Error::SourceUnreachable {
            what: bucket.place(),
            problem: problem.into(),
            source: None,
        })?;
        let encoded = page.encoding_type.as_deref() == Some("url");
        for object in page.contents {
            match object.describe(encoded) {
                Ok(photo) => Arc::make_mut(&mut listing.photos).push(photo),
                Err(problem) => listing.problems.push(problem),
            }
        }
        if token.is_none() {
            break;
        }
    }
    listing.sort();
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
    let response = bucket.request(Call { query: &query, ..Call::default() }).await?;
    let (status, retry_after) = (response.status().as_u16(), retry_after(response.headers()));
    let body = whole(response.into_body(), MAX_PAGE).await?;
    // Half an answer, as when a proxy cut it, looks like broken XML.
    match quick_xml::de::from_reader(body.as_ref()).map_err(|_| S3Error::Unreadable)? {
        Document::ListBucketResult(page) => Ok(page),
        // As after an answer that began before it failed.
        Document::Error => Err(S3Error::Answer { status, code: code(&body), retry_after }),
        Document::Other => Err(S3Error::Unreadable),
    }
}

impl Object {
    fn describe(self, encoded: bool) -> Result<StoredPhoto, ListProblem> {
        let key = if encoded { decode(&self.key)? } else { self.key };
        Ok(StoredPhoto {
            key: key.into(),
            size: self.size.0,
            etag: self.etag.as_deref().map(etag::opaque),
            md5: self.etag.as_deref().and_then(etag::md5),
            last_modified: self.last_modified,
            content_type: None,
            http_metadata: PhotoMetadata::default(),
            custom_metadata: PhotoMetadata::default(),
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

    fn page(xml: &str) -> Option<Page> {
        match quick_xml::de::from_reader(xml.as_bytes()) {
            Ok(Document::ListBucketResult(page)) => Some(page),
            _ => None,
        }
    }

    #[test]
    fn a_page_is_read_with_every_legal_key() {
        let xml = r#"<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name>
<Contents><Key>a%2F%2Fb+c%2B%C3%A9%23%09.jpg</Key><LastModified>2025-09-04T14:30:22.123Z</LastModified>
<ETag>&quot;5d41402abc4b2a76b9719d911017c592&quot;</ETag><Size>5</Size><StorageClass>STANDARD</StorageClass></Contents>
<Contents><Key>%FF</Key><LastModified>2025-09-04T14:30:22Z</LastModified><Size>0</Size></Contents>
<IsTruncated>true</IsTruncated><NextContinuationToken>abc</NextContinuationToken><EncodingType>url</EncodingType>
</ListBucketResult>"#;
        let page = page(xml).unwrap();
        assert_eq!(page.is_truncated, Some(true));
        let mut contents = page.contents.into_iter();
        let photo = contents.next().unwrap().describe(true).unwrap();
        assert_eq!(&*photo.key, "a//b c+é#\t.jpg");
        assert_eq!(photo.etag.as_deref(), Some("5d41402abc4b2a76b9719d911017c592"));
        assert_eq!(photo.last_modified.unwrap().timestamp_subsec_millis(), 123);
        assert_eq!(contents.next().unwrap().describe(true).unwrap_err().key, "%FF");
    }

    #[test]
    fn an_empty_bucket_is_a_page_too() {
        let page = page("<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>").unwrap();
        assert!(page.contents.is_empty() && page.is_truncated.is_none());
    }

    #[test]
    fn a_document_of_another_root_or_with_what_cannot_be_is_none() {
        assert!(
            page("<x:ListBucketResult xmlns:x='y'><x:KeyCount>0</x:KeyCount></x:ListBucketResult>").is_some()
        );
        for other in [
            "",
            "soon",
            "<Error><Code>InternalError</Code></Error>",
            "<!DOCTYPE html><html><body><p>soon</p></body></html>",
            "<ListBucketResult><KeyCount>0</KeyCount>",
            "<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>",
            "<ListBucketResult><Contents><Key>a</Key><Size>18446744073709551615</Size></Contents></ListBucketResult>",
        ] {
            assert!(page(other).is_none(), "{other}");
        }
    }
}
