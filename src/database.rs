//! Where rows come from, what SQLite holds, and how it is written as SQL. Blocking throughout.
//!
//! Everything here reads one [`source::Snapshot`]: a state of the database that does not change while it is read.

use std::io;

use rusqlite::{Connection, ffi};

pub mod digest;
pub mod drill;
mod generated;
mod lexer;
pub mod making;
mod private;
pub mod rows;
pub mod schema;
pub mod script;
pub mod source;
pub mod sql;
pub mod watchdog;

/// `name` as SQL writes an identifier: always quoted, so that no name is a keyword.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `text` as SQL writes a string. For names and options only: values go through [`sql::literal`].
pub(crate) fn quoted_text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Bytes of the pages of the database behind `connection`.
pub(crate) fn bytes_of(connection: &Connection) -> rusqlite::Result<u64> {
    let sql = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
    connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map(|bytes| bytes as u64)
}

/// The parts of a finding of `integrity_check`. One about pages has a line for each; any other is one, with whatever is
/// in the name of its table.
fn parts_of_finding(finding: &str) -> Vec<&str> {
    if finding.starts_with("*** in database ") { finding.lines().collect() } else { vec![finding] }
}

/// Whether a file that begins like this is packed, with gzip, ZIP or zstd: neither a script nor a SQLite file.
fn is_packed(head: &[u8]) -> bool {
    matches!(head, [0x1F, 0x8B, ..] | [b'P', b'K', 3, 4, ..] | [0x28, 0xB5, 0x2F, 0xFD, ..])
}

/// SQLite's code without its message, which may quote the schema or a statement.
fn code(error: &rusqlite::Error) -> Option<ffi::Error> {
    match error {
        rusqlite::Error::SqliteFailure(error, _) | rusqlite::Error::SqlInputError { error, .. } => {
            Some(*error)
        }
        _ => None,
    }
}

/// A failure to write a database or to read it again, as the operating system would have said it.
pub(crate) fn as_io(error: &rusqlite::Error) -> io::Error {
    let Some(error) = code(error) else { return io::Error::other("SQLite failed") };
    let kind = match error.extended_code & 0xff {
        ffi::SQLITE_FULL => io::ErrorKind::StorageFull,
        ffi::SQLITE_PERM | ffi::SQLITE_READONLY => io::ErrorKind::PermissionDenied,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}

/// What SQLite said, which may quote the schema or a statement.
fn said(error: &rusqlite::Error) -> &str {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(said)) | rusqlite::Error::SqlInputError { msg: said, .. } => {
            said
        }
        _ => "",
    }
}

/// What SQLite lacks, if that is why it failed: `the function REGEXP`.
fn needs(error: &rusqlite::Error) -> Option<String> {
    let lacks = |said: &str, kind: &str| {
        said.strip_prefix("no such ")?.strip_prefix(kind)?.strip_prefix(": ").map(ToOwned::to_owned)
    };
    // The second is what it says of a function that an index calls.
    let called = || said(error).strip_prefix("unknown function: ")?.strip_suffix("()").map(ToOwned::to_owned);
    let function = lacks(said(error), "function").or_else(called);
    function.map(|name| format!("the function {name}")).or_else(|| {
        lacks(said(error), "collation sequence").map(|name| format!("the collating sequence {name}"))
    })
}
