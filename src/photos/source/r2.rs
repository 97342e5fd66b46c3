//! Photos in a bucket of R2, with nothing but an account's API token.
//!
//! Most tokens that may read R2 are credentials for S3 as well, which takes any number of requests: that is tried
//! first. Where it does not work, Cloudflare's REST API is asked, one request of its budget for each photo.

use std::sync::OnceLock;
use std::time::Duration;

use async_trait::async_trait;

use super::s3::S3;
use super::{ByteStream, Content, GetError, Listing, PhotoStore, StoredPhoto};
use crate::cloudflare::{Access, Cloudflare};
use crate::error::{Error, Result};
use crate::job::Job;
use crate::photos::s3;

mod credentials;
mod rest;

use rest::Rest;

/// A bucket of an account.
#[derive(Debug, Clone)]
pub struct R2Bucket {
    /// The account and the token, which needs the permission "Workers R2 Storage: Read".
    pub access: Access,
    /// The bucket's name: one part of a path.
    pub bucket: String,
    /// Where the account's buckets are served by S3; None: the REST API alone is asked.
    pub s3_endpoint: Option<String>,
}

/// A bucket of photos.
pub struct R2 {
    account: R2Bucket,
    rest: Rest,
    /// Set when the listing came by S3: then the photos do, too.
    s3: OnceLock<S3>,
}

impl R2 {
    /// The bucket; nothing is asked yet.
    pub fn new(account: R2Bucket) -> Result<Self> {
        let client = Cloudflare::new(account.access.clone())?;
        let rest = Rest::new(client, &account.access.account_id, &account.bucket);
        Ok(R2 { account, rest, s3: OnceLock::new() })
    }

    /// The listing by S3; None when the token is not good for that.
    async fn list_by_s3(&self, job: &Job) -> Result<Option<Listing>> {
        let R2Bucket { access, bucket, s3_endpoint } = &self.account;
        let Some(endpoint) = s3_endpoint.clone() else { return Ok(None) };
        let Some(derived) = credentials::derive(self.rest.client(), access, job).await? else {
            return Ok(None);
        };
        let s3 = S3::new(s3::Access {
            endpoint,
            bucket: bucket.clone(),
            access_key_id: derived.access_key_id,
            secret_access_key: derived.secret_access_key,
            region: s3::REGION.into(),
        })?;
        match s3.list(job).await {
            Ok(listing) => {
                self.s3.get_or_init(|| s3);
                Ok(listing)
            }
            Err(Error::Aborted) => Err(Error::Aborted),
            // Whatever is wrong with it, the API may do; if not, its answer is the one that names the token.
            Err(_) => Ok(None),
        }
    }
}

#[async_trait]
impl PhotoStore for R2 {
    fn kind(&self) -> &'static str {
        "r2"
    }

    fn place(&self) -> String {
        self.rest.place()
    }

    async fn list(&self, job: &Job) -> Result<Option<Listing>> {
        match self.list_by_s3(job).await? {
            Some(listing) => Ok(Some(listing)),
            None => self.rest.list(job).await.map(Some),
        }
    }

    async fn turn(&self) {
        if self.s3.get().is_none() {
            self.rest.client().turn().await;
        }
    }

    fn least_time(&self, photos: u64) -> Option<Duration> {
        let time = self.s3.get().is_none().then(|| self.rest.client().least_time(photos));
        time.filter(|time| !time.is_zero())
    }

    async fn get(&self, key: &str) -> Result<Content, GetError> {
        match self.s3.get() {
            Some(s3) => s3.get(key).await,
            None => self.rest.get(key).await,
        }
    }

    async fn resume(&self, photo: &StoredPhoto, from: u64) -> Result<Option<ByteStream>, GetError> {
        match self.s3.get() {
            Some(s3) => s3.resume(photo, from).await,
            // Parts of an object are not among what the API documents.
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests;
