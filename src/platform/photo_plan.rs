//! Which photos a backup takes, from what the rows say and what the store holds.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::mem;
use std::sync::Arc;

use rusqlite::{Connection, Result};

use super::photo_family::{alternatives, guesses, likeliest, relatives};
use super::photo_key::{Reference, classify};
use super::photo_mentions::{ArtworkIds, Mentions, Places, References};
use super::photo_rows::is_platform;
use crate::job::{Warning, counted};
use crate::photos::key;
use crate::photos::source::{GetError, Listing, StoredPhoto, find};

/// How many keys a warning gives as examples, and how much of each.
const EXAMPLES: usize = 3;
const EXAMPLE_CHARS: usize = 120;

/// Which photos are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Those that an approved row references, and their smaller copies.
    Approved,
    /// Everything the store holds but public data dumps.
    All,
}

/// Whether a photo is kept with the originals or with the smaller copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PhotoKind {
    /// A name without a size.
    Original,
    /// A smaller copy, by its name.
    Thumbnail,
}

/// One photo to copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedPhoto {
    /// The exact key.
    pub key: Arc<str>,
    /// By the key's name.
    pub kind: PhotoKind,
    /// The approved artworks that show it.
    pub artwork_ids: ArtworkIds,
    /// Only a guess, for a store that cannot list: "no such key" means nothing.
    pub probe: bool,
}

/// A place in the store that could not be listed, or a photo that rows refer to and that may lie there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlisted {
    /// The key, or the common beginning of keys, ending in `/`.
    pub key: String,
    /// Why it was not listed.
    pub error: GetError,
    /// The approved artworks that show it.
    pub artwork_ids: ArtworkIds,
}

/// Which photos a backup takes, and what it should say of the others.
#[derive(Debug, Default)]
pub struct PhotoPlan {
    /// Originals, then smaller copies, each in bytewise order of keys; no key twice.
    pub items: Vec<PlannedPhoto>,
    /// For a store that cannot list: where else the photo of a reference may lie, to be asked for when none of its
    /// other readings is there. In bytewise order of keys, none of them among the items.
    pub alternatives: Vec<PlannedPhoto>,
    /// Where listing failed, and referenced photos that may lie there; in bytewise order of keys, no key twice.
    pub unlisted: Vec<Unlisted>,
    /// Different references of approved rows to our own store.
    pub references: u64,
    /// References of which the store holds, or may hold, the photo or at least a copy. None of many: a wrong store.
    pub found: u64,
    /// For a store that cannot list: of each reference the keys that would be its photo.
    pub readings: Vec<Vec<String>>,
    /// Those among the keys of `readings` that a row names; the others are guesses.
    pub named: HashSet<String>,
    /// References whose photo the store does not hold.
    pub dangling: u64,
    /// Different references to other hosts.
    pub foreign: u64,
    /// What the operator should know.
    pub warnings: Vec<Warning>,
    /// What is left out on purpose, in words.
    pub not_included: Vec<String>,
}

/// Plans the photos of a backup. Blocks. `listing` is all that the store holds, or `None` for a store that cannot
/// list: then guesses at what approved rows reference are all there is, whatever the scope.
pub fn plan_photos(conn: &Connection, scope: Scope, listing: Option<&Listing>) -> Result<PhotoPlan> {
    let mut mentions = Mentions::read(conn)?;
    let mut plan = PhotoPlan {
        references: mentions.own.len() as u64,
        foreign: mentions.foreign.len() as u64,
        warnings: mentions.warnings(),
        ..PhotoPlan::default()
    };
    if !is_platform(conn)? {
        plan.warnings.push(not_the_platform(scope));
    }
    // Given away: each goes when it is looked up.
    let references = mem::take(&mut mentions.own);
    match listing {
        Some(listing) => plan.take_from_listing(references, &mentions, scope, listing),
        None => plan.take_guesses(references, &mentions),
    }
    if scope == Scope::Approved {
        plan.not_included.extend(mentions.not_included());
    }
    plan.items.sort_unstable_by(|a, b| (a.kind, &a.key).cmp(&(b.kind, &b.key)));
    Ok(plan)
}

/// The plan of a backup without a store: no photos, and no word on references, which nothing can be said of.
pub fn plan_without_store(conn: &Connection) -> Result<PhotoPlan> {
    let warnings = if is_platform(conn)? { Vec::new() } else { vec![not_the_platform(Scope::Approved)] };
    Ok(PhotoPlan { warnings, ..PhotoPlan::default() })
}

/// What lies, or may lie, where listing failed.
struct Hidden {
    /// Why it did.
    error: GetError,
    /// Places in [`Mentions::artworks`].
    shown_by: Places,
}

impl Hidden {
    fn by(error: GetError) -> Hidden {
        Hidden { error, shown_by: Places::new() }
    }
}

/// A key that a store which cannot list may hold.
struct Guess {
    /// As [`PlannedPhoto::probe`].
    probe: bool,
    /// Places in [`Mentions::artworks`].
    shown_by: Places,
}

impl PhotoPlan {
    fn take_from_listing(
        &mut self,
        references: References,
        mentions: &Mentions,
        scope: Scope,
        listing: &Listing,
    ) {
        let (photos, problems) = (&listing.photos, &listing.problems);
        let mut taken: BTreeMap<usize, Places> = BTreeMap::new();
        if scope == Scope::All {
            taken.extend((0..photos.len()).map(|at| (at, Places::new())));
        }
        let mut unlisted: BTreeMap<String, Hidden> =
            problems.iter().map(|problem| (problem.key.clone(), Hidden::by(problem.error))).collect();
        let mut missing = BTreeSet::new();
        for (value, artworks) in references {
            let Reference::Own(candidates) = classify(&value) else { continue };
            let (stored, belonging) = look_up(photos, &candidates);
            let hidden = if stored { None } else { in_unlisted(&unlisted, &candidates) };
            self.found += u64::from(hidden.is_some() || !belonging.is_empty());
            if let Some((key, error)) = hidden {
                unlisted
                    .entry(key.clone())
                    .or_insert_with(|| Hidden::by(error))
                    .shown_by
                    .extend_from_slice(&artworks);
            } else if !stored {
                self.dangling += 1;
                missing.extend(candidates.into_iter().next());
                if missing.len() > EXAMPLES {
                    missing.pop_last();
                }
            }
            for at in belonging {
                taken.entry(at).or_default().extend_from_slice(&artworks);
            }
        }
        if self.dangling > 0 {
            self.warnings.push(dangling(self.dangling, missing.iter().map(String::as_str)));
        }
        let dumps = photos.iter().filter(|photo| key::is_public_dump(&photo.key)).count() as u64;
        if dumps > 0 {
            self.not_included.push(format!("{} below public-data-dumps/", counted(dumps, "file", "files")));
        }
        self.items = taken
            .into_iter()
            .filter_map(|(at, artworks)| Some((photos.get(at)?, artworks)))
            .filter(|(photo, _)| !key::is_public_dump(&photo.key))
            .map(|(photo, artworks)| planned(Arc::clone(&photo.key), mentions.ids(artworks), false))
            .collect();
        self.unlisted = unlisted
            .into_iter()
            .filter(|(key, _)| !key::is_public_dump(key))
            .map(|(key, Hidden { error, shown_by })| Unlisted {
                key,
                error,
                artwork_ids: mentions.ids(shown_by),
            })
            .collect();
    }

    fn take_guesses(&mut self, references: References, mentions: &Mentions) {
        // By key: a guess for one reference may be the very photo of another.
        let mut taken: BTreeMap<String, Guess> = BTreeMap::new();
        let mut elsewhere: BTreeMap<String, Places> = BTreeMap::new();
        for (value, shown_by) in references {
            let Reference::Own(mut candidates) = classify(&value) else { continue };
            let likeliest = likeliest(&candidates);
            candidates.swap(0, likeliest.unwrap_or(0));
            self.named.extend(candidates.iter().cloned());
            let guessed = candidates.first().map(|key| guesses(key)).unwrap_or_default();
            // Of a reference to a smaller copy the original is as good.
            let originals = guessed.iter().filter(|key| !key::is_variant(key));
            let smaller = candidates.first().is_some_and(|key| key::is_variant(key));
            let mut readings: Vec<_> =
                candidates.iter().chain(originals.filter(|_| smaller)).cloned().collect();
            for alternative in
                candidates.first().filter(|_| !smaller).into_iter().flat_map(|key| alternatives(key))
            {
                elsewhere.entry(alternative.clone()).or_default().extend_from_slice(&shown_by);
                readings.push(alternative);
            }
            self.readings.push(readings);
            let keys = candidates.into_iter().enumerate().map(|(nth, key)| (key, nth > 0));
            for (key, probe) in keys.chain(guessed.into_iter().map(|key| (key, true))) {
                let guess = taken.entry(key).or_insert(Guess { probe: true, shown_by: Places::new() });
                guess.probe &= probe;
                guess.shown_by.extend_from_slice(&shown_by);
            }
        }
        elsewhere.retain(|key, _| !taken.contains_key(key));
        self.alternatives = elsewhere
            .into_iter()
            .map(|(key, artworks)| planned(key.into(), mentions.ids(artworks), true))
            .collect();
        let photos = taken.into_iter().filter(|(key, _)| !key::is_public_dump(key));
        self.items = photos
            .map(|(key, Guess { probe, shown_by })| planned(key.into(), mentions.ids(shown_by), probe))
            .collect();
    }
}

/// Whether the photo itself is stored, and the places of it and its relatives. Of a reference to a copy the original is
/// as good: some names of copies were computed and never uploaded.
fn look_up(listing: &[StoredPhoto], candidates: &[String]) -> (bool, Vec<usize>) {
    let holds_original = |places: &[usize]| {
        places.iter().any(|&at| listing.get(at).is_some_and(|photo| !key::is_variant(&photo.key)))
    };
    for candidate in candidates {
        if let Some(at) = find(listing, candidate) {
            let mut places = relatives(listing, candidate);
            places.push(at);
            return (true, places);
        }
    }
    let mut places: Vec<_> = candidates.iter().flat_map(|candidate| relatives(listing, candidate)).collect();
    places.sort_unstable();
    places.dedup();
    (holds_original(&places), places)
}

/// The candidate that may lie where listing failed, and why it did.
fn in_unlisted<'c>(
    unlisted: &BTreeMap<String, Hidden>,
    candidates: &'c [String],
) -> Option<(&'c String, GetError)> {
    candidates.iter().find_map(|key| {
        let folders = key.match_indices('/').filter_map(|(slash, _)| key.get(..=slash));
        let hidden = folders.chain([key.as_str()]).find_map(|place| unlisted.get(place))?;
        Some((key, hidden.error))
    })
}

fn planned(key: Arc<str>, artwork_ids: ArtworkIds, probe: bool) -> PlannedPhoto {
    let kind = if key::is_variant(&key) { PhotoKind::Thumbnail } else { PhotoKind::Original };
    PlannedPhoto { key, kind, artwork_ids, probe }
}

/// `count` references are to photos that the store does not hold, such as the first of `missing`.
pub fn dangling<'k>(count: u64, missing: impl Iterator<Item = &'k str>) -> Warning {
    let example = |key: &str| format!("{:?}", key.chars().take(EXAMPLE_CHARS).collect::<String>());
    let examples = missing.take(EXAMPLES).map(example).collect::<Vec<_>>().join(", ");
    let message = format!(
        "{} not in the store (such as {examples}): deleted, or the store is not that of this database",
        counted(count, "referenced photo is", "referenced photos are"),
    );
    Warning::new("PHOTO_DANGLING", message)
}

fn not_the_platform(scope: Scope) -> Warning {
    let photos = match scope {
        Scope::Approved => "so no photo belongs to a row, and the backup holds rows only",
        Scope::All => "so it is not known which photo belongs to which artwork",
    };
    let message = format!(
        "the database has none of the platform's tables (artwork, artists, submissions, logbook), {photos}"
    );
    Warning::new("NOT_PLATFORM", message)
}

#[cfg(test)]
pub(super) mod tests;
