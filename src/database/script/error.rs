//! Why a script does not load.

use std::io;
use std::path::Path;

use rusqlite::ffi;

use crate::error::{Error, IN_USE, is_in_use};
use crate::sqlite::trouble::as_io;

/// What is wrong with a script, said of one of its lines. Never holds text of the script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Bytes that are no UTF-8.
    #[error("is not UTF-8 text; give it a script in UTF-8")]
    Encoding,
    /// A script in UTF-16.
    #[error("is UTF-16, which is what PowerShell's `>` writes; save the script as UTF-8")]
    Utf16,
    /// A SQLite file instead of a script.
    #[error("is the start of a SQLite file, not of a script; name it as a database file instead")]
    Database,
    /// A file of gzip, ZIP or zstd instead of a script.
    #[error("is the start of a packed file (gzip, ZIP or zstd), not of a script; unpack it first")]
    Packed,
    /// A NUL character: SQLite would take it for the end of the statement.
    #[error(
        "holds a NUL character, which no SQLite takes in a script; write the value as CAST(X'…' AS TEXT)"
    )]
    Nul,
    /// A command of the sqlite3 shell.
    #[error("is a command of the sqlite3 shell, not SQL; it was not run: take it out")]
    ShellCommand,
    /// Something that reaches outside the database, or that no dump does.
    #[error("uses {0}, which no dump needs; it was not run: take it out")]
    Forbidden(&'static str),
    /// A statement beyond SQLite's own limit.
    #[error("starts a statement of more than 1,000,000,000 bytes, which is more than SQLite takes; split it")]
    Long,
    /// A statement that would take gigabytes to parse.
    #[error("starts a statement of more than 4 MiB outside its literals; split it")]
    Dense,
    /// The end of the script within a statement.
    #[error("starts a statement that has no end: the script was cut off; make it again")]
    Unfinished,
    /// BEGIN without COMMIT.
    #[error(
        "is the last, and the COMMIT that a dump ends with is missing: the script was cut off; make it again"
    )]
    Uncommitted,
    /// The dump says that it is not whole.
    #[error(
        "says that the database was damaged when this script was made, so rows are missing; make it again from a sound database"
    )]
    Broken,
    /// SQLite refuses a statement.
    #[error("starts a statement that SQLite refuses; check that the script is whole and was made for SQLite")]
    Refused,
    /// A function or a collating sequence of some other program.
    #[error(
        "calls a function, or compares by a collating sequence, that SQLite does not have by itself; take it out"
    )]
    Lacking,
    /// A statement that does not end in good time.
    #[error(
        "starts a statement that runs far longer than a script of this size can need; it was stopped: take it out"
    )]
    Slow,
    /// A statement that makes more data than a script of this size can hold.
    #[error(
        "starts a statement that makes far more data than a script of this size can need; it was stopped: take it out"
    )]
    Big,
    /// Generated columns that may be made of each other without end.
    #[error(
        "starts a statement after which a table with generated columns has a CREATE TABLE of more than 100,000 bytes, \
         more than can be computed safely; take some of these columns out"
    )]
    Deep,
    /// A virtual table in the form of the sqlite3 shell that cannot be had.
    #[error(
        "describes a virtual table that cannot be set up; take it out: only fts3, fts4, fts5 and rtree can be"
    )]
    VirtualTable,
}

/// Why a script was not loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The job was stopped.
    #[error("the job was aborted")]
    Aborted,
    /// The script is at fault.
    #[error("line {line} {problem}")]
    Script {
        /// The line, counted from 1.
        line: u64,
        /// What is wrong with it.
        problem: Problem,
        /// What SQLite said: its code alone, for its messages quote the script.
        source: Option<ffi::Error>,
    },
    /// The script cannot be read.
    #[error("the script could not be read to its end")]
    Read(#[source] io::Error),
    /// The database that it is loaded into cannot be written.
    #[error("the database could not be written")]
    Store(#[source] io::Error),
}

impl LoadError {
    /// A script that is at fault at a line.
    pub fn script(line: u64, problem: Problem) -> Self {
        LoadError::Script { line, problem, source: None }
    }

    /// The error of the job: `script` is what was loaded, `store` the database that was written.
    pub fn into_error(self, script: &Path, store: &Path) -> Error {
        match self {
            LoadError::Aborted => Error::Aborted,
            LoadError::Script { line, problem, source } => {
                Error::unreadable(script, format!("line {line} {problem}"), source.map(|s| Box::new(s) as _))
            }
            LoadError::Read(error) => {
                let problem = match is_in_use(&error) {
                    true => IN_USE,
                    false => "it could not be read to its end; check the file and its permissions",
                };
                Error::unreadable(script, problem, Some(Box::new(error)))
            }
            LoadError::Store(error) => Error::output(store, error),
        }
    }
}

/// A failure of the database that is written.
pub(super) fn store(error: &rusqlite::Error) -> LoadError {
    LoadError::Store(as_io(error))
}
