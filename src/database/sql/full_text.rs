//! How the content of a virtual table comes back.
//!
//! An FTS5 index is made anew from rows, because D1 refuses writes to the tables behind it. Where that would not give
//! the same index (it keeps no rows, or not those its content table has now) the tables behind it are written as they
//! are, into database-extra.sql.

use rusqlite::{Connection, PrepFlags};

use super::reindex::{Source, settings, trial};
use super::repairs::Repairs;
use crate::database::digest::{self, Digester, TableDigest, instances, is_damage, readable};
use crate::database::schema::{Schema, Table, VirtualTable};
use crate::database::script::is_known_module;
use crate::database::{quoted, rows};

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
}

impl Fill {
    /// Decides how `table` of `schema` is filled; `connection` reads the database that holds it.
    pub fn decide(
        connection: &Connection,
        table: &VirtualTable,
        schema: &Schema,
        repairs: &Repairs,
    ) -> rusqlite::Result<Fill> {
        Ok(match Fill::of(connection, table)? {
            Fill::Rebuild(content) | Fill::Partial(content, _) if repairs.lessen(schema, &content.table) => {
                match is_whole(connection, table)? {
                    true => Fill::Verbatim("the rows of its content table stand in another table"),
                    false => Fill::Unreadable,
                }
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

    fn of(connection: &Connection, table: &VirtualTable) -> rusqlite::Result<Fill> {
        if table.makes.is_none() || !is_known_module(&table.module) {
            return Ok(Fill::Unknown);
        }
        if table.shadows.is_empty() {
            return Ok(Fill::Nothing);
        }
        if table.module != "fts5" {
            return Ok(Fill::Verbatim("D1 has no such module"));
        }
        if let Some(content) = Content::of(table) {
            return external(connection, table, content);
        }
        match table.option("content") {
            Some(_) => Ok(Fill::Verbatim("a contentless index keeps no rows to insert again")),
            None if table.option("locale").is_some() => Ok(Fill::Verbatim("its values carry a locale")),
            None => Ok(Fill::Rows),
        }
    }
}

/// D1 has FTS5 with its vocabulary, and no other module.
pub fn is_known_to_d1(table: &VirtualTable) -> bool {
    table.module.starts_with("fts5")
}

/// Whether an FTS5 table has a setting that is younger than the SQLite of D1: `insttoken` is of 3.51.
pub fn has_new_setting(connection: &Connection, table: &VirtualTable) -> rusqlite::Result<bool> {
    Ok(settings(connection, table)?.iter().any(|setting| setting.contains("VALUES ('insttoken', ")))
}

fn external(connection: &Connection, table: &VirtualTable, content: Content) -> rusqlite::Result<Fill> {
    const STALE: Fill = Fill::Verbatim("its content table has no longer what it was made from");
    let Some(indexed) = indexed_rows(connection, table)? else { return Ok(Fill::Unreadable) };
    let all = content_rows(connection, &content).ok();
    // Made once for trial, to see that it finds the same.
    let again = match trial(connection, table, &content.source(), &indexed) {
        Ok(again) => all.is_some().then_some(again),
        Err(rusqlite::Error::SqliteFailure(..) | rusqlite::Error::QueryReturnedNoRows) => None,
        Err(error) => return Err(error),
    };
    let found = readable(instances(connection, &table.name))?;
    // Where the index cannot be read, which rows it covers still can.
    let is_same = again.is_some() && (found.is_none() || found == again);
    match all {
        _ if !is_same && is_whole(connection, table)? => Ok(STALE),
        Some(all) if again.is_some() && indexed == all && content.can_rebuild(connection) => {
            Ok(Fill::Rebuild(content))
        }
        Some(_) if again.is_some() => Ok(Fill::Partial(content, indexed)),
        _ => Ok(Fill::Unreadable),
    }
}

/// Whether the tables behind `table` can be read to their ends.
fn is_whole(connection: &Connection, table: &VirtualTable) -> rusqlite::Result<bool> {
    for shadow in &table.shadows {
        match rows::scan::<rusqlite::Error>(connection, shadow, false, "", |_, _| Ok(())) {
            Err(error) if is_damage(&error) => return Ok(false),
            read => read?,
        }
    }
    Ok(true)
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
    let rowid = quoted(&content.rowid);
    let sql = format!("SELECT {rowid} FROM main.{} ORDER BY {rowid}", quoted(&content.table));
    connection.prepare(&sql)?.query_map([], |row| row.get(0))?.collect()
}

impl Content {
    /// That of an FTS5 table whose rows stand elsewhere.
    pub fn of(table: &VirtualTable) -> Option<Content> {
        let columns = table.makes.as_ref().filter(|_| table.module == "fts5")?.columns.clone();
        let content = table.option("content").filter(|content| !content.is_empty())?;
        let rowid = table.option("content_rowid").unwrap_or_else(|| "rowid".into());
        Some(Content { table: content, rowid, columns })
    }

    /// Whether 'rebuild' could read it: that looks into no virtual table, though everything else does.
    fn can_rebuild(&self, connection: &Connection) -> bool {
        let columns = std::iter::once(&self.rowid).chain(&self.columns);
        let columns: Vec<String> = columns.map(|column| format!("t.{}", quoted(column))).collect();
        let sql = format!("SELECT {} FROM main.{} AS t", columns.join(", "), quoted(&self.table));
        connection.prepare_with_flags(&sql, PrepFlags::SQLITE_PREPARE_NO_VTAB).is_ok()
    }

    fn source(&self) -> Source<'_> {
        Source { table: &self.table, rowid: &self.rowid, columns: &self.columns, names: &self.columns }
    }
}

/// What is to be said of an index that does not come back as it is, because it is damaged.
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
    let (rows, again) = match (fill, table.shadow("_content"), &table.makes) {
        (Fill::Rebuild(content) | Fill::Partial(content, _), ..) => {
            let rows = indexed_rows(connection, table)?.unwrap_or_default();
            let again = trial(connection, table, &content.source(), &rows)?;
            (rows, again)
        }
        (_, Some(content), Some(made)) => {
            let own = Content { table: content.name.clone(), rowid: "id".into(), columns: Vec::new() };
            let rows = content_rows(connection, &own)?;
            let columns = content.columns.get(1..=made.columns.len()).unwrap_or_default();
            let source = Source { columns, names: &made.columns, ..own.source() };
            let again = trial(connection, table, &source, &rows)?;
            (rows, again)
        }
        _ => return Err(rusqlite::Error::QueryReturnedNoRows),
    };
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
