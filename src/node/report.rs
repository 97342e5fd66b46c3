//! What a job tells JavaScript: progress while it runs, a result at its end.
//!
//! Counts and bytes are numbers (see [`number`]).

use napi_derive::napi;

use super::metadata::BackupMetadata;
use crate::backup::BackupReport;
use crate::job::{self, Phase};

/// How far a job is.
#[napi(object, object_from_js = false)]
pub struct Progress {
    /// The stage: getting one consistent state of the database, writing its rows, copying photos, writing the end of
    /// the archive, reading back what was written. A database that breaks its own rules may be gone through twice,
    /// so that phases come again. A restore reads its archive first (`verify`), and compares the rows in `database`.
    #[napi(ts_type = "'snapshot' | 'database' | 'photos' | 'finish' | 'verify'")]
    pub phase: &'static str,
    /// Units done in this phase: tables, photos, entries.
    pub done: i64,
    /// Units in all; absent while unknown.
    pub total: Option<i64>,
    /// Bytes done in this phase.
    pub bytes: i64,
    /// Bytes in all; absent while unknown.
    pub total_bytes: Option<i64>,
    /// What is being worked on, such as the name of a table; never a private value.
    pub item: Option<String>,
    /// Seconds that this phase takes at least, told when it begins; absent unless the source of the photos answers
    /// only so many requests in a time, as `photos.r2` may.
    pub least_seconds: Option<i64>,
}

/// Something the operator should know though the job went on.
#[napi(object, object_from_js = false)]
pub struct Warning {
    /// Stable, in upper case with underscores, for programs.
    pub code: String,
    /// What it means and what to do, for people.
    pub message: String,
    /// What it is about: `table.column`, a table or a photo's key; absent when it is about the whole.
    pub subject: Option<String>,
}

/// The archive that was made.
#[napi(object, object_from_js = false)]
pub struct BackupResult {
    /// `backup-YYYY-MM-DD-HHMMSS.zip`, in UTC.
    pub filename: String,
    /// Where it is, absolute.
    pub path: String,
    /// Its size in bytes.
    pub size: i64,
    /// SHA-256 of the whole file, lower-case hex.
    pub sha256: String,
    /// False when something that the store holds, or does not deny holding, was not copied: see
    /// `metadata.photos.missing`. Foreign and dangling references are warnings and leave it true.
    pub complete: bool,
    /// How long the job took, in milliseconds.
    pub duration_ms: i64,
    /// Photos taken from the archive in `reuseFrom` instead of fetched.
    pub reused_photos: i64,
    /// metadata.json of the archive, parsed.
    pub metadata: BackupMetadata,
    /// What the operator should know; the same as in `metadata`.
    pub warnings: Vec<Warning>,
}

/// A count as JavaScript has it: below 2^53 it is exact, and a BigInt would break `JSON.stringify`. What an archive or a
/// store lies about may be more than fits.
pub fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl From<job::Progress> for Progress {
    fn from(progress: job::Progress) -> Self {
        Progress {
            phase: match progress.phase {
                Phase::Snapshot => "snapshot",
                Phase::Database => "database",
                Phase::Photos => "photos",
                Phase::Finish => "finish",
                Phase::Verify => "verify",
            },
            done: number(progress.done),
            total: progress.total.map(number),
            bytes: number(progress.bytes),
            total_bytes: progress.total_bytes.map(number),
            item: progress.item,
            least_seconds: progress.least.map(|time| number(time.as_secs())),
        }
    }
}

impl From<job::Warning> for Warning {
    fn from(warning: job::Warning) -> Self {
        Warning { code: warning.code, message: warning.message, subject: warning.subject }
    }
}

impl From<BackupReport> for BackupResult {
    fn from(report: BackupReport) -> Self {
        BackupResult {
            filename: report.filename,
            path: report.path.to_string_lossy().into_owned(),
            size: number(report.size),
            sha256: report.sha256,
            complete: report.complete,
            duration_ms: number(report.duration_ms),
            reused_photos: number(report.reused_photos),
            metadata: report.metadata.into(),
            warnings: report.warnings.into_iter().map(Into::into).collect(),
        }
    }
}
