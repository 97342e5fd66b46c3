//! Photos in a bucket of R2 or any other S3 store.

use async_trait::async_trait;

use super::headers::{checked, goes_on};
use super::listed::Listed;
use super::{ByteStream, Content, GetError, Listing, PhotoStore, StoredPhoto};
use crate::error::Result;
use crate::job::Job;
use crate::photos::s3::listing::list;
use crate::photos::s3::{Access, Bucket};

/// A bucket of photos.
pub struct S3 {
    bucket: Bucket,
    listed: Listed,
}

impl S3 {
    /// The bucket; nothing is asked yet.
    pub fn new(access: Access) -> Result<Self> {
        Ok(S3 { bucket: Bucket::new(access)?, listed: Listed::default() })
    }
}

#[async_trait]
impl PhotoStore for S3 {
    fn kind(&self) -> &'static str {
        "s3"
    }

    fn place(&self) -> String {
        self.bucket.place()
    }

    async fn list(&self, job: &Job) -> Result<Option<Listing>> {
        let listing = list(&self.bucket, job).await?;
        self.listed.keep(&listing);
        Ok(Some(listing))
    }

    async fn get(&self, key: &str) -> Result<Content, GetError> {
        let response = self.bucket.get(key, 0, None).await.map_err(|error| GetError::from(&error))?;
        let photo = self.listed.describe(key, response.status(), response.headers())?;
        Ok(Content::Stream(Box::new(photo), checked(response.into_body())))
    }

    async fn resume(&self, photo: &StoredPhoto, from: u64) -> Result<Option<ByteStream>, GetError> {
        let Some(etag) = photo.etag.as_deref() else { return Ok(None) };
        let response =
            self.bucket.get(&photo.key, from, Some(etag)).await.map_err(|error| GetError::from(&error))?;
        if !goes_on(response.status(), response.headers(), photo, from) {
            return Ok(None);
        }
        Ok(Some(checked(response.into_body())))
    }
}
