//! The public data dump: every approved work, and nothing about anybody.
//!
//! Four fences, each of which would be enough for most of what may go wrong: only approved rows of the content tables
//! are read (`plan`); of these only known fields (`fences`, [`crate::privacy::filter`]); in these no identifier of a
//! user ([`crate::privacy::redact`]); and the finished archive is searched for all of them again (`leaks`) before it
//! gets its name.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use crate::archive::{EntryNames, FinishedArchive, Workspace};
use crate::dataset::changes::Changes;
use crate::error::{Error, Result};
use crate::folder;
use crate::formats::dump::{Counts, DataDumpMetadata};
use crate::inputs::open_store;
use crate::job::{Job, Phase, Warning, blocking};
use crate::photos::source::PhotoStore;
use crate::privacy::redact::Redactor;
use crate::privacy::scan::Scanner;

mod assemble;
mod describe;
mod fences;
mod files;
mod included;
mod labels;
mod leaks;
pub mod options;
mod parallel;
pub mod photos;
mod plan;
pub mod preview;
mod previous;
mod read;
mod records;
pub mod thumbnails;
mod troubles;

pub use options::DataDumpOptions;
pub use preview::preview_data_dump;

use assemble::Parts;
use fences::Fences;
use files::Written;
use options::Settings;
use photos::Thumbnails;
use read::Read;
use records::Records;
use thumbnails::ThumbnailOptions;

/// A run that makes a data dump.
type Run = crate::run::Run<Settings>;

/// What a data dump made.
#[derive(Debug)]
pub struct DataDumpReport {
    /// `datadump-YYYY-MM-DD.zip`.
    pub filename: String,
    /// Where it is, or all of it.
    pub archive: Archived,
    /// Bytes.
    pub size: u64,
    /// Lower-case hex of the whole file.
    pub sha256: String,
    /// False when photos are missing that the store holds, or does not deny holding.
    pub complete: bool,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// metadata.json.
    pub metadata: DataDumpMetadata,
    /// What the operator should know: more than the public metadata says.
    pub warnings: Vec<Warning>,
}

/// Where the archive is.
#[derive(Debug)]
pub enum Archived {
    /// A file, absolute.
    File(PathBuf),
    /// All of it; nothing is left on the disk.
    Memory(Vec<u8>),
}

/// Makes one data dump. Nothing appears under the final name unless all of it was read back and searched; after any
/// error the output folder is as it was.
pub async fn create_data_dump(options: DataDumpOptions, job: Job) -> Result<DataDumpReport> {
    let started = Instant::now();
    let settings = Arc::new(options.check()?);
    job.check()?;
    let filename = format!("datadump-{}.zip", settings.common.now.format("%Y-%m-%d"));
    let workspace = {
        let (settings, filename) = (Arc::clone(&settings), filename.clone());
        blocking(move || prepare(&settings, &filename)).await?
    };
    let run = Run { settings, workspace, job: job.branch() };
    let made = make(&run).await;
    let job = run.job.clone();
    let result = blocking(move || {
        let made = made?;
        run.job.check()?;
        publish(made, &run, filename)
    })
    .await;
    // Whatever still runs has nothing to work for.
    job.stop();
    result.map(|report| DataDumpReport { duration_ms: started.elapsed().as_millis() as u64, ..report })
}

/// Everything that can be refused before anything is read.
fn prepare(settings: &Settings, filename: &str) -> Result<Arc<Workspace>> {
    let common = &settings.common;
    let workspace = match settings.in_memory {
        true => Workspace::create(&folder::temporary()),
        false => Workspace::for_archive(&common.output_dir, filename, common.overwrite),
    };
    workspace.map(Arc::new)
}

/// A dump that waits for its name.
struct Made {
    archive: FinishedArchive,
    metadata: DataDumpMetadata,
    warnings: Vec<Warning>,
}

/// Reads and writes everything, up to the archive that only lacks its name.
async fn make(run: &Run) -> Result<Made> {
    let (store, read) = open(run).await?;
    let thumbnails = match (store, run.settings.max_side) {
        (Some(store), Some(max_side)) => {
            let options = ThumbnailOptions { max_side, concurrency: run.settings.common.concurrency };
            thumbnails::make(&read.plan.photos, store, options, &run.workspace, &run.job).await?
        }
        _ => Thumbnails::default(),
    };
    run.blocking(move |run| write(run, &read, &thumbnails)).await
}

/// The store, where thumbnails are made, and what is read from the database.
async fn open(run: &Run) -> Result<(Option<Arc<dyn PhotoStore>>, Read)> {
    let store = match &run.settings.common.photos {
        Some(photos) if run.settings.thumbnail_side().is_some() => {
            Some(open_store(photos, run.workspace.folder(), &run.job).await?)
        }
        _ => None,
    };
    let with_photos = store.is_some();
    Ok((store, run.blocking(move |run| read::read(run, with_photos)).await?))
}

/// Writes the archive, reads it back and searches it; the phases `database`, `finish` and `verify`.
fn write(Run { settings, workspace, job }: &Run, read: &Read, thumbnails: &Thumbnails) -> Result<Made> {
    let plan = &read.plan;
    let keys: Vec<String> =
        plan.photos.iter().map(|photo| records::photo_key(&photo.artwork_id, photo.n)).collect();
    let names = EntryNames::for_keys(keys.iter().map(String::as_str));
    let records = Records {
        plan,
        fences: Fences::new(&read.filter, Redactor::new(&read.values), settings.fail_on_leak),
        site: settings.source.url.as_deref(),
        thumbnails,
        names: &names,
        included: &read.included,
    };
    let written = files::write(&records, read, workspace, settings.common.compression_level, job)?;
    let counts = describe::counts(&written, thumbnails);
    let changes = compare(settings, read, &written, &counts, &records.fences)?;
    let mut toll = plan.toll.clone();
    toll.merge(&written.toll);
    let metadata = describe::metadata(settings, read, thumbnails, counts, &toll)?;
    let parts = Parts {
        settings,
        included: &read.included,
        files: &written.files,
        works: &plan.works,
        thumbnails,
        names: &names,
        metadata: &metadata,
        changes: changes.as_ref(),
    };
    let archive = parts.write(workspace, job)?;
    let meter = job.meter(Phase::Verify, None, Some(archive.finished_size()));
    let archive = archive.finish(job, &meter)?;
    let exempt = settings.source.spellings();
    let scanner = Scanner::new(&read.values, exempt.iter().map(String::as_str));
    leaks::look_for_all(archive.path(), scanner, |scanner| records.exempt_made(scanner), job)?;
    meter.finish();
    let mut warnings = metadata.warnings.clone();
    warnings.extend(describe::for_the_operator(settings, read));
    warnings.sort();
    Ok(Made { archive, metadata, warnings })
}

/// What has changed since the dump before, where one is named. Fails with `DUMP_SHRUNK` when too much has gone.
fn compare(
    settings: &Settings,
    read: &Read,
    written: &Written,
    counts: &Counts,
    fences: &Fences<'_>,
) -> Result<Option<Changes>> {
    let Some(previous) = &read.previous else { return Ok(None) };
    let with_photos = settings.thumbnail_side().is_some();
    if !settings.allow_shrink {
        previous.guard(counts, with_photos)?;
    }
    let mut changes = previous.changes(&written.works, &written.creators, with_photos);
    // These come from a file, where anything may stand for an id.
    for removed in [&mut changes.artwork.removed, &mut changes.creators.removed] {
        removed.retain(|id| !fences.holds(id));
    }
    Ok(Some(changes))
}

/// Gives the archive its name, or reads it into memory. How long it took is for the caller to say.
fn publish(made: Made, run: &Run, filename: String) -> Result<DataDumpReport> {
    let Made { archive, metadata, warnings } = made;
    let settings = &run.settings;
    let (size, sha256) = (archive.size(), archive.sha256().to_owned());
    if let Some(limit) = settings.max_archive_bytes.filter(|limit| size > *limit) {
        return Err(assemble::too_large(limit, settings.in_memory));
    }
    let archive = if settings.in_memory {
        let bytes = std::fs::read(archive.path()).map_err(|error| Error::output(archive.path(), error))?;
        Archived::Memory(bytes)
    } else {
        let path = run.workspace.output_dir().join(&filename);
        archive.publish(&path, settings.common.overwrite)?;
        Archived::File(path)
    };
    let complete = metadata.complete;
    Ok(DataDumpReport { filename, archive, size, sha256, complete, duration_ms: 0, metadata, warnings })
}

#[cfg(test)]
mod tests;
