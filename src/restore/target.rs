//! Stores that photos come back to.

use std::collections::HashMap;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use futures::TryStreamExt;
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;

use crate::archive::{Archive, StoredEntry};
use crate::error::{Error, Result};
use crate::formats::backup::IndexEntry;
use crate::job::Job;
use crate::photos::fetch::{Attempt, fetch};
use crate::photos::source::PhotoSource;

pub(super) mod directory;
pub(super) mod s3;
pub(super) mod wrangler;

/// Objects that are compared at a time.
const CONCURRENCY: usize = 8;

/// What stands under a photo's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Presence {
    /// Nothing.
    Missing,
    /// The photo, byte for byte.
    Same,
    /// Nothing, and nothing can: why.
    Impossible(String),
}

/// A store that photos come back to. It blocks.
pub(super) trait Target {
    /// What stands under the keys, in the order of `photos`. Another object there is `TARGET_NOT_EMPTY`.
    fn look(&mut self, photos: &[IndexEntry], job: &Job) -> Result<Vec<Presence>>;

    /// What the store cannot hold of a photo beside its bytes, in words; None when it holds all that it ever does.
    fn left_out(&self, _photo: &IndexEntry) -> Option<String> {
        None
    }

    /// Makes ready for photos of so many bytes altogether.
    fn begin(&mut self, bytes: u64) -> Result<()>;

    /// Puts one photo under its key, whole or not at all; what came there meanwhile is `TARGET_NOT_EMPTY`.
    fn put(&mut self, photo: &IndexEntry, content: Content<'_>, job: &Job) -> Result<()>;

    /// Waits until all that was put is there to stay.
    fn finish(&mut self, job: &Job) -> Result<()>;
}

/// The bytes of a photo in the archive.
pub(super) struct Content<'a> {
    archive: &'a Path,
    photo: &'a IndexEntry,
    stored: StoredEntry<'a>,
    hasher: Sha256,
}

impl<'a> Content<'a> {
    /// Opens a photo. Fails with `ARCHIVE_CORRUPT` when it is not there, or not as long as the index says.
    pub(super) fn open(archive: &'a mut Archive, path: &'a Path, photo: &'a IndexEntry) -> Result<Self> {
        let content = Content {
            archive: path,
            photo,
            stored: archive.open_stored(&photo.path)?,
            hasher: Sha256::new(),
        };
        if content.stored.size == photo.size {
            Ok(content)
        } else {
            Err(content.damaged("it is not as long as photos/index.json says", None))
        }
    }

    /// The next bytes, as many as fill the buffer; fewer at the end, which is reached only when all of them have the
    /// SHA-256 that the index names.
    pub(super) fn fill(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.stored.read(rest) {
                Ok(0) => break,
                Ok(read) => {
                    self.hasher.update(rest.get(..read).unwrap_or_default());
                    filled += read;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.damaged("it cannot be read", Some(error))),
            }
        }
        if filled < buffer.len() && hex::encode(self.hasher.clone().finalize()) != self.photo.sha256 {
            return Err(self.damaged("it is not what photos/index.json says", None));
        }
        Ok(filled)
    }

    fn damaged(&self, problem: &str, error: Option<io::Error>) -> Error {
        Error::ArchiveCorrupt {
            path: self.archive.to_owned(),
            problem: format!("the photo {}: {problem}; take another copy", self.photo.path),
            source: error.map(Into::into),
        }
    }
}

/// Compares photos with what a store holds of them: by SHA-256, and so by reading those of the same length.
fn look_into(source: &Arc<dyn PhotoSource>, photos: &[IndexEntry], job: &Job) -> Result<Vec<Presence>> {
    let handle = Handle::current();
    let listing = handle.block_on(source.list(job))?.unwrap_or_default();
    let sizes: HashMap<&str, u64> =
        listing.photos.iter().map(|there| (there.key.as_str(), there.size)).collect();
    let unlisted: Vec<_> = listing.problems.iter().map(|problem| problem.key.as_str()).collect();
    for photo in photos {
        if sizes.get(photo.key.as_str()).is_some_and(|&size| size != photo.size)
            || unlisted.contains(&photo.key.as_str())
        {
            return Err(taken(&photo.key));
        }
    }
    let there: Vec<&IndexEntry> =
        photos.iter().filter(|photo| sizes.contains_key(photo.key.as_str())).collect();
    handle.block_on(compare(source, &there, job))?;
    let presence = |photo: &IndexEntry| match sizes.contains_key(photo.key.as_str()) {
        true => Presence::Same,
        false => Presence::Missing,
    };
    Ok(photos.iter().map(presence).collect())
}

/// Fails with `TARGET_NOT_EMPTY` unless a store holds each of these, byte for byte.
async fn compare(source: &Arc<dyn PhotoSource>, photos: &[&IndexEntry], job: &Job) -> Result<()> {
    let spill = tempfile::tempdir().map_err(|error| Error::output(&std::env::temp_dir(), error))?;
    let keys: Vec<String> = photos.iter().map(|photo| photo.key.clone()).collect();
    let attempts = fetch(Arc::clone(source), keys, CONCURRENCY, spill.path(), job);
    let mut photos = photos.iter();
    let compared = attempts.try_for_each(|attempt: Attempt| {
        let is_same = match (&attempt.outcome, photos.next()) {
            (Ok(fetched), Some(photo)) => hex::encode(fetched.sums.sha256()) == photo.sha256,
            _ => false,
        };
        std::future::ready(if is_same { Ok(()) } else { Err(taken(&attempt.key)) })
    });
    compared.await
}

fn taken(key: &str) -> Error {
    Error::TargetNotEmpty {
        what: key.to_owned(),
        problem: "something else stands where it belongs; choose another target, or move that away".into(),
    }
}
