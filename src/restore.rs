//! What a backup is for: its rows as a SQLite file, its photos as files under their exact keys.
//!
//! Order of work: the archive is read whole and must be as it was written; everything that can be refused is refused
//! before anything is written; the rows are loaded into a file of their own and compared with the digests of the
//! archive; the photos follow, each under a name of its own until it is whole; at last the database gets its name. So
//! a restore that was broken off can be started again: photos that are there already are skipped.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use globset::GlobSet;

use crate::archive::Archive;
use crate::database::drill::DrillReport;
use crate::error::Result;
use crate::formats::backup::BackupMetadata;
use crate::formats::index::IndexedPhoto;
use crate::job::{Job, Phase, Warning, blocking_deep};
use crate::options::S3Options;

mod held;
mod photos;
mod rows;
mod some_tables;
mod target;
mod targets;

use held::{Held, not_for_d1, not_inside};
use photos::Photos;
use rows::Rows;
use targets::Targets;

/// What comes back, and where to.
#[derive(Debug, Clone, Default)]
pub struct RestoreOptions {
    /// The SQLite file that is made, mode 0600.
    pub database: Option<PathBuf>,
    /// The folder that receives the photos.
    pub photos_dir: Option<PathBuf>,
    /// A database, a bucket or both in wrangler's local state.
    pub wrangler: Option<LocalTarget>,
    /// The bucket of R2 or any other S3 store that receives the photos.
    pub s3: Option<S3Options>,
    /// The tables that come back; none: all.
    pub tables: Option<Vec<String>>,
    /// Globs of the keys that come back, where `*` stops at no `/`; none: all.
    pub keys: Option<Vec<String>>,
    /// Says what would be done, and does nothing.
    pub dry_run: Option<bool>,
}

/// Where things come back to in wrangler's local state.
#[derive(Debug, Clone, Default)]
pub struct LocalTarget {
    /// The id of the D1 database; its file must not exist.
    pub database_id: Option<String>,
    /// The name of the R2 bucket; made when it is missing.
    pub bucket: Option<String>,
    /// The folder of the state; default `.wrangler/state/v3`; made when it is missing.
    pub state_dir: Option<PathBuf>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct RestoreReport {
    /// The tables, in the order of the schema; none without a database.
    pub tables: Vec<RestoredTable>,
    /// Photos that were written.
    pub photos: u64,
    /// Photos that were there already, byte for byte.
    pub skipped: u64,
    /// Bytes of photos that were written.
    pub bytes: u64,
    /// What SQLite says of the database: `ok`, or the first thing wrong, as in the source; `skipped` when no database
    /// was made.
    pub integrity_check: String,
    /// References to a parent that is missing, two of one row counted twice; as many as in the source where all tables
    /// are back.
    pub foreign_key_problems: u64,
    /// Whether all that the archive holds is back, and the archive is complete.
    pub restored_everything: bool,
    /// What is not back, and why.
    pub warnings: Vec<Warning>,
}

/// A table that came back.
#[derive(Debug, Clone)]
pub struct RestoredTable {
    /// Its name.
    pub name: String,
    /// Its rows.
    pub rows: u64,
    /// Whether it has the digest that was noted when the backup was made; false in a dry run, which loads nothing.
    pub matches: bool,
}

/// Restores a backup, or the part of it that is asked for.
///
/// Fails with `INVALID_OPTIONS`; with `ARCHIVE_CORRUPT` when the archive is not as it was written or its rows do not
/// load; with `TARGET_NOT_EMPTY` when the database exists, or another file stands where a photo belongs; with
/// `OUTPUT_UNWRITABLE`, `DISK_FULL` and `ABORT_ERR`; with `SOURCE_UNREACHABLE` and `SOURCE_REFUSED` when a bucket takes
/// nothing. The databases appear whole, both where two are asked for, or not at all; photos that were written before a
/// failure stay, and are skipped the next time.
pub async fn restore_backup(path: PathBuf, options: RestoreOptions, job: Job) -> Result<RestoreReport> {
    blocking_deep(move || restore(&path, &options, &job)).await
}

fn restore(path: &Path, options: &RestoreOptions, job: &Job) -> Result<RestoreReport> {
    job.check()?;
    let wanted = photos::wanted(options.keys.as_deref())?;
    let targets = Targets::named(options)?;
    for database in &targets.databases {
        rows::refuse_existing(database)?;
    }
    let meter = job.meter(Phase::Verify, None, None);
    let mut archive = Archive::open_metered(path, job, &meter)?;
    meter.finish();
    let Plan { databases, tables, photos, metadata, is_everything, mut report } =
        Plan::of(&mut archive, targets, options, &wanted, job)?;
    if options.dry_run == Some(true) {
        report.tables = if databases.is_empty() { Vec::new() } else { tables };
        return Ok(report);
    }
    let rows = databases
        .iter()
        .map(|target| Rows::load(&mut archive, target, &metadata, &tables, job))
        .collect::<Result<Vec<_>>>()?;
    for photos in photos {
        photos.write(&mut archive, job)?;
    }
    job.check()?;
    if let Some((tables, found)) = publish(rows, &databases)? {
        report.tables = tables;
        report.integrity_check = found.integrity_check;
        report.foreign_key_problems = found.foreign_key_problems;
        report.warnings.extend(found.warnings);
    }
    report.restored_everything = is_everything;
    Ok(report)
}

/// Gives the databases their names: all of them, or none. The same rows were loaded into each, so the same was found.
fn publish(rows: Vec<Rows>, databases: &[PathBuf]) -> Result<Option<(Vec<RestoredTable>, DrillReport)>> {
    let mut found = None;
    for (at, rows) in rows.into_iter().enumerate() {
        found = Some(rows.publish().inspect_err(|_| {
            for named in &databases[..at] {
                let _ = fs::remove_file(named);
            }
        })?);
    }
    Ok(found)
}

/// What is to be done, once everything was looked at and before anything is written.
struct Plan {
    databases: Vec<PathBuf>,
    tables: Vec<RestoredTable>,
    photos: Vec<Photos>,
    metadata: BackupMetadata,
    /// Whether all that the backup is to hold will be back.
    is_everything: bool,
    /// What is known by now.
    report: RestoreReport,
}

impl Plan {
    /// Looks at the archive and the targets. Fails with what shows by now that it cannot be done.
    fn of(
        archive: &mut Archive,
        targets: Targets,
        options: &RestoreOptions,
        wanted: &GlobSet,
        job: &Job,
    ) -> Result<Plan> {
        let Held { metadata, index, odd } = Held::read(archive)?;
        let tables = rows::chosen(options.tables.as_deref(), &metadata)?;
        let Targets { databases, photos: targets } = targets;
        let is_with_photos = !targets.is_empty();
        let unmatched = photos::unmatched(options.keys.as_deref(), wanted, &index);
        let held = index.len();
        let chosen: Arc<Vec<IndexedPhoto>> =
            Arc::new(index.into_iter().filter(|photo| wanted.is_match(&*photo.key)).collect());
        let is_all_wanted = !databases.is_empty()
            && (is_with_photos || held == 0)
            && tables.len() == metadata.database.tables.len()
            && chosen.len() == held;
        for database in &databases {
            rows::preflight(archive, database)?;
        }
        let photos = targets
            .into_iter()
            .map(|target| Photos::look(target, archive, &chosen, job))
            .collect::<Result<Vec<_>>>()?;
        let is_all_possible = photos.iter().all(|photos| photos.warnings().is_empty());
        let is_everything = metadata.complete && odd.is_empty() && is_all_wanted && is_all_possible;
        let mut report = foreseen(&photos);
        report.warnings.extend(unmatched);
        if is_with_photos {
            report.warnings.extend(not_inside(&metadata, wanted));
        }
        report.warnings.extend(odd);
        if options.wrangler.as_ref().is_some_and(|local| local.database_id.is_some()) {
            report.warnings.extend(not_for_d1(&metadata));
        }
        Ok(Plan { databases, tables, photos, metadata, is_everything, report })
    }
}

/// What is known before anything is written.
fn foreseen(photos: &[Photos]) -> RestoreReport {
    RestoreReport {
        tables: Vec::new(),
        photos: photos.iter().map(Photos::to_write).sum(),
        skipped: photos.iter().map(Photos::skipped).sum(),
        bytes: photos.iter().map(Photos::bytes_to_write).fold(0, u64::saturating_add),
        integrity_check: "skipped".into(),
        foreign_key_problems: 0,
        restored_everything: false,
        warnings: photos.iter().flat_map(Photos::warnings).cloned().collect(),
    }
}
