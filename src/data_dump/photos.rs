//! The photos of a dump: what is asked for, and what became of it.
//!
//! A photo is called `<artwork id>#<n>` everywhere: the tail of its key is the uploader's own file name.

use std::fmt;

use crate::job::Warning;
use crate::platform::photo_key::Reference;

/// One photo of a work that is in the dump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DumpPhoto {
    /// The work's id.
    pub artwork_id: String,
    /// Its 1-based place in the photos of the row.
    pub n: u32,
    /// Where it lies; of our own store the keys it may have, likeliest first.
    pub reference: Reference,
    /// Whether it is under another licence than ours: then nothing is made of it.
    pub is_licensed: bool,
}

/// As warnings, metadata.json and progress name it.
impl fmt::Display for DumpPhoto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.artwork_id, self.n)
    }
}

/// A thumbnail that lies in the workspace, ready for the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MadeThumbnail {
    /// Its width in pixels, upright.
    pub width: u32,
    /// Its height in pixels, upright.
    pub height: u32,
    /// Bytes of the JPEG.
    pub bytes: u64,
    /// SHA-256 of the JPEG.
    pub sha256: [u8; 32],
    /// CRC-32 of the JPEG.
    pub crc32: u32,
    /// Where it begins in [`Thumbnails::file`].
    pub offset: u64,
}

/// What became of the photos of a dump.
#[derive(Debug, Default)]
pub struct Thumbnails {
    /// The file of the workspace that holds every JPEG, one after the other.
    pub file: String,
    /// For each photo, in the order they were asked for: its thumbnail, or why there is none, as a stable word
    /// such as `not_found`, `foreign` or `undecodable`.
    pub outcomes: Vec<Result<MadeThumbnail, &'static str>>,
    /// Photos that the store holds, or does not deny holding, and that were not had. Not zero: the dump is not
    /// complete.
    pub failed: u64,
    /// What the operator should know. Names photos by id and place, hosts, and never a key.
    pub warnings: Vec<Warning>,
}
