//! A dump that is stopped: nothing is left, and nothing more is begun.

use std::sync::{Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use super::*;
use crate::job::{Observer, Progress};

/// Stops its job at the first word of a phase, and notes the last phase that it heard of.
struct Stopper {
    token: CancellationToken,
    phase: Phase,
    last: Mutex<Option<Phase>>,
}

impl Observer for Stopper {
    fn progress(&self, progress: &Progress) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(progress.phase);
        if progress.phase == self.phase {
            self.token.cancel();
        }
    }
}

#[tokio::test]
async fn a_dump_ends_in_the_phase_in_which_it_is_stopped() {
    for phase in [Phase::Snapshot, Phase::Database, Phase::Finish, Phase::Verify] {
        let folder = tempfile::tempdir().unwrap();
        let token = CancellationToken::new();
        let stopper = Arc::new(Stopper { token: token.clone(), phase, last: Mutex::default() });
        let error = dumped_by(folder.path(), Job::new(token, stopper.clone())).await.unwrap_err();
        assert_eq!(error.code(), "ABORT_ERR");
        assert!(!folder.path().join("out").exists());
        assert_eq!(*stopper.last.lock().unwrap(), Some(phase));
    }
}
