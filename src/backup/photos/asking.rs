//! What is asked of the store.

use std::collections::HashSet;
use std::sync::Arc;

use futures::StreamExt;
use tokio::sync::mpsc;

use crate::archive::Workspace;
use crate::backup::options::Settings;
use crate::backup::plan::Plan;
use crate::error::Result;
use crate::job::Job;
use crate::photos::fetch::{Attempt, Health, fetch};
use crate::photos::source::GetError;

/// Asks for the photos `wanted`, in their order, then for those that may lie elsewhere than rows say, and hands on what
/// became of each to `sender`. Once that is gone nothing more comes. The store has `had` as well, of which it is asked
/// nothing.
pub(super) async fn ask(
    plan: &Plan,
    wanted: Vec<String>,
    had: HashSet<String>,
    settings: &Settings,
    workspace: &Workspace,
    job: &Job,
    sender: mpsc::Sender<Result<Attempt>>,
) {
    let Some(source) = plan.store() else { return };
    let (concurrency, health) = (settings.common.concurrency, Arc::new(Health::of(&*source)));
    // A store that cannot list has just said of each of them that it is there.
    if !plan.readings().is_empty() && !had.is_empty() {
        health.answered();
    }
    let (mut keys, mut given) = (wanted, had);
    // As a rule there is nothing to ask for in a second round.
    for round in 0..2 {
        let source = Arc::clone(&source);
        let photos = fetch(source, &health, keys, concurrency, workspace.folder(), job);
        let mut photos = std::pin::pin!(photos);
        while let Some(photo) = photos.next().await {
            if let Ok(Attempt { key, outcome }) = &photo
                && !plan.sisters().is_empty()
                && !outcome.as_ref().is_err_and(|error| *error == GetError::NoSuchKey || error.turns_away())
            {
                given.insert(key.clone());
            }
            // Once the writer is gone its error counts. What was begun still holds files in the workspace.
            if sender.send(photo).await.is_err() {
                job.stop();
                while photos.next().await.is_some() {}
            }
        }
        keys = if round == 0 { plan.sisters_of_lost(&given) } else { Vec::new() };
    }
}
