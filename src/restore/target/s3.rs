//! A bucket of R2 or any other S3 store.
//!
//! Small photos are put several at a time, large ones in parts of equal size, as R2 wants them. Nothing that is in the
//! bucket is written over: every request that makes an object says that there must be none yet, and an object that
//! appears all the same is compared with the photo.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, header};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use super::{Content, Presence, Target, compare, look_into};
use crate::error::{Error, Result};
use crate::formats::index::IndexedPhoto;
use crate::http::whole;
use crate::job::{Job, joined};
use crate::photos::s3::{Access, Bucket, Call, S3Error, refused};
use crate::photos::source::s3::S3;
use crate::photos::source::{GetError, PhotoStore};
use crate::retry::{Retries, Setback};

mod describe;
mod parts;

use describe::{headers, left_out};
use parts::Upload;

/// Bodies on their way at a time.
const CONCURRENCY: usize = 8;
/// A photo of at most so many bytes is sent whole: 8 MiB, which is also the least size of a part (S3 and R2 take 5 MiB
/// and more). All bodies on their way together are at most eight of these.
const PART_SIZE: u64 = 8 << 20;
/// Parts of an upload, at most (<https://developers.cloudflare.com/r2/platform/limits/>).
const MAX_PARTS: u64 = 10_000;
/// What the credentials need.
const PERMISSIONS: &str = "list, read and write";
/// An answer to what is asked here is a few lines.
const MAX_ANSWER: usize = 64 << 10;
/// How long cleaning up may take.
const CLEANUP_TIMEOUT: Duration = Duration::from_secs(10);

/// A bucket that photos come back to.
pub(crate) struct S3Bucket {
    store: Store,
    slots: Arc<Semaphore>,
    uploads: JoinSet<Result<()>>,
}

/// The bucket, as every upload has it. Cheap to clone.
#[derive(Clone)]
struct Store {
    bucket: Bucket,
    source: Arc<dyn PhotoStore>,
}

/// What the bucket answered.
struct Answer {
    headers: HeaderMap,
    body: Bytes,
}

impl S3Bucket {
    /// The bucket; nothing is asked yet.
    pub(crate) fn new(access: Access) -> Result<Self> {
        let store = Store { bucket: Bucket::new(access.clone())?, source: Arc::new(S3::new(access)?) };
        Ok(S3Bucket { store, slots: Arc::new(Semaphore::new(CONCURRENCY)), uploads: JoinSet::new() })
    }

    /// Waits until one body more may be on its way, and says how those that ended did.
    fn slot(&mut self, job: &Job) -> Result<OwnedSemaphorePermit> {
        while let Some(ended) = self.uploads.try_join_next() {
            joined(ended)?;
        }
        let slot = job.stop_token().run_until_cancelled(Arc::clone(&self.slots).acquire_owned());
        let slot = Handle::current().block_on(slot).ok_or(Error::Aborted)?;
        slot.map_err(|_| Error::Internal { problem: "the bucket takes no more photos".into() })
    }

    /// Sends a photo that fits into one body.
    fn put_whole(&mut self, photo: &IndexedPhoto, mut content: Content<'_>, job: &Job) -> Result<()> {
        let slot = self.slot(job)?;
        let body = piece(&mut content, photo.size + 1)?;
        let (store, photo, job) = (self.store.clone(), photo.clone(), job.clone());
        let sent = async move {
            let _slot = slot;
            store.put(&photo, body, &job).await
        };
        self.uploads.spawn_on(sent, &Handle::current());
        Ok(())
    }

    /// Sends a photo in parts. What was sent is taken back when the photo does not become whole.
    fn put_in_parts(&mut self, photo: &IndexedPhoto, mut content: Content<'_>, job: &Job) -> Result<()> {
        let handle = Handle::current();
        let upload = handle.block_on(Upload::begin(self.store.clone(), photo.clone(), job))?;
        let size = PART_SIZE.max(photo.size.div_ceil(MAX_PARTS));
        let mut send = || {
            let (mut sending, mut sent) = (JoinSet::new(), Vec::new());
            for number in 1.. {
                let slot = self.slot(job)?;
                let body = piece(&mut content, size)?;
                let is_last = (body.len() as u64) < size;
                if !body.is_empty() {
                    sending.spawn_on(upload.clone().part(number, body, slot, job.clone()), &handle);
                }
                while let Some(ended) = sending.try_join_next() {
                    sent.push(joined(ended)?);
                }
                if is_last {
                    break;
                }
            }
            while let Some(ended) = handle.block_on(sending.join_next()) {
                sent.push(joined(ended)?);
            }
            handle.block_on(upload.complete(sent, job))
        };
        send().inspect_err(|_| handle.block_on(upload.forget()))
    }
}

impl Target for S3Bucket {
    fn look(&mut self, photos: &[IndexedPhoto], job: &Job) -> Result<Vec<Presence>> {
        look_into(&self.store.source, photos, job)
    }

    fn left_out(&self, photo: &IndexedPhoto) -> Option<String> {
        left_out(photo)
    }

    fn begin(&mut self, _bytes: u64) -> Result<()> {
        Ok(())
    }

    fn put(&mut self, photo: &IndexedPhoto, content: Content<'_>, job: &Job) -> Result<()> {
        if photo.size <= PART_SIZE {
            self.put_whole(photo, content, job)
        } else {
            self.put_in_parts(photo, content, job)
        }
    }

    fn finish(&mut self) -> Result<()> {
        let handle = Handle::current();
        while let Some(ended) = handle.block_on(self.uploads.join_next()) {
            joined(ended)?;
        }
        Ok(())
    }
}

impl Store {
    /// Puts a photo where there is nothing.
    async fn put(&self, photo: &IndexedPhoto, body: Bytes, job: &Job) -> Result<()> {
        let mut headers = headers(photo);
        headers.push((header::IF_NONE_MATCH, "*".into()));
        let key = Some(&*photo.key);
        let call = Call { method: Method::PUT, key, headers: &headers, body, ..Call::default() };
        match self.send(call, job, etag_of_written).await? {
            Ok(_) => Ok(()),
            Err(S3Error::Answer { status: 412, .. }) => self.confirm(photo, job).await,
            Err(error) => Err(self.failed(&photo.key, error)),
        }
    }

    /// Sends a request and reads the whole answer, again and again while there is hope: what `read` finds to be the
    /// answer of somebody else passes as well. The outer error is that the job was stopped.
    async fn send<T>(
        &self,
        call: Call<'_>,
        job: &Job,
        read: impl Fn(Answer) -> Result<T, S3Error>,
    ) -> Result<Result<T, S3Error>> {
        let mut retries = Retries::new();
        loop {
            let asked = async {
                let (head, body) = self.bucket.request(call.clone()).await?.into_parts();
                let body = whole(body, MAX_ANSWER).await?;
                // As after spaces that kept the connection alive while parts became one object.
                S3Error::within(&body).map_or_else(|| read(Answer { headers: head.headers, body }), Err)
            };
            let error = match job.stop_token().run_until_cancelled(asked).await.ok_or(Error::Aborted)? {
                Ok(answer) => return Ok(Ok(answer)),
                Err(error) => error,
            };
            let Some(pause) = retries.pause(setback(&error)) else { return Ok(Err(error)) };
            job.stop_token().run_until_cancelled(tokio::time::sleep(pause)).await.ok_or(Error::Aborted)?;
        }
    }

    /// Fails with `TARGET_NOT_EMPTY` unless the object that came to be under the key is the photo: as after a request
    /// that was fulfilled and whose answer was lost.
    async fn confirm(&self, photo: &IndexedPhoto, job: &Job) -> Result<()> {
        compare(&self.source, &[photo], job).await
    }

    /// A request about one photo that failed for good. The bucket itself was listed before: one that understands no
    /// more has something against this photo, such as MinIO against `a//b`, or AWS against much metadata.
    fn failed(&self, key: &str, error: S3Error) -> Error {
        let what = self.bucket.place();
        match error {
            S3Error::Answer { status: 400 | 409, .. } if GetError::from(&error) == GetError::Unreadable => {
                let problem = format!(
                    "it does not take the photo {key}, be it for its name or its metadata; bring that back into a \
                     folder, and choose the others with keys"
                );
                Error::SourceUnreachable { what, problem, source: Some(error.into()) }
            }
            error => refused(what, PERMISSIONS, error),
        }
    }
}

/// The ETag of what a store says it has written, and it says nothing else: a gateway that answers in its place, such as
/// with the login page of a network, has written nothing.
fn etag_of_written(answer: Answer) -> Result<String, S3Error> {
    let etag = answer.headers.get(header::ETAG).and_then(|etag| etag.to_str().ok());
    etag.filter(|_| answer.body.is_empty()).map(str::to_owned).ok_or(S3Error::Unreadable)
}

/// What to do after a request that failed. A conflict is that of two requests at once.
fn setback(error: &S3Error) -> Setback {
    match error {
        S3Error::Answer { status: 409, retry_after, .. } => Setback::Busy(*retry_after),
        error => GetError::from(error).into(),
    }
}

/// The next bytes, at most so many.
fn piece(content: &mut Content<'_>, size: u64) -> Result<Bytes> {
    let mut piece = vec![0; size as usize];
    let filled = content.fill(&mut piece)?;
    piece.truncate(filled);
    Ok(piece.into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_photo_that_the_store_does_not_take_is_named() {
        let access = Access {
            endpoint: "https://s3.example".into(),
            bucket: "photos".into(),
            access_key_id: String::new().into(),
            secret_access_key: String::new().into(),
            region: "auto".into(),
        };
        let store = S3Bucket::new(access).unwrap().store;
        let named = |status, code: &str| {
            let error = S3Error::Answer { status, code: code.into(), retry_after: None };
            store.failed("a//b.jpg", error).to_string().contains("does not take the photo a//b.jpg,")
        };
        for (status, code) in [
            (400, "XMinioInvalidObjectName"),
            (400, "XMinioParentIsObject"),
            (400, "MetadataTooLarge"),
            (409, "ObjectExistsAsPrefix"),
        ] {
            assert!(named(status, code), "{status} {code}");
        }
        for (status, code) in
            [(400, "RequestTimeout"), (403, "AccessDenied"), (404, "NoSuchBucket"), (501, "")]
        {
            assert!(!named(status, code), "{status} {code}");
        }
    }
}
