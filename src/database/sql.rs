//! The writer of database.sql: everything that SQLite holds, as SQL that loads in the `sqlite3` shell, in an empty D1
//! and in our own restore.
//!
//! Order: tables, rows, indexes, views, triggers, full-text indexes. What D1 would refuse or wrangler would change
//! stands in database-extra.sql, to be run afterwards; one refusal would roll back the whole of database.sql.

use std::collections::{BTreeSet, HashSet};
use std::io::{self, Write};
use std::path::Path;

use rusqlite::Connection;

use super::definition::Definition;
use super::digest::TableDigest;
use super::rows;
use super::schema::Schema;
use super::source::Snapshot;
use crate::error::{Error, Result};
use crate::job::{Job, Meter, Warning};

mod d1;
mod damage;
mod extra;
mod foreign_keys;
mod full_text;
mod grown;
mod insert;
pub mod literal;
mod main_file;
mod parents;
mod patience;
mod placement;
mod reindex;
mod repairs;
mod rescue;
mod sequence;
mod shell;
mod substitutes;
mod trial;
mod wrangler;

use full_text::Fill;
use patience::Patience;
use placement::{Home, Placement};
pub use repairs::{Doubt, Repairs};
use substitutes::Unmakeable;

/// What was written.
#[derive(Debug)]
pub struct Dump {
    /// Every table with its rows and digest, in the order of the schema; virtual tables last.
    pub tables: Vec<TableDigest>,
    /// Every object that both files make together.
    pub definitions: BTreeSet<Definition>,
    /// Bytes of database.sql.
    pub sql_bytes: u64,
    /// Bytes of database-extra.sql; 0 when it is not needed.
    pub extra_bytes: u64,
    /// Tables and other objects that are in neither.
    pub left_out: Vec<String>,
    /// What stands in database-extra.sql, in words.
    pub in_extra: Vec<String>,
    /// What the operator should know.
    pub warnings: Vec<Warning>,
}

/// Where the two files are written to.
pub struct Output<'w> {
    /// database.sql.
    pub main: &'w mut dyn Write,
    /// database-extra.sql; nothing is written where it is not needed.
    pub extra: &'w mut dyn Write,
}

/// Writes the whole database behind `connection`, which must see one state throughout. `repairs` is for a database that
/// was found to break its own rules; `meter` counts tables and bytes of SQL.
pub fn dump(
    connection: &Connection,
    repairs: &Repairs,
    output: Output<'_>,
    job: &Job,
    meter: &Meter,
) -> Result<Dump, Failure> {
    Dumper::new(connection, repairs, job, meter)?.dump(output)
}

/// Why writing stopped.
#[derive(Debug)]
pub enum Failure {
    /// The source could not be read.
    Sqlite(rusqlite::Error),
    /// A file could not be written.
    Write(io::Error),
    /// The job was stopped, or what was written could not be what it should be.
    Job(Error),
}

impl Failure {
    /// As an error of the job that reads `snapshot` and writes into `folder`.
    pub fn of(self, snapshot: &Snapshot, folder: &Path) -> Error {
        match self {
            Failure::Sqlite(error) => snapshot.failure(&error),
            Failure::Write(error) => Error::output(folder, error),
            Failure::Job(error) => error,
        }
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Failure::Sqlite(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Write(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Job(error)
    }
}

/// What both files are written from.
struct Dumper<'a> {
    connection: &'a Connection,
    repairs: &'a Repairs,
    job: &'a Job,
    meter: &'a Meter,
    schema: Schema,
    /// Objects that SQLite cannot make as they are: `schema` holds a substitute for each, or none.
    unmakeable: Vec<Unmakeable>,
    /// Virtual tables of which only the tables behind them come back.
    undone: HashSet<String>,
    placement: Placement,
    /// How each virtual table is filled, in the order of the schema.
    fills: Vec<Fill>,
    /// Of each ordinary table, once its rows are written.
    digests: Vec<Option<TableDigest>>,
    /// Digests of the tables that hold the rows of others, whose rules these rows break.
    rescued: Vec<TableDigest>,
    /// How those tables are made.
    rescues: Vec<Definition>,
    in_extra: Vec<String>,
    warnings: Vec<Warning>,
}

impl<'a> Dumper<'a> {
    fn new(
        connection: &'a Connection,
        repairs: &'a Repairs,
        job: &'a Job,
        meter: &'a Meter,
    ) -> Result<Self, Failure> {
        let mut schema = Schema::read(connection)?;
        let undone = schema.virtual_tables.iter().filter(|table| repairs.undoes(table));
        let undone: HashSet<String> = undone.map(|table| table.name.clone()).collect();
        schema.disown(|table| undone.contains(&table.name));
        let unmakeable = substitutes::substitute(connection, &mut schema)?;
        rows::prepare(connection, &schema)?;
        job.check()?;
        let placement = Placement::decide(connection, &schema, repairs)?;
        let mut patience = Patience::for_views(connection, job)?;
        let fills = schema
            .virtual_tables
            .iter()
            .map(|table| Fill::decide(connection, table, &schema, repairs, &mut patience));
        let fills: rusqlite::Result<Vec<Fill>> = fills.collect();
        // Whoever stops the job ends what is read of a view, too.
        job.check()?;
        Ok(Dumper {
            connection,
            repairs,
            job,
            meter,
            digests: vec![None; schema.tables.len()],
            fills: fills?,
            unmakeable,
            undone,
            placement,
            schema,
            rescued: Vec::new(),
            rescues: Vec::new(),
            in_extra: Vec::new(),
            warnings: Vec::new(),
        })
    }

    fn dump(mut self, Output { main, extra }: Output<'_>) -> Result<Dump, Failure> {
        self.meter.expect(Some(self.schema.tables.len() as u64), None);
        if self.schema.utf16 {
            self.warnings
                .push(Warning::new("UTF16", "the text was stored as UTF-16 and comes back as UTF-8"));
        }
        let message = "its CREATE text holds bytes that are no UTF-8: they come back as U+FFFD";
        let not_utf8 = std::mem::take(&mut self.schema.not_utf8);
        self.warnings.extend(not_utf8.iter().map(|name| Warning::about("SCHEMA_NOT_UTF8", name, message)));
        self.warnings.extend(shell::warnings(&self.schema)?);
        let sql_bytes = self.write_main(main)?;
        let extra_bytes = self.write_extra(extra)?;
        let tables = self.all_digests()?;
        let definitions = self.definitions();
        self.check_indexes()?;
        let mut warnings = std::mem::take(&mut self.placement.warnings);
        warnings.extend(self.repairs.warnings());
        warnings.extend(self.unmakeable.iter().map(Unmakeable::warning));
        warnings.append(&mut self.warnings);
        Ok(Dump {
            tables,
            definitions,
            sql_bytes,
            extra_bytes,
            left_out: self.schema.left_out,
            in_extra: self.in_extra,
            warnings,
        })
    }

    /// A name that nothing in the database has.
    fn scratch_name(&self) -> String {
        self.free_name("backup_pieces")
    }

    /// `wish`, or that and a number.
    fn free_name(&self, wish: &str) -> String {
        let names = std::iter::once(wish.to_owned()).chain((2..).map(|n| format!("{wish}_{n}")));
        let mut free = names.filter(|name| !self.schema.has_name(name));
        free.next().unwrap_or_default()
    }

    /// Warns of indexes that do not cover their rows, of the tables that come back as they are.
    fn check_indexes(&mut self) -> Result<(), Failure> {
        for (table, digest) in self.schema.tables.iter().zip(&self.digests) {
            self.job.check()?;
            let Some(digest) = digest else { continue };
            let is_unmakeable =
                |kind: &str, name: &str| self.unmakeable.iter().any(|it| it.kind == kind && it.name == name);
            if is_unmakeable("table", &table.name) || self.repairs.rescues(&table.name) {
                continue;
            }
            let left_out = |index: &str| is_unmakeable("index", index);
            let found = damage::of_indexes(self.connection, table, digest.rows, left_out)?;
            self.warnings.extend(found);
        }
        Ok(())
    }

    /// Every object that both files make together: what only stands there as a comment is not among them.
    fn definitions(&mut self) -> BTreeSet<Definition> {
        let unknown =
            self.schema.virtual_tables.iter().zip(&self.fills).filter(|(_, fill)| **fill == Fill::Unknown);
        let unmade: HashSet<&str> = unknown
            .map(|(table, _)| table.name.as_str())
            .chain(self.repairs.indexes.iter().map(String::as_str))
            .collect();
        let mut definitions = self.schema.definitions();
        definitions
            .retain(|definition| definition.kind == "trigger" || !unmade.contains(definition.name.as_str()));
        definitions.extend(self.rescues.drain(..));
        definitions
    }

    fn all_digests(&mut self) -> Result<Vec<TableDigest>, Failure> {
        let mut all: Vec<TableDigest> = self.digests.iter().flatten().cloned().collect();
        all.append(&mut self.rescued);
        if let Some(sequence) = &self.schema.sequence {
            all.push(sequence::digest(self.connection, sequence)?);
        }
        for (table, fill) in self.schema.virtual_tables.iter().zip(&self.fills) {
            if *fill == Fill::Unknown {
                continue;
            }
            let (digest, damage) = full_text::digest(self.connection, table, fill, self.schema.utf16)?;
            all.push(digest);
            self.warnings
                .extend(damage.map(|damage| Warning::about("INDEX_DAMAGED", &table.name, damage.message())));
        }
        Ok(all)
    }

    /// Notes that `what` stands in database-extra.sql.
    fn note_extra(&mut self, subject: &str, what: &str, reason: &str) {
        self.in_extra.push(what.to_owned());
        self.warnings.push(Warning::about(
            "IN_EXTRA",
            subject,
            format!("database-extra.sql, which D1 does not take, holds {what}: {reason}"),
        ));
    }
}

#[cfg(test)]
mod tests;
