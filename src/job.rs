//! What every job shares: how it is stopped, how it tells how far it is, and what it warns of.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result};

mod hash;
mod progress;
mod tasks;

pub use hash::{Metered, hash_all};
pub use progress::{Meter, Observer, Phase, Progress};
pub use tasks::{
    blocking, blocking_deep, both, cores, deep_thread, give_way, joined, panicked, stop_on_error, work_beside,
};

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
        Meter::new(Arc::clone(&self.observer), phase, total, total_bytes)
    }

    /// Counts for a phase whose time has yet to come: nobody is told before [`Meter::begin`].
    pub fn early_meter(&self, phase: Phase) -> Meter {
        self.meter(phase, None, None).early()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_job_says_so() {
        let job = Job::unattended();
        assert!(job.check().is_ok());
        job.stop_token().cancel();
        assert_eq!(job.check().map_err(|e| e.code()), Err("ABORT_ERR"));
    }
}
