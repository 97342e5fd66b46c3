//! The half of copying that writes: photos into the archive, in the order of their plan, and their index behind them.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::sync::Arc;

use tokio::sync::mpsc;

use super::{Incoming, Photos, Task};
use crate::archive::{ArchiveWriter, Deflater, EntryNames, ORIGINALS, Stored, THUMBNAILS};
use crate::backup::reuse::Earlier;
use crate::error::{Error, Result};
use crate::formats::backup::{MissingPhoto, PhotosMetadata};
use crate::formats::index::{self, INDEX, IndexEntry};
use crate::formats::missing::keep_listed;
use crate::job::{Meter, Phase};
use crate::photos::fetch::{Attempt, Fetched};
use crate::photos::source::{GetError, StoredPhoto, turned_away, wrong_store};
use crate::platform::photo_plan::{self, PhotoKind, PlannedPhoto};
use crate::platform::times::rfc3339;

/// The index while it lies in the workspace.
const INDEX_FILE: &str = "index.json";

/// Puts photos into the archive, one after the other.
pub(super) struct Writing<'a> {
    task: Task<'a>,
    archive: ArchiveWriter,
    index: Deflater,
    /// Bytes of it.
    index_size: u64,
    entries: u64,
    fetched: mpsc::Receiver<Result<Attempt>>,
    meter: Meter,
    photos: Photos,
    /// Keys that the store has, or may have.
    had: HashSet<&'a str>,
    /// How the store turned photos away.
    refusals: Vec<GetError>,
}

impl<'a> Writing<'a> {
    /// Begins the index in the workspace; `archive` goes on with the photos, which come from `fetched`.
    pub(super) fn new(
        task: Task<'a>,
        archive: ArchiveWriter,
        fetched: mpsc::Receiver<Result<Attempt>>,
    ) -> Result<Self> {
        let Task { run, plan } = task;
        let level = run.settings.common.compression_level;
        let file = run.workspace.create_file(INDEX_FILE)?;
        let index = Deflater::new(file, run.workspace.path(INDEX_FILE), level, 1)?;
        let missing = plan.unlisted().iter().map(|unlisted| MissingPhoto {
            key: unlisted.key.clone(),
            reason: unlisted.error.reason().into(),
            artwork_ids: texts(&unlisted.artwork_ids),
        });
        let metadata = PhotosMetadata {
            scope: plan.scope().map(|scope| scope.as_str().into()),
            originals: 0,
            thumbnails: 0,
            bytes: 0,
            missing: missing.collect(),
            missing_unlisted: None,
            foreign: plan.foreign(),
            dangling: plan.dangling(),
        };
        let meter = run.job.meter(Phase::Photos, Some(plan.photos().len() as u64), plan.all_bytes());
        let photos = Photos { metadata, reused: 0, dangling: None };
        Ok(Writing {
            task,
            archive,
            index,
            index_size: 0,
            entries: 0,
            fetched,
            meter,
            photos,
            had: HashSet::new(),
            refusals: Vec::new(),
        })
    }

    /// Copies every photo of the plan: from the earlier backup where `is_reused` says so, else as it was fetched. Then
    /// come those that were not where a row says.
    pub(super) fn run(
        mut self,
        is_reused: &[bool],
        mut earlier: Option<Earlier>,
    ) -> Result<(ArchiveWriter, Photos)> {
        let Task { run, plan } = self.task;
        self.refuse(self.photos.metadata.missing.first())?;
        let to_fetch = is_reused.iter().filter(|reused| !**reused).count() as u64;
        if let Some(time) = plan.least_time(to_fetch) {
            self.meter.takes_at_least(time);
        }
        // Where nothing is listed, what no row names is a guess; many servers refuse what they do not have, or send
        // whoever asks for it to another host.
        let is_guess = |key: &str| !plan.readings().is_empty() && !plan.named().contains(key);
        let all = plan.photos().iter().chain(plan.alternatives());
        let names = EntryNames::for_keys(all.map(|planned| &*planned.key));
        for (planned, is_reused) in plan.photos().iter().zip(is_reused) {
            run.job.check()?;
            let name = names.get(&planned.key);
            let listed = plan.listed(&planned.key);
            if let Some((earlier, photo)) = earlier.as_mut().zip(listed).filter(|_| *is_reused) {
                let mut incoming = earlier.open(photo)?;
                take_from_listing(&mut incoming.photo, photo);
                self.add(planned, incoming, &name)?;
                self.photos.reused += 1;
                self.had.insert(&planned.key);
            } else {
                let fetched = self.fetched.blocking_recv().unwrap_or(Err(Error::Aborted))?;
                self.settle(planned, fetched.outcome, is_guess(&planned.key), &name)?;
            }
        }
        let mut total = plan.photos().len() as u64;
        while let Some(attempt) = self.fetched.blocking_recv() {
            let Attempt { key, outcome } = attempt?;
            let Some(planned) = plan.alternative(&key) else { continue };
            total += 1;
            self.meter.expect(Some(total), plan.all_bytes());
            self.settle(planned, outcome, true, &names.get(&key))?;
        }
        self.meter.finish();
        self.forgive_readings();
        self.refuse(self.photos.metadata.missing.first())?;
        self.refuse_if_all_turned_away()?;
        self.count_dangling()?;
        self.finish()
    }

    /// Puts a photo into the archive, or on the list of what is missing.
    fn settle(
        &mut self,
        planned: &'a PlannedPhoto,
        outcome: Result<Fetched, GetError>,
        is_guess: bool,
        name: &str,
    ) -> Result<()> {
        let outcome = match outcome {
            Err(error) if error.turns_away() => {
                self.refusals.push(error);
                Err(if is_guess { GetError::NoSuchKey } else { error })
            }
            outcome => outcome,
        };
        if !matches!(outcome, Err(GetError::NoSuchKey)) {
            self.had.insert(&planned.key);
        }
        match outcome {
            Ok(Fetched { mut photo, body, sums }) => {
                if let Some(listed) = self.task.plan.listed(&planned.key) {
                    take_from_listing(&mut photo, listed);
                }
                let (sha256, crc32) = (sums.sha256(), sums.crc32());
                self.add(planned, Incoming { photo, sha256, crc32, bytes: body.into_reader() }, name)
            }
            // Only a guess, or what a row claims: the store never said that it has it.
            Err(GetError::NoSuchKey) if !self.task.plan.readings().is_empty() => {
                self.meter.add(1, 0);
                Ok(())
            }
            Err(error) => self.miss(planned, error),
        }
    }

    /// A reference may be read as several keys, and a store that gave the photo under one of them may turn the others
    /// away: these are not missing. Takes them off the list, but for those of a reference for which nothing was given.
    fn forgive_readings(&mut self) {
        let (readings, missing) = (self.task.plan.readings(), &mut self.photos.metadata.missing);
        if readings.is_empty() || missing.is_empty() {
            return;
        }
        let not_given: HashSet<&str> = missing.iter().map(|photo| photo.key.as_str()).collect();
        let is_given = |key: &String| self.had.contains(key.as_str()) && !not_given.contains(key.as_str());
        let lost: HashSet<&String> =
            readings.iter().filter(|keys| !keys.iter().any(is_given)).flatten().collect();
        missing.retain(|photo| lost.contains(&photo.key) || !GetError::is_turning_away(&photo.reason));
    }

    /// Fails when there were several photos and the store turned each of them away: then it means us.
    fn refuse_if_all_turned_away(&self) -> Result<()> {
        let [_, .., why] = self.refusals.as_slice() else { return Ok(()) };
        let Some(store) = self.task.plan.store().filter(|_| self.entries == 0) else { return Ok(()) };
        if self.refusals.len() < self.photos.metadata.missing.len() {
            return Ok(());
        }
        Err(turned_away(store.place(), *why))
    }

    /// Counts references to what a store that cannot list does not have. Fails when it has nothing at all.
    fn count_dangling(&mut self) -> Result<()> {
        let dangles = |keys: &&Vec<String>| !keys.iter().any(|key| self.had.contains(key.as_str()));
        let dangling: Vec<&Vec<String>> = self.task.plan.readings().iter().filter(dangles).collect();
        if dangling.is_empty() {
            return Ok(());
        }
        if self.had.is_empty() {
            return Err(wrong_store(dangling.len() as u64));
        }
        self.photos.metadata.dangling = dangling.len() as u64;
        let examples = dangling.iter().filter_map(|keys| keys.first()).map(String::as_str);
        self.photos.dangling = Some(photo_plan::dangling(self.photos.metadata.dangling, examples));
        Ok(())
    }

    /// Ends the index and puts it behind the photos.
    fn finish(mut self) -> Result<(ArchiveWriter, Photos)> {
        self.write_index(if self.entries == 0 { "[]\n" } else { "\n]\n" })?;
        index::check_readable(self.index_size, self.entries as usize)?;
        let index = self.index.finish()?;
        self.archive.add_deflated(INDEX, &index, self.task.run.workspace.open_file(INDEX_FILE)?)?;
        let photos = &mut self.photos.metadata;
        photos.missing.sort_by(|a, b| a.key.cmp(&b.key));
        photos.missing_unlisted = keep_listed(&mut photos.missing)?;
        Ok((self.archive, self.photos))
    }

    fn add(&mut self, planned: &PlannedPhoto, incoming: Incoming<impl Read>, name: &str) -> Result<()> {
        let Incoming { photo, sha256, crc32, mut bytes } = incoming;
        let (folder, count) = match planned.kind {
            PhotoKind::Original => (ORIGINALS, &mut self.photos.metadata.originals),
            PhotoKind::Thumbnail => (THUMBNAILS, &mut self.photos.metadata.thumbnails),
        };
        *count += 1;
        self.photos.metadata.bytes += photo.size;
        let path = format!("{folder}{name}");
        let modified = photo.last_modified.unwrap_or(self.task.run.settings.common.now);
        let stored = Stored { modified, size: photo.size, crc32, sha256 };
        self.archive.add_stored(&path, stored, &mut bytes)?;
        let entry = IndexEntry {
            key: photo.key.to_string(),
            path,
            size: photo.size,
            sha256: hex::encode(sha256),
            etag: photo.etag,
            last_modified: photo.last_modified.map(rfc3339),
            content_type: photo.content_type,
            http_metadata: photo.http_metadata.into_map(),
            custom_metadata: photo.custom_metadata.into_map(),
            artwork_ids: texts(&planned.artwork_ids),
        };
        let json = serde_json::to_string(&entry)
            .map_err(|error| Error::Internal { problem: format!("{INDEX}: {error}") })?;
        self.write_index(&format!("{}{json}", if self.entries == 0 { "[\n" } else { ",\n" }))?;
        self.entries += 1;
        self.meter.add(1, entry.size);
        Ok(())
    }

    fn miss(&mut self, planned: &PlannedPhoto, error: GetError) -> Result<()> {
        let (key, artwork_ids) = (planned.key.to_string(), texts(&planned.artwork_ids));
        let missing = MissingPhoto { key, reason: error.reason().into(), artwork_ids };
        // What is turned away may be given by another reading.
        if self.task.plan.readings().is_empty() || !error.turns_away() {
            self.refuse(Some(&missing))?;
        }
        self.photos.metadata.missing.push(missing);
        self.meter.add(1, 0);
        Ok(())
    }

    /// Fails where a photo is missing and none may.
    fn refuse(&self, missing: Option<&MissingPhoto>) -> Result<()> {
        match missing.filter(|_| self.task.run.settings.fail_on_photo_error) {
            Some(MissingPhoto { key, reason, .. }) => {
                Err(Error::PhotoFailed { key: key.clone(), reason: reason.clone() })
            }
            None => Ok(()),
        }
    }

    fn write_index(&mut self, json: &str) -> Result<()> {
        // Told when it is too much however many photos follow, not hours later.
        self.index_size += json.len() as u64;
        index::check_readable(self.index_size, usize::MAX)?;
        self.index.write_all(json.as_bytes()).map_err(|error| Error::output(self.index.path(), error))
    }
}

fn texts(ids: &[Arc<str>]) -> Vec<String> {
    ids.iter().map(|id| id.to_string()).collect()
}

/// A listing tells the time of a photo to the millisecond, a header to the second (RFC 9110, 5.6.7), and the next
/// backup compares with its listing. What some listings tell of headers, the answer to a request does not.
fn take_from_listing(photo: &mut StoredPhoto, listed: &StoredPhoto) {
    if photo.etag.is_none() || photo.etag != listed.etag || photo.size != listed.size {
        return;
    }
    photo.last_modified = listed.last_modified.or(photo.last_modified);
    if listed.content_type.is_some() {
        photo.content_type.clone_from(&listed.content_type);
    }
    if !listed.http_metadata.is_empty() {
        photo.http_metadata.clone_from(&listed.http_metadata);
    }
    if !listed.custom_metadata.is_empty() {
        photo.custom_metadata.clone_from(&listed.custom_metadata);
    }
}
