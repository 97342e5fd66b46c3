//! The bytes of one entry of an archive that nobody vouches for.

use std::fs::File;
use std::io::{self, BufReader, Read, Take};

use flate2::bufread::DeflateDecoder;

use super::format::Method;

type Stored<'f> = BufReader<Take<&'f File>>;

enum Source<'f> {
    Stored(Stored<'f>),
    Deflated(DeflateDecoder<Stored<'f>>),
}

/// Reads an entry inflated. Never gives more bytes than the directory says, and fails at the end when they are not
/// the ones that it means.
pub struct EntryContents<'f> {
    source: Source<'f>,
    left: u64,
    crc32: crc32fast::Hasher,
    wanted: u32,
    is_done: bool,
}

impl<'f> EntryContents<'f> {
    pub(super) fn new(stored: Stored<'f>, method: Method, size: u64, crc32: u32) -> Self {
        let source = match method {
            Method::Stored => Source::Stored(stored),
            Method::Deflated => Source::Deflated(DeflateDecoder::new(stored)),
        };
        EntryContents { source, left: size, crc32: crc32fast::Hasher::new(), wanted: crc32, is_done: false }
    }

    fn read_some(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.source {
            Source::Stored(stored) => stored.read(buffer),
            Source::Deflated(deflated) => deflated.read(buffer),
        }
    }

    /// Looks at what follows the last byte: nothing may, and the CRC-32 must be right.
    fn end(&mut self) -> io::Result<usize> {
        self.is_done = true;
        if self.read_some(&mut [0])? > 0 {
            return Err(damaged("it holds more bytes than the directory says"));
        }
        if let Source::Deflated(deflated) = &self.source
            && deflated.get_ref().get_ref().limit() + deflated.get_ref().buffer().len() as u64 > 0
        {
            return Err(damaged("bytes follow its end"));
        }
        if self.crc32.clone().finalize() != self.wanted {
            return Err(damaged("its bytes are not the ones that were written: the CRC-32 is wrong"));
        }
        Ok(0)
    }
}

impl Read for EntryContents<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.is_done {
            return Ok(0);
        }
        if self.left == 0 {
            return self.end();
        }
        let room = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let read = self.read_some(&mut buffer[..room])?;
        if read == 0 {
            return Err(damaged("it holds fewer bytes than the directory says"));
        }
        self.crc32.update(&buffer[..read]);
        self.left -= read as u64;
        Ok(read)
    }
}

fn damaged(problem: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}
