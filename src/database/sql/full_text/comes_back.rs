//! What a virtual table will be like when it comes back.

use rusqlite::Connection;

use super::{Content, Fill, indexed_rows, remade};
use crate::database::digest::{self, Digester, TableDigest, instances, is_damage, readable};
use crate::database::quoted;
use crate::database::schema::VirtualTable;

/// How an index comes back that is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// It is made from its rows.
    Remade,
    /// It comes back empty.
    Emptied,
}

impl Damage {
    /// The message of a warning.
    pub fn message(self) -> &'static str {
        match self {
            Damage::Remade => {
                "this full-text index is damaged, its rows are not; a restore makes the index anew from them, with such \
                 settings as can be read"
            }
            Damage::Emptied => {
                "this full-text index is damaged, and which rows it covers cannot be read: it comes back empty; all its \
                 rows are in its content table, and 'rebuild' fills it with them"
            }
        }
    }
}

/// The digest of a virtual table as it comes back, and what is to be said of it.
pub fn digest(
    connection: &Connection,
    table: &VirtualTable,
    fill: &Fill,
    utf16: bool,
) -> rusqlite::Result<(TableDigest, Option<Damage>)> {
    if *fill == Fill::Unreadable {
        return Ok((Digester::default().finish(&table.name), Some(Damage::Emptied)));
    }
    if !matches!(fill, Fill::Rows | Fill::Rebuild(_) | Fill::Partial(..)) {
        return Ok((digest::virtual_table(connection, table, utf16)?, None));
    }
    let found = readable(instances(connection, &table.name))?;
    if let Some(found) = found
        && (*fill != Fill::Rows || has_entries_for_its_rows(connection, table)?)
    {
        match digest::full_text(connection, table, found) {
            Err(error) if is_damage(&error) => {}
            digest => return Ok((digest?, None)),
        }
    }
    let own;
    let (content, rows) = match fill {
        Fill::Rebuild(content) | Fill::Partial(content, _) => {
            (content, indexed_rows(connection, table)?.unwrap_or_default())
        }
        _ => {
            own = Content::own(table).ok_or(rusqlite::Error::QueryReturnedNoRows)?;
            let rows = own.rowids(connection)?;
            (&own, rows)
        }
    };
    let again = remade(connection, table, content, &rows)?;
    let digest = TableDigest { name: table.name.clone(), rows: rows.len() as u64, digest: again.digest };
    Ok((digest, Some(Damage::Remade)))
}

/// Whether the index of an FTS5 table has an entry for each of the rows that it keeps, and no other.
fn has_entries_for_its_rows(connection: &Connection, table: &VirtualTable) -> rusqlite::Result<bool> {
    let (Some(sizes), Some(content)) = (table.shadow("_docsize"), table.shadow("_content")) else {
        return Ok(table.option("columnsize").is_some());
    };
    let sql = format!(
        "SELECT (SELECT count(*) FROM main.{sizes}) = (SELECT count(*) FROM main.{content})
         AND NOT EXISTS (SELECT id FROM main.{content} EXCEPT SELECT id FROM main.{sizes})",
        sizes = quoted(&sizes.name),
        content = quoted(&content.name)
    );
    match connection.query_row(&sql, [], |row| row.get(0)) {
        Err(error) if is_damage(&error) => Ok(false),
        found => found,
    }
}
