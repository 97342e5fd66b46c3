//! Reads an archive back while it is being written.
//!
//! The file only grows: what was written is never touched again, so it can be brought to the disk, read back and
//! hashed behind the writer, on another core. Nothing is read before it was flushed.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::error::Result;
use crate::job::{Job, Meter};

/// Bytes read at a time.
const BUFFER: usize = 1 << 20;
/// Each flush stands for at least so many bytes, except the last.
const STRIDE: u64 = 64 << 20;
/// How often a waiting caller looks whether its job was stopped.
const PATIENCE: Duration = Duration::from_millis(100);

/// The reader behind a writer. Dropped, it stops and closes the file.
pub(super) struct ReadBack {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<io::Result<Sums>>>,
}

/// What the bytes that were read back add up to.
pub(super) struct Sums {
    pub(super) sha256: Sha256,
    pub(super) crc32: u32,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    written: u64,
    read: u64,
    /// Nothing will be added to `written`.
    whole: bool,
    given_up: bool,
    /// The reader has ended, for whatever reason.
    ended: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }
}

impl ReadBack {
    /// A reader of the file at `path`; `flush` is a handle that may bring it to the disk.
    pub(super) fn start(path: &Path, flush: File) -> io::Result<ReadBack> {
        let shared = Arc::new(Shared::default());
        let (watch, mut file) = (Arc::clone(&shared), File::open(path)?);
        let thread = thread::Builder::new().name("read-back".into()).spawn(move || {
            let sums = follow(&watch, &flush, &mut file);
            watch.change(|state| state.ended = true);
            sums
        })?;
        Ok(ReadBack { shared, thread: Some(thread) })
    }

    /// So many bytes have reached the file by now.
    pub(super) fn written(&self, bytes: u64) {
        self.shared.change(|state| state.written = bytes);
    }

    /// Waits until all `bytes` were read back. The outer result is the job's, the inner one the file's.
    pub(super) fn finish(mut self, bytes: u64, job: &Job, meter: &Meter) -> Result<io::Result<Sums>> {
        self.shared.change(|state| (state.written, state.whole) = (bytes, true));
        let mut told = 0;
        loop {
            job.check()?;
            let state = self.shared.lock();
            let (read, ended) = (state.read, state.ended);
            if !ended {
                let _ = self.shared.changed.wait_timeout(state, PATIENCE);
            }
            meter.add(0, read - told);
            told = read;
            if ended {
                let died = || io::Error::other("the reader ended early");
                return Ok(self
                    .thread
                    .take()
                    .and_then(|thread| thread.join().ok())
                    .unwrap_or_else(|| Err(died())));
            }
        }
    }
}

impl Drop for ReadBack {
    fn drop(&mut self) {
        self.shared.change(|state| state.given_up = true);
        if let Some(thread) = self.thread.take() {
            // Windows removes no file that is open.
            let _ = thread.join();
        }
    }
}

fn follow(shared: &Shared, flush: &File, file: &mut File) -> io::Result<Sums> {
    let (mut sha256, mut crc) = (Sha256::new(), crc32fast::Hasher::new());
    let (mut buffer, mut read) = (vec![0; BUFFER], 0);
    while let Some(until) = next_stretch(shared, read) {
        flush.sync_data()?;
        while read < until {
            let wanted = (until - read).min(BUFFER as u64) as usize;
            let bytes = &mut buffer[..wanted];
            file.read_exact(bytes)?;
            sha256.update(&*bytes);
            crc.update(bytes);
            read += wanted as u64;
            shared.change(|state| state.read = read);
            if shared.lock().given_up {
                return Err(io::Error::other("given up"));
            }
        }
    }
    Ok(Sums { sha256, crc32: crc.finalize() })
}

/// Waits for enough to read, or for the rest; None after that.
fn next_stretch(shared: &Shared, read: u64) -> Option<u64> {
    let mut state = shared.lock();
    loop {
        if state.given_up || (state.whole && state.written == read) {
            return None;
        }
        if state.whole || state.written >= read + STRIDE {
            return Some(state.written);
        }
        state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
    }
}
