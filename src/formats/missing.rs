//! The lists of missing photos in metadata.json, kept as short as its readers want it.

use serde::Serialize;

use super::METADATA;
use super::opening::METADATA_LIMIT;
use crate::error::{Error, Result};

/// Bytes that such a list takes at most: half of what is read of metadata.json.
const MAX_LIST: u64 = METADATA_LIMIT / 2;
/// Spaces before a line of an entry where it stands, and more.
const INDENT: u64 = 8;

/// Keeps the first of `missing` that fit into metadata.json; how many do not, where not all do. A night in which much is
/// missing is no reason to have an archive that nobody can read.
pub fn keep_listed<T: Serialize>(missing: &mut Vec<T>) -> Result<Option<u64>> {
    let mut bytes = 0;
    let mut fitting = 0;
    for photo in missing.iter() {
        let json = serde_json::to_string_pretty(photo)
            .map_err(|error| Error::Internal { problem: format!("{METADATA}: {error}") })?;
        bytes += json.len() as u64 + INDENT * (json.lines().count() as u64 + 1);
        if bytes > MAX_LIST {
            break;
        }
        fitting += 1;
    }
    let unlisted = missing.len() - fitting;
    missing.truncate(fitting);
    Ok((unlisted > 0).then_some(unlisted as u64))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::{Value, json};

    use super::super::metadata_json;
    use super::*;

    /// So many entries, as deep in metadata.json as those of a backup.
    fn metadata(missing: &[Value]) -> Value {
        json!({ "photos": { "missing": missing } })
    }

    #[test]
    fn as_many_are_listed_as_fit() {
        let entry =
            json!({ "key": "k".repeat(100), "reason": "unreadable", "artwork_ids": ["a".repeat(36)] });
        let mut few = vec![entry.clone(); 1_000];
        assert_eq!((keep_listed(&mut few).unwrap(), few.len()), (None, 1_000));
        let mut many = vec![entry; 200_000];
        let unlisted = keep_listed(&mut many).unwrap().unwrap();
        assert_eq!(many.len() as u64 + unlisted, 200_000);
        let bytes = metadata_json(&metadata(&many)).unwrap().len() as u64;
        assert!(bytes <= MAX_LIST + 100 && bytes > MAX_LIST * 9 / 10, "{bytes}");
    }
}
