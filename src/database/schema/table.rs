//! A table: its columns, and what tells its rows apart.

use rusqlite::Connection;

use super::key::{Key, primary_terms, rowid_key};
use super::{Object, lossy};
use crate::database::lexer::tokens;
use crate::database::quoted;

/// A table whose rows are stored.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its CREATE text.
    pub sql: String,
    /// Names of the columns that are stored and can be written, in order: generated ones are not among them.
    pub columns: Vec<String>,
    /// Names of the generated columns that are stored.
    pub generated: Vec<String>,
    /// Whether there are generated columns, stored or not.
    pub has_generated: bool,
    /// What tells its rows apart.
    pub key: Key,
    /// Whether SQLite in defensive mode refuses to write it because its name looks like that of a shadow table, which it
    /// is not.
    pub reserved: bool,
}

impl Table {
    /// Reads the table that `object` makes.
    pub(super) fn read(
        connection: &Connection,
        object: Object,
        without_rowid: bool,
    ) -> rusqlite::Result<Table> {
        let sql = format!("PRAGMA main.table_xinfo({})", quoted(&object.name));
        let mut statement = connection.prepare(&sql)?;
        let all: Vec<Column> = statement
            .query_map([], |row| {
                Ok(Column {
                    name: row.get("name")?,
                    kind: lossy(row, 2)?.into_owned(),
                    pk: row.get("pk")?,
                    hidden: row.get("hidden")?,
                })
            })?
            .collect::<rusqlite::Result<_>>()?;
        let stored: Vec<&Column> = all.iter().filter(|column| column.hidden == 0).collect();
        let key = if without_rowid {
            Key::Primary(primary_terms(connection, &object.name, &object.sql)?)
        } else {
            rowid_key(connection, &object.name, &all, &stored)?
        };
        Ok(Table {
            columns: stored.iter().map(|column| column.name.clone()).collect(),
            generated: all
                .iter()
                .filter(|column| column.hidden == 3)
                .map(|column| column.name.clone())
                .collect(),
            has_generated: stored.len() < all.len(),
            key,
            reserved: false,
            name: object.name,
            sql: object.sql,
        })
    }

    /// What a statement names to have all that is stored of a row, as SQL writes it: the rowid where it is no column,
    /// then the columns.
    pub fn names(&self) -> Vec<String> {
        let columns = self.columns.iter().map(|name| quoted(name));
        self.key.alias().map(str::to_owned).into_iter().chain(columns).collect()
    }

    /// Whether a row has a CHECK to pass. A column of that name counts as one.
    pub fn has_check(&self) -> bool {
        tokens(&self.sql).any(|token| token.is_word("CHECK"))
    }

    /// Whether `sqlite_sequence` counts its rowids. A column of that name counts as well.
    pub fn is_autoincrement(&self) -> bool {
        tokens(&self.sql).any(|token| token.is_word("AUTOINCREMENT"))
    }

    /// How a query names the rowid; None where it cannot.
    pub fn rowid(&self) -> Option<String> {
        match &self.key {
            Key::Rowid(alias) => Some((*alias).to_owned()),
            Key::Column(index) => self.columns.get(*index).map(|name| quoted(name)),
            Key::Hidden | Key::Primary(_) => None,
        }
    }
}

/// A column, as `PRAGMA table_xinfo` tells of it.
pub(super) struct Column {
    pub(super) name: String,
    /// Its declared type.
    pub(super) kind: String,
    /// Its place in the primary key, from 1 on; 0 if it is not part of it.
    pub(super) pk: i64,
    /// 0 for an ordinary column, 2 for a virtual generated one, 3 for one that is stored.
    hidden: i64,
}
