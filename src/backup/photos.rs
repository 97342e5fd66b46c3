//! The photos of a backup on their way into the archive, in the order of their plan.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::plan::Plan;
use super::reuse::Earlier;
use super::rows::Rows;
use super::{Run, Written};
use crate::archive::ArchiveWriter;
use crate::error::Result;
use crate::formats::backup::PhotosMetadata;
use crate::job::{Warning, counted, stop_on_error};
use crate::photos::source::StoredPhoto;
use crate::platform::photo_plan::PlannedPhoto;
use asking::ask;
use writing::Writing;

mod asking;
mod writing;

/// Fetched photos that wait for the writer.
const WAITING: usize = 2;

/// What was copied.
#[derive(Debug)]
pub struct Photos {
    metadata: PhotosMetadata,
    reused: u64,
    /// That references dangle, where only asking could show it.
    dangling: Option<Warning>,
}

impl Photos {
    /// Copied from the earlier backup instead of fetched.
    pub fn reused(&self) -> u64 {
        self.reused
    }

    /// The part of metadata.json.
    pub fn metadata(self) -> PhotosMetadata {
        self.metadata
    }

    /// What the operator should know about photos that are not there.
    pub fn warnings(&self) -> Vec<Warning> {
        let missing = self.metadata.all_missing();
        let message = format!(
            "{} not be copied; see photos.missing in metadata.json{}",
            counted(missing, "photo could", "photos could"),
            if self.metadata.missing_unlisted.is_some() { ", which has no room for all" } else { "" }
        );
        let missing = (missing > 0).then(|| Warning::new("PHOTO_MISSING", message));
        missing.into_iter().chain(self.dangling.clone()).collect()
    }
}

/// A photo on its way into the archive.
pub struct Incoming<R> {
    /// What is known of it.
    pub photo: StoredPhoto,
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// CRC-32 of its bytes, as ZIP has it.
    pub crc32: u32,
    /// From the first to the last.
    pub bytes: R,
}

/// What both halves of copying work with: asking for photos, and putting them into the archive.
#[derive(Clone, Copy)]
struct Task<'a> {
    run: &'a Run,
    plan: &'a Plan,
}

/// Copies the rows, then every photo, into a new archive.
pub(super) async fn copy(run: &Run, rows: Rows, mut plan: Plan, earlier: Option<Earlier>) -> Result<Written> {
    if let Some(earlier) = &earlier {
        plan.look_for(earlier, run.settings.common.concurrency, &run.job).await?;
    }
    let reused = |planned: &PlannedPhoto| {
        let held = earlier.as_ref().zip(plan.listed(&planned.key));
        held.is_some_and(|(earlier, photo)| earlier.holds(photo))
    };
    let is_reused: Arc<[bool]> = plan.photos().iter().map(reused).collect();
    let (sender, fetched) = mpsc::channel(WAITING);
    let plan = Arc::new(plan);
    let writing = {
        let (plan, is_reused) = (Arc::clone(&plan), Arc::clone(&is_reused));
        run.blocking(move |run| {
            let common = &run.settings.common;
            let mut archive = ArchiveWriter::create(&run.workspace, common.now, common.compression_level)?;
            rows.add_to(&mut archive, &run.workspace)?;
            let task = Task { run, plan: &plan };
            let (archive, photos) = Writing::new(task, archive, fetched)?.run(&is_reused, earlier)?;
            Ok(Written { archive, rows, photos })
        })
    };
    let asking = ask(Task { run, plan: &plan }, &is_reused, sender);
    let writing = async { stop_on_error(&run.job, writing.await) };
    let (written, ()) = tokio::join!(writing, asking);
    written
}

#[cfg(test)]
mod tests;
