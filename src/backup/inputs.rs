//! What a backup is made of, read in an order in which nothing is lost.

use std::sync::Arc;

use super::options::Settings;
use super::plan::Store;
use super::reuse::{self, Earlier};
use crate::archive::Workspace;
use crate::database::source::Snapshot;
use crate::error::Result;
use crate::inputs::{open_store, take_snapshot};
use crate::job::{Job, blocking_deep};

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
    /// Takes the snapshot and lists the store. What is needed meanwhile lies in `workspace`.
    ///
    /// Whatever a row refers to was stored before the row said so: a listing that is younger than the rows has it.
    pub async fn read(settings: &Arc<Settings>, workspace: &Arc<Workspace>, job: &Job) -> Result<Inputs> {
        let earlier = reuse::open(settings, job).await?;
        let source = match &settings.common.photos {
            Some(photos) => Some(open_store(photos, workspace.folder()).await?),
            None => None,
        };
        let snapshot = {
            let (settings, workspace, job) = (Arc::clone(settings), Arc::clone(workspace), job.clone());
            blocking_deep(move || take_snapshot(&settings.common.database, workspace.folder(), &job)).await?
        };
        let store = match source {
            Some(source) => Some(Store { listing: source.list(job).await?, source }),
            None => None,
        };
        Ok(Inputs { snapshot, store, earlier })
    }
}
