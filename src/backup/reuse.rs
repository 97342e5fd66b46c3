//! Photos that an earlier backup holds already and that have not changed since.

use std::collections::HashMap;
use std::path::Path;

use super::options::Settings;
use super::photos::Incoming;
use crate::archive::{Archive, StoredEntry};
use crate::error::{Error, Result};
use crate::formats::index::IndexedPhoto;
use crate::formats::opening::{backup_metadata, photo_index};
use crate::job::{Job, blocking, stop_on_error};
use crate::photos::source::StoredPhoto;
use crate::platform::times::rfc3339;

/// An earlier backup, found sound: every byte of it, and every photo by the SHA-256 in its index.
pub struct Earlier {
    archive: Archive,
    photos: HashMap<String, Held>,
}

/// A photo of it.
struct Held {
    entry: IndexedPhoto,
    sha256: [u8; 32],
}

/// Opens the backup that `reuseFrom` names and checks all of it, before anything is fetched.
///
/// Two passes at once: each takes as long as its hashing, and that cannot be shared out.
pub async fn open(settings: &Settings, job: &Job) -> Result<Option<Earlier>> {
    let Some(path) = settings.reuse_from.clone() else { return Ok(None) };
    let photos_job = job.branch();
    let photos = {
        let (path, job) = (path.clone(), photos_job.clone());
        blocking(move || check_photos(&path, &job))
    };
    let archive = async {
        let job = job.clone();
        stop_on_error(&photos_job, blocking(move || Archive::open(&path, &job)).await)
    };
    // What is wrong with an archive that was changed as a whole is told rather than what is wrong with a photo.
    let (archive, photos) = tokio::join!(archive, photos);
    Earlier::of(archive?, photos?).map(Some)
}

/// The photos of an archive, by their keys.
pub(super) struct Checked {
    seal: Vec<u8>,
    photos: HashMap<String, Held>,
}

/// The photos of a backup, each of which is what its index says.
pub(super) fn check_photos(path: &Path, job: &Job) -> Result<Checked> {
    let mut archive = Archive::open_unhashed(path)?;
    backup_metadata(&mut archive)?;
    let index = photo_index(&mut archive)?;
    let check = |entry: IndexedPhoto| {
        let (size, sha256) = archive.hash_stored(&entry.path, job)?;
        if size != entry.size || hex::encode(sha256) != entry.sha256 {
            return Err(damaged(path, "a photo is not what its index says"));
        }
        Ok((entry.key.clone(), Held { entry, sha256 }))
    };
    let photos = index.into_iter().map(check).collect::<Result<_>>()?;
    Ok(Checked { seal: archive.seal().to_owned(), photos })
}

impl Earlier {
    /// Both passes, unless another file took the name of the backup between them.
    pub(super) fn of(archive: Archive, Checked { seal, photos }: Checked) -> Result<Earlier> {
        if archive.seal() != seal {
            return Err(Error::SourceChanged {
                what: archive.path().display().to_string(),
                problem: "another backup was put in its place while it was read; run the job again".into(),
            });
        }
        Ok(Earlier { archive, photos })
    }

    /// Whether the photo as the store lists it now is the one that the backup holds.
    pub fn holds(&self, now: &StoredPhoto) -> bool {
        self.photos.get(&now.key).is_some_and(|Held { entry: then, .. }| {
            then.size == now.size
                && then.etag == now.etag
                && then.last_modified.is_some()
                && then.last_modified == now.last_modified.map(rfc3339)
        })
    }

    /// Whether the backup holds a photo of that key, changed since or not.
    pub fn knows(&self, key: &str) -> bool {
        self.photos.contains_key(key)
    }

    /// Opens a photo that the backup [`holds`](Earlier::holds).
    pub fn open(&mut self, photo: &StoredPhoto) -> Result<Incoming<StoredEntry<'_>>> {
        let Some(Held { entry, sha256 }) = self.photos.get(&photo.key) else {
            return Err(damaged(self.archive.path(), "a photo of its index is not there"));
        };
        // A listing says nothing of headers; they are those of then, since the photo is.
        let photo = StoredPhoto {
            content_type: entry.content_type.clone(),
            http_metadata: entry.http_metadata.read().into(),
            custom_metadata: entry.custom_metadata.read().into(),
            ..photo.clone()
        };
        let bytes = self.archive.open_stored(&entry.path)?;
        Ok(Incoming { photo, sha256: *sha256, crc32: bytes.crc32, bytes })
    }
}

fn damaged(path: &Path, problem: &str) -> Error {
    Error::corrupt(path, format!("{problem}; leave reuseFrom out to fetch everything"), None)
}
