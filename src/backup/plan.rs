//! Which photos go into a backup, where they come from, and what to say of the others.

use std::collections::{BTreeSet, HashSet};
use std::future::ready;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream;

use super::options::PhotoScope;
use super::reuse::Earlier;
use crate::archive::check_readable;
use crate::database::source::Snapshot;
use crate::error::{Error, Result};
use crate::job::{Job, Warning};
use crate::photos::source::{GetError, Listing, PhotoStore, StoredPhoto, find, wrong_store};
use crate::platform::photo_plan::{
    PhotoPlan, PlannedPhoto, Scope, Unlisted, plan_photos, plan_without_store,
};

/// A store of photos and what it holds.
pub struct Store {
    /// Where the photos come from.
    pub source: Arc<dyn PhotoStore>,
    /// What it holds; None if it cannot tell.
    pub listing: Option<Listing>,
}

/// Which photos go into the archive, and where they come from.
pub struct Plan {
    source: Option<Arc<dyn PhotoStore>>,
    scope: PhotoScope,
    plan: PhotoPlan,
    /// What the store said of its photos, in bytewise order of keys.
    listed: Arc<Vec<StoredPhoto>>,
    /// Whether that is all of them.
    is_listed: bool,
}

impl Plan {
    /// Plans for a database and its store. Fails when rows refer to photos of ours and the store has none of them:
    /// then it is not their store.
    pub fn make(snapshot: &Snapshot, store: Option<Store>, scope: PhotoScope) -> Result<Plan> {
        let connection = snapshot.connection();
        let failure = |error| snapshot.failure(&error);
        let Some(Store { source, listing }) = store else {
            let plan = plan_without_store(connection).map_err(failure)?;
            return Ok(Plan { source: None, scope, plan, listed: Arc::default(), is_listed: true });
        };
        let wanted = match scope {
            PhotoScope::Approved => Scope::Approved,
            PhotoScope::All => Scope::All,
        };
        let mut plan = plan_photos(connection, wanted, listing.as_ref()).map_err(failure)?;
        if listing.is_some() && plan.references > 0 && plan.found == 0 {
            return Err(wrong_store(plan.references));
        }
        let keys = plan.items.iter().filter(|photo| !photo.probe).map(|photo| photo.key.len() as u64);
        check_size(keys.clone().count() as u64, keys.sum())?;
        let is_listed = listing.is_some();
        let Listing { photos: listed, warnings, .. } = listing.unwrap_or_default();
        plan.warnings.extend(warnings);
        Ok(Plan { source: Some(source), scope, plan, listed, is_listed })
    }

    /// Asks a store that cannot list for the photos of an earlier backup: those that it still has are taken for listed,
    /// the others are fetched.
    pub async fn look_for(&mut self, earlier: &Earlier, concurrency: usize, job: &Job) -> Result<()> {
        let Some(source) = self.store().filter(|_| !self.is_listed) else { return Ok(()) };
        let keys = self.plan.items.iter().map(|planned| &planned.key);
        let known: Vec<Arc<str>> = keys.filter(|key| earlier.knows(key)).cloned().collect();
        let asked = stream::iter(known).map(|key| {
            let source = Arc::clone(&source);
            async move { source.describe(&key).await }
        });
        // A store that fails is asked no further: fetching has the patience for it.
        let is_up = |said: &Result<_, GetError>| ready(!said.as_ref().is_err_and(|error| error.is_outage()));
        let mut said = pin!(asked.buffered(concurrency).take_while(is_up));
        while let Some(said) =
            job.stop_token().run_until_cancelled(said.next()).await.ok_or(Error::Aborted)?
        {
            Arc::make_mut(&mut self.listed).extend(said.ok().flatten().filter(|now| earlier.holds(now)));
        }
        Arc::make_mut(&mut self.listed).sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Ok(())
    }

    /// Where the photos come from; none without photos.
    pub fn store(&self) -> Option<Arc<dyn PhotoStore>> {
        self.source.clone()
    }

    /// What was asked for; none without photos.
    pub fn scope(&self) -> Option<PhotoScope> {
        self.source.as_ref().map(|_| self.scope)
    }

    /// The kind of source; none without photos.
    pub fn source(&self) -> Option<&'static str> {
        self.source.as_ref().map(|source| source.kind())
    }

    /// What it takes at least to fetch so many photos, where that is known.
    pub fn least_time(&self, photos: u64) -> Option<Duration> {
        self.source.as_ref()?.least_time(photos)
    }

    /// Bytes of all photos, as they were listed: a store may claim any.
    pub fn bytes(&self) -> u64 {
        let listed = self.plan.items.iter().filter_map(|planned| self.listed(&planned.key));
        listed.fold(0, |bytes, photo| bytes.saturating_add(photo.size))
    }

    /// Bytes of all photos; None where the store has not listed all of them.
    pub fn all_bytes(&self) -> Option<u64> {
        self.is_listed.then(|| self.bytes())
    }

    /// The photos to copy, in the order of the archive.
    pub fn photos(&self) -> &[PlannedPhoto] {
        &self.plan.items
    }

    /// What the store did not list and does not deny holding.
    pub fn unlisted(&self) -> &[Unlisted] {
        &self.plan.unlisted
    }

    /// References to other hosts.
    pub fn foreign(&self) -> u64 {
        self.plan.foreign
    }

    /// References to photos that the store does not hold.
    pub fn dangling(&self) -> u64 {
        self.plan.dangling
    }

    /// For a store that cannot list: where else a photo may lie that is not where a row says.
    pub fn alternatives(&self) -> &[PlannedPhoto] {
        &self.plan.alternatives
    }

    /// For a store that cannot list: of each reference the keys that would be its photo.
    pub fn readings(&self) -> &[Vec<String>] {
        &self.plan.readings
    }

    /// Those among the keys of [`readings`](Plan::readings) that a row names; the others are guesses.
    pub fn named(&self) -> &HashSet<String> {
        &self.plan.named
    }

    /// Keys of photos that the store may hold elsewhere than rows say, of those of which it gave no reading.
    pub fn alternatives_of_lost(&self, given: &HashSet<String>) -> Vec<String> {
        let lost = self.plan.readings.iter().filter(|keys| !keys.iter().any(|key| given.contains(key)));
        let alternatives = lost.flatten().filter(|key| self.alternative(key).is_some());
        alternatives.collect::<BTreeSet<_>>().into_iter().cloned().collect()
    }

    /// The photo among [`alternatives`](Plan::alternatives) that has this key.
    pub fn alternative(&self, key: &str) -> Option<&PlannedPhoto> {
        let at = self.plan.alternatives.binary_search_by(|alternative| (*alternative.key).cmp(key)).ok()?;
        self.plan.alternatives.get(at)
    }

    /// A photo as it was listed; None when the store could not list, and was not asked for it.
    pub fn listed(&self, key: &str) -> Option<&StoredPhoto> {
        self.listed.get(find(&self.listed, key)?)
    }

    /// What a reader might expect and will not find.
    pub fn not_included(&self) -> Vec<String> {
        let mut lines = self.plan.not_included.clone();
        if self.source.is_none() {
            lines.push("all photos".into());
        }
        lines.push("Workers KV".into());
        lines
    }

    /// What the operator should know before a photo is copied.
    pub fn warnings(&self) -> Vec<Warning> {
        let mut warnings = self.plan.warnings.clone();
        if self.source.is_none() {
            let message = "no source of photos was given: the archive holds the rows alone";
            warnings.push(Warning::new("PHOTOS_LEFT_OUT", message));
        }
        warnings
    }
}

/// Fails when an archive of so many photos, with keys of so many bytes together, would be one that nobody can verify or
/// restore.
fn check_size(photos: u64, keys: u64) -> Result<()> {
    /// Entries beside photos, with room to spare.
    const OTHERS: u64 = 10;
    /// Bytes of a header in the directory at most, beside the key in it.
    const HEADER: u64 = 100;
    let entries = photos.saturating_add(OTHERS);
    check_readable(entries, keys.saturating_add(HEADER.saturating_mul(entries)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_that_nobody_could_read_is_not_begun() {
        assert!(check_size(0, 0).is_ok() && check_size(999_990, 100_000_000).is_ok());
        for (photos, keys) in [(999_991, 0), (u64::MAX / 1000, 0), (300_000, 260 << 20), (1, u64::MAX)] {
            let code = check_size(photos, keys).map_err(|error| error.code());
            assert_eq!(code, Err("ARCHIVE_TOO_LARGE"), "{photos} {keys}");
        }
    }
}
