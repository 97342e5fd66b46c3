//! Private copies of a database: through SQLite while it lives, file by file when a dead writer left it behind.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use rusqlite::backup::{Backup, Progress, StepResult};
use rusqlite::{Connection, ffi};
use tempfile::TempPath;

use super::place::{Place, trace, with_ending};
use super::private_database;
use super::trouble::{self, as_io};
use crate::error::{Error, IN_USE, Result, is_in_use};
use crate::job::{Job, Meter};
use crate::private_file;

/// Pages between two looks at the stop token: some milliseconds.
const STEP: i32 = 4096;
/// Bytes between two looks at the stop token.
const CHUNK: u64 = 16 << 20;

/// Makes private copies of one database.
#[derive(Clone, Copy)]
pub struct Copier<'a> {
    /// What the database is called in messages.
    pub origin: &'a Path,
    /// The folder that receives the copies.
    pub work: &'a Path,
    /// Ends the copying when it is stopped.
    pub job: &'a Job,
    /// Hears of the bytes that are copied.
    pub meter: &'a Meter,
}

impl Copier<'_> {
    /// Copies what `source` sees, page by page; it must be within a read transaction, which makes the steps one state.
    pub fn through_sqlite(&self, source: &Connection) -> Result<TempPath> {
        let Copier { origin, work, job, meter } = *self;
        let copy = private_database(work)?;
        let mut target = Connection::open(&copy)
            .and_then(|target| {
                target.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")?;
                Ok(target)
            })
            .map_err(|error| Error::output(&copy, as_io(&error)))?;
        let page_size: u32 = source
            .pragma_query_value(None, "page_size", |row| row.get(0))
            .map_err(|e| trouble::unreadable(origin, &e))?;
        let failure = |error: &rusqlite::Error| match trouble::extended(error) {
            ffi::SQLITE_IOERR_WRITE | ffi::SQLITE_IOERR_TRUNCATE | ffi::SQLITE_IOERR_FSYNC => {
                Error::output(&copy, as_io(error))
            }
            code if code & 0xff == ffi::SQLITE_FULL => Error::output(&copy, as_io(error)),
            _ => trouble::unreadable(origin, error),
        };
        let backup = Backup::new(source, &mut target).map_err(|error| failure(&error))?;
        let bytes = |pages: i32| u64::from(page_size) * u64::try_from(pages).unwrap_or(0);
        let mut done = 0;
        loop {
            job.check()?;
            let step = backup.step(STEP).map_err(|error| failure(&error))?;
            let Progress { pagecount, remaining } = backup.progress();
            if done == 0 {
                meter.expect_bytes(bytes(pagecount));
            }
            meter.add(0, bytes(pagecount - remaining - done));
            done = pagecount - remaining;
            match step {
                StepResult::Done => break,
                StepResult::Busy | StepResult::Locked => {
                    return Err(failure(&rusqlite::Error::SqliteFailure(
                        ffi::Error::new(ffi::SQLITE_BUSY),
                        None,
                    )));
                }
                _ => {}
            }
        }
        drop(backup);
        target.close().map_err(|(_, error)| Error::output(&copy, as_io(&error)))?;
        Ok(copy)
    }

    /// Copies a database and the file beside it whose name has this ending, `-journal` or `-wal`; then SQLite rolls back
    /// or folds in what that holds. `None` if either changed meanwhile, or the one beside is gone.
    ///
    /// Only for what nobody in this process has open: closing a file drops every POSIX lock that this process has on it.
    pub fn file_by_file(&self, place: &Place, ending: &str) -> Result<Option<TempPath>> {
        let Copier { origin, work, job, meter } = *self;
        let beside = place.beside(ending);
        let look = || (trace(&place.path), trace(&beside), place.has("-shm"));
        let before = look();
        let (own, others, _) = &before;
        meter.expect_bytes([own, others].into_iter().flatten().map(|trace| trace.size).sum());
        let copy = private_database(work)?;
        let copy_beside =
            TempPath::try_from_path(with_ending(&copy, ending)).map_err(|e| Error::output(work, e))?;
        let read = copy_one(&place.path, &copy, job, meter).and_then(|()| {
            if others.is_some() { copy_one(&beside, &copy_beside, job, meter) } else { Ok(()) }
        });
        if before != look() {
            job.check()?;
            return Ok(None);
        }
        match read {
            Ok(()) => {}
            Err(CopyError::Job(error)) => return Err(error),
            Err(CopyError::Read(error)) => {
                let problem = match is_in_use(&error) {
                    true => IN_USE,
                    false => "it cannot be copied; check that you may read it and the files beside it",
                };
                return Err(Error::unreadable(origin, problem, Some(Box::new(error))));
            }
        }
        // With a journal or a WAL, pages may rightly be missing.
        if others.is_none()
            && let Some(problem) =
                trouble::head(&copy).ok().and_then(|(head, size)| trouble::told_by_head(&head, size))
        {
            return Err(Error::unreadable(origin, problem, None));
        }
        settle(&copy).map_err(|error| match trouble::primary(&error) {
            ffi::SQLITE_FULL => Error::output(&copy, as_io(&error)),
            _ => trouble::unreadable(origin, &error),
        })?;
        Ok(Some(copy))
    }
}

/// Makes a copied database one file: opening it plays a journal back, leaving WAL mode folds the WAL in.
fn settle(copy: &Path) -> rusqlite::Result<()> {
    let connection = Connection::open(copy)?;
    connection.execute_batch(
        "PRAGMA trusted_schema = OFF; PRAGMA synchronous = OFF; SELECT count(*) FROM sqlite_schema;
         PRAGMA journal_mode = DELETE",
    )?;
    connection.close().map_err(|(_, error)| error)
}

enum CopyError {
    Read(io::Error),
    Job(Error),
}

fn copy_one(from: &Path, to: &Path, job: &Job, meter: &Meter) -> Result<(), CopyError> {
    let unwritable = |error| CopyError::Job(Error::output(to, error));
    let source = File::open(from).map_err(CopyError::Read)?;
    let mut target = match private_file::create(to) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => File::options().write(true).open(to),
        made => made,
    }
    .map_err(unwritable)?;
    let mut buffer = Vec::new();
    loop {
        job.check().map_err(CopyError::Job)?;
        buffer.clear();
        if (&source).take(CHUNK).read_to_end(&mut buffer).map_err(CopyError::Read)? == 0 {
            return Ok(());
        }
        target.write_all(&buffer).map_err(unwritable)?;
        meter.add(0, buffer.len() as u64);
    }
}
