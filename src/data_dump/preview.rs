//! What a dump would publish, for whoever wants to know before making one. Rows are read, photos are listed and none is
//! fetched; nothing is written but private copies, in the system's temporary folder, and those go again.

use std::sync::Arc;

use super::options::{DataDumpOptions, Settings};
use super::read::Read;
use super::{Run, describe, open, thumbnails};
use crate::archive::Workspace;
use crate::error::Result;
use crate::folder;
use crate::formats::dump::Counts;
use crate::job::{Job, Warning, blocking};
use crate::photos::source::{Listing, PhotoStore, find, slow_store, wrong_store};

/// What a dump with the same options would publish.
#[derive(Debug, Clone)]
pub struct DataDumpPreview {
    /// The kind of source of the rows, such as `file`.
    pub database: &'static str,
    /// Records of artwork.json.
    pub artworks: u64,
    /// Records of creators.json.
    pub creators: u64,
    /// Rows under another licence than CC0, which are left out or stand in a file of their own.
    pub other_licenses: u64,
    /// The photos; none when no thumbnails are made.
    pub photos: Option<DumpPhotosPreview>,
    /// What the operator should know.
    pub warnings: Vec<Warning>,
}

/// The photos that thumbnails would be made of.
#[derive(Debug, Clone)]
pub struct DumpPhotosPreview {
    /// The kind of source, such as `directory`.
    pub source: &'static str,
    /// Photos that would be read. Of a source that cannot list, all those that rows refer to.
    pub photos: u64,
    /// Bytes of them, as far as the source lists them.
    pub bytes: u64,
    /// References to photos that the source does not hold.
    pub dangling: u64,
    /// References to other hosts.
    pub foreign: u64,
}

/// Says what a data dump would publish, and makes none. Fails as [`create_data_dump`](super::create_data_dump) would
/// before it reads a photo; what `outputDir` is like is not looked at.
pub async fn preview_data_dump(options: DataDumpOptions, job: Job) -> Result<DataDumpPreview> {
    let settings = Arc::new(options.check()?);
    job.check()?;
    let workspace = blocking(|| Workspace::create(&folder::temporary())).await.map(Arc::new)?;
    let run = Run { settings, workspace, job };
    let (store, read) = open(&run).await?;
    let listing = match &store {
        Some(store) => store.list(&run.job).await?,
        None => None,
    };
    run.last(move |run| preview(run, &read, store.as_deref(), listing.as_ref())).await
}

fn preview(
    run: &Run,
    read: &Read,
    store: Option<&dyn PhotoStore>,
    listing: Option<&Listing>,
) -> Result<DataDumpPreview> {
    let plan = &read.plan;
    let photos = store.map(|store| photos(read, store, listing)).transpose()?;
    let mut warnings: Vec<Warning> = plan.toll.troubles.warnings().collect();
    warnings.extend(describe::for_the_operator(&run.settings, read));
    let to_read = photos.as_ref().map_or(0, |photos| photos.photos);
    let least_time = store.and_then(|store| store.least_time(to_read));
    warnings.extend(least_time.map(|time| slow_store(to_read, time)));
    warnings.extend(listing.and_then(thumbnails::passed_over));
    warnings.sort();
    let preview = DataDumpPreview {
        database: read.snapshot.kind(),
        artworks: plan.works.len() as u64,
        creators: plan.creators.iter().filter(|creator| creator.is_listed).count() as u64,
        other_licenses: plan.excluded_foreign.values().sum(),
        photos,
        warnings,
    };
    guard(&run.settings, read, &preview).map(|()| preview)
}

/// What of the photos the store holds. Fails when it has none of them.
fn photos(read: &Read, store: &dyn PhotoStore, listing: Option<&Listing>) -> Result<DumpPhotosPreview> {
    let mut found = DumpPhotosPreview { source: store.kind(), photos: 0, bytes: 0, dangling: 0, foreign: 0 };
    for photo in &read.plan.photos {
        let keys = match thumbnails::keys(photo, listing) {
            Ok(keys) => keys,
            Err(reason) => {
                found.foreign += u64::from(reason == thumbnails::FOREIGN);
                continue;
            }
        };
        let Some(key) = keys.originals.first().or(keys.copies.first()) else {
            found.dangling += 1;
            continue;
        };
        found.photos += 1;
        let listed = listing.and_then(|listing| listing.photos.get(find(&listing.photos, key)?));
        found.bytes = found.bytes.saturating_add(listed.map_or(0, |photo| photo.size));
    }
    match found.photos {
        0 if found.dangling > 0 && !thumbnails::holds_licensed(&read.plan.photos, listing) => {
            Err(wrong_store(found.dangling))
        }
        _ => Ok(found),
    }
}

/// Fails when the dump would be refused for what it has lost.
fn guard(settings: &Settings, read: &Read, preview: &DataDumpPreview) -> Result<()> {
    let Some(previous) = read.previous.as_ref().filter(|_| !settings.allow_shrink) else { return Ok(()) };
    let counts = Counts {
        total_artworks: preview.artworks,
        total_creators: preview.creators,
        total_tags: 0,
        total_photos: preview.photos.as_ref().map_or(0, |photos| photos.photos),
    };
    previous.guard(&counts, preview.photos.is_some())
}
