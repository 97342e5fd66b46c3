//! photos/index.json of a backup. Anybody may have written it: read, it takes no more memory than its text has bytes.

use std::borrow::Cow;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::most_bytes;
use crate::archive::{ORIGINALS, THUMBNAILS};
use crate::error::{Error, Result};

/// The name of the entry.
pub const INDEX: &str = "photos/index.json";
/// Bytes of the longest metadata of one photo; R2 takes 8,192 bytes
/// (<https://developers.cloudflare.com/r2/platform/limits/>).
const MAX_METADATA: usize = 1 << 20;

/// How large the index of an archive with so many entries may be. A photo has some 500 bytes there, and 40 for each
/// artwork that shows it.
pub fn limit(entries: usize) -> u64 {
    most_bytes(entries, 16 << 10)
}

/// Fails with `ARCHIVE_TOO_LARGE` when an index of `bytes` bytes, in an archive of `entries` entries, is larger than
/// readers take.
pub fn check_readable(bytes: u64, entries: usize) -> Result<()> {
    let limit = limit(entries);
    if bytes <= limit {
        return Ok(());
    }
    Err(Error::too_many_photos(format!("{limit} bytes of {INDEX}")))
}

/// One photo of photos/index.json, in the order its keys are written; `M` is how its metadata is held.
#[derive(Debug, Serialize, Deserialize)]
pub struct IndexEntry<M = Map<String, Value>> {
    /// The exact key in the bucket.
    pub key: String,
    /// The name in the archive.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Lower-case hex.
    pub sha256: String,
    /// As the store gives it, without quotes.
    pub etag: Option<String>,
    /// RFC 3339 UTC; fractional seconds where the store has them.
    pub last_modified: Option<String>,
    /// From the store's headers.
    pub content_type: Option<String>,
    /// The store's other headers.
    pub http_metadata: M,
    /// The uploader's metadata.
    pub custom_metadata: M,
    /// The artworks that show it, sorted. Readers leave them where they are: there may be many.
    #[serde(skip_deserializing)]
    pub artwork_ids: Vec<String>,
}

/// A photo as readers keep it: of hundreds of thousands each takes half the memory of its [`IndexEntry`].
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "IndexEntry<Members>")]
pub struct IndexedPhoto {
    /// The exact key in the bucket.
    pub key: Box<str>,
    place: Place,
    /// Bytes.
    pub size: u64,
    /// None of a text that is no SHA-256.
    pub sha256: Option<[u8; 32]>,
    /// As the store gives it, without quotes.
    pub etag: Option<Box<str>>,
    /// RFC 3339 UTC; fractional seconds where the store has them.
    pub last_modified: Option<Box<str>>,
    /// From the store's headers.
    pub content_type: Option<Box<str>>,
    /// The store's other headers.
    pub http_metadata: Members,
    /// The uploader's metadata.
    pub custom_metadata: Members,
}

/// Where a photo is in the archive.
#[derive(Debug, Clone)]
enum Place {
    /// In this folder, under its key.
    Key(&'static str),
    Other(Box<str>),
}

impl IndexedPhoto {
    /// The name in the archive.
    pub fn path(&self) -> Cow<'_, str> {
        match &self.place {
            Place::Key(folder) => format!("{folder}{}", self.key).into(),
            Place::Other(path) => Cow::Borrowed(path),
        }
    }
}

impl From<IndexEntry<Members>> for IndexedPhoto {
    fn from(entry: IndexEntry<Members>) -> Self {
        let is_key = |folder: &&str| entry.path.strip_prefix(*folder) == Some(&entry.key);
        let place = [ORIGINALS, THUMBNAILS].into_iter().find(is_key).map(Place::Key);
        let mut sha256 = [0; 32];
        IndexedPhoto {
            place: place.unwrap_or_else(|| Place::Other(entry.path.into())),
            key: entry.key.into(),
            size: entry.size,
            sha256: hex::decode_to_slice(entry.sha256, &mut sha256).ok().map(|()| sha256),
            etag: entry.etag.map(String::into_boxed_str),
            last_modified: entry.last_modified.map(String::into_boxed_str),
            content_type: entry.content_type.map(String::into_boxed_str),
            http_metadata: entry.http_metadata,
            custom_metadata: entry.custom_metadata,
        }
    }
}

/// An object, kept as the JSON that it is: members take many times as much memory. None where it has none.
#[derive(Debug, Clone)]
pub struct Members(Option<Box<RawValue>>);

impl Members {
    /// The members; none of an object that is nested deeper than any metadata.
    pub fn read(&self) -> Map<String, Value> {
        let read = self.0.as_ref().map(|json| serde_json::from_str(json.get()));
        read.and_then(std::result::Result::ok).unwrap_or_default()
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(json)?;
        if json.get().len() > MAX_METADATA {
            return Err(D::Error::custom("the metadata of a photo is longer than any store takes"));
        }
        if !json.get().starts_with('{') {
            return Err(D::Error::custom("the metadata of a photo is no object"));
        }
        Ok(Members((json.get() != "{}").then_some(json)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn read(custom_metadata: &str) -> serde_json::Result<Vec<IndexedPhoto>> {
        serde_json::from_str(&format!(
            r#"[{{"key":"a","path":"p","size":1,"sha256":"","http_metadata":{{}},"custom_metadata":{custom_metadata},"artwork_ids":["w"]}}]"#
        ))
    }

    #[test]
    fn metadata_comes_back_as_it_was() {
        let photos = read(r#" {"a": "\u00fc", "n": [1]} "#).unwrap();
        assert_eq!(
            Value::Object(photos[0].custom_metadata.read()),
            serde_json::json!({ "a": "ü", "n": [1] })
        );
        assert!(photos[0].http_metadata.read().is_empty());
    }

    #[test]
    fn a_photo_is_where_its_entry_says() {
        for path in [
            "photos/originals/a/ü.jpg", "photos/thumbnails/a/ü.jpg", "photos/originals/_/0a.jpg", "a/ü.jpg",
            "",
        ] {
            let entry = serde_json::json!({ "key": "a/ü.jpg", "path": path, "size": 1, "sha256": "ab".repeat(32),
                "http_metadata": {}, "custom_metadata": {} });
            let photo: IndexedPhoto = serde_json::from_value(entry).unwrap();
            assert_eq!((&*photo.path(), photo.sha256), (path, Some([0xab; 32])));
        }
        assert_eq!(read("{}").unwrap()[0].sha256, None);
    }

    #[test]
    fn no_index_is_written_that_no_reader_takes() {
        for entries in [0, 1, 1_000_000] {
            assert!(check_readable(limit(entries), entries).is_ok());
            assert_eq!(check_readable(limit(entries) + 1, entries).unwrap_err().code(), "ARCHIVE_TOO_LARGE");
        }
    }

    #[test]
    fn metadata_is_an_object_of_bounded_length() {
        assert!(read("[]").is_err() && read("null").is_err() && read("{").is_err());
        assert!(read(&format!(r#"{{"a":"{}"}}"#, "x".repeat(MAX_METADATA))).is_err());
    }
}
