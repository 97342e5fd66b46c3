//! The rows, loaded into a file without a name, compared, and then named.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempPath;

use super::RestoredTable;
use super::some_tables::{SEQUENCE, keep};
use crate::archive::{self, Archive, Workspace, take_name};
use crate::database::drill::{Drill, DrillReport, Expected, Fate};
use crate::error::{Error, Result};
use crate::flush;
use crate::folder;
use crate::formats::backup::{BackupMetadata, EXTRA, MAIN, loaded_size};
use crate::job::{Job, Phase, excerpt};
use crate::sqlite::with_ending;

const FILE: &str = "restored.sqlite";
const ADVICE: &str = "nothing was restored; take another copy of the archive";

/// Fails with `TARGET_NOT_EMPTY` when there is anything at `path`, or a journal or WAL of a database that was there.
pub(super) fn refuse_existing(path: &Path) -> Result<()> {
    let mut beside = ["", "-journal", "-wal"].into_iter().map(|ending| with_ending(path, ending));
    match beside.find(|path| path.symlink_metadata().is_ok()) {
        Some(found) => Err(taken(&found)),
        None => Ok(()),
    }
}

fn taken(path: &Path) -> Error {
    Error::TargetNotEmpty {
        what: path.display().to_string(),
        problem: "a restore never writes over a database; name one that does not exist".into(),
    }
}

/// Fails with `OUTPUT_UNWRITABLE` or `DISK_FULL` when it shows already that a database cannot be made at `path`.
pub(super) fn preflight(archive: &mut Archive, path: &Path) -> Result<()> {
    archive::preflight(folder::of(path), loaded_size(bytes_of_sql(archive)?))
}

/// The tables that are to come back.
pub(super) fn chosen(names: Option<&[String]>, metadata: &BackupMetadata) -> Result<Vec<RestoredTable>> {
    let tables = &metadata.database.tables;
    if let Some(unknown) =
        names.into_iter().flatten().find(|name| tables.iter().all(|table| table.name != **name))
    {
        let known: Vec<_> = tables.iter().map(|table| table.name.as_str()).collect();
        return Err(Error::invalid(format!(
            "tables names {unknown:?}, which the backup has not; it has {}",
            known.join(", ")
        )));
    }
    if names.is_some_and(|names| !names.is_empty() && names.iter().all(|name| name == SEQUENCE)) {
        return Err(Error::invalid(format!(
            "tables names {SEQUENCE} alone, which holds the counters of other tables: name those too"
        )));
    }
    let wanted = tables.iter().filter(|table| names.is_none_or(|names| names.contains(&table.name)));
    Ok(wanted
        .map(|table| RestoredTable { name: table.name.clone(), rows: table.rows, matches: false })
        .collect())
}

/// A database that is loaded and compared, and has no name yet.
pub(super) struct Rows {
    file: TempPath,
    target: PathBuf,
    tables: Vec<RestoredTable>,
    found: DrillReport,
    // After `file`, which lies in it.
    _workspace: Workspace,
}

impl Rows {
    /// Loads all of the SQL, compares it with the digests in the archive, and drops what was not chosen.
    pub(super) fn load(
        archive: &mut Archive,
        target: &Path,
        metadata: &BackupMetadata,
        chosen: &[RestoredTable],
        job: &Job,
    ) -> Result<Rows> {
        let workspace = Workspace::create(folder::of(target))?;
        let path = workspace.path(FILE);
        let tables_in_all = metadata.database.tables.len();
        let bytes = bytes_of_sql(archive)?;
        workspace.ensure_space(loaded_size(bytes))?;
        let meter = Arc::new(job.meter(Phase::Database, Some(tables_in_all as u64), Some(bytes)));
        let drill = Drill::start(&path, bytes, Fate::Kept, ADVICE, job, Arc::clone(&meter));
        let mut found = drill
            .and_then(|drill| load_all(archive, drill, &metadata.database.expected()))
            .map_err(|error| match error {
                Error::DrillFailed { problem, .. } => Error::corrupt(archive.path(), problem, None),
                error => error,
            })?;
        let file = TempPath::try_from_path(&path).map_err(|error| Error::output(&path, error))?;
        let mut tables: Vec<RestoredTable> = chosen.to_vec();
        if chosen.len() < tables_in_all {
            let expected = metadata.database.expected().tables;
            let expected = expected.into_iter().filter(|table| chosen.iter().any(|it| it.name == table.name));
            found = keep(&path, expected.collect(), &mut tables, job)?;
        } else {
            tables.iter_mut().for_each(|table| table.matches = true);
        }
        let flushed = File::options().write(true).open(&path).and_then(|file| flush::file(&file));
        flushed.map_err(|error| Error::output(&path, error))?;
        meter.finish();
        Ok(Rows { file, target: target.to_owned(), tables, found, _workspace: workspace })
    }

    /// Gives the database its name, unless somebody took it meanwhile.
    pub(super) fn publish(self) -> Result<(Vec<RestoredTable>, DrillReport)> {
        take_name(self.file, &self.target, false).map_err(|error| match error {
            Error::ArchiveExists { path } => taken(&path),
            error => error,
        })?;
        Ok((self.tables, self.found))
    }
}

/// Bytes of the SQL in the archive.
fn bytes_of_sql(archive: &mut Archive) -> Result<u64> {
    let extra = if archive.holds(EXTRA) { archive.size_of(EXTRA)? } else { 0 };
    Ok(archive.size_of(MAIN)?.saturating_add(extra))
}

/// Loads all of the SQL and compares it with the digests in the archive.
fn load_all(archive: &mut Archive, mut drill: Drill, expected: &Expected) -> Result<DrillReport> {
    drill.load(MAIN, BufReader::new(archive.open_entry(MAIN)?))?;
    if archive.holds(EXTRA) {
        drill.load(EXTRA, BufReader::new(archive.open_entry(EXTRA)?))?;
    }
    let found = drill.compare(expected)?;
    match found.unlisted.first() {
        Some(name) => {
            let name = excerpt(name);
            let problem =
                format!("the table {name} is in its SQL, and its metadata.json does not list it; {ADVICE}");
            Err(Error::corrupt(archive.path(), problem, None))
        }
        None => Ok(found),
    }
}
