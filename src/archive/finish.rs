//! The end of an archive: its directory and checksum, the proof that the file holds what was meant, and its name.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use sha2::Digest;
use tempfile::TempPath;

use super::format::Directory;
use super::publish::take_name;
use super::writer::ArchiveWriter;
use crate::error::{Error, Result};
use crate::job::{Job, Meter};

impl ArchiveWriter {
    /// Bytes of the whole archive if nothing more is added.
    pub fn finished_size(&self) -> u64 {
        let directory = self.directory();
        let end = directory.zip64_end().len() + directory.end(&"0".repeat(64)).len();
        directory.start + directory.size + end as u64
    }

    fn directory(&self) -> Directory {
        Directory {
            entries: self.sums.len() as u64,
            start: self.tape.position(),
            size: self.central.len() as u64,
        }
    }

    /// Ends the archive, brings it to the disk and reads all of it back.
    ///
    /// The comment holds the SHA-256 of all bytes before the end record. It is taken from what is read back, not
    /// from what was meant, in the same pass that compares the two (by CRC-32): so the file is read once and hashed
    /// once, most of it while the rest was still being written, and the SHA-256 of the whole file continues that of
    /// its beginning. What is read back comes through a handle of its own after a flush; the system may still answer
    /// from its cache, which cannot be ruled out portably.
    ///
    /// `meter` (of [`Phase::Verify`](crate::job::Phase::Verify)) advances by the bytes read back,
    /// [`ArchiveWriter::finished_size`] of them. Fails with `DISK_FULL`, `OUTPUT_UNWRITABLE`, `ABORT_ERR`, or
    /// `ARCHIVE_CORRUPT` when what was read back differs.
    pub fn finish(mut self, job: &Job, meter: &Meter) -> Result<FinishedArchive> {
        self.check_whole()?;
        let directory = self.directory();
        self.tape.write(&self.central)?;
        self.tape.write(&directory.zip64_end())?;
        let meant = self.tape.flush()?;

        let (path, written) = (self.tape.path().to_owned(), self.tape.position());
        let found = self.read_back.finish(written, job, meter)?;
        if found.crc32 != meant {
            return Err(differs(&path, None));
        }
        let mut sha256 = found.sha256;
        let end = directory.end(&hex::encode(sha256.clone().finalize()));
        self.tape.write(&end)?;
        self.tape.flush()?;
        read_back_end(&path, written, &end)?;
        meter.add(0, end.len() as u64);
        sha256.update(&end);

        let size = self.tape.position();
        // Windows renames no file that is open.
        drop(self.tape);
        let path = TempPath::try_from_path(&path).map_err(|e| Error::output(&path, e))?;
        Ok(FinishedArchive { path, size, sha256: hex::encode(sha256.finalize()) })
    }
}

/// Reads what follows the first `start` bytes, which is `end`.
fn read_back_end(path: &Path, start: u64, end: &[u8]) -> Result<()> {
    let mut found = Vec::with_capacity(end.len());
    let read = File::open(path).and_then(|mut file| {
        file.seek(SeekFrom::Start(start))?;
        file.take(end.len() as u64 + 1).read_to_end(&mut found)
    });
    read.map_err(|e| unread(path, e))?;
    if found == end { Ok(()) } else { Err(differs(path, None)) }
}

/// A full disk may show only when the system writes out what it took.
pub(super) fn unread(path: &Path, error: io::Error) -> Error {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Error::output(path, error),
        _ => differs(path, Some(error)),
    }
}

fn differs(path: &Path, error: Option<io::Error>) -> Error {
    let problem = "what was read back is not what was written; check the disk, or choose another folder";
    Error::corrupt(path, problem, error.map(Into::into))
}

/// An archive that is complete, on the disk and read back, but has no name yet. It goes with its workspace unless it
/// is published.
#[derive(Debug)]
pub struct FinishedArchive {
    path: TempPath,
    size: u64,
    sha256: String,
}

impl FinishedArchive {
    /// Bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Lower-case hex of the SHA-256 of the whole file.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Where it is now.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the archive its name, as [`take_name`] does. The mode stays 0600.
    pub fn publish(self, final_path: &Path, overwrite: bool) -> Result<()> {
        take_name(self.path, final_path, overwrite)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::fs::{self, OpenOptions};
    use std::io::{Seek, SeekFrom, Write};
    use std::sync::{Arc, Mutex};

    use chrono::DateTime;
    use sha2::Sha256;

    use super::super::Workspace;
    use super::*;
    use crate::job::{Observer, Phase, Progress};

    fn finished(workspace: &Workspace) -> FinishedArchive {
        let mut writer = ArchiveWriter::create(workspace, DateTime::UNIX_EPOCH, 5).unwrap();
        writer.add_bytes("a", b"a").unwrap();
        let (job, size) = (Job::unattended(), writer.finished_size());
        let finished = writer.finish(&job, &job.meter(Phase::Verify, None, None)).unwrap();
        assert_eq!(finished.size(), size);
        finished
    }

    #[test]
    fn the_result_describes_the_file_under_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let workspace = Workspace::create(dir.path()).unwrap();
        let archive = finished(&workspace);
        let (size, sha256) = (archive.size(), archive.sha256().to_owned());
        let path = dir.path().join("a.zip");
        archive.publish(&path, false).unwrap();
        drop(workspace);
        let bytes = fs::read(&path).unwrap();
        assert_eq!((size, sha256), (bytes.len() as u64, hex::encode(Sha256::digest(&bytes))));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_disk_that_gives_back_something_else_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let workspace = Workspace::create(dir.path()).unwrap();
        let mut writer = ArchiveWriter::create(&workspace, DateTime::UNIX_EPOCH, 0).unwrap();
        writer.add_bytes("a", &vec![1; 3 << 20]).unwrap();
        let mut file = OpenOptions::new().write(true).open(writer.tape.path()).unwrap();
        file.seek(SeekFrom::Start(1 << 20)).unwrap();
        file.write_all(&[0]).unwrap();
        let job = Job::unattended();
        let error = writer.finish(&job, &job.meter(Phase::Verify, None, None)).unwrap_err();
        assert_eq!(error.code(), "ARCHIVE_CORRUPT");
    }

    #[test]
    fn a_stopped_job_ends_the_reading_back_and_a_meter_counts_it() {
        struct Last(Mutex<u64>);
        impl Observer for Last {
            fn progress(&self, progress: &Progress) {
                *self.0.lock().unwrap() = progress.bytes;
            }
        }
        let dir = tempfile::tempdir().unwrap();
        let workspace = Workspace::create(dir.path()).unwrap();
        let last = Arc::new(Last(Mutex::new(0)));
        let job = Job::new(Default::default(), last.clone());
        let meter = job.meter(Phase::Verify, None, None);
        let writer = ArchiveWriter::create(&workspace, DateTime::UNIX_EPOCH, 5).unwrap();
        let archive = writer.finish(&job, &meter).unwrap();
        meter.finish();
        assert_eq!(*last.0.lock().unwrap(), archive.size());
        drop(archive);

        job.stop_token().cancel();
        let writer = ArchiveWriter::create(&workspace, DateTime::UNIX_EPOCH, 5).unwrap();
        assert_eq!(writer.finish(&job, &meter).unwrap_err().code(), "ABORT_ERR");
    }
}
