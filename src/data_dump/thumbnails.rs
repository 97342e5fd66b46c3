//! The photos of a dump, made anew: what is published are pixels, never a file that somebody uploaded.

use std::collections::HashMap;
use std::sync::Arc;

use futures::{StreamExt, stream};

use self::workers::{Outcome, Workers};
use super::photos::{DumpPhoto, MadeThumbnail, Thumbnails};
use crate::archive::Workspace;
use crate::error::Result;
use crate::job::{Job, Meter, Phase, Warning, cores, counted, joined, stop_on_error};
use crate::photos::fetch::Fetcher;
use crate::photos::source::{GetError, Listing, PhotoStore, turned_away, wrong_store};
use crate::photos::thumbnail::Refusal;
use crate::platform::photo_choice::{Choice, choose};
use crate::platform::photo_key::Reference;

mod workers;

/// The file of the workspace that receives the JPEGs.
const FILE: &str = "thumbnails";

/// How thumbnails are made.
#[derive(Debug, Clone, Copy)]
pub struct ThumbnailOptions {
    /// The longest side, in pixels; nothing is enlarged.
    pub max_side: u32,
    /// Photo requests in flight.
    pub concurrency: usize,
}

/// Makes a thumbnail of every photo, of its original or, when that is gone, of the largest stored copy. A photo that
/// cannot be had or decoded costs only itself; the phase `photos`.
///
/// Fails when the store cannot be reached, refuses us, or holds none of the photos; when the workspace cannot be
/// written; and when the job is stopped.
pub async fn make(
    photos: &[DumpPhoto],
    store: Arc<dyn PhotoStore>,
    options: ThumbnailOptions,
    workspace: &Arc<Workspace>,
    job: &Job,
) -> Result<Thumbnails> {
    let listing = store.list(job).await?;
    let choices: Vec<_> = photos.iter().map(|photo| keys(photo, listing.as_ref())).collect();
    let outcomes = choices.iter().map(|choice| Err(choice.as_ref().err().copied().unwrap_or(GONE))).collect();
    let left: HashMap<usize, Left> =
        choices.into_iter().enumerate().filter_map(|(at, choice)| Some((at, choice.ok()?.into()))).collect();
    let wanted = left.len() as u64;
    let meter = job.meter(Phase::Photos, Some(wanted), None);
    if let Some(time) = store.least_time(wanted) {
        meter.takes_at_least(time);
    }
    let mut making = Making {
        photos,
        fetcher: Fetcher::new(Arc::clone(&store), workspace.folder(), job),
        concurrency: options.concurrency,
        workers: Arc::new(Workers::open(workspace, options.max_side)?),
        job,
        meter,
        outcomes,
        left,
        failed: 0,
        of_copies: 0,
    };
    // As a rule one round is all; a second asks for what the first was told is gone.
    while !making.left.is_empty() {
        making.round().await?;
    }
    making.meter.finish();
    let elsewhere = making.count(&[GONE, FOREIGN, "unusable", LICENSED]);
    for why in GetError::TURNING_AWAY {
        let refused = making.count(&[why.reason()]);
        if refused > 1 && refused + elsewhere == photos.len() {
            return Err(turned_away(store.place(), why));
        }
    }
    if wanted > 0 && elsewhere == photos.len() && !holds_licensed(photos, listing.as_ref()) {
        return Err(wrong_store(wanted));
    }
    Ok(making.finish(listing.unwrap_or_default()))
}

/// Why there is no thumbnail when the store denies holding the photo.
const GONE: &str = "not_found";
/// Why there is none of a photo that is somebody else's to give away.
const LICENSED: &str = "other_license";

/// Why there is none of a photo on another host.
pub const FOREIGN: &str = "foreign";

/// The keys to try for a photo, or why there is none.
pub fn keys(photo: &DumpPhoto, listing: Option<&Listing>) -> std::result::Result<Choice, &'static str> {
    let keys = match &photo.reference {
        _ if photo.is_licensed => return Err(LICENSED),
        Reference::Own(keys) => keys,
        Reference::Foreign(_) => return Err(FOREIGN),
        Reference::Unusable => return Err("unusable"),
    };
    let mut choice = choose(keys, listing.map(|listing| listing.photos.as_slice()));
    if choice.originals.is_empty() && listing.is_some_and(|listing| !listing.problems.is_empty()) {
        // It may lie where nothing could be listed.
        choice.originals.clone_from(keys);
    }
    Ok(choice)
}

/// Whether the store lists a photo that is not published. Then it is that of the rows, though it has none of the others.
pub fn holds_licensed(photos: &[DumpPhoto], listing: Option<&Listing>) -> bool {
    let Some(listing) = listing else { return false };
    photos.iter().filter(|photo| photo.is_licensed).any(|photo| {
        let Reference::Own(keys) = &photo.reference else { return false };
        let Choice { originals, copies } = choose(keys, Some(&listing.photos));
        !originals.is_empty() || !copies.is_empty()
    })
}

/// What is said of what the store passed over: a backup tells it by its key, and a dump names no key.
pub fn passed_over(listing: &Listing) -> Option<Warning> {
    let message = "files of the folder of photos were passed over; previewBackup (npm run backup -- --dry-run) names them";
    (!listing.warnings.is_empty()).then(|| Warning::new("PHOTO_STORE", message))
}

/// Keys that are still to try, the next one last.
struct Left {
    originals: Vec<String>,
    copies: Vec<String>,
}

impl From<Choice> for Left {
    fn from(Choice { mut originals, mut copies }: Choice) -> Self {
        originals.reverse();
        copies.reverse();
        Left { originals, copies }
    }
}

impl Left {
    /// The next key, and whether it is of a copy.
    fn next(&mut self) -> Option<(String, bool)> {
        let original = self.originals.pop().map(|key| (key, false));
        original.or_else(|| self.copies.pop().map(|key| (key, true)))
    }
}

/// The thumbnails of a dump while they are made, round by round.
struct Making<'p> {
    photos: &'p [DumpPhoto],
    fetcher: Fetcher,
    /// Photo requests in flight.
    concurrency: usize,
    workers: Arc<Workers>,
    job: &'p Job,
    meter: Meter,
    /// For each photo, what has become of it so far.
    outcomes: Vec<std::result::Result<MadeThumbnail, &'static str>>,
    /// Photos that have no outcome yet, by their places.
    left: HashMap<usize, Left>,
    /// Photos that the store holds, or does not deny holding, and that were not had.
    failed: u64,
    /// Thumbnails that were made of a copy.
    of_copies: u64,
}

impl Making<'_> {
    /// Tries the next key of every photo that has no outcome yet.
    async fn round(&mut self) -> Result<()> {
        let mut asked = Vec::new();
        for at in 0..self.photos.len() {
            let Some(left) = self.left.get_mut(&at) else { continue };
            match left.next() {
                Some((key, is_copy)) => asked.push((at, key, is_copy)),
                None => {
                    let is_refused =
                        matches!(self.outcomes.get(at), Some(Err(why)) if GetError::is_turning_away(why));
                    self.failed += u64::from(is_refused);
                    self.left.remove(&at);
                    self.meter.add(1, 0);
                }
            }
        }
        let keys: Vec<String> = asked.iter().map(|(_, key, _)| key.clone()).collect();
        // One more than there are cores: while one hands its thumbnail over, no core waits.
        let most = cores() + 1;
        let fetched = self.fetcher.fetch(keys, self.concurrency);
        let workers = Arc::clone(&self.workers);
        let made = stream::iter(asked).zip(fetched).map(|((at, _, is_copy), attempt)| {
            let workers = Arc::clone(&workers);
            // Spawned, so that it goes on while others are waited for.
            let making = tokio::spawn(async move {
                match attempt?.outcome {
                    Ok(fetched) => workers.thumbnail(fetched).await.map(Ok),
                    Err(error) => Ok(Err(error)),
                }
            });
            async move { (at, is_copy, joined(making.await)) }
        });
        // In whatever order they are done: behind one large photo no core waits.
        let mut made = std::pin::pin!(made.buffer_unordered(most));
        let mut failure = None;
        // After a failure, too, to the end: whatever still runs holds the workspace.
        while let Some((at, is_copy, outcome)) = made.next().await {
            match stop_on_error(self.job, outcome) {
                Ok(outcome) => self.settle(at, is_copy, outcome),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        failure.map_or(Ok(()), Err)
    }

    /// Photos without a thumbnail for one of these reasons.
    fn count(&self, reasons: &[&str]) -> usize {
        let of = |outcome: &&std::result::Result<_, &str>| {
            outcome.as_ref().is_err_and(|reason| reasons.contains(reason))
        };
        self.outcomes.iter().filter(of).count()
    }

    fn settle(&mut self, at: usize, is_copy: bool, outcome: std::result::Result<Outcome, GetError>) {
        let outcome = match outcome {
            // The next round tries another key, if there is one.
            Err(GetError::NoSuchKey) => return,
            // Another reading of the name may be given.
            Err(error)
                if error.turns_away()
                    && self.left.get(&at).is_some_and(|left| !left.originals.is_empty()) =>
            {
                return self.note(at, Err(error.reason()));
            }
            Err(error) => {
                self.failed += 1;
                Err(error.reason())
            }
            Ok(Err(refusal)) => Err(refusal.reason()),
            Ok(Ok(made)) => {
                self.of_copies += u64::from(is_copy);
                Ok(made)
            }
        };
        self.left.remove(&at);
        if let Some(photo) = self.photos.get(at) {
            self.meter.item(&photo.to_string());
        }
        self.meter.add(1, outcome.map_or(0, |made| made.bytes));
        self.note(at, outcome);
    }

    fn note(&mut self, at: usize, outcome: std::result::Result<MadeThumbnail, &'static str>) {
        if let Some(noted) = self.outcomes.get_mut(at) {
            *noted = outcome;
        }
    }

    fn finish(self, listing: Listing) -> Thumbnails {
        const SEE: &str = "; see photos_missing in metadata.json";
        let of = |reasons: &[&str]| self.count(reasons) as u64;
        let refusals = Refusal::ALL.map(Refusal::reason);
        let told = [
            ("PHOTO_MISSING", self.failed, "photo could not be read", "photos could not be read", SEE),
            ("PHOTO_DANGLING", of(&[GONE]), "photo is not in the store", "photos are not in the store", SEE),
            (
                "PHOTO_FOREIGN",
                of(&[FOREIGN]),
                "photo lies on another host, which is not asked",
                "photos lie on other hosts, which are not asked",
                "",
            ),
            (
                "PHOTO_LICENSED",
                of(&[LICENSED]),
                "photo is under another licence and left out",
                "photos are under another licence and left out",
                SEE,
            ),
            ("PHOTO_UNDECODABLE", of(&refusals), "photo has no thumbnail", "photos have no thumbnail", SEE),
            (
                "PHOTO_FROM_COPY",
                self.of_copies,
                "thumbnail was made of a stored copy, because the original is gone",
                "thumbnails were made of stored copies, because the originals are gone",
                "",
            ),
        ];
        let told = told.into_iter().filter(|(_, count, ..)| *count > 0);
        let warnings = told.map(|(code, count, one, many, more)| {
            Warning::new(code, format!("{}{more}", counted(count, one, many)))
        });
        let warnings = warnings.chain(passed_over(&listing)).collect();
        Thumbnails { file: FILE.into(), outcomes: self.outcomes, failed: self.failed, warnings }
    }
}

#[cfg(test)]
mod tests;
