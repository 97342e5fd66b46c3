//! What is wrong with a database that SQLite cannot read, and what to do about it.
//!
//! SQLite's code is kept as the cause, its message is not: it quotes the schema. Only the name of a function or a
//! collating sequence that is missing is told.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rusqlite::ffi;

use crate::database::{code, is_packed, needs, said};
use crate::error::{Cause, Error, is_too_long_for_sqlite};
use crate::folder::may_write;

/// A failure to read the database at `path`.
pub fn unreadable(path: &Path, error: &rusqlite::Error) -> Error {
    let problem = match primary(error) {
        ffi::SQLITE_NOTADB => {
            "it is not a SQLite database, or it is encrypted; name the SQLite file itself, decrypted"
        }
        ffi::SQLITE_CORRUPT if is_schema(error) => {
            "its schema is damaged; take an earlier copy, or save what can be saved with `sqlite3 FILE .recover`"
        }
        ffi::SQLITE_CORRUPT => {
            "it is corrupt; take an earlier copy, or save what can be saved with `sqlite3 FILE .recover`"
        }
        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED | ffi::SQLITE_PROTOCOL => {
            "another program keeps it locked; end that program or its transaction, then try again"
        }
        ffi::SQLITE_CANTOPEN if path.canonicalize().is_ok_and(|full| is_too_long_for_sqlite(&full)) => {
            "its path is too long for SQLite, which takes some 500 bytes; move it to a shorter one"
        }
        ffi::SQLITE_CANTOPEN | ffi::SQLITE_PERM | ffi::SQLITE_AUTH => {
            "it may not be opened; check that you may read the file and enter its folder"
        }
        ffi::SQLITE_IOERR => "the disk failed to read it; check the disk and copy the file elsewhere",
        ffi::SQLITE_NOMEM => {
            "the system has no memory, or no further thread, to read it with; end other programs, then try again"
        }
        _ => match needs(error) {
            Some(needs) => return lacking(path, &needs, error),
            None => "SQLite cannot read it; check it with `sqlite3 FILE 'PRAGMA integrity_check'`",
        },
    };
    Error::unreadable(path, problem, cause(error))
}

fn lacking(path: &Path, needs: &str, error: &rusqlite::Error) -> Error {
    let problem = format!(
        "its schema needs {needs}, which SQLite does not have by itself; take it out of a copy and back that up"
    );
    Error::unreadable(path, problem, cause(error))
}

/// SQLite's temporary files found no room while a database was only read.
pub fn no_room(error: &rusqlite::Error) -> Error {
    Error::DiskFull {
        path: temporary_folder(),
        problem: "SQLite sorts there what it reads; free some space, or set TMPDIR (on Windows TMP) to another folder".into(),
        source: cause(error),
    }
}

/// Where SQLite puts its temporary files (os_unix.c: `unixTempFileDir`).
fn temporary_folder() -> PathBuf {
    if cfg!(windows) {
        return std::env::temp_dir();
    }
    let named = ["SQLITE_TMPDIR", "TMPDIR"].into_iter().filter_map(std::env::var_os).map(PathBuf::from);
    let usual = ["/var/tmp", "/usr/tmp", "/tmp"].map(PathBuf::from);
    named
        .chain(usual)
        .find(|folder| folder.is_dir() && may_write(folder).is_ok())
        .unwrap_or_else(|| PathBuf::from("."))
}

/// A failure to open a database to begin with: then what is in the file tells more.
///
/// Closing a file drops every POSIX lock that this process has on it, those of other SQLite connections too. So a
/// database is opened like this only after SQLite itself has given it up.
pub fn unopened(path: &Path, error: &rusqlite::Error) -> Error {
    if !matches!(primary(error), ffi::SQLITE_NOTADB | ffi::SQLITE_CORRUPT) {
        return unreadable(path, error);
    }
    match head(path).ok().and_then(|(head, size)| told_by_head(&head, size)) {
        Some(problem) => Error::unreadable(path, problem, cause(error)),
        None => unreadable(path, error),
    }
}

/// What is wrong with a file that has fewer bytes than its pages.
pub fn truncated(size: u64, promised: u64) -> String {
    format!("it is truncated: {size} of {promised} bytes are there; copy it again, or take an earlier copy")
}

/// SQLite's code with its details.
pub fn extended(error: &rusqlite::Error) -> i32 {
    code(error).map_or(ffi::SQLITE_ERROR, |code| code.extended_code)
}

/// SQLite's code without its details.
pub fn primary(error: &rusqlite::Error) -> i32 {
    extended(error) & 0xff
}

/// SQLite's code as the cause of an error.
pub fn cause(error: &rusqlite::Error) -> Option<Cause> {
    Some(Box::new(ffi::Error::new(extended(error))))
}

fn is_schema(error: &rusqlite::Error) -> bool {
    said(error).starts_with("malformed database schema")
}

/// The first 100 bytes, which are the header of a SQLite file, and the size.
pub fn head(path: &Path) -> io::Result<(Vec<u8>, u64)> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut head = Vec::new();
    file.take(100).read_to_end(&mut head)?;
    Ok((head, size))
}

/// What the first bytes of a file say. Offsets: "The SQLite Database File Format", 1.3.
pub fn told_by_head(head: &[u8], size: u64) -> Option<String> {
    if head.starts_with(b"SQLite format 3\0") {
        let page_size = match u64::from(u16::from_be_bytes(*head.get(16..)?.first_chunk()?)) {
            1 => 65536,
            size => size,
        };
        let promised = page_size * u64::from(u32::from_be_bytes(*head.get(28..)?.first_chunk()?));
        return (promised > size).then(|| truncated(size, promised));
    }
    let words = ["PRAGMA ", "BEGIN", "CREATE ", "INSERT ", "--", "/*"];
    let kind = match head {
        _ if is_packed(head) => "it is packed (gzip, ZIP or zstd); unpack it first",
        _ if words.iter().any(|word| head.starts_with(word.as_bytes())) => {
            "it looks like an SQL script, not like a SQLite file; name it as a script"
        }
        _ => return None,
    };
    Some(kind.into())
}
