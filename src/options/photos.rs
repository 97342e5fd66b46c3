//! Where photos are: the options, and what is checked of them before anything is asked of a server.

use std::path::PathBuf;

use url::Url;

use super::checks::{bucket_name, credential, name, only_source, path, state, web_address};
use super::cloudflare::AccountOptions;
use crate::cloudflare::API;
use crate::error::Result;
use crate::photos::s3::{Access, REGION};
use crate::photos::source::r2::R2Bucket;
use crate::secret::Secret;

/// Where the photo bytes are. Exactly one member is set.
#[derive(Debug, Clone, Default)]
pub struct PhotoOptions {
    /// A folder of files whose relative path is the R2 key.
    pub directory: Option<PathBuf>,
    /// A bucket of R2 or any other S3 store.
    pub s3: Option<S3Options>,
    /// A URL below which keys are served.
    pub public_url: Option<String>,
    /// A bucket in wrangler's local state.
    pub wrangler: Option<LocalBucket>,
    /// A bucket of R2, with a token of its account.
    pub r2: Option<RemoteBucket>,
}

/// A bucket of R2, with a token of its account.
#[derive(Debug, Clone, Default)]
pub struct RemoteBucket {
    /// Its account; the token needs the permission "Workers R2 Storage: Read".
    pub account: AccountOptions,
    /// The bucket's name.
    pub bucket: String,
}

/// A bucket in wrangler's local state.
#[derive(Debug, Clone, Default)]
pub struct LocalBucket {
    /// The bucket's name.
    pub bucket: String,
    /// The folder of the state; default `.wrangler/state/v3`.
    pub state_dir: Option<PathBuf>,
}

/// A bucket and the credentials to it.
#[derive(Debug, Clone, Default)]
pub struct S3Options {
    /// `https://<account>.r2.cloudflarestorage.com` or any other.
    pub endpoint: String,
    /// The bucket's name.
    pub bucket: String,
    /// Access key id.
    pub access_key_id: Secret,
    /// Secret access key.
    pub secret_access_key: Secret,
    /// Region; default `auto`.
    pub region: Option<String>,
}

/// Where photos come from, checked.
#[derive(Debug, Clone)]
pub enum PhotoSource {
    /// A folder.
    Directory(PathBuf),
    /// A bucket.
    S3(Access),
    /// A URL below which keys are served; its path ends in `/`.
    PublicUrl(Url),
    /// A bucket in wrangler's local state.
    Wrangler {
        /// The folder of the state.
        state: PathBuf,
        /// The bucket's name.
        bucket: String,
    },
    /// A bucket of R2, with a token of its account.
    R2(R2Bucket),
}

impl PhotoOptions {
    /// Fails unless exactly one source is named.
    pub fn check(self) -> Result<PhotoSource> {
        let PhotoOptions { directory, s3, public_url, wrangler, r2 } = self;
        let mut sources = Vec::new();
        sources.extend(directory.map(|given| path("photos.directory", given).map(PhotoSource::Directory)));
        sources.extend(s3.map(|given| given.check("photos.s3").map(PhotoSource::S3)));
        sources.extend(wrangler.map(LocalBucket::check));
        sources.extend(r2.map(|given| given.check().map(PhotoSource::R2)));
        sources.extend(public_url.map(|given| base_url(&given).map(PhotoSource::PublicUrl)));
        let members = "set one of its members, such as photos.directory, or leave photos out";
        only_source("photos", members, sources)
    }
}

impl LocalBucket {
    fn check(self) -> Result<PhotoSource> {
        Ok(PhotoSource::Wrangler {
            state: state("photos.wrangler", self.state_dir)?,
            bucket: name("photos.wrangler.bucket", self.bucket)?,
        })
    }
}

impl RemoteBucket {
    fn check(self) -> Result<R2Bucket> {
        let access = self.account.check("photos.r2")?;
        // Whoever stands in for Cloudflare's API does not for its S3.
        let s3_endpoint =
            (access.api == API).then(|| format!("https://{}.r2.cloudflarestorage.com", access.account_id));
        Ok(R2Bucket { bucket: bucket_name("photos.r2.bucket", self.bucket)?, access, s3_endpoint })
    }
}

impl S3Options {
    /// Fails when a request to the bucket could not even be made. `option` is its name, such as `photos.s3`.
    pub fn check(self, option: &str) -> Result<Access> {
        let endpoint = web_address(&format!("{option}.endpoint"), &self.endpoint)?;
        Ok(Access {
            endpoint: endpoint.as_str().trim_end_matches('/').to_owned(),
            bucket: bucket_name(&format!("{option}.bucket"), self.bucket)?,
            access_key_id: credential(&format!("{option}.accessKeyId"), self.access_key_id.expose())?.into(),
            secret_access_key: credential(
                &format!("{option}.secretAccessKey"),
                self.secret_access_key.expose(),
            )?
            .into(),
            region: match self.region {
                None => REGION.to_owned(),
                Some(region) => credential(&format!("{option}.region"), &region)?,
            },
        })
    }
}

fn base_url(given: &str) -> Result<Url> {
    let mut url = web_address("photos.publicUrl", given)?;
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}
