//! What every store of photos can do: list what it holds, and open one photo.
//!
//! A source says "no such key" only when the store denies holding the key; every other failure keeps its reason.

use std::fs::{File, Metadata};
use std::io;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream::BoxStream;
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::http::Distrust;
use crate::job::{Job, Warning, counted};
use crate::retry::Setback;

pub mod directory;
pub(crate) mod etag;
pub mod headers;
mod listed;
mod metadata;
pub(crate) mod pages;
pub mod public_url;
pub mod r2;
pub mod s3;
mod walk;
pub mod wrangler;

/// A store of photos.
#[async_trait]
pub trait PhotoSource: Send + Sync {
    /// The kind of source that metadata.json names, such as `directory`.
    fn kind(&self) -> &'static str;

    /// What an error calls it; without credentials.
    fn place(&self) -> String {
        "the photos".into()
    }

    /// Everything the store holds, or `None` when it cannot list. Fails when the store cannot be reached, refuses
    /// us, or the job is stopped.
    async fn list(&self, job: &Job) -> Result<Option<Listing>>;

    /// Waits until the store may be asked for one more photo, where it takes only so many requests in a time. A photo's
    /// deadline does not run meanwhile.
    async fn turn(&self) {}

    /// The least time that so many photos take; None where the store takes any number of requests, or they are few.
    /// Known once it was listed.
    fn least_time(&self, _photos: u64) -> Option<Duration> {
        None
    }

    /// What a store that cannot list says of one photo now, where that tells for sure whether it is one of before; None
    /// where it does not.
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
    /// Every photo, in bytewise order of keys; no key twice.
    pub photos: Vec<StoredPhoto>,
    /// What could not be listed. Not empty: the store holds more than `photos` says.
    pub problems: Vec<ListProblem>,
    /// What was passed over on purpose.
    pub warnings: Vec<Warning>,
}

/// The place of `key` among photos in bytewise order of keys.
pub fn find(photos: &[StoredPhoto], key: &str) -> Option<usize> {
    photos.binary_search_by(|photo| photo.key.as_str().cmp(key)).ok()
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
    pub key: String,
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
    pub http_metadata: Map<String, Value>,
    /// What the uploader attached.
    pub custom_metadata: Map<String, Value>,
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
    /// The same without a length: how many bytes there are shows at their end, which has a mark. The size is the most
    /// that are taken.
    Chunked(Box<StoredPhoto>, ByteStream),
}

/// An opened file on this machine.
pub struct OpenFile {
    /// At its first byte.
    pub file: File,
    /// The file as it was when it was opened: it must still be so when all of it is read.
    pub metadata: Metadata,
    /// What the store says of it now.
    pub photo: StoredPhoto,
}

/// Why a photo could not be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GetError {
    /// The store denies holding the key. Every other failure leaves it open.
    #[error("the store holds no such key")]
    NoSuchKey,
    /// The operating system or the store failed.
    #[error("the store failed to hand it over")]
    Unreadable,
    /// We may not read it.
    #[error("the store refuses access to it")]
    Refused,
    /// The store takes no signature of a time so far from its own.
    #[error("the store takes no request of such a time")]
    ClockWrong,
    /// The name of the host leads to a private address.
    #[error("its host is not one of the public Internet")]
    Forbidden,
    /// The host does not prove to be the one that was meant.
    #[error("its host did not prove to be the one that was meant")]
    Untrusted(Distrust),
    /// A redirect leads to another host, or in circles.
    #[error("the store sends us to another host")]
    LedAway,
    /// The key holds a part that no URL carries to the store: `.` or `..`.
    #[error("its key holds `.` or `..`, which no URL carries to the store; S3 does")]
    Unaddressable,
    /// It has more bytes than are taken from such a store.
    #[error("it is larger than any photo")]
    TooLarge,
    /// It grew, shrank or was rewritten each time it was read.
    #[error("it changed while it was read")]
    ChangedWhileRead,
    /// More or fewer bytes came than the store announced.
    #[error("its length is not the announced one")]
    BadLength,
    /// The bytes are not those whose MD5 the store announced.
    #[error("its content does not have the announced MD5")]
    BadChecksum,
    /// The store did not answer in time.
    #[error("the store did not answer in time")]
    Timeout,
    /// No connection could be made, or it broke off.
    #[error("the store could not be reached")]
    Unreachable,
    /// The store answers that it cannot at the moment.
    #[error("the store is overloaded or down")]
    Unavailable {
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
}

impl GetError {
    /// The stable word that stands in metadata.json.
    pub fn reason(self) -> &'static str {
        match self {
            GetError::NoSuchKey => "not_found",
            GetError::Unreadable => "unreadable",
            GetError::Refused => "refused",
            GetError::ClockWrong => "clock_wrong",
            GetError::Forbidden => "forbidden_host",
            GetError::Untrusted(_) => "untrusted_host",
            GetError::LedAway => "redirected",
            GetError::Unaddressable => "unaddressable_key",
            GetError::TooLarge => "too_large",
            GetError::ChangedWhileRead => "changed_while_read",
            GetError::BadLength => "bad_length",
            GetError::BadChecksum => "bad_checksum",
            GetError::Timeout => "timeout",
            GetError::Unreachable => "unreachable",
            GetError::Unavailable { .. } => "unavailable",
        }
    }

    /// Whether it is the store, not the photo, that fails at the moment.
    pub fn is_outage(self) -> bool {
        matches!(self, GetError::Timeout | GetError::Unreachable | GetError::Unavailable { .. })
    }

    /// Whether it may be us that the store will not serve, not the photo: then it says so of every photo.
    pub fn turns_away(self) -> bool {
        matches!(self, GetError::Refused | GetError::LedAway)
    }

    /// Whether the next attempt may well succeed.
    pub fn may_pass(self) -> bool {
        !matches!(
            self,
            GetError::NoSuchKey
                | GetError::Unreadable
                | GetError::Refused
                | GetError::ClockWrong
                | GetError::Forbidden
                | GetError::Untrusted(_)
                | GetError::LedAway
                | GetError::Unaddressable
                | GetError::TooLarge
        )
    }
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

impl From<GetError> for Setback {
    fn from(error: GetError) -> Self {
        match error {
            GetError::Timeout => Setback::Silent,
            GetError::Unreachable => Setback::Busy(None),
            GetError::Unavailable { retry_after } => Setback::Busy(retry_after),
            _ => Setback::Final,
        }
    }
}

impl From<io::Error> for GetError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => GetError::NoSuchKey,
            io::ErrorKind::PermissionDenied => GetError::Refused,
            io::ErrorKind::TimedOut => GetError::Timeout,
            _ => GetError::Unreadable,
        }
    }
}
