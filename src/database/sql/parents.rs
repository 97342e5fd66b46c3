//! Which rows have no parent, found without any index of the source: for a database that has trouble already.

use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, Row, params_from_iter};

use super::foreign_keys::ForeignKey;
use super::substitutes;
use crate::database::quoted;
use crate::database::schema::{Key, Schema, Table};

/// The rows of `child` whose parent by this `key` is missing, by rowid; None of a row that has none to name it by.
pub fn missing(
    connection: &Connection,
    schema: &Schema,
    child: &Table,
    key: &ForeignKey,
) -> rusqlite::Result<Vec<Option<i64>>> {
    let Some(parent) = key.parent.map(|parent| &schema.tables[parent]) else {
        return rows(connection, child, key, |_| Ok(true));
    };
    if let Key::Column(index) = parent.key
        && let [column] = &key.to[..]
        && column.eq_ignore_ascii_case(&parent.columns[index])
    {
        let sql = format!("SELECT 1 FROM main.{} WHERE {} = ?1", quoted(&parent.name), quoted(column));
        let mut found = connection.prepare(&sql)?;
        return rows(connection, child, key, |row| Ok(!found.exists([own(row, 1)?])?));
    }
    let parents = parents(connection, parent, key)?;
    let pairs: Vec<String> = (0..key.to.len()).map(|at| format!("k{at} = ?{}", at + 1)).collect();
    let sql = format!("SELECT 1 FROM parents WHERE {}", pairs.join(" AND "));
    let mut found = parents.prepare(&sql)?;
    rows(connection, child, key, |row| {
        let values = (1..=key.from.len()).map(|at| own(row, at)).collect::<rusqlite::Result<Vec<_>>>()?;
        Ok(!found.exists(params_from_iter(values))?)
    })
}

/// The rows of `child` in which no column of `key` is NULL and that `take` takes. It is given these columns from the
/// second place on.
fn rows(
    connection: &Connection,
    child: &Table,
    key: &ForeignKey,
    mut take: impl FnMut(&Row<'_>) -> rusqlite::Result<bool>,
) -> rusqlite::Result<Vec<Option<i64>>> {
    let rowid = child.rowid().unwrap_or_else(|| "NULL".into());
    let columns: Vec<String> = key.from.iter().map(|from| quoted(from)).collect();
    let mut statement = connection.prepare(&format!(
        "SELECT {rowid}, {} FROM main.{} NOT INDEXED WHERE {} NOT NULL",
        columns.join(", "),
        quoted(&child.name),
        columns.join(" NOT NULL AND ")
    ))?;
    let mut rows = statement.query([])?;
    let mut taken = Vec::new();
    while let Some(row) = rows.next()? {
        if take(row)? {
            taken.push(row.get(0)?);
        }
    }
    Ok(taken)
}

fn own<'r>(row: &'r Row<'_>, at: usize) -> rusqlite::Result<ToSqlOutput<'r>> {
    row.get_ref(at).map(ToSqlOutput::Borrowed)
}

/// What `key` refers to, in a database of its own. It compares as SQLite does where it follows a key: affinity and
/// collating sequence are those of the parent. Nothing is made in `temp`: where damage was met within a transaction,
/// SQLite refuses that to its end.
fn parents(connection: &Connection, parent: &Table, key: &ForeignKey) -> rusqlite::Result<Connection> {
    let workshop = Connection::open("")?;
    let columns = key.to.iter().enumerate().map(|(at, column)| {
        let (affinity, collation) = declared(connection, parent, key, column)?;
        Ok(format!("k{at} {affinity} COLLATE {collation}"))
    });
    let columns: Vec<String> = columns.collect::<rusqlite::Result<_>>()?;
    workshop.execute_batch(&format!("BEGIN; CREATE TABLE parents({})", columns.join(", ")))?;
    let places = vec!["?"; columns.len()].join(", ");
    let mut insert = workshop.prepare(&format!("INSERT INTO parents VALUES ({places})"))?;
    let names: Vec<String> = key.to.iter().map(|name| quoted(name)).collect();
    let sql = format!("SELECT {} FROM main.{} NOT INDEXED", names.join(", "), quoted(&parent.name));
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let values = (0..names.len()).map(|at| own(row, at)).collect::<rusqlite::Result<Vec<_>>>()?;
        insert.execute(params_from_iter(values))?;
    }
    drop(insert);
    let keys: Vec<String> = (0..columns.len()).map(|at| format!("k{at}")).collect();
    workshop.execute_batch(&format!("CREATE INDEX keys ON parents({}); COMMIT", keys.join(", ")))?;
    Ok(workshop)
}

/// The affinity of a column of `parent` that `key` refers to, and its collating sequence, which is that of the index
/// that makes it a key.
fn declared(
    connection: &Connection,
    parent: &Table,
    key: &ForeignKey,
    column: &str,
) -> rusqlite::Result<(&'static str, String)> {
    let sql = "SELECT c.type, t.strict, (SELECT x.coll FROM pragma_index_list(?1, 'main') AS i
            JOIN pragma_index_xinfo(i.name, 'main') AS x
            WHERE i.\"unique\" AND NOT i.partial AND x.key AND lower(x.name) = lower(?2)
            AND (SELECT count(*) FROM pragma_index_xinfo(i.name, 'main') WHERE key) = ?3)
        FROM pragma_table_xinfo(?1, 'main') AS c JOIN pragma_table_list(?1) AS t
        WHERE lower(c.name) = lower(?2) AND t.schema = 'main'";
    connection.query_row(sql, (&parent.name, column, key.to.len() as i64), |row| {
        let (kind, strict, collation): (String, bool, Option<String>) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        let collation = collation.unwrap_or_else(|| "BINARY".into());
        Ok((substitutes::affinity(&kind, strict), quoted(&collation)))
    })
}
