//! A photo of any size made into a small, upright JPEG that holds pixels and nothing else.
//!
//! Photos are hostile: what a header promises is checked before anything is allocated for it, decoders that panic
//! lose that photo alone, and the finished JPEG is walked segment by segment before anybody gets it. The same bytes
//! make the same thumbnail on every machine.

use std::panic::{AssertUnwindSafe, catch_unwind};

mod colour;
mod format;
mod jpeg;
mod orientation;
mod pixels;
mod proof;
mod raster;

use format::Format;
use pixels::Pixels;

/// Of the JPEG, 0 to 100, as libjpeg counts.
pub const QUALITY: u8 = 80;
/// Photos that need more than this while they are decoded are refused: 320 MiB.
pub const MEMORY_LIMIT: u64 = 320 << 20;

/// Why there is no thumbnail of a photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Apple's format: patents keep decoders for it out of free libraries.
    #[error("it is a HEIC photo, which cannot be decoded")]
    Heic,
    /// The still picture format of AV1.
    #[error("it is an AVIF photo, which cannot be decoded")]
    Avif,
    /// No picture, or of a format that nobody here decodes.
    #[error("it is of no known format")]
    UnsupportedFormat,
    /// More pixels, memory or work than any honest photo asks for.
    #[error("it is too large to be decoded")]
    TooLarge,
    /// Truncated, corrupt, or of a rare kind of its format.
    #[error("it cannot be decoded")]
    Undecodable,
    /// The thumbnail was made and holds more than pixels: a defect of the encoder.
    #[error("its thumbnail could not be proven to hold nothing but pixels")]
    Unproven,
}

impl Refusal {
    /// Every reason there is.
    pub const ALL: [Refusal; 6] = [
        Refusal::Heic,
        Refusal::Avif,
        Refusal::UnsupportedFormat,
        Refusal::TooLarge,
        Refusal::Undecodable,
        Refusal::Unproven,
    ];

    /// The stable word that stands in metadata.json.
    pub fn reason(self) -> &'static str {
        match self {
            Refusal::Heic => "heic",
            Refusal::Avif => "avif",
            Refusal::UnsupportedFormat => "unsupported_format",
            Refusal::TooLarge => "too_large",
            Refusal::Undecodable => "undecodable",
            Refusal::Unproven => "unproven",
        }
    }
}

/// A thumbnail: sRGB, 4:2:0, [`QUALITY`], upright, no metadata of any kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thumbnail {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The JPEG.
    pub jpeg: Vec<u8>,
}

/// A photo whose header was read and found harmless.
#[derive(Debug)]
pub struct Photo<'b> {
    bytes: &'b [u8],
    max_side: u32,
    kind: Kind,
}

/// What the header says.
#[derive(Debug)]
enum Kind {
    Jpeg(jpeg::Header),
    Raster(raster::Header),
}

impl<'b> Photo<'b> {
    /// Reads the header of a photo whose thumbnail shall have sides of at most `max_side` pixels.
    pub fn open(bytes: &'b [u8], max_side: u32) -> Result<Self, Refusal> {
        let max_side = max_side.max(1);
        let kind = contained(|| {
            Ok(match format::sniff(bytes)? {
                Format::Jpeg => Kind::Jpeg(jpeg::Header::read(bytes, max_side)?),
                Format::Raster(format) => Kind::Raster(raster::Header::read(bytes, format, max_side)?),
            })
        })?;
        let photo = Photo { bytes, max_side, kind };
        if photo.memory() > MEMORY_LIMIT { Err(Refusal::TooLarge) } else { Ok(photo) }
    }

    /// Bytes that [`Photo::thumbnail`] needs beside those of the photo itself, at most and about.
    pub fn memory(&self) -> u64 {
        match &self.kind {
            Kind::Jpeg(header) => header.memory(),
            Kind::Raster(header) => header.memory(),
        }
    }

    /// Makes the thumbnail: its longest side is `max_side`, or that of the photo when that is shorter. Blocks.
    pub fn thumbnail(&self) -> Result<Thumbnail, Refusal> {
        contained(|| {
            let (pixels, width, height) = match &self.kind {
                Kind::Jpeg(header) => (jpeg::decode(self.bytes, header)?, header.width, header.height),
                Kind::Raster(header) => (raster::decode(self.bytes, header)?, header.width, header.height),
            };
            let (width, height) = fit(width, height, self.max_side);
            Self::finish(pixels.resized(width, height)?)
        })
    }

    fn finish(pixels: Pixels) -> Result<Thumbnail, Refusal> {
        let (width, height, orientation) = (pixels.width, pixels.height, pixels.orientation);
        let rgb = colour::to_srgb(pixels);
        let (rgb, width, height) = orientation.apply(rgb, width, height);
        let jpeg = jpeg::encode(&rgb, width, height).ok_or(Refusal::Unproven)?;
        if !proof::holds_only_pixels(&jpeg, width, height) {
            return Err(Refusal::Unproven);
        }
        Ok(Thumbnail { width, height, jpeg })
    }
}

/// The sides of a picture made to fit into a square: proportions kept, never enlarged, no side without a pixel.
fn fit(width: u32, height: u32, max_side: u32) -> (u32, u32) {
    let longest = u64::from(width.max(height));
    if longest <= u64::from(max_side) {
        return (width, height);
    }
    let scaled = |side: u32| {
        let rounded = (u64::from(side) * u64::from(max_side) * 2 + longest) / (longest * 2);
        u32::try_from(rounded).unwrap_or(max_side).max(1)
    };
    (scaled(width), scaled(height))
}

/// Runs code that reads foreign bytes. No decoder keeps anything between photos, so one that panics has broken
/// nothing but its own work.
fn contained<T>(work: impl FnOnce() -> Result<T, Refusal>) -> Result<T, Refusal> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(Refusal::Undecodable))
}

#[cfg(test)]
mod tests;
