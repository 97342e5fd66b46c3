//! metadata.json of a data dump as JavaScript sees it: the core's shapes once more, with the names that stand in the
//! file. Every conversion takes its shape apart without `..`, so a field added to the file cannot be forgotten here.

use std::collections::BTreeMap;

use napi::bindgen_prelude::{Either, Null};
use napi_derive::napi;

use super::report::{Warning, number};
use crate::formats::dump as core;

/// metadata.json of a data dump. It holds no duration, path or host name: same input, same bytes.
#[napi(object, object_from_js = false)]
pub struct DataDumpMetadata {
    /// What kind of archive it describes.
    #[napi(ts_type = "'cultural-archiver-datadump'")]
    pub format: String,
    /// Version of the format, `major.minor`; a reader refuses a newer major.
    #[napi(js_name = "format_version")]
    pub format_version: String,
    /// The instant of the dump: RFC 3339, UTC, whole seconds.
    #[napi(js_name = "generated_at")]
    pub generated_at: String,
    /// Package and version that wrote it.
    pub generator: String,
    /// What it is under, but for artwork-other-licenses.json, as SPDX writes it.
    #[napi(ts_type = "'CC0-1.0'")]
    pub license: String,
    /// Who publishes.
    pub source: DumpSourceMetadata,
    /// False when photos are missing that the store holds, or does not deny holding.
    pub complete: bool,
    /// What is inside.
    pub counts: DumpCounts,
    /// Which rows are inside.
    pub filters: DumpFilters,
    /// What was left out, or taken out of texts.
    pub privacy: DumpPrivacy,
    /// How thumbnails were made; null without.
    pub thumbnails: Either<DumpThumbnails, Null>,
    /// Photos without a thumbnail; as many as metadata.json can hold, more than a hundred thousand.
    #[napi(js_name = "photos_missing")]
    pub photos_missing: Vec<DumpMissingPhoto>,
    /// How many more have none; absent where none do.
    #[napi(js_name = "photos_missing_unlisted")]
    pub photos_missing_unlisted: Option<i64>,
    /// What a reader should know.
    pub warnings: Vec<Warning>,
}

/// Who publishes a dump.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct DumpSourceMetadata {
    /// The archive's name.
    pub name: String,
    /// Its site, or null.
    pub url: Option<String>,
    /// Whom to write to, or null.
    pub contact: Option<String>,
}

/// What a dump holds.
#[napi(object, object_from_js = false)]
pub struct DumpCounts {
    /// Records of artwork.json.
    #[napi(js_name = "total_artworks")]
    pub total_artworks: i64,
    /// Records of creators.json.
    #[napi(js_name = "total_creators")]
    pub total_creators: i64,
    /// Records of tags.json.
    #[napi(js_name = "total_tags")]
    pub total_tags: i64,
    /// Thumbnails.
    #[napi(js_name = "total_photos")]
    pub total_photos: i64,
}

/// Which rows a dump holds.
#[napi(object, object_from_js = false)]
pub struct DumpFilters {
    /// The status of its works.
    #[napi(ts_type = "'approved'")]
    pub status: String,
    /// What became of works under another licence.
    #[napi(js_name = "foreign_licenses", ts_type = "'exclude' | 'separate'")]
    pub foreign_licenses: String,
    /// Rows that are not in artwork.json, by licence.
    #[napi(js_name = "excluded_foreign")]
    pub excluded_foreign: BTreeMap<String, i64>,
}

/// What was kept out of a dump.
#[napi(object, object_from_js = false)]
pub struct DumpPrivacy {
    /// Tables that are there and are never read for output.
    #[napi(js_name = "excluded_tables")]
    pub excluded_tables: Vec<String>,
    /// Known columns of the others that are not published.
    #[napi(js_name = "excluded_fields")]
    pub excluded_fields: Vec<String>,
    /// Columns that nobody has decided on; the result's `warnings` name them.
    #[napi(js_name = "unknown_columns_excluded")]
    pub unknown_columns_excluded: i64,
    /// Identifiers that were taken out of texts.
    pub redactions: DumpRedactions,
}

/// Identifiers that were taken out of texts, by class.
#[napi(object, object_from_js = false)]
pub struct DumpRedactions {
    /// E-mail addresses.
    pub email: i64,
    /// Ids of users.
    #[napi(js_name = "user_id")]
    pub user_id: i64,
    /// Network addresses.
    #[napi(js_name = "ip_address")]
    pub ip_address: i64,
    /// Secrets and hashes of them.
    pub token: i64,
}

/// How the thumbnails of a dump were made.
#[napi(object, object_from_js = false)]
pub struct DumpThumbnails {
    /// The longest side, in pixels.
    #[napi(js_name = "max_side")]
    pub max_side: u32,
    /// Their media type.
    #[napi(ts_type = "'image/jpeg'")]
    pub format: String,
    /// As libjpeg counts, 0 to 100.
    pub quality: u32,
}

/// A photo without a thumbnail.
#[napi(object, object_from_js = false)]
pub struct DumpMissingPhoto {
    /// `<artwork id>#<n>`.
    pub photo: String,
    /// Why, as a stable word such as `'not_found'`, `'heic'` or `'timeout'`; README.md lists them.
    pub reason: String,
}

impl From<core::DataDumpMetadata> for DataDumpMetadata {
    fn from(metadata: core::DataDumpMetadata) -> Self {
        let core::DataDumpMetadata {
            format,
            format_version,
            generated_at,
            generator,
            license,
            source: core::SourceMetadata { name, url, contact },
            complete,
            counts,
            filters: core::Filters { status, foreign_licenses, excluded_foreign },
            privacy,
            thumbnails,
            photos_missing,
            photos_missing_unlisted,
            warnings,
        } = metadata;
        DataDumpMetadata {
            format,
            format_version,
            generated_at,
            generator,
            license,
            source: DumpSourceMetadata { name, url, contact },
            complete,
            counts: counts.into(),
            filters: DumpFilters {
                status,
                foreign_licenses,
                excluded_foreign: excluded_foreign
                    .into_iter()
                    .map(|(name, count)| (name, number(count)))
                    .collect(),
            },
            privacy: privacy.into(),
            thumbnails: thumbnails.map_or(Either::B(Null), |made| Either::A(made.into())),
            photos_missing: photos_missing.into_iter().map(Into::into).collect(),
            photos_missing_unlisted: photos_missing_unlisted.map(number),
            warnings: warnings.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<core::Counts> for DumpCounts {
    fn from(counts: core::Counts) -> Self {
        let core::Counts { total_artworks, total_creators, total_tags, total_photos } = counts;
        DumpCounts {
            total_artworks: number(total_artworks),
            total_creators: number(total_creators),
            total_tags: number(total_tags),
            total_photos: number(total_photos),
        }
    }
}

impl From<core::Privacy> for DumpPrivacy {
    fn from(privacy: core::Privacy) -> Self {
        let core::Privacy {
            excluded_tables,
            excluded_fields,
            unknown_columns_excluded,
            redactions: core::Redactions { email, user_id, ip_address, token },
        } = privacy;
        DumpPrivacy {
            excluded_tables,
            excluded_fields,
            unknown_columns_excluded: number(unknown_columns_excluded),
            redactions: DumpRedactions {
                email: number(email),
                user_id: number(user_id),
                ip_address: number(ip_address),
                token: number(token),
            },
        }
    }
}

impl From<core::ThumbnailMetadata> for DumpThumbnails {
    fn from(core::ThumbnailMetadata { max_side, format, quality }: core::ThumbnailMetadata) -> Self {
        DumpThumbnails { max_side, format, quality: u32::from(quality) }
    }
}

impl From<core::MissingPhoto> for DumpMissingPhoto {
    fn from(core::MissingPhoto { photo, reason }: core::MissingPhoto) -> Self {
        DumpMissingPhoto { photo, reason }
    }
}
