//! A backup: its index and its metadata against what is there, its rows loaded and compared with their digests.

use std::collections::HashSet;
use std::io::BufReader;
use std::sync::Arc;

use super::contents::{Contents, Sound};
use super::problems::Problems;
use crate::archive::{ORIGINALS, THUMBNAILS, Workspace, is_place_of};
use crate::database::drill::{Drill, DrillReport, Fate};
use crate::error::{Error, Result};
use crate::folder;
use crate::formats::backup::{BackupMetadata, EXTRA, MAIN, OWN_ENTRIES, loaded_size};
use crate::formats::index::{self, INDEX, IndexedPhoto};
use crate::formats::opening::METADATA_LIMIT;
use crate::formats::{METADATA, README};
use crate::job::{Job, Meter};

/// Ends the message when rows do not come back.
const ADVICE: &str = "take another copy";

/// Checks all that makes a backup one.
pub(super) fn check(contents: &Contents<'_>, problems: &mut Problems, job: &Job) -> Result<()> {
    for sound in contents.all() {
        let name = sound.entry.name.as_str();
        if !is_photo(name) && !OWN_ENTRIES.contains(&name) {
            problems.damaged(Some(name), "a backup has no such entry");
        }
    }
    if !contents.lists(README) {
        problems.damaged(Some(README), "every backup has it, and it is missing");
    }
    let Some(metadata) = contents.json::<BackupMetadata>(METADATA, METADATA_LIMIT, problems) else {
        return Ok(());
    };
    check_photos(contents, &metadata, problems);
    check_rows(contents, &metadata, problems, job)
}

fn is_photo(name: &str) -> bool {
    name.starts_with(ORIGINALS) || name.starts_with(THUMBNAILS)
}

fn check_photos(contents: &Contents<'_>, metadata: &BackupMetadata, problems: &mut Problems) {
    let photos = &metadata.photos;
    if metadata.complete != (photos.all_missing() == 0) {
        problems.damaged(Some(METADATA), "it contradicts itself on whether photos are missing");
    }
    let limit = index::limit(contents.entries());
    let Some(index) = contents.json::<Vec<IndexedPhoto>>(INDEX, limit, problems) else { return };
    if !index.iter().all(|photo| is_place_of(&photo.path(), &photo.key)) {
        problems.damaged(Some(INDEX), "it puts a photo where its key does not belong");
    }
    let absent: HashSet<&str> = photos.missing.iter().map(|photo| photo.key.as_str()).collect();
    if index.iter().any(|photo| absent.contains(&*photo.key)) {
        problems.damaged(Some(METADATA), "it says that a photo is missing which photos/index.json lists");
    }
    let listed = compare_photos(contents, &index, problems);
    if (photos.originals, photos.thumbnails, photos.bytes)
        != (listed.originals, listed.thumbnails, listed.bytes)
    {
        problems.damaged(Some(METADATA), "it counts other photos than photos/index.json lists");
    }
}

/// What the index lists.
#[derive(Default)]
struct Listed {
    originals: u64,
    thumbnails: u64,
    bytes: u64,
}

/// Compares each photo of the index with the entry that it names, and the reverse.
fn compare_photos(contents: &Contents<'_>, index: &[IndexedPhoto], problems: &mut Problems) -> Listed {
    let mut listed = Listed::default();
    let (mut named, mut keys) = (HashSet::new(), HashSet::new());
    for photo in index {
        if !keys.insert(&*photo.key) {
            problems.damaged(Some(INDEX), "it names a key twice");
        }
        let path = photo.path();
        let sound = contents.sound(&path);
        let is_new = sound.is_none_or(|sound| named.insert(sound.entry.name.as_str()));
        if is_new && path.starts_with(ORIGINALS) {
            listed.originals += 1;
        } else if is_new && path.starts_with(THUMBNAILS) {
            listed.thumbnails += 1;
        } else {
            problems.damaged(Some(INDEX), "it names a photo twice, or one that is elsewhere");
        }
        listed.bytes = listed.bytes.saturating_add(photo.size);
        let Some(sound) = sound else {
            if !contents.lists(&path) {
                problems.damaged(Some(&path), "photos/index.json lists it, and it is missing");
            }
            continue;
        };
        if sound.entry.size != photo.size || Some(sound.sha256) != photo.sha256 {
            problems.damaged(Some(&path), "it is not the photo that photos/index.json describes");
        } else if !sound.entry.is_stored() {
            problems.altered(Some(&path), "it is compressed, and no restore takes such a photo: unpack it");
        }
    }
    for sound in contents.all().filter(|sound| is_photo(&sound.entry.name)) {
        if !named.contains(sound.entry.name.as_str()) {
            problems.damaged(Some(&sound.entry.name), "photos/index.json does not list it");
        }
    }
    listed
}

fn check_rows(
    contents: &Contents<'_>,
    metadata: &BackupMetadata,
    problems: &mut Problems,
    job: &Job,
) -> Result<()> {
    let rows = &metadata.database;
    if rows.total_rows != rows.tables.iter().map(|table| table.rows).fold(0, u64::saturating_add) {
        problems.damaged(Some(METADATA), "it counts other rows in all than in its tables");
    }
    let mut names = HashSet::new();
    if !rows.tables.iter().all(|table| names.insert(table.name.as_str())) {
        problems.damaged(Some(METADATA), "it lists a table twice");
    }
    let Some(scripts) = scripts(contents, metadata, problems) else { return Ok(()) };
    let workspace = Workspace::create(&folder::temporary())?;
    let bytes = scripts.iter().map(|(_, script)| script.entry.size).fold(0, u64::saturating_add);
    workspace.ensure_space(loaded_size(bytes))?;
    let silent = Arc::new(Meter::silent());
    let drill = Drill::start(&workspace.path("verify.sqlite"), bytes, Fate::Scratch, ADVICE, job, silent);
    let drilled = drill.and_then(|mut drill| {
        for (name, script) in scripts {
            let script = contents.open(script).map_err(|error| unreadable(name, error))?;
            drill.load(name, BufReader::new(script))?;
        }
        drill.compare(&metadata.database.expected())
    });
    match drilled {
        Ok(found) => compare_drill(metadata, &found, problems),
        Err(Error::DrillFailed { problem, .. }) => problems.damaged(Some(MAIN), &problem),
        Err(error) => return Err(error),
    }
    Ok(())
}

/// The SQL of the rows, in the order in which it is loaded; `None` when not all of it is there as it was written.
fn scripts<'s>(
    contents: &Contents<'s>,
    metadata: &BackupMetadata,
    problems: &mut Problems,
) -> Option<Vec<(&'static str, Sound<'s>)>> {
    let rows = &metadata.database;
    let Some(main) = contents.sound(MAIN) else {
        if !contents.lists(MAIN) {
            problems.damaged(Some(MAIN), "every backup has it, and it is missing");
        }
        return None;
    };
    if main.entry.size != rows.sql_bytes {
        problems.damaged(Some(MAIN), "it has another length than metadata.json says");
        return None;
    }
    let extra = contents.sound(EXTRA);
    if extra.is_some() && rows.in_extra.is_empty() {
        problems.damaged(Some(EXTRA), "metadata.json says that nothing stands in it");
    }
    if extra.is_none() && (contents.lists(EXTRA) || !rows.in_extra.is_empty()) {
        if !contents.lists(EXTRA) {
            problems.damaged(Some(EXTRA), "metadata.json says what stands in it, and it is missing");
        }
        return None;
    }
    Some([Some((MAIN, main)), extra.map(|extra| (EXTRA, extra))].into_iter().flatten().collect())
}

/// Damage that was in the source already was there when the backup was made.
fn compare_drill(metadata: &BackupMetadata, found: &DrillReport, problems: &mut Problems) {
    for name in &found.unlisted {
        problems.damaged(Some(METADATA), &format!("it does not list the table {name}, which is in the SQL"));
    }
    let Some(then) = &metadata.drill else { return };
    if (then.tables, then.rows) != (found.tables, found.rows) {
        problems.damaged(Some(METADATA), "it says that its drill compared other tables than it lists");
    }
    if then.integrity_check != found.integrity_check {
        let problem =
            format!("SQLite finds something else wrong than when it was made: {}", found.integrity_check);
        problems.damaged(Some(MAIN), &problem);
    }
    if then.foreign_key_problems != found.foreign_key_problems {
        problems.damaged(Some(MAIN), "other rows lack their parent than when it was made");
    }
}

fn unreadable(name: &str, error: std::io::Error) -> Error {
    Error::DrillFailed { problem: format!("{name} cannot be read; {ADVICE}"), source: Some(Box::new(error)) }
}
