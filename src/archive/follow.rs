//! Reading a deflate stream back from its file while it is still being written.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use flate2::read::DeflateDecoder;

use super::deflate::Deflated;
use crate::error::{Error, Result};

/// How far the writing of a file is, for those who read behind.
#[derive(Debug, Default)]
pub(super) struct Watch {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Bytes that are in the file.
    written: u64,
    /// How the writing ended, once it has.
    end: Option<Result<Deflated, Arc<io::Error>>>,
}

impl Watch {
    /// So many bytes are in the file now.
    pub(super) fn advance(&self, written: u64) {
        self.lock().written = written;
        self.changed.notify_all();
    }

    /// Nothing more will be written. Only the first word counts.
    pub(super) fn end(&self, outcome: io::Result<Deflated>) {
        self.lock().end.get_or_insert_with(|| outcome.map_err(Arc::new));
        self.changed.notify_all();
    }

    /// Waits for the end.
    pub(super) fn outcome(&self) -> io::Result<Deflated> {
        let mut state = self.lock();
        loop {
            match &state.end {
                Some(Ok(deflated)) => return Ok(deflated.clone()),
                Some(Err(error)) => return Err(again(error)),
                None => state = self.wait(state),
            }
        }
    }

    /// Waits until the file holds more than `read` bytes, or no more will come; says how many it holds. Fails as
    /// soon as the writing has.
    fn beyond(&self, read: u64) -> io::Result<u64> {
        let mut state = self.lock();
        loop {
            match &state.end {
                Some(Err(error)) => return Err(again(error)),
                None if state.written <= read => state = self.wait(state),
                _ => return Ok(state.written),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'s>(&self, state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }
}

/// A copy of the error, of the same kind, for one more reader.
fn again(error: &Arc<io::Error>) -> io::Error {
    io::Error::new(error.kind(), Arc::clone(error))
}

/// The text of a deflate stream, read back from the file through a handle of its own while it grows.
///
/// A `read` waits until more of the stream is in the file. The end is told only once the stream was finished and what
/// came out has the length and CRC-32 of what went in; otherwise reading ends with an error, also when the writer
/// fails or is dropped. It never waits for a writer that is gone.
pub struct Follower {
    inflate: DeflateDecoder<Tail>,
    size: u64,
    crc: crc32fast::Hasher,
}

impl Follower {
    pub(super) fn open(path: &Path, watch: Arc<Watch>) -> Result<Follower> {
        let file = File::open(path).map_err(|e| Error::output(path, e))?;
        let inflate = DeflateDecoder::new(Tail { file, read: 0, watch });
        Ok(Follower { inflate, size: 0, crc: crc32fast::Hasher::new() })
    }

    /// The decoder takes the end of its input for the end of the text, so whether it is one is asked here.
    fn check_end(&self) -> io::Result<()> {
        let deflated = self.inflate.get_ref().watch.outcome()?;
        let same = self.size == deflated.size
            && self.crc.clone().finalize() == deflated.crc32
            && self.inflate.total_in() == deflated.compressed_size;
        if same {
            Ok(())
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidData, "what was read back is not what was written"))
        }
    }
}

impl Read for Follower {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inflate.read(buffer)?;
        self.size += read as u64;
        self.crc.update(&buffer[..read]);
        if read == 0 && !buffer.is_empty() {
            self.check_end()?;
        }
        Ok(read)
    }
}

/// The file as far as it is written.
struct Tail {
    file: File,
    read: u64,
    watch: Arc<Watch>,
}

impl Read for Tail {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let there = self.watch.beyond(self.read)? - self.read;
        let wanted = buffer.len().min(usize::try_from(there).unwrap_or(usize::MAX));
        let read = self.file.read(&mut buffer[..wanted])?;
        if read == 0 && wanted > 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the file is shorter than what was written to it",
            ));
        }
        self.read += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::fs;
    use std::io::Write;
    use std::thread;

    use super::super::Deflater;
    use super::*;

    /// 3 MiB, so a few blocks.
    fn text() -> Vec<u8> {
        (0..3 << 20).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8 & 0x3f).collect()
    }

    fn deflater(dir: &Path) -> Deflater {
        let path = dir.join("stream");
        Deflater::new(File::create(&path).unwrap(), &path, 1, 2).unwrap()
    }

    #[test]
    fn a_follower_reads_the_text_while_it_is_being_written() {
        let dir = tempfile::tempdir().unwrap();
        let text = text();
        let mut deflater = deflater(dir.path());
        let mut follower = deflater.follow().unwrap();
        // The first half comes out before the second goes in.
        let half = 2 << 20;
        deflater.write_all(&text[..half]).unwrap();
        let mut found = vec![0; half];
        follower.read_exact(&mut found).unwrap();
        let reader = thread::spawn(move || follower.read_to_end(&mut found).map(|_| found));
        deflater.write_all(&text[half..]).unwrap();
        deflater.finish().unwrap();
        assert!(reader.join().unwrap().unwrap() == text);
    }

    #[test]
    fn a_follower_that_starts_late_reads_from_the_start() {
        let dir = tempfile::tempdir().unwrap();
        let text = text();
        let mut deflater = deflater(dir.path());
        deflater.write_all(&text).unwrap();
        let mut follower = deflater.follow().unwrap();
        deflater.finish().unwrap();
        let mut found = Vec::new();
        follower.read_to_end(&mut found).unwrap();
        assert!(found == text);
        assert_eq!(follower.read(&mut [0]).unwrap(), 0);
    }

    #[test]
    fn a_follower_of_nothing_reaches_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let deflater = deflater(dir.path());
        let mut follower = deflater.follow().unwrap();
        deflater.finish().unwrap();
        assert_eq!(follower.read_to_end(&mut Vec::new()).unwrap(), 0);
    }

    #[test]
    fn a_follower_fails_when_the_writer_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let mut deflater = deflater(dir.path());
        let mut follower = deflater.follow().unwrap();
        deflater.write_all(&text()).unwrap();
        let reader = thread::spawn(move || follower.read_to_end(&mut Vec::new()));
        drop(deflater);
        assert!(reader.join().unwrap().unwrap_err().to_string().contains("given up"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_follower_fails_when_the_disk_is_full() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("stream");
        fs::write(&path, "").unwrap();
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut deflater = Deflater::new(full, &path, 5, 2).unwrap();
        let mut follower = deflater.follow().unwrap();
        let reader = thread::spawn(move || follower.read_to_end(&mut Vec::new()));
        let _ = deflater.write_all(&text());
        assert_eq!(reader.join().unwrap().unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(deflater.finish().unwrap_err().code(), "DISK_FULL");
    }

    #[test]
    fn a_follower_reads_the_file_and_not_a_copy_in_memory() {
        let dir = tempfile::tempdir().unwrap();
        let mut deflater = deflater(dir.path());
        let mut follower = deflater.follow().unwrap();
        let path = deflater.path().to_owned();
        deflater.write_all(&text()).unwrap();
        deflater.finish().unwrap();
        let mut stream = fs::read(&path).unwrap();
        let middle = stream.len() / 2;
        stream[middle] ^= 1;
        fs::write(&path, stream).unwrap();
        assert!(follower.read_to_end(&mut Vec::new()).is_err());
    }
}
