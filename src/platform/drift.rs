//! Where a database has tables or columns that nobody has decided on.

use rusqlite::{Connection, Result};

use super::fields::tables::{CONTENT, ContentTable, Decision, content, private_table};
use super::tables::Table;
use crate::database::schema::is_internal;

/// How a schema differs from what is known, and what of the known is kept in.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Drift {
    /// Columns without a decision, as `table.column`, sorted.
    pub unknown: Vec<String>,
    /// Known tables that are here and are never read for output, sorted.
    pub private_tables: Vec<&'static str>,
    /// Names of known columns of content tables that are here and published of no table, sorted.
    pub withheld: Vec<&'static str>,
    /// Names of columns of content tables that are here and published, unless the operator keeps them in; sorted.
    pub published: Vec<&'static str>,
}

impl Drift {
    /// Looks at every table of `main`.
    pub fn read(conn: &Connection) -> Result<Drift> {
        let mut drift = Drift::default();
        let mut statement = conn.prepare("SELECT name FROM main.sqlite_schema WHERE type = 'table'")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            // A name that is not Unicode is none of the platform's, and could not be written down either.
            let Ok(name) = row.get_ref(0)?.as_str() else { continue };
            // Statistics and D1's own tables have no columns of anybody's making.
            if !is_internal(name) {
                drift.add(name, &columns(conn, name)?);
            }
        }
        drift.unknown.sort_unstable();
        drift.private_tables.sort_unstable();
        drift.withheld.sort_unstable();
        drift.withheld.dedup();
        drift.published.sort_unstable();
        drift.published.dedup();
        Ok(drift)
    }

    fn add(&mut self, name: &str, columns: &[String]) {
        let (content, private) = (content(name), private_table(name));
        self.private_tables.extend(private.map(|table| table.name));
        for column in columns {
            let is_known = match (content, private) {
                (Some(table), _) => self.add_content(table, column),
                (None, Some(table)) => table.columns.iter().any(|known| known.eq_ignore_ascii_case(column)),
                (None, None) => false,
            };
            if !is_known {
                self.unknown.push(format!("{name}.{column}"));
            }
        }
    }

    /// Notes what becomes of a column of a content table; false when nobody has decided on it.
    fn add_content(&mut self, table: &'static ContentTable, column: &str) -> bool {
        let mut columns = table.columns.iter();
        match columns.find(|(known, _)| known.eq_ignore_ascii_case(column)) {
            Some((name, Decision::Withheld(_))) => {
                self.withheld.extend((!is_published(name)).then_some(*name))
            }
            Some((name, Decision::Published(_))) => self.published.push(name),
            None => return false,
        }
        true
    }
}

fn is_published(column: &str) -> bool {
    CONTENT.iter().any(|table| matches!(table.decision(column), Some(Decision::Published(_))))
}

fn columns(conn: &Connection, name: &str) -> Result<Vec<String>> {
    if let Some(table) = Table::find(conn, name)? {
        return Ok(table.columns().to_vec());
    }
    // A virtual table: what its module says of it.
    let mut columns = Vec::new();
    let listed = conn.pragma(None, "table_xinfo", name, |row| {
        columns.extend(row.get_ref("name")?.as_str().ok().map(str::to_owned));
        Ok(())
    });
    // A module that is not there has columns nobody can know.
    Ok(if listed.is_ok() { columns } else { Vec::new() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn what_nobody_decided_on_is_named() {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(
            "CREATE TABLE Artwork (ID TEXT, Title TEXT, created_by TEXT, diary TEXT);
             CREATE TABLE users (uuid TEXT, email TEXT, shoe_size TEXT); CREATE TABLE letters (body TEXT);
             CREATE VIRTUAL TABLE found USING fts5(words); CREATE TABLE d1_migrations (id, name, applied_at)",
        )
        .unwrap();
        let drift = Drift::read(&conn).unwrap();
        for unknown in ["Artwork.diary", "letters.body", "users.shoe_size", "found.words"] {
            assert!(drift.unknown.iter().any(|name| name == unknown), "{unknown}: {:?}", drift.unknown);
        }
        assert!(!drift.unknown.iter().any(|name| name.starts_with("d1_") || name.contains("Title")));
        assert_eq!(drift.private_tables, ["d1_migrations", "users"]);
        assert_eq!(drift.withheld, ["created_by"]);
        assert_eq!(drift.published, ["id", "title"]);
    }

    #[test]
    fn every_column_of_every_schema_of_the_platform_is_decided_on() {
        for (generation, schema) in [
            ("the first", include_str!("../../__test__/fixtures/first-generation.sql")),
            ("the newest", include_str!("../../__test__/fixtures/newest-generation.sql")),
            ("in between", include_str!("../../__test__/fixtures/between.sql")),
        ] {
            let conn = Connection::open_in_memory().unwrap();
            conn.execute_batch(schema).unwrap();
            let drift = Drift::read(&conn).unwrap();
            assert_eq!(drift.unknown, Vec::<String>::new(), "{generation}");
            assert!(!drift.withheld.is_empty());
        }
    }
}
