//! Reading what is long: hashed for as long as the job goes on, and told of.

use std::io::{self, ErrorKind, Read};

use sha2::{Digest, Sha256};

use super::{Job, Meter};
use crate::error::Result;

/// Bytes hashed at a time: few enough to stay in a core's own cache.
const BUFFER: usize = 64 * 1024;

/// The SHA-256 of all that `reader` gives. The outer error is that the job was stopped, the inner one the reader's.
pub fn hash_all(mut reader: impl Read, job: &Job) -> Result<io::Result<[u8; 32]>> {
    let mut sha256 = Sha256::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        job.check()?;
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(Ok(sha256.finalize().into())),
            Ok(read) => sha256.update(&buffer[..read]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Ok(Err(error)),
        }
    }
}

/// A reader that tells a meter of every byte.
pub struct Metered<'m, R> {
    reader: R,
    meter: &'m Meter,
}

impl<'m, R: Read> Metered<'m, R> {
    /// Reads `reader`; `meter` hears of it.
    pub fn new(reader: R, meter: &'m Meter) -> Self {
        Metered { reader, meter }
    }
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.meter.add(0, read as u64);
        Ok(read)
    }
}
