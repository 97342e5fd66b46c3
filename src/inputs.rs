//! Opens what the options name: the rows as one snapshot, the photos as one store.

use std::path::Path;
use std::sync::Arc;

use crate::database::source::{self, Snapshot};
use crate::error::Result;
use crate::job::{Job, blocking, blocking_deep};
use crate::options::{DatabaseSource, PhotoSource};
use crate::photos::source::PhotoStore;
use crate::photos::source::directory::Directory;
use crate::photos::source::public_url::PublicUrl;
use crate::photos::source::r2::R2;
use crate::photos::source::s3::S3;
use crate::photos::source::wrangler::Wrangler;

/// Takes one consistent state of the database; the phase `snapshot`. Blocks. What it needs meanwhile lies in `work`.
pub fn take_snapshot(database: &DatabaseSource, work: &Path, job: &Job) -> Result<Snapshot> {
    let snapshot = match database {
        DatabaseSource::File(path) => source::file::open(path, work, job),
        DatabaseSource::Sql(path) => source::sql::open(path, work, job),
        DatabaseSource::Wrangler { state, id } => source::wrangler::open(state, id, work, job),
        DatabaseSource::D1(d1) => source::d1::open(d1, work, job),
    };
    snapshot?.watched(job)
}

/// Opens the store of photos; nothing is listed or fetched yet. What it needs meanwhile lies in `work`.
pub async fn open_store(photos: &PhotoSource, work: &Path, job: &Job) -> Result<Arc<dyn PhotoStore>> {
    match photos.clone() {
        PhotoSource::Directory(path) => Ok(Arc::new(blocking(move || Directory::open(&path)).await?)),
        PhotoSource::Wrangler { state, bucket } => {
            let (work, job) = (work.to_owned(), job.clone());
            Ok(Arc::new(blocking_deep(move || Wrangler::open(&state, &bucket, &work, &job)).await?))
        }
        PhotoSource::S3(access) => Ok(Arc::new(S3::new(access)?)),
        PhotoSource::R2(bucket) => Ok(Arc::new(R2::new(bucket)?)),
        PhotoSource::PublicUrl(base) => Ok(Arc::new(PublicUrl::new(base)?)),
    }
}
