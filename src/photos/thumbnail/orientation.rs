//! How a camera was held, and turning its photo upright.

use std::io::Cursor;

use exif::{In, Reader, Tag};

/// One of the eight ways (Exif 3.0, tag 274): which sides of the stored rows and columns are top and left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Orientation(u8);

/// The orientation that the photo states; upright when it states none that exists.
pub(super) fn of(bytes: &[u8]) -> Orientation {
    let exif = Reader::new()
        .continue_on_error(true)
        .read_from_container(&mut Cursor::new(bytes))
        .or_else(|error| error.distill_partial_result(|_| ()));
    let stated = exif.ok().and_then(|exif| exif.get_field(Tag::Orientation, In::PRIMARY)?.value.get_uint(0));
    Orientation(
        stated.and_then(|value| u8::try_from(value).ok()).filter(|v| (1..=8).contains(v)).unwrap_or(1),
    )
}

impl Orientation {
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
