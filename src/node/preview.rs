//! What an archive would hold, as JavaScript sees it.

use napi_derive::napi;

use super::report::Warning;
use crate::backup::preview;
use crate::data_dump::preview as dump;

/// What a backup with the same options would hold.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct BackupPreview {
    /// The kind of source of the rows: `'file'`, `'sql'`, `'wrangler'` or `'d1'`.
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
    /// The kind of source: `'directory'`, `'wrangler'`, `'s3'`, `'r2'` or `'public_url'`.
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
    /// The kind of source of the rows: `'file'`, `'sql'`, `'wrangler'` or `'d1'`.
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
    /// The kind of source: `'directory'`, `'wrangler'`, `'s3'`, `'r2'` or `'public_url'`.
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
            tables: preview.tables as i64,
            rows: preview.rows as i64,
            database_bytes: preview.database_bytes as i64,
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
            originals: preview.originals as i64,
            thumbnails: preview.thumbnails as i64,
            bytes: preview.bytes as i64,
            reusable: preview.reusable as i64,
            reusable_bytes: preview.reusable_bytes as i64,
            dangling: preview.dangling as i64,
            foreign: preview.foreign as i64,
        }
    }
}

impl From<dump::DataDumpPreview> for DataDumpPreview {
    fn from(preview: dump::DataDumpPreview) -> Self {
        DataDumpPreview {
            database: preview.database,
            artworks: preview.artworks as i64,
            creators: preview.creators as i64,
            other_licenses: preview.other_licenses as i64,
            photos: preview.photos.map(Into::into),
            warnings: preview.warnings.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<dump::DumpPhotosPreview> for DumpPhotosPreview {
    fn from(preview: dump::DumpPhotosPreview) -> Self {
        DumpPhotosPreview {
            source: preview.source,
            photos: preview.photos as i64,
            bytes: preview.bytes as i64,
            dangling: preview.dangling as i64,
            foreign: preview.foreign as i64,
        }
    }
}
