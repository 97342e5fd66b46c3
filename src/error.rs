//! The one error type of the core, and the stable code each kind shows at the boundary.
//!
//! A message says what failed, on what, and what to do next; the underlying failure is in `source`, not in
//! the text. No message ever holds a secret or the content of a row.

use std::io;
use std::path::{Path, PathBuf};

mod system;

pub(crate) use system::{IN_USE, OUT_OF_FILES, is_in_use, is_out_of_files, is_too_long_for_sqlite};

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

    /// An archive that does not hold what it says it holds.
    pub fn corrupt(path: &Path, problem: impl Into<String>, source: Option<Cause>) -> Self {
        Error::ArchiveCorrupt { path: path.to_owned(), problem: problem.into(), source }
    }
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
}
