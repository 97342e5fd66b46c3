//! The file of an archive while it is written: all that goes into it goes through here.

use std::cmp::Ordering;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::read_back::ReadBack;
use crate::error::{Error, Result};
use crate::flush;

/// Bytes that are gathered before they go to the file.
pub(super) const BUFFER: usize = 256 * 1024;
/// What was written is read back in pieces of at least this.
const READ_BACK_STEP: u64 = 8 << 20;

/// The file, which only grows, with its length and the CRC-32 of all that was meant to be in it.
pub(super) struct Tape {
    path: PathBuf,
    file: File,
    /// What is copied is read right into it.
    buffer: Box<[u8]>,
    /// How much of it waits for the file.
    waiting: usize,
    crc: crc32fast::Hasher,
    position: u64,
    /// How much of the file may be read back.
    shown: u64,
}

impl Tape {
    pub(super) fn new(file: File, path: PathBuf) -> Tape {
        Tape {
            path,
            file,
            buffer: vec![0; BUFFER].into(),
            waiting: 0,
            crc: crc32fast::Hasher::new(),
            position: 0,
            shown: 0,
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn position(&self) -> u64 {
        self.position
    }

    pub(super) fn write(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let room = self.room()?;
            let (some, rest) = bytes.split_at(bytes.len().min(room.len()));
            room[..some.len()].copy_from_slice(some);
            self.take(some.len());
            bytes = rest;
        }
        Ok(())
    }

    /// Lets what was written be read back, now and then.
    pub(super) fn show_to(&mut self, read_back: &mut ReadBack) -> Result<()> {
        if self.position >= self.shown + READ_BACK_STEP {
            self.empty()?;
            self.shown = self.position;
            read_back.written(self.shown)?;
        }
        Ok(())
    }

    /// Brings everything to the disk; gives the CRC-32 of all that was written.
    pub(super) fn flush(&mut self) -> Result<u32> {
        self.empty()?;
        flush::file(&self.file).map_err(|e| Error::output(&self.path, e))?;
        Ok(self.crc.clone().finalize())
    }

    /// Copies `size` bytes with this CRC-32 from `reader`, which has no more.
    pub(super) fn copy(&mut self, name: &str, reader: &mut dyn Read, size: u64, crc32: u32) -> Result<()> {
        // One byte more tells a longer one.
        let (copied, found) = self.copy_all(&mut reader.take(size.saturating_add(1)), name)?;
        match copied.cmp(&size) {
            Ordering::Greater => Err(changed(name, "it is longer than it was")),
            Ordering::Less => Err(changed(name, "it is shorter than it was")),
            Ordering::Equal if found != crc32 => Err(changed(name, "its content is not what it was")),
            Ordering::Equal => Ok(()),
        }
    }

    /// Copies what `reader` gives; how many bytes it was, and their CRC-32.
    fn copy_all(&mut self, reader: &mut impl Read, name: &str) -> Result<(u64, u32)> {
        let (mut copied, mut crc) = (0, crc32fast::Hasher::new());
        loop {
            match reader.read(self.room()?) {
                Ok(0) => return Ok((copied, crc.finalize())),
                Ok(read) => {
                    copied += read as u64;
                    crc.combine(&self.take(read));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(unreadable(name, error)),
            }
        }
    }

    /// Where the next bytes go; there is room for some.
    fn room(&mut self) -> Result<&mut [u8]> {
        if self.waiting == self.buffer.len() {
            self.empty()?;
        }
        Ok(&mut self.buffer[self.waiting..])
    }

    /// Counts the first `bytes` of the room as written; gives their CRC-32.
    fn take(&mut self, bytes: usize) -> crc32fast::Hasher {
        let mut crc = crc32fast::Hasher::new();
        crc.update(&self.buffer[self.waiting..self.waiting + bytes]);
        self.crc.combine(&crc);
        self.waiting += bytes;
        self.position += bytes as u64;
        crc
    }

    /// Hands what waits to the file.
    fn empty(&mut self) -> Result<()> {
        self.file.write_all(&self.buffer[..self.waiting]).map_err(|e| Error::output(&self.path, e))?;
        self.waiting = 0;
        Ok(())
    }
}

fn changed(name: &str, what: &str) -> Error {
    Error::SourceChanged {
        what: name.into(),
        problem: format!("{what} when it was first read; run the job again"),
    }
}

fn unreadable(name: &str, error: io::Error) -> Error {
    Error::SourceUnreachable {
        what: name.into(),
        problem: "reading it failed while it was put into the archive; run the job again".into(),
        source: Some(Box::new(error)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn what_is_written_and_copied_stands_in_the_file_in_that_order() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("archive.zip");
        let mut tape = Tape::new(File::create(&path).unwrap(), path.clone());
        let mut meant = Vec::new();
        let sizes = [0, 1, BUFFER - 1, 7, BUFFER, BUFFER + 1, 3 * BUFFER + 5, 0, 2];
        for (n, size) in sizes.into_iter().cycle().take(2 * sizes.len() + 1).enumerate() {
            let bytes: Vec<u8> = (0..size).map(|at| (at * 31 + n) as u8).collect();
            match n % 2 {
                0 => tape.write(&bytes).unwrap(),
                _ => {
                    let crc32 = crc32fast::hash(&bytes);
                    tape.copy("photo", &mut bytes.as_slice(), size as u64, crc32).unwrap();
                }
            }
            meant.extend(bytes);
            assert_eq!(tape.position(), meant.len() as u64);
        }
        assert_eq!(tape.flush().unwrap(), crc32fast::hash(&meant));
        assert!(std::fs::read(&path).unwrap() == meant);
    }
}
