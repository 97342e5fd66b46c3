//! The photos of a backup on their way into the archive, in the order of their plan.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::sync::Arc;

use tokio::sync::mpsc;

use self::asking::ask;
use super::Written;
use super::options::Settings;
use super::plan::Plan;
use super::reuse::Earlier;
use super::rows::Rows;
use crate::archive::{ArchiveWriter, Deflater, EntryNames, ORIGINALS, THUMBNAILS, Workspace};
use crate::error::{Error, Result};
use crate::formats::backup::{MissingPhoto, PhotosMetadata};
use crate::formats::index::{self, INDEX, IndexEntry};
use crate::formats::missing::keep_listed;
use crate::job::{Job, Meter, Phase, Warning, blocking, counted, stop_on_error};
use crate::photos::fetch::{Attempt, Fetched};
use crate::photos::source::{GetError, StoredPhoto, turned_away, wrong_store};
use crate::platform::photo_plan::{self, PhotoKind, PlannedPhoto};
use crate::platform::times::rfc3339;

mod asking;

/// The index while it lies in the workspace.
const INDEX_FILE: &str = "index.json";
/// Fetched photos that wait for the writer.
const WAITING: usize = 2;

/// What was copied.
#[derive(Debug)]
pub struct Photos {
    metadata: PhotosMetadata,
    reused: u64,
    /// That references dangle, where only asking could show it.
    dangling: Option<Warning>,
}

impl Photos {
    /// Copied from the earlier backup instead of fetched.
    pub fn reused(&self) -> u64 {
        self.reused
    }

    /// The part of metadata.json.
    pub fn metadata(self) -> PhotosMetadata {
        self.metadata
    }

    /// What the operator should know about photos that are not there.
    pub fn warnings(&self) -> Vec<Warning> {
        let missing = self.metadata.all_missing();
        let message = format!(
            "{} not be copied; see photos.missing in metadata.json{}",
            counted(missing, "photo could", "photos could"),
            if self.metadata.missing_unlisted.is_some() { ", which has no room for all" } else { "" }
        );
        let missing = (missing > 0).then(|| Warning::new("PHOTO_MISSING", message));
        missing.into_iter().chain(self.dangling.clone()).collect()
    }
}

/// A photo on its way into the archive.
pub struct Incoming<R> {
    /// What is known of it.
    pub photo: StoredPhoto,
    /// Of its bytes.
    pub sha256: [u8; 32],
    /// Of its bytes, as ZIP has it.
    pub crc32: u32,
    /// From the first to the last.
    pub bytes: R,
}

/// Copies the rows, then every photo, into a new archive.
pub async fn copy(
    settings: &Arc<Settings>,
    workspace: &Arc<Workspace>,
    rows: Rows,
    mut plan: Plan,
    earlier: Option<Earlier>,
    job: &Job,
) -> Result<Written> {
    if let Some(earlier) = &earlier {
        plan.look_for(earlier, settings.common.concurrency, job).await?;
    }
    let reused = |planned: &PlannedPhoto| {
        let held = earlier.as_ref().zip(plan.listed(&planned.key));
        held.is_some_and(|(earlier, photo)| earlier.holds(photo))
    };
    let is_reused: Vec<bool> = plan.photos().iter().map(reused).collect();
    let keys = |reused: bool| {
        let those = plan.photos().iter().zip(&is_reused).filter(move |(_, is_reused)| **is_reused == reused);
        those.map(|(planned, _)| planned.key.clone())
    };
    let (wanted, had) = (keys(false).collect(), keys(true).collect());
    let (sender, fetched) = mpsc::channel(WAITING);
    let plan = Arc::new(plan);
    let writing = {
        let (settings, workspace, job) = (Arc::clone(settings), Arc::clone(workspace), job.clone());
        let plan = Arc::clone(&plan);
        blocking(move || {
            let mut archive =
                ArchiveWriter::create(&workspace, settings.common.now, settings.common.compression_level)?;
            rows.add_to(&mut archive, &workspace)?;
            let copier = Copier::new(&settings, &workspace, archive, &plan, fetched, &job)?;
            let (archive, photos) = copier.run(&plan, &is_reused, earlier)?;
            Ok(Written { archive, rows, photos })
        })
    };
    let fetching = ask(&plan, wanted, had, settings, workspace, job, sender);
    let writing = async { stop_on_error(job, writing.await) };
    let (written, ()) = tokio::join!(writing, fetching);
    written
}

/// Puts photos into the archive, one after the other.
struct Copier<'a> {
    settings: &'a Settings,
    workspace: &'a Workspace,
    archive: ArchiveWriter,
    index: Deflater,
    /// Bytes of it.
    index_size: u64,
    entries: u64,
    fetched: mpsc::Receiver<Result<Attempt>>,
    meter: Meter,
    job: &'a Job,
    photos: Photos,
    /// How the store turned photos away.
    refusals: Vec<GetError>,
    /// The keys whose photos are in the archive, where the store cannot list.
    given: Option<HashSet<String>>,
}

impl<'a> Copier<'a> {
    fn new(
        settings: &'a Settings,
        workspace: &'a Workspace,
        archive: ArchiveWriter,
        plan: &Plan,
        fetched: mpsc::Receiver<Result<Attempt>>,
        job: &'a Job,
    ) -> Result<Self> {
        let index = Deflater::new(
            workspace.create_file(INDEX_FILE)?,
            workspace.path(INDEX_FILE),
            settings.common.compression_level,
            1,
        )?;
        let missing = plan.unlisted().iter().map(|unlisted| MissingPhoto {
            key: unlisted.key.clone(),
            reason: unlisted.error.reason().into(),
            artwork_ids: unlisted.artwork_ids.clone(),
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
        let meter = job.meter(Phase::Photos, Some(plan.photos().len() as u64), plan.all_bytes());
        let photos = Photos { metadata, reused: 0, dangling: None };
        Ok(Copier {
            settings,
            workspace,
            archive,
            index,
            index_size: 0,
            entries: 0,
            fetched,
            meter,
            job,
            photos,
            refusals: Vec::new(),
            given: (!plan.readings().is_empty()).then(HashSet::new),
        })
    }

    fn run(
        mut self,
        plan: &Plan,
        is_reused: &[bool],
        mut earlier: Option<Earlier>,
    ) -> Result<(ArchiveWriter, Photos)> {
        if let Some(first) = self.photos.metadata.missing.first() {
            self.refuse_failure(&first.key, &first.reason)?;
        }
        let to_fetch = is_reused.iter().filter(|reused| !**reused).count() as u64;
        if let Some(time) = plan.least_time(to_fetch) {
            self.meter.takes_at_least(time);
        }
        // Keys that the store has, or may have.
        let mut had = HashSet::new();
        // Where nothing is listed, what no row names is a guess; many servers refuse what they do not have, or send
        // whoever asks for it to another host.
        let is_guess = |key: &str| !plan.readings().is_empty() && !plan.named().contains(key);
        let all = plan.photos().iter().chain(plan.sisters());
        let names = EntryNames::for_keys(all.map(|planned| planned.key.as_str()));
        for (planned, is_reused) in plan.photos().iter().zip(is_reused) {
            self.job.check()?;
            let name = names.get(&planned.key);
            let listed = plan.listed(&planned.key);
            if let Some((earlier, photo)) = earlier.as_mut().zip(listed).filter(|_| *is_reused) {
                let mut incoming = earlier.open(photo)?;
                take_from_listing(&mut incoming.photo, photo);
                self.add(planned, incoming, &name)?;
                self.photos.reused += 1;
                had.insert(planned.key.as_str());
                continue;
            }
            let outcome = self.receive()?;
            if self.settle(plan, planned, outcome, is_guess(&planned.key), &name)? {
                had.insert(planned.key.as_str());
            }
        }
        // What is not where a row says it is.
        let mut total = plan.photos().len() as u64;
        while let Some(attempt) = self.fetched.blocking_recv() {
            let Attempt { key, outcome } = attempt?;
            let Some(planned) = plan.sister(&key) else { continue };
            total += 1;
            self.meter.expect(Some(total), plan.all_bytes());
            if self.settle(plan, planned, outcome, true, &names.get(&key))? {
                had.insert(planned.key.as_str());
            }
        }
        self.meter.finish();
        self.forgive_readings(plan);
        self.refuse_strangers(plan)?;
        self.count_dangling(plan, &had)?;
        self.write_index(if self.entries == 0 { "[]\n" } else { "\n]\n" })?;
        index::check_readable(self.index_size, self.entries as usize)?;
        let index = self.index.finish()?;
        self.archive.add_deflated(INDEX, &index, self.workspace.open_file(INDEX_FILE)?)?;
        let photos = &mut self.photos.metadata;
        photos.missing.sort_by(|a, b| a.key.cmp(&b.key));
        photos.missing_unlisted = keep_listed(&mut photos.missing)?;
        Ok((self.archive, self.photos))
    }

    /// Puts a photo into the archive, or on the list of what is missing. Whether the store has it, or may.
    fn settle(
        &mut self,
        plan: &Plan,
        planned: &PlannedPhoto,
        outcome: Result<Fetched, GetError>,
        is_guess: bool,
        name: &str,
    ) -> Result<bool> {
        let outcome = match outcome {
            Err(error) if error.turns_away() => {
                self.refusals.push(error);
                Err(if is_guess { GetError::NoSuchKey } else { error })
            }
            outcome => outcome,
        };
        let is_had = !matches!(outcome, Err(GetError::NoSuchKey));
        match outcome {
            Ok(Fetched { mut photo, body, sums }) => {
                if let Some(listed) = plan.listed(&planned.key) {
                    take_from_listing(&mut photo, listed);
                }
                let (sha256, crc32) = (sums.sha256(), sums.crc32());
                self.add(planned, Incoming { photo, sha256, crc32, bytes: body.into_reader() }, name)?;
            }
            // Only a guess, or what a row claims: the store never said that it has it.
            Err(GetError::NoSuchKey) if !plan.readings().is_empty() => self.meter.add(1, 0),
            Err(error) => self.miss(planned, error)?,
        }
        Ok(is_had)
    }

    /// Takes what the store turned away off the list of what is missing where it gave another reading of each reference
    /// to it: then it has the photo there.
    fn forgive_readings(&mut self, plan: &Plan) {
        let Some(given) = &self.given else { return };
        let lost = plan.readings().iter().filter(|keys| !keys.iter().any(|key| given.contains(key)));
        let lost: HashSet<&String> = lost.flatten().collect();
        let is_turned_away =
            |reason: &str| GetError::TURNING_AWAY.iter().any(|error| error.reason() == reason);
        let missing = &mut self.photos.metadata.missing;
        missing.retain(|photo| lost.contains(&photo.key) || !is_turned_away(&photo.reason));
    }

    /// Fails when there were several photos and the store turned each of them away: then it means us.
    fn refuse_strangers(&self, plan: &Plan) -> Result<()> {
        let [_, .., why] = self.refusals.as_slice() else { return Ok(()) };
        let Some(store) = plan.store().filter(|_| self.entries == 0) else { return Ok(()) };
        if self.refusals.len() < self.photos.metadata.missing.len() {
            return Ok(());
        }
        Err(turned_away(store.place(), *why))
    }

    /// Counts references to what a store that cannot list does not have. Fails when it has nothing at all.
    fn count_dangling(&mut self, plan: &Plan, had: &HashSet<&str>) -> Result<()> {
        let dangles = |keys: &&Vec<String>| !keys.iter().any(|key| had.contains(key.as_str()));
        let dangling: Vec<&Vec<String>> = plan.readings().iter().filter(dangles).collect();
        if dangling.is_empty() {
            return Ok(());
        }
        if had.is_empty() {
            return Err(wrong_store(dangling.len() as u64));
        }
        self.photos.metadata.dangling = dangling.len() as u64;
        let examples = dangling.iter().filter_map(|keys| keys.first()).map(String::as_str);
        self.photos.dangling = Some(photo_plan::dangling(self.photos.metadata.dangling, examples));
        Ok(())
    }

    fn receive(&mut self) -> Result<Result<Fetched, GetError>> {
        self.fetched.blocking_recv().unwrap_or(Err(Error::Aborted)).map(|attempt| attempt.outcome)
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
        let modified = photo.last_modified.unwrap_or(self.settings.common.now);
        self.archive.add_stored(&path, modified, photo.size, crc32, sha256, &mut bytes)?;
        let entry = IndexEntry {
            key: photo.key,
            path,
            size: photo.size,
            sha256: hex::encode(sha256),
            etag: photo.etag,
            last_modified: photo.last_modified.map(rfc3339),
            content_type: photo.content_type,
            http_metadata: photo.http_metadata,
            custom_metadata: photo.custom_metadata,
            artwork_ids: planned.artwork_ids.clone(),
        };
        let json = serde_json::to_string(&entry)
            .map_err(|error| Error::Internal { problem: format!("{INDEX}: {error}") })?;
        self.write_index(&format!("{}{json}", if self.entries == 0 { "[\n" } else { ",\n" }))?;
        self.entries += 1;
        if let Some(given) = &mut self.given {
            given.insert(planned.key.clone());
        }
        self.meter.add(1, entry.size);
        Ok(())
    }

    fn miss(&mut self, planned: &PlannedPhoto, error: GetError) -> Result<()> {
        let (key, reason) = (planned.key.clone(), error.reason());
        self.refuse_failure(&key, reason)?;
        let artwork_ids = planned.artwork_ids.clone();
        self.photos.metadata.missing.push(MissingPhoto { key, reason: reason.into(), artwork_ids });
        self.meter.add(1, 0);
        Ok(())
    }

    fn refuse_failure(&self, key: &str, reason: &str) -> Result<()> {
        match self.settings.fail_on_photo_error {
            true => Err(Error::PhotoFailed { key: key.to_owned(), reason: reason.to_owned() }),
            false => Ok(()),
        }
    }

    fn write_index(&mut self, json: &str) -> Result<()> {
        // Told when it is too much however many photos follow, not hours later.
        self.index_size += json.len() as u64;
        index::check_readable(self.index_size, usize::MAX)?;
        self.index.write_all(json.as_bytes()).map_err(|error| Error::output(self.index.path(), error))
    }
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

#[cfg(test)]
mod tests;
