//! What an archive would hold, as JavaScript sees it.

use napi_derive::napi;

use super::report::{Warning, number};
use crate::backup::preview;
use crate::data_dump::preview as dump;

/// What a backup with the same options would hold.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct BackupPreview {
    /// The kind of source of the rows.
    #[napi(ts_type = "'file' | 'sql' | 'wrangler' | 'd1'")]
    pub database: &'static str,
    /// Tables whose rows are stored.
    pub tables: i64,
    /// Rows in them.
    pub rows: i64,
    /// Bytes of the database's pages.
    pub database_bytes: i64,
    /// The photos; null when the options name no source of them.
    pub photos: Option<PhotosPreview>,
    /// What a reader might expect and would not find.
    pub not_included: Vec<String>,
    /// What the operator should know.
    pub warnings: Vec<Warning>,
}

/// The photos that a backup would copy.
#[napi(object, object_from_js = false)]
pub struct PhotosPreview {
    /// The kind of source.
    #[napi(ts_type = "'directory' | 'wrangler' | 's3' | 'r2' | 'public_url'")]
    pub source: &'static str,
    /// Originals.
    pub originals: i64,
    /// Stored variants; those that a source which cannot list may hold are not counted.
    pub thumbnails: i64,
    /// Bytes of both, as far as the source lists them.
    pub bytes: i64,
    /// Photos that the archive in `reuseFrom` holds unchanged, and would not be fetched.
    pub reusable: i64,
    /// Bytes of those.
    pub reusable_bytes: i64,
    /// References to photos that the source does not hold.
    pub dangling: i64,
    /// References to other hosts.
    pub foreign: i64,
}

/// What a data dump with the same options would publish.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct DataDumpPreview {
    /// The kind of source of the rows.
    #[napi(ts_type = "'file' | 'sql' | 'wrangler' | 'd1'")]
    pub database: &'static str,
    /// Records of artwork.json.
    pub artworks: i64,
    /// Records of creators.json.
    pub creators: i64,
    /// Rows under another licence than CC0, which are left out or stand in a file of their own.
    pub other_licenses: i64,
    /// The photos; null when no thumbnails are made.
    pub photos: Option<DumpPhotosPreview>,
    /// What the operator should know.
    pub warnings: Vec<Warning>,
}

/// The photos that thumbnails would be made of.
#[napi(object, object_from_js = false)]
pub struct DumpPhotosPreview {
    /// The kind of source.
    #[napi(ts_type = "'directory' | 'wrangler' | 's3' | 'r2' | 'public_url'")]
    pub source: &'static str,
    /// Photos that would be read. Of a source that cannot list, all those that rows refer to.
    pub photos: i64,
    /// Bytes of them, as far as the source lists them.
    pub bytes: i64,
    /// References to photos that the source does not hold.
    pub dangling: i64,
    /// References to other hosts.
    pub foreign: i64,
}

impl From<preview::BackupPreview> for BackupPreview {
    fn from(preview: preview::BackupPreview) -> Self {
        BackupPreview {
            database: preview.database,
            tables: number(preview.tables),
            rows: number(preview.rows),
            database_bytes: number(preview.database_bytes),
            photos: preview.photos.map(Into::into),
            not_included: preview.not_included,
            warnings: preview.warnings.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<preview::PhotosPreview> for PhotosPreview {
    fn from(preview: preview::PhotosPreview) -> Self {
        PhotosPreview {
            source: preview.source,
            originals: number(preview.originals),
            thumbnails: number(preview.thumbnails),
            bytes: number(preview.bytes),
            reusable: number(preview.reusable),
            reusable_bytes: number(preview.reusable_bytes),
            dangling: number(preview.dangling),
            foreign: number(preview.foreign),
        }
    }
}

impl From<dump::DataDumpPreview> for DataDumpPreview {
    fn from(preview: dump::DataDumpPreview) -> Self {
        DataDumpPreview {
            database: preview.database,
            artworks: number(preview.artworks),
            creators: number(preview.creators),
            other_licenses: number(preview.other_licenses),
            photos: preview.photos.map(Into::into),
            warnings: preview.warnings.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<dump::DumpPhotosPreview> for DumpPhotosPreview {
    fn from(preview: dump::DumpPhotosPreview) -> Self {
        DumpPhotosPreview {
            source: preview.source,
            photos: number(preview.photos),
            bytes: number(preview.bytes),
            dangling: number(preview.dangling),
            foreign: number(preview.foreign),
        }
    }
}
