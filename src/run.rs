//! What every stage of making an archive works with.

use std::sync::Arc;

use crate::archive::Workspace;
use crate::error::Result;
use crate::job::{Job, blocking_deep};

/// One run of a verb: what was asked for, where it works, and what ends it. Cheap to clone.
pub struct Run<S> {
    /// The options, checked.
    pub settings: Arc<S>,
    /// The folder of the run; it goes with the last clone, which blocks.
    pub workspace: Arc<Workspace>,
    /// What ends it, and hears how far it is.
    pub job: Job,
}

impl<S> Clone for Run<S> {
    fn clone(&self) -> Self {
        Run {
            settings: Arc::clone(&self.settings),
            workspace: Arc::clone(&self.workspace),
            job: self.job.clone(),
        }
    }
}

impl<S: Send + Sync + 'static> Run<S> {
    /// Does a stage that blocks, see [`blocking_deep`]: most have SQLite read what somebody else wrote.
    pub async fn blocking<T: Send + 'static>(
        &self,
        stage: impl FnOnce(&Run<S>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let run = self.clone();
        blocking_deep(move || stage(&run)).await
    }
}
