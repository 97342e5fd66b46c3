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

use crate::archive::{ArchiveWriter, FinishedArchive, Workspace};
use crate::database::drill::DrillReport;
use crate::database::source::{Checked, Snapshot};
use crate::database::sql::{Doubt, Repairs};
use crate::error::{Error, Result};
use crate::formats::backup::BackupMetadata;
use crate::formats::{METADATA, README, SUMS, metadata_json};
use crate::inputs::take_snapshot;
use crate::job::{Job, Meter, Phase, Warning, blocking, blocking_deep, both, stop_on_error};
use crate::sqlite::trouble::as_io;

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

/// A run that makes a backup.
type Run = crate::run::Run<Settings>;

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

/// Entries that describe the others, behind them.
const LAST_ENTRIES: u64 = 3;

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
    let workspace = {
        let (folder, filename) = (settings.common.output_dir.clone(), filename.to_owned());
        let overwrite = settings.common.overwrite;
        blocking(move || Workspace::for_archive(&folder, &filename, overwrite)).await?
    };
    let run = Run { settings: Arc::clone(settings), workspace: Arc::new(workspace), job: whole.branch() };
    let first = repairs.is_none();
    let made = make(&run, filename, repairs).await;
    let (branch, whole, filename) = (run.job.clone(), whole.clone(), filename.to_owned());
    let ended = blocking_deep(move || {
        if first && let Some(doubt) = doubt(&made) {
            // The branch may have been stopped by the very failure that is looked into.
            let repairs = find_repairs(&Run { job: whole.clone(), ..run.clone() }, doubt)?;
            if !repairs.is_none() {
                return Ok(Attempt::Again(repairs));
            }
        }
        let made = made?;
        whole.check()?;
        publish(made, &run, filename).map(|report| Attempt::Made(Box::new(report)))
    })
    .await;
    // Whatever still runs has nothing to work for.
    branch.stop();
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

fn find_repairs(Run { settings, workspace, job }: &Run, doubt: Doubt) -> Result<Repairs> {
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

/// Gives the archive its name. How long it took is for the caller to say.
fn publish(made: Made, run: &Run, filename: String) -> Result<BackupReport> {
    let path = run.workspace.output_dir().join(&filename);
    let (size, sha256) = (made.archive.size(), made.archive.sha256().to_owned());
    made.archive.publish(&path, run.settings.common.overwrite)?;
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

/// An archive that waits for its name.
struct Made {
    archive: FinishedArchive,
    metadata: BackupMetadata,
    reused_photos: u64,
    /// Whether SQLite finds nothing wrong with the source.
    is_sound: bool,
}

/// Reads, writes and tries everything, up to the archive that only lacks its name.
async fn make(run: &Run, filename: &str, repairs: Repairs) -> Result<Made> {
    let inputs = Inputs::read(run).await?;
    let check = inputs.snapshot.to_check(run.settings.drill);
    let checking = async {
        let Some(check) = check else { return Ok(Checked::default()) };
        stop_on_error(&run.job, run.blocking(|run| check.run(&run.job)).await)
    };
    // Both end before the workspace may go: on Windows no file that is open can be removed.
    let (worked, checked) = tokio::join!(work(run, repairs, inputs), checking);
    let (mut worked, checked) = both(worked, checked)?;
    worked.facts.warnings.extend(checked.warnings);
    let filename = filename.to_owned();
    run.blocking(move |run| finish(run, &filename, worked, checked.is_sound)).await
}

/// Plans, writes the rows and tries them while the photos follow.
async fn work(run: &Run, repairs: Repairs, inputs: Inputs) -> Result<Worked> {
    let Inputs { snapshot, store, earlier } = inputs;
    let planned = run.blocking(move |Run { settings, workspace, .. }| {
        let plan = Plan::make(&snapshot, store, settings.photo_scope)?;
        workspace.ensure_space(space_needed(&snapshot, &plan, settings.drill)?)?;
        let facts = Facts::of(&snapshot, &plan);
        let level = settings.common.compression_level;
        Ok((facts, plan, Work::new(snapshot, repairs, workspace, level, settings.drill)?))
    });
    let (facts, plan, Work { writer, drill }) = stop_on_error(&run.job, planned.await)?;
    let finishing = Arc::new(run.job.early_meter(Phase::Finish));
    let drilling = async {
        let Some(drill) = drill else { return Ok(None) };
        let meter = Arc::clone(&finishing);
        stop_on_error(&run.job, run.blocking(|run| drill.run(&run.job, meter)).await).map(Some)
    };
    let writing = async {
        let rows = stop_on_error(&run.job, run.blocking(|run| writer.run(&run.job)).await)?;
        let written = stop_on_error(&run.job, photos::copy(run, rows, plan, earlier).await)?;
        // From here on the drill is all that goes on: it compares each table.
        let tables = if run.settings.drill { written.rows.dump.tables.len() as u64 } else { 0 };
        finishing.begin(tables + LAST_ENTRIES);
        Ok(written)
    };
    let (written, drilled) = tokio::join!(writing, drilling);
    let (written, drilled) = both(written, drilled)?;
    Ok(Worked { facts, written, drilled, finishing })
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
    /// Hears of what comes last.
    finishing: Arc<Meter>,
}

/// What stands in the archive once the photos do.
struct Written {
    archive: ArchiveWriter,
    rows: Rows,
    photos: Photos,
}

/// Writes what describes the rest, ends the archive and reads all of it back; the phases `finish` and `verify`.
fn finish(Run { settings, job, .. }: &Run, filename: &str, worked: Worked, is_sound: bool) -> Result<Made> {
    let Worked { facts, written: Written { mut archive, rows, photos }, drilled, finishing: meter } = worked;
    meter.expect_last(LAST_ENTRIES);
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
