//! metadata.json of a backup, in the order its keys are written.

use serde::{Deserialize, Serialize};

use super::index::INDEX;
use super::{METADATA, README, SUMS};
use crate::database::digest::TableDigest;
use crate::database::drill::Expected;
use crate::job::Warning;

/// The rows as SQL that D1 takes.
pub const MAIN: &str = "database.sql";
/// What D1 does not take, as SQL; only where there is something.
pub const EXTRA: &str = "database-extra.sql";
/// What a backup may have beside its photos.
pub const OWN_ENTRIES: [&str; 6] = [MAIN, EXTRA, INDEX, METADATA, README, SUMS];
/// `format` of a backup.
pub const FORMAT: &str = "cultural-archiver-backup";
/// `format_version` of a backup: readers refuse a newer major.
pub const FORMAT_VERSION: &str = "1.0";

/// About how large a database grows from `sql_bytes` of SQL: pages and indexes rarely make it more than twice that.
pub fn loaded_size(sql_bytes: u64) -> u64 {
    sql_bytes.saturating_mul(2)
}

/// metadata.json. No duration, path, host name or figure that depends on how the job ran.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackupMetadata {
    /// Always [`FORMAT`].
    pub format: String,
    /// [`FORMAT_VERSION`] of the writer.
    pub format_version: String,
    /// RFC 3339 UTC, whole seconds.
    pub created_at: String,
    /// Package and version.
    pub generator: String,
    /// Where things came from.
    pub source: SourceKinds,
    /// False when something that the store holds, or does not deny holding, was not copied.
    pub complete: bool,
    /// The rows.
    pub database: DatabaseMetadata,
    /// The photos.
    pub photos: PhotosMetadata,
    /// What a reader might expect and will not find, in words.
    pub not_included: Vec<String>,
    /// The drill's result; null when it was switched off.
    pub drill: Option<DrillMetadata>,
    /// What the operator should know.
    pub warnings: Vec<Warning>,
}

impl PhotosMetadata {
    /// How many photos are missing, listed or not.
    pub fn all_missing(&self) -> u64 {
        (self.missing.len() as u64).saturating_add(self.missing_unlisted.unwrap_or_default())
    }
}

impl DatabaseMetadata {
    /// What a database has to hold into which the SQL was loaded.
    pub fn expected(&self) -> Expected {
        let tables = self.tables.iter().map(|table| TableDigest {
            name: table.name.clone(),
            rows: table.rows,
            digest: table.digest.clone(),
        });
        Expected { tables: tables.collect(), definitions: None }
    }
}

/// Kinds of sources, never their addresses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceKinds {
    /// `file`, `sql`, `wrangler` or `d1`.
    pub database: String,
    /// `directory`, `wrangler`, `s3`, `r2` or `public_url`; null without photos.
    pub photos: Option<String>,
}

/// The rows of a backup.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DatabaseMetadata {
    /// Every table, in the order of the schema.
    pub tables: Vec<TableMetadata>,
    /// Rows in all.
    pub total_rows: u64,
    /// Bytes of database.sql, uncompressed.
    pub sql_bytes: u64,
    /// Tables, and what else has such a name, that are not in the backup: `_cf_*`, `sqlite_stat*`.
    pub left_out: Vec<String>,
    /// What stands in database-extra.sql.
    pub in_extra: Vec<String>,
}

/// One table of a backup.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableMetadata {
    /// Its name.
    pub name: String,
    /// Its rows.
    pub rows: u64,
    /// `blake3:` and the hex digest of its content (see `database::digest`).
    pub digest: String,
}

/// The photos of a backup.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhotosMetadata {
    /// `approved` or `all`; null without photos.
    pub scope: Option<String>,
    /// Stored originals.
    pub originals: u64,
    /// Stored variants.
    pub thumbnails: u64,
    /// Bytes of both.
    pub bytes: u64,
    /// What should be here and is not, sorted by key; as many as metadata.json can hold.
    pub missing: Vec<MissingPhoto>,
    /// How many more are missing; absent in metadata.json where none are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_unlisted: Option<u64>,
    /// References to other hosts.
    pub foreign: u64,
    /// References that the store answers with "no such key".
    pub dangling: u64,
}

/// A photo that the store holds, or does not deny holding, and that was not copied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MissingPhoto {
    /// Its key.
    pub key: String,
    /// Why, as a stable word: `unreadable`, `changed_while_read`, `refused`, `timeout`…
    pub reason: String,
    /// The artworks that show it. Readers leave them where they are: there may be many.
    #[serde(skip_deserializing)]
    pub artwork_ids: Vec<String>,
}

/// What the drill found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DrillMetadata {
    /// Always true: a drill that fails makes no archive.
    pub loaded: bool,
    /// Tables compared.
    pub tables: u64,
    /// Rows compared.
    pub rows: u64,
    /// `ok`, or the first thing SQLite finds wrong; the same as in the source.
    pub integrity_check: String,
    /// References to a parent that is missing, two of one row counted twice; as many as in the source.
    pub foreign_key_problems: u64,
}
