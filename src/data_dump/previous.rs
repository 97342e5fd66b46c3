//! The dump before: what the shrink guard and CHANGES.json compare with.

use std::collections::HashMap;
use std::io::{self, BufReader};
use std::path::Path;

use chrono::DateTime;
use serde_json::Value;

use crate::archive::Archive;
use crate::dataset::changes::{Changes, IdChanges};
use crate::dataset::record::each_record;
use crate::error::{Error, Result};
use crate::formats::dump::Counts;
use crate::formats::opening::dump_metadata;
use crate::job::Job;
use crate::platform::fields::files::{ARTWORK, CREATORS};
use crate::platform::times::rfc3339;

/// A loss of no more records than this is no reason to stop, whatever share it is.
const MAX_UNNOTICED_LOSS: u64 = 20;

/// Records by id, with two hashes of each: of its photos and of all else.
#[derive(Debug, Default)]
pub struct Fingerprints(HashMap<String, (u64, u64)>);

impl Fingerprints {
    /// Adds a record that has an id.
    pub fn add(&mut self, json: &[u8]) -> Result<()> {
        let defect = |error| Error::Internal { problem: format!("a record cannot be read again: {error}") };
        let mut record: Value = serde_json::from_slice(json).map_err(defect)?;
        let Some(members) = record.as_object_mut() else { return Ok(()) };
        let photos = members.shift_remove("photos").unwrap_or_default();
        let Some(id) = members.get("id").and_then(Value::as_str).map(str::to_owned) else { return Ok(()) };
        self.0.insert(id, (hash(&photos), hash(&record)));
        Ok(())
    }

    /// Adds the records of another part of the work.
    pub fn extend(&mut self, other: &Fingerprints) {
        self.0.extend(other.0.iter().map(|(id, hashes)| (id.clone(), *hashes)));
    }

    /// What differs between `before` and these.
    fn changes(&self, before: &Fingerprints, with_photos: bool) -> IdChanges {
        let mut changes = IdChanges::default();
        for (id, (photos, rest)) in &self.0 {
            match before.0.get(id) {
                None => changes.added.push(id.clone()),
                Some((photos_before, rest_before)) => {
                    if rest != rest_before || (with_photos && photos != photos_before) {
                        changes.changed.push(id.clone());
                    }
                }
            }
        }
        changes.removed.extend(before.0.keys().filter(|id| !self.0.contains_key(*id)).cloned());
        for ids in [&mut changes.added, &mut changes.changed, &mut changes.removed] {
            ids.sort_unstable();
        }
        changes
    }
}

fn hash(value: &Value) -> u64 {
    let bytes: [u8; 32] = blake3::hash(value.to_string().as_bytes()).into();
    u64::from_le_bytes(bytes.first_chunk().copied().unwrap_or_default())
}

/// The dump before, found sound.
#[derive(Debug)]
pub struct Previous {
    generated_at: String,
    counts: Counts,
    has_photos: bool,
    works: Fingerprints,
    creators: Fingerprints,
}

impl Previous {
    /// Opens the dump and checks all of it. Fails with `ARCHIVE_CORRUPT`, or `INVALID_OPTIONS` when it is no dump
    /// that this version can read.
    pub fn open(path: &Path, job: &Job) -> Result<Previous> {
        let corrupt = |problem: &str, error: Option<io::Error>| {
            let problem = format!("{problem}; take another copy, or leave previous out");
            Error::corrupt(path, problem, error.map(Into::into))
        };
        let mut archive = Archive::open(path, job)?;
        let metadata = dump_metadata(&mut archive)?;
        let generated_at = DateTime::parse_from_rfc3339(&metadata.generated_at)
            .map_err(|_| corrupt("its metadata.json does not say when it was made", None))?;
        let mut read = |name: &str| {
            let mut found = Fingerprints::default();
            let lines = BufReader::with_capacity(1 << 20, archive.open_entry(name)?);
            let read = each_record(lines, |json| {
                job.check()?;
                found.add(json).map_err(|_| corrupt("a record in it cannot be read", None))
            });
            read.map_err(|error| corrupt("an entry cannot be read", Some(error)))??;
            Ok::<_, Error>(found)
        };
        Ok(Previous {
            works: read(ARTWORK.name)?,
            creators: read(CREATORS.name)?,
            generated_at: rfc3339(generated_at.to_utc()),
            counts: metadata.counts,
            has_photos: metadata.thumbnails.is_some(),
        })
    }

    /// Fails with `DUMP_SHRUNK` when far fewer records are left. Photos count only when thumbnails are made.
    pub fn guard(&self, counts: &Counts, with_photos: bool) -> Result<()> {
        let kinds = [
            ("artworks", self.counts.total_artworks, counts.total_artworks),
            ("creators", self.counts.total_creators, counts.total_creators),
            ("photos", self.counts.total_photos, counts.total_photos),
        ];
        let has_shrunk = |(kind, before, now): &(&str, u64, u64)| {
            let lost = before.saturating_sub(*now);
            (with_photos || *kind != "photos") && lost > MAX_UNNOTICED_LOSS && lost > *before / 10
        };
        let shrunk: Vec<String> = kinds
            .iter()
            .filter(|kind| has_shrunk(kind))
            .map(|(kind, before, now)| format!("{now} {kind} instead of {before}"))
            .collect();
        if shrunk.is_empty() {
            return Ok(());
        }
        Err(Error::DumpShrunk {
            problem: format!(
                "the dump would hold {}; look at what happened to them, and set allowShrink \
                 (--allow-shrink) if it is meant",
                shrunk.join(", ")
            ),
        })
    }

    /// CHANGES.json.
    pub fn changes(&self, works: &Fingerprints, creators: &Fingerprints, with_photos: bool) -> Changes {
        Changes {
            since: self.generated_at.clone(),
            artwork: works.changes(&self.works, with_photos && self.has_photos),
            creators: creators.changes(&self.creators, false),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn of(records: &[&str]) -> Fingerprints {
        let mut fingerprints = Fingerprints::default();
        records.iter().for_each(|json| fingerprints.add(json.as_bytes()).unwrap());
        fingerprints
    }

    #[test]
    fn changes_are_told_by_id() {
        let before = of(&[r#"{"id":"a","x":1}"#, r#"{"id":"b","photos":[1]}"#, r#"{"id":"c"}"#]);
        let now = of(&[r#"{"id":"d"}"#, r#"{"id":"a","x":2}"#, r#"{"id":"b","photos":[]}"#]);
        let changes = now.changes(&before, true);
        assert_eq!((changes.added, changes.removed), (vec!["d".into()], vec!["c".into()]));
        assert_eq!(changes.changed, ["a", "b"]);
        assert_eq!(now.changes(&before, false).changed, ["a"]);
    }

    #[test]
    fn photos_are_compared_with_those_of_a_dump_that_had_them() {
        let (with, without) = (|| of(&[r#"{"id":"a","photos":[1]}"#]), || of(&[r#"{"id":"a"}"#]));
        let changed = |has_photos, works, now: &Fingerprints, with_photos| {
            let counts = Counts { total_artworks: 1, total_creators: 0, total_tags: 0, total_photos: 0 };
            let creators = Fingerprints::default();
            let previous = Previous { generated_at: String::new(), counts, has_photos, works, creators };
            !previous.changes(now, &Fingerprints::default(), with_photos).artwork.changed.is_empty()
        };
        assert!(changed(true, with(), &without(), true));
        assert!(!changed(true, with(), &without(), false));
        assert!(!changed(false, without(), &with(), true));
    }

    #[test]
    fn a_large_loss_is_one_of_a_tenth_and_of_twenty_records() {
        let counts = |artworks, photos| Counts {
            total_artworks: artworks,
            total_creators: 0,
            total_tags: 0,
            total_photos: photos,
        };
        let previous = |counts| Previous {
            generated_at: String::new(),
            counts,
            has_photos: true,
            works: Fingerprints::default(),
            creators: Fingerprints::default(),
        };
        let guard = |before, now| previous(counts(before, 0)).guard(&counts(now, 0), true).is_ok();
        assert!(guard(200, 180) && guard(100, 80) && guard(20, 0) && guard(1000, 900));
        assert!(!guard(200, 179) && !guard(100, 79) && !guard(1000, 899));
        assert!(previous(counts(9, 100)).guard(&counts(9, 0), false).is_ok());
        assert!(previous(counts(9, 100)).guard(&counts(9, 0), true).is_err());
    }
}
