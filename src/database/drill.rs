//! The restore drill: what was written is loaded into a database of its own and compared with the source.
//!
//! Nothing of the source is read here: what it held is told by the digests that were taken when it was written.

use std::collections::{BTreeSet, HashMap};
use std::io::Read;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};

use super::digest::{self, TableDigest};
use super::making::Making;
use super::quoted_text;
use super::schema::Schema;
use super::script::{Budget, LoadError, Loader};
use crate::error::{Error, Result};
use crate::job::{Job, Meter, Phase, Warning};

/// Every CHECK is made once all rows are there, by `integrity_check`: for each row as it comes it would be made twice.
const WITHOUT_CHECKS: &[u8] = b"PRAGMA ignore_check_constraints=1;";
/// A database into which database.sql and database-extra.sql are loaded.
pub struct Drill {
    loader: Loader,
    path: PathBuf,
    /// What to do about a failure.
    advice: &'static str,
    job: Job,
}

/// What a drill has to find.
#[derive(Debug, Clone)]
pub struct Expected {
    /// Every table with its rows and digest.
    pub tables: Vec<TableDigest>,
    /// Every object; none where nobody noted them.
    pub makings: Option<BTreeSet<Making>>,
}

/// What a drill found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrillReport {
    /// Tables compared.
    pub tables: u64,
    /// Rows compared.
    pub rows: u64,
    /// `ok`, or the first thing that SQLite finds wrong with what was loaded.
    pub integrity_check: String,
    /// Rows whose parent is missing.
    pub foreign_key_problems: u64,
    /// Differences that come from damage in the source.
    pub warnings: Vec<Warning>,
}

impl Drill {
    /// A drill that loads into a new file at `path`, for scripts of about `bytes` together. `advice` ends the message
    /// of a failure.
    pub fn start(path: &Path, bytes: u64, advice: &'static str, job: &Job) -> Result<Drill> {
        let loader = Loader::create(path, Budget::for_bytes(bytes), job)
            .and_then(|mut loader| loader.run(WITHOUT_CHECKS, &unseen()).map(|()| loader))
            .map_err(|error| failed(error, "", path, advice))?;
        Ok(Drill { loader, path: path.to_owned(), advice, job: job.clone() })
    }

    /// Loads the script called `name`. Nobody is told: it goes on beside phases that are.
    pub fn load(&mut self, name: &str, script: impl Read) -> Result<()> {
        self.loader.run(script, &unseen()).map_err(|error| failed(error, name, &self.path, self.advice))
    }

    /// Compares what was loaded with what the source held. Two readers go over the file side by side: one compares,
    /// the other has SQLite check it.
    pub fn compare(self, expected: &Expected) -> Result<DrillReport> {
        self.loader.finish().map_err(|error| failed(error, "database.sql", &self.path, self.advice))?;
        let (path, job, advice) = (&self.path, &self.job, self.advice);
        let (checked, compared) = std::thread::scope(|scope| {
            let check = scope.spawn(|| read(path, advice, job, check));
            let compared = read(path, advice, job, |connection| compare(connection, expected, advice));
            (check.join(), compared)
        });
        let checked =
            checked.map_err(|_| Error::Internal { problem: "the drill's check did not end".into() })?;
        let ((integrity_check, foreign_key_problems), warnings) = (checked?, compared??);
        Ok(DrillReport {
            tables: expected.tables.len() as u64,
            rows: expected.tables.iter().map(|table| table.rows).sum(),
            integrity_check,
            foreign_key_problems,
            warnings,
        })
    }
}

/// What `integrity_check` begins with when pages are damaged or cannot be read.
const PAGES: &str = "*** in database ";

fn unseen() -> Meter {
    Job::unattended().meter(Phase::Verify, None, None)
}

fn failed(error: LoadError, script: &str, store: &Path, advice: &str) -> Error {
    match error {
        LoadError::Aborted => Error::Aborted,
        LoadError::Store(error) => Error::output(store, error),
        error => Error::DrillFailed {
            problem: format!("{script} does not load ({error}); {advice}"),
            source: Some(Box::new(error)),
        },
    }
}

/// Opened for writing, though nothing is written: SQLite drops every CHECK of a database that it opens read-only.
fn read<T>(
    path: &Path,
    advice: &str,
    job: &Job,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> Result<T> {
    let job = job.clone();
    let open = || {
        let mut connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA cache_size = -8192")?;
        connection.progress_handler(10_000, Some(move || job.is_stopped()))?;
        work(&connection)
    };
    open().map_err(|error| match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => Error::Aborted,
        _ => Error::DrillFailed {
            problem: format!("what was loaded cannot be read; {advice}"),
            source: error.sqlite_error().map(|code| Box::new(*code) as _),
        },
    })
}

/// Rows may break a CHECK as they did in the source. The file itself was only just made: what is wrong with its pages
/// is the disk's doing, and SQLite tells it first.
fn check(connection: &Connection) -> rusqlite::Result<(String, u64)> {
    let integrity: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if integrity.starts_with(PAGES) {
        return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), None));
    }
    Ok((integrity, foreign_key_problems(connection)?))
}

/// Table by table: a key that names no key of its parent is an error of its own, and is there in the source.
fn foreign_key_problems(connection: &Connection) -> rusqlite::Result<u64> {
    let mut problems = 0;
    for table in &Schema::read(connection)?.tables {
        let sql = format!("SELECT count(*) FROM pragma_foreign_key_check({})", quoted_text(&table.name));
        match connection.query_row(&sql, [], |row| row.get::<_, i64>(0)) {
            Ok(count) => problems += count as u64,
            Err(rusqlite::Error::SqliteFailure(error, _)) if error.code == ErrorCode::Unknown => {}
            Err(error) => return Err(error),
        }
    }
    Ok(problems)
}

/// The outer result is SQLite's, the inner one the drill's.
fn compare(
    connection: &Connection,
    expected: &Expected,
    advice: &str,
) -> rusqlite::Result<Result<Vec<Warning>>> {
    let schema = Schema::read(connection)?;
    if let Some(makings) = &expected.makings
        && let Some(making) = makings.symmetric_difference(&schema.makings()).next()
    {
        let problem = format!("the {} {} did not come back as it was; {advice}", making.kind, making.name);
        return Ok(Err(Error::DrillFailed { problem, source: None }));
    }
    let loaded = digest::database(connection, &schema)?;
    let loaded: HashMap<&str, &TableDigest> =
        loaded.iter().map(|table| (table.name.as_str(), table)).collect();
    let mut warnings = Vec::new();
    for table in &expected.tables {
        let problem = match loaded.get(table.name.as_str()) {
            Some(found) if *found == table => continue,
            None => format!("the table {} did not come back", table.name),
            Some(found) if found.rows != table.rows => {
                format!("the table {} came back with {} of {} rows", table.name, found.rows, table.rows)
            }
            Some(_) if is_full_text(&schema, &table.name) => {
                warnings.push(Warning::about(
                    "INDEX_DAMAGED",
                    &table.name,
                    "this full-text index did not find what its own rows hold; the one that a restore makes does",
                ));
                continue;
            }
            Some(_) => format!("the table {} came back with other content", table.name),
        };
        return Ok(Err(Error::DrillFailed { problem: format!("{problem}; {advice}"), source: None }));
    }
    Ok(Ok(warnings))
}

/// Where the rows are right and the index is not, the index was wrong before: it is made from the rows.
fn is_full_text(schema: &Schema, name: &str) -> bool {
    schema.virtual_tables.iter().any(|table| table.name == name && table.module == "fts5")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::fs;

    use super::*;

    #[test]
    fn what_a_disk_gives_back_damaged_fails_and_a_broken_check_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("loaded.sqlite");
        let make = "PRAGMA ignore_check_constraints = ON; CREATE TABLE t(a CHECK (a > 0));
            INSERT INTO t VALUES (-1); CREATE TABLE filler(b); INSERT INTO filler VALUES (zeroblob(50000))";
        Connection::open(&path).unwrap().execute_batch(make).unwrap();
        let (integrity, _) = check(&Connection::open(&path).unwrap()).unwrap();
        assert_eq!(integrity, "CHECK constraint failed in t");
        let mut bytes = fs::read(&path).unwrap();
        let page = bytes.len() / 2 / 4096 * 4096;
        bytes[page..page + 4].fill(0xff);
        fs::write(&path, bytes).unwrap();
        let failure = read(&path, "try again", &Job::unattended(), check).unwrap_err();
        assert_eq!(failure.code(), "DRILL_FAILED");
    }
}
