//! How the content of a virtual table comes back.
//!
//! An FTS5 index is made anew from rows, because D1 refuses writes to the tables behind it. Where that would not give
//! the same index (it keeps no rows, or not those its content table has now) the tables behind it are written as they
//! are, into database-extra.sql.

use rusqlite::Connection;

use super::repairs::Repairs;
use crate::database::digest::{self, Instances, TableDigest, instances, readable, with_temp};
use crate::database::schema::{Schema, Table, VirtualTable, parse_option};
use crate::database::script::is_known_module;
use crate::database::{quoted, quoted_text};

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
                Fill::Verbatim("the rows of its content table stand in another table")
            }
            fill => fill,
        })
    }

    /// The tables behind `table` whose rows are needed for that.
    pub fn needed<'t>(&self, table: &'t VirtualTable) -> Vec<&'t Table> {
        match self {
            Fill::Verbatim(_) => table.shadows.iter().collect(),
            Fill::Rows => table.shadow("_content").into_iter().collect(),
            Fill::Rebuild(_) | Fill::Partial(..) | Fill::Nothing | Fill::Unknown => Vec::new(),
        }
    }

    fn of(connection: &Connection, table: &VirtualTable) -> rusqlite::Result<Fill> {
        let (Some(made), true) = (&table.makes, is_known_module(&table.module)) else {
            return Ok(Fill::Unknown);
        };
        if table.shadows.is_empty() {
            return Ok(Fill::Nothing);
        }
        if table.module != "fts5" {
            return Ok(Fill::Verbatim("D1 has no such module"));
        }
        match table.option("content") {
            Some(content) if content.is_empty() => {
                Ok(Fill::Verbatim("a contentless index keeps no rows to insert again"))
            }
            Some(table_name) => {
                let rowid = table.option("content_rowid").unwrap_or_else(|| "rowid".into());
                external(
                    connection,
                    table,
                    Content { table: table_name, rowid, columns: made.columns.clone() },
                )
            }
            None if table.option("locale").is_some() => Ok(Fill::Verbatim("its values carry a locale")),
            None => Ok(Fill::Rows),
        }
    }
}

/// The settings of an FTS5 table as statements.
pub fn settings(connection: &Connection, table: &VirtualTable) -> rusqlite::Result<Vec<String>> {
    let Some(config) = table.shadow("_config").filter(|_| table.module == "fts5") else {
        return Ok(Vec::new());
    };
    let sql = format!(
        "SELECT quote(k), quote(v) FROM main.{} WHERE k <> 'version' ORDER BY k",
        quoted(&config.name)
    );
    let name = quoted(&table.name);
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map([], |row| {
        Ok(format!(
            "INSERT INTO {name} ({name}, rank) VALUES ({}, {})",
            row.get::<_, String>(0)?,
            row.get::<_, String>(1)?
        ))
    })?;
    rows.collect()
}

/// Whether an FTS5 table has a setting that is younger than the SQLite of D1: `insttoken` is of 3.51.
pub fn has_new_setting(connection: &Connection, table: &VirtualTable) -> rusqlite::Result<bool> {
    Ok(settings(connection, table)?.iter().any(|setting| setting.contains("VALUES ('insttoken', ")))
}

fn external(connection: &Connection, table: &VirtualTable, content: Content) -> rusqlite::Result<Fill> {
    const STALE: Fill = Fill::Verbatim("its content table has no longer what it was made from");
    let Ok(indexed) = indexed_rows(connection, table) else { return Ok(STALE) };
    let Ok(all) = content_rows(connection, &content) else { return Ok(STALE) };
    // Made once for trial, to see that it finds the same.
    let again = match trial(connection, table, &content.source(), &indexed) {
        Ok(again) => again,
        Err(rusqlite::Error::SqliteFailure(..) | rusqlite::Error::QueryReturnedNoRows) => return Ok(STALE),
        Err(error) => return Err(error),
    };
    match readable(instances(connection, "main", &table.name))? {
        Some(found) if found != again => Ok(STALE),
        // Where the index cannot be read, which rows it covers still can.
        _ if indexed == all => Ok(Fill::Rebuild(content)),
        _ => Ok(Fill::Partial(content, indexed)),
    }
}

/// The rows in the index. Without column sizes only those with a term are known, which finds the same.
fn indexed_rows(connection: &Connection, table: &VirtualTable) -> rusqlite::Result<Vec<i64>> {
    match table.shadow("_docsize") {
        Some(sizes) => {
            let sql = format!("SELECT id FROM main.{} ORDER BY id", quoted(&sizes.name));
            connection.prepare(&sql)?.query_map([], |row| row.get(0))?.collect()
        }
        None => with_temp(connection, || {
            let name = quoted_text(&table.name);
            connection.execute_batch(&format!(
                "CREATE VIRTUAL TABLE temp.backup_documents USING fts5vocab('main', {name}, 'instance')"
            ))?;
            let found = connection
                .prepare("SELECT DISTINCT doc FROM temp.backup_documents ORDER BY doc")
                .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect());
            connection.execute_batch("DROP TABLE temp.backup_documents")?;
            found
        }),
    }
}

fn content_rows(connection: &Connection, content: &Content) -> rusqlite::Result<Vec<i64>> {
    let rowid = quoted(&content.rowid);
    let sql = format!("SELECT {rowid} FROM main.{} ORDER BY {rowid}", quoted(&content.table));
    connection.prepare(&sql)?.query_map([], |row| row.get(0))?.collect()
}

/// Where the rows of an index are read.
struct Source<'a> {
    table: &'a str,
    rowid: &'a str,
    columns: &'a [String],
    /// What these columns are called in the index.
    names: &'a [String],
}

impl Content {
    fn source(&self) -> Source<'_> {
        Source { table: &self.table, rowid: &self.rowid, columns: &self.columns, names: &self.columns }
    }
}

/// What an index like `table`, made anew in `temp` from these rows, finds.
fn trial(
    connection: &Connection,
    table: &VirtualTable,
    source: &Source<'_>,
    indexed: &[i64],
) -> rusqlite::Result<Instances> {
    let kept = table.arguments.iter().filter(|argument| {
        !matches!(
            parse_option(argument),
            Some(("content" | "content_rowid" | "contentless_delete" | "contentless_unindexed", _))
        )
    });
    let arguments: Vec<&str> = kept.map(String::as_str).chain(["content=''"]).collect();
    with_temp(connection, || {
        connection.execute_batch(&format!(
            "CREATE VIRTUAL TABLE temp.backup_trial USING fts5({})",
            arguments.join(", ")
        ))?;
        let result = fill_trial(connection, source, indexed)
            .and_then(|()| instances(connection, "temp", "backup_trial"));
        connection.execute_batch("DROP TABLE temp.backup_trial")?;
        result
    })
}

fn fill_trial(connection: &Connection, source: &Source<'_>, indexed: &[i64]) -> rusqlite::Result<()> {
    let list = |names: &[String]| names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
    let rowid = quoted(source.rowid);
    let mut statement = connection.prepare(&format!(
        "INSERT INTO temp.backup_trial (rowid, {}) SELECT {rowid}, {} FROM main.{} WHERE {rowid} = ?1",
        list(source.names),
        list(source.columns),
        quoted(source.table)
    ))?;
    for rowid in indexed {
        if statement.execute([rowid])? != 1 {
            return Err(rusqlite::Error::QueryReturnedNoRows);
        }
    }
    Ok(())
}

/// The digest of a virtual table as it comes back. True with it when that is not as it is, because its index is damaged.
pub fn digest(
    connection: &Connection,
    table: &VirtualTable,
    fill: &Fill,
    utf16: bool,
) -> rusqlite::Result<(TableDigest, bool)> {
    if !matches!(fill, Fill::Rows | Fill::Rebuild(_) | Fill::Partial(..)) {
        return Ok((digest::virtual_table(connection, table, utf16)?, false));
    }
    let found = readable(instances(connection, "main", &table.name))?;
    if let Some(found) = found
        && (*fill != Fill::Rows || has_entries_for_its_rows(connection, table)?)
    {
        return Ok((digest::full_text(connection, table, found)?, false));
    }
    let (rows, again) = match (fill, table.shadow("_content"), &table.makes) {
        (Fill::Rebuild(content) | Fill::Partial(content, _), ..) => {
            let rows = indexed_rows(connection, table)?;
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
    Ok((digest, true))
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
    connection.query_row(&sql, [], |row| row.get(0))
}
