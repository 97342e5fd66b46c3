//! The backup: options in, a verified archive and a report out.

use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::job::{Job, Warning};

pub mod metadata;
pub mod options;

pub use options::BackupOptions;

/// What a backup made.
#[derive(Debug, Clone)]
pub struct BackupReport {
    /// `backup-YYYY-MM-DD-HHMMSS.zip`.
    pub filename: String,
    /// Where it is, absolute.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// Lower-case hex of the whole file.
    pub sha256: String,
    /// Whether everything that the store holds was copied.
    pub complete: bool,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// Photos copied from the earlier backup instead of fetched.
    pub reused_photos: u64,
    /// metadata.json.
    pub metadata: metadata::BackupMetadata,
    /// What the operator should know; the same as in the metadata.
    pub warnings: Vec<Warning>,
}

/// Makes one backup. Nothing appears under the final name unless all of it was read back sound.
pub async fn create_backup(options: BackupOptions, job: Job) -> Result<BackupReport> {
    let settings = options.check()?;
    job.check()?;
    Err(Error::Internal { problem: format!("not wired yet: {settings:?}") })
}
