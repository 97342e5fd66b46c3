//! A large photo, sent in parts.

use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;

use super::describe::headers;
use super::{Answer, CLEANUP_TIMEOUT, Store, etag_of_written};
use crate::error::{Error, Result};
use crate::formats::index::IndexedPhoto;
use crate::job::Job;
use crate::photos::s3::{Call, S3Error};

/// An upload that was begun. Cheap to clone.
#[derive(Clone)]
pub(super) struct Upload {
    store: Store,
    photo: Arc<IndexedPhoto>,
    id: Arc<str>,
}

/// A part that the store has.
pub(super) struct Part {
    number: usize,
    etag: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Begun {
    upload_id: String,
}

impl Upload {
    /// Says what the photo is going to be.
    pub(super) async fn begin(store: Store, photo: IndexedPhoto, job: &Job) -> Result<Self> {
        let call = Call {
            method: Method::POST,
            key: Some(&photo.key),
            query: &[("uploads", "")],
            headers: &headers(&photo),
            ..Call::default()
        };
        let begun = store.send(call, job, begun).await?.map_err(|error| store.failed(&photo.key, error))?;
        Ok(Upload { store, photo: Arc::new(photo), id: begun.upload_id.into() })
    }

    /// Sends one part; the first has the number 1.
    pub(super) async fn part(
        self,
        number: usize,
        body: Bytes,
        slot: OwnedSemaphorePermit,
        job: Job,
    ) -> Result<Part> {
        let _slot = slot;
        let text = number.to_string();
        let query = [("partNumber", text.as_str()), ("uploadId", &self.id)];
        let call = Call { query: &query, body, ..self.call(Method::PUT) };
        let etag = self.store.send(call, &job, etag_of_written).await?;
        let etag = etag.map_err(|error| self.failed(error))?;
        Ok(Part { number, etag })
    }

    /// Makes the parts one object, where there still is none.
    pub(super) async fn complete(&self, parts: Vec<Part>, job: &Job) -> Result<()> {
        // Not every store takes a condition here, so it is asked for before.
        if self.exists(job).await? {
            self.forget().await;
            return self.store.confirm(&self.photo, job).await;
        }
        let query = [("uploadId", &*self.id)];
        let body = manifest(parts).into();
        let call = Call { query: &query, body, ..self.call(Method::POST) };
        match self.store.send(call, job, Ok).await? {
            // Whatever else comes with status 200, what is there tells.
            Ok(answer)
                if String::from_utf8_lossy(&answer.body).contains("<CompleteMultipartUploadResult") =>
            {
                Ok(())
            }
            Ok(_) => self.store.confirm(&self.photo, job).await,
            // It was completed, and the answer was lost.
            Err(S3Error::Answer { status: 404, .. }) => self.store.confirm(&self.photo, job).await,
            Err(error) => Err(self.failed(error)),
        }
    }

    async fn exists(&self, job: &Job) -> Result<bool> {
        match self.store.send(self.call(Method::HEAD), job, Ok).await? {
            Ok(_) => Ok(true),
            Err(S3Error::Answer { status: 404, .. }) => Ok(false),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Takes back what was sent. One that stays is in nobody's way, and R2 drops it after seven days.
    pub(super) async fn forget(&self) {
        let query = [("uploadId", &*self.id)];
        let call = Call { query: &query, ..self.call(Method::DELETE) };
        let _ = tokio::time::timeout(CLEANUP_TIMEOUT, self.store.bucket.request(call)).await;
    }

    fn failed(&self, error: S3Error) -> Error {
        self.store.failed(&self.photo.key, error)
    }

    /// A request about the photo.
    fn call(&self, method: Method) -> Call<'_> {
        Call { method, key: Some(&self.photo.key), ..Call::default() }
    }
}

fn begun(answer: Answer) -> Result<Begun, S3Error> {
    quick_xml::de::from_reader(answer.body.as_ref()).map_err(|_| S3Error::Unreadable)
}

fn manifest(mut parts: Vec<Part>) -> String {
    parts.sort_by_key(|part| part.number);
    let mut body = String::from("<CompleteMultipartUpload>");
    for Part { number, etag } in parts {
        let etag = quick_xml::escape::escape(etag.as_str());
        body += &format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>");
    }
    body + "</CompleteMultipartUpload>"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_named_in_their_order() {
        let part = |number, etag: &str| Part { number, etag: etag.into() };
        assert_eq!(
            manifest(vec![part(2, "\"b\""), part(1, "a<")]),
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>a&lt;</ETag></Part>\
             <Part><PartNumber>2</PartNumber><ETag>&quot;b&quot;</ETag></Part></CompleteMultipartUpload>"
        );
    }
}
