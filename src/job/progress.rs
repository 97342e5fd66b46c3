//! How far a job is: counted by its stages, told to whoever wants to know.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Progress is told at most this often within a phase; the last one of a phase is always told.
const INTERVAL: Duration = Duration::from_millis(100);

/// The stages a job goes through, in the order they end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Getting one consistent state of the database.
    Snapshot,
    /// Writing the rows; of a restore, loading and comparing them.
    Database,
    /// Copying the photos.
    Photos,
    /// Writing the metadata, the README, the checksums and the end of the archive; of a data dump, all of it.
    Finish,
    /// Reading back what was written; of a restore, its archive, before all else.
    Verify,
}

/// How far a phase is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Which phase.
    pub phase: Phase,
    /// Units done in this phase: tables (of a data dump records; while D1 is read, rows), photos or entries.
    pub done: u64,
    /// Units in all, where known.
    pub total: Option<u64>,
    /// Bytes done.
    pub bytes: u64,
    /// Bytes in all, where known.
    pub total_bytes: Option<u64>,
    /// What is being worked on: the name of a table or an entry, the key of a photo, or in a data dump `<artwork
    /// id>#<n>`; never a private value.
    pub item: Option<String>,
    /// The least time that the phase takes, where that is known beforehand.
    pub least: Option<Duration>,
}

/// Something that wants to know how far a job is. Called from any thread; must not block.
pub trait Observer: Send + Sync {
    /// Takes one report.
    fn progress(&self, progress: &Progress);
}

/// Nobody wants to know.
impl Observer for () {
    fn progress(&self, _: &Progress) {}
}

/// Counts within one phase and tells the observer, at most ten times a second.
pub struct Meter {
    observer: Arc<dyn Observer>,
    state: Mutex<MeterState>,
}

struct MeterState {
    progress: Progress,
    told: Option<Instant>,
    is_early: bool,
    finished: bool,
}

impl Meter {
    /// Nothing is done yet.
    pub(super) fn new(
        observer: Arc<dyn Observer>,
        phase: Phase,
        total: Option<u64>,
        total_bytes: Option<u64>,
    ) -> Self {
        let progress = Progress { phase, done: 0, total, bytes: 0, total_bytes, item: None, least: None };
        let state = MeterState { progress, told: None, is_early: false, finished: false };
        Meter { observer, state: Mutex::new(state) }
    }

    /// The same for a phase whose time has yet to come.
    pub(super) fn early(self) -> Self {
        self.update_state(|state| state.is_early = true);
        self
    }

    /// Counts for nobody: work that is no part of any phase.
    pub fn silent() -> Self {
        Meter::new(Arc::new(()), Phase::Snapshot, None, None)
    }

    /// The time of an early phase has come, of about so many units in all.
    pub fn begin(&self, total: u64) {
        self.update_state(|state| {
            state.is_early = false;
            state.progress.total = Some(total);
        });
    }

    /// More is done.
    pub fn add(&self, done: u64, bytes: u64) {
        self.update(|p| {
            p.done = p.done.saturating_add(done);
            p.bytes = p.bytes.saturating_add(bytes);
        });
    }

    /// How much there will be is known only now, or better than before.
    pub fn expect(&self, total: Option<u64>, total_bytes: Option<u64>) {
        self.update(|p| (p.total, p.total_bytes) = (total, total_bytes));
    }

    /// So many units come on top of those that are done, and then it is over.
    pub fn expect_last(&self, units: u64) {
        self.update(|p| p.total = Some(p.done.saturating_add(units)));
    }

    /// So many bytes come on top of those that are done: nobody knew of them when the phase began.
    pub fn expect_bytes(&self, bytes: u64) {
        self.update(|p| p.total_bytes = Some(p.bytes.saturating_add(bytes)));
    }

    /// The phase is known to take so long at least.
    pub fn takes_at_least(&self, time: Duration) {
        self.update(|p| p.least = Some(time));
    }

    /// Another thing is being worked on.
    pub fn item(&self, item: &str) {
        self.update(|p| p.item = Some(item.to_owned()));
    }

    /// Ends the phase. Its last state is always told, however recently the one before was.
    pub fn finish(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::replace(&mut state.finished, true) {
            state.progress.item = None;
            self.observer.progress(&state.progress);
        }
    }

    fn update(&self, change: impl FnOnce(&mut Progress)) {
        self.update_state(|state| change(&mut state.progress));
    }

    fn update_state(&self, change: impl FnOnce(&mut MeterState)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        let is_due = state.told.is_none_or(|told| told.elapsed() >= INTERVAL);
        if is_due && !state.is_early && !state.finished {
            state.told = Some(Instant::now());
            self.observer.progress(&state.progress);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::job::Job;

    #[derive(Default)]
    struct Log(Mutex<Vec<Progress>>);

    impl Observer for Log {
        fn progress(&self, progress: &Progress) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(progress.clone());
        }
    }

    #[test]
    fn a_phase_is_told_seldom_but_its_end_always() {
        let log = Arc::new(Log::default());
        let job = Job::new(CancellationToken::new(), log.clone());
        let meter = job.meter(Phase::Photos, Some(1000), None);
        let begun = Instant::now();
        (0..1000).for_each(|_| meter.add(1, 2));
        // The first, one for each interval that has passed, and the end.
        let most = 2 + begun.elapsed().div_duration_f64(INTERVAL) as usize;
        meter.finish();
        meter.finish();
        let told = log.0.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(told.len() <= most, "{} reports in place of {most}", told.len());
        assert_eq!(told.last().map(|p| (p.done, p.bytes)), Some((1000, 2000)));
    }

    #[test]
    fn a_phase_is_not_told_before_its_time() {
        let log = Arc::new(Log::default());
        let meter = Job::new(CancellationToken::new(), log.clone()).early_meter(Phase::Finish);
        meter.add(3, 0);
        assert!(log.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty());
        meter.begin(6);
        meter.expect_last(2);
        meter.add(2, 0);
        meter.finish();
        let told = log.0.lock().unwrap_or_else(PoisonError::into_inner);
        let told: Vec<_> = told.iter().map(|p| (p.done, p.total)).collect();
        assert!(matches!(told[..], [(3, Some(6)), .., (5, Some(5))]), "{told:?}");
    }

    #[test]
    fn sizes_that_an_archive_lies_about_are_counted_too() {
        let log = Arc::new(Log::default());
        let meter = Job::new(CancellationToken::new(), log.clone()).meter(Phase::Verify, None, None);
        (0..2).for_each(|_| meter.add(1, u64::MAX));
        meter.finish();
        let told = log.0.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(told.last().map(|p| (p.done, p.bytes)), Some((2, u64::MAX)));
    }
}
