//! Long texts that begin like a byte order mark, in a database that stores UTF-16.
//!
//! Since 3.43 SQLite takes the first character of such a text for a mark when it reads it from overflow pages
//! (vdbeColumnFromOverflow in src/vdbe.c): U+FEFF is dropped, and after U+FFFE the rest comes with its bytes swapped.
//! The blob interface gives what is stored.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use super::Table;

/// SQLite reads values of more than 4000 bytes in that way; those are 2001 characters with the mark.
const LONG: usize = 2000;

/// The texts in `row` that SQLite has read wrongly, as they are, by the place of their column in [`Table::columns`].
/// The first of these is column `first` of the row.
pub(super) fn misread(
    connection: &Connection,
    table: &Table,
    rowid: i64,
    row: &Row<'_>,
    first: usize,
) -> rusqlite::Result<Vec<(usize, String)>> {
    let mut found = Vec::new();
    // SQLite opens no value of a table with generated columns.
    if table.has_generated {
        return Ok(found);
    }
    for (index, column) in table.columns.iter().enumerate() {
        let is_long = matches!(row.get_ref(first + index)?, ValueRef::Text(text) if text.len() >= LONG);
        if is_long && let Some(text) = marked(connection, table, column, rowid)? {
            found.push((index, text));
        }
    }
    Ok(found)
}

/// The text, if it begins like a mark in either order.
fn marked(
    connection: &Connection,
    table: &Table,
    column: &str,
    rowid: i64,
) -> rusqlite::Result<Option<String>> {
    let blob = connection.blob_open("main", table.name.as_str(), column, rowid, true)?;
    let mut start = [0; 2];
    blob.read_at_exact(&mut start, 0)?;
    if !matches!(start, [0xFE, 0xFF] | [0xFF, 0xFE]) {
        return Ok(None);
    }
    let mut bytes = vec![0; blob.len()];
    blob.read_at_exact(&mut bytes, 0)?;
    let encoding: String = connection.query_row("PRAGMA encoding", [], |row| row.get(0))?;
    let unit = if encoding == "UTF-16be" { u16::from_be_bytes } else { u16::from_le_bytes };
    let (pairs, _) = bytes.as_chunks::<2>();
    let characters = char::decode_utf16(pairs.iter().map(|pair| unit(*pair)));
    Ok(Some(characters.map(|it| it.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()))
}
