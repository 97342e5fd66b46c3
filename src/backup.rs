//! The backup: options in, a verified archive and a report out.
//!
//! Order of work: the rows are read, and then the store of photos is listed; the database is written as SQL while the
//! drill loads what is written; the photos follow into the archive while the drill goes on, and beside all of it SQLite
//! checks whether the source is sound; then the index, the metadata with the drill's verdict, the README and the
//! checksums. The finished file is read back whole before it gets its name. Everything until then lies in a folder of
//! the job's own, which goes with it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use rusqlite::{Connection, ErrorCode};

use crate::archive::{ArchiveWriter, FinishedArchive, Workspace, refuse_taken};
use crate::database::as_io;
use crate::database::drill::DrillReport;
use crate::database::source::{Checked, Snapshot};
use crate::database::sql::{Doubt, Repairs};
use crate::error::{Error, Result};
use crate::formats::backup::BackupMetadata;
use crate::formats::{METADATA, README, SUMS, metadata_json};
use crate::inputs::take_snapshot;
use crate::job::{Job, Phase, Warning, blocking, blocking_deep, both, stop_on_error};

mod describe;
mod inputs;
pub mod options;
mod photos;
mod plan;
pub mod preview;
mod readme;
mod reuse;
mod rows;

pub use options::BackupOptions;
pub use preview::preview_backup;

use describe::Facts;
use inputs::Inputs;
use options::Settings;
use photos::Photos;
use plan::Plan;
use rows::{Rows, Work};

/// Where the tables of a database are tried that may break its own rules.
const TRIAL: &str = "trial.sqlite";

/// What a backup made.
#[derive(Debug, Clone)]
pub struct BackupReport {
    /// `backup-YYYY-MM-DD-HHMMSS.zip`.
    pub filename: String,
    /// Where it is, absolute.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// Lower-case hex of the whole file.
    pub sha256: String,
    /// Whether everything that the store holds was copied.
    pub complete: bool,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// Photos copied from the earlier backup instead of fetched.
    pub reused_photos: u64,
    /// metadata.json.
    pub metadata: BackupMetadata,
    /// What the operator should know; the same as in the metadata.
    pub warnings: Vec<Warning>,
}

/// Makes one backup. Nothing appears under the final name unless all of it was read back sound; after any error the
/// output folder is as it was.
pub async fn create_backup(options: BackupOptions, job: Job) -> Result<BackupReport> {
    let started = Instant::now();
    let settings = Arc::new(options.check()?);
    job.check()?;
    let filename = format!("backup-{}.zip", settings.common.now.format("%Y-%m-%d-%H%M%S"));
    let mut attempt = attempt(&settings, &filename, Repairs::default(), &job).await;
    if let Ok(Attempt::Again(repairs)) = attempt {
        attempt = self::attempt(&settings, &filename, repairs, &job).await;
    }
    match attempt? {
        Attempt::Made(mut report) => {
            report.duration_ms = started.elapsed().as_millis() as u64;
            Ok(*report)
        }
        Attempt::Again(_) => Err(Error::Internal { problem: "a second attempt asked for a third".into() }),
    }
}

/// How one attempt ended.
enum Attempt {
    /// The archive has its name.
    Made(Box<BackupReport>),
    /// The database breaks its own rules: with these repairs it can be loaded.
    Again(Repairs),
}

async fn attempt(settings: &Arc<Settings>, filename: &str, repairs: Repairs, whole: &Job) -> Result<Attempt> {
    let job = whole.branch();
    let workspace = {
        let (settings, filename) = (Arc::clone(settings), filename.to_owned());
        blocking(move || prepare(&settings, &filename)).await?
    };
    let first = repairs.is_none();
    let made = make(settings, &workspace, filename, repairs, &job).await;
    let (settings, filename) = (Arc::clone(settings), filename.to_owned());
    let ended = {
        // The branch may have been stopped by the very failure that is looked into.
        let whole = whole.clone();
        blocking_deep(move || {
            if first && let Some(doubt) = doubt(&made) {
                let repairs = find_repairs(&settings, &workspace, doubt, &whole)?;
                if !repairs.is_none() {
                    return Ok(Attempt::Again(repairs));
                }
            }
            let made = made?;
            whole.check()?;
            publish(made, &settings, &workspace, filename).map(|report| Attempt::Made(Box::new(report)))
        })
        .await
    };
    // Whatever still runs has nothing to work for.
    job.stop();
    ended
}

/// A drill that fails, or finds rows that break a CHECK, may be the fault of the database. Without one, whatever SQLite
/// finds in the source may keep its rows from coming back.
fn doubt(made: &Result<Made>) -> Option<Doubt> {
    match made {
        Ok(Made { metadata: BackupMetadata { drill: Some(drill), .. }, .. }) => {
            (drill.integrity_check != "ok").then_some(Doubt::Checks)
        }
        Ok(made) => (!made.is_sound).then_some(Doubt::Rows),
        Err(error) => matches!(error, Error::DrillFailed { .. }).then_some(Doubt::Rows),
    }
}

fn find_repairs(settings: &Settings, workspace: &Workspace, doubt: Doubt, job: &Job) -> Result<Repairs> {
    let snapshot = take_snapshot(&settings.common.database, workspace.folder(), job)?;
    let copy = snapshot.copied(workspace.folder(), job)?;
    workspace.create_file(TRIAL)?;
    let found =
        Connection::open(&copy).and_then(|copy| Repairs::find(&copy, doubt, &workspace.path(TRIAL), job));
    found.map_err(|error| match (job.check(), error.sqlite_error_code()) {
        (Err(aborted), _) => aborted,
        (Ok(()), Some(ErrorCode::DiskFull)) => Error::output(workspace.folder(), as_io(&error)),
        (Ok(()), _) => snapshot.failure(&error),
    })
}

fn publish(made: Made, settings: &Settings, workspace: &Workspace, filename: String) -> Result<BackupReport> {
    let path = workspace.output_dir().join(&filename);
    let (size, sha256) = (made.archive.size(), made.archive.sha256().to_owned());
    made.archive.publish(&path, settings.common.overwrite)?;
    Ok(BackupReport {
        filename,
        path,
        size,
        sha256,
        complete: made.metadata.complete,
        duration_ms: 0,
        reused_photos: made.reused_photos,
        warnings: made.metadata.warnings.clone(),
        metadata: made.metadata,
    })
}

/// Everything that can be refused before anything is read.
fn prepare(settings: &Settings, filename: &str) -> Result<Arc<Workspace>> {
    let workspace = Workspace::create(&settings.common.output_dir)?;
    let path = workspace.output_dir().join(filename);
    refuse_taken(&path, settings.common.overwrite)?;
    Ok(Arc::new(workspace))
}

/// An archive that waits for its name.
struct Made {
    archive: FinishedArchive,
    metadata: BackupMetadata,
    reused_photos: u64,
    /// Whether SQLite finds nothing wrong with the source.
    is_sound: bool,
}

async fn make(
    settings: &Arc<Settings>,
    workspace: &Arc<Workspace>,
    filename: &str,
    repairs: Repairs,
    job: &Job,
) -> Result<Made> {
    let inputs = Inputs::read(settings, workspace, job).await?;
    let check = inputs.snapshot.to_check(settings.drill);
    let checking = async {
        let Some(check) = check else { return Ok(Checked::default()) };
        let checking_job = job.clone();
        stop_on_error(job, blocking_deep(move || check.run(&checking_job)).await)
    };
    let working = work(settings, workspace, repairs, inputs, job);
    // Both end before the workspace may go: on Windows no file that is open can be removed.
    let (worked, checked) = tokio::join!(working, checking);
    let (mut worked, checked) = both(worked, checked)?;
    worked.facts.warnings.extend(checked.warnings);
    let (settings, filename, job) = (Arc::clone(settings), filename.to_owned(), job.clone());
    blocking(move || finish(&settings, &filename, worked, checked.is_sound, &job)).await
}

/// Plans, writes the rows and tries them while the photos follow.
async fn work(
    settings: &Arc<Settings>,
    workspace: &Arc<Workspace>,
    repairs: Repairs,
    inputs: Inputs,
    job: &Job,
) -> Result<Worked> {
    let Inputs { snapshot, store, earlier } = inputs;
    let planned = {
        let (settings, workspace) = (Arc::clone(settings), Arc::clone(workspace));
        blocking_deep(move || {
            let plan = Plan::make(&snapshot, store, settings.photo_scope)?;
            workspace.ensure_space(space_needed(&snapshot, &plan, settings.drill)?)?;
            let facts = Facts::of(&snapshot, &plan);
            let level = settings.common.compression_level;
            Ok((facts, plan, Work::new(snapshot, repairs, &workspace, level, settings.drill)?))
        })
    };
    let (facts, plan, Work { writer, drill }) = stop_on_error(job, planned.await)?;
    let drilling = async {
        match drill {
            Some(drill) => {
                let drill_job = job.clone();
                stop_on_error(job, blocking_deep(move || drill.run(&drill_job)).await).map(Some)
            }
            None => Ok(None),
        }
    };
    let writing = async {
        let writer_job = job.clone();
        let rows = stop_on_error(job, blocking_deep(move || writer.run(&writer_job)).await)?;
        stop_on_error(job, photos::copy(settings, workspace, rows, plan, earlier, job).await)
    };
    let (written, drilled) = tokio::join!(writing, drilling);
    let (written, drilled) = both(written, drilled)?;
    Ok(Worked { facts, written, drilled })
}

/// An estimate of what the workspace will hold: the database that the drill loads, the SQL of it, deflated to a third
/// as a rule, once by itself and once in the archive, and the photos.
fn space_needed(snapshot: &Snapshot, plan: &Plan, drill: bool) -> Result<u64> {
    const REST: u64 = 4 * 1024 * 1024;
    let database = rows::size(snapshot)?;
    let copies = if drill { 2 } else { 1 };
    Ok(database.saturating_mul(copies).saturating_add(plan.bytes()).saturating_add(REST))
}

/// What is done once the photos are copied and the rows were tried.
struct Worked {
    facts: Facts,
    written: Written,
    drilled: Option<DrillReport>,
}

/// What stands in the archive once the photos do.
struct Written {
    archive: ArchiveWriter,
    rows: Rows,
    photos: Photos,
}

fn finish(settings: &Settings, filename: &str, worked: Worked, is_sound: bool, job: &Job) -> Result<Made> {
    let Worked { facts, written: Written { mut archive, rows, photos }, drilled } = worked;
    let meter = job.meter(Phase::Finish, Some(3), None);
    let reused_photos = photos.reused();
    let metadata = describe::metadata(settings, facts, &rows, photos, drilled);
    let add = |archive: &mut ArchiveWriter, name, bytes: &[u8]| -> Result<()> {
        archive.add_bytes(name, bytes)?;
        meter.add(1, bytes.len() as u64);
        Ok(())
    };
    add(&mut archive, METADATA, &metadata_json(&metadata)?)?;
    add(&mut archive, README, readme::text(&metadata, filename).as_bytes())?;
    let checksums = archive.checksums();
    add(&mut archive, SUMS, checksums.as_bytes())?;
    meter.finish();
    let meter = job.meter(Phase::Verify, None, Some(archive.finished_size()));
    let archive = archive.finish(job, &meter)?;
    meter.finish();
    Ok(Made { archive, metadata, reused_photos, is_sound })
}
