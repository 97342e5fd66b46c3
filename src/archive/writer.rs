//! Writes an archive, strictly forwards, one entry after the other in the caller's order.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use super::checksums::checksum_line;
use super::deflate::{Deflated, compress};
use super::format::{Header, Method, check_readable, names_in};
use super::names::{Fingerprint, fingerprint};
use super::read_back::ReadBack;
use super::tape::Tape;
use super::workspace::Workspace;
use crate::error::{Error, Result};

/// More than the header of one entry takes in the directory: two fields of up to 65,535 bytes.
const MAX_HEADER: u64 = 132_000;
/// What the file is called until it is published.
const FILE: &str = "archive.zip";

/// What the headers of an entry say whose bytes are stored as they are.
#[derive(Debug, Clone, Copy)]
pub struct Stored {
    /// When it was last changed.
    pub modified: DateTime<Utc>,
    /// Bytes.
    pub size: u64,
    /// CRC-32 of the bytes.
    pub crc32: u32,
    /// SHA-256 of the bytes; it goes into the checksums as it is.
    pub sha256: [u8; 32],
}

/// An archive that is being written inside a workspace. [`ArchiveWriter::finish`] ends it; dropped before, it goes
/// with the workspace.
///
/// When an entry fails after its header was written, every later call fails too: there is no way back.
pub struct ArchiveWriter {
    pub(super) read_back: ReadBack,
    pub(super) tape: Tape,
    /// The central directory so far.
    pub(super) central: Vec<u8>,
    /// SHA-256 of each entry, in the order of the directory, which has their names.
    pub(super) sums: Vec<[u8; 32]>,
    names: HashSet<Fingerprint>,
    now: DateTime<Utc>,
    level: u32,
    /// Whether an entry was begun and not ended.
    torn: bool,
}

impl ArchiveWriter {
    /// Begins an archive in `workspace` (one at a time). Entries that have no date of their own get `now`; what is
    /// deflated here is at `level`, 0 to 9.
    pub fn create(workspace: &Workspace, now: DateTime<Utc>, level: u32) -> Result<ArchiveWriter> {
        let file = workspace.create_file(FILE)?;
        ArchiveWriter::over(file, workspace.path(FILE), now, level)
    }

    fn over(file: File, path: PathBuf, now: DateTime<Utc>, level: u32) -> Result<ArchiveWriter> {
        let flush = file.try_clone().map_err(|e| Error::output(&path, e))?;
        Ok(ArchiveWriter {
            read_back: ReadBack::start(&path, flush)?,
            tape: Tape::new(file, path),
            central: Vec::new(),
            sums: Vec::new(),
            names: HashSet::new(),
            now,
            level,
            torn: false,
        })
    }

    /// Adds a text: deflated, or stored when that is smaller.
    pub fn add_bytes(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        let deflated = compress(bytes, None, self.level, true)
            .map_err(|e| Error::Internal { problem: format!("{name} could not be deflated: {e}") })?;
        let (method, body) = if deflated.len() < bytes.len() {
            (Method::Deflated, deflated.as_slice())
        } else {
            (Method::Stored, bytes)
        };
        let header = Header {
            name,
            method,
            modified: self.now,
            crc32: crc32fast::hash(bytes),
            compressed_size: body.len() as u64,
            size: bytes.len() as u64,
            offset: self.position(),
        };
        self.add(&header, Sha256::digest(bytes).into(), |tape| tape.write(body))
    }

    /// Adds what a `Deflater` has written, copied from `stream`. Fails unless `stream` gives exactly those bytes.
    pub fn add_deflated(&mut self, name: &str, deflated: &Deflated, mut stream: impl Read) -> Result<()> {
        let header = Header {
            name,
            method: Method::Deflated,
            modified: self.now,
            crc32: deflated.crc32,
            compressed_size: deflated.compressed_size,
            size: deflated.size,
            offset: self.position(),
        };
        self.add(&header, deflated.sha256, |tape| {
            tape.copy(name, &mut stream, deflated.compressed_size, deflated.compressed_crc32)
        })
    }

    /// Adds bytes as they are. Fails with `SOURCE_CHANGED` unless `reader` gives as many as `stored` says, with that
    /// CRC-32.
    pub fn add_stored(&mut self, name: &str, stored: Stored, reader: &mut dyn Read) -> Result<()> {
        let Stored { modified, size, crc32, sha256 } = stored;
        let offset = self.position();
        let header =
            Header { name, method: Method::Stored, modified, crc32, compressed_size: size, size, offset };
        self.add(&header, sha256, |tape| tape.copy(name, reader, size, crc32))
    }

    /// SHA256SUMS of the entries so far, in their order.
    pub fn checksums(&self) -> String {
        let names = names_in(&self.central);
        names.zip(&self.sums).map(|(name, sha256)| checksum_line(name, sha256)).collect()
    }

    /// Bytes written so far.
    pub fn position(&self) -> u64 {
        self.tape.position()
    }

    /// Fails when an earlier entry did.
    pub(super) fn check_whole(&self) -> Result<()> {
        if self.torn {
            return Err(Error::Internal {
                problem: "an archive was continued after an entry had failed".into(),
            });
        }
        Ok(())
    }

    fn add(
        &mut self,
        header: &Header<'_>,
        sha256: [u8; 32],
        write_body: impl FnOnce(&mut Tape) -> Result<()>,
    ) -> Result<()> {
        self.check_whole()?;
        if header.name.is_empty() || u16::try_from(header.name.len()).is_err() {
            return Err(Error::Internal {
                problem: format!("an entry's name has {} bytes", header.name.len()),
            });
        }
        check_readable(self.sums.len() as u64 + 1, self.central.len() as u64 + MAX_HEADER)?;
        if !self.names.insert(fingerprint(header.name)) {
            return Err(Error::Internal { problem: format!("two entries are called {}", header.name) });
        }
        self.torn = true;
        self.tape.write(&header.local())?;
        write_body(&mut self.tape)?;
        self.tape.show_to(&mut self.read_back)?;
        self.torn = false;
        header.put_central(&mut self.central);
        self.sums.push(sha256);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::archive::format::MAX_ENTRIES;
    use crate::job::{Job, Phase};

    fn writer(dir: &tempfile::TempDir) -> (Workspace, ArchiveWriter) {
        let workspace = Workspace::create(dir.path()).unwrap();
        let writer = ArchiveWriter::create(&workspace, DateTime::UNIX_EPOCH, 5).unwrap();
        (workspace, writer)
    }

    fn store(writer: &mut ArchiveWriter, size: u64, crc32: u32, mut bytes: &[u8]) -> Result<()> {
        let stored = Stored { modified: DateTime::UNIX_EPOCH, size, crc32, sha256: [0; 32] };
        writer.add_stored("photo", stored, &mut bytes)
    }

    #[test]
    fn bytes_that_are_not_what_was_announced_end_the_archive() {
        let dir = tempfile::tempdir().unwrap();
        let crc = crc32fast::hash(b"1234");
        for (size, crc32) in [(3, crc), (5, crc), (4, crc ^ 1)] {
            let (_workspace, mut writer) = writer(&dir);
            assert_eq!(store(&mut writer, size, crc32, b"1234").unwrap_err().code(), "SOURCE_CHANGED");
            assert_eq!(writer.add_bytes("next", b"").unwrap_err().code(), "INTERNAL_ERROR");
            let job = Job::unattended();
            let meter = job.meter(Phase::Verify, None, None);
            assert_eq!(writer.finish(&job, &meter).unwrap_err().code(), "INTERNAL_ERROR");
        }
    }

    #[test]
    fn a_name_is_taken_once() {
        let dir = tempfile::tempdir().unwrap();
        let (_workspace, mut writer) = writer(&dir);
        writer.add_bytes("a", b"1").unwrap();
        assert!(writer.add_bytes("a", b"2").unwrap_err().to_string().contains("two entries"));
        assert!(writer.add_bytes("", b"2").is_err() && writer.add_bytes(&"x".repeat(65_536), b"2").is_err());
        // Nothing was written for them, so the archive goes on.
        writer.add_bytes("b", b"3").unwrap();
        assert_eq!(writer.checksums().lines().count(), 2);
    }

    #[test]
    fn no_archive_is_written_that_has_too_many_entries_to_be_read() {
        let dir = tempfile::tempdir().unwrap();
        let (_workspace, mut writer) = writer(&dir);
        writer.add_bytes("a", b"1").unwrap();
        writer.sums.resize(MAX_ENTRIES as usize - 1, [0; 32]);
        writer.add_bytes("b", b"2").unwrap();
        assert_eq!(writer.add_bytes("c", b"3").unwrap_err().code(), "ARCHIVE_TOO_LARGE");
    }

    #[test]
    fn a_copy_of_a_stream_is_checked_too() {
        let dir = tempfile::tempdir().unwrap();
        let (_workspace, mut writer) = writer(&dir);
        let stream = compress(b"text", None, 5, true).unwrap();
        let deflated = Deflated {
            size: 4,
            compressed_size: stream.len() as u64,
            crc32: crc32fast::hash(b"text"),
            compressed_crc32: crc32fast::hash(&stream),
            sha256: Sha256::digest(b"text").into(),
        };
        writer.add_deflated("good", &deflated, stream.as_slice()).unwrap();
        let mut other = stream;
        other[0] ^= 0x80;
        assert!(writer.add_deflated("bad", &deflated, other.as_slice()).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_told_as_such() {
        use crate::archive::tape::BUFFER;
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut writer = ArchiveWriter::over(full, "/dev/full".into(), DateTime::UNIX_EPOCH, 0).unwrap();
        let error = writer.add_bytes("a", &vec![7; 2 * BUFFER]).unwrap_err();
        assert_eq!(error.code(), "DISK_FULL");
    }
}
