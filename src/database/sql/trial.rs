//! Whether the rows of a table make the same table again, tried out in a database of its own.
//!
//! What `integrity_check` says is no answer: it takes a duplicate for a row that an index lacks, and a value that its
//! column would change for a sound one.

use std::path::Path;

use rusqlite::limits::Limit;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, params_from_iter};

use crate::database::digest::{self, Digester};
use crate::database::schema::{Object, Table};
use crate::database::script::PATTERN;
use crate::database::watchdog::Watchdog;
use crate::database::{placeholders, quoted, rows};
use crate::error::Error;
use crate::job::Job;
use crate::sqlite::trouble::{interrupted, is_corrupt, is_of_machine};

/// Where tables are tried, one after the other.
pub struct Trial<'a> {
    workshop: Connection,
    /// Making an index over all rows may take long: it ends with the job.
    _watchdog: Watchdog,
    source: &'a Connection,
    utf16: bool,
    job: &'a Job,
}

/// What came of a table.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is the same again, but for these indexes, which cannot be made.
    Same(Vec<String>),
    /// It takes not all of its rows, or not as they are.
    Other,
    /// It cannot be read to its end.
    Unreadable,
}

/// Why a trial stopped.
enum Stopped {
    Source(rusqlite::Error),
    Workshop(rusqlite::Error),
    Job,
}

impl From<rusqlite::Error> for Stopped {
    fn from(error: rusqlite::Error) -> Self {
        Stopped::Source(error)
    }
}

impl From<Error> for Stopped {
    fn from(_: Error) -> Self {
        Stopped::Job
    }
}

impl<'a> Trial<'a> {
    /// Tries tables of `source` in a file at `path`, which is new and is left to the caller.
    pub fn of(source: &'a Connection, utf16: bool, path: &Path, job: &'a Job) -> rusqlite::Result<Trial<'a>> {
        let workshop = Connection::open(path)?;
        workshop.set_limit(Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, PATTERN)?;
        workshop.execute_batch(
            "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON; PRAGMA synchronous = OFF;
             PRAGMA trusted_schema = OFF; PRAGMA journal_mode = MEMORY",
        )?;
        let watchdog = Watchdog::over(&workshop, job, None)?;
        Ok(Trial { workshop, _watchdog: watchdog, source, utf16, job })
    }

    /// Makes `table` and these of its `indexes` anew, compares, and takes all of it away again.
    pub fn table(&self, table: &Table, indexes: &[&Object]) -> rusqlite::Result<Outcome> {
        self.workshop.execute_batch("BEGIN")?;
        let outcome = self.fill(table, indexes);
        if !self.workshop.is_autocommit() {
            self.workshop.execute_batch("ROLLBACK")?;
        }
        match outcome {
            Ok(outcome) => Ok(outcome),
            Err(Stopped::Source(error)) if is_corrupt(&error) => Ok(Outcome::Unreadable),
            Err(Stopped::Workshop(error)) if !is_of_machine(&error) => Ok(Outcome::Other),
            Err(Stopped::Source(error) | Stopped::Workshop(error)) => Err(error),
            Err(Stopped::Job) => Err(interrupted()),
        }
    }

    fn fill(&self, table: &Table, indexes: &[&Object]) -> Result<Outcome, Stopped> {
        self.workshop.execute(&table.sql, []).map_err(Stopped::Workshop)?;
        let columns = table.names();
        let (names, values) = (columns.join(", "), placeholders(columns.len()));
        let sql = format!("INSERT INTO {} ({names}) VALUES ({values})", quoted(&table.name));
        let mut insert = self.workshop.prepare(&sql).map_err(Stopped::Workshop)?;
        let mut digester = Digester::default();
        rows::scan::<Stopped>(self.source, table, self.utf16, "", |number, values| {
            self.job.check()?;
            digester.row(number, values);
            let number = number.filter(|_| table.key.alias().is_some()).map(ValueRef::Integer);
            let row = number.into_iter().chain(values.iter().copied()).map(ToSqlOutput::Borrowed);
            insert.execute(params_from_iter(row)).map(drop).map_err(Stopped::Workshop)
        })?;
        let loaded = digest::table(&self.workshop, table, false).map_err(Stopped::Workshop)?;
        if loaded != digester.finish(&table.name) {
            return Ok(Outcome::Other);
        }
        let mut left_out = Vec::new();
        for index in indexes {
            match self.workshop.execute(&index.sql, []) {
                Ok(_) => {}
                Err(error) if is_of_machine(&error) => return Err(Stopped::Workshop(error)),
                Err(_) => left_out.push(index.name.clone()),
            }
        }
        Ok(Outcome::Same(left_out))
    }
}
