//! What every store of photos can do: list what it holds, and open one photo.
//!
//! A source says "no such key" only when the store denies holding the key; every other failure keeps its reason.

use std::fs::{File, Metadata};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream::BoxStream;
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::job::{Job, Warning, counted};

pub mod directory;
pub(crate) mod etag;
mod get_error;
pub mod headers;
mod listed;
mod metadata;
pub(crate) mod pages;
pub mod public_url;
pub mod r2;
mod resolve;
pub mod s3;
mod walk;
pub mod wrangler;

pub use get_error::GetError;

/// A store of photos.
#[async_trait]
pub trait PhotoStore: Send + Sync {
    /// The kind of source that metadata.json names, such as `directory`.
    fn kind(&self) -> &'static str;

    /// What an error calls it; without credentials.
    fn place(&self) -> String {
        "the photos".into()
    }

    /// Whether every photo is a [`Content::File`], which is at hand without waiting.
    fn is_local(&self) -> bool {
        false
    }

    /// Everything the store holds, or `None` when it cannot list. Fails when the store cannot be reached, refuses
    /// us, or the job is stopped.
    async fn list(&self, job: &Job) -> Result<Option<Listing>>;

    /// Waits until the store may be asked for one more photo, where it takes only so many requests in a time. A photo's
    /// deadline does not run meanwhile.
    async fn turn(&self) {}

    /// The least time that `photos` photos take where requests are rationed; None where they are not, or there are few.
    /// Ask after `list`.
    fn least_time(&self, _photos: u64) -> Option<Duration> {
        None
    }

    /// What a store that cannot list says of one photo now. None unless that tells for sure whether it still is the
    /// photo that it was at an earlier time.
    async fn describe(&self, _key: &str) -> Result<Option<StoredPhoto>, GetError> {
        Ok(None)
    }

    /// Opens one photo. Reading it is the caller's, see [`crate::photos::fetch`].
    async fn get(&self, key: &str) -> Result<Content, GetError>;

    /// The bytes of an opened photo from byte `from` on, provided that it still is that photo. `None`: the store
    /// cannot, and the photo has to be read from its beginning.
    async fn resume(&self, _photo: &StoredPhoto, _from: u64) -> Result<Option<ByteStream>, GetError> {
        Ok(None)
    }
}

/// What a store holds.
#[derive(Debug, Default)]
pub struct Listing {
    /// Every photo, in bytewise order of keys; no key twice. There may be a million, so who keeps them shares them.
    pub photos: Arc<Vec<StoredPhoto>>,
    /// What could not be listed. Not empty: the store holds more than `photos` says.
    pub problems: Vec<ListProblem>,
    /// What was passed over on purpose.
    pub warnings: Vec<Warning>,
}

impl Listing {
    /// Brings the photos into bytewise order of keys, each once: not every store keeps to it.
    pub(in crate::photos) fn sort(&mut self) {
        let photos = Arc::make_mut(&mut self.photos);
        photos.sort_by(|a, b| a.key.cmp(&b.key));
        photos.dedup_by(|a, b| a.key == b.key);
    }
}

/// The place of `key` among photos in bytewise order of keys.
pub fn find(photos: &[StoredPhoto], key: &str) -> Option<usize> {
    photos.binary_search_by(|photo| (*photo.key).cmp(key)).ok()
}

/// A part of a store that could not be listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListProblem {
    /// The key, or the common beginning of the keys, ending in `/`.
    pub key: String,
    /// Why.
    pub error: GetError,
}

/// One photo as the store describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredPhoto {
    /// The exact key.
    pub key: Arc<str>,
    /// Bytes.
    pub size: u64,
    /// As the store gives it, without quotes.
    pub etag: Option<String>,
    /// The MD5 of its bytes, where the store announces it.
    pub md5: Option<[u8; 16]>,
    /// When it was last written, as exact as the store says and at most to the millisecond.
    pub last_modified: Option<DateTime<Utc>>,
    /// The media type it is served with.
    pub content_type: Option<String>,
    /// The store's other headers.
    pub http_metadata: PhotoMetadata,
    /// What the uploader attached.
    pub custom_metadata: PhotoMetadata,
}

/// Names and their values. Where there are none, as in most listings, they take no more room than a pointer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PhotoMetadata(Option<Box<Map<String, Value>>>);

impl PhotoMetadata {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// As JSON has them.
    pub fn into_map(self) -> Map<String, Value> {
        self.0.map(|map| *map).unwrap_or_default()
    }
}

impl From<Map<String, Value>> for PhotoMetadata {
    fn from(map: Map<String, Value>) -> Self {
        PhotoMetadata((!map.is_empty()).then(|| Box::new(map)))
    }
}

#[cfg(test)]
impl StoredPhoto {
    /// A photo of which nothing but key and size is known.
    pub(crate) fn bare(key: &str, size: u64) -> Self {
        StoredPhoto {
            key: key.into(),
            size,
            etag: None,
            md5: None,
            last_modified: None,
            content_type: None,
            http_metadata: PhotoMetadata::default(),
            custom_metadata: PhotoMetadata::default(),
        }
    }
}

/// Bytes that arrive in pieces.
pub type ByteStream = BoxStream<'static, Result<Bytes, GetError>>;

/// An opened photo.
pub enum Content {
    /// A file on this machine. The function opens it; it blocks, so it is called on a blocking thread, together
    /// with all the reading.
    File(Box<dyn FnOnce() -> Result<OpenFile, GetError> + Send>),
    /// Bytes that arrive in pieces, with what the store says of them now.
    Stream(Box<StoredPhoto>, ByteStream),
    /// Bytes that arrive in pieces, and how many shows only at their end, which has a mark. The size of the photo is
    /// the most that are taken.
    Chunked(Box<StoredPhoto>, ByteStream),
}

/// An opened file on this machine.
pub struct OpenFile {
    /// The file, to be read from its first byte.
    pub file: File,
    /// The file as it was when it was opened: it must still be so when all of it is read.
    pub metadata: Metadata,
    /// What the store says of it now.
    pub photo: StoredPhoto,
}

/// What to do where a store takes no signature of such a time.
pub const CLOCK_WRONG: &str = "the clock of this machine is wrong; set it";

/// Whether a key holds a segment that servers, proxies and clients of HTTP take for a way to somewhere else.
pub fn has_dot_segment(key: &str) -> bool {
    key.split('/').any(|segment| matches!(segment, "." | ".."))
}

/// The store called `what` turns us away, not some of its photos; `why` is what it said of one of them.
pub fn turned_away(what: String, why: GetError) -> Error {
    let source = Some(Box::new(why).into());
    match why {
        GetError::LedAway => Error::SourceUnreachable {
            what,
            problem:
                "it redirects every photo to another host, or in circles; give the address that photos are \
                      served at in the end"
                    .into(),
            source,
        },
        _ => Error::SourceRefused {
            what,
            problem: "it refused every photo; check that the credentials may read photos, not only list them"
                .into(),
            source,
        },
    }
}

/// Rows refer to photos of ours, and the store has none of them: then it is not their store.
pub fn wrong_store(references: u64) -> Error {
    let found = match references {
        1 => "the only photo that approved rows refer to is not in the store".into(),
        n => format!("none of the {n} photos that approved rows refer to is in the store"),
    };
    let problem = format!(
        "{found}; is it the right one, and does it hold the keys from their first folder on (originals/…)?"
    );
    Error::SourceUnreachable { what: "the photos".into(), problem, source: None }
}

/// Says how long so many photos take at least, where the store answers only so many requests in a time.
pub fn slow_store(photos: u64, time: Duration) -> Warning {
    let message = format!(
        "reading {} will take at least {}: each is one of the 1,200 requests that Cloudflare's API answers in five \
         minutes; with credentials for S3 (photos.s3) there is no such limit",
        counted(photos, "photo", "photos"),
        counted(time.as_secs().div_ceil(60), "minute", "minutes"),
    );
    Warning::new("PHOTOS_TAKE_LONG", message)
}
