//! How the content of a virtual table comes back.
//!
//! An FTS5 index is made anew from rows, because D1 refuses writes to the tables behind it. Where that would not give
//! the same index (it keeps no rows, or not those its content table has now) the tables behind it are written as they
//! are, into database-extra.sql.

use rusqlite::Connection;

use super::patience::Patience;
use super::reindex::remade;
use super::repairs::Repairs;
use crate::database::digest::{self, instances, is_damage, readable};
use crate::database::schema::{Schema, Table, VirtualTable};
use crate::database::script::is_known_module;
use crate::database::{quoted, rows};
use crate::sqlite::trouble::is_of_machine;

mod comes_back;
mod content;

pub use comes_back::digest;
pub use content::Content;

/// Rowids in one `IN (…)` list: a statement of about 16 kB.
pub const ROWIDS: usize = 1000;

/// What fills a virtual table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fill {
    /// Its own rows, inserted again.
    Rows,
    /// All rows of its content table.
    Rebuild(Content),
    /// These rows of its content table.
    Partial(Content, Vec<i64>),
    /// The tables behind it as they are, for this reason.
    Verbatim(&'static str),
    /// Nothing can: what it covers cannot be read. It comes back empty.
    Unreadable,
    /// Nothing has to: it keeps nothing.
    Nothing,
    /// Nothing can: it cannot be set up anew.
    Unknown,
}

impl Fill {
    /// Decides how `table` of `schema` is filled; `connection` reads the database that holds it. Views are read for as
    /// long as `patience` lasts.
    pub fn decide(
        connection: &Connection,
        table: &VirtualTable,
        schema: &Schema,
        repairs: &Repairs,
        patience: &mut Patience<'_>,
    ) -> rusqlite::Result<Fill> {
        Ok(match Fill::of(connection, table, schema, patience)? {
            Fill::Rebuild(content) | Fill::Partial(content, _) if repairs.lessens(schema, &content.table) => {
                verbatim(connection, table, "the rows of its content table stand in another table")?
            }
            fill => fill,
        })
    }

    /// The tables behind `table` whose rows are needed for that.
    pub fn needed<'t>(&self, table: &'t VirtualTable) -> Vec<&'t Table> {
        match self {
            Fill::Verbatim(_) => table.shadows.iter().collect(),
            Fill::Rows => table.shadow("_content").into_iter().collect(),
            Fill::Rebuild(_) | Fill::Partial(..) | Fill::Unreadable | Fill::Nothing | Fill::Unknown => {
                Vec::new()
            }
        }
    }

    fn of(
        connection: &Connection,
        table: &VirtualTable,
        schema: &Schema,
        patience: &mut Patience<'_>,
    ) -> rusqlite::Result<Fill> {
        if table.makes.is_none() || !is_known_module(&table.module) {
            return Ok(Fill::Unknown);
        }
        if table.shadows.is_empty() {
            return Ok(Fill::Nothing);
        }
        if table.module != "fts5" {
            return Ok(Fill::Verbatim("D1 has no such module"));
        }
        if let Some(content) = Content::of(table, schema) {
            return external(connection, table, content, patience);
        }
        match table.option("content") {
            Some(_) => Ok(Fill::Verbatim("a contentless index keeps no rows to insert again")),
            None if table.option("locale").is_some() => Ok(Fill::Verbatim("its values carry a locale")),
            None => Ok(Fill::Rows),
        }
    }
}

fn external(
    connection: &Connection,
    table: &VirtualTable,
    content: Content,
    patience: &mut Patience<'_>,
) -> rusqlite::Result<Fill> {
    if !content.is_view {
        return over_rows(connection, table, content);
    }
    let fill = patience.spend(connection, || over_rows(connection, table, content))?;
    let is_in_time = match &fill {
        // Each statement goes over the view.
        Some(Fill::Partial(content, rows)) => {
            let mut statements = rows.chunks(ROWIDS);
            let (times, some) = (statements.len(), statements.next().unwrap_or_default());
            patience.lasts(connection, times, || read_among(connection, content, some))?
        }
        fill => fill.is_some(),
    };
    match fill.filter(|_| is_in_time) {
        Some(fill) => Ok(fill),
        None => verbatim(connection, table, "reading the view that it is over does not end in good time"),
    }
}

/// Reads what the statement reads that fills the index with `some`: if rows were but counted, SQLite would not work out
/// their columns.
fn read_among(connection: &Connection, content: &Content, some: &[i64]) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(&content.select_among(some))?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    Ok(())
}

/// Why an index is not made from its content table.
const STALE: &str = "its content table does not have, or has no longer, what it was made from";

fn over_rows(connection: &Connection, table: &VirtualTable, content: Content) -> rusqlite::Result<Fill> {
    let Some(indexed) = indexed_rows(connection, table)? else { return Ok(Fill::Unreadable) };
    let all = match content.rowids(connection) {
        Err(error) if is_of_machine(&error) => return Err(error),
        all => all.ok(),
    };
    // Made once for trial, to see that it finds the same.
    let again = match remade(connection, table, &content, &indexed) {
        Err(error) if is_of_machine(&error) => return Err(error),
        Err(
            rusqlite::Error::SqliteFailure(..)
            | rusqlite::Error::SqlInputError { .. }
            | rusqlite::Error::QueryReturnedNoRows,
        ) => None,
        again => Some(again?),
    };
    let (Some(all), Some(again)) = (all, again) else { return verbatim(connection, table, STALE) };
    // Where the index cannot be read, which rows it covers still can.
    let found = readable(instances(connection, &table.name))?;
    if found.is_some_and(|found| found != again)
        && let whole @ Fill::Verbatim(_) = verbatim(connection, table, STALE)?
    {
        return Ok(whole);
    }
    Ok(match indexed == all && content.can_rebuild(connection) {
        true => Fill::Rebuild(content),
        false => Fill::Partial(content, indexed),
    })
}

/// The tables behind `table` as they are, if they can be read to their ends; else [`Fill::Unreadable`].
fn verbatim(connection: &Connection, table: &VirtualTable, reason: &'static str) -> rusqlite::Result<Fill> {
    for shadow in &table.shadows {
        match rows::scan::<rusqlite::Error>(connection, shadow, false, "", |_, _| Ok(())) {
            Err(error) if is_damage(&error) => return Ok(Fill::Unreadable),
            read => read?,
        }
    }
    Ok(Fill::Verbatim(reason))
}

/// The rows in the index; None when that cannot be read. Without column sizes only those with a term are known, which
/// finds the same.
fn indexed_rows(connection: &Connection, table: &VirtualTable) -> rusqlite::Result<Option<Vec<i64>>> {
    let read = |sql: &str| -> rusqlite::Result<Option<Vec<i64>>> {
        match connection.prepare(sql).and_then(|mut rows| rows.query_map([], |row| row.get(0))?.collect()) {
            Err(error) if is_damage(&error) => Ok(None),
            found => found.map(Some),
        }
    };
    let of_sizes = table
        .shadow("_docsize")
        .map(|sizes| format!("SELECT id FROM main.{} ORDER BY id", quoted(&sizes.name)));
    if let Some(sql) = of_sizes
        && let Some(found) = read(&sql)?
    {
        return Ok(Some(found));
    }
    let vocabulary = digest::vocabulary(connection, &table.name)?;
    read(&format!("SELECT DISTINCT doc FROM temp.{vocabulary} ORDER BY doc"))
}

#[cfg(test)]
mod tests;
