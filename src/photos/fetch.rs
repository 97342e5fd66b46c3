//! One engine that reads photos from any source: in the order asked for, checked, with bounded memory.
//!
//! At most `concurrency` photos are under way or waiting, each with at most [`MEMORY_LIMIT`] bytes in memory. What
//! is handed on was read in one go without changing meanwhile, has the announced length and, where the store
//! announces an MD5, that MD5. Hashing and files never block the runtime.
//!
//! A store that fails is asked again, after longer and longer pauses; a body that broke off is gone on with where the
//! store can. A store that stays silent for all of that, for several photos in a row, is not asked again: what is
//! left ends at once with the same reason, or the job with an error when the store never gave anything.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::FutureExt;
use futures::stream::{self, Stream, StreamExt};
use tokio::time::{Instant, timeout_at};
use tokio_util::task::AbortOnDropHandle;

use super::body::{Intake, PIECE, Trouble};
use super::buffers::Buffers;
use super::source::{ByteStream, Content, GetError, OpenFile, PhotoStore};
use crate::error::{Error, Result};
use crate::job::{self, Job, joined};

pub use super::body::{Body, Digester, Fetched, MEMORY_LIMIT, Sums};

mod course;
mod health;

use course::Course;
use health::Health;

/// What became of one photo.
#[derive(Debug)]
pub struct Attempt<S = Sums> {
    /// The key that was asked for.
    pub key: String,
    /// The photo, or why there is none.
    pub outcome: Result<Fetched<S>, GetError>,
}

/// Reads the photos of one store, and remembers from one round to the next how the store answered. Cheap to clone.
#[derive(Clone)]
pub struct Fetcher {
    source: Arc<dyn PhotoStore>,
    workspace: Arc<Path>,
    buffers: Buffers,
    job: Job,
    health: Arc<Health>,
}

impl Fetcher {
    /// For a store that was not asked yet. Large photos wait in unnamed files in the folder `workspace`.
    pub fn new(source: Arc<dyn PhotoStore>, workspace: &Path, job: &Job) -> Self {
        let health = Arc::new(Health::of(&*source));
        Fetcher { source, workspace: workspace.into(), buffers: Buffers::default(), job: job.clone(), health }
    }

    /// The store has answered for a photo elsewhere: what it refuses from now on says nothing of us.
    pub fn store_answered(&self) {
        self.health.answered();
    }

    /// Reads the photos of `keys`, strictly in that order, `concurrency` at a time. What is computed of their bytes
    /// meanwhile, `S` says. An error ends the whole: the job was stopped, or the workspace cannot be written.
    ///
    /// Must be polled on a Tokio runtime with a timer. What is under way goes on between polls. When the stream is dropped
    /// no more is begun, but a read that blocks ends later: whoever removes the workspace stops the job and polls to the
    /// end.
    pub fn fetch<S, K>(
        &self,
        keys: K,
        concurrency: usize,
    ) -> impl Stream<Item = Result<Attempt<S>>> + Send + use<S, K>
    where
        S: Digester,
        K: IntoIterator<Item = String, IntoIter: Send>,
    {
        let fetcher = self.clone();
        stream::iter(keys)
            .map(move |key| {
                let one = fetcher.clone().one(key);
                // It goes on by itself, as blocking work.
                if fetcher.source.is_local() {
                    return one.left_future();
                }
                let task = AbortOnDropHandle::new(tokio::spawn(one));
                async { joined(task.await) }.right_future()
            })
            .buffered(concurrency.max(1))
    }

    async fn one<S: Digester>(self, key: String) -> Result<Attempt<S>> {
        let outcome = match self.health.outage() {
            Some(error) => Err(error),
            None => self.persist(&key).await?,
        };
        self.health.tell(&key, outcome.as_ref().err().copied())?;
        Ok(Attempt { key, outcome })
    }

    /// Attempts until one succeeds, or there is no hope.
    async fn persist<S: Digester>(&self, key: &str) -> Result<Result<Fetched<S>, GetError>> {
        let mut course = Course::begin();
        loop {
            let error = match self.attempt(key, &mut course).await {
                Ok(fetched) => return Ok(Ok(fetched)),
                Err(Trouble::Job(error)) => return Err(error),
                Err(Trouble::Photo(error)) => error,
            };
            match course.pause(error) {
                Some(pause) => self.unless_stopped(tokio::time::sleep(pause)).await?,
                None => return Ok(Err(error)),
            }
        }
    }

    async fn attempt<S: Digester>(&self, key: &str, course: &mut Course<S>) -> Result<Fetched<S>, Trouble> {
        let waiting = Instant::now();
        self.unless_stopped(self.source.turn()).await?;
        course.put_off(waiting.elapsed());
        if let Some(begun) = course.partial.take() {
            let photo = begun.photo().clone();
            let opened = self.in_time(course.deadline(), self.source.resume(&photo, begun.taken())).await;
            match opened {
                Ok(Some(pieces)) => {
                    course.goes_on_from(begun.taken());
                    return self.read_stream(begun, pieces, course).await;
                }
                // It cannot, or it is another photo by now: from the beginning.
                Ok(None) | Err(Trouble::Photo(GetError::ChangedWhileRead)) => {}
                Err(trouble) => {
                    course.partial = Some(begun);
                    return Err(trouble);
                }
            }
        }
        let (intake, pieces) = match self.in_time(course.deadline(), self.source.get(key)).await? {
            Content::File(open) => {
                let this = self.clone();
                // Opening, reading and hashing in one call: a hop between threads costs more than a small photo.
                return blocking(move || this.read_file(open()?)).await;
            }
            Content::Stream(photo, pieces) => (Intake::new(*photo, &self.workspace, &self.buffers), pieces),
            Content::Chunked(photo, pieces) => (Intake::open(*photo, &self.workspace, &self.buffers), pieces),
        };
        course.grant(intake.announced());
        self.read_stream(intake, pieces, course).await
    }

    /// Reads a body to its end. What came of one that breaks off is left in `course`.
    async fn read_stream<S: Digester>(
        &self,
        mut intake: Intake<S>,
        mut pieces: ByteStream,
        course: &mut Course<S>,
    ) -> Result<Fetched<S>, Trouble> {
        let mut left = intake.announced().saturating_sub(intake.taken());
        let (mut waiting, mut bytes_waiting) = (Vec::new(), 0);
        loop {
            let next = async { pieces.next().await.transpose() };
            let piece = match self.in_time(course.deadline(), next).await {
                Ok(Some(piece)) => piece,
                // Fewer bytes than announced: the connection was closed in the middle.
                Ok(None) if left > 0 && intake.photo().etag.is_some() && !intake.is_open() => {
                    course.partial = Some(blocking(move || take_batch(intake, waiting)).await?);
                    return Err(GetError::BadLength.into());
                }
                Ok(None) => break,
                Err(Trouble::Photo(error)) if error.is_outage() && !intake.is_open() => {
                    course.partial = Some(blocking(move || take_batch(intake, waiting)).await?);
                    return Err(error.into());
                }
                Err(trouble) => return Err(trouble),
            };
            let too_long = if intake.is_open() { GetError::TooLarge } else { GetError::BadLength };
            left = left.checked_sub(piece.len() as u64).ok_or(too_long)?;
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

    /// Blocks.
    fn read_file<S: Digester>(&self, open: OpenFile) -> Result<Fetched<S>, Trouble> {
        let OpenFile { mut file, metadata, photo } = open;
        if photo.size != metadata.len() {
            return Err(GetError::BadLength.into());
        }
        let mut intake = Intake::new(photo, &self.workspace, &self.buffers);
        // One byte more than announced, so that a file that grew is noticed and one that never ends is not followed.
        let mut bytes = (&mut file).take(intake.announced().saturating_add(1));
        if intake.announced() <= MEMORY_LIMIT {
            // Room for that byte, too, lets one read take all and the next find the end.
            let mut whole = self.buffers.take(intake.announced() as usize + 1);
            bytes.read_to_end(&mut whole).map_err(GetError::from)?;
            intake.take_whole(whole);
        } else {
            let mut piece = vec![0; PIECE];
            loop {
                self.job.check()?;
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

    async fn in_time<T>(
        &self,
        deadline: Instant,
        future: impl Future<Output = Result<T, GetError>>,
    ) -> Result<T, Trouble> {
        match self.unless_stopped(timeout_at(deadline, future)).await? {
            Ok(outcome) => Ok(outcome?),
            Err(_) => Err(GetError::Timeout.into()),
        }
    }

    async fn unless_stopped<F: Future>(&self, future: F) -> Result<F::Output> {
        self.job.stop_token().run_until_cancelled(future).await.ok_or(Error::Aborted)
    }
}

fn take_batch<S: Digester>(mut intake: Intake<S>, batch: Vec<Bytes>) -> Result<Intake<S>, Trouble> {
    batch.iter().try_for_each(|piece| intake.take(piece))?;
    Ok(intake)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Trouble> + Send + 'static,
) -> Result<T, Trouble> {
    // What becomes of one photo is a value: an error would be the job's.
    job::blocking(move || Ok(work())).await?
}

#[cfg(test)]
mod tests;
