//! Photos decoded and made small, within what memory there is.

use std::fs::File;
use std::io::{Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::FILE;
use crate::archive::Workspace;
use crate::data_dump::photos::MadeThumbnail;
use crate::error::{Error, Result};
use crate::job::blocking;
use crate::photos::buffers::Buffer;
use crate::photos::fetch::{Body, Fetched};
use crate::photos::thumbnail::{MEMORY_LIMIT, Photo, Refusal};

/// Photos of more bytes are no photos: 256 MiB.
const MAX_PHOTO: u64 = 256 << 20;
/// Decoders together may use what one photo may: a large one runs alone. In units of 1 KiB.
const BUDGET: u64 = MEMORY_LIMIT >> 10;

/// A thumbnail, or why there is none.
pub(super) type Outcome = std::result::Result<MadeThumbnail, Refusal>;

/// Makes thumbnails: as many at a time as memory allows.
pub(super) struct Workers {
    max_side: u32,
    /// What is left of it, in units of 1 KiB.
    pub(super) memory: Semaphore,
    file: Mutex<(File, u64)>,
    workspace: Arc<Workspace>,
}

impl Workers {
    /// Workers whose file lies in the workspace.
    pub(super) fn open(workspace: &Arc<Workspace>, max_side: u32) -> Result<Workers> {
        let file = Mutex::new((workspace.create_file(FILE)?, 0));
        let memory = Semaphore::new(BUDGET as usize);
        Ok(Workers { max_side, memory, file, workspace: Arc::clone(workspace) })
    }

    /// Makes the thumbnail of a photo, once there is memory for it.
    pub(super) async fn thumbnail(self: Arc<Self>, fetched: Fetched<()>) -> Result<Outcome> {
        if fetched.photo.size > MAX_PHOTO {
            return Ok(Err(Refusal::TooLarge));
        }
        // What is too large to be held already is read whole: it runs alone.
        let alone = match fetched.body {
            Body::File(_) => Some(self.room(BUDGET).await?),
            Body::Memory(_) => None,
        };
        let workers = Arc::clone(&self);
        let (bytes, memory) = blocking(move || {
            let bytes =
                whole(fetched.body).map_err(|error| Error::output(workers.workspace.folder(), error))?;
            let memory = Photo::open(&bytes, workers.max_side).map(|photo| photo.memory());
            Ok((bytes, memory))
        })
        .await?;
        let needed = match memory {
            Ok(memory) => (memory >> 10).clamp(1, BUDGET),
            Err(refusal) => return Ok(Err(refusal)),
        };
        let _room = match alone {
            Some(room) => room,
            None => self.room(needed).await?,
        };
        let workers = Arc::clone(&self);
        blocking(move || workers.make(&bytes)).await
    }

    async fn room(&self, needed: u64) -> Result<SemaphorePermit<'_>> {
        self.memory.acquire_many(needed as u32).await.map_err(|_| Error::Aborted)
    }

    fn make(&self, photo: &[u8]) -> Result<Outcome> {
        let thumbnail = match Photo::open(photo, self.max_side).and_then(|photo| photo.thumbnail()) {
            Ok(thumbnail) => thumbnail,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let jpeg = &thumbnail.jpeg;
        // Before the file is taken: the other cores wait for it.
        let (sha256, crc32) = (Sha256::digest(jpeg).into(), crc32fast::hash(jpeg));
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, end) = &mut *file;
        let offset = *end;
        file.write_all(jpeg).map_err(|error| Error::output(self.workspace.folder(), error))?;
        *end += jpeg.len() as u64;
        Ok(Ok(MadeThumbnail {
            width: thumbnail.width,
            height: thumbnail.height,
            bytes: jpeg.len() as u64,
            sha256,
            crc32,
            offset,
        }))
    }
}

fn whole(body: Body) -> std::io::Result<Buffer> {
    match body {
        Body::Memory(bytes) => Ok(bytes),
        Body::File(mut file) => {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok(bytes.into())
        }
    }
}
