//! Opens what the options name: the rows as one snapshot, the photos as one store.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::database::source::{self, Snapshot};
use crate::error::{Error, Result};
use crate::job::{Job, Warning, blocking, counted};
use crate::options::{DatabaseSource, PhotoSource};
use crate::photos::source::PhotoSource as PhotoStore;
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
pub async fn open_store(photos: &PhotoSource, work: &Path) -> Result<Arc<dyn PhotoStore>> {
    match photos.clone() {
        PhotoSource::Directory(path) => Ok(Arc::new(blocking(move || Directory::open(&path)).await?)),
        PhotoSource::Wrangler { state, bucket } => {
            let work = work.to_owned();
            Ok(Arc::new(blocking(move || Wrangler::open(&state, &bucket, &work)).await?))
        }
        PhotoSource::S3(access) => Ok(Arc::new(S3::new(access)?)),
        PhotoSource::R2(bucket) => Ok(Arc::new(R2::new(bucket)?)),
        PhotoSource::PublicUrl(base) => Ok(Arc::new(PublicUrl::new(base)?)),
    }
}

/// Rows refer to photos of ours, and the store has none of them: then it is not their store.
pub fn wrong_store(references: u64) -> Error {
    let found = match references {
        1 => "the only photo that approved rows refer to is not in the store".into(),
        n => format!("none of the {n} photos that approved rows refer to is in the store"),
    };
    let problem = format!(
        "{found}; is it the right one, and does it hold the keys from their first folder on (originals/…)?"
    );
    Error::SourceUnreachable { what: "the photos".into(), problem, source: None }
}

/// Says how long so many photos take at least, where the store answers only so many requests in a time.
pub fn slow_store(photos: u64, time: Duration) -> Warning {
    let message = format!(
        "reading {} will take at least {}: each is one of the 1,200 requests that Cloudflare's API answers in five \
         minutes; with credentials for S3 (photos.s3) there is no such limit",
        counted(photos, "photo", "photos"),
        counted(time.as_secs().div_ceil(60), "minute", "minutes"),
    );
    Warning::new("PHOTOS_TAKE_LONG", message)
}
