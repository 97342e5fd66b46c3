//! Ends what a connection does when its job is stopped, or when it takes too long.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ffi};

use crate::job::Job;

/// How often it looks.
const INTERVAL: Duration = Duration::from_millis(50);

/// Watches a connection for as long as it lives. Statements that it ends fail with SQLITE_INTERRUPT.
#[derive(Debug)]
pub struct Watchdog {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
    /// Whether it has ended a statement.
    bit: Arc<AtomicBool>,
}

impl Watchdog {
    /// Watches over `connection` until `job` is stopped or, where there is one, the `limit` is over. Fails with
    /// SQLITE_NOMEM when the system has no thread left for that: nothing is read that nobody could end.
    pub fn over(connection: &Connection, job: &Job, limit: Option<Duration>) -> rusqlite::Result<Watchdog> {
        let (stop, stopped) = mpsc::channel();
        let (handle, job, started) = (connection.get_interrupt_handle(), job.clone(), Instant::now());
        let bit = Arc::new(AtomicBool::new(false));
        let note = Arc::clone(&bit);
        let watch = move || {
            while stopped.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                // Again and again: a statement may follow the one that was ended.
                if job.is_stopped() || limit.is_some_and(|limit| started.elapsed() > limit) {
                    note.store(true, Ordering::Relaxed);
                    handle.interrupt();
                }
            }
        };
        let spawned = thread::Builder::new().name("watchdog".into()).spawn(watch);
        let thread = spawned.map_err(|error| {
            let problem = format!("the system starts no further thread: {error}");
            rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_NOMEM), Some(problem))
        })?;
        Ok(Watchdog { stop: Some(stop), thread: Some(thread), bit })
    }

    /// Whether the job was stopped, or the limit is over.
    pub fn has_bitten(&self) -> bool {
        self.bit.load(Ordering::Relaxed)
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
