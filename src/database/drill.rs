//! The restore drill: what was written is loaded into a database of its own and compared with the source.
//!
//! Nothing of the source is read here: what it held is told by the digests that were taken when it was written.

use std::collections::{BTreeSet, HashSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::definition::Definition;
use super::digest::TableDigest;
use super::schema::Schema;
use super::script::{Budget, LoadError, Loader};
use crate::error::{Error, Result};
use crate::job::{Job, Meter, Warning, excerpt};

mod inspection;

use inspection::{Found, Inspection};

/// Every CHECK is made once all rows are there, by `integrity_check`: for each row as it comes it would be made twice.
const WITHOUT_CHECKS: &[u8] = b"PRAGMA ignore_check_constraints=1;";

/// A database into which database.sql and database-extra.sql are loaded.
pub struct Drill {
    loader: Loader,
    path: PathBuf,
    /// What to do about a failure.
    advice: &'static str,
    job: Job,
    meter: Arc<Meter>,
}

/// What becomes of the database that a drill loads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is looked at once and thrown away.
    Scratch,
    /// It stays if it passes.
    Kept,
}

/// What a drill has to find.
#[derive(Debug, Clone)]
pub struct Expected {
    /// Every table with its rows and digest.
    pub tables: Vec<TableDigest>,
    /// Every object; none where nobody noted them.
    pub definitions: Option<BTreeSet<Definition>>,
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
    /// References to a parent that is missing, two of one row counted twice.
    pub foreign_key_problems: u64,
    /// Differences that come from damage in the source.
    pub warnings: Vec<Warning>,
    /// Tables that are there and were not expected.
    pub unlisted: Vec<String>,
}

impl Drill {
    /// A drill that loads into a new file at `path`, for scripts of about `bytes` together. `advice` ends the message
    /// of a failure; `meter` hears of the bytes that are loaded and the tables that are compared.
    pub fn start(
        path: &Path,
        bytes: u64,
        fate: Fate,
        advice: &'static str,
        job: &Job,
        meter: Arc<Meter>,
    ) -> Result<Drill> {
        let create = match fate {
            Fate::Scratch => Loader::create_scratch,
            Fate::Kept => Loader::create,
        };
        let loader = create(path, Budget::for_bytes(bytes), job)
            .and_then(|mut loader| loader.run(WITHOUT_CHECKS, &Meter::silent()).map(|()| loader))
            .map_err(|error| failed(error, "", path, advice))?;
        Ok(Drill { loader, path: path.to_owned(), advice, job: job.clone(), meter })
    }

    /// Loads the script called `name`.
    pub fn load(&mut self, name: &str, script: impl Read) -> Result<()> {
        self.loader.run(script, &self.meter).map_err(|error| failed(error, name, &self.path, self.advice))
    }

    /// Compares what was loaded with what the source held, and has SQLite check it.
    pub fn compare(self, expected: &Expected) -> Result<DrillReport> {
        self.loader.finish().map_err(|error| failed(error, "database.sql", &self.path, self.advice))?;
        inspect(&self.path, expected, self.advice, &self.job, &self.meter)
    }
}

/// Compares the database at `path`, which nobody else uses, with what it should hold, and has SQLite check it. `meter`
/// hears of each table.
pub fn inspect(
    path: &Path,
    expected: &Expected,
    advice: &str,
    job: &Job,
    meter: &Meter,
) -> Result<DrillReport> {
    let inspection = Inspection { path, advice, job, meter };
    let schema = inspection.schema()?;
    if let Some(definitions) = &expected.definitions
        && let Some(definition) = definitions.symmetric_difference(&schema.definitions()).next()
    {
        let (kind, name) = (&definition.kind, excerpt(&definition.name));
        let problem = format!("the {kind} {name} did not come back as it was; {advice}");
        return Err(Error::DrillFailed { problem, source: None });
    }
    let found = inspection.run(&schema, expected)?;
    Ok(DrillReport {
        tables: expected.tables.len() as u64,
        rows: expected.tables.iter().map(|table| table.rows).sum(),
        integrity_check: found.integrity_check(),
        foreign_key_problems: found.foreign_key_problems,
        warnings: compare(&found, &schema, expected, advice)?,
        unlisted: unlisted(&found, expected),
    })
}

/// Tables that were found and nobody expects, sorted.
fn unlisted(found: &Found, expected: &Expected) -> Vec<String> {
    let expected: HashSet<&str> = expected.tables.iter().map(|table| table.name.as_str()).collect();
    let mut unlisted: Vec<String> =
        found.digests.keys().filter(|name| !expected.contains(name.as_str())).cloned().collect();
    unlisted.sort_unstable();
    unlisted
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

/// Tells whether every table came back with what it held. Differences that come from damage in the source are warnings.
fn compare(found: &Found, schema: &Schema, expected: &Expected, advice: &str) -> Result<Vec<Warning>> {
    let mut warnings = Vec::new();
    for table in &expected.tables {
        let name = excerpt(&table.name);
        let problem = match found.digests.get(&table.name) {
            Some(loaded) if loaded == table => continue,
            None => format!("the table {name} did not come back"),
            Some(loaded) if loaded.rows != table.rows => {
                format!("the table {name} came back with {} of {} rows", loaded.rows, table.rows)
            }
            Some(_) if is_full_text(schema, &table.name) => {
                warnings.push(Warning::about(
                    "INDEX_DAMAGED",
                    &table.name,
                    "this full-text index did not find what its own rows hold; the one that a restore makes does",
                ));
                continue;
            }
            Some(_) => format!("the table {name} came back with other content"),
        };
        return Err(Error::DrillFailed { problem: format!("{problem}; {advice}"), source: None });
    }
    Ok(warnings)
}

/// Where the rows are right and the index is not, the index was wrong before: it is made from the rows.
fn is_full_text(schema: &Schema, name: &str) -> bool {
    schema.virtual_tables.iter().any(|table| table.name == name && table.module == "fts5")
}
