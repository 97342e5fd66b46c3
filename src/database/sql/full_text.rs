//! How the content of a virtual table comes back.
//!
//! An FTS5 index is made anew from rows, because D1 refuses writes to the tables behind it. Where that would not give
//! the same index (it keeps no rows, or not those its content table has now) the tables behind it are written as they
//! are, into database-extra.sql.

use rusqlite::{Connection, PrepFlags};

use super::patience::Patience;
use super::reindex::{Source, remade};
use super::repairs::Repairs;
use super::trial::is_trouble;
use crate::database::digest::{self, instances, is_damage, readable};
use crate::database::schema::{Schema, Table, VirtualTable};
use crate::database::script::is_known_module;
use crate::database::{quoted, rows};

mod comes_back;

pub use comes_back::digest;

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

/// The content table of an FTS5 table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Its name.
    pub table: String,
    /// The column whose value is the rowid of the index.
    pub rowid: String,
    /// The columns of the index, which the content table has too.
    pub columns: Vec<String>,
    /// Whether it is a view, of which no row can be had without the others.
    pub is_view: bool,
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
    let mut statement = connection.prepare(&select_among(content, some))?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    Ok(())
}

/// The rows of the content table with these rowids, as they are indexed.
pub fn select_among(content: &Content, rowids: &[i64]) -> String {
    let rowid = quoted(&content.rowid);
    let columns = content.columns.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
    let rowids = rowids.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
    format!("SELECT {rowid}, {columns} FROM {} WHERE {rowid} IN ({rowids})", quoted(&content.table))
}

fn over_rows(connection: &Connection, table: &VirtualTable, content: Content) -> rusqlite::Result<Fill> {
    let Some(indexed) = indexed_rows(connection, table)? else { return Ok(Fill::Unreadable) };
    let all = match content_rows(connection, &content) {
        Err(error) if is_trouble(&error) => return Err(error),
        all => all.ok(),
    };
    // Made once for trial, to see that it finds the same.
    let again = match remade(connection, table, &content.source(), &indexed) {
        Ok(again) => all.is_some().then_some(again),
        Err(error) if is_trouble(&error) => return Err(error),
        Err(
            rusqlite::Error::SqliteFailure(..)
            | rusqlite::Error::SqlInputError { .. }
            | rusqlite::Error::QueryReturnedNoRows,
        ) => None,
        Err(error) => return Err(error),
    };
    let found = readable(instances(connection, &table.name))?;
    // Where the index cannot be read, which rows it covers still can.
    let is_same = again.is_some() && (found.is_none() || found == again);
    if !is_same {
        const STALE: &str = "its content table does not have, or has no longer, what it was made from";
        if let whole @ Fill::Verbatim(_) = verbatim(connection, table, STALE)? {
            return Ok(whole);
        }
    }
    Ok(match all {
        Some(all) if again.is_some() && indexed == all && content.can_rebuild(connection) => {
            Fill::Rebuild(content)
        }
        Some(_) if again.is_some() => Fill::Partial(content, indexed),
        _ => Fill::Unreadable,
    })
}

/// The tables behind `table` as they are, if they can be read to their ends.
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

fn content_rows(connection: &Connection, content: &Content) -> rusqlite::Result<Vec<i64>> {
    // By the table's name: a name that is no column would be taken for a text.
    let rowid = format!("t.{}", quoted(&content.rowid));
    let sql = format!("SELECT {rowid} FROM main.{} AS t ORDER BY {rowid}", quoted(&content.table));
    connection.prepare(&sql)?.query_map([], |row| row.get(0))?.collect()
}

impl Content {
    /// That of an FTS5 table whose rows stand elsewhere.
    pub fn of(table: &VirtualTable, schema: &Schema) -> Option<Content> {
        let columns = table.makes.as_ref().filter(|_| table.module == "fts5")?.columns.clone();
        let content = table.option("content").filter(|content| !content.is_empty())?;
        let rowid = table.option("content_rowid").unwrap_or_else(|| "rowid".into());
        let is_view = schema.views.iter().any(|view| view.name.eq_ignore_ascii_case(&content));
        Some(Content { table: content, rowid, columns, is_view })
    }

    /// Whether 'rebuild' could read it: that looks into no virtual table, though everything else does.
    fn can_rebuild(&self, connection: &Connection) -> bool {
        let columns = std::iter::once(&self.rowid).chain(&self.columns);
        let columns: Vec<String> = columns.map(|column| format!("t.{}", quoted(column))).collect();
        let sql = format!("SELECT {} FROM main.{} AS t", columns.join(", "), quoted(&self.table));
        connection.prepare_with_flags(&sql, PrepFlags::SQLITE_PREPARE_NO_VTAB).is_ok()
    }

    fn source(&self) -> Source<'_> {
        Source {
            table: &self.table,
            rowid: &self.rowid,
            columns: &self.columns,
            names: &self.columns,
            is_view: self.is_view,
        }
    }
}

#[cfg(test)]
mod tests;
