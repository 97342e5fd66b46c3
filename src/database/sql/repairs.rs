//! What has to be done differently for a database that breaks its own rules.
//!
//! SQLite lets that happen: checks can be switched off, a damaged index lets a duplicate in. Such rows cannot be
//! inserted again as they stand, and a database that is slightly damaged is the one that most needs a backup.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rusqlite::{Connection, OptionalExtension};

use super::full_text::Fill;
use super::patience::Patience;
use super::trial::{Outcome, Trial};
use super::{grown, substitutes};
use crate::database::schema::{Object, Schema, Table, VirtualTable};
use crate::database::watchdog::Watchdog;
use crate::database::{parts_of_finding, quoted_text, rows};
use crate::job::{Job, Warning};
use crate::sqlite::trouble::{is_of_machine, is_of_rows};

/// How many findings of `integrity_check` are looked at.
const MAX_FINDINGS: u32 = 100_000;
/// How one begins that ends in the name of a table with rows that break its CHECK.
const BROKEN_CHECK: &str = "CHECK constraint failed in ";

/// What a second attempt does differently. The default is nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repairs {
    /// Tables with rows that break a CHECK: checks are off while rows are inserted.
    pub checks: BTreeSet<String>,
    /// Tables that would not take their rows as they are, and why: all rows of each go to a table without rules.
    pub rescued: BTreeMap<String, Fault>,
    /// Indexes that duplicates or other rows keep from being made: they are left out.
    pub indexes: BTreeSet<String>,
}

/// Why a table would not take its rows as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Rows break NOT NULL, UNIQUE or a STRICT type, or hold what their columns would change.
    Rules,
    /// Pages are damaged: rows may be missing, there twice or out of order.
    Torn,
    /// A generated column makes more of a row than a script may.
    Grown,
}

/// What gave cause to look for repairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// Every table came back as it was, and SQLite finds that something is wrong with them all the same.
    Checks,
    /// Tables may not come back as they were.
    Rows,
}

impl Repairs {
    /// Whether the database needs none.
    pub fn is_none(&self) -> bool {
        *self == Repairs::default()
    }

    /// Whether the rows of a table called `name`, if there is one, stand in another table.
    pub fn rescues(&self, name: &str) -> bool {
        self.rescued.contains_key(name)
    }

    /// Whether a table behind `table` is one whose rows stand in another table: then it cannot be set up anew.
    pub fn undoes(&self, table: &VirtualTable) -> bool {
        table.shadows.iter().any(|shadow| self.rescues(&shadow.name))
    }

    /// Whether what the table or view `name` shows may be less in a reloaded database.
    pub fn lessens(&self, schema: &Schema, name: &str) -> bool {
        match schema.position(name) {
            Some(at) => self.rescues(&schema.tables[at].name),
            None => !self.rescued.is_empty(),
        }
    }

    /// Finds out what the database behind `connection` needs, which is a private copy that may be written: SQLite drops
    /// every CHECK of a database that it opens read-only. Tables are tried in a file at `trial`, which is new and is
    /// left to the caller.
    pub fn find(connection: &Connection, doubt: Doubt, trial: &Path, job: &Job) -> rusqlite::Result<Repairs> {
        let _watchdog = Watchdog::over(connection, job, None)?;
        let mut schema = Schema::read(connection)?;
        let findings = findings(connection, &schema)?;
        let lines = || findings.iter().flat_map(|finding| parts_of_finding(finding));
        let mut repairs = Repairs::default();
        repairs.checks.extend(lines().filter_map(|line| line.strip_prefix(BROKEN_CHECK).map(str::to_owned)));
        if doubt == Doubt::Checks {
            return Ok(repairs);
        }
        let torn = lines().filter_map(|line| torn(connection, line).transpose());
        let torn: BTreeSet<String> = torn.collect::<rusqlite::Result<_>>()?;
        let grown = grown::tables(connection, &schema)?;
        repairs.rescued.extend(grown.into_iter().map(|name| (name, Fault::Grown)));
        substitutes::substitute(connection, &mut schema)?;
        rows::prepare(connection, &schema)?;
        let trial = Trial::of(connection, schema.utf16, trial, job)?;
        for table in &schema.tables {
            let indexes: Vec<&Object> = schema.indexes_of(table).collect();
            if !repairs.rescues(&table.name) && !repairs.try_out(&trial, table, &indexes, &torn)? {
                // Nothing helps where the rows cannot be read.
                return Ok(Repairs::default());
            }
        }
        let mut patience = Patience::for_views(connection, job)?;
        for table in &schema.virtual_tables {
            let fill = Fill::decide(connection, table, &schema, &repairs, &mut patience)?;
            for shadow in fill.needed(table) {
                if !repairs.try_out(&trial, shadow, &[], &torn)? {
                    return Ok(Repairs::default());
                }
            }
        }
        Ok(repairs)
    }

    /// Notes what `table` needs. False when it cannot be read.
    fn try_out(
        &mut self,
        trial: &Trial<'_>,
        table: &Table,
        indexes: &[&Object],
        torn: &BTreeSet<String>,
    ) -> rusqlite::Result<bool> {
        match trial.table(table, indexes)? {
            Outcome::Same(left_out) => self.indexes.extend(left_out),
            Outcome::Other => {
                let fault = if torn.contains(&table.name) { Fault::Torn } else { Fault::Rules };
                self.rescued.insert(table.name.clone(), fault);
            }
            Outcome::Unreadable => return Ok(false),
        }
        Ok(true)
    }

    /// What the operator should know.
    pub fn warnings(&self) -> Vec<Warning> {
        let checks = self.checks.iter().map(|name| {
            let message = "rows of this table break its CHECK, or make it fail; they are kept, and checks are off while they are loaded";
            Warning::about("CHECK_BROKEN", name, message)
        });
        let rescued = self.rescued.iter().map(|(name, fault)| fault.warning(name));
        let indexes = self.indexes.iter().map(|name| {
            let message = "duplicates or other rows keep this index from being made; its text is kept as a comment in database-extra.sql";
            Warning::about("INDEX_LEFT_OUT", name, message)
        });
        checks.chain(rescued).chain(indexes).collect()
    }
}

impl Fault {
    /// Why the rows stand in another table.
    pub fn reason(self) -> &'static str {
        match self {
            Fault::Rules => "they break its own rules",
            Fault::Torn => "its pages are damaged",
            Fault::Grown => "a generated column makes too much of them",
        }
    }

    fn warning(self, table: &str) -> Warning {
        let (code, message) = match self {
            Fault::Rules => (
                "RULES_BROKEN",
                "rows of this table break its own rules, or SQLite would change them; all its rows are kept in a table without rules, in database-extra.sql",
            ),
            Fault::Torn => (
                "TABLE_DAMAGED",
                "pages of this table are damaged, so rows of it may be missing or there twice; all that can be read is kept in a table without rules, in database-extra.sql",
            ),
            Fault::Grown => (
                "VALUE_GROWN",
                "a generated column of this table makes a value of more than 16 MiB, far more than a script of this size may; all its rows are kept in a table without rules, in database-extra.sql",
            ),
        };
        Warning::about(code, table, message)
    }
}

/// The table whose tree has pages that are no good, as in `Tree 2 page 5 cell 0: Rowid 12 out of order`, or whose rows
/// do not stand in the order of their key.
fn torn(connection: &Connection, line: &str) -> rusqlite::Result<Option<String>> {
    if let Some(table) = line.strip_prefix("row not in PRIMARY KEY order for ") {
        return Ok(Some(table.to_owned()));
    }
    let root = line.strip_prefix("Tree ").and_then(|rest| rest.split([' ', ':']).next()?.parse::<i64>().ok());
    let Some(root) = root else { return Ok(None) };
    let sql = "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND rootpage = ?1";
    connection.query_row(sql, [root], |row| row.get(0)).optional()
}

/// What `integrity_check` finds. A table may be too damaged to be checked, or an index may call for what its rows do
/// not give: then the others are, one by one.
fn findings(connection: &Connection, schema: &Schema) -> rusqlite::Result<Vec<String>> {
    let check = |argument: &str| -> rusqlite::Result<Vec<String>> {
        let sql = format!("PRAGMA main.integrity_check({argument})");
        connection.prepare(&sql)?.query_map([], |row| row.get(0))?.collect()
    };
    let found = check(&MAX_FINDINGS.to_string());
    if found.as_ref().map_or_else(is_of_machine, |_| true) {
        return found;
    }
    let shadows = schema.virtual_tables.iter().flat_map(|table| &table.shadows);
    let mut all = Vec::new();
    for table in schema.tables.iter().chain(shadows) {
        match check(&quoted_text(&table.name)) {
            Err(error) if is_of_machine(&error) => return Err(error),
            // A CHECK may fail itself, which keeps a row out as well.
            Err(error) if is_of_rows(&error) && table.has_check() => {
                all.push(format!("{BROKEN_CHECK}{}", table.name))
            }
            found => all.extend(found.into_iter().flatten()),
        }
    }
    Ok(all)
}
