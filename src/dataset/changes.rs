//! CHANGES.json: what differs from the dump before.

use serde::Serialize;

/// What it is called in the archive.
pub const NAME: &str = "CHANGES.json";

/// CHANGES.json.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// The instant of the dump before, RFC 3339.
    pub since: String,
    /// Ids of artwork.json.
    pub artwork: IdChanges,
    /// Ids of creators.json.
    pub creators: IdChanges,
}

/// Ids in bytewise order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct IdChanges {
    /// Only in this dump.
    pub added: Vec<String>,
    /// In both, with another content.
    pub changed: Vec<String>,
    /// Only in the dump before.
    pub removed: Vec<String>,
}
