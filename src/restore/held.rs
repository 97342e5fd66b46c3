//! What an archive says that it holds, and what is to be said of it before anything comes back.

use std::collections::HashSet;

use globset::GlobSet;

use crate::archive::{Archive, is_place_of};
use crate::error::{Error, Result};
use crate::formats::backup::{BackupMetadata, EXTRA, MAIN, OWN_ENTRIES};
use crate::formats::index::IndexedPhoto;
use crate::formats::opening::{backup_metadata, photo_index};
use crate::formats::{README, SUMS};
use crate::job::{Warning, counted};

/// What the archive says that it holds, none of which contradicts another part of it.
pub(super) struct Held {
    pub(super) metadata: BackupMetadata,
    pub(super) index: Vec<IndexedPhoto>,
    /// What is not as it was written, and in nobody's way.
    pub(super) odd: Vec<Warning>,
}

impl Held {
    pub(super) fn read(archive: &mut Archive) -> Result<Held> {
        let metadata = backup_metadata(archive)?;
        let index = photo_index(archive)?;
        if !index.iter().all(|photo| is_place_of(&photo.path(), &photo.key)) {
            let problem = "its index puts a photo where its key does not belong; take another copy";
            return Err(Error::corrupt(archive.path(), problem, None));
        }
        refuse_contradictions(archive, &metadata, &index)?;
        let odd = unknown_entries(archive, &index).into_iter().chain(missing_entries(archive)).collect();
        Ok(Held { metadata, index, odd })
    }
}

/// What the archive holds and a restore does not take: nothing names it.
fn unknown_entries(archive: &Archive, index: &[IndexedPhoto]) -> Option<Warning> {
    let photos = index.iter().filter(|photo| archive.holds(&photo.path())).count();
    let own = OWN_ENTRIES.into_iter().filter(|name| archive.holds(name)).count();
    let unknown = archive.entries().saturating_sub(photos + own);
    (unknown > 0).then(|| {
        let entries = counted(unknown as u64, "entry", "entries");
        let problem = format!("{entries} of the archive that nothing names did not come back: verify it");
        Warning::new("ENTRY_UNKNOWN", problem)
    })
}

/// What every backup has beside what a restore takes.
fn missing_entries(archive: &Archive) -> Option<Warning> {
    let missing: Vec<&str> = [README, SUMS].into_iter().filter(|own| !archive.holds(own)).collect();
    (!missing.is_empty()).then(|| {
        let problem =
            format!("the archive lacks {}, which every backup has: verify it", missing.join(" and "));
        Warning::new("ENTRY_MISSING", problem)
    })
}

/// Fails with `ARCHIVE_CORRUPT` when the archive cannot be as it was written.
fn refuse_contradictions(
    archive: &mut Archive,
    metadata: &BackupMetadata,
    index: &[IndexedPhoto],
) -> Result<()> {
    let has_extra = archive.holds(EXTRA);
    let sql_bytes = archive.size_of(MAIN)?;
    let problem = if !metadata.database.in_extra.is_empty() && !has_extra {
        "database-extra.sql is missing, in which its metadata.json says that rows or objects stand"
    } else if sql_bytes != metadata.database.sql_bytes {
        "its database.sql has another length than its metadata.json says"
    } else if is_any_twice(metadata.database.tables.iter().map(|table| table.name.as_str())) {
        "its metadata.json lists a table twice"
    } else if is_any_twice(index.iter().map(|photo| &*photo.key)) {
        "its photos/index.json names a key twice"
    } else {
        return Ok(());
    };
    Err(Error::corrupt(archive.path(), format!("{problem}; take another copy"), None))
}

fn is_any_twice<'n>(mut names: impl Iterator<Item = &'n str>) -> bool {
    let mut seen = HashSet::new();
    !names.all(|name| seen.insert(name))
}

/// What comes back into a database of D1 although D1 itself would not take it.
pub(super) fn not_for_d1(metadata: &BackupMetadata) -> Option<Warning> {
    let (first, others) = metadata.database.in_extra.split_first()?;
    let first = match others.len() as u64 {
        0 => first.clone(),
        others => format!("{first} and {}", counted(others, "other", "others")),
    };
    let problem = format!(
        "of database-extra.sql, which D1 does not take, came back {first}: a Worker may fail where it uses that"
    );
    Some(Warning::new("IN_EXTRA", problem))
}

/// What of the wanted photos nobody can restore, because the archive has not got it.
pub(super) fn not_inside(metadata: &BackupMetadata, wanted: &GlobSet) -> Option<Warning> {
    let photos = &metadata.photos;
    // A folder that could not be listed may have held any; so may what the metadata has no room for.
    let is_wanted = |key: &str| key.ends_with('/') || wanted.is_match(key);
    let listed = photos.missing.iter().filter(|photo| is_wanted(&photo.key)).count() as u64;
    let missing = listed.saturating_add(photos.missing_unlisted.unwrap_or_default());
    (missing > 0).then(|| {
        let photos = counted(missing, "photo is", "photos are");
        Warning::new(
            "PHOTO_MISSING",
            format!("{photos} not in the archive: see photos.missing in its metadata.json"),
        )
    })
}
