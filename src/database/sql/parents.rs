//! Which rows have no parent, found without any index of the source: for a database that has trouble already.

use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, Row, params_from_iter};

use super::foreign_keys::ForeignKey;
use super::substitutes;
use crate::database::schema::{Key, Schema, Table};
use crate::database::{placeholders, quoted, quoted_list};

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
    if key.from.len() != key.to.len() {
        return Ok(Vec::new());
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
    let kinds = affinities(connection, parent, &key.to)?.into_iter().zip(collations(parent, key)?);
    let columns: Vec<String> = kinds
        .enumerate()
        .map(|(at, (affinity, collation))| format!("k{at} {affinity} COLLATE {}", quoted(&collation)))
        .collect();
    workshop.execute_batch(&format!("BEGIN; CREATE TABLE parents({})", columns.join(", ")))?;
    let sql = format!("INSERT INTO parents VALUES ({})", placeholders(columns.len()));
    let mut insert = workshop.prepare(&sql)?;
    let sql = format!("SELECT {} FROM main.{} NOT INDEXED", quoted_list(&key.to), quoted(&parent.name));
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let values = (0..key.to.len()).map(|at| own(row, at)).collect::<rusqlite::Result<Vec<_>>>()?;
        insert.execute(params_from_iter(values))?;
    }
    drop(insert);
    let keys: Vec<String> = (0..columns.len()).map(|at| format!("k{at}")).collect();
    workshop.execute_batch(&format!("CREATE INDEX keys ON parents({}); COMMIT", keys.join(", ")))?;
    Ok(workshop)
}

/// The affinities of these columns of `table`.
pub fn affinities(
    connection: &Connection,
    table: &Table,
    columns: &[String],
) -> rusqlite::Result<Vec<&'static str>> {
    let sql =
        "SELECT c.type, t.strict FROM pragma_table_xinfo(?1, 'main') AS c JOIN pragma_table_list(?1) AS t
        WHERE lower(c.name) = lower(?2) AND t.schema = 'main'";
    let mut statement = connection.prepare(sql)?;
    let of_column = |column: &String| {
        statement.query_row([&table.name, column], |row| {
            Ok(substitutes::affinity(&row.get::<_, String>(0)?, row.get(1)?))
        })
    };
    columns.iter().map(of_column).collect()
}

/// The collating sequences of the columns of `parent` that `key` refers to: those of an index that names none itself.
fn collations(parent: &Table, key: &ForeignKey) -> rusqlite::Result<Vec<String>> {
    let workshop = Connection::open_in_memory()?;
    workshop.execute(&parent.sql, [])?;
    let sql = format!("CREATE INDEX backup_keys ON {} ({})", quoted(&parent.name), quoted_list(&key.to));
    workshop.execute(&sql, [])?;
    let sql = "SELECT coll FROM pragma_index_xinfo('backup_keys') WHERE key ORDER BY seqno";
    workshop.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::super::foreign_keys;
    use super::*;

    /// What SQLite finds with sound indexes is found without any.
    #[test]
    fn the_same_rows_are_missing_without_an_index() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "PRAGMA foreign_keys = OFF;
                 CREATE TABLE p(i INTEGER PRIMARY KEY, t TEXT UNIQUE, n NUMERIC UNIQUE, b UNIQUE, f REAL UNIQUE,
                     c TEXT COLLATE NOCASE UNIQUE, UNIQUE (c COLLATE BINARY), UNIQUE (t, n));
                 INSERT INTO p VALUES (1, '1', 1, 1, 1.0, 'a'), (2, '02', '02', '2', 2, 'B'), (3, 'x', 'x', x'33', 'x', 'c');
                 CREATE TABLE v(x, y); WITH e(z) AS (VALUES (1), (2), ('1'), ('02'), ('2'), ('x'), (x'33'), (2.0), ('1.0'),
                     ('A'), ('b'), ('C'), (NULL), (3), ('03'), ('c')) INSERT INTO v SELECT a.z, b.z FROM e AS a, e AS b;
                 CREATE TABLE two(x, y, FOREIGN KEY (x, y) REFERENCES p(t, n), FOREIGN KEY (x) REFERENCES gone(a));
                 CREATE TABLE keyed(x, y, PRIMARY KEY (x, y), FOREIGN KEY (y, x) REFERENCES p(n, t)) WITHOUT ROWID;
                 INSERT INTO two SELECT * FROM v; INSERT OR IGNORE INTO keyed SELECT * FROM v WHERE x NOT NULL AND y NOT NULL;",
            )
            .unwrap();
        for parent in ["i", "t", "n", "b", "f", "c"] {
            for kind in ["", "TEXT", "INTEGER", "REAL"] {
                let child = format!("{parent}_{kind}");
                let sql = format!(
                    "CREATE TABLE {child}(x {kind} REFERENCES p({parent})); INSERT INTO {child} SELECT x FROM v"
                );
                connection.execute_batch(&sql).unwrap();
            }
        }
        let schema = Schema::read(&connection).unwrap();
        let keys = foreign_keys::read(&connection, &schema).unwrap();
        for (child, keys) in schema.tables.iter().zip(&keys) {
            let found = keys.iter().map(|key| missing(&connection, &schema, child, key).unwrap());
            let mut found = found.collect::<Vec<_>>().concat();
            let sql = format!("PRAGMA foreign_key_check({})", child.name);
            let mut statement = connection.prepare(&sql).unwrap();
            let told = statement.query_map([], |row| row.get::<_, Option<i64>>("rowid")).unwrap();
            let mut told: Vec<Option<i64>> = told.collect::<rusqlite::Result<_>>().unwrap();
            found.sort_unstable();
            told.sort_unstable();
            assert_eq!(found, told, "{}", child.name);
        }
    }
}
