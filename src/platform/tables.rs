//! Finding tables and columns in a database of any schema.

use rusqlite::{Connection, OptionalExtension, Result};

use crate::database::quoted;

/// A table that is there, and the columns it has.
#[derive(Debug)]
pub(super) struct Table {
    name: String,
    columns: Vec<String>,
    without_rowid: bool,
}

impl Table {
    /// The ordinary table of that name in any case, as SQLite compares names.
    pub(super) fn find(conn: &Connection, name: &str) -> Result<Option<Table>> {
        // A virtual table has no root page; a view or a virtual table could run anything when it is read.
        let sql = "SELECT name FROM main.sqlite_schema \
                   WHERE type = 'table' AND rootpage > 0 AND name = ?1 COLLATE NOCASE";
        let found = conn.query_row(sql, [name], |row| row.get::<_, String>(0)).optional()?;
        let Some(name) = found else { return Ok(None) };
        let mut columns = Vec::new();
        // table_xinfo, not table_info: it tells of generated columns too.
        conn.pragma(None, "table_xinfo", &name, |row| {
            // A name that is not Unicode is none of the platform's.
            columns.extend(row.get_ref("name")?.as_str().ok().map(str::to_owned));
            Ok(())
        })?;
        let sql = "SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?1";
        let without_rowid = conn.query_row(sql, [&name], |row| row.get(0))?;
        Ok(Some(Table { name, columns, without_rowid }))
    }

    /// A name for the rowid that no column hides; none in a table without rowids.
    pub(super) fn rowid(&self) -> Option<&'static str> {
        let hidden = |alias: &str| self.columns.iter().any(|column| column.eq_ignore_ascii_case(alias));
        ["rowid", "_rowid_", "oid"].into_iter().find(|alias| !self.without_rowid && !hidden(alias))
    }

    /// Every column, as its name is written.
    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The table's name, quoted for SQL.
    pub(super) fn quoted(&self) -> String {
        quoted(&self.name)
    }

    /// The column's name in any case, quoted for SQL, when there is one.
    pub(super) fn column(&self, name: &str) -> Option<String> {
        self.columns.iter().find(|column| column.eq_ignore_ascii_case(name)).map(|column| quoted(column))
    }

    /// The column, or NULL when there is none.
    pub(super) fn column_or_null(&self, name: &str) -> String {
        self.column(name).unwrap_or_else(|| "NULL".into())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn names_are_found_in_any_case_and_quoted() {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(r#"CREATE TABLE "ArtWork" ("a""b" TEXT, Status AS (1), "from" INTEGER)"#).unwrap();
        let table = Table::find(&conn, "artwork").unwrap().unwrap();
        assert_eq!(table.quoted(), r#""ArtWork""#);
        assert_eq!(table.column("A\"B").as_deref(), Some(r#""a""b""#));
        assert_eq!(table.column("status").as_deref(), Some(r#""Status""#));
        assert_eq!(table.column_or_null("photos"), "NULL");
    }

    #[test]
    fn only_ordinary_tables_count() {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(
            "CREATE VIEW artwork AS SELECT 1 AS id; CREATE VIRTUAL TABLE artists USING fts5(name)",
        )
        .unwrap();
        assert!(Table::find(&conn, "artwork").unwrap().is_none());
        assert!(Table::find(&conn, "artists").unwrap().is_none());
        assert!(Table::find(&conn, "missing").unwrap().is_none());
    }
}
