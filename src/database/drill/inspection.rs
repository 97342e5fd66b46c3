//! What is in a database that was just loaded: the digest of every table, and what SQLite finds wrong.
//!
//! Two readers go over the file side by side. Each takes the next task when it is done with one, and those of the
//! largest tables come first, so that neither waits long for the other.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};

use super::Expected;
use crate::database::digest::{self, TableDigest};
use crate::database::schema::{Schema, Table, VirtualTable};
use crate::database::script::PER_MIB;
use crate::database::watchdog::Watchdog;
use crate::database::{quoted_text, rows};
use crate::error::{Error, Result};
use crate::job::{Job, Meter, deep_thread, give_way};
use crate::sqlite::trouble::{as_io, code, is_of_disk, is_of_rows, no_room};

/// What `integrity_check` begins with when pages are damaged or cannot be read.
const PAGES: &str = "*** in database ";
/// Readers; each has a cache of 8 MiB.
const READERS: usize = 2;

/// The file, and what to do about a failure.
pub(super) struct Inspection<'i> {
    pub(super) path: &'i Path,
    pub(super) advice: &'i str,
    pub(super) job: &'i Job,
    /// Hears of each table.
    pub(super) meter: &'i Meter,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// By the table's name.
    pub(super) digests: HashMap<String, TableDigest>,
    /// References to a parent that is missing, two of one row counted twice.
    pub(super) foreign_key_problems: u64,
    /// The first thing wrong with the first table with which anything is, and which one that is.
    problem: Option<(usize, String)>,
}

impl Found {
    /// `ok`, or the first thing that SQLite finds wrong.
    pub(super) fn integrity_check(&self) -> String {
        self.problem.as_ref().map_or_else(|| "ok".into(), |(_, problem)| problem.clone())
    }

    fn add(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Digest(digest) => {
                self.digests.insert(digest.name.clone(), digest);
            }
            Outcome::Check(at, Some(problem)) => {
                if self.problem.as_ref().is_none_or(|(first, _)| at < *first) {
                    self.problem = Some((at, problem));
                }
            }
            Outcome::Check(_, None) => {}
            Outcome::ForeignKeys(problems) => self.foreign_key_problems += problems,
        }
    }
}

/// A part of the work that one reader does.
enum Task<'s> {
    Digest(&'s Table),
    DigestVirtual(&'s VirtualTable),
    /// `integrity_check` of one table and its indexes, at that place in the report; without a name, of everything up to
    /// a virtual table that is damaged.
    Check(usize, Option<&'s str>),
    ForeignKeys(&'s str),
}

impl Inspection<'_> {
    /// What the schema of the file says.
    pub(super) fn schema(&self) -> Result<Schema> {
        self.read(Schema::read)
    }

    /// Reads everything. The largest tables are those of `expected`.
    pub(super) fn run(&self, schema: &Schema, expected: &Expected) -> Result<Found> {
        let names = self.read(table_names)?;
        let tasks = tasks(schema, &names, expected);
        let (next, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
        let found = Mutex::new(Found::default());
        let work = |connection: &Connection| {
            rows::prepare(connection, schema)?;
            while let Some(task) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                if let Some(table) = task.table() {
                    self.meter.item(table);
                }
                let outcome = task.perform(connection, schema)?;
                if let Outcome::Digest(_) = outcome {
                    self.meter.add(1, 0);
                }
                found.lock().unwrap_or_else(PoisonError::into_inner).add(outcome);
            }
            Ok(())
        };
        let reader = || {
            give_way();
            self.read(work).inspect_err(|_| is_over.store(true, Ordering::Relaxed))
        };
        std::thread::scope(|scope| {
            // One does all of it where the system starts no further thread.
            let others: Vec<_> =
                (1..READERS).filter_map(|_| deep_thread().spawn_scoped(scope, reader).ok()).collect();
            let own = reader();
            let others = others.into_iter().map(|other| {
                other.join().unwrap_or_else(|_| {
                    Err(Error::Internal { problem: "a reader of the drill did not end".into() })
                })
            });
            std::iter::once(own).chain(others.collect::<Vec<_>>()).collect::<Result<()>>()
        })?;
        Ok(found.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Far more than an honest database of that size needs: views that are made of views may take for ever to look
    /// into.
    fn patience(&self) -> Duration {
        let mib = std::fs::metadata(self.path).map_or(0, |file| file.len() >> 20);
        Duration::from_secs(60) + PER_MIB.saturating_mul(u32::try_from(mib).unwrap_or(u32::MAX))
    }

    /// Opened for writing, though nothing is written: SQLite drops every CHECK of a database that it opens read-only.
    fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let open = || {
            let connection = Connection::open_with_flags(self.path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
            connection.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA cache_size = -8192")?;
            let _watchdog = Watchdog::over(&connection, self.job, Some(self.patience()))?;
            work(&connection)
        };
        open().map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) if self.job.is_stopped() => Error::Aborted,
            // Nothing is written, so it is what SQLite sorts that has no room.
            Some(ErrorCode::DiskFull) => no_room(&error),
            // The archive may be as sound as ever.
            _ if is_of_disk(&error) => Error::output(self.path, as_io(&error)),
            _ => Error::DrillFailed {
                problem: format!("what was loaded cannot be read; {}", self.advice),
                source: error.sqlite_error().map(|code| Box::new(*code) as _),
            },
        })
    }
}

/// Every table that `integrity_check` knows, shadow tables and the schema itself among them.
fn table_names(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT 'sqlite_schema' UNION ALL SELECT name FROM sqlite_schema WHERE type = 'table'";
    connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
}

/// The work, that of the largest tables first.
fn tasks<'s>(schema: &'s Schema, names: &'s [String], expected: &Expected) -> Vec<Task<'s>> {
    let sizes: HashMap<&str, u64> =
        expected.tables.iter().map(|table| (table.name.as_str(), table.rows)).collect();
    // All that one check of everything costs is time, for the tables with names are checked twice then.
    let (numbers, named): (Vec<_>, Vec<_>) = names.iter().enumerate().partition(|(_, name)| is_number(name));
    let of_all = (!numbers.is_empty()).then_some(Task::Check(names.len(), None));
    let mut tasks: Vec<_> = named
        .into_iter()
        .map(|(at, name)| Task::Check(at, Some(name)))
        .chain(of_all)
        .chain(schema.tables.iter().chain(&schema.sequence).map(Task::Digest))
        .chain(schema.virtual_tables.iter().map(Task::DigestVirtual))
        .chain(schema.tables.iter().map(|table| Task::ForeignKeys(&table.name)))
        .collect();
    tasks.sort_by_key(|task| {
        let rows = task.table().map(|name| sizes.get(name).copied().unwrap_or(0));
        Reverse(rows.unwrap_or(u64::MAX))
    });
    tasks
}

impl Task<'_> {
    /// None for all of them.
    fn table(&self) -> Option<&str> {
        match self {
            Task::Digest(table) => Some(&table.name),
            Task::DigestVirtual(table) => Some(&table.name),
            Task::Check(_, name) => *name,
            Task::ForeignKeys(name) => Some(name),
        }
    }

    fn perform(&self, connection: &Connection, schema: &Schema) -> rusqlite::Result<Outcome> {
        Ok(match *self {
            Task::Digest(table) => Outcome::Digest(digest::table(connection, table, schema.utf16)?),
            Task::DigestVirtual(table) => {
                Outcome::Digest(digest::virtual_table(connection, table, schema.utf16)?)
            }
            Task::Check(at, name) => {
                let is_virtual = schema.virtual_tables.iter().any(|table| Some(table.name.as_str()) == name);
                match check(connection, name) {
                    // It came back as damaged as it was.
                    Err(error) if is_virtual && digest::is_damage(&error) => Outcome::Check(
                        at,
                        Some(format!("virtual table {} is damaged", name.unwrap_or_default())),
                    ),
                    Err(error) if is_of_rows(&error) && has_check(schema, name) => {
                        let of = name.map(|name| format!(" of {name}")).unwrap_or_default();
                        Outcome::Check(at, Some(format!("rows{of} cannot be checked: a CHECK fails itself")))
                    }
                    Err(error) if name.is_none() && is_of_module(&error, schema) => Outcome::Check(at, None),
                    checked => Outcome::Check(at, checked?),
                }
            }
            Task::ForeignKeys(name) => Outcome::ForeignKeys(foreign_key_problems(connection, name)?),
        })
    }
}

/// Whether a virtual table says that it is damaged, which is told where that table is looked at, and not the file.
fn is_of_module(error: &rusqlite::Error, schema: &Schema) -> bool {
    const CODES: [i32; 2] = [ffi::SQLITE_CORRUPT_VTAB, ffi::SQLITE_ERROR];
    !schema.virtual_tables.is_empty() && code(error).is_some_and(|error| CODES.contains(&error.extended_code))
}

/// Whether a CHECK may be what fails where the table `name`, or without one everything, is looked at. Where a virtual
/// table may be it as well, only the tables count that are looked at nowhere else.
fn has_check(schema: &Schema, name: Option<&str>) -> bool {
    let shadows = schema.virtual_tables.iter().flat_map(|table| &table.shadows);
    let is_meant = |table: &Table| match name {
        Some(name) => table.name == name,
        None => schema.virtual_tables.is_empty() || is_number(&table.name),
    };
    schema.tables.iter().chain(shadows).any(|table| is_meant(table) && table.has_check())
}

/// Whether SQLite would take a table's name for the number of problems that it may list.
fn is_number(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_digit() || "+-".contains(c))
}

/// What came of a task.
enum Outcome {
    Digest(TableDigest),
    /// The first thing wrong, if anything is.
    Check(usize, Option<String>),
    ForeignKeys(u64),
}

/// The first thing wrong. Rows may break a CHECK as they did in the source. The file itself was only just made: what
/// is wrong with its pages is the disk's doing, and SQLite tells it first.
fn check(connection: &Connection, table: Option<&str>) -> rusqlite::Result<Option<String>> {
    let argument = table.map_or_else(|| "1".into(), quoted_text);
    let found: String =
        connection.query_row(&format!("PRAGMA integrity_check({argument})"), [], |row| row.get(0))?;
    if found.starts_with(PAGES) {
        return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), None));
    }
    Ok((found != "ok").then_some(found))
}

/// A key that names no key of its parent is an error of its own, and is there in the source.
fn foreign_key_problems(connection: &Connection, table: &str) -> rusqlite::Result<u64> {
    let sql = format!("SELECT count(*) FROM pragma_foreign_key_check({})", quoted_text(table));
    match connection.query_row(&sql, [], |row| row.get::<_, i64>(0)) {
        Ok(count) => Ok(count as u64),
        Err(rusqlite::Error::SqliteFailure(error, _)) if error.code == ErrorCode::Unknown => Ok(0),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
