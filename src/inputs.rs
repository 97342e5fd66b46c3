//! Opens what the options name: the rows as one snapshot, the photos as one store.

use std::path::Path;
use std::sync::Arc;

use crate::database::source::{self, Snapshot};
use crate::error::{Error, Result};
use crate::job::{Job, blocking};
use crate::options::{DatabaseSource, PhotoSource};
use crate::photos::source::PhotoSource as PhotoStore;
use crate::photos::source::directory::Directory;

/// Takes one consistent state of the database; the phase `snapshot`. Blocks. What it needs meanwhile lies in `work`.
pub fn take_snapshot(database: &DatabaseSource, work: &Path, job: &Job) -> Result<Snapshot> {
    match database {
        DatabaseSource::File(path) => source::file::open(path, work, job),
        DatabaseSource::Sql(path) => source::sql::open(path, work, job),
    }
}

/// Opens the store of photos; nothing is listed or fetched yet.
pub async fn open_store(photos: &PhotoSource) -> Result<Arc<dyn PhotoStore>> {
    match photos.clone() {
        PhotoSource::Directory(path) => Ok(Arc::new(blocking(move || Directory::open(&path)).await?)),
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
