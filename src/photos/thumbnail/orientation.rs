//! How a camera was held, and turning its photo upright.

use std::io::Cursor;

use exif::{Exif, In, Reader, Tag};

/// One of the eight ways (Exif 3.0, tag 274): which sides of the stored rows and columns are top and left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Orientation(u8);

impl Default for Orientation {
    /// Upright.
    fn default() -> Self {
        Orientation(1)
    }
}

impl Orientation {
    /// What a picture of any format states, wherever it keeps it; upright when it states none that exists.
    pub(super) fn of_container(bytes: &[u8]) -> Self {
        Self::stated(reader().read_from_container(&mut Cursor::new(bytes)))
    }

    /// What a block of Exif states, which begins as a TIFF or, outside JPEG too, with what JPEG has before it; upright
    /// when it states none that exists.
    pub(super) fn of_block(mut exif: Vec<u8>) -> Self {
        const BEFORE: &[u8] = b"Exif\0\0";
        if exif.starts_with(BEFORE) {
            exif.drain(..BEFORE.len());
        }
        Self::stated(reader().read_raw(exif))
    }

    fn stated(exif: Result<Exif, exif::Error>) -> Self {
        let exif = exif.or_else(|error| error.distill_partial_result(|_| ())).ok();
        let stated = exif.and_then(|exif| exif.get_field(Tag::Orientation, In::PRIMARY)?.value.get_uint(0));
        stated
            .and_then(|value| u8::try_from(value).ok())
            .filter(|value| (1..=8).contains(value))
            .map_or_else(Self::default, Orientation)
    }

    /// Turns a picture of three samples to a pixel upright: the samples, the width, the height.
    pub(super) fn apply(self, rgb: Vec<u8>, width: u32, height: u32) -> (Vec<u8>, u32, u32) {
        if self.0 == 1 {
            return (rgb, width, height);
        }
        let (w, h) = (width as usize, height as usize);
        // From a pixel of the upright picture to the stored one.
        let stored = |x: usize, y: usize| match self.0 {
            2 => (w - 1 - x, y),
            3 => (w - 1 - x, h - 1 - y),
            4 => (x, h - 1 - y),
            5 => (y, x),
            6 => (y, h - 1 - x),
            7 => (w - 1 - y, h - 1 - x),
            8 => (w - 1 - y, x),
            _ => (x, y),
        };
        let (upright_w, upright_h) = if self.0 >= 5 { (h, w) } else { (w, h) };
        let mut upright = Vec::with_capacity(rgb.len());
        for y in 0..upright_h {
            for x in 0..upright_w {
                let (column, row) = stored(x, y);
                let at = (row * w + column) * 3;
                upright.extend_from_slice(rgb.get(at..at + 3).unwrap_or(&[0; 3]));
            }
        }
        if self.0 >= 5 { (upright, height, width) } else { (upright, width, height) }
    }
}

/// Cameras write blocks that end too early or hold what they must not; the orientation stands near the beginning.
fn reader() -> Reader {
    let mut reader = Reader::new();
    reader.continue_on_error(true);
    reader
}
