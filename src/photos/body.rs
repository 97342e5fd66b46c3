//! The bytes of one photo on their way: counted and hashed as they come, in memory while small, else on disk.

use std::fs::File;
use std::io::{Cursor, Read, Seek, Write};
use std::path::{Path, PathBuf};

use md5::Md5;
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::photos::buffers::{Buffer, Buffers};
use crate::photos::source::{GetError, StoredPhoto};

/// A photo of more bytes waits on disk, not in memory: 8 MiB.
pub const MEMORY_LIMIT: u64 = 8 << 20;
/// Bytes of a larger one that are read at a time: 1 MiB.
pub(super) const PIECE: usize = 1 << 20;

/// A photo that was read whole and found sound.
#[derive(Debug)]
pub struct Fetched<S = Sums> {
    /// What the store said of it when it was read; its size is the number of bytes.
    pub photo: StoredPhoto,
    /// Its bytes.
    pub body: Body,
    /// What was computed of the bytes.
    pub sums: S,
}

/// What is computed of a photo's bytes as they come, for whoever needs it: [`Sums`], or nothing.
pub trait Digester: Default + Send + 'static {
    /// The next bytes.
    fn update(&mut self, piece: &[u8]);
}

/// For a photo that is only looked at: its hashes would take longer than reading it.
impl Digester for () {
    fn update(&mut self, _: &[u8]) {}
}

/// The checksums of a photo that is kept.
#[derive(Debug, Clone, Default)]
pub struct Sums {
    sha256: Sha256,
    crc32: crc32fast::Hasher,
}

impl Digester for Sums {
    fn update(&mut self, piece: &[u8]) {
        self.sha256.update(piece);
        self.crc32.update(piece);
    }
}

impl Sums {
    /// SHA-256 of the bytes.
    pub fn sha256(&self) -> [u8; 32] {
        self.sha256.clone().finalize().into()
    }

    /// CRC-32 of the bytes, as ZIP has it (APPNOTE 4.4.7).
    pub fn crc32(&self) -> u32 {
        self.crc32.clone().finalize()
    }
}

/// The bytes of a photo.
#[derive(Debug)]
pub enum Body {
    /// At most [`MEMORY_LIMIT`] bytes.
    Memory(Buffer),
    /// A file without a name, at its first byte, that only its owner could read; gone when it is closed.
    File(File),
}

impl Body {
    /// The bytes from the first to the last.
    pub fn into_reader(self) -> Box<dyn Read + Send> {
        match self {
            Body::Memory(bytes) => Box::new(Cursor::new(bytes)),
            Body::File(file) => Box::new(file),
        }
    }
}

/// Why taking a photo ended: one photo is lost, or the whole job.
#[derive(Debug)]
pub(super) enum Trouble {
    Photo(GetError),
    Job(Error),
}

impl From<GetError> for Trouble {
    fn from(error: GetError) -> Self {
        Trouble::Photo(error)
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Trouble::Job(error)
    }
}

/// Takes the bytes of one photo, at most one more than announced. Blocks.
pub(super) struct Intake<S> {
    photo: StoredPhoto,
    workspace: PathBuf,
    buffers: Buffers,
    body: Body,
    taken: u64,
    /// The announced size is only the most that the photo may have.
    is_open: bool,
    sums: S,
    /// The MD5 so far and the one announced, where one is.
    md5: Option<(Md5, [u8; 16])>,
}

impl<S: Digester> Intake<S> {
    pub(super) fn new(photo: StoredPhoto, workspace: &Path, buffers: &Buffers) -> Self {
        Intake {
            md5: photo.md5.map(|announced| (Md5::new(), announced)),
            photo,
            workspace: workspace.to_owned(),
            buffers: buffers.clone(),
            body: Body::Memory(Vec::new().into()),
            taken: 0,
            is_open: false,
            sums: S::default(),
        }
    }

    /// A photo whose size shows at its end; what the store says of it holds the most.
    pub(super) fn open(photo: StoredPhoto, workspace: &Path, buffers: &Buffers) -> Self {
        Intake { is_open: true, ..Intake::new(photo, workspace, buffers) }
    }

    /// Whether the size shows only at the end: then half a photo cannot be told from a whole one, nor gone on with.
    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    /// The photo as the store described it when it was opened.
    pub(super) fn photo(&self) -> &StoredPhoto {
        &self.photo
    }

    /// Bytes taken so far.
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    /// Bytes the photo has by what the store says.
    pub(super) fn announced(&self) -> u64 {
        self.photo.size
    }

    /// Takes the only piece, without copying it. The caller keeps to [`MEMORY_LIMIT`].
    pub(super) fn take_whole(&mut self, bytes: Buffer) {
        self.hash(&bytes);
        self.body = Body::Memory(bytes);
    }

    /// Takes the next piece.
    pub(super) fn take(&mut self, piece: &[u8]) -> Result<(), Trouble> {
        self.hash(piece);
        let cannot_spill = |e| Error::output(&self.workspace, e);
        match &mut self.body {
            Body::Memory(bytes) if self.photo.size <= MEMORY_LIMIT => {
                if bytes.is_empty() {
                    *bytes = self.buffers.take(self.photo.size as usize);
                }
                bytes.extend_from_slice(piece);
            }
            Body::Memory(_) => {
                // No name: nothing is left behind however the process ends, and the folder can go at any time.
                let mut file = tempfile::tempfile_in(&self.workspace).map_err(cannot_spill)?;
                file.write_all(piece).map_err(cannot_spill)?;
                self.body = Body::File(file);
            }
            Body::File(file) => file.write_all(piece).map_err(cannot_spill)?,
        }
        Ok(())
    }

    /// The end: as many bytes as announced, with the announced MD5.
    pub(super) fn finish(mut self) -> Result<Fetched<S>, Trouble> {
        if self.is_open {
            self.photo.size = self.taken;
        }
        if self.taken != self.photo.size {
            return Err(GetError::BadLength.into());
        }
        if self.md5.take().is_some_and(|(md5, announced)| md5.finalize() != announced) {
            return Err(GetError::BadChecksum.into());
        }
        if let Body::File(file) = &mut self.body {
            file.rewind().map_err(|e| Error::output(&self.workspace, e))?;
        }
        Ok(Fetched { photo: self.photo, body: self.body, sums: self.sums })
    }

    fn hash(&mut self, piece: &[u8]) {
        self.taken += piece.len() as u64;
        self.sums.update(piece);
        if let Some((md5, _)) = &mut self.md5 {
            md5.update(piece);
        }
    }
}
