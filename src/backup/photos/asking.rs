//! The half of copying that asks: for each photo of the plan, and then for those that are not where rows say.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;

use futures::StreamExt;
use tokio::sync::mpsc::Sender;

use super::Task;
use crate::error::Result;
use crate::photos::fetch::{Attempt, Health, fetch};
use crate::photos::source::{GetError, PhotoStore};

/// Asks for the photos `wanted`, in their order, then for those that may lie elsewhere than rows say, and hands on what
/// became of each to `sender`. Once that is gone nothing more comes. The store has `had` as well, of which it is asked
/// nothing.
pub(super) async fn ask(
    task: Task<'_>,
    wanted: Vec<String>,
    had: HashSet<String>,
    sender: Sender<Result<Attempt>>,
) {
    let Some(store) = task.plan.store() else { return };
    let health = Arc::new(Health::of(&*store));
    // A store that cannot list has just said of each of them that it is there.
    if !task.plan.readings().is_empty() && !had.is_empty() {
        health.answered();
    }
    let mut asking = Asking { task, health, store, had, sender };
    asking.round(wanted).await;
    // As a rule there are none.
    asking.round(task.plan.sisters_of_lost(&asking.had)).await;
}

struct Asking<'a> {
    task: Task<'a>,
    store: Arc<dyn PhotoStore>,
    /// How the store answered in both rounds.
    health: Arc<Health>,
    /// Keys that the store has, or may have.
    had: HashSet<String>,
    sender: Sender<Result<Attempt>>,
}

impl Asking<'_> {
    async fn round(&mut self, keys: Vec<String>) {
        let Task { run, plan } = self.task;
        let (store, concurrency) = (Arc::clone(&self.store), run.settings.common.concurrency);
        let mut photos =
            pin!(fetch(store, &self.health, keys, concurrency, run.workspace.folder(), &run.job));
        while let Some(photo) = photos.next().await {
            if let Ok(Attempt { key, outcome }) = &photo
                && !plan.sisters().is_empty()
                && !outcome.as_ref().is_err_and(|error| *error == GetError::NoSuchKey || error.turns_away())
            {
                self.had.insert(key.clone());
            }
            // Once the writer is gone its error counts. What was begun still holds files in the workspace.
            if self.sender.send(photo).await.is_err() {
                run.job.stop();
                while photos.next().await.is_some() {}
            }
        }
    }
}
