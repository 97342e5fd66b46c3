//! What a backup is made of, read in an order in which nothing is lost.

use super::Run;
use super::plan::Store;
use super::reuse::{self, Earlier};
use crate::database::source::Snapshot;
use crate::error::Result;
use crate::inputs::{open_store, take_snapshot};

/// What a backup is made of.
pub struct Inputs {
    /// The rows.
    pub snapshot: Snapshot,
    /// The photos; None when the options name no source of them.
    pub store: Option<Store>,
    /// The backup whose photos are taken where they have not changed.
    pub earlier: Option<Earlier>,
}

impl Inputs {
    /// Takes the snapshot and lists the store.
    ///
    /// Whatever a row refers to was stored before the row said so: a listing that is younger than the rows has it.
    pub(super) async fn read(run: &Run) -> Result<Inputs> {
        let earlier = reuse::open(&run.settings, &run.job).await?;
        let source = match &run.settings.common.photos {
            Some(photos) => Some(open_store(photos, run.workspace.folder(), &run.job).await?),
            None => None,
        };
        let take = |run: &Run| take_snapshot(&run.settings.common.database, run.workspace.folder(), &run.job);
        let snapshot = run.blocking(take).await?;
        let store = match source {
            Some(source) => Some(Store { listing: source.list(&run.job).await?, source }),
            None => None,
        };
        Ok(Inputs { snapshot, store, earlier })
    }
}
