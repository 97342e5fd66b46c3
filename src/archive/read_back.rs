//! Reads an archive back while it is being written.
//!
//! The file only grows: what was written is never touched again, so it can be brought to the disk, read back and
//! hashed behind the writer, on another core. Nothing is read before it was flushed, and while the disk is waited for
//! what it has already is hashed.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::finish::unread;
use crate::error::{Error, Result};
use crate::flush;
use crate::job::{Job, Meter, give_way};

/// Bytes read at a time: few enough to be hashed out of a core's own cache.
const BUFFER: usize = 1 << 18;
/// Each flush stands for at least so many bytes, except the last.
const STRIDE: u64 = 64 << 20;
/// How often a waiting caller looks whether its job was stopped.
const POLL: Duration = Duration::from_millis(100);

/// The threads behind a writer. Dropped, they stop and close the file.
pub(super) struct ReadBack {
    path: PathBuf,
    shared: Arc<Shared>,
    flusher: Option<JoinHandle<io::Result<()>>>,
    reader: Option<JoinHandle<io::Result<Sums>>>,
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
    flushed: u64,
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

    /// Waits until at least `stride` bytes beyond `done` are there, or the last ones, and says how many there are; None
    /// once there are no more.
    fn wait_for(&self, there: impl Fn(&State) -> u64, done: u64, stride: u64) -> Option<u64> {
        let mut state = self.lock();
        loop {
            if state.given_up || (state.whole && state.written == done) {
                return None;
            }
            let there = there(&state);
            if there >= done + stride || (state.whole && there == state.written) {
                return Some(there);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl ReadBack {
    /// Follows the file at `path`; `flush` is a handle that may bring it to the disk.
    pub(super) fn start(path: &Path, flush: File) -> Result<ReadBack> {
        let mut file = File::open(path).map_err(|error| Error::output(path, error))?;
        let mut started =
            ReadBack { path: path.to_owned(), shared: Arc::default(), flusher: None, reader: None };
        let watch = Arc::clone(&started.shared);
        let flushing =
            move || keep_flushed(&watch, &flush).inspect_err(|_| watch.change(|state| state.given_up = true));
        let flusher = thread::Builder::new().name("flush".into());
        started.flusher = Some(flusher.spawn(flushing).map_err(Error::NoThread)?);
        let watch = Arc::clone(&started.shared);
        let reading = move || {
            give_way();
            let sums = follow(&watch, &mut file);
            watch.change(|state| state.ended = true);
            sums
        };
        let reader = thread::Builder::new().name("read-back".into());
        started.reader = Some(reader.spawn(reading).map_err(Error::NoThread)?);
        Ok(started)
    }

    /// Notes that the file has so many bytes now. Fails as [`ReadBack::finish`] will, which may be hours away, once an
    /// earlier flush or reading failed.
    pub(super) fn written(&mut self, bytes: u64) -> Result<()> {
        self.shared.change(|state| state.written = bytes);
        if self.shared.lock().ended { self.join().map(drop) } else { Ok(()) }
    }

    /// Waits until all `bytes` were read back. Fails with `DISK_FULL` or `OUTPUT_UNWRITABLE` when they do not reach the
    /// disk, with `ARCHIVE_CORRUPT` when they cannot be read, and with `ABORT_ERR`.
    pub(super) fn finish(mut self, bytes: u64, job: &Job, meter: &Meter) -> Result<Sums> {
        self.shared.change(|state| (state.written, state.whole) = (bytes, true));
        let mut told = 0;
        loop {
            job.check()?;
            let state = self.shared.lock();
            let (read, ended) = (state.read, state.ended);
            if ended {
                drop(state);
            } else {
                let _ = self.shared.changed.wait_timeout(state, POLL);
            }
            meter.add(0, read - told);
            told = read;
            if ended {
                return self.join();
            }
        }
    }

    /// Ends both threads. That the disk failed is why the reader found nothing more.
    fn join(&mut self) -> Result<Sums> {
        self.shared.change(|state| state.given_up = true);
        let (flushed, sums) = (joined(self.flusher.take()), joined(self.reader.take()));
        flushed.map_err(|error| Error::output(&self.path, error))?;
        sums.map_err(|error| unread(&self.path, error))
    }
}

fn joined<T>(thread: Option<JoinHandle<io::Result<T>>>) -> io::Result<T> {
    let outcome = thread.and_then(|thread| thread.join().ok());
    outcome.unwrap_or_else(|| Err(io::Error::other("a thread ended early")))
}

impl Drop for ReadBack {
    fn drop(&mut self) {
        // Windows removes no file that is open.
        let _ = self.join();
    }
}

fn keep_flushed(shared: &Shared, file: &File) -> io::Result<()> {
    let mut flushed = 0;
    while let Some(until) = shared.wait_for(|state| state.written, flushed, STRIDE) {
        flush::data(file)?;
        flushed = until;
        shared.change(|state| state.flushed = flushed);
    }
    Ok(())
}

fn follow(shared: &Shared, file: &mut File) -> io::Result<Sums> {
    let (mut sha256, mut crc) = (Sha256::new(), crc32fast::Hasher::new());
    let (mut buffer, mut read) = (vec![0; BUFFER], 0);
    while let Some(until) = shared.wait_for(|state| state.flushed, read, 1) {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// Nothing that is written to a pipe can be brought to a disk.
    #[cfg(unix)]
    #[test]
    fn a_disk_that_takes_nothing_is_told_before_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("archive.zip");
        std::fs::write(&path, vec![0; 4096]).unwrap();
        let (_reader, writer) = io::pipe().unwrap();
        let pipe = File::from(std::os::fd::OwnedFd::from(writer));
        let mut read_back = ReadBack::start(&path, pipe).unwrap();
        let told = (1..1_000).find_map(|round: u64| {
            thread::sleep(Duration::from_millis(5));
            read_back.written(round * STRIDE).err()
        });
        assert_eq!(told.unwrap().code(), "OUTPUT_UNWRITABLE");
    }

    /// Windows removes no file that a thread still has open.
    #[test]
    fn the_reader_has_ended_when_all_is_dropped_also_where_the_disk_has_failed() {
        let shared = Arc::<Shared>::default();
        let held = Arc::clone(&shared);
        let reading = move || {
            let given_up = held.wait_for(|_| 0, 0, 1);
            thread::sleep(Duration::from_millis(50));
            held.change(|state| state.ended = given_up.is_none());
            Err(io::Error::other("given up"))
        };
        let failed = || Err(io::ErrorKind::StorageFull.into());
        let (flusher, reader) = (Some(thread::spawn(failed)), Some(thread::spawn(reading)));
        drop(ReadBack { path: PathBuf::new(), shared: Arc::clone(&shared), flusher, reader });
        assert!(shared.lock().ended);
    }
}
