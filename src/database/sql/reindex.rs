//! Full-text indexes made anew in a database of their own, to see what comes of it.
//!
//! Nothing is made in `temp`: where damage was met within a transaction, SQLite refuses that to its end.

use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, Row, Rows, params_from_iter};

use super::full_text::Content;
use crate::database::digest::{Instances, instances, is_damage};
use crate::database::schema::{VirtualTable, parse_option};
use crate::database::{placeholders, quoted, quoted_list};

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
pub fn remade(
    connection: &Connection,
    table: &VirtualTable,
    content: &Content,
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
    // Under its own name, for any other might be that of a column.
    workshop.execute_batch(&format!(
        "BEGIN; CREATE VIRTUAL TABLE {} USING fts5({})",
        quoted(&table.name),
        arguments.join(", ")
    ))?;
    fill(connection, &workshop, table, content, indexed)?;
    instances(&workshop, &table.name)
}

fn fill(
    connection: &Connection,
    workshop: &Connection,
    table: &VirtualTable,
    content: &Content,
    indexed: &[i64],
) -> rusqlite::Result<()> {
    let made = table.makes.as_ref().ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    let mut insert = workshop.prepare(&format!(
        "INSERT INTO {} (rowid, {}) VALUES ({})",
        quoted(&table.name),
        quoted_list(&made.columns),
        placeholders(1 + made.columns.len())
    ))?;
    let mut add = |row: &Row<'_>| {
        let values = (0..=content.columns.len()).map(|at| row.get_ref(at).map(ToSqlOutput::Borrowed));
        insert.execute(params_from_iter(values.collect::<rusqlite::Result<Vec<_>>>()?))
    };
    // A view is gone over once for all rows, and not for each.
    if content.is_view {
        let mut read =
            connection.prepare(&format!("{} ORDER BY {}", content.select(), content.rowid_term()))?;
        return each_once(read.query([])?, indexed, add);
    }
    let mut read =
        connection.prepare(&format!("{} WHERE {} = ?1", content.select(), content.rowid_term()))?;
    for rowid in indexed {
        let mut rows = read.query([rowid])?;
        let Some(row) = rows.next()? else { return Err(rusqlite::Error::QueryReturnedNoRows) };
        add(row)?;
        if rows.next()?.is_some() {
            return Err(rusqlite::Error::QueryReturnedNoRows);
        }
    }
    Ok(())
}

/// Adds the rows that are `wanted`, each of which has to be there, and once; both are in order.
fn each_once(
    mut rows: Rows<'_>,
    wanted: &[i64],
    mut add: impl FnMut(&Row<'_>) -> rusqlite::Result<usize>,
) -> rusqlite::Result<()> {
    let (mut wanted, mut last) = (wanted.iter().peekable(), None);
    while let Some(row) = rows.next()? {
        let rowid: i64 = row.get(0).map_err(|_| rusqlite::Error::QueryReturnedNoRows)?;
        if wanted.next_if_eq(&&rowid).is_some() {
            add(row)?;
            last = Some(rowid);
        } else if last == Some(rowid) {
            return Err(rusqlite::Error::QueryReturnedNoRows);
        }
    }
    match wanted.next() {
        None => Ok(()),
        Some(_) => Err(rusqlite::Error::QueryReturnedNoRows),
    }
}
