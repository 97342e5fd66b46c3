//! Loads scripts into a fresh database of their own.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, ffi};

use super::clock::worked;
use super::error::{LoadError, Problem, store};
use super::guard::{Budget, Guard};
use super::splitter::{Splitter, Statement};
use super::statement::{Task, task};
use super::views::Views;
use super::virtual_table::ShellRow;
use crate::database::generated;
use crate::database::lexer::tokens;
use crate::job::{Job, Meter};
use crate::private_file;
use crate::sqlite::trouble::{code, is_of_disk, needs};

/// Of a file that nobody else sees and that is thrown away after any failure: no journal, no flushes.
const SETTINGS: &str = "PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    PRAGMA trusted_schema = OFF;
    PRAGMA cache_size = -4096;
    -- The bundled SQLite has it on, and dumps name tables before they create them.
    PRAGMA foreign_keys = OFF;";

/// Scripts of so many bytes make a large database.
const LARGE: u64 = 16 << 20;
/// More than the cache ever holds of what is not written yet.
const UNWRITTEN: u64 = 16 << 20;

/// A database being filled from scripts.
///
/// Feed it with [`Loader::run`], once per script, then [`Loader::finish`]. After any error the file holds nothing
/// of use; whoever made its folder removes it.
pub struct Loader {
    connection: Connection,
    path: PathBuf,
    guard: Guard,
    most_bytes: u64,
    job: Job,
    read: u64,
    spent: Duration,
    virtual_tables: Vec<(u64, ShellRow)>,
    views: Views,
}

impl Loader {
    /// A new database at `path`, where there is no file, or an empty one made for this.
    ///
    /// Fails with [`LoadError::Store`] if it cannot be written.
    pub fn create(path: &Path, budget: Budget, job: &Job) -> Result<Self, LoadError> {
        Self::create_with(path, "", budget, job)
    }

    /// A new database, as [`Loader::create`] makes it, that is looked at once and thrown away. A large one has pages of
    /// 16 KiB, which takes a fifteenth off filling and checking it; a small one may be little but empty tables, a page
    /// each.
    ///
    /// Fails as [`Loader::create`] does.
    pub fn create_scratch(path: &Path, budget: Budget, job: &Job) -> Result<Self, LoadError> {
        let first = if budget.bytes < LARGE { "" } else { "PRAGMA page_size = 16384;" };
        Self::create_with(path, first, budget, job)
    }

    fn create_with(path: &Path, first: &str, budget: Budget, job: &Job) -> Result<Self, LoadError> {
        match private_file::create(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(LoadError::Store(error));
            }
            _ => {}
        }
        let mut connection = Connection::open(path).map_err(|error| store(&error))?;
        let begun = connection.execute_batch(&format!("{first}{SETTINGS}")).and_then(|()| {
            let page_size: u32 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
            let most_pages = budget.most_pages(u64::from(page_size)).min(u64::from(u32::MAX - 1));
            connection.execute_batch(&format!("PRAGMA max_page_count = {most_pages}; BEGIN"))?;
            Ok((most_pages * u64::from(page_size), Guard::set(&mut connection, budget, job)?))
        });
        let (most_bytes, guard) = begun.map_err(|error| store(&error))?;
        Ok(Loader {
            connection,
            path: path.to_owned(),
            guard,
            most_bytes,
            job: job.clone(),
            read: 0,
            spent: Duration::ZERO,
            virtual_tables: Vec::new(),
            views: Views::default(),
        })
    }

    /// Runs a script to its end; `meter` hears of every part of it.
    ///
    /// Fails at the first statement that cannot or must not run, and names its line; if the script is cut off, or says
    /// that it is not whole; and when the job is stopped.
    pub fn run(&mut self, script: impl Read, meter: &Meter) -> Result<(), LoadError> {
        let before = self.read;
        let mut told = before;
        let mut open_since = None;
        let mut splitter = Splitter::new(script);
        while let Some(statement) = splitter.next_statement()? {
            self.job.check().map_err(|_| LoadError::Aborted)?;
            self.read = before + statement.end;
            match task(&statement) {
                Task::Skip => {}
                Task::Begin => open_since = Some(statement.line),
                Task::Commit => open_since = None,
                Task::Refuse(problem) => return Err(LoadError::script(statement.line, problem)),
                Task::Sequence if !self.has_sequence() => {}
                Task::VirtualTable => match ShellRow::read(statement.text) {
                    Some(table) => self.virtual_tables.push((statement.line, table)),
                    None => return Err(LoadError::script(statement.line, Problem::VirtualTable)),
                },
                Task::Run if !self.views.admit(statement.text) => {
                    return Err(LoadError::script(statement.line, Problem::Big));
                }
                Task::Run if generated::is_too_long(statement.text) => {
                    return Err(LoadError::script(statement.line, Problem::Deep));
                }
                Task::Run | Task::Sequence => {
                    self.execute(&statement)?;
                    self.look_at_altered(&statement)?;
                }
            }
            if self.read - told > 1 << 20 {
                meter.add(0, self.read - told);
                told = self.read;
            }
        }
        meter.add(0, self.read - told);
        match open_since {
            Some(line) => Err(LoadError::script(line, Problem::Uncommitted)),
            None => Ok(()),
        }
    }

    /// Enters the virtual tables and closes the database, which is then an ordinary file.
    ///
    /// Fails if a virtual table does not work, or the file cannot be written.
    pub fn finish(mut self) -> Result<(), LoadError> {
        self.guard.lift(&mut self.connection).map_err(|error| store(&error))?;
        for (line, table) in &self.virtual_tables {
            if !table.enter(&self.connection).map_err(|error| store(&error))? {
                return Err(LoadError::script(*line, Problem::VirtualTable));
            }
        }
        self.connection.execute_batch("COMMIT").map_err(|error| store(&error))?;
        self.connection.close().map_err(|(_, error)| store(&error))?;
        if self.virtual_tables.is_empty() {
            return Ok(());
        }
        let mut connection = Connection::open(&self.path).map_err(|error| store(&error))?;
        connection.execute_batch("PRAGMA trusted_schema = OFF").map_err(|error| store(&error))?;
        // The tables that a module reads were filled by the script.
        let guard =
            Guard::set(&mut connection, self.guard.budget(), &self.job).map_err(|error| store(&error))?;
        guard.start(self.read, self.spent);
        match self.virtual_tables.iter().find(|(_, table)| !table.works(&connection)) {
            Some(_) if self.job.is_stopped() => Err(LoadError::Aborted),
            Some((line, _)) => Err(LoadError::script(*line, Problem::VirtualTable)),
            None => Ok(()),
        }
    }

    fn execute(&mut self, statement: &Statement<'_>) -> Result<(), LoadError> {
        let before = worked();
        self.guard.start(self.read, self.spent);
        let done = self.connection.prepare(statement.text).and_then(|mut prepared| {
            let mut rows = prepared.query([])?;
            while rows.next()?.is_some() {}
            Ok(())
        });
        self.spent += worked().saturating_sub(before);
        match done {
            // The clock is not looked at while a statement is parsed.
            Ok(()) if self.guard.is_overdue() => Err(LoadError::script(statement.line, Problem::Slow)),
            // A comment or a lone semicolon.
            Ok(()) | Err(rusqlite::Error::Empty) => Ok(()),
            Err(error) => Err(self.failure(statement, &error)),
        }
    }

    /// Looks at what ALTER has added to a table. It may have added one expression at most.
    fn look_at_altered(&self, statement: &Statement<'_>) -> Result<(), LoadError> {
        if !tokens(statement.text).next().is_some_and(|first| first.is_word("ALTER")) {
            return Ok(());
        }
        match generated::too_long(&self.connection) {
            Ok(None) => Ok(()),
            Ok(Some(_)) => Err(LoadError::script(statement.line, Problem::Deep)),
            Err(error) => Err(self.failure(statement, &error)),
        }
    }

    fn failure(&self, statement: &Statement<'_>, error: &rusqlite::Error) -> LoadError {
        let source = code(error);
        let problem = match source.map(|error| error.extended_code & 0xff) {
            Some(ffi::SQLITE_INTERRUPT) if self.job.is_stopped() => return LoadError::Aborted,
            Some(ffi::SQLITE_INTERRUPT) => Problem::Slow,
            Some(ffi::SQLITE_TOOBIG) => Problem::Big,
            Some(ffi::SQLITE_FULL) if self.is_full() => Problem::Big,
            _ if is_of_disk(error) => return store(error),
            _ => match self.guard.refused() {
                Some(what) => Problem::Forbidden(what),
                None if !statement.closed => Problem::Unfinished,
                None if needs(error).is_some() => Problem::Lacking,
                None => Problem::Refused,
            },
        };
        LoadError::Script { line: statement.line, problem, source }
    }

    /// SQLite says "full" of a full disk and of `max_page_count` alike, and has rolled everything back by now. The file
    /// keeps its length.
    fn is_full(&self) -> bool {
        let written = std::fs::metadata(&self.path).map_or(0, |file| file.len());
        written.saturating_add(UNWRITTEN) >= self.most_bytes
    }

    fn has_sequence(&self) -> bool {
        let found = self.connection.query_row(
            "SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'",
            [],
            |_| Ok(()),
        );
        found.optional().is_ok_and(|found| found.is_some())
    }
}

#[cfg(test)]
mod tests;
