//! The end of an archive: its directory and checksum, the proof that the file holds what was meant, and its name.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;
use std::thread;
use std::time::Duration;

use sha2::Digest;
use tempfile::TempPath;

use super::format::Directory;
use super::writer::ArchiveWriter;
use crate::error::{Error, Result};
use crate::flush;
use crate::job::{Job, Meter};

/// How often a name is asked for again that is refused for the moment, and the first pause; each is one longer.
const PATIENCE: u32 = 10;
const PAUSE: Duration = Duration::from_millis(50);

impl ArchiveWriter {
    /// Bytes of the whole archive if nothing more is added.
    pub fn finished_size(&self) -> u64 {
        let directory = self.directory();
        let end = directory.zip64_end().len() + directory.end(&"0".repeat(64)).len();
        directory.start + directory.size + end as u64
    }

    fn directory(&self) -> Directory {
        Directory {
            entries: self.entries.len() as u64,
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
    Error::ArchiveCorrupt {
        path: path.to_owned(),
        problem: "what was read back is not what was written; check the disk, or choose another folder"
            .into(),
        source: error.map(Into::into),
    }
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

/// Fails where [`take_name`] would, as far as can be known before the work is done: with `ARCHIVE_EXISTS`, or, when a
/// folder has the name, which nothing replaces, with `OUTPUT_UNWRITABLE`.
pub fn refuse_taken(final_path: &Path, overwrite: bool) -> Result<()> {
    match final_path.symlink_metadata() {
        Ok(_) if !overwrite => Err(Error::ArchiveExists { path: final_path.to_owned() }),
        Ok(found) if found.is_dir() => Err(Error::OutputUnwritable {
            path: final_path.to_owned(),
            problem: "it is a folder, which no archive replaces; move it away or choose another folder"
                .into(),
            source: None,
        }),
        _ => Ok(()),
    }
}

/// Gives a file its name, which lies on the same file system.
///
/// Without `overwrite`, a file of that name fails with `ARCHIVE_EXISTS`; of two that want a name at the same time
/// exactly one gets it. The system decides, in one step: `renameat2(RENAME_NOREPLACE)`, `renamex_np(RENAME_EXCL)`,
/// `link` or `MoveFileEx` without replacing. Where the file system has none of them (some network, FAT and user space
/// drivers), the name is first taken by creating an empty file, which just as surely fails if there is one, and that is
/// then replaced: for an instant an empty file is seen, and one stays if the machine stops right then.
pub fn take_name(file: TempPath, final_path: &Path, overwrite: bool) -> Result<()> {
    let before = if overwrite { Before::of(final_path, &file) } else { Before::Free };
    let named = if overwrite {
        patiently(file, is_busy, |file| file.persist(final_path))
    } else {
        patiently(file, is_busy, |file| file.persist_noclobber(final_path))
            .or_else(|refused| persist_otherwise(refused, final_path))
    };
    match named {
        // Without its name on the disk the archive might be gone after a power cut, so it is not called made.
        Ok(()) => flush::name(final_path)
            .map_err(|error| Error::output(final_path, error))
            .inspect_err(|_| before.restore(final_path)),
        Err(refused) if refused.error.kind() == ErrorKind::AlreadyExists => {
            Err(Error::ArchiveExists { path: final_path.to_owned() })
        }
        Err(refused) => Err(Error::output(final_path, refused.error)),
    }
}

/// Gives a file its name with `name`, again and again for some three seconds while the refusal `is_busy`.
fn patiently(
    mut file: TempPath,
    is_busy: fn(&io::Error) -> bool,
    name: impl Fn(TempPath) -> Result<(), tempfile::PathPersistError>,
) -> Result<(), tempfile::PathPersistError> {
    for pause in 1..=PATIENCE {
        match name(file) {
            Err(refused) if is_busy(&refused.error) => file = refused.path,
            named => return named,
        }
        thread::sleep(PAUSE * pause);
    }
    name(file)
}

/// On Windows a file that a scanner or an indexer has open cannot be renamed, and they open what was just closed:
/// ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION.
fn is_busy(error: &io::Error) -> bool {
    cfg!(windows) && matches!(error.raw_os_error(), Some(5 | 32))
}

/// Not every file system that has no such step says so: rclone's calls it an I/O error. Whatever else is wrong, the
/// other way meets it too.
fn persist_otherwise(
    refused: tempfile::PathPersistError,
    final_path: &Path,
) -> Result<(), tempfile::PathPersistError> {
    match refused.error.kind() {
        ErrorKind::AlreadyExists => Err(refused),
        _ => persist_over_own_placeholder(refused.path, final_path),
    }
}

fn persist_over_own_placeholder(path: TempPath, final_path: &Path) -> Result<(), tempfile::PathPersistError> {
    match File::create_new(final_path) {
        Ok(placeholder) => drop(placeholder),
        Err(error) => return Err(tempfile::PathPersistError { error, path }),
    }
    path.persist(final_path).inspect_err(|_| {
        let _ = fs::remove_file(final_path);
    })
}

/// What had the name before.
enum Before {
    /// Nothing.
    Free,
    /// A file, which still has another name: that is gone when this is dropped.
    Kept(TempPath),
    /// A file; the file system knows no second names.
    Replaced,
}

impl Before {
    fn of(final_path: &Path, beside: &Path) -> Before {
        let second = beside.with_extension("replaced");
        match fs::hard_link(final_path, &second) {
            Ok(()) => TempPath::try_from_path(second).map_or(Before::Replaced, Before::Kept),
            Err(error) if error.kind() == ErrorKind::NotFound => Before::Free,
            Err(_) => Before::Replaced,
        }
    }

    /// Makes all as it was: a name that was free is free again, and one that was replaced has its old file (where there
    /// are no second names it keeps the new one, which is whole).
    fn restore(self, final_path: &Path) {
        match self {
            Before::Free => drop(fs::remove_file(final_path)),
            Before::Kept(old) => drop(old.persist(final_path)),
            Before::Replaced => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::fs::OpenOptions;
    use std::io::{Seek, SeekFrom, Write};
    use std::sync::{Arc, Mutex};

    use chrono::DateTime;

    use super::super::Workspace;
    use sha2::Sha256;

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
    fn a_name_that_is_taken_is_replaced_only_when_asked() {
        let dir = tempfile::tempdir().unwrap();
        let workspace = Workspace::create(dir.path()).unwrap();
        let path = dir.path().join("a.zip");
        fs::write(&path, "precious").unwrap();
        assert_eq!(finished(&workspace).publish(&path, false).unwrap_err().code(), "ARCHIVE_EXISTS");
        assert_eq!(fs::read(&path).unwrap(), b"precious");
        finished(&workspace).publish(&path, true).unwrap();
        assert!(fs::read(&path).unwrap().starts_with(b"PK"));
    }

    #[test]
    fn a_name_that_cannot_be_taken_is_refused_before_the_work() {
        let dir = tempfile::tempdir().unwrap();
        let [free, file, folder] = ["free", "file", "folder"].map(|name| dir.path().join(name));
        fs::write(&file, "").unwrap();
        fs::create_dir(&folder).unwrap();
        let refused = |path, overwrite| refuse_taken(path, overwrite).err().map(|error| error.code());
        assert_eq!((refused(&free, false), refused(&file, true)), (None, None));
        assert_eq!([refused(&file, false), refused(&folder, false)], [Some("ARCHIVE_EXISTS"); 2]);
        assert_eq!(refused(&folder, true), Some("OUTPUT_UNWRITABLE"));
    }

    #[test]
    fn a_name_is_taken_whatever_the_system_says_that_it_cannot_do() {
        let dir = tempfile::tempdir().unwrap();
        let workspace = Workspace::create(dir.path()).unwrap();
        let path = dir.path().join("a.zip");
        let refused = |kind: ErrorKind| tempfile::PathPersistError {
            error: kind.into(),
            path: finished(&workspace).path,
        };
        // EPERM from FAT, EIO (which has no kind) from file systems in user space.
        for kind in [ErrorKind::PermissionDenied, ErrorKind::Unsupported, ErrorKind::Other] {
            persist_otherwise(refused(kind), &path).unwrap();
            assert!(fs::read(&path).unwrap().starts_with(b"PK"), "{kind}");
            fs::remove_file(&path).unwrap();
        }
        let taken = persist_otherwise(refused(ErrorKind::AlreadyExists), &path).unwrap_err();
        assert_eq!(taken.error.kind(), ErrorKind::AlreadyExists);
        assert!(!path.exists());
    }

    #[test]
    fn a_file_that_another_program_has_open_for_a_moment_gets_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let workspace = Workspace::create(dir.path()).unwrap();
        let path = dir.path().join("a.zip");
        let refusals = |times: u32, kind: ErrorKind| {
            let left = std::cell::Cell::new(times);
            let path = path.clone();
            move |file: TempPath| match left.replace(left.get().saturating_sub(1)) {
                0 => file.persist(&path),
                _ => Err(tempfile::PathPersistError { error: kind.into(), path: file }),
            }
        };
        let is_busy = |error: &io::Error| error.kind() == ErrorKind::ResourceBusy;
        patiently(finished(&workspace).path, is_busy, refusals(2, ErrorKind::ResourceBusy)).unwrap();
        assert!(fs::read(&path).unwrap().starts_with(b"PK"));
        let refused = patiently(finished(&workspace).path, is_busy, refusals(1, ErrorKind::PermissionDenied));
        assert_eq!(refused.unwrap_err().error.kind(), ErrorKind::PermissionDenied);
    }

    #[test]
    fn a_placeholder_guards_the_name_where_the_system_cannot() {
        let dir = tempfile::tempdir().unwrap();
        let workspace = Workspace::create(dir.path()).unwrap();
        let path = dir.path().join("a.zip");
        persist_over_own_placeholder(finished(&workspace).path, &path).unwrap();
        assert!(fs::read(&path).unwrap().starts_with(b"PK"));
        let refused = persist_over_own_placeholder(finished(&workspace).path, &path).unwrap_err();
        assert_eq!(refused.error.kind(), ErrorKind::AlreadyExists);
        drop(refused);
        let gone = finished(&workspace);
        fs::remove_file(gone.path()).unwrap();
        let other = dir.path().join("b.zip");
        assert!(persist_over_own_placeholder(gone.path, &other).is_err() && !other.exists());
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
