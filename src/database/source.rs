//! Where a database is taken from; whatever the source, it becomes one [`Snapshot`].
//!
//! A snapshot is one consistent state, readable and never writable, that stays the same while it lives and leaves
//! nothing behind. The source is never changed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, ffi};
use tempfile::TempPath;

use super::schema::is_internal;
use super::watchdog::Watchdog;
use super::{digest, generated};
use crate::error::{Error, Result};
use crate::job::{Job, Meter, Warning};
use crate::sqlite::trouble::{self, as_io};
use crate::sqlite::{Copier, Traces};

mod check;
pub mod d1;
pub mod file;
mod names;
pub mod sql;
pub mod wrangler;

pub use check::Checked;

/// One state of a database. All rows of a job are read through its connection.
#[derive(Debug)]
pub struct Snapshot {
    // Fields are dropped in this order: the connection is closed before what it reads goes away.
    connection: Connection,
    held: Arc<Held>,
    kind: &'static str,
    origin: PathBuf,
    warnings: Vec<Warning>,
    /// Ends what is read of it when the job is stopped.
    watchdog: Option<Watchdog>,
}

/// What a snapshot keeps for as long as it is read.
#[derive(Debug)]
enum Held {
    Copy(TempPath),
    Live(Traces),
}

impl Held {
    /// The database that is read.
    fn path(&self) -> &Path {
        match self {
            Held::Copy(copy) => copy,
            Held::Live(traces) => traces.path(),
        }
    }

    /// A failure to read it. A copy lies where the job writes, and SQLite writes what it sorts elsewhere: the database
    /// at `origin` may be as sound as ever.
    fn failure(&self, origin: &Path, error: &rusqlite::Error) -> Error {
        match (self, trouble::primary(error)) {
            (_, ffi::SQLITE_FULL) => trouble::no_room(error),
            (Held::Copy(copy), ffi::SQLITE_IOERR | ffi::SQLITE_CANTOPEN) => Error::output(copy, as_io(error)),
            _ => trouble::unreadable(origin, error),
        }
    }
}

impl Snapshot {
    /// A snapshot of a private copy that nobody writes any more; the copy is removed with it.
    ///
    /// `kind` is the kind of source, as metadata names it; `origin` is where the copy came from, for messages.
    ///
    /// Fails with `DATABASE_UNREADABLE` if SQLite cannot read it or it has no table; with `OUTPUT_UNWRITABLE` if the
    /// copy is gone.
    pub fn from_copy(copy: TempPath, kind: &'static str, origin: &Path) -> Result<Self> {
        let held = Held::Copy(copy);
        let connection = reader(held.path())
            .and_then(|connection| begin(&connection).map(|()| connection))
            .map_err(|error| held.failure(origin, &error))?;
        Snapshot {
            connection,
            held: Arc::new(held),
            kind,
            origin: origin.to_owned(),
            warnings: Vec::new(),
            watchdog: None,
        }
        .with_tables()
    }

    /// The connection: opened read-only, within one read transaction. Temporary objects can be made on it, which
    /// is what fts5vocab takes.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Ends whatever is read of the snapshot when `job` is stopped. Fails with `DATABASE_UNREADABLE` if the
    /// system has no thread left to watch it.
    pub fn watched(self, job: &Job) -> Result<Self> {
        let watchdog = Watchdog::over(&self.connection, job, None).map_err(|error| self.failure(&error))?;
        Ok(Snapshot { watchdog: Some(watchdog), ..self })
    }

    /// A copy in `work`, which may be written; it is removed with what is returned. Fails with `DATABASE_UNREADABLE` if
    /// the snapshot cannot be read, with `DISK_FULL` and `OUTPUT_UNWRITABLE` for `work`, and with `ABORT_ERR`.
    pub fn copied(&self, work: &Path, job: &Job) -> Result<TempPath> {
        Copier { origin: &self.origin, work, job, meter: &Meter::silent() }.through_sqlite(&self.connection)
    }

    /// Calls it the snapshot of another kind of source.
    fn of_kind(self, kind: &'static str) -> Self {
        Snapshot { kind, ..self }
    }

    /// `file`, `sql`, `wrangler` or `d1`.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// What the operator should know about how the snapshot was had.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// A failure to read the snapshot, as an error of the job.
    pub fn failure(&self, error: &rusqlite::Error) -> Error {
        if self.watchdog.as_ref().is_some_and(Watchdog::has_bitten) {
            return Error::Aborted;
        }
        self.held.failure(&self.origin, error)
    }

    /// The same snapshot, unless it holds no table, which is when the wrong database was named, or a fresh one; or one
    /// whose generated columns may end the process.
    fn with_tables(self) -> Result<Self> {
        if !self.has_table().map_err(|error| self.failure(&error))? {
            let problem = "it is empty, there is no table in it; check that this is the database you mean";
            return Err(Error::unreadable(&self.origin, problem, None));
        }
        if let Some(table) = generated::too_long(&self.connection).map_err(|error| self.failure(&error))? {
            let problem = format!(
                "the table {table} has generated columns and a CREATE TABLE of more than 100,000 bytes, more than can \
                 be computed safely; drop some of these columns, or do it in a copy"
            );
            return Err(Error::unreadable(&self.origin, problem, None));
        }
        Ok(self)
    }

    fn has_table(&self) -> rusqlite::Result<bool> {
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table'";
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            if !is_internal(&String::from_utf8_lossy(row.get_ref(0)?.as_bytes().unwrap_or_default())) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Opens a database for reading, wary of what its schema may hold. Not "defensive", which has no bearing on reading
/// but this: SQLite then calls a schema with a trigger on a table behind a virtual table malformed.
fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    Ok(connection)
}

/// Begins the read transaction that is the snapshot. A transaction starts with its first read, not with BEGIN. The
/// schema is read before it, with the planner's statistics: a transaction that met damage in those could make no
/// vocabulary.
fn begin(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "PRAGMA mmap_size = 0; PRAGMA cell_size_check = ON; SELECT count(*) FROM sqlite_schema;
         BEGIN; SELECT count(*) FROM sqlite_schema; PRAGMA cache_size = -16384",
    )?;
    // Where they cannot be made, whoever needs one finds that out.
    let _ = digest::vocabularies(connection);
    Ok(())
}
