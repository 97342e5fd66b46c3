//! The entries of an archive, each read whole and compared with SHA256SUMS.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::{self, BufReader};

use serde::de::DeserializeOwned;

use super::problems::Problems;
use crate::archive::{EntryContents, Survey, SurveyedEntry, read_checksums};
use crate::error::Result;
use crate::formats::{SUMS, most_bytes};
use crate::job::{Job, Meter, hash_all};

/// Bytes of a line of SHA256SUMS, at most. Beside a line for each entry there is room for those of entries that are
/// gone.
const MAX_LINE: u64 = 2 << 10;

/// Entries that were read whole.
pub(super) struct Contents<'s> {
    survey: &'s Survey,
    /// Where each entry is among those of the survey.
    places: HashMap<&'s str, usize>,
    /// In their order the SHA-256 of each; None for those that are not as SHA256SUMS says.
    found: Vec<Option<[u8; 32]>>,
}

/// An entry with sound contents.
#[derive(Clone, Copy)]
pub(super) struct Sound<'s> {
    pub(super) entry: &'s SurveyedEntry,
    pub(super) sha256: [u8; 32],
}

/// What SHA256SUMS says.
struct Sums {
    /// Of each entry, in the order of the survey.
    listed: Vec<Option<[u8; 32]>>,
    /// Of names that the directory has not.
    missing: BTreeSet<([u8; 32], String)>,
}

impl<'s> Contents<'s> {
    /// Reads them; `meter` hears of each.
    pub(super) fn read(
        survey: &'s Survey,
        problems: &mut Problems,
        job: &Job,
        meter: &Meter,
    ) -> Result<Contents<'s>> {
        let places = survey.entries.iter().enumerate().map(|(at, entry)| (entry.name.as_str(), at)).collect();
        let sums = checksums(survey, &places, problems);
        let (mut found, mut unlisted) = (Vec::with_capacity(survey.entries.len()), Vec::new());
        for (at, entry) in survey.entries.iter().enumerate() {
            meter.item(&entry.name);
            let wanted = sums.as_ref().map(|sums| sums.listed.get(at).copied().flatten());
            // What nobody lists is not read: it may be anything.
            if wanted == Some(None) && entry.name != SUMS {
                unlisted.push(entry);
                found.push(None);
                meter.add(1, entry.size);
                continue;
            }
            found.push(match digest(survey, entry, job)? {
                Err(problem) => {
                    problems.damaged(Some(&entry.name), &problem);
                    None
                }
                Ok(sha256) if wanted.flatten().is_some_and(|wanted| wanted != sha256) => {
                    problems.damaged(Some(&entry.name), "it is not what SHA256SUMS says: take another copy");
                    None
                }
                Ok(sha256) => Some(sha256),
            });
            meter.add(1, entry.size);
        }
        let contents = Contents { survey, places, found };
        let missing = sums.map(|sums| sums.missing).unwrap_or_default();
        contents.compare_names(missing, &unlisted, problems, job)?;
        Ok(contents)
    }

    /// Names that SHA256SUMS has and the directory has not, and the reverse. Where the bytes are the same an entry was
    /// renamed, and nothing is lost.
    fn compare_names(
        &self,
        mut missing: BTreeSet<([u8; 32], String)>,
        unlisted: &[&SurveyedEntry],
        problems: &mut Problems,
        job: &Job,
    ) -> Result<()> {
        for entry in unlisted {
            let may_be_renamed = !missing.is_empty() && entry.size <= self.survey.size;
            let sha256 = if may_be_renamed { digest(self.survey, entry, job)?.ok() } else { None };
            match sha256.and_then(|sha256| take_name(&mut missing, sha256)) {
                Some(name) => {
                    let problem = format!("it was called {name} when the archive was made");
                    problems.altered(Some(&entry.name), &problem);
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
        let at = *self.places.get(name)?;
        Some(Sound { entry: self.survey.entries.get(at)?, sha256: (*self.found.get(at)?)? })
    }

    /// All that are, in the order of the directory.
    pub(super) fn all(&self) -> impl Iterator<Item = Sound<'s>> {
        let found = self.survey.entries.iter().zip(&self.found);
        found.filter_map(|(entry, sha256)| sha256.map(|sha256| Sound { entry, sha256 }))
    }

    /// Whether the directory lists an entry of that name, sound or not.
    pub(super) fn lists(&self, name: &str) -> bool {
        self.places.contains_key(name)
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
        // Read piece by piece: the text of an index takes more memory than what it says.
        let parsed = self
            .open(sound)
            .and_then(|contents| serde_json::from_reader(BufReader::new(contents)).map_err(io::Error::from));
        match parsed {
            Ok(parsed) => return Some(parsed),
            Err(error) if error.get_ref().is_some_and(|error| error.is::<serde_json::Error>()) => {
                problems.damaged(Some(name), "it is not the JSON that it should be");
            }
            Err(error) => problems.damaged(Some(name), &error.to_string()),
        }
        None
    }
}

/// Takes the name of an entry with these bytes; of several that are the same, the first.
fn take_name(missing: &mut BTreeSet<([u8; 32], String)>, sha256: [u8; 32]) -> Option<String> {
    let first = missing.range((sha256, String::new())..).next();
    let found = first.filter(|(found, _)| *found == sha256)?.clone();
    missing.take(&found).map(|(_, name)| name)
}

/// SHA256SUMS, if it can be read.
fn checksums(survey: &Survey, places: &HashMap<&str, usize>, problems: &mut Problems) -> Option<Sums> {
    let Some(entry) = places.get(SUMS).and_then(|at| survey.entries.get(*at)) else {
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
    let mut sums = Sums { listed: vec![None; survey.entries.len()], missing: BTreeSet::new() };
    let mut others = HashSet::new();
    let take = |name: String, sha256| match places.get(name.as_str()).and_then(|at| sums.listed.get_mut(*at))
    {
        Some(listed) => listed.replace(sha256).is_none(),
        None => others.insert(name.clone()) && sums.missing.insert((sha256, name)),
    };
    // Its damage is told when all entries are read.
    let is_sound = read_checksums(BufReader::new(survey.contents(entry).ok()?), take).ok()?;
    if !is_sound {
        problems.damaged(Some(SUMS), "it does not consist of checksums and names");
    }
    is_sound.then_some(sums)
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
