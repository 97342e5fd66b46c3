//! The file of an archive while it is written: all that goes into it goes through here.

use std::cmp::Ordering;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::mem;
use std::path::{Path, PathBuf};

use super::read_back::ReadBack;
use crate::error::{Error, Result};
use crate::flush;

/// Bytes that are gathered before they go to the file, and that are copied at a time.
pub(super) const BUFFER: usize = 256 * 1024;
/// What was written is read back in pieces of at least this.
const READ_BACK_STEP: u64 = 8 << 20;

/// The file, which only grows, with its length and the CRC-32 of all that was meant to be in it.
pub(super) struct Tape {
    path: PathBuf,
    file: BufWriter<File>,
    buffer: Vec<u8>,
    crc: crc32fast::Hasher,
    position: u64,
    /// How much of it may be read back.
    shown: u64,
}

impl Tape {
    pub(super) fn new(file: File, path: PathBuf) -> Tape {
        Tape {
            path,
            file: BufWriter::with_capacity(BUFFER, file),
            buffer: vec![0; BUFFER],
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

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|e| Error::output(&self.path, e))?;
        self.crc.update(bytes);
        self.position += bytes.len() as u64;
        Ok(())
    }

    /// Lets what was written be read back, now and then.
    pub(super) fn show_to(&mut self, read_back: &mut ReadBack) -> Result<()> {
        if self.position >= self.shown + READ_BACK_STEP {
            self.file.flush().map_err(|e| Error::output(&self.path, e))?;
            self.shown = self.position;
            read_back.written(self.shown)?;
        }
        Ok(())
    }

    /// Brings everything to the disk; gives the CRC-32 of all that was written.
    pub(super) fn flush(&mut self) -> Result<u32> {
        self.file
            .flush()
            .and_then(|()| flush::file(self.file.get_ref()))
            .map_err(|e| Error::output(&self.path, e))?;
        Ok(self.crc.clone().finalize())
    }

    /// Copies `size` bytes with this CRC-32 from `reader`, which has no more.
    pub(super) fn copy(&mut self, name: &str, reader: &mut dyn Read, size: u64, crc32: u32) -> Result<()> {
        let mut buffer = mem::take(&mut self.buffer);
        // One byte more tells a longer one.
        let copied = self.copy_all(&mut reader.take(size.saturating_add(1)), name, &mut buffer);
        self.buffer = buffer;
        let (copied, found) = copied?;
        match copied.cmp(&size) {
            Ordering::Greater => Err(changed(name, "it is longer than it was")),
            Ordering::Less => Err(changed(name, "it is shorter than it was")),
            Ordering::Equal if found != crc32 => Err(changed(name, "its content is not what it was")),
            Ordering::Equal => Ok(()),
        }
    }

    /// Copies what `reader` gives; how many bytes it was, and their CRC-32.
    fn copy_all(&mut self, reader: &mut impl Read, name: &str, buffer: &mut [u8]) -> Result<(u64, u32)> {
        let (mut copied, mut crc) = (0, crc32fast::Hasher::new());
        loop {
            match reader.read(buffer) {
                Ok(0) => return Ok((copied, crc.finalize())),
                Ok(read) => {
                    copied += read as u64;
                    crc.update(&buffer[..read]);
                    self.write(&buffer[..read])?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(unreadable(name, error)),
            }
        }
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
