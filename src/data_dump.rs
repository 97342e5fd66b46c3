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
use crate::database::source::Snapshot;
use crate::error::{Error, Result};
use crate::formats::dump::{self as metadata, Counts, DataDumpMetadata};
use crate::inputs::{open_store, take_snapshot};
use crate::job::{Job, Phase, Warning, blocking, counted};
use crate::photos::thumbnail::QUALITY;
use crate::platform::content::Content;
use crate::platform::drift::Drift;
use crate::platform::identifiers::{each_private_value, each_public_id};
use crate::privacy::filter::Filter;
use crate::privacy::redact::Redactor;
use crate::privacy::scan::Scanner;
use crate::privacy::values::Values;

mod assemble;
mod fences;
mod files;
mod included;
mod leaks;
pub mod options;
mod parallel;
pub mod photos;
mod plan;
mod previous;
mod records;
pub mod thumbnails;
mod troubles;

pub use options::DataDumpOptions;

use assemble::Parts;
use fences::{Fences, Toll};
use included::IncludedField;

use options::Settings;
use photos::Thumbnails;
use plan::{Plan, Wishes};
use previous::Previous;
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
    if !settings.common.overwrite && path.symlink_metadata().is_ok() {
        return Err(Error::ArchiveExists { path });
    }
    Ok(Arc::new(workspace))
}

/// A dump that waits for its name.
struct Made {
    archive: FinishedArchive,
    metadata: DataDumpMetadata,
    warnings: Vec<Warning>,
}

/// What is read from the database before the photos are looked at.
struct Read {
    snapshot: Snapshot,
    drift: Drift,
    values: Arc<Values>,
    filter: Arc<Filter>,
    /// Columns that the operator adds and that nothing keeps in.
    included: Vec<IncludedField>,
    /// Columns that the operator names and that the database has not.
    absent: Vec<String>,
    plan: Plan,
    previous: Option<Previous>,
}

async fn make(settings: &Arc<Settings>, workspace: &Arc<Workspace>, job: &Job) -> Result<Made> {
    let store = match &settings.common.photos {
        Some(photos) if settings.max_side.is_some() => Some(open_store(photos).await?),
        _ => None,
    };
    let read = {
        let (settings, workspace, job) = (Arc::clone(settings), Arc::clone(workspace), job.clone());
        let with_photos = store.is_some();
        blocking(move || read(&settings, &workspace, with_photos, &job)).await?
    };
    let thumbnails = match (store, settings.max_side) {
        (Some(store), Some(max_side)) => {
            let options = ThumbnailOptions { max_side, concurrency: settings.common.concurrency };
            thumbnails::make(&read.plan.photos, store, options, workspace, job).await?
        }
        _ => Thumbnails::default(),
    };
    let (settings, workspace, job) = (Arc::clone(settings), Arc::clone(workspace), job.clone());
    blocking(move || write(&settings, &workspace, &read, &thumbnails, &job)).await
}

fn read(settings: &Settings, workspace: &Workspace, with_photos: bool, job: &Job) -> Result<Read> {
    let previous = settings.previous.as_deref().map(|path| Previous::open(path, job)).transpose()?;
    let snapshot = take_snapshot(&settings.common.database, workspace.folder(), job)?;
    let failure = |error: rusqlite::Error| snapshot.failure(&error);
    let drift = Drift::read(snapshot.connection()).map_err(failure)?;
    let values = known_identifiers(&snapshot, job)?;
    let filter = Filter::new(settings.extra_blacklist.iter().map(String::as_str));
    let included: Vec<_> = settings.included.iter().filter(|field| field.leaves(&filter)).cloned().collect();
    let absent = absent(settings, &snapshot)?;
    let fences = Fences::new(&filter, Redactor::new(&values), settings.fail_on_leak);
    let wishes =
        Wishes { separate_foreign: settings.separate_foreign, photos: with_photos, included: &included };
    let plan = Plan::read(&snapshot, wishes, &fences)?;
    if plan.works.is_empty() && plan.foreign.is_empty() {
        return Err(Error::DumpShrunk {
            problem: "there is no approved artwork that may be published: an empty dump would replace whatever was \
                      published before; check that this is the right database"
                .into(),
        });
    }
    Ok(Read {
        snapshot,
        drift,
        values: Arc::new(values),
        filter: Arc::new(filter),
        included,
        absent,
        plan,
        previous,
    })
}

/// Columns that the operator adds and that are not there, which a slip of the pen makes.
fn absent(settings: &Settings, snapshot: &Snapshot) -> Result<Vec<String>> {
    let mut absent = Vec::new();
    for field in &settings.included {
        let table = Content::find(snapshot.connection(), field.table, [])
            .map_err(|error| snapshot.failure(&error))?;
        if !table.is_some_and(|table| table.has(&field.column)) {
            absent.push(field.place());
        }
    }
    Ok(absent)
}

/// Fence 3 begins here: every identifier of a user that the database holds.
fn known_identifiers(snapshot: &Snapshot, job: &Job) -> Result<Values> {
    enum Failure {
        Sql(rusqlite::Error),
        Job(Error),
    }
    impl From<rusqlite::Error> for Failure {
        fn from(error: rusqlite::Error) -> Self {
            Failure::Sql(error)
        }
    }
    let mut values = Values::default();
    let connection = snapshot.connection();
    let gathered = each_private_value::<Failure>(connection, |place, value| {
        job.check().map_err(Failure::Job)?;
        values.add(place, value);
        Ok(())
    })
    .and_then(|()| {
        each_public_id::<Failure>(connection, |id| {
            values.spare(id);
            Ok(())
        })
    });
    match gathered {
        Ok(()) => Ok(values),
        Err(Failure::Sql(error)) => Err(snapshot.failure(&error)),
        Err(Failure::Job(error)) => Err(error),
    }
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
    let counts = counts(&written, thumbnails);
    let with_photos =
        !plan.photos.is_empty() || settings.common.photos.is_some() && settings.max_side.is_some();
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
    let metadata = describe(settings, read, thumbnails, counts, &toll, with_photos);
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
    let meter = job.meter(Phase::Finish, None, None);
    let archive = parts.write(workspace, job)?;
    meter.finish();
    let meter = job.meter(Phase::Verify, None, Some(archive.finished_size()));
    let archive = archive.finish(job, &meter)?;
    let exempt = settings.exempt();
    let scanner = Scanner::new(&read.values, exempt.iter().map(String::as_str));
    leaks::look_for(archive.path(), &scanner, job)?;
    meter.finish();
    let mut warnings = metadata.warnings.clone();
    warnings.extend(for_the_operator(settings, read));
    warnings.sort();
    Ok(Made { archive, metadata, warnings })
}

fn counts(written: &files::Written, thumbnails: &Thumbnails) -> Counts {
    let of =
        |name: &str| written.files.iter().find(|file| file.file.name == name).map_or(0, |file| file.records);
    Counts {
        total_artworks: of("artwork.json"),
        total_creators: of("creators.json"),
        total_tags: of("tags.json"),
        total_photos: thumbnails.outcomes.iter().filter(|outcome| outcome.is_ok()).count() as u64,
    }
}

fn describe(
    settings: &Settings,
    read: &Read,
    thumbnails: &Thumbnails,
    counts: Counts,
    toll: &Toll,
    with_photos: bool,
) -> DataDumpMetadata {
    let missing = read.plan.photos.iter().zip(&thumbnails.outcomes).filter_map(|(photo, outcome)| {
        let reason = (*outcome).err()?;
        Some(metadata::MissingPhoto { photo: photo.to_string(), reason: reason.into() })
    });
    let mut warnings: Vec<Warning> = toll.troubles.warnings().chain(thumbnails.warnings.clone()).collect();
    warnings.sort();
    DataDumpMetadata {
        format: metadata::FORMAT.into(),
        format_version: metadata::FORMAT_VERSION.into(),
        generated_at: crate::platform::times::rfc3339(settings.common.now),
        generator: metadata::GENERATOR.into(),
        license: "CC0-1.0".into(),
        source: metadata::SourceMetadata {
            name: settings.source.name.clone(),
            url: settings.source.url.clone(),
            contact: settings.source.contact.clone(),
        },
        complete: thumbnails.failed == 0,
        counts,
        filters: metadata::Filters {
            status: "approved".into(),
            foreign_licenses: if settings.separate_foreign { "separate" } else { "exclude" }.into(),
            excluded_foreign: read.plan.excluded_foreign.clone(),
        },
        privacy: metadata::Privacy {
            excluded_tables: read.drift.private_tables.iter().map(|name| (*name).to_owned()).collect(),
            excluded_fields: read.drift.withheld.iter().map(|name| (*name).to_owned()).collect(),
            unknown_columns_excluded: unknown(read).count() as u64,
            redactions: (&toll.counts).into(),
        },
        thumbnails: with_photos.then(|| metadata::ThumbnailMetadata {
            max_side: settings.max_side.unwrap_or_default(),
            format: "image/jpeg".into(),
            quality: QUALITY,
        }),
        photos_missing: missing.collect(),
        warnings,
    }
}

/// Columns that nobody has decided on and that stay in.
fn unknown(read: &Read) -> impl Iterator<Item = &String> {
    read.drift.unknown.iter().filter(|place| {
        let named = |(table, column)| read.included.iter().any(|field| field.is(table, column));
        !place.split_once('.').is_some_and(named)
    })
}

/// What only the operator is told: names of columns that are no secret to them, and may be one to the public.
fn for_the_operator(settings: &Settings, read: &Read) -> Vec<Warning> {
    let mut warnings = read.snapshot.warnings().to_vec();
    for place in unknown(read) {
        let message = "nobody has decided on this column: it is not published; includeFields lets it out";
        warnings.push(Warning::about("UNKNOWN_COLUMN", place.clone(), message));
    }
    for field in settings.included.iter().filter(|field| !field.leaves(&read.filter)) {
        let reason = field.withheld.unwrap_or("its name is on the blacklist");
        let message = format!("includeFields names it, and it stays in all the same: {reason}");
        warnings.push(Warning::about("FIELD_KEPT_IN", field.place(), message));
    }
    for place in &read.absent {
        let message = "includeFields names it, and the database has no such column: check how it is spelt";
        warnings.push(Warning::about("FIELD_NOT_FOUND", place.clone(), message));
    }
    let foreign: u64 = read.plan.excluded_foreign.values().sum();
    if foreign > 0 {
        let rows = counted(foreign, "row is", "rows are");
        warnings.push(Warning::new(
            "FOREIGN_LICENSE",
            format!("{rows} under another licence and not in artwork.json"),
        ));
    }
    if settings.common.photos.is_none() && settings.max_side.is_some() {
        let message = "no source of photos was given: the dump holds no thumbnails";
        warnings.push(Warning::new("PHOTOS_LEFT_OUT", message));
    }
    warnings
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
