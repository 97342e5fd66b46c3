//! The public data dump: every approved work, and nothing about anybody.
//!
//! Four fences, each of which would be enough for most of what may go wrong: only approved rows of the content tables
//! are read (`plan`); of these only known fields (`fences`, [`crate::privacy::filter`]); in these no identifier of a
//! user ([`crate::privacy::redact`]); and the finished archive is searched for all of them again (`leaks`) before it
//! gets its name.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use crate::archive::{EntryNames, FinishedArchive, Workspace, refuse_taken};
use crate::error::{Error, Result};
use crate::formats::dump::DataDumpMetadata;
use crate::inputs::open_store;
use crate::job::{Job, Phase, Warning, blocking, blocking_deep};
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
use options::Settings;
use photos::Thumbnails;
use read::Read;
use records::Records;
use thumbnails::ThumbnailOptions;

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
    let job = job.branch();
    let workspace = {
        let (settings, filename) = (Arc::clone(&settings), filename.clone());
        blocking(move || prepare(&settings, &filename)).await?
    };
    let made = make(&settings, &workspace, &job).await;
    // Whatever still runs has nothing to work for.
    let ended = job.clone();
    let result = blocking(move || {
        let made = made?;
        ended.check()?;
        publish(made, &settings, &workspace, filename)
    })
    .await;
    job.stop();
    result.map(|report| DataDumpReport { duration_ms: started.elapsed().as_millis() as u64, ..report })
}

/// Everything that can be refused before anything is read.
fn prepare(settings: &Settings, filename: &str) -> Result<Arc<Workspace>> {
    if settings.in_memory {
        return Workspace::create(&std::env::temp_dir()).map(Arc::new);
    }
    let workspace = Workspace::create(&settings.common.output_dir)?;
    let path = workspace.output_dir().join(filename);
    refuse_taken(&path, settings.common.overwrite)?;
    Ok(Arc::new(workspace))
}

/// A dump that waits for its name.
struct Made {
    archive: FinishedArchive,
    metadata: DataDumpMetadata,
    warnings: Vec<Warning>,
}

async fn make(settings: &Arc<Settings>, workspace: &Arc<Workspace>, job: &Job) -> Result<Made> {
    let (store, read) = open(settings, workspace, job).await?;
    let thumbnails = match (store, settings.max_side) {
        (Some(store), Some(max_side)) => {
            let options = ThumbnailOptions { max_side, concurrency: settings.common.concurrency };
            thumbnails::make(&read.plan.photos, store, options, workspace, job).await?
        }
        _ => Thumbnails::default(),
    };
    let (settings, workspace, job) = (Arc::clone(settings), Arc::clone(workspace), job.clone());
    blocking_deep(move || write(&settings, &workspace, &read, &thumbnails, &job)).await
}

/// The store, where thumbnails are made, and what is read from the database.
async fn open(
    settings: &Arc<Settings>,
    workspace: &Arc<Workspace>,
    job: &Job,
) -> Result<(Option<Arc<dyn PhotoStore>>, Read)> {
    let store = match &settings.common.photos {
        Some(photos) if settings.thumbnail_side().is_some() => {
            Some(open_store(photos, workspace.folder()).await?)
        }
        _ => None,
    };
    let (settings, workspace, job) = (Arc::clone(settings), Arc::clone(workspace), job.clone());
    let with_photos = store.is_some();
    let read = blocking_deep(move || read::read(&settings, &workspace, with_photos, &job)).await?;
    Ok((store, read))
}

fn write(
    settings: &Settings,
    workspace: &Workspace,
    read: &Read,
    thumbnails: &Thumbnails,
    job: &Job,
) -> Result<Made> {
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
    let level = settings.common.compression_level;
    let written = files::write(&records, &read.snapshot, workspace, level, read.previous.is_some(), job)?;
    let mut toll = plan.toll.clone();
    toll.merge(&written.toll);
    let counts = describe::counts(&written, thumbnails);
    let with_photos = settings.thumbnail_side().is_some();
    if let Some(previous) = &read.previous
        && !settings.allow_shrink
    {
        previous.guard(&counts, with_photos)?;
    }
    let changes = read.previous.as_ref().map(|previous| {
        let mut changes = previous.changes(&written.works, &written.creators, with_photos);
        // These come from a file, where anything may stand for an id.
        for removed in [&mut changes.artwork.removed, &mut changes.creators.removed] {
            removed.retain(|id| !records.fences.holds(id));
        }
        changes
    });
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
    leaks::look_for_all(archive.path(), scanner, |scanner| records.spare_made(scanner), job)?;
    meter.finish();
    let mut warnings = metadata.warnings.clone();
    warnings.extend(describe::for_the_operator(settings, read));
    warnings.sort();
    Ok(Made { archive, metadata, warnings })
}

fn publish(
    made: Made,
    settings: &Settings,
    workspace: &Workspace,
    filename: String,
) -> Result<DataDumpReport> {
    let Made { archive, metadata, warnings } = made;
    let (size, sha256) = (archive.size(), archive.sha256().to_owned());
    if let Some(limit) = settings.max_archive_bytes.filter(|limit| size > *limit) {
        return Err(assemble::too_large(limit));
    }
    let archive = if settings.in_memory {
        let bytes = std::fs::read(archive.path()).map_err(|error| Error::output(archive.path(), error))?;
        Archived::Memory(bytes)
    } else {
        let path = workspace.output_dir().join(&filename);
        archive.publish(&path, settings.common.overwrite)?;
        Archived::File(path)
    };
    let complete = metadata.complete;
    Ok(DataDumpReport { filename, archive, size, sha256, complete, duration_ms: 0, metadata, warnings })
}

#[cfg(test)]
mod tests;
