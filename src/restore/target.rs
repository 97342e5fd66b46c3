//! Stores that photos come back to.

use std::collections::HashMap;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use futures::TryStreamExt;
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;

use crate::archive::{Archive, StoredEntry, Workspace};
use crate::error::{Error, Result};
use crate::folder;
use crate::formats::index::IndexedPhoto;
use crate::job::Job;
use crate::photos::fetch::{Attempt, Fetcher};
use crate::photos::source::{GetError, PhotoStore};

pub(super) mod directory;
pub(super) mod s3;
pub(super) mod wrangler;

/// Objects that are compared at a time.
const CONCURRENCY: usize = 8;
/// Bytes of a photo that are handed on at a time.
const BUFFER: usize = 256 << 10;

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
    fn look(&mut self, photos: &[IndexedPhoto], job: &Job) -> Result<Vec<Presence>>;

    /// What the store cannot hold of a photo beside its bytes, in words; None when it holds all that it ever does.
    fn left_out(&self, _photo: &IndexedPhoto) -> Option<String> {
        None
    }

    /// Fails as [`begin`](Target::begin) would, as far as that shows before anything is written.
    fn preflight(&self, _bytes: u64) -> Result<()> {
        Ok(())
    }

    /// Makes ready for photos of so many bytes altogether.
    fn begin(&mut self, bytes: u64) -> Result<()>;

    /// Puts one photo under its key, whole or not at all; what came there meanwhile is `TARGET_NOT_EMPTY`.
    fn put(&mut self, photo: &IndexedPhoto, content: Content<'_>, job: &Job) -> Result<()>;

    /// Waits until all that was put is there to stay.
    fn finish(&mut self) -> Result<()>;
}

/// The bytes of a photo in the archive.
pub(super) struct Content<'a> {
    archive: PathBuf,
    photo: &'a IndexedPhoto,
    stored: StoredEntry<'a>,
    hasher: Sha256,
}

impl<'a> Content<'a> {
    /// Opens a photo. Fails with `ARCHIVE_CORRUPT` when it is not there, or not as long as the index says.
    pub(super) fn open(archive: &'a mut Archive, photo: &'a IndexedPhoto) -> Result<Self> {
        let content = Content {
            archive: archive.path().to_owned(),
            photo,
            stored: archive.open_stored(&photo.path())?,
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
        if filled < buffer.len() && Some(self.hasher.clone().finalize().into()) != self.photo.sha256 {
            return Err(self.damaged("it is not what photos/index.json says", None));
        }
        Ok(filled)
    }

    /// Hands all bytes to `take`, piece by piece. Fails as [`Content::fill`] does, with `ABORT_ERR`, and as `take`
    /// does.
    pub(super) fn each_piece(mut self, job: &Job, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let mut buffer = vec![0; BUFFER];
        loop {
            job.check()?;
            let read = self.fill(&mut buffer)?;
            take(buffer.get(..read).unwrap_or_default())?;
            if read < buffer.len() {
                return Ok(());
            }
        }
    }

    fn damaged(&self, problem: &str, error: Option<io::Error>) -> Error {
        let problem = format!("the photo {}: {problem}; take another copy", self.photo.path());
        Error::corrupt(&self.archive, problem, error.map(Into::into))
    }
}

/// Compares photos with what a store holds of them: by SHA-256, and so by reading those of the same length. What cannot
/// be read may be the photo or not: that ends the restore.
fn look_into(source: &Arc<dyn PhotoStore>, photos: &[IndexedPhoto], job: &Job) -> Result<Vec<Presence>> {
    let handle = Handle::current();
    let listing = handle.block_on(source.list(job))?.unwrap_or_default();
    let sizes: HashMap<&str, u64> = listing.photos.iter().map(|there| (&*there.key, there.size)).collect();
    for photo in photos {
        // A problem is that of a key, or of all that begin with it.
        let problem = listing.problems.iter().find(|problem| {
            problem.key == *photo.key || (problem.key.ends_with('/') && photo.key.starts_with(&problem.key))
        });
        if let Some(problem) = problem {
            return Err(unreadable(&source.place(), &photo.key, problem.error));
        }
        if sizes.get(&*photo.key).is_some_and(|&size| size != photo.size) {
            return Err(taken(&photo.key));
        }
    }
    let there: Vec<&IndexedPhoto> = photos.iter().filter(|photo| sizes.contains_key(&*photo.key)).collect();
    handle.block_on(compare(source, &there, job))?;
    let presence = |photo: &IndexedPhoto| match sizes.contains_key(&*photo.key) {
        true => Presence::Same,
        false => Presence::Missing,
    };
    Ok(photos.iter().map(presence).collect())
}

/// Fails with `TARGET_NOT_EMPTY` unless a store holds each of these, byte for byte, and with `SOURCE_REFUSED` or
/// `SOURCE_UNREACHABLE` when one cannot be read.
async fn compare(source: &Arc<dyn PhotoStore>, photos: &[&IndexedPhoto], job: &Job) -> Result<()> {
    let workspace = Workspace::create(&folder::temporary())?;
    let keys: Vec<String> = photos.iter().map(|photo| photo.key.to_string()).collect();
    let fetcher = Fetcher::new(Arc::clone(source), workspace.folder(), job);
    let attempts = fetcher.fetch(keys, CONCURRENCY);
    let mut photos = photos.iter();
    let compared = attempts.try_for_each(|attempt: Attempt| {
        let wanted = photos.next().and_then(|photo| photo.sha256);
        std::future::ready(match &attempt.outcome {
            Ok(fetched) if wanted == Some(fetched.sums.sha256()) => Ok(()),
            Ok(_) => Err(taken(&attempt.key)),
            Err(error) => Err(unreadable(&source.place(), &attempt.key, *error)),
        })
    });
    compared.await
}

/// What stands under a key of the store called `what` could not be compared.
fn unreadable(what: &str, key: &str, error: GetError) -> Error {
    let (what, source) = (what.to_owned(), Some(Box::new(error) as _));
    match error {
        // It was read, and is not what the store itself says of it.
        GetError::BadLength | GetError::BadChecksum | GetError::TooLarge => taken(key),
        GetError::Refused => {
            let problem = format!(
                "{key} is there and may not be read, so it cannot be compared; let the credentials read what they list"
            );
            Error::SourceRefused { what, problem, source }
        }
        GetError::NoSuchKey => {
            let problem = format!(
                "it does not have {key}, which it listed or took; start again, what was written stays"
            );
            Error::SourceUnreachable { what, problem, source }
        }
        _ => {
            let problem = format!(
                "{key} is there and could not be read, so it cannot be compared; start again, what was written stays"
            );
            Error::SourceUnreachable { what, problem, source }
        }
    }
}

fn taken(key: &str) -> Error {
    Error::TargetNotEmpty {
        what: key.to_owned(),
        problem: "something else stands where it belongs; choose another target, or move that away".into(),
    }
}
