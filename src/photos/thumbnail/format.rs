//! Which format bytes are in, by what they begin with: names and media types lie.

use image::ImageFormat;

use super::Refusal;

/// A format that can be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Jpeg,
    /// Decoded row by row, by [`super::raster`].
    Raster(ImageFormat),
}

/// The format, or why these bytes are nothing for us.
pub(super) fn sniff(bytes: &[u8]) -> Result<Format, Refusal> {
    match bytes {
        [] => Err(Refusal::Undecodable),
        [0xff, 0xd8, 0xff, ..] => Ok(Format::Jpeg),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Ok(Format::Raster(ImageFormat::Png)),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => {
            Ok(Format::Raster(ImageFormat::WebP))
        }
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Ok(Format::Raster(ImageFormat::Gif)),
        [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => Ok(Format::Raster(ImageFormat::Tiff)),
        [b'B', b'M', ..] => Ok(Format::Raster(ImageFormat::Bmp)),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => Err(iso_media(bytes)),
        _ => Err(Refusal::UnsupportedFormat),
    }
}

/// A file of the MP4 family: the brands of its first box tell which (ISO/IEC 14496-12, 4.3).
fn iso_media(bytes: &[u8]) -> Refusal {
    let length = bytes.first_chunk().map_or(0, |length| u32::from_be_bytes(*length)) as usize;
    let brands = bytes.get(8..length.min(bytes.len())).unwrap_or_default();
    // The second four bytes are a version, which equals no brand.
    let has = |wanted: &[&[u8; 4]]| {
        brands.chunks_exact(4).any(|brand| wanted.iter().any(|wanted| brand == *wanted))
    };
    if has(&[b"avif", b"avis"]) {
        Refusal::Avif
    } else if has(&[b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"]) {
        Refusal::Heic
    } else {
        Refusal::UnsupportedFormat
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brands(brands: &str) -> Vec<u8> {
        let length = 8 + brands.len() as u32;
        [&length.to_be_bytes()[..], b"ftyp", brands.as_bytes(), b"and more"].concat()
    }

    #[test]
    fn heic_and_avif_are_told_apart_by_their_brands() {
        for (bytes, expected) in [
            (brands("heic\0\0\0\0mif1heic"), Refusal::Heic),
            (brands("mif1\0\0\0\0mif1heix"), Refusal::Heic),
            (brands("avif\0\0\0\0mif1miaf"), Refusal::Avif),
            (brands("mif1\0\0\0\0mif1avif"), Refusal::Avif),
            (brands("isom\0\0\0\0mp42"), Refusal::UnsupportedFormat),
            (b"\xff\xff\xff\xffftypheic".to_vec(), Refusal::Heic),
            (b"\0\0\0\x04ftypheic".to_vec(), Refusal::UnsupportedFormat),
        ] {
            assert_eq!(sniff(&bytes), Err(expected), "{bytes:?}");
        }
    }

    #[test]
    fn what_is_no_picture_is_of_no_known_format() {
        for bytes in [&b"<svg xmlns='http://www.w3.org/2000/svg'/>"[..], b"%PDF-1.7", b"x", b"\xff\xd8"] {
            assert_eq!(sniff(bytes), Err(Refusal::UnsupportedFormat));
        }
        assert_eq!(sniff(b""), Err(Refusal::Undecodable));
    }
}
