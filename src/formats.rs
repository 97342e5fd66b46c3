//! What stands in the JSON of an archive, for those who write it and those who read it again.

pub mod backup;
pub mod dump;

/// The first part of a `format_version`: a reader refuses what is newer than its own.
pub fn major(version: &str) -> &str {
    version.split('.').next().unwrap_or_default()
}
