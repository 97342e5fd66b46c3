//! One engine that reads photos from any source: in the order asked for, checked, with bounded memory.
//!
//! At most `concurrency` photos are under way or waiting, each with at most [`MEMORY_LIMIT`] bytes in memory. What
//! is handed on was read in one go without changing meanwhile, has the announced length and, where the store
//! announces an MD5, that MD5. Hashing and files never block the runtime.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, BoxStream, Stream, StreamExt};
use tokio::task::{JoinError, spawn_blocking};
use tokio_util::task::AbortOnDropHandle;

use super::body::{Intake, Trouble};
use super::source::{Content, GetError, OpenFile, PhotoSource, StoredPhoto};
use crate::error::{Error, Result};
use crate::job::Job;

pub use super::body::{Body, Fetched, MEMORY_LIMIT};

/// How often a photo is read again when the failure may pass.
const RETRIES: u32 = 2;
/// The pause before the first retry; the second waits twice as long.
const PAUSE: Duration = Duration::from_millis(100);
/// Bytes handled between two looks at whether the job is stopped: 1 MiB.
const PIECE: usize = 1 << 20;

/// What became of one photo.
#[derive(Debug)]
pub struct Attempt {
    /// The key that was asked for.
    pub key: String,
    /// The photo, or why there is none.
    pub outcome: Result<Fetched, GetError>,
}

/// Reads the photos of `keys`, strictly in that order, `concurrency` at a time; large ones wait in unnamed files in
/// the folder `workspace`. An error ends the whole: the job was stopped, or the workspace cannot be written.
///
/// Must be polled on a Tokio runtime with a timer. What is under way goes on between polls and ends when the stream
/// is dropped.
pub fn fetch<K>(
    source: Arc<dyn PhotoSource>,
    keys: K,
    concurrency: usize,
    workspace: &Path,
    job: &Job,
) -> impl Stream<Item = Result<Attempt>> + Send + use<K>
where
    K: IntoIterator<Item = String, IntoIter: Send>,
{
    let fetcher = Fetcher { source, workspace: workspace.into(), job: job.clone() };
    stream::iter(keys)
        .map(move |key| {
            let task = AbortOnDropHandle::new(tokio::spawn(fetcher.clone().one(key)));
            async { task.await.map_err(ended_early)? }
        })
        .buffered(concurrency.max(1))
}

#[derive(Clone)]
struct Fetcher {
    source: Arc<dyn PhotoSource>,
    workspace: Arc<Path>,
    job: Job,
}

impl Fetcher {
    async fn one(self, key: String) -> Result<Attempt> {
        let mut retries = 0;
        let outcome = loop {
            match self.attempt(&key).await {
                Ok(fetched) => break Ok(fetched),
                Err(Trouble::Job(error)) => return Err(error),
                Err(Trouble::Photo(error)) if retries == RETRIES || !error.may_pass() => break Err(error),
                Err(Trouble::Photo(_)) => retries += 1,
            }
            self.unless_stopped(tokio::time::sleep(PAUSE * retries)).await?;
        };
        Ok(Attempt { key, outcome })
    }

    async fn attempt(&self, key: &str) -> Result<Fetched, Trouble> {
        match self.unless_stopped(self.source.get(key)).await?? {
            Content::File(open) => {
                let (workspace, job) = (Arc::clone(&self.workspace), self.job.clone());
                // Opening, reading and hashing in one call: a hop between threads costs more than a small photo.
                blocking(move || read_file(open()?, &workspace, &job)).await
            }
            Content::Stream(photo, pieces) => self.read_stream(*photo, pieces).await,
        }
    }

    async fn read_stream(
        &self,
        photo: StoredPhoto,
        mut pieces: BoxStream<'static, Result<Bytes, GetError>>,
    ) -> Result<Fetched, Trouble> {
        let mut left = photo.size;
        let mut intake = Intake::new(photo, &self.workspace);
        let (mut waiting, mut bytes_waiting) = (Vec::new(), 0);
        while let Some(piece) = self.unless_stopped(pieces.next()).await? {
            let piece = piece?;
            left = left.checked_sub(piece.len() as u64).ok_or(GetError::BadLength)?;
            bytes_waiting += piece.len();
            waiting.push(piece);
            if bytes_waiting >= PIECE {
                let batch = std::mem::take(&mut waiting);
                bytes_waiting = 0;
                intake = blocking(move || take_batch(intake, batch)).await?;
            }
        }
        blocking(move || take_batch(intake, waiting)?.finish()).await
    }

    async fn unless_stopped<F: Future>(&self, future: F) -> Result<F::Output> {
        self.job.stop_token().run_until_cancelled(future).await.ok_or(Error::Aborted)
    }
}

fn take_batch(mut intake: Intake, batch: Vec<Bytes>) -> Result<Intake, Trouble> {
    batch.iter().try_for_each(|piece| intake.take(piece))?;
    Ok(intake)
}

fn read_file(open: OpenFile, workspace: &Path, job: &Job) -> Result<Fetched, Trouble> {
    let OpenFile { mut file, metadata, photo } = open;
    if photo.size != metadata.len() {
        return Err(GetError::BadLength.into());
    }
    let mut intake = Intake::new(photo, workspace);
    // One byte more than announced, so that a file that grew is noticed and one that never ends is not followed.
    let mut bytes = (&mut file).take(intake.announced().saturating_add(1));
    if intake.announced() <= MEMORY_LIMIT {
        // Room for that byte, too, lets one read take all and the next find the end.
        let mut whole = Vec::with_capacity(intake.announced() as usize + 1);
        bytes.read_to_end(&mut whole).map_err(GetError::from)?;
        intake.take_whole(whole);
    } else {
        let mut piece = vec![0; PIECE];
        loop {
            job.check()?;
            match bytes.read(&mut piece) {
                Ok(0) => break,
                Ok(n) => intake.take(piece.get(..n).unwrap_or_default())?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(GetError::from(error).into()),
            }
        }
    }
    let now = file.metadata().map_err(GetError::from)?;
    if now.len() != metadata.len() || now.modified().ok() != metadata.modified().ok() {
        return Err(GetError::ChangedWhileRead.into());
    }
    intake.finish()
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Trouble> + Send + 'static,
) -> Result<T, Trouble> {
    spawn_blocking(work).await.map_err(ended_early)?
}

fn ended_early(error: JoinError) -> Error {
    if error.is_cancelled() {
        return Error::Aborted;
    }
    Error::Internal { problem: format!("reading a photo ended early: {error}") }
}

#[cfg(test)]
mod tests;
