//! A data dump: its records against their schemas, its counts, its thumbnails, and that nothing in it has the shape of
//! what may not be public. Whether an identifier of a user is inside can only be told by whoever has the database.

use std::collections::{BTreeMap, HashMap};
use std::io::BufReader;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::contents::{Contents, Sound};
use super::problems::Problems;
use crate::archive::THUMBNAILS;
use crate::dataset::readme::Source;
use crate::dataset::record::each_record;
use crate::dataset::schemas::Shape;
use crate::dataset::{CC0, LICENSE, changes, citation, package, schemas};
use crate::error::Result;
use crate::formats::dump::{DataDumpMetadata, SourceMetadata};
use crate::formats::opening::METADATA_LIMIT;
use crate::formats::{METADATA, README, SUMS};
use crate::job::Job;
use crate::platform::fields::files::{ARTWORK, CREATORS, DATA_FILES, DataFile, OTHER_LICENSES, TAGS};
use crate::privacy::filter::Filter;
use crate::privacy::scan::Scanner;
use crate::privacy::values::Values;

/// How large a schema may be: one of ours has 5 kB, and a line for each column that the publisher added.
const SCHEMA_LIMIT: u64 = 1 << 20;
/// More values than any record has: each takes up to a hundred bytes.
const MAX_VALUES: usize = 2_000_000;
/// What else a dump may hold.
const OTHERS: [&str; 7] = [LICENSE, README, METADATA, package::NAME, citation::NAME, changes::NAME, SUMS];
/// What every dump holds.
const ALWAYS: [&str; 5] = [LICENSE, README, package::NAME, citation::NAME, METADATA];

/// Checks all that makes a data dump one.
pub(super) fn check(contents: &Contents<'_>, problems: &mut Problems, job: &Job) -> Result<()> {
    let files: Vec<&DataFile> = DATA_FILES.into_iter().chain([&OTHER_LICENSES]).collect();
    for sound in contents.all() {
        let name = sound.entry.name.as_str();
        let is_data = files.iter().any(|file| file.name == name || schemas::name(file) == name);
        if !is_data && !OTHERS.contains(&name) && !name.starts_with(THUMBNAILS) {
            problems.damaged(Some(name), "a data dump has no such entry");
        }
    }
    for name in ALWAYS.into_iter().filter(|name| !contents.lists(name)) {
        problems.damaged(Some(name), "every data dump has it, and it is missing");
    }
    let is_cc0 = |sound: &Sound<'_>| sound.sha256[..] == Sha256::digest(CC0)[..];
    if contents.sound(LICENSE).is_some_and(|sound| !is_cc0(&sound)) {
        problems.damaged(Some(LICENSE), "it is not the legal code of CC0");
    }
    let Some(metadata) = contents.json::<DataDumpMetadata>(METADATA, METADATA_LIMIT, problems) else {
        return Ok(());
    };
    let mut reading = Reading { contents, problems, job, filter: Filter::new([]), photos: BTreeMap::new() };
    let mut counts = HashMap::new();
    for file in files {
        if let Some(records) = reading.check_file(file)? {
            counts.insert(file.name, records);
        }
    }
    reading.check_photos(&metadata);
    let told = metadata.counts;
    for (file, told) in
        [(&ARTWORK, told.total_artworks), (&CREATORS, told.total_creators), (&TAGS, told.total_tags)]
    {
        if counts.get(file.name).is_some_and(|found| *found != told) {
            problems.damaged(Some(file.name), "it has another number of records than metadata.json says");
        }
    }
    search(contents, &metadata, problems, job)
}

struct Reading<'c, 's, 'p> {
    contents: &'c Contents<'s>,
    problems: &'p mut Problems,
    job: &'c Job,
    filter: Filter,
    /// What records say of thumbnails. In the order of their names, so that problems are.
    photos: BTreeMap<String, Described>,
}

/// A thumbnail as artwork.json describes it.
struct Described {
    bytes: u64,
    sha256: String,
}

impl Reading<'_, '_, '_> {
    /// Checks a data file against its schema; how many records it has, if it can be read.
    fn check_file(&mut self, file: &'static DataFile) -> Result<Option<u64>> {
        let Some(sound) = self.contents.sound(file.name) else {
            if !self.contents.lists(file.name) && file.name != OTHER_LICENSES.name {
                self.problems.damaged(Some(file.name), "every data dump has it, and it is missing");
            }
            return Ok(None);
        };
        let Some(shape) = self.shape(file) else { return Ok(None) };
        let lines = match self.contents.open(sound) {
            Ok(contents) => BufReader::with_capacity(1 << 20, contents),
            Err(error) => {
                self.problems.damaged(Some(file.name), &error.to_string());
                return Ok(None);
            }
        };
        let mut records = 0;
        let read = each_record(lines, |json| {
            self.job.check()?;
            records += 1;
            let is_bounded = memchr::memchr_iter(b',', json).take(MAX_VALUES).count() < MAX_VALUES;
            match serde_json::from_slice(json) {
                _ if !is_bounded => {
                    let problem = format!("record {records} has more values than any record");
                    self.problems.damaged(Some(file.name), &problem);
                }
                Ok(record) => self.check_record(file, &shape, &record, records),
                Err(_) => self.problems.damaged(Some(file.name), &format!("record {records} is no JSON")),
            }
            Ok(())
        });
        match read {
            Ok(stopped) => stopped?,
            Err(error) => self.problems.damaged(Some(file.name), &error.to_string()),
        }
        Ok(Some(records))
    }

    /// What the records have to be. The schema is ours, with the columns that the publisher added.
    fn shape(&mut self, file: &DataFile) -> Option<Shape> {
        let name = schemas::name(file);
        let found = self.contents.json::<Value>(&name, SCHEMA_LIMIT, self.problems)?;
        let properties = found.pointer("/items/properties").and_then(Value::as_object);
        let names = properties.into_iter().flat_map(|properties| properties.keys());
        let extra: Vec<String> = names.filter(|name| !file.has_field(name)).cloned().collect();
        for field in
            extra.iter().filter(|field| !self.filter.allows(field.rsplit('.').next().unwrap_or(field)))
        {
            self.problems.leak(&name, &format!("it lets out {field:?}, which is never public"));
        }
        if schemas::schema(file, &extra) != found {
            self.problems.damaged(Some(&name), "it is not the schema of this format version");
        }
        Some(Shape::new(file, extra))
    }

    fn check_record(&mut self, file: &DataFile, shape: &Shape, record: &Value, number: u64) {
        // Never the value: it may be what should not be here.
        if let Some(place) = shape.mismatch(record) {
            let place = match place.as_str() {
                "" => "a field is missing, or is none of the format".to_owned(),
                pointer => format!("at {pointer}"),
            };
            let problem = format!("record {number} is not as its schema says: {place}");
            self.problems.damaged(Some(file.name), &problem);
        }
        if let Some(tags) = record.get("tags") {
            let mut public = tags.clone();
            self.filter.clean_value(&mut public);
            if public != *tags {
                let problem = format!("a tag of record {number} is never public");
                self.problems.leak(file.name, &problem);
            }
        }
        let photos = record.get("photos").and_then(Value::as_array);
        for photo in photos.into_iter().flatten() {
            let text = |name| photo.get(name).and_then(Value::as_str);
            let bytes = photo.get("bytes").and_then(Value::as_u64);
            if let (Some(name), Some(bytes), Some(sha256)) = (text("file"), bytes, text("sha256")) {
                self.photos.insert(name.to_owned(), Described { bytes, sha256: sha256.to_owned() });
            }
        }
    }

    fn check_photos(&mut self, metadata: &DataDumpMetadata) {
        for (name, Described { bytes, sha256 }) in &self.photos {
            match self.contents.sound(name) {
                Some(sound) if sound.entry.size != *bytes || hex::encode(sound.sha256) != *sha256 => {
                    self.problems.damaged(Some(name), "it is not the thumbnail that artwork.json describes");
                }
                None if !self.contents.lists(name) => {
                    self.problems.damaged(Some(name), "artwork.json lists it, and it is missing");
                }
                _ => {}
            }
        }
        for sound in self.contents.all() {
            let name = &sound.entry.name;
            if name.starts_with(THUMBNAILS) && !self.photos.contains_key(name) {
                self.problems.damaged(Some(name), "artwork.json does not list it");
            }
        }
        if metadata.counts.total_photos != self.photos.len() as u64 {
            self.problems.damaged(Some(METADATA), "it counts other photos than artwork.json lists");
        }
    }
}

/// E-mail addresses are never public, whoever has them; other identifiers are known to the database alone.
fn search(
    contents: &Contents<'_>,
    metadata: &DataDumpMetadata,
    problems: &mut Problems,
    job: &Job,
) -> Result<()> {
    let SourceMetadata { name, url, contact } = metadata.source.clone();
    let exempt = Source { name, url, contact }.spellings();
    let values = Values::default();
    let scanner = Scanner::new(&values, exempt.iter().map(String::as_str));
    // The licence and the schemas, too: there is no address in them as we write them.
    let is_searched = |sound: &Sound<'_>| !sound.entry.name.starts_with(THUMBNAILS);
    for sound in contents.all().filter(is_searched) {
        job.check()?;
        let name = &sound.entry.name;
        match contents.open(sound).and_then(|contents| scanner.bytes(contents)) {
            Ok(Some(_)) => problems.leak(name, "it holds an e-mail address, which is never public"),
            Ok(None) => {}
            Err(error) => problems.damaged(Some(name), &error.to_string()),
        }
    }
    Ok(())
}
