//! The one error type of the core, and the stable code each kind shows at the boundary.
//!
//! A message says what failed, on what, and what to do next; the underlying failure is in `source`, not in
//! the text. No message ever holds a secret or the content of a row.

use std::io;
use std::path::{Path, PathBuf};

/// What the core returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An underlying failure, kept for `Error::source`.
pub type Cause = Box<dyn std::error::Error + Send + Sync + 'static>;

/// Everything that can end a job before its work is done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An option is missing, unknown, out of range or contradicts another.
    #[error("{problem}")]
    InvalidOptions {
        /// Which option, what is wrong with it, what it takes.
        problem: String,
    },
    /// There is no database where the options say it is.
    #[error("there is no database at {}: {hint}", path.display())]
    DatabaseNotFound {
        /// Where it was looked for.
        path: PathBuf,
        /// What to check.
        hint: String,
    },
    /// The database is there but its rows cannot be had: not SQLite, encrypted, truncated, corrupt, empty,
    /// locked, or a script that does what it must not.
    #[error("cannot read the database {}: {problem}", path.display())]
    DatabaseUnreadable {
        /// The file or script.
        path: PathBuf,
        /// What is wrong, and what to do.
        problem: String,
        /// What SQLite or the operating system said.
        #[source]
        source: Option<Cause>,
    },
    /// A source of rows or photos does not answer or does not exist.
    #[error("cannot reach {what}: {problem}")]
    SourceUnreachable {
        /// The source, without credentials.
        what: String,
        /// What is wrong, and what to do.
        problem: String,
        /// What the operating system or the network said.
        #[source]
        source: Option<Cause>,
    },
    /// A source refuses us.
    #[error("{what} refuses access: {problem}")]
    SourceRefused {
        /// The source, without credentials.
        what: String,
        /// Which permission is needed.
        problem: String,
        /// What the operating system or the server said.
        #[source]
        source: Option<Cause>,
    },
    /// The source kept changing while it was read.
    #[error("{what} changed while it was read: {problem}")]
    SourceChanged {
        /// What changed.
        what: String,
        /// What to do.
        problem: String,
    },
    /// A photo could not be copied and `onPhotoError` is `fail`.
    #[error(
        "the photo {key} could not be copied ({reason}), and nothing was written: try again, or set onPhotoError \
         (--on-photo-error) to record to go on without it"
    )]
    PhotoFailed {
        /// The key of the first photo that failed.
        key: String,
        /// Why.
        reason: String,
    },
    /// The output folder or a file in it cannot be written.
    #[error("cannot write {}: {problem}", path.display())]
    OutputUnwritable {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong, and what to do.
        problem: String,
        /// What the operating system said.
        #[source]
        source: Option<Cause>,
    },
    /// The disk is full, or was found too small before the start.
    #[error("not enough space in {}: {problem}", path.display())]
    DiskFull {
        /// The folder that was written to.
        path: PathBuf,
        /// What is needed and what to do.
        problem: String,
        /// What the operating system said.
        #[source]
        source: Option<Cause>,
    },
    /// An archive of that name is there and `overwrite` is off.
    #[error("{} exists already; move it away, or set overwrite (--force) to replace it", path.display())]
    ArchiveExists {
        /// The final name.
        path: PathBuf,
    },
    /// A file that should be an archive cannot be opened or read. Its code is that of a damaged one.
    #[error("cannot open the archive {}: {problem}", path.display())]
    ArchiveUnopened {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        problem: &'static str,
        /// What the operating system said.
        #[source]
        source: Cause,
    },
    /// An archive does not hold what it says it holds.
    #[error("the archive {} is damaged: {problem}", path.display())]
    ArchiveCorrupt {
        /// The archive.
        path: PathBuf,
        /// What is wrong, and what to do.
        problem: String,
        /// What the reader said.
        #[source]
        source: Option<Cause>,
    },
    /// What was written did not load back, or came back different.
    #[error("the restore drill failed: {problem}")]
    DrillFailed {
        /// What differs, and what to do.
        problem: String,
        /// What SQLite said.
        #[source]
        source: Option<Cause>,
    },
    /// A data dump needs a table of artworks and there is none.
    #[error("there is no table of artworks in {what}: {problem}")]
    SchemaUnknown {
        /// The database, without credentials.
        what: String,
        /// Which tables there are instead, and what to do.
        problem: String,
    },
    /// An archive grows beyond what the options allow, or beyond what could be read again.
    #[error("the archive would have more than {limit}: {problem}")]
    ArchiveTooLarge {
        /// The most it may have, with its unit.
        limit: String,
        /// What to do.
        problem: String,
    },
    /// A finished data dump holds something private. It was deleted.
    #[error("{entry} would have published a value of {place}: {problem}")]
    PrivacyLeak {
        /// The entry of the archive, and the record in it where that is known; never the value.
        entry: String,
        /// `table.column` where the platform keeps that value.
        place: String,
        /// What to do.
        problem: String,
    },
    /// A data dump holds far fewer records than the one before it.
    #[error("{problem}")]
    DumpShrunk {
        /// Which counts, before and after, and what to do.
        problem: String,
    },
    /// A restore would write over something else.
    #[error("{what} is not empty: {problem}")]
    TargetNotEmpty {
        /// The database, or the key.
        what: String,
        /// What to do.
        problem: String,
    },
    /// The system has no thread for a part of the job. Its code is that of a defect: nothing that was asked for is wrong.
    #[error("the system starts no further thread; end other programs or raise its limit, then try again")]
    NoThread(#[source] io::Error),
    /// The caller's signal was aborted. Nothing is left behind.
    #[error("the job was aborted before it was done")]
    Aborted,
    /// A defect in this package.
    #[error("internal error: {problem}; this is a defect in the package, please report it")]
    Internal {
        /// What was not expected.
        problem: String,
    },
}

impl Error {
    /// The stable code that JavaScript sees as `error.code`.
    pub fn code(&self) -> &'static str {
        match self {
            Error::InvalidOptions { .. } => "INVALID_OPTIONS",
            Error::DatabaseNotFound { .. } => "DATABASE_NOT_FOUND",
            Error::DatabaseUnreadable { .. } => "DATABASE_UNREADABLE",
            Error::SourceUnreachable { .. } => "SOURCE_UNREACHABLE",
            Error::SourceRefused { .. } => "SOURCE_REFUSED",
            Error::SourceChanged { .. } => "SOURCE_CHANGED",
            Error::PhotoFailed { .. } => "PHOTO_FAILED",
            Error::OutputUnwritable { .. } => "OUTPUT_UNWRITABLE",
            Error::DiskFull { .. } => "DISK_FULL",
            Error::ArchiveExists { .. } => "ARCHIVE_EXISTS",
            Error::ArchiveUnopened { .. } | Error::ArchiveCorrupt { .. } => "ARCHIVE_CORRUPT",
            Error::DrillFailed { .. } => "DRILL_FAILED",
            Error::SchemaUnknown { .. } => "SCHEMA_UNKNOWN",
            Error::ArchiveTooLarge { .. } => "ARCHIVE_TOO_LARGE",
            Error::PrivacyLeak { .. } => "PRIVACY_LEAK",
            Error::DumpShrunk { .. } => "DUMP_SHRUNK",
            Error::TargetNotEmpty { .. } => "TARGET_NOT_EMPTY",
            Error::Aborted => "ABORT_ERR",
            Error::NoThread(_) | Error::Internal { .. } => "INTERNAL_ERROR",
        }
    }

    /// An option that cannot be taken.
    pub fn invalid(problem: impl Into<String>) -> Self {
        Error::InvalidOptions { problem: problem.into() }
    }

    /// A backup that verify and restore would refuse, by what its photos take; `limit` as in the variant.
    pub fn too_many_photos(limit: String) -> Self {
        let problem = "verify and restore take no larger one; take fewer photos, such as those of approved artworks \
                       alone (photoScope 'approved'), or none";
        Error::ArchiveTooLarge { limit, problem: problem.into() }
    }

    /// A database that is there and cannot be read, with what SQLite said.
    pub fn unreadable(path: &Path, problem: impl Into<String>, source: Option<Cause>) -> Self {
        Error::DatabaseUnreadable { path: path.to_owned(), problem: problem.into(), source }
    }

    /// A file that should be an archive and cannot be opened or read.
    pub fn unopened(path: &Path, error: io::Error) -> Self {
        let problem = match error.kind() {
            _ if is_out_of_files(&error) => OUT_OF_FILES,
            io::ErrorKind::NotFound => "there is no such file; check the path",
            io::ErrorKind::NotADirectory => "a part of its path is a file, not a folder; check the path",
            io::ErrorKind::IsADirectory => "it is a folder; name the file",
            io::ErrorKind::NotSeekable => "it is a pipe or a device; save what it gives as a file first",
            _ => "it cannot be read; check the path and its permissions",
        };
        Error::ArchiveUnopened { path: path.to_owned(), problem, source: Box::new(error) }
    }

    /// An archive that does not hold what it says it holds.
    pub fn corrupt(path: &Path, problem: impl Into<String>, source: Option<Cause>) -> Self {
        Error::ArchiveCorrupt { path: path.to_owned(), problem: problem.into(), source }
    }

    /// A failure to write `path`: a full disk is told apart from everything else.
    pub fn output(path: &Path, error: io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::DiskFull {
                path,
                problem: "the disk filled up while writing; free some space or choose another folder".into(),
                source: Some(Box::new(error)),
            },
            kind => {
                let is_too_long = kind == io::ErrorKind::InvalidFilename
                    || (kind == io::ErrorKind::Other && is_too_long_for_sqlite(&path));
                let problem = if is_out_of_files(&error) {
                    OUT_OF_FILES
                } else if is_too_long {
                    "its path is too long; choose a folder with a shorter one"
                } else if kind == io::ErrorKind::Other {
                    // SQLite does not tell what the system said.
                    "check that you may write to its folder, that the disk is sound, and that no limit stands in the \
                     way: of the size of a file (FAT32 takes 4 GiB; `ulimit -f`) or of how many are open (`ulimit -n`)"
                } else if kind == io::ErrorKind::FileTooLarge {
                    "no file may be as large there, however much is free (FAT32 takes 4 GiB, and `ulimit -f` sets a \
                     limit); choose another folder"
                } else {
                    "check that the folder exists, that you may write to it, and that its disk is sound"
                };
                Error::OutputUnwritable { path, problem: problem.into(), source: Some(Box::new(error)) }
            }
        }
    }
}

/// What to do when [`is_out_of_files`].
pub(crate) const OUT_OF_FILES: &str =
    "too many files are open already; close some, end other programs, or raise the limit (`ulimit -n`)";

/// Whether the system opens no further file, for this process or for any.
pub(crate) fn is_out_of_files(error: &io::Error) -> bool {
    #[cfg(unix)]
    let codes = [libc::EMFILE, libc::ENFILE];
    // ERROR_TOO_MANY_OPEN_FILES
    #[cfg(not(unix))]
    let codes = [4];
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
}

/// Whether SQLite refuses `path` for its length: its `MAX_PATHNAME` is 512 bytes, of which `-journal` takes eight. All
/// that it says then is that it cannot open the file.
pub(crate) fn is_too_long_for_sqlite(path: &Path) -> bool {
    cfg!(unix) && path.as_os_str().len() > 504
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_without_threads_is_no_defect() {
        let error = Error::NoThread(io::ErrorKind::WouldBlock.into());
        assert_eq!(error.code(), "INTERNAL_ERROR");
        assert!(error.to_string().contains("end other programs") && !error.to_string().contains("report it"));
    }

    #[cfg(unix)]
    #[test]
    fn a_process_that_has_too_many_files_open_is_told_so() {
        let (path, error) = (Path::new("a.zip"), || io::Error::from_raw_os_error(libc::EMFILE));
        for told in [Error::output(path, error()), Error::unopened(path, error())] {
            let told = told.to_string();
            assert!(told.contains("`ulimit -n`") && !told.contains("check"), "{told}");
        }
    }

    #[test]
    fn a_file_that_may_not_grow_is_no_full_disk() {
        let output = |kind: io::ErrorKind| Error::output(Path::new("a.zip"), kind.into());
        let (full, large) = (output(io::ErrorKind::StorageFull), output(io::ErrorKind::FileTooLarge));
        assert_eq!((full.code(), large.code()), ("DISK_FULL", "OUTPUT_UNWRITABLE"));
        assert!(large.to_string().contains("another folder") && !large.to_string().contains("free some"));
    }
}
