//! metadata.json as JavaScript sees it: the core's shapes once more, with the names that stand in the file.
//!
//! Every conversion takes its shape apart without `..`, so a field added to the file cannot be forgotten here.

use napi::bindgen_prelude::{Either, Null};
use napi_derive::napi;

use super::report::{Warning, number};
use crate::formats::backup as core;

/// metadata.json of a backup. It holds no duration, path or host name: same input, same bytes.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct BackupMetadata {
    /// What kind of archive it describes.
    #[napi(ts_type = "'cultural-archiver-backup'")]
    pub format: String,
    /// Version of the format, `major.minor`; a reader refuses a newer major.
    #[napi(js_name = "format_version")]
    pub format_version: String,
    /// The instant of the backup: RFC 3339, UTC, whole seconds.
    #[napi(js_name = "created_at")]
    pub created_at: String,
    /// Package and version that wrote it.
    pub generator: String,
    /// Where rows and photos came from.
    pub source: BackupSources,
    /// False when something that the store holds, or does not deny holding, was not copied.
    pub complete: bool,
    /// The rows.
    pub database: DatabaseMetadata,
    /// The photos.
    pub photos: PhotosMetadata,
    /// What a reader might expect and will not find, in words.
    #[napi(js_name = "not_included")]
    pub not_included: Vec<String>,
    /// What the restore drill found; null when it was switched off.
    pub drill: Option<DrillMetadata>,
    /// What the operator should know.
    pub warnings: Vec<Warning>,
}

/// Kinds of sources, never their addresses.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct BackupSources {
    /// That of the rows.
    #[napi(ts_type = "'file' | 'sql' | 'wrangler' | 'd1'")]
    pub database: String,
    /// That of the photos; null without photos.
    #[napi(ts_type = "'directory' | 'wrangler' | 's3' | 'r2' | 'public_url'")]
    pub photos: Option<String>,
}

/// The rows of a backup.
#[napi(object, object_from_js = false)]
pub struct DatabaseMetadata {
    /// Every table, in the order of the schema.
    pub tables: Vec<TableMetadata>,
    /// Rows in all tables.
    #[napi(js_name = "total_rows")]
    pub total_rows: i64,
    /// Bytes of database.sql before compression.
    #[napi(js_name = "sql_bytes")]
    pub sql_bytes: i64,
    /// Tables that are not in the backup: internal ones of D1 and of SQLite's planner.
    #[napi(js_name = "left_out")]
    pub left_out: Vec<String>,
    /// What stands in database-extra.sql because D1 would refuse it.
    #[napi(js_name = "in_extra")]
    pub in_extra: Vec<String>,
}

/// One table of a backup.
#[napi(object, object_from_js = false)]
pub struct TableMetadata {
    /// Its name.
    pub name: String,
    /// Its rows.
    pub rows: i64,
    /// `blake3:` and the digest of its content in hex; the drill compares it.
    pub digest: String,
}

/// The photos of a backup.
#[napi(object, object_from_js = false)]
pub struct PhotosMetadata {
    /// Which photos were asked for; null without photos.
    #[napi(ts_type = "'approved' | 'all' | null")]
    pub scope: Either<String, Null>,
    /// Stored originals that were copied.
    pub originals: i64,
    /// Stored variants that were copied.
    pub thumbnails: i64,
    /// Bytes of both.
    pub bytes: i64,
    /// What should be here and is not, sorted by key; as many as metadata.json can hold, tens of thousands.
    pub missing: Vec<MissingPhoto>,
    /// How many more are missing; absent where none are.
    #[napi(js_name = "missing_unlisted")]
    pub missing_unlisted: Option<i64>,
    /// References to other hosts, which are not copied.
    pub foreign: i64,
    /// References that the store answers with "no such key".
    pub dangling: i64,
}

/// A photo that the store holds, or does not deny holding, and that was not copied.
#[napi(object, object_from_js = false)]
pub struct MissingPhoto {
    /// Its key in the store.
    pub key: String,
    /// Why, as a stable word such as `'unreadable'` or `'timeout'`; README.md lists them.
    pub reason: String,
    /// The artworks that show it.
    #[napi(js_name = "artwork_ids")]
    pub artwork_ids: Vec<String>,
}

/// What the restore drill found: database.sql was loaded into a fresh database and compared with the source.
#[napi(object, object_from_js = false)]
pub struct DrillMetadata {
    /// Always true: a drill that fails makes no archive.
    pub loaded: bool,
    /// Tables compared.
    pub tables: i64,
    /// Rows compared.
    pub rows: i64,
    /// `'ok'`, or the first thing SQLite finds wrong; the same as in the source.
    #[napi(js_name = "integrity_check")]
    pub integrity_check: String,
    /// References to a parent that is missing, two of one row counted twice; as many as in the source.
    #[napi(js_name = "foreign_key_problems")]
    pub foreign_key_problems: i64,
}

impl From<core::BackupMetadata> for BackupMetadata {
    fn from(metadata: core::BackupMetadata) -> Self {
        let core::BackupMetadata {
            format,
            format_version,
            created_at,
            generator,
            source,
            complete,
            database,
            photos,
            not_included,
            drill,
            warnings,
        } = metadata;
        BackupMetadata {
            format,
            format_version,
            created_at,
            generator,
            source: source.into(),
            complete,
            database: database.into(),
            photos: photos.into(),
            not_included,
            drill: drill.map(Into::into),
            warnings: warnings.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<core::SourceKinds> for BackupSources {
    fn from(core::SourceKinds { database, photos }: core::SourceKinds) -> Self {
        BackupSources { database, photos }
    }
}

impl From<core::DatabaseMetadata> for DatabaseMetadata {
    fn from(database: core::DatabaseMetadata) -> Self {
        let core::DatabaseMetadata { tables, total_rows, sql_bytes, left_out, in_extra } = database;
        DatabaseMetadata {
            tables: tables.into_iter().map(Into::into).collect(),
            total_rows: number(total_rows),
            sql_bytes: number(sql_bytes),
            left_out,
            in_extra,
        }
    }
}

impl From<core::TableMetadata> for TableMetadata {
    fn from(core::TableMetadata { name, rows, digest }: core::TableMetadata) -> Self {
        TableMetadata { name, rows: number(rows), digest }
    }
}

impl From<core::PhotosMetadata> for PhotosMetadata {
    fn from(photos: core::PhotosMetadata) -> Self {
        let core::PhotosMetadata {
            scope,
            originals,
            thumbnails,
            bytes,
            missing,
            missing_unlisted,
            foreign,
            dangling,
        } = photos;
        PhotosMetadata {
            scope: scope.map_or(Either::B(Null), Either::A),
            originals: number(originals),
            thumbnails: number(thumbnails),
            bytes: number(bytes),
            missing: missing.into_iter().map(Into::into).collect(),
            missing_unlisted: missing_unlisted.map(number),
            foreign: number(foreign),
            dangling: number(dangling),
        }
    }
}

impl From<core::MissingPhoto> for MissingPhoto {
    fn from(core::MissingPhoto { key, reason, artwork_ids }: core::MissingPhoto) -> Self {
        MissingPhoto { key, reason, artwork_ids }
    }
}

impl From<core::DrillMetadata> for DrillMetadata {
    fn from(drill: core::DrillMetadata) -> Self {
        let core::DrillMetadata { loaded, tables, rows, integrity_check, foreign_key_problems } = drill;
        DrillMetadata {
            loaded,
            tables: number(tables),
            rows: number(rows),
            integrity_check,
            foreign_key_problems: number(foreign_key_problems),
        }
    }
}
