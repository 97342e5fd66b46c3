//! The door to Node: what JavaScript may call.
//!
//! This folder alone names napi. An export reads its options, starts one verb of the core and hands back a promise;
//! whatever goes wrong on the way, also while reading the options, is a rejection with a `code`. A worker thread that
//! ends takes its jobs with it.

mod backup;
mod backup_metadata;
mod data_dump;
mod dump_metadata;
mod js;
mod members;
mod preview;
mod promise;
mod report;
mod restore;
mod sources;
mod verify;

use napi::bindgen_prelude::{PromiseRaw, Unknown};
use napi::{Env, Result};
use napi_derive::napi;

use crate::backup::{create_backup as start_backup, preview_backup as start_backup_preview};
use crate::data_dump::{create_data_dump as start_data_dump, preview_data_dump as start_dump_preview};
use crate::restore::restore_backup as start_restore;
use crate::verify::verify_archive as start_verify;
use backup::{BackupOptions, BackupResult};
use data_dump::{DataDumpOptions, DataDumpResult};
use preview::{BackupPreview, DataDumpPreview};
use restore::{RestoreOptions, RestoreReport};
use verify::VerifyReport;

/// Makes one private backup: a ZIP with the whole database as SQL that loads everywhere, the photos, an index,
/// checksums and the result of a restore drill. It gets its name only after all of it was read back.
///
/// Rejects with an `Error` whose `code` is one of
/// - `INVALID_OPTIONS`: an option is missing, unknown, of the wrong type or out of range; nothing was touched
/// - `DATABASE_NOT_FOUND`, `DATABASE_UNREADABLE`: no database there; or not SQLite, corrupt, empty, locked
/// - `SOURCE_UNREACHABLE`, `SOURCE_REFUSED`, `SOURCE_CHANGED`: a source is not there, may not be read, kept changing
/// - `PHOTO_FAILED`: a photo could not be copied, with `onPhotoError: 'fail'`
/// - `ARCHIVE_EXISTS`, `OUTPUT_UNWRITABLE`, `DISK_FULL`: the archive cannot be put into `outputDir`
/// - `ARCHIVE_CORRUPT`: the archive named in `reuseFrom` is damaged, or what was written does not read back
/// - `ARCHIVE_TOO_LARGE`: there are more photos, about a million, or their metadata is longer, than a restore reads
/// - `DRILL_FAILED`: what was written does not load back as the same database
/// - `ABORT_ERR`, with `name` `'AbortError'`: `signal` was aborted; its reason is the `cause`
/// - `INTERNAL_ERROR`: a defect in this package, or the system starts no further thread
///
/// The message says what failed, on what, and what to do next; `cause` holds the underlying failure. After a
/// rejection `outputDir` holds what it held before.
#[napi(ts_args_type = "options: BackupOptions")]
pub fn create_backup<'env>(env: &'env Env, options: Unknown<'env>) -> Result<PromiseRaw<'env, BackupResult>> {
    promise::rejecting(env, || {
        let (options, watcher) = BackupOptions::read(env, options)?.split();
        promise::run(env, watcher, |job| start_backup(options, job))
    })
}

/// Makes one public data dump (CC0): approved artworks, their creators and tags as JSON, and thumbnails made anew.
/// Nothing about any person leaves: only known fields of approved rows are read, identifiers of users are taken out of
/// texts in whatever encoding, and the finished archive is searched for all of them before it gets its name.
///
/// Rejects with an `Error` whose `code` is one of those of `createBackup`, or
/// - `SCHEMA_UNKNOWN`: there is no table of artworks, or nothing that says which are approved
/// - `DUMP_SHRUNK`: far fewer records than in `previous`, or no approved artwork at all
/// - `PRIVACY_LEAK`: an identifier was found, with `onLeak: 'fail'` in a text, else in the finished archive; the
///   message names entry and column, never the value
/// - `ARCHIVE_TOO_LARGE`: more than `maxArchiveBytes`, or than `verifyArchive` reads
///
/// The message says what failed, on what, and what to do next; `cause` holds the underlying failure. After a
/// rejection `outputDir` holds what it held before.
#[napi(ts_args_type = "options: DataDumpOptions")]
pub fn create_data_dump<'env>(
    env: &'env Env,
    options: Unknown<'env>,
) -> Result<PromiseRaw<'env, DataDumpResult>> {
    promise::rejecting(env, || {
        let (options, watcher) = DataDumpOptions::read(env, options)?.split();
        promise::run(env, watcher, |job| start_data_dump(options, job))
    })
}

/// Says what `createBackup` with the same options would hold: rows, photos, bytes, and how many of those an earlier
/// backup holds unchanged. Makes nothing, fetches no photo, and does not look at `outputDir`.
///
/// Rejects as `createBackup` does for its options and sources.
#[napi(ts_args_type = "options: BackupOptions")]
pub fn preview_backup<'env>(
    env: &'env Env,
    options: Unknown<'env>,
) -> Result<PromiseRaw<'env, BackupPreview>> {
    promise::rejecting(env, || {
        let (options, watcher) = BackupOptions::read(env, options)?.split();
        promise::run(env, watcher, |job| start_backup_preview(options, job))
    })
}

/// Says what `createDataDump` with the same options would publish: records, photos, bytes. Makes nothing, fetches no
/// photo, and does not look at `outputDir`.
///
/// Rejects as `createDataDump` does for its options and sources, and for what has gone since `previous`.
#[napi(ts_args_type = "options: DataDumpOptions")]
pub fn preview_data_dump<'env>(
    env: &'env Env,
    options: Unknown<'env>,
) -> Result<PromiseRaw<'env, DataDumpPreview>> {
    promise::rejecting(env, || {
        let (options, watcher) = DataDumpOptions::read(env, options)?.split();
        promise::run(env, watcher, |job| start_dump_preview(options, job))
    })
}

/// Checks all of an archive of either kind, with nothing but the file: structure, CRCs, checksums, metadata against
/// contents; of a backup also that its SQL loads and every table has the digest that was noted, of a data dump that
/// every record is as its schema says and nothing has the shape of what may not be public.
///
/// Damage is no rejection: it is a report whose `ok` is false. Rejects with an `Error` whose `code` is one of
/// - `INVALID_OPTIONS`: `path` or an option is of the wrong type
/// - `ARCHIVE_CORRUPT`: the file cannot be opened or read
/// - `DISK_FULL`, `OUTPUT_UNWRITABLE`: there is no room in the system's folder for temporary files (`TMPDIR`, on
///   Windows `TMP`) to load the rows of a backup
/// - `ABORT_ERR`, with `name` `'AbortError'`: `signal` was aborted; its reason is the `cause`
#[napi(ts_args_type = "path: string, options?: VerifyOptions | undefined")]
pub fn verify_archive<'env>(
    env: &'env Env,
    path: Unknown<'env>,
    options: Unknown<'env>,
) -> Result<PromiseRaw<'env, VerifyReport>> {
    promise::rejecting(env, || {
        let path = js::archive_path(env, path)?;
        let watcher = verify::VerifyOptions::read(env, options)?;
        promise::run(env, watcher, |job| start_verify(path, job))
    })
}

/// Restores a backup, or the part of it that is asked for: its rows as a new SQLite file or into wrangler's local D1, its
/// photos as files whose path is the key, into wrangler's local R2 or into a bucket. The archive is read whole first and
/// must be as it was written; the rows are compared with the digests in it before a database gets its name.
///
/// Rejects with an `Error` whose `code` is one of
/// - `INVALID_OPTIONS`: an option is missing, unknown, of the wrong type, or the file is no backup of a format version
///   that this package reads
/// - `ARCHIVE_CORRUPT`: the archive is damaged or was altered; `verifyArchive` says where
/// - `TARGET_NOT_EMPTY`: a database exists, or another photo stands where one belongs
/// - `OUTPUT_UNWRITABLE`, `DISK_FULL`: the target cannot be written
/// - `SOURCE_UNREACHABLE`, `SOURCE_REFUSED`: the bucket for the photos does not answer, or refuses
/// - `ABORT_ERR`, with `name` `'AbortError'`: `signal` was aborted; its reason is the `cause`
///
/// After a rejection there is no database; photos that were written stay, and are skipped the next time.
#[napi(ts_args_type = "path: string, options: RestoreOptions")]
pub fn restore_backup<'env>(
    env: &'env Env,
    path: Unknown<'env>,
    options: Unknown<'env>,
) -> Result<PromiseRaw<'env, RestoreReport>> {
    promise::rejecting(env, || {
        let path = js::archive_path(env, path)?;
        let (options, watcher) = RestoreOptions::read(env, options)?.split();
        promise::run(env, watcher, |job| start_restore(path, options, job))
    })
}
