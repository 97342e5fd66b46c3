//! Restoring as JavaScript sees it.

use napi::bindgen_prelude::{FromNapiValue, JsValue, Object, Unknown};
use napi::{Env, Result};
use napi_derive::napi;

use super::js;
use super::members::{Members, Takes, WATCH, members, nested};
use super::promise::{ProgressCallback, Watcher};
use super::report::{Warning, number};
use super::sources::{S3, S3Bucket};
use crate::restore;
use crate::wrangler::DEFAULT_STATE;

/// Where a backup goes and which part of it; at least one of `database`, `photosDir`, `wrangler` and `s3`. Unknown
/// names are `INVALID_OPTIONS`.
#[napi(object, object_to_js = false)]
pub struct RestoreOptions<'env> {
    /// Path of the SQLite file that is made, mode 0600. One that exists is `TARGET_NOT_EMPTY`. Left out: the rows stay
    /// in the archive.
    #[napi(ts_type = "string | undefined")]
    pub database: Option<String>,
    /// Folder that receives the photos, each under its key, mode 0600; created when missing. A photo that is there
    /// already, byte for byte, is skipped; another file in its place is `TARGET_NOT_EMPTY`. Left out: the photos stay in
    /// the archive.
    #[napi(ts_type = "string | undefined")]
    pub photos_dir: Option<String>,
    /// A D1 database, a bucket of R2 or both as `wrangler dev` keeps them on this machine; stop it before.
    #[napi(ts_type = "LocalTarget | undefined")]
    pub wrangler: Option<LocalTarget>,
    /// The bucket of R2 or any other S3 store that receives the photos, with their headers and metadata, whose names S3
    /// has in lower case. It must exist; the credentials need to list, read and write it. An object that is there
    /// already, byte for byte, is skipped; another one under its key is `TARGET_NOT_EMPTY`.
    #[napi(ts_type = "S3Bucket | undefined")]
    pub s3: Option<S3Bucket>,
    /// The tables that come back, by name; one that the backup has not is `INVALID_OPTIONS`, and so are tables without a
    /// target for rows. Default: all.
    #[napi(ts_type = "Array<string> | undefined")]
    pub tables: Option<Vec<String>>,
    /// Globs of the keys that come back, such as `originals/2025/*`; `*` stands for any text, `/` included. One that no
    /// key is like is a warning; keys without a target for photos are `INVALID_OPTIONS`. Default: all.
    #[napi(ts_type = "Array<string> | undefined")]
    pub keys: Option<Vec<String>>,
    /// Whether to say only what would be done. Everything that can be refused without writing is refused; nothing is
    /// written. Default `false`.
    #[napi(ts_type = "boolean | undefined")]
    pub dry_run: Option<bool>,
    /// Told how far the job is: at most about ten times a second, and always at the end of a phase. Does not keep the
    /// process alive. What it throws is an uncaught exception, as in any other callback.
    #[napi(ts_type = "((progress: Progress) => void) | undefined")]
    pub on_progress: Option<ProgressCallback>,
    /// Ends the job when aborted, also when it is aborted already: `ABORT_ERR`. Photos that were written stay.
    #[napi(ts_type = "AbortSignal | undefined")]
    pub signal: Option<Object<'env>>,
}

/// Where a backup goes in wrangler's local state; at least one of `databaseId` and `bucket`.
#[napi(object, object_to_js = false)]
pub struct LocalTarget {
    /// The id that `wrangler dev` uses: `preview_database_id`, else `database_id`, else the name of the binding. A
    /// database that exists, also an empty one, is `TARGET_NOT_EMPTY`: the message names the file to move away.
    #[napi(ts_type = "string | undefined")]
    pub database_id: Option<String>,
    /// The bucket's name; made when it is missing. An object that is there already, byte for byte, is skipped; another
    /// one under its key is `TARGET_NOT_EMPTY`.
    #[napi(ts_type = "string | undefined")]
    pub bucket: Option<String>,
    /// Folder of the state, made when it is missing. Default `'.wrangler/state/v3'`.
    #[napi(ts_type = "string | undefined")]
    pub state_dir: Option<String>,
}

const LOCAL: Members = Members {
    known: &[&[("databaseId", Takes::String), ("bucket", Takes::String), ("stateDir", Takes::String)]],
    needed: &[],
};
const RESTORE: Members = Members {
    known: &[
        &[
            ("database", Takes::String),
            ("photosDir", Takes::String),
            ("wrangler", Takes::Object),
            ("s3", Takes::Object),
            ("tables", Takes::Texts),
            ("keys", Takes::Texts),
            ("dryRun", Takes::Boolean),
        ],
        WATCH,
    ],
    needed: &[],
};

impl<'env> RestoreOptions<'env> {
    /// Reads what JavaScript gave. Checks names and types; the core checks values.
    pub fn read(env: &'env Env, given: Unknown<'env>) -> Result<Self> {
        let mut options = members(env, given, "", &RESTORE)?;
        nested(env, &mut options, "", "wrangler", &LOCAL)?;
        nested(env, &mut options, "", "s3", &S3)?;
        Self::from_unknown(options.to_unknown())
    }

    /// The part the core takes, and who watches the job.
    pub fn split(self) -> (restore::RestoreOptions, Watcher<'env>) {
        let options = restore::RestoreOptions {
            database: self.database.map(js::path),
            photos_dir: self.photos_dir.map(js::path),
            wrangler: self.wrangler.map(|LocalTarget { database_id, bucket, state_dir }| {
                restore::LocalTarget {
                    database_id,
                    bucket,
                    state_dir: Some(js::path_or(state_dir, DEFAULT_STATE)),
                }
            }),
            s3: self.s3.map(Into::into),
            tables: self.tables,
            keys: self.keys,
            dry_run: self.dry_run,
        };
        (options, Watcher { on_progress: self.on_progress, signal: self.signal })
    }
}

/// What came back; in a dry run what would.
#[napi(object, object_from_js = false)]
pub struct RestoreReport {
    /// The tables, in the order of the schema; none without `database` and `wrangler.databaseId`.
    pub tables: Vec<RestoredTable>,
    /// Photos that were written.
    pub photos: i64,
    /// Photos that were there already.
    pub skipped: i64,
    /// Bytes of photos that were written.
    pub bytes: i64,
    /// What SQLite says of all that was loaded: `ok`, or the first thing wrong, which then was wrong in the source,
    /// too; `skipped` when no database was made.
    pub integrity_check: String,
    /// References to a parent that is missing, two of one row counted twice; as many as in the source where all tables
    /// are back.
    pub foreign_key_problems: i64,
    /// Whether everything that the archive holds is back and the archive is complete.
    pub restored_everything: bool,
    /// What is not back, and why.
    pub warnings: Vec<Warning>,
}

/// A table that came back.
#[napi(object, object_from_js = false)]
pub struct RestoredTable {
    /// Its name.
    pub name: String,
    /// Its rows.
    pub rows: i64,
    /// Whether it has the digest that was noted when the backup was made; false in a dry run, which loads nothing.
    pub matches: bool,
}

impl From<restore::RestoreReport> for RestoreReport {
    fn from(report: restore::RestoreReport) -> Self {
        let table = |table: restore::RestoredTable| RestoredTable {
            name: table.name,
            rows: number(table.rows),
            matches: table.matches,
        };
        RestoreReport {
            tables: report.tables.into_iter().map(table).collect(),
            photos: number(report.photos),
            skipped: number(report.skipped),
            bytes: number(report.bytes),
            integrity_check: report.integrity_check,
            foreign_key_problems: number(report.foreign_key_problems),
            restored_everything: report.restored_everything,
            warnings: report.warnings.into_iter().map(Into::into).collect(),
        }
    }
}
