//! What every job tells JavaScript: progress while it runs, and warnings.
//!
//! Counts and bytes are numbers (see [`number`]).

use napi_derive::napi;

use crate::job::{self, Phase};

/// How far a job is.
#[napi(object, object_from_js = false)]
pub struct Progress {
    /// The stage: getting one consistent state of the database, writing its rows, copying photos, writing the end of
    /// the archive (of a data dump all of it), reading back what was written. A database that breaks its own rules may
    /// be gone through twice, so that phases come again. A restore reads its archive first (`verify`), and loads and
    /// compares the rows in `database`.
    #[napi(ts_type = "'snapshot' | 'database' | 'photos' | 'finish' | 'verify'")]
    pub phase: &'static str,
    /// Units done in this phase: tables (of a data dump records; while D1 is read, rows), photos or entries.
    pub done: i64,
    /// Units in all; absent while unknown.
    pub total: Option<i64>,
    /// Bytes done in this phase.
    pub bytes: i64,
    /// Bytes in all; absent while unknown.
    pub total_bytes: Option<i64>,
    /// What is being worked on, such as the name of a table or an entry, the key of a photo, or in a data dump
    /// `<artwork id>#<n>`; never a private value.
    pub item: Option<String>,
    /// Seconds that this phase takes at least, told when it begins; absent unless the source of the photos answers
    /// only so many requests in a time, as `photos.r2` may.
    pub least_seconds: Option<i64>,
}

/// Something the operator should know though the job went on.
#[napi(object, object_from_js = false)]
pub struct Warning {
    /// Stable, in upper case with underscores, for programs; README.md lists them.
    pub code: String,
    /// What it means and what to do, for people.
    pub message: String,
    /// What it is about: `table.column`, a table or a photo's key; absent when it is about the whole.
    pub subject: Option<String>,
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
