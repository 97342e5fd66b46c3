//! Which rows D1 would refuse for their foreign keys, and which rows point at a given one.

use rusqlite::{Connection, ErrorCode};

use super::parents;
use crate::database::quoted;
use crate::database::schema::{Schema, Table};
use crate::sqlite::trouble::is_corrupt;

/// One foreign key of a child table.
#[derive(Debug, Clone)]
pub struct ForeignKey {
    /// The parent in [`Schema::tables`]; None when no table of that name is there.
    pub parent: Option<usize>,
    /// The child's columns.
    pub from: Vec<String>,
    /// The parent's columns.
    pub to: Vec<String>,
}

/// A foreign key with both of its tables.
#[derive(Debug, Clone, Copy)]
pub struct Link<'a> {
    /// The table that is referred to.
    pub parent: &'a Table,
    /// The table that refers.
    pub child: &'a Table,
    /// How it does.
    pub key: &'a ForeignKey,
}

/// The affinities of two columns that are compared.
struct Affinities {
    parent: &'static str,
    child: &'static str,
}

/// What a check of one table found.
#[derive(Debug)]
pub enum Orphans {
    /// The rowids of rows whose parent is missing, once for each key that names none; none is the usual answer.
    Rows(Vec<i64>),
    /// So many such keys in rows of a table that has no rowid to name them by.
    Unnamed(u64),
    /// The key names columns that are no key of the parent: SQLite refuses every insert.
    Mismatch,
}

/// The foreign keys of every table, by its place in [`Schema::tables`].
pub fn read(connection: &Connection, schema: &Schema) -> rusqlite::Result<Vec<Vec<ForeignKey>>> {
    schema.tables.iter().map(|table| of_table(connection, schema, table)).collect()
}

fn of_table(connection: &Connection, schema: &Schema, table: &Table) -> rusqlite::Result<Vec<ForeignKey>> {
    let mut statement =
        connection.prepare(&format!("PRAGMA main.foreign_key_list({})", quoted(&table.name)))?;
    let mut rows = statement.query([])?;
    let mut keys: Vec<(i64, ForeignKey)> = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, name): (i64, String) = (row.get("id")?, row.get("table")?);
        if keys.last().is_none_or(|(last, _)| *last != id) {
            keys.push((id, ForeignKey { parent: schema.position(&name), from: Vec::new(), to: Vec::new() }));
        }
        if let Some((_, key)) = keys.last_mut() {
            key.from.push(row.get("from")?);
            key.to.extend(row.get::<_, Option<String>>("to")?);
        }
    }
    let mut keys: Vec<ForeignKey> = keys.into_iter().map(|(_, key)| key).collect();
    for key in keys.iter_mut().filter(|key| key.to.is_empty()) {
        if let Some(parent) = key.parent {
            key.to = primary_columns(connection, &schema.tables[parent])?;
        }
    }
    Ok(keys)
}

fn primary_columns(connection: &Connection, table: &Table) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT name FROM pragma_table_xinfo(?1, 'main') WHERE pk > 0 ORDER BY pk";
    connection.prepare(sql)?.query_map([&table.name], |row| row.get(0))?.collect()
}

/// Whether SQLite finds an orphan in `table`; None for [`Orphans::Mismatch`], which an empty table has, too.
pub fn check(connection: &Connection, table: &Table) -> rusqlite::Result<Option<bool>> {
    let sql = format!("PRAGMA main.foreign_key_check({})", quoted(&table.name));
    match connection.prepare(&sql).and_then(|mut check| check.exists([])) {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::Unknown) => Ok(None),
        found => found.map(Some),
    }
}

/// Rows of `child`, which has these `keys`, whose parent is missing.
pub fn orphans(
    connection: &Connection,
    schema: &Schema,
    child: &Table,
    keys: &[ForeignKey],
) -> rusqlite::Result<Orphans> {
    match check(connection, child) {
        Ok(None) => return Ok(Orphans::Mismatch),
        Ok(Some(false)) => return Ok(Orphans::Rows(Vec::new())),
        // SQLite looks for parents in an index, which may be damaged: then it fails, or misses parents that are there.
        Ok(Some(true)) => {}
        Err(error) if is_corrupt(&error) => {}
        Err(error) => return Err(error),
    }
    let missing = keys.iter().map(|key| parents::missing(connection, schema, child, key));
    let rows = missing.collect::<rusqlite::Result<Vec<_>>>()?.concat();
    let count = rows.len() as u64;
    match rows.into_iter().collect::<Option<Vec<i64>>>() {
        Some(rows) => Ok(Orphans::Rows(rows)),
        None => Ok(Orphans::Unnamed(count)),
    }
}

/// Rows of the child that the parent does not find when it comes after them; None when there are some and they cannot be
/// named.
///
/// SQLite compares in two ways. A row that comes looks for its parent with the affinity of the parent's column. A parent
/// that comes looks for the rows that wait for it by plain `=`, and a number in a column without affinity is no text.
pub fn unmet(connection: &Connection, link: Link<'_>) -> rusqlite::Result<Option<Vec<i64>>> {
    let Link { child, key, .. } = link;
    let numbers: Vec<String> = std::iter::zip(&key.from, affinities(connection, link)?)
        .filter(|(_, of)| of.parent == "TEXT" && of.child == "BLOB")
        .map(|(from, _)| format!("typeof(c.{}) IN ('integer', 'real')", quoted(from)))
        .collect();
    if numbers.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let from = format!("FROM main.{} AS c NOT INDEXED WHERE {}", quoted(&child.name), numbers.join(" OR "));
    named(connection, child, &from)
}

/// The affinities of both ends of a key, column by column.
fn affinities(
    connection: &Connection,
    Link { parent, child, key }: Link<'_>,
) -> rusqlite::Result<Vec<Affinities>> {
    let of_parent = parents::affinities(connection, parent, &key.to)?;
    let of_child = parents::affinities(connection, child, &key.from)?;
    Ok(std::iter::zip(of_parent, of_child).map(|(parent, child)| Affinities { parent, child }).collect())
}

/// Rows of the child that point at one of the rows `rowids` of the parent; None when there are some and they cannot be
/// named.
pub fn children(
    connection: &Connection,
    link: Link<'_>,
    rowids: &[i64],
) -> rusqlite::Result<Option<Vec<i64>>> {
    let Link { parent, child, key } = link;
    let Some(parent_rowid) = parent.rowid() else { return Ok(None) };
    if key.from.len() != key.to.len() {
        return Ok(Some(Vec::new()));
    }
    // The parent's side comes first: its collating sequence decides. So does its affinity, if the child's side has none
    // of its own; only a text needs that, and the plus keeps SQLite from using an index.
    let affinities = affinities(connection, link)?;
    let pairs: Vec<String> = std::iter::zip(&key.to, &key.from)
        .zip(affinities)
        .map(|((to, from), of)| {
            let plus = if of.parent == "TEXT" && of.child != "TEXT" { "+" } else { "" };
            format!("p.{} = {plus}c.{}", quoted(to), quoted(from))
        })
        .collect();
    let rowids = rowids.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
    let from = |indexed: &str| {
        format!(
            "FROM main.{} AS p JOIN main.{} AS c{indexed} ON {} WHERE p.{parent_rowid} IN ({rowids})",
            quoted(&parent.name),
            quoted(&child.name),
            pairs.join(" AND "),
        )
    };
    match named(connection, child, &from("")) {
        Err(error) if is_corrupt(&error) => named(connection, child, &from(" NOT INDEXED")),
        found => found,
    }
}

/// The rowids of the rows of `child`, as `c`, that `from` gives; None when there are some and they have none.
fn named(connection: &Connection, child: &Table, from: &str) -> rusqlite::Result<Option<Vec<i64>>> {
    match child.rowid() {
        Some(child_rowid) => {
            let mut statement = connection.prepare(&format!("SELECT c.{child_rowid} {from}"))?;
            let rows = statement.query_map([], |row| row.get(0))?;
            rows.collect::<rusqlite::Result<Vec<i64>>>().map(Some)
        }
        None => {
            let found = connection.prepare(&format!("SELECT 1 {from} LIMIT 1"))?.exists([])?;
            Ok(if found { None } else { Some(Vec::new()) })
        }
    }
}
