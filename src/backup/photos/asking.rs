//! The half of copying that asks: for each photo of the plan, and then for those that are not where rows say.

use std::collections::HashSet;
use std::pin::pin;

use futures::StreamExt;
use tokio::sync::mpsc::Sender;

use super::Task;
use crate::error::Result;
use crate::photos::fetch::{Attempt, Fetcher};
use crate::photos::source::GetError;

/// Asks for the photos of the plan that are not reused, in their order, then for those that may lie elsewhere than rows
/// say, and hands on what became of each to `sender`. Once that is gone nothing more comes.
pub(super) async fn ask(task: Task<'_>, is_reused: &[bool], sender: Sender<Result<Attempt>>) {
    let Task { run, plan } = task;
    let Some(store) = plan.store() else { return };
    let fetcher = Fetcher::new(store, run.workspace.folder(), &run.job);
    let keys = |reused: bool| {
        let those = plan.photos().iter().zip(is_reused).filter(move |(_, is_reused)| **is_reused == reused);
        those.map(|(planned, _)| planned.key.to_string())
    };
    let mut had = HashSet::new();
    // A store that cannot list has just said of each of them that it is there.
    if !plan.readings().is_empty() {
        had.extend(keys(true));
        if !had.is_empty() {
            fetcher.store_answered();
        }
    }
    let mut asking = Asking { task, fetcher, had, sender };
    asking.round(keys(false)).await;
    // As a rule there are none.
    asking.round(plan.alternatives_of_lost(&asking.had)).await;
}

struct Asking<'a> {
    task: Task<'a>,
    fetcher: Fetcher,
    /// Keys that a store which cannot list has, or may have.
    had: HashSet<String>,
    sender: Sender<Result<Attempt>>,
}

impl Asking<'_> {
    async fn round(&mut self, keys: impl IntoIterator<Item = String, IntoIter: Send>) {
        let Task { run, plan } = self.task;
        let mut photos = pin!(self.fetcher.fetch(keys, run.settings.common.concurrency));
        while let Some(photo) = photos.next().await {
            if let Ok(Attempt { key, outcome }) = &photo
                && !plan.alternatives().is_empty()
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
