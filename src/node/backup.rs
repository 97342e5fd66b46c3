//! The backup as JavaScript sees it: options in, a result out.

use napi::bindgen_prelude::{FromNapiValue, JsValue, Object, Unknown};
use napi::{Env, Result};
use napi_derive::napi;

use super::backup_metadata::BackupMetadata;
use super::js;
use super::members::{ARCHIVE, Members, Takes, WATCH, members};
use super::promise::{ProgressCallback, Watcher};
use super::report::{Warning, number};
use super::sources::{self, DatabaseSource, PhotoSource};
use crate::backup::{self, BackupReport};
use crate::options::{CommonOptions, DEFAULT_OUTPUT};

/// What a backup is made of, where it goes and how. Unknown names are `INVALID_OPTIONS`.
#[napi(object, object_to_js = false)]
pub struct BackupOptions<'env> {
    /// Where the rows are.
    pub database: DatabaseSource,
    /// Where the photos are. Left out: an archive without photos, which says so.
    #[napi(ts_type = "PhotoSource | undefined")]
    pub photos: Option<PhotoSource>,
    /// Folder that receives `backup-YYYY-MM-DD-HHMMSS.zip`; created when missing. Default: the working directory.
    #[napi(ts_type = "string | undefined")]
    pub output_dir: Option<String>,
    /// Whether an archive of that name is replaced. Default `false`: it is `ARCHIVE_EXISTS`.
    #[napi(ts_type = "boolean | undefined")]
    pub overwrite: Option<bool>,
    /// The instant that names and dates the archive: RFC 3339 with a zone, years 1980 to 2107, cut to whole seconds.
    /// Same input and same `now` make the same bytes. Default: the clock.
    #[napi(ts_type = "string | undefined")]
    pub now: Option<String>,
    /// Photo requests in flight: a whole number from 1 to 64. Never changes the bytes. Default 8.
    #[napi(ts_type = "number | undefined")]
    pub concurrency: Option<f64>,
    /// Deflate level of text: a whole number from 0 to 9. Photos are stored as they are. Default 5.
    #[napi(ts_type = "number | undefined")]
    pub compression_level: Option<f64>,
    /// `'approved'`: photos that an approved artwork, log entry or artist shows, with their stored variants. `'all'`:
    /// everything in the store but `public-data-dumps/` and, of a folder, archives of this package. Default
    /// `'approved'`.
    #[napi(ts_type = "'approved' | 'all' | undefined")]
    pub photo_scope: Option<String>,
    /// `'record'`: a photo that cannot be copied is listed and the result is not `complete`. `'fail'`: the first one
    /// is `PHOTO_FAILED`. Default `'record'`.
    #[napi(ts_type = "'record' | 'fail' | undefined")]
    pub on_photo_error: Option<String>,
    /// Path of an earlier backup. Photos that have not changed since (key, size, ETag and modification time) are copied
    /// from it and checked against its checksums instead of being fetched. Of a `publicUrl`, which cannot list, each is
    /// asked for by HEAD, and the server has to tell its length, a strong ETag and Last-Modified; one that is not where
    /// its row says is always fetched. Default: none.
    #[napi(ts_type = "string | undefined")]
    pub reuse_from: Option<String>,
    /// Whether what was written is loaded into a fresh database and compared with the source before the archive gets
    /// its name. Default `true`.
    #[napi(ts_type = "boolean | undefined")]
    pub drill: Option<bool>,
    /// Told how far the job is: at most about ten times a second, and always at the end of a phase. Does not keep the
    /// process alive. What it throws is an uncaught exception, as in any other callback.
    #[napi(ts_type = "((progress: Progress) => void) | undefined")]
    pub on_progress: Option<ProgressCallback>,
    /// Ends the job when aborted, also when it is aborted already: `ABORT_ERR`, and nothing is left behind.
    #[napi(ts_type = "AbortSignal | undefined")]
    pub signal: Option<Object<'env>>,
}

const BACKUP: Members = Members {
    known: &[
        ARCHIVE,
        &[
            ("photoScope", Takes::String),
            ("onPhotoError", Takes::String),
            ("reuseFrom", Takes::String),
            ("drill", Takes::Boolean),
        ],
        WATCH,
    ],
    needed: &[],
};

impl<'env> BackupOptions<'env> {
    /// Reads what JavaScript gave. Checks names and types; the core checks values.
    pub fn read(env: &'env Env, given: Unknown<'env>) -> Result<Self> {
        let mut options = members(env, given, "", &BACKUP)?;
        sources::check(env, &mut options)?;
        Self::from_unknown(options.to_unknown())
    }

    /// The part the core takes, and who watches the job.
    pub fn split(self) -> (backup::BackupOptions, Watcher<'env>) {
        let options = backup::BackupOptions {
            common: CommonOptions {
                database: self.database.into(),
                photos: self.photos.map(Into::into),
                output_dir: Some(js::path_or(self.output_dir, DEFAULT_OUTPUT)),
                overwrite: self.overwrite,
                now: self.now,
                concurrency: self.concurrency,
                compression_level: self.compression_level,
            },
            photo_scope: self.photo_scope,
            on_photo_error: self.on_photo_error,
            reuse_from: self.reuse_from.map(js::path),
            drill: self.drill,
        };
        (options, Watcher { on_progress: self.on_progress, signal: self.signal })
    }
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
