//! The rows, loaded into a file without a name, compared, and then named.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tempfile::TempPath;

use super::RestoredTable;
use crate::archive::{Archive, Workspace, take_name};
use crate::database::digest::TableDigest;
use crate::database::drill::{Drill, DrillReport, Expected};
use crate::database::quoted;
use crate::database::schema::Schema;
use crate::error::{Error, Result};
use crate::formats::backup::BackupMetadata;
use crate::job::{Job, Warning};

const MAIN: &str = "database.sql";
const EXTRA: &str = "database-extra.sql";
const FILE: &str = "restored.sqlite";
const ADVICE: &str = "nothing was restored; take another copy of the archive";
/// A loaded database is at most so many times as large as the SQL it came from, as a rule.
const GROWTH: u64 = 2;

/// Fails with `TARGET_NOT_EMPTY` when there is anything at `path`, or a journal or WAL of a database that was there.
pub(super) fn refuse_existing(path: &Path) -> Result<()> {
    let beside = ["", "-journal", "-wal"].map(|end| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    });
    match beside.iter().find(|path| path.symlink_metadata().is_ok()) {
        Some(found) => Err(taken(found)),
        None => Ok(()),
    }
}

fn taken(path: &Path) -> Error {
    Error::TargetNotEmpty {
        what: path.display().to_string(),
        problem: "a restore never writes over a database; name one that does not exist".into(),
    }
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
    let wanted = tables.iter().filter(|table| names.is_none_or(|names| names.contains(&table.name)));
    Ok(wanted
        .map(|table| RestoredTable { name: table.name.clone(), rows: table.rows, matches: false })
        .collect())
}

/// A database that is loaded and compared, and has no name yet.
pub(super) struct Rows {
    file: TempPath,
    target: PathBuf,
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
        let folder = match target.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let workspace = Workspace::create(folder)?;
        workspace.ensure_space(metadata.database.sql_bytes.saturating_mul(GROWTH))?;
        let path = workspace.path(FILE);
        let has_extra = archive.names().any(|name| name == EXTRA);
        let corrupt = |problem: String, archive: &Archive| Error::ArchiveCorrupt {
            path: archive.path().to_owned(),
            problem,
            source: None,
        };
        let mut load = || {
            let mut drill = Drill::start_to_keep(&path, metadata.database.sql_bytes, ADVICE, job)?;
            drill.load(MAIN, BufReader::new(archive.open_entry(MAIN)?))?;
            if has_extra {
                drill.load(EXTRA, BufReader::new(archive.open_entry(EXTRA)?))?;
            }
            drill.compare(&expected(metadata))
        };
        let mut found = load().map_err(|error| match error {
            Error::DrillFailed { problem, .. } => corrupt(problem, archive),
            error => error,
        })?;
        let file = TempPath::try_from_path(&path).map_err(|error| Error::output(&path, error))?;
        if chosen.len() < metadata.database.tables.len() {
            let kept = chosen.iter().map(|table| table.name.as_str()).collect();
            found.warnings.extend(drop_others(&path, &kept)?);
        }
        let flushed = File::options().write(true).open(&path).and_then(|file| file.sync_all());
        flushed.map_err(|error| Error::output(&path, error))?;
        Ok(Rows { file, target: target.to_owned(), found, _workspace: workspace })
    }

    /// Gives the database its name, unless somebody took it meanwhile.
    pub(super) fn publish(self) -> Result<DrillReport> {
        take_name(self.file, &self.target, false).map_err(|error| match error {
            Error::ArchiveExists { path } => taken(&path),
            error => error,
        })?;
        Ok(self.found)
    }
}

fn expected(metadata: &BackupMetadata) -> Expected {
    let tables = metadata.database.tables.iter().map(|table| TableDigest {
        name: table.name.clone(),
        rows: table.rows,
        digest: table.digest.clone(),
    });
    Expected { tables: tables.collect(), makings: None }
}

/// Drops the tables that were not chosen, with their indexes and triggers, and the views that then show nothing.
fn drop_others(path: &Path, kept: &HashSet<&str>) -> Result<Vec<Warning>> {
    let drop = || -> rusqlite::Result<Vec<Warning>> {
        let connection = Connection::open(path)?;
        connection.execute_batch(
            "PRAGMA trusted_schema = OFF; PRAGMA foreign_keys = OFF; PRAGMA legacy_alter_table = ON;",
        )?;
        let schema = Schema::read(&connection)?;
        let virtual_tables = schema.virtual_tables.iter().map(|table| &table.name);
        let ordinary = schema.tables.iter().map(|table| &table.name);
        for name in virtual_tables.chain(ordinary).filter(|name| !kept.contains(name.as_str())) {
            connection.execute_batch(&format!("DROP TABLE IF EXISTS main.{}", quoted(name)))?;
        }
        let mut warnings = Vec::new();
        let views: Vec<String> = connection
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'view'")?
            .query_map([], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        for view in views {
            if connection.prepare(&format!("SELECT * FROM main.{}", quoted(&view))).is_err() {
                connection.execute_batch(&format!("DROP VIEW main.{}", quoted(&view)))?;
                let message = "this view shows tables that were not chosen; it is not back";
                warnings.push(Warning::about("VIEW_LEFT_OUT", view, message));
            }
        }
        connection.execute_batch("VACUUM")?;
        Ok(warnings)
    };
    drop()
        .map_err(|error| match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => {
                Error::output(path, std::io::ErrorKind::StorageFull.into())
            }
            _ => {
                Error::Internal { problem: format!("tables that were not chosen cannot be dropped: {error}") }
            }
        })
        .inspect(|_| {
            // Left by a connection that did not end well; it goes with the folder otherwise.
            let _ = fs::remove_file(path.with_extension("sqlite-journal"));
        })
}
