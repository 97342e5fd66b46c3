//! What every job shares: how it is stopped, how it tells how far it is, and what it warns of.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result};

mod hash;
mod tasks;

pub use hash::{Metered, hash_all};
pub use tasks::{
    blocking, blocking_deep, both, deep_thread, give_way, joined, panicked, stop_on_error, work_beside,
};

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

/// Something the operator should know though the job went on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Warning {
    /// Stable, upper case with underscores.
    pub code: String,
    /// What it means and what to do.
    pub message: String,
    /// `table.column`, a table or, in a backup, a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

impl Warning {
    /// A warning about the job as a whole.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Warning { code: code.into(), message: message.into(), subject: None }
    }

    /// A warning about one thing: a `table.column`, a table or, in a backup, a key.
    pub fn about(code: &str, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Warning { code: code.into(), message: message.into(), subject: Some(subject.into()) }
    }
}

/// `1 photo`, `2 photos`: a count, with the words that go with it.
pub fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// The beginning of a text that may quote what somebody else wrote, at any length.
pub fn excerpt(text: &str) -> Cow<'_, str> {
    const MAX_BYTES: usize = 500;
    match text.len() > MAX_BYTES {
        true => format!("{}…", &text[..text.floor_char_boundary(MAX_BYTES)]).into(),
        false => text.into(),
    }
}

/// The handle that a job's stages share. Cheap to clone.
#[derive(Clone)]
pub struct Job {
    stop: CancellationToken,
    observer: Arc<dyn Observer>,
}

impl Job {
    /// A job that `stop` ends and `observer` watches.
    pub fn new(stop: CancellationToken, observer: Arc<dyn Observer>) -> Self {
        Job { stop, observer }
    }

    /// A job that nobody stops or watches.
    pub fn unattended() -> Self {
        Job::new(CancellationToken::new(), Arc::new(()))
    }

    /// Fails with [`Error::Aborted`] once the job is stopped. Cheap: call it in every loop.
    pub fn check(&self) -> Result<()> {
        if self.stop.is_cancelled() { Err(Error::Aborted) } else { Ok(()) }
    }

    /// A part of this job that can be stopped without the rest, and stops with it.
    pub fn branch(&self) -> Self {
        Job { stop: self.stop.child_token(), observer: Arc::clone(&self.observer) }
    }

    /// Ends the job: every [`Job::check`] fails from now on.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Whether the job is stopped, where an error cannot be returned.
    pub fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// The token itself, for `select!`.
    pub fn stop_token(&self) -> &CancellationToken {
        &self.stop
    }

    /// Starts telling about a phase.
    pub fn meter(&self, phase: Phase, total: Option<u64>, total_bytes: Option<u64>) -> Meter {
        let progress = Progress { phase, done: 0, total, bytes: 0, total_bytes, item: None, least: None };
        Meter {
            observer: Arc::clone(&self.observer),
            state: Mutex::new(MeterState { progress, told: None, is_early: false, finished: false }),
        }
    }

    /// Counts for a phase whose time has yet to come: nobody is told before [`Meter::begin`].
    pub fn early_meter(&self, phase: Phase) -> Meter {
        let meter = self.meter(phase, None, None);
        meter.update_state(|state| state.is_early = true);
        meter
    }
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
    /// Counts for nobody: work that is no part of any phase.
    pub fn silent() -> Self {
        Job::unattended().meter(Phase::Snapshot, None, None)
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
    use super::*;

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

    #[test]
    fn a_stopped_job_says_so() {
        let job = Job::unattended();
        assert!(job.check().is_ok());
        job.stop_token().cancel();
        assert_eq!(job.check().map_err(|e| e.code()), Err("ABORT_ERR"));
    }
}
