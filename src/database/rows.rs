//! The rows of a table, each once, in the order that a reloaded table gives them again.

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use smallvec::SmallVec;

use super::quoted;
use super::schema::{Key, Schema, Table};

mod marks;

/// The collating sequence that [`prepare`] installs: bytes of UTF-8, whatever the database stores.
const UTF8_BINARY: &str = "utf8_binary";

/// Makes a connection able to read the rows of a UTF-16 database in UTF-8 order.
pub fn prepare(connection: &Connection, schema: &Schema) -> rusqlite::Result<()> {
    if schema.utf16 {
        connection.create_collation(UTF8_BINARY, |a: &str, b: &str| a.cmp(b))?;
    }
    Ok(())
}

/// Calls `each` with the rowid, where the table has one that can be named, and the values of
/// [`Table::columns`] of every row that `condition` takes (empty: all).
///
/// The rows come from the table itself, never from an index, so that a broken index hides none.
pub fn scan<E: From<rusqlite::Error>>(
    connection: &Connection,
    table: &Table,
    utf16: bool,
    condition: &str,
    mut each: impl FnMut(Option<i64>, &[ValueRef<'_>]) -> Result<(), E>,
) -> Result<(), E> {
    let mut statement = connection.prepare(&select(table, utf16, condition))?;
    let first = usize::from(table.key.alias().is_some());
    let columns = first..first + table.columns.len();
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let rowid = match &table.key {
            Key::Rowid(_) => Some(row.get(0)?),
            Key::Column(index) => Some(row.get(*index)?),
            Key::Hidden | Key::Primary(_) => None,
        };
        let misread = match rowid {
            Some(rowid) if utf16 => marks::misread(connection, table, rowid, row, first)?,
            _ => Vec::new(),
        };
        let mut values: Values<'_> =
            columns.clone().map(|index| row.get_ref(index)).collect::<rusqlite::Result<_>>()?;
        for (index, text) in &misread {
            values[*index] = ValueRef::Text(text.as_bytes());
        }
        each(rowid, &values)?;
    }
    Ok(())
}

/// Most tables have fewer columns: their rows are read without an allocation.
type Values<'a> = SmallVec<[ValueRef<'a>; 32]>;

fn select(table: &Table, utf16: bool, condition: &str) -> String {
    let condition = if condition.is_empty() { String::new() } else { format!(" WHERE {condition}") };
    format!(
        "SELECT {} FROM main.{} NOT INDEXED{condition}{}",
        table.names().join(", "),
        quoted(&table.name),
        order(table, utf16)
    )
}

/// A scan is in key order as it is, if no index gives it: of a table WITHOUT ROWID, SQLite reads one that holds all
/// columns, whatever NOT INDEXED says, unless the order keeps it from that. Only a primary key of UTF-16 text has to be
/// sorted, because the reloaded database keeps it as UTF-8 and BINARY compares bytes.
fn order(table: &Table, utf16: bool) -> String {
    match (&table.key, table.rowid()) {
        (_, Some(rowid)) => format!(" ORDER BY {rowid}"),
        (Key::Primary(terms), None) => {
            let terms: Vec<String> = terms
                .iter()
                .map(|term| {
                    let is_binary = term.collation.eq_ignore_ascii_case("BINARY");
                    let collation = if utf16 && is_binary { UTF8_BINARY } else { &*term.collation };
                    term.written(&quoted(&term.column), collation)
                })
                .collect();
            format!(" ORDER BY {}", terms.join(", "))
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn texts(connection: &Connection) -> Vec<String> {
        let schema = Schema::read(connection).unwrap();
        prepare(connection, &schema).unwrap();
        let mut found = Vec::new();
        scan::<rusqlite::Error>(connection, &schema.tables[0], schema.utf16, "", |_, values| {
            found.push(values[0].as_str().unwrap().to_owned());
            Ok(())
        })
        .unwrap();
        found
    }

    #[test]
    fn utf16_keys_come_in_utf8_order() {
        let sql = "CREATE TABLE t(k TEXT PRIMARY KEY) WITHOUT ROWID;
                   INSERT INTO t VALUES ('a'), ('\u{100}'), ('\u{ff5e}'), ('\u{1f600}'), ('b');";
        let utf8 = Connection::open_in_memory().unwrap();
        utf8.execute_batch(sql).unwrap();
        let utf16 = Connection::open_in_memory().unwrap();
        utf16.execute_batch(&format!("PRAGMA encoding = 'UTF-16le'; {sql}")).unwrap();
        assert_eq!(texts(&utf8), texts(&utf16));
    }

    #[test]
    fn a_long_text_keeps_what_looks_like_a_byte_order_mark() {
        for encoding in ["UTF-16le", "UTF-16be"] {
            for start in ["", "\u{feff}", "\u{fffe}"] {
                for length in [10, 1999, 2000, 5000] {
                    let text = format!("{start}{}", "é".repeat(length));
                    let connection = Connection::open_in_memory().unwrap();
                    let sql =
                        format!("PRAGMA encoding = '{encoding}'; PRAGMA page_size = 512; CREATE TABLE t(a)");
                    connection.execute_batch(&sql).unwrap();
                    connection.execute("INSERT INTO t VALUES (?1)", [&text]).unwrap();
                    assert_eq!(texts(&connection), [text], "{encoding} {length}");
                }
            }
        }
    }

    #[test]
    fn no_index_gives_the_rows_of_a_table_without_rowid() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE t(k TEXT COLLATE NOCASE, v, PRIMARY KEY (k DESC)) WITHOUT ROWID; CREATE INDEX i ON t(v);
                 INSERT INTO t VALUES ('a', 3), ('C', 2), ('b', 1)",
            )
            .unwrap();
        assert_eq!(texts(&connection), ["C", "b", "a"]);
        let table = &Schema::read(&connection).unwrap().tables[0];
        let sql = format!("EXPLAIN QUERY PLAN {}", select(table, false, ""));
        let plan: String = connection.query_row(&sql, [], |row| row.get("detail")).unwrap();
        assert_eq!(plan, "SCAN main.t");
    }

    #[test]
    fn a_broken_index_hides_no_row() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE t(a TEXT); CREATE INDEX i ON t(a); INSERT INTO t VALUES ('x'), ('y');
                 PRAGMA writable_schema = ON; CREATE TABLE empty(a); CREATE INDEX e ON empty(a);
                 UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'e') WHERE name = 'i';
                 PRAGMA writable_schema = RESET;",
            )
            .unwrap();
        assert_eq!(texts(&connection), ["x", "y"]);
    }
}
