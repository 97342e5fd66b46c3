//! Photos that an earlier backup holds already and that have not changed since.

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
    /// In bytewise order of keys.
    photos: Vec<IndexedPhoto>,
}

/// Opens the backup that `reuseFrom` names and checks all of it, before anything is fetched.
///
/// Two passes at once: each takes as long as its hashing, and that cannot be shared out.
pub async fn open(settings: &Settings, job: &Job) -> Result<Option<Earlier>> {
    let Some(path) = settings.reuse_from.clone() else { return Ok(None) };
    let photos_job = job.branch();
    let photos = {
        let (path, job) = (path.clone(), photos_job.clone());
        blocking(move || Earlier::with_photos(&path, &job))
    };
    let seal = async {
        let job = job.clone();
        stop_on_error(&photos_job, blocking(move || Archive::check_seal(&path, &job)).await)
    };
    let (seal, earlier) = tokio::join!(seal, photos);
    // What is wrong with an archive that was changed as a whole is told rather than what is wrong with a photo.
    let seal = seal?;
    earlier?.sealed(&seal).map(Some)
}

impl Earlier {
    /// A backup of which each photo is what its index says.
    pub(super) fn with_photos(path: &Path, job: &Job) -> Result<Earlier> {
        let mut archive = Archive::open_unhashed(path)?;
        backup_metadata(&mut archive)?;
        let mut photos = photo_index(&mut archive)?;
        for photo in &photos {
            let (size, sha256) = archive.hash_stored(&photo.path(), job)?;
            if size != photo.size || Some(sha256) != photo.sha256 {
                return Err(damaged(path, "a photo is not what its index says"));
            }
        }
        photos.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(Earlier { archive, photos })
    }

    /// The backup whose seal was found to be that of its bytes, unless another file took its name meanwhile.
    pub(super) fn sealed(self, seal: &[u8]) -> Result<Earlier> {
        if self.archive.seal() == seal {
            return Ok(self);
        }
        Err(Error::SourceChanged {
            what: self.archive.path().display().to_string(),
            problem: "another backup was put in its place while it was read; run the job again".into(),
        })
    }

    /// Whether the photo as the store lists it now is the one that the backup holds.
    pub fn holds(&self, now: &StoredPhoto) -> bool {
        self.photo(&now.key).is_some_and(|then| {
            then.size == now.size
                && then.etag.as_deref() == now.etag.as_deref()
                && then.last_modified.is_some()
                && then.last_modified.as_deref() == now.last_modified.map(rfc3339).as_deref()
        })
    }

    /// Whether the backup holds a photo of that key, changed since or not.
    pub fn knows(&self, key: &str) -> bool {
        self.photo(key).is_some()
    }

    fn photo(&self, key: &str) -> Option<&IndexedPhoto> {
        let at = self.photos.binary_search_by(|photo| (*photo.key).cmp(key)).ok()?;
        self.photos.get(at)
    }

    /// Opens a photo that the backup [`holds`](Earlier::holds).
    pub fn open(&mut self, photo: &StoredPhoto) -> Result<Incoming<StoredEntry<'_>>> {
        let Some((then, sha256)) = self.photo(&photo.key).and_then(|then| Some((then, then.sha256?))) else {
            return Err(damaged(self.archive.path(), "a photo of its index is not there"));
        };
        // A listing says nothing of headers; they are those of then, since the photo is.
        let photo = StoredPhoto {
            content_type: then.content_type.as_deref().map(str::to_owned),
            http_metadata: then.http_metadata.read().into(),
            custom_metadata: then.custom_metadata.read().into(),
            ..photo.clone()
        };
        let path = then.path().into_owned();
        let bytes = self.archive.open_stored(&path)?;
        Ok(Incoming { photo, sha256, crc32: bytes.crc32, bytes })
    }
}

fn damaged(path: &Path, problem: &str) -> Error {
    Error::corrupt(path, format!("{problem}; leave reuseFrom out to fetch everything"), None)
}
