//! metadata.json of a data dump, in the order its keys are written.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::job::Warning;
use crate::platform::identifiers::Class;
use crate::privacy::redact;

/// `format` of a data dump.
pub const FORMAT: &str = "cultural-archiver-datadump";
/// `format_version` of a data dump: readers refuse a newer major.
pub const FORMAT_VERSION: &str = "1.0";

/// metadata.json. Nothing in it depends on how or where the job ran.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataDumpMetadata {
    /// Always [`FORMAT`].
    pub format: String,
    /// [`FORMAT_VERSION`] of the writer.
    pub format_version: String,
    /// RFC 3339 UTC, whole seconds.
    pub generated_at: String,
    /// Package and version.
    pub generator: String,
    /// SPDX identifier: CC0-1.0.
    pub license: String,
    /// Who publishes.
    pub source: SourceMetadata,
    /// False when photos are missing that the store holds, or does not deny holding.
    pub complete: bool,
    /// What is inside.
    pub counts: Counts,
    /// Which rows are.
    pub filters: Filters,
    /// What was left out, or taken out of texts.
    pub privacy: Privacy,
    /// How thumbnails were made; null without.
    pub thumbnails: Option<ThumbnailMetadata>,
    /// Photos without a thumbnail; as many as metadata.json can hold.
    pub photos_missing: Vec<MissingPhoto>,
    /// How many more have none; absent in metadata.json where none do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub photos_missing_unlisted: Option<u64>,
    /// What a reader should know.
    pub warnings: Vec<Warning>,
}

/// Who publishes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceMetadata {
    /// The archive's name.
    pub name: String,
    /// Its site, or null.
    pub url: Option<String>,
    /// Whom to write to, or null.
    pub contact: Option<String>,
}

/// What is inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Records of artwork.json.
    pub total_artworks: u64,
    /// Records of creators.json.
    pub total_creators: u64,
    /// Records of tags.json.
    pub total_tags: u64,
    /// Thumbnails.
    pub total_photos: u64,
}

/// Which rows are inside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Filters {
    /// Always `approved`.
    pub status: String,
    /// `exclude` or `separate`.
    pub foreign_licenses: String,
    /// Rows that are not in artwork.json, by licence.
    pub excluded_foreign: BTreeMap<String, u64>,
}

/// What was left out, or taken out of texts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Privacy {
    /// Tables that are there and are never read for output.
    pub excluded_tables: Vec<String>,
    /// Columns of the others that are not published.
    pub excluded_fields: Vec<String>,
    /// Columns that nobody has decided on.
    pub unknown_columns_excluded: u64,
    /// Identifiers that were taken out of texts.
    pub redactions: Redactions,
}

/// Identifiers that were taken out of texts, by class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redactions {
    /// E-mail addresses.
    pub email: u64,
    /// Ids of users.
    pub user_id: u64,
    /// Network addresses.
    pub ip_address: u64,
    /// Secrets and hashes of them.
    pub token: u64,
}

impl From<&redact::Counts> for Redactions {
    fn from(counts: &redact::Counts) -> Self {
        Redactions {
            email: counts.get(Class::Email),
            user_id: counts.get(Class::UserId),
            ip_address: counts.get(Class::IpAddress),
            token: counts.get(Class::Token),
        }
    }
}

/// How thumbnails were made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ThumbnailMetadata {
    /// The longest side, in pixels.
    pub max_side: u32,
    /// `image/jpeg`.
    pub format: String,
    /// As libjpeg counts, 0 to 100.
    pub quality: u8,
}

/// A photo without a thumbnail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingPhoto {
    /// `<artwork id>#<n>`.
    pub photo: String,
    /// Why, as a stable word.
    pub reason: String,
}
