//! Full-text indexes made anew in a database of their own, to see what comes of it.
//!
//! Nothing is made in `temp`: where damage was met within a transaction, SQLite refuses that to its end.

use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, params_from_iter};

use crate::database::digest::{Instances, instances, is_damage};
use crate::database::quoted;
use crate::database::schema::{VirtualTable, parse_option};

/// Where the rows of an index are read.
pub struct Source<'a> {
    /// The table or view.
    pub table: &'a str,
    /// Its column of rowids.
    pub rowid: &'a str,
    /// Its columns that are indexed.
    pub columns: &'a [String],
    /// What these columns are called in the index.
    pub names: &'a [String],
}

/// The settings of an FTS5 table as statements: those that can be read and that FTS5 takes.
pub fn settings(connection: &Connection, table: &VirtualTable) -> rusqlite::Result<Vec<String>> {
    let Some(config) = table.shadow("_config").filter(|_| table.module == "fts5") else {
        return Ok(Vec::new());
    };
    let sql = format!(
        "SELECT quote(k), quote(v) FROM main.{} WHERE k <> 'version' ORDER BY k",
        quoted(&config.name)
    );
    let name = quoted(&table.name);
    let found: rusqlite::Result<Vec<String>> = connection.prepare(&sql).and_then(|mut settings| {
        let rows = settings.query_map([], |row| {
            Ok(format!(
                "INSERT INTO {name} ({name}, rank) VALUES ({}, {})",
                row.get::<_, String>(0)?,
                row.get::<_, String>(1)?
            ))
        })?;
        rows.collect()
    });
    let mut settings = match found {
        Err(error) if is_damage(&error) => return Ok(Vec::new()),
        settings => settings?,
    };
    if !settings.is_empty() {
        let workshop = Connection::open_in_memory()?;
        // No column of an FTS5 table has the table's own name.
        let column = if table.name.eq_ignore_ascii_case("a") { "b" } else { "a" };
        workshop.execute_batch(&format!("CREATE VIRTUAL TABLE {name} USING fts5({column})"))?;
        settings.retain(|setting| workshop.execute_batch(setting).is_ok());
    }
    Ok(settings)
}

/// What an index like `table`, made anew from these rows, finds.
pub fn trial(
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
    let workshop = Connection::open("")?;
    // Another name might be that of a column.
    let name = quoted(&table.name);
    workshop
        .execute_batch(&format!("BEGIN; CREATE VIRTUAL TABLE {name} USING fts5({})", arguments.join(", ")))?;
    fill(connection, &workshop, &name, source, indexed)?;
    instances(&workshop, &table.name)
}

fn fill(
    connection: &Connection,
    workshop: &Connection,
    index: &str,
    source: &Source<'_>,
    indexed: &[i64],
) -> rusqlite::Result<()> {
    let list = |names: &[String]| names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
    let rowid = quoted(source.rowid);
    let mut read = connection.prepare(&format!(
        "SELECT {rowid}, {} FROM main.{} WHERE {rowid} = ?1",
        list(source.columns),
        quoted(source.table)
    ))?;
    let places = vec!["?"; source.names.len() + 1].join(", ");
    let mut insert = workshop
        .prepare(&format!("INSERT INTO {index} (rowid, {}) VALUES ({places})", list(source.names)))?;
    for rowid in indexed {
        let mut rows = read.query([rowid])?;
        let Some(row) = rows.next()? else { return Err(rusqlite::Error::QueryReturnedNoRows) };
        let values = (0..=source.columns.len()).map(|at| row.get_ref(at).map(ToSqlOutput::Borrowed));
        insert.execute(params_from_iter(values.collect::<rusqlite::Result<Vec<_>>>()?))?;
        if rows.next()?.is_some() {
            return Err(rusqlite::Error::QueryReturnedNoRows);
        }
    }
    Ok(())
}
