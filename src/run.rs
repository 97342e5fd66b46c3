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
        self.clone().last(stage).await
    }

    /// Does the last stage, as [`blocking`](Run::blocking): the folder of the run goes when all is closed that the
    /// stage holds, for Windows removes none with open files.
    pub async fn last<T: Send + 'static>(
        self,
        stage: impl FnOnce(&Run<S>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        blocking_deep(move || stage(&self)).await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    /// Notes whether a folder is there when it is dropped.
    struct Witness(std::path::PathBuf, Arc<AtomicBool>);

    impl Drop for Witness {
        fn drop(&mut self) {
            self.1.store(self.0.is_dir(), Ordering::Relaxed);
        }
    }

    #[tokio::test]
    async fn what_the_last_stage_holds_goes_before_the_folder() {
        let root = tempfile::tempdir().unwrap();
        let workspace = Arc::new(Workspace::create(root.path()).unwrap());
        let (folder, was_there) = (workspace.folder().to_owned(), Arc::new(AtomicBool::new(false)));
        let witness = Witness(folder.clone(), Arc::clone(&was_there));
        let run = Run { settings: Arc::new(()), workspace, job: Job::unattended() };
        let stage = move |_: &Run<()>| {
            assert!(witness.0.is_dir());
            Ok(())
        };
        run.last(stage).await.unwrap();
        assert!(was_there.load(Ordering::Relaxed) && !folder.exists());
    }
}
