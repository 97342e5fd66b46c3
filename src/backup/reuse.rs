//! Photos that an earlier backup holds already and that have not changed since.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use tokio::sync::mpsc::Sender;

use super::options::Settings;
use super::photos;
use crate::archive::Archive;
use crate::error::{Error, Result};
use crate::formats::backup::{BackupMetadata, FORMAT, FORMAT_VERSION, IndexEntry};
use crate::formats::major;
use crate::job::{Job, blocking};
use crate::photos::body::take_kept;
use crate::photos::buffers::Buffers;
use crate::photos::fetch::Fetched;
use crate::photos::source::StoredPhoto;

/// photos/index.json of a million photos, some 500 bytes each.
const INDEX_LIMIT: u64 = 512 * 1024 * 1024;
const METADATA_LIMIT: u64 = 64 * 1024 * 1024;

/// An earlier backup, found sound.
pub struct Earlier {
    path: PathBuf,
    archive: Archive,
    photos: HashMap<String, IndexEntry>,
    buffers: Buffers,
}

/// Opens the backup that `reuseFrom` names and checks all of it, before anything is fetched.
pub async fn open(settings: &Settings, job: &Job) -> Result<Option<Earlier>> {
    let Some(path) = settings.reuse_from.clone() else { return Ok(None) };
    let job = job.clone();
    blocking(move || Earlier::open(path, &job).map(Some)).await
}

impl Earlier {
    fn open(path: PathBuf, job: &Job) -> Result<Earlier> {
        let mut archive = Archive::open(&path, job)?;
        let metadata: BackupMetadata =
            parse(&path, "metadata.json", &archive.read_bytes("metadata.json", METADATA_LIMIT)?)?;
        if metadata.format != FORMAT || major(&metadata.format_version) != major(FORMAT_VERSION) {
            return Err(Error::invalid(format!(
                "reuseFrom names {}, which is no backup of format version {FORMAT_VERSION}",
                path.display()
            )));
        }
        let index: Vec<IndexEntry> =
            parse(&path, "photos/index.json", &archive.read_bytes("photos/index.json", INDEX_LIMIT)?)?;
        let photos = index.into_iter().map(|entry| (entry.key.clone(), entry)).collect();
        Ok(Earlier { path, archive, photos, buffers: Buffers::default() })
    }

    /// Whether the photo as the store lists it now is the one that the backup holds.
    pub fn holds(&self, now: &StoredPhoto) -> bool {
        self.photos.get(&now.key).is_some_and(|then| {
            then.size == now.size
                && then.etag == now.etag
                && then.last_modified.is_some()
                && then.last_modified == now.last_modified.map(photos::instant)
        })
    }

    /// Reads photos that the backup [`holds`](Earlier::holds), in their order, until nobody takes them. Large ones wait
    /// in the folder `workspace`. Blocks.
    pub fn hand_over(mut self, photos: &[StoredPhoto], workspace: &Path, to: &Sender<Result<Fetched>>) {
        for photo in photos {
            if to.blocking_send(self.read(photo, workspace)).is_err() {
                return;
            }
        }
    }

    /// One of them, checked against the SHA-256 in its index.
    fn read(&mut self, photo: &StoredPhoto, workspace: &Path) -> Result<Fetched> {
        let damaged = |problem: &str| Error::ArchiveCorrupt {
            path: self.path.clone(),
            problem: format!("{problem}; leave reuseFrom out to fetch everything"),
            source: None,
        };
        let entry =
            self.photos.get(&photo.key).ok_or_else(|| damaged("a photo of its index is not there"))?;
        // A listing says nothing of headers; they are those of then, since the photo is.
        let photo = StoredPhoto {
            content_type: entry.content_type.clone(),
            http_metadata: entry.http_metadata.clone(),
            custom_metadata: entry.custom_metadata.clone(),
            ..photo.clone()
        };
        let stored = self.archive.open_stored(&entry.path)?;
        take_kept(photo, workspace, &self.buffers, stored)?
            .filter(|taken| hex::encode(taken.sums.sha256()) == entry.sha256)
            .ok_or_else(|| damaged("a photo is not what its index says"))
    }
}

fn parse<T: serde::de::DeserializeOwned>(path: &Path, name: &str, json: &[u8]) -> Result<T> {
    serde_json::from_slice(json).map_err(|error| Error::ArchiveCorrupt {
        path: path.to_owned(),
        problem: format!("its {name} cannot be read; is it a backup?"),
        source: Some(Box::new(error)),
    })
}
