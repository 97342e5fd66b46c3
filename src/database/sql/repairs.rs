//! What has to be done differently for a database that breaks its own rules.
//!
//! SQLite lets that happen: checks can be switched off, a damaged index lets a duplicate in. Such rows cannot be
//! inserted again as they stand, and a database that is slightly damaged is the one that most needs a backup.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::{Connection, OptionalExtension};

use super::grown;
use crate::database::quoted_text;
use crate::database::schema::Schema;
use crate::job::Warning;

/// How many findings of `integrity_check` are looked at.
const FINDINGS: u32 = 100_000;

/// What a second attempt does differently. The default is nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repairs {
    /// Tables with rows that break a CHECK: checks are off while rows are inserted.
    pub checks: BTreeSet<String>,
    /// Tables with rows that break NOT NULL, UNIQUE or a STRICT type: all their rows go to a table without rules.
    pub rules: BTreeSet<String>,
    /// Tables with damaged pages, whose rows may be missing, twice or out of order: all that can be read goes to a table
    /// without rules.
    pub torn: BTreeSet<String>,
    /// Tables with a generated column that makes more of a row than a script may: the same.
    pub grown: BTreeSet<String>,
    /// Unique indexes that duplicates keep from being made: they are left out.
    pub indexes: BTreeSet<String>,
}

impl Repairs {
    /// Whether the database needs none.
    pub fn is_none(&self) -> bool {
        *self == Repairs::default()
    }

    /// Finds out what the database behind `source` needs, from a private copy of it at `copy`, which is new and is
    /// left to the caller: SQLite drops every CHECK of a database that it opens read-only.
    pub fn find(source: &Connection, copy: &Path) -> rusqlite::Result<Repairs> {
        let mut connection = Connection::open(copy)?;
        Backup::new(source, &mut connection)?.run_to_completion(i32::MAX, Duration::ZERO, None)?;
        let connection = &connection;
        let schema = Schema::read(connection)?;
        let mut repairs = Repairs { grown: grown::tables(connection, &schema)?, ..Repairs::default() };
        for finding in findings(connection, &schema)? {
            repairs.heed(connection, &schema, &finding)?;
        }
        Ok(repairs)
    }

    /// What the operator should know.
    pub fn warnings(&self) -> Vec<Warning> {
        let about = |names: &BTreeSet<String>, code: &str, message: &str| {
            names.iter().map(|name| Warning::about(code, name, message)).collect::<Vec<_>>()
        };
        let mut warnings = about(
            &self.checks,
            "CHECK_BROKEN",
            "rows of this table break its CHECK; they are kept, and checks are off while they are loaded",
        );
        warnings.extend(about(
            &self.rules,
            "RULES_BROKEN",
            "rows of this table break its own rules; all its rows are kept in a table without rules, in database-extra.sql",
        ));
        warnings.extend(about(
            &self.torn,
            "TABLE_DAMAGED",
            "pages of this table are damaged, so rows of it may be missing or there twice; all that can be read is kept in a table without rules, in database-extra.sql",
        ));
        warnings.extend(about(
            &self.grown,
            "VALUE_GROWN",
            "a generated column of this table makes a value of more than 16 MiB, far more than a script of this size may; all its rows are kept in a table without rules, in database-extra.sql",
        ));
        warnings.extend(about(
            &self.indexes,
            "INDEX_LEFT_OUT",
            "duplicates keep this unique index from being made; its text is kept as a comment in database-extra.sql",
        ));
        warnings
    }

    fn heed(&mut self, connection: &Connection, schema: &Schema, finding: &str) -> rusqlite::Result<()> {
        for line in finding.lines() {
            self.torn.extend(torn(connection, line)?);
        }
        if let Some(table) = finding.strip_prefix("CHECK constraint failed in ") {
            self.checks.insert(table.to_owned());
        } else if let Some(index) = finding.strip_prefix("non-unique entry in index ") {
            if schema.indexes.iter().any(|found| found.name == index) {
                self.indexes.insert(index.to_owned());
            } else {
                let sql = "SELECT tbl_name FROM main.sqlite_schema WHERE type = 'index' AND name = ?1";
                self.rules.insert(connection.query_row(sql, [index], |row| row.get(0))?);
            }
        } else if let Some((_, place)) = finding.split_once(" value in ") {
            let table = schema.tables.iter().find(|table| {
                place.strip_prefix(table.name.as_str()).is_some_and(|rest| rest.starts_with('.'))
            });
            self.rules.extend(table.map(|table| table.name.clone()));
        }
        Ok(())
    }
}

/// The table whose tree has pages that are no good, as in `Tree 2 page 5 cell 0: Rowid 12 out of order`.
fn torn(connection: &Connection, line: &str) -> rusqlite::Result<Option<String>> {
    let root = line.strip_prefix("Tree ").and_then(|rest| rest.split([' ', ':']).next()?.parse::<i64>().ok());
    let Some(root) = root else { return Ok(None) };
    let sql = "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND rootpage = ?1";
    connection.query_row(sql, [root], |row| row.get(0)).optional()
}

/// What `integrity_check` finds. A virtual table may be too damaged to be checked: then the others are, one by one.
fn findings(connection: &Connection, schema: &Schema) -> rusqlite::Result<Vec<String>> {
    let check = |argument: &str| -> rusqlite::Result<Vec<String>> {
        let sql = format!("PRAGMA main.integrity_check({argument})");
        connection.prepare(&sql)?.query_map([], |row| row.get(0))?.collect()
    };
    match check(&FINDINGS.to_string()) {
        Err(_) if !schema.virtual_tables.is_empty() => {
            let each = schema.tables.iter().map(|table| check(&quoted_text(&table.name)));
            Ok(each.collect::<rusqlite::Result<Vec<_>>>()?.concat())
        }
        found => found,
    }
}
