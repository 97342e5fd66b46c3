//! What stands in the JSON of an archive, for those who write it and those who read it again.

use serde::Serialize;

use self::opening::METADATA_LIMIT;
use crate::error::{Error, Result};

pub mod backup;
pub mod dump;
pub mod index;
pub mod missing;
pub mod opening;

/// The entry that says what an archive is.
pub const METADATA: &str = "metadata.json";
/// The entry that tells people what an archive is.
pub const README: &str = "README.md";
/// The entry with a checksum of every other.
pub const SUMS: &str = "SHA256SUMS";

/// `generator` of what this build writes.
pub const GENERATOR: &str = concat!("@cultural-archiver/backup ", env!("CARGO_PKG_VERSION"));

/// JSON as it stands in the entry `name`: indented, with a line end.
pub fn pretty(name: &str, value: &impl Serialize) -> Result<Vec<u8>> {
    let mut json = serde_json::to_vec_pretty(value)
        .map_err(|error| Error::Internal { problem: format!("{name}: {error}") })?;
    json.push(b'\n');
    Ok(json)
}

/// metadata.json as it stands in an archive. Fails with `ARCHIVE_TOO_LARGE` when readers would refuse it.
pub fn metadata_json(metadata: &impl Serialize) -> Result<Vec<u8>> {
    let json = pretty(METADATA, metadata)?;
    if json.len() as u64 <= METADATA_LIMIT {
        return Ok(json);
    }
    Err(Error::ArchiveTooLarge {
        limit: format!("{METADATA_LIMIT} bytes of {METADATA}"),
        problem: "verify and restore take no larger one; it describes every table and every warning, look for what \
                  makes those so many"
            .into(),
    })
}

/// What a reader can make of a `format_version`: only the major number, its first part, matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// The reader knows it.
    Known,
    /// It is later than the reader's own.
    Newer,
    /// There never was one like this.
    Unheard,
}

/// What a reader of `known` can make of `version`.
pub fn age(version: &str, known: &str) -> Age {
    let [given, own] = [version, known].map(|version| version.split('.').next().unwrap_or_default());
    let number = |major: &str| major.parse::<u32>().ok();
    match number(given) {
        _ if given == own => Age::Known,
        given if given.is_some() && given > number(own) => Age::Newer,
        _ => Age::Unheard,
    }
}

/// The most bytes of a list with up to `each` bytes about each of an archive's `entries`: 32 MiB and that, never more
/// than 544 MiB.
pub fn most_bytes(entries: usize, each: u64) -> u64 {
    (32 << 20) + (entries as u64).saturating_mul(each).min(512 << 20)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::Value;

    use super::*;

    #[test]
    fn what_no_reader_takes_is_not_written() {
        let text = |bytes: u64| Value::String("x".repeat(bytes as usize));
        assert_eq!(metadata_json(&text(METADATA_LIMIT - 3)).unwrap().len() as u64, METADATA_LIMIT);
        assert_eq!(metadata_json(&text(METADATA_LIMIT - 2)).unwrap_err().code(), "ARCHIVE_TOO_LARGE");
    }

    #[test]
    fn newer_is_a_larger_major_number_alone() {
        for newer in ["2.0", "2", "10.3"] {
            assert_eq!(age(newer, "1.0"), Age::Newer, "{newer}");
        }
        for known in ["1.0", "1.9"] {
            assert_eq!(age(known, "1.0"), Age::Known, "{known}");
        }
        for other in ["0.9", "", "x", "-2", "2x.0", "99999999999.0"] {
            assert_eq!(age(other, "1.0"), Age::Unheard, "{other}");
        }
    }
}
