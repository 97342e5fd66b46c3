//! The entries of an archive, each read whole and compared with SHA256SUMS.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, Read};

use serde::de::DeserializeOwned;

use super::problems::Problems;
use crate::archive::{EntryContents, Survey, SurveyedEntry, parse_checksums};
use crate::error::Result;
use crate::formats::{SUMS, most_bytes};
use crate::job::{Job, Meter, hash_all};

/// Bytes of a line of SHA256SUMS, at most. Beside a line for each entry there is room for those of entries that are
/// gone.
const MAX_LINE: u64 = 2 << 10;

/// Entries that were read whole.
pub(super) struct Contents<'s> {
    survey: &'s Survey,
    /// All that are listed; None for those that are not as SHA256SUMS says.
    found: HashMap<&'s str, Option<Sound<'s>>>,
}

/// An entry with sound contents.
#[derive(Clone, Copy)]
pub(super) struct Sound<'s> {
    pub(super) entry: &'s SurveyedEntry,
    pub(super) sha256: [u8; 32],
}

impl<'s> Contents<'s> {
    /// Reads them; `meter` hears of each.
    pub(super) fn read(
        survey: &'s Survey,
        problems: &mut Problems,
        job: &Job,
        meter: &Meter,
    ) -> Result<Contents<'s>> {
        let sums = checksums(survey, problems);
        let mut found: HashMap<_, _> =
            survey.entries.iter().map(|entry| (entry.name.as_str(), None)).collect();
        let mut unlisted = Vec::new();
        for entry in &survey.entries {
            meter.item(&entry.name);
            let wanted = sums.as_ref().map(|sums| sums.get(&entry.name));
            // What nobody lists is not read: it may be anything.
            if wanted == Some(None) && entry.name != SUMS {
                unlisted.push(entry);
                meter.add(1, entry.size);
                continue;
            }
            match digest(survey, entry, job)? {
                Err(problem) => problems.damaged(Some(&entry.name), &problem),
                Ok(sha256) if wanted.flatten().is_some_and(|wanted| *wanted != sha256) => {
                    problems.damaged(Some(&entry.name), "it is not what SHA256SUMS says: take another copy");
                }
                Ok(sha256) => {
                    found.insert(entry.name.as_str(), Some(Sound { entry, sha256 }));
                }
            }
            meter.add(1, entry.size);
        }
        let contents = Contents { survey, found };
        contents.compare_names(sums.unwrap_or_default(), &unlisted, problems, job)?;
        Ok(contents)
    }

    /// Names that SHA256SUMS has and the directory has not, and the reverse. Where the bytes are the same an entry was
    /// renamed, and nothing is lost.
    fn compare_names(
        &self,
        sums: HashMap<String, [u8; 32]>,
        unlisted: &[&SurveyedEntry],
        problems: &mut Problems,
        job: &Job,
    ) -> Result<()> {
        let mut missing: BTreeSet<([u8; 32], String)> = sums
            .into_iter()
            .filter(|(name, _)| !self.lists(name))
            .map(|(name, sha256)| (sha256, name))
            .collect();
        for entry in unlisted {
            let is_renamed = !missing.is_empty() && entry.size <= self.survey.size;
            let digest = if is_renamed { digest(self.survey, entry, job)?.ok() } else { None };
            // Of several that are the same, the first by name.
            let from = digest.map(|digest| (digest, String::new()));
            let first =
                from.and_then(|from| missing.range(&from..).next().filter(|(sha256, _)| *sha256 == from.0));
            match first.cloned() {
                Some(known) => {
                    problems.altered(
                        Some(&entry.name),
                        &format!("it was called {} when the archive was made", known.1),
                    );
                    missing.remove(&known);
                }
                None => problems.damaged(Some(&entry.name), "it is not in SHA256SUMS: it was added later"),
            }
        }
        let mut missing: Vec<String> = missing.into_iter().map(|(_, name)| name).collect();
        missing.sort_unstable();
        missing.iter().for_each(|name| problems.damaged(Some(name), "it is missing: take another copy"));
        Ok(())
    }

    /// An entry that is sound.
    pub(super) fn sound(&self, name: &str) -> Option<Sound<'s>> {
        *self.found.get(name)?
    }

    /// All that are, in the order of the directory.
    pub(super) fn all(&self) -> impl Iterator<Item = Sound<'s>> {
        self.survey.entries.iter().filter_map(|entry| self.sound(&entry.name))
    }

    /// Whether the directory lists an entry of that name, sound or not.
    pub(super) fn lists(&self, name: &str) -> bool {
        self.found.contains_key(name)
    }

    /// The bytes of a sound entry.
    pub(super) fn open(&self, sound: Sound<'s>) -> io::Result<EntryContents<'s>> {
        self.survey.contents(sound.entry)
    }

    /// How many entries are listed.
    pub(super) fn entries(&self) -> usize {
        self.survey.entries.len()
    }

    /// A sound entry of at most `limit` bytes as JSON. What is missing or damaged has been told where there are
    /// checksums, else it is told now.
    pub(super) fn json<T: DeserializeOwned>(
        &self,
        name: &str,
        limit: u64,
        problems: &mut Problems,
    ) -> Option<T> {
        let Some(sound) = self.sound(name) else {
            if !self.lists(name) {
                problems.damaged(Some(name), "every archive of this kind has it, and it is missing");
            }
            return None;
        };
        if sound.entry.size > limit {
            problems.damaged(Some(name), "it is larger than it may be");
            return None;
        }
        let mut json = Vec::new();
        let read = self.open(sound).and_then(|mut contents| contents.read_to_end(&mut json));
        if let Err(error) = read {
            problems.damaged(Some(name), &error.to_string());
            return None;
        }
        let parsed = serde_json::from_slice(&json);
        if parsed.is_err() {
            problems.damaged(Some(name), "it is not the JSON that it should be");
        }
        parsed.ok()
    }
}

/// SHA256SUMS, if it can be read.
fn checksums(survey: &Survey, problems: &mut Problems) -> Option<HashMap<String, [u8; 32]>> {
    let Some(entry) = survey.entry(SUMS) else {
        let listed = survey.findings.iter().any(|finding| finding.entry.as_deref() == Some(SUMS));
        if !listed && !survey.entries.is_empty() {
            problems.damaged(Some(SUMS), "it is missing: nobody can say whether the others are sound");
        }
        return None;
    };
    if entry.size > most_bytes(survey.entries.len(), MAX_LINE) {
        problems.damaged(Some(SUMS), "it is larger than it may be");
        return None;
    }
    let mut text = String::new();
    // Its damage is told when all entries are read.
    survey.contents(entry).and_then(|mut contents| contents.read_to_string(&mut text)).ok()?;
    let lines = parse_checksums(&text);
    if lines.is_none() {
        problems.damaged(Some(SUMS), "it does not consist of checksums and names");
    }
    Some(lines?.into_iter().collect())
}

/// The SHA-256 of an entry, or why it cannot be read.
fn digest(
    survey: &Survey,
    entry: &SurveyedEntry,
    job: &Job,
) -> Result<std::result::Result<[u8; 32], String>> {
    let contents = match survey.contents(entry) {
        Ok(contents) => contents,
        Err(error) => return Ok(Err(format!("it cannot be read: {error}"))),
    };
    let hashed = hash_all(contents, job)?;
    Ok(hashed.map_err(|error| format!("it is damaged: {error}; take another copy")))
}
