//! What is wrong with a database that SQLite cannot read, and what to do about it.
//!
//! SQLite's code is kept as the cause, its message is not: it quotes the schema. Only the name of a function or a
//! collating sequence that is missing is told.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rusqlite::ffi;

use crate::error::{Cause, Error, IN_USE, is_in_use, is_too_long_for_sqlite};
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
        ffi::SQLITE_CANTOPEN if cfg!(windows) && File::open(path).is_err_and(|error| is_in_use(&error)) => {
            IN_USE
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

/// Whether the machine failed or the job was stopped: nothing is said of the data.
pub fn is_of_machine(error: &rusqlite::Error) -> bool {
    matches!(primary(error), ffi::SQLITE_FULL | ffi::SQLITE_IOERR | ffi::SQLITE_NOMEM | ffi::SQLITE_INTERRUPT)
}

/// Whether the disk failed, said of a database of our own that was only just made. Where the system cannot read a file
/// (EIO), SQLite calls the database corrupt; where it does not open it for writing, SQLite opens it for reading.
pub fn is_of_disk(error: &rusqlite::Error) -> bool {
    match primary(error) {
        ffi::SQLITE_FULL | ffi::SQLITE_IOERR | ffi::SQLITE_CANTOPEN | ffi::SQLITE_READONLY => true,
        // With details it is a finding: of a virtual table, an index or a sequence.
        _ => extended(error) == ffi::SQLITE_CORRUPT && !is_schema(error),
    }
}

/// What a statement fails with that is ended from outside.
pub fn interrupted() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_INTERRUPT), None)
}

/// Whether pages of the database are damaged.
pub fn is_corrupt(error: &rusqlite::Error) -> bool {
    primary(error) == ffi::SQLITE_CORRUPT
}

/// Whether an expression of the schema fails on a row, as a CHECK may that reads JSON from any text: it was off when the
/// row came.
pub fn is_of_rows(error: &rusqlite::Error) -> bool {
    const CODES: [i32; 2] = [ffi::SQLITE_ERROR, ffi::SQLITE_TOOBIG];
    code(error).is_some_and(|error| CODES.contains(&error.extended_code))
}

/// SQLite's code without its message, which may quote the schema or a statement.
pub fn code(error: &rusqlite::Error) -> Option<ffi::Error> {
    match error {
        rusqlite::Error::SqliteFailure(error, _) | rusqlite::Error::SqlInputError { error, .. } => {
            Some(*error)
        }
        _ => None,
    }
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

/// A failure to write a database or to read it again, as the operating system would have said it.
pub fn as_io(error: &rusqlite::Error) -> io::Error {
    let Some(error) = code(error) else { return io::Error::other("SQLite failed") };
    let kind = match error.extended_code & 0xff {
        ffi::SQLITE_FULL => io::ErrorKind::StorageFull,
        ffi::SQLITE_PERM | ffi::SQLITE_READONLY => io::ErrorKind::PermissionDenied,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}

/// What SQLite said, which may quote the schema or a statement.
pub fn said(error: &rusqlite::Error) -> &str {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(said)) | rusqlite::Error::SqlInputError { msg: said, .. } => {
            said
        }
        _ => "",
    }
}

/// What SQLite lacks, if that is why it failed: `the function REGEXP`.
pub fn needs(error: &rusqlite::Error) -> Option<String> {
    // The second is what it says of a function that an index calls.
    let called = || said(error).strip_prefix("unknown function: ")?.strip_suffix("()");
    let function = said(error).strip_prefix("no such function: ").or_else(called);
    let function = function.map(|name| format!("the function {name}"));
    function.or_else(|| lacks_collation(error).map(|name| format!("the collating sequence {name}")))
}

/// The collating sequence that SQLite lacks, if that is why it failed.
pub fn lacks_collation(error: &rusqlite::Error) -> Option<&str> {
    said(error).strip_prefix("no such collation sequence: ")
}

/// Whether SQLite lacks the tokenizer of a full-text index (the words of FTS5, and of FTS3 and FTS4).
pub fn lacks_tokenizer(error: &rusqlite::Error) -> bool {
    ["no such tokenizer: ", "unknown tokenizer: "].iter().any(|words| said(error).contains(words))
}

fn is_schema(error: &rusqlite::Error) -> bool {
    said(error).starts_with("malformed database schema")
}

/// Whether a file that begins like this is packed, with gzip, ZIP or zstd: neither a script nor a SQLite file.
pub fn is_packed(head: &[u8]) -> bool {
    matches!(head, [0x1F, 0x8B, ..] | [b'P', b'K', 3, 4, ..] | [0x28, 0xB5, 0x2F, 0xFD, ..])
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
