//! Columns that columns of identifiers refer to: a table of accounts is one whatever it is called.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, Result};

use super::{Naming, has_public_ids};

/// Columns that foreign keys of columns with identifiers lead to, by their table; all names in lower case.
#[derive(Debug, Default)]
pub(super) struct Referred(HashMap<String, HashSet<String>>);

impl Referred {
    /// Looks at the foreign keys of all ordinary tables.
    pub(super) fn read(conn: &Connection) -> Result<Referred> {
        let sql = r#"SELECT key."from", key."table", key."to", key.seq + 1
                     FROM main.sqlite_schema AS s JOIN pragma_foreign_key_list(s.name, 'main') AS key
                     WHERE s.type = 'table' AND s.rootpage > 0"#;
        let mut referred = Referred::default();
        // Places in primary keys, each table looked at once: a hostile schema may refer to one again and again.
        let mut places: HashMap<String, HashSet<i64>> = HashMap::new();
        let mut statement = conn.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            // A name that is not Unicode is none of the platform's.
            let (Ok(from), Ok(table)) = (row.get_ref(0)?.as_str(), row.get_ref(1)?.as_str()) else {
                continue;
            };
            if Naming::of(from).is_named != Some(true) || has_public_ids(table) {
                continue;
            }
            match row.get_ref(2)?.as_str_or_null() {
                Ok(Some(column)) => referred.add(table, column),
                // A key that names no column leads to the primary key.
                Ok(None) => {
                    places.entry(table.to_ascii_lowercase()).or_default().insert(row.get(3)?);
                }
                Err(_) => {}
            }
        }
        for (table, places) in &places {
            referred.add_of_primary_key(conn, table, places)?;
        }
        Ok(referred)
    }

    /// Whether a column is one of them, in any case.
    pub(super) fn has(&self, table: &str, column: &str) -> bool {
        let columns = self.0.get(&table.to_ascii_lowercase());
        columns.is_some_and(|columns| columns.contains(&column.to_ascii_lowercase()))
    }

    fn add(&mut self, table: &str, column: &str) {
        self.0.entry(table.to_ascii_lowercase()).or_default().insert(column.to_ascii_lowercase());
    }

    /// Adds the columns of a table, which may not be there, that have these places in its primary key, from 1 on.
    fn add_of_primary_key(&mut self, conn: &Connection, table: &str, places: &HashSet<i64>) -> Result<()> {
        let sql = "SELECT name, pk FROM pragma_table_info(?1, 'main') WHERE pk > 0";
        let mut statement = conn.prepare_cached(sql)?;
        let mut rows = statement.query([table])?;
        while let Some(row) = rows.next()? {
            if let Ok(column) = row.get_ref(0)?.as_str()
                && places.contains(&row.get(1)?)
            {
                self.add(table, column);
            }
        }
        Ok(())
    }
}
