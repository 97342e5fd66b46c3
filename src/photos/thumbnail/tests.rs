#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::Cursor;

use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ImageEncoder, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use libjpeg_turbo_rs::{Encoder, PixelFormat};
use moxcms::ColorProfile;
use proptest::prelude::*;

use super::*;

/// A picture whose corners tell how it is turned: red, green, blue and white from the top left on.
fn picture(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| match (x * 2 < width, y * 2 < height) {
        (true, true) => Rgb([200, 30, 30]),
        (false, true) => Rgb([30, 200, 30]),
        (true, false) => Rgb([30, 30, 200]),
        (false, false) => Rgb([240, 240, 240]),
    })
}

fn jpeg(picture: &RgbImage) -> Vec<u8> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    Encoder::new(picture, width, height, PixelFormat::Rgb).quality(92).encode().unwrap()
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// Puts a segment right behind the start of a JPEG.
fn with_segment(jpeg: &[u8], marker: u8, content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], &[0xff, marker], &length, content, &jpeg[2..]].concat()
}

fn exif(orientation: u16) -> Vec<u8> {
    let mut tiff = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01".to_vec();
    tiff.extend(orientation.to_be_bytes());
    tiff.extend([0; 6]);
    tiff
}

fn thumbnail(bytes: &[u8], max_side: u32) -> Result<Thumbnail, Refusal> {
    Photo::open(bytes, max_side)?.thumbnail()
}

fn pixels(thumbnail: &Thumbnail) -> RgbImage {
    let image = libjpeg_turbo_rs::decompress(&thumbnail.jpeg).unwrap();
    RgbImage::from_raw(thumbnail.width, thumbnail.height, image.data).unwrap()
}

/// The colours a tenth from each corner, named by the nearest of [`picture`]'s.
fn corners(thumbnail: &Thumbnail) -> String {
    let image = pixels(thumbnail);
    let (w, h) = (image.width(), image.height());
    let at = |x: u32, y: u32| match image.get_pixel(x, y).0 {
        [r, g, b] if r > 150 && g > 150 && b > 150 => 'w',
        [r, g, _] if r > 120 && g < 100 => 'r',
        [_, g, b] if g > 120 && b < 100 => 'g',
        [_, _, b] if b > 120 => 'b',
        _ => '?',
    };
    [(w / 10, h / 10), (w - w / 10 - 1, h / 10), (w / 10, h - h / 10 - 1), (w - w / 10 - 1, h - h / 10 - 1)]
        .map(|(x, y)| at(x, y))
        .iter()
        .collect()
}

#[test]
fn the_longest_side_is_exact_and_nothing_is_enlarged() {
    for ((width, height), max_side, expected) in [
        ((1600, 1200), 800, (800, 600)),
        ((1200, 1601), 800, (600, 800)),
        ((4001, 37), 800, (800, 7)),
        ((3000, 1), 64, (64, 1)),
        ((800, 600), 800, (800, 600)),
        ((799, 17), 800, (799, 17)),
        ((1, 1), 800, (1, 1)),
        ((801, 800), 800, (800, 799)),
    ] {
        for bytes in
            [jpeg(&picture(width, height)), encoded(&picture(width, height).into(), ImageFormat::Png)]
        {
            let made = thumbnail(&bytes, max_side).unwrap();
            assert_eq!((made.width, made.height), expected);
            assert_eq!(pixels(&made).dimensions(), expected);
        }
    }
}

#[test]
fn nothing_is_moved_where_a_photo_ends_within_an_eighth_of_a_block() {
    // Decoded at an eighth, the last column holds one pixel of the photo and seven that only fill it up.
    let (width, height) = (1601, 1201);
    let edge = |x, y| x >= width - 40 || y >= height - 40;
    let photo = RgbImage::from_fn(width, height, |x, y| Rgb([if edge(x, y) { 255 } else { 0 }; 3]));
    let made = pixels(&thumbnail(&jpeg(&photo), 200).unwrap());
    let white = |line: &mut dyn Iterator<Item = (u32, u32)>| {
        line.map(|(x, y)| f64::from(made.get_pixel(x, y).0[1]) / 255.0).sum::<f64>()
    };
    let across = white(&mut (0..200).map(|x| (x, 75)));
    let down = white(&mut (0..150).map(|y| (100, y)));
    // Forty pixels of an eighth each.
    assert!((across - 5.0).abs() < 0.1 && (down - 5.0).abs() < 0.1, "{across} {down}");
}

#[test]
fn every_orientation_is_turned_upright() {
    // What each of the eight stored pictures shows once it is upright (Exif 3.0, tag 274).
    let shown = ["rgbw", "grwb", "wbgr", "bwrg", "rbgw", "brwg", "wgbr", "gwrb"];
    for (orientation, shown) in (1..).zip(shown) {
        let photo = with_segment(&jpeg(&picture(400, 300)), 0xe1, &exif(orientation));
        let made = thumbnail(&photo, 200).unwrap();
        let sides = if orientation >= 5 { (150, 200) } else { (200, 150) };
        assert_eq!((made.width, made.height), sides, "{orientation}");
        assert_eq!(corners(&made), shown, "{orientation}");
    }
    // In WebP some writers put before the block what JPEG has before it, libvips for one.
    for (orientation, shown) in (1..).zip(shown) {
        for prefix in [0, 6] {
            let mut photo = Vec::new();
            let mut encoder = WebPEncoder::new_lossless(&mut photo);
            encoder.set_exif_metadata(exif(orientation)[prefix..].to_vec()).unwrap();
            let stored = picture(400, 300);
            encoder.encode(&stored, 400, 300, image::ExtendedColorType::Rgb8).unwrap();
            assert_eq!(corners(&thumbnail(&photo, 200).unwrap()), shown, "{orientation} {prefix}");
        }
    }
    for odd in [0, 9, 300] {
        let photo = with_segment(&jpeg(&picture(400, 300)), 0xe1, &exif(odd));
        assert_eq!(corners(&thumbnail(&photo, 200).unwrap()), "rgbw");
    }
}

#[test]
fn other_formats_are_read_and_transparency_is_white() {
    let opaque = DynamicImage::from(picture(300, 200));
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif, ImageFormat::Tiff, ImageFormat::Bmp]
    {
        let made = thumbnail(&encoded(&opaque, format), 100).unwrap();
        assert_eq!(corners(&made), "rgbw", "{format:?}");
    }
    let mut clear = RgbaImage::from_pixel(50, 50, Rgba([0, 0, 0, 0]));
    clear.put_pixel(0, 0, Rgba([1, 2, 3, 0]));
    for format in [ImageFormat::Png, ImageFormat::WebP] {
        let made = thumbnail(&encoded(&clear.clone().into(), format), 100).unwrap();
        assert_eq!(corners(&made), "wwww", "{format:?}");
    }
    for deep in [DynamicImage::from(picture(30, 20)).into_rgb16().into(), opaque.to_luma16().into()] {
        assert!(thumbnail(&encoded(&deep, ImageFormat::Png), 100).is_ok());
    }
}

#[test]
fn colours_of_a_wide_profile_become_srgb() {
    // Of Display P3 the same numbers are a stronger red than sRGB has.
    let red = RgbImage::from_pixel(64, 64, Rgb([200, 30, 30]));
    let profile = ColorProfile::new_display_p3().encode().unwrap();
    let segment = [b"ICC_PROFILE\0\x01\x01".as_slice(), &profile].concat();
    let made = thumbnail(&with_segment(&jpeg(&red), 0xe2, &segment), 64).unwrap();
    let [r, g, b] = pixels(&made).get_pixel(32, 32).0;
    // 219, 0, 7 by Little CMS.
    assert!(r > 212 && g < 10 && b < 25, "{r} {g} {b}");
}

#[test]
fn metadata_of_the_original_is_in_no_thumbnail() {
    let mut photo = jpeg(&picture(900, 700));
    for (marker, content) in [
        (0xe1, &b"Exif\0\0GPS 49.28 -123.12 SECRET"[..]),
        (0xe1, b"http://ns.adobe.com/xap/1.0/\0<x>SECRET</x>"),
        (0xed, b"Photoshop 3.0\0SECRET"),
        (0xfe, b"SECRET comment"),
        (0xe2, b"MPF\0SECRET"),
    ] {
        photo = with_segment(&photo, marker, content);
    }
    photo.extend_from_slice(b"SECRET behind the end");
    let made = thumbnail(&photo, 800).unwrap();
    assert!(memchr::memmem::find(&made.jpeg, b"SECRET").is_none());
    assert!(proof::holds_only_pixels(&made.jpeg, 800, 622));
}

#[test]
fn the_proof_sees_whatever_is_added() {
    let made = thumbnail(&jpeg(&picture(90, 70)), 800).unwrap();
    assert!(proof::holds_only_pixels(&made.jpeg, 90, 70));
    assert!(!proof::holds_only_pixels(&made.jpeg, 70, 90));
    for marker in [0xe1, 0xe2, 0xed, 0xee, 0xfe, 0xc2] {
        let more = with_segment(&made.jpeg, marker, b"x");
        assert!(!proof::holds_only_pixels(&more, 90, 70), "{marker:x}");
        // Behind the JFIF header, where it would be no less hidden.
        let (head, rest) = made.jpeg.split_at(20);
        let segment = [0xff, marker, 0, 3, b'x'];
        let more = [head, &segment, rest].concat();
        assert!(!proof::holds_only_pixels(&more, 90, 70), "{marker:x}");
    }
    assert!(!proof::holds_only_pixels(&[&made.jpeg[..], b"x"].concat(), 90, 70));
    assert!(!proof::holds_only_pixels(&made.jpeg[..made.jpeg.len() - 1], 90, 70));
}

#[test]
fn damaged_photos_are_refused() {
    let whole = jpeg(&picture(900, 700));
    for bytes in [&whole[..whole.len() / 2], &whole[..20], &whole[..2], b"", b"\xff\xd8\xff\xd9"] {
        assert!(matches!(thumbnail(bytes, 800), Err(Refusal::Undecodable | Refusal::UnsupportedFormat)));
    }
    let png = encoded(&picture(90, 70).into(), ImageFormat::Png);
    assert_eq!(thumbnail(&png[..png.len() / 2], 800), Err(Refusal::Undecodable));
}

#[test]
fn bombs_are_refused_by_their_headers() {
    // A PNG header that promises 30,000 x 30,000 pixels, and no data.
    let mut header = b"IHDR\0\0\x75\x30\0\0\x75\x30\x08\x02\0\0\0".to_vec();
    header.extend(crc32fast::hash(&header).to_be_bytes());
    let end = b"\0\0\0\x01IDATx\xd2\xfb\x46\x8d\0\0\0\0IEND\xae\x42\x60\x82";
    let png = [b"\x89PNG\r\n\x1a\n\0\0\0\x0d".as_slice(), &header, end].concat();
    assert_eq!(thumbnail(&png, 800), Err(Refusal::TooLarge));
    let mut photo = jpeg(&picture(16, 16));
    let frame = memchr::memmem::find(&photo, &[0xff, 0xc0]).unwrap();
    photo[frame + 5..frame + 9].copy_from_slice(&[0xff, 0xdc, 0xff, 0xdc]);
    assert_eq!(thumbnail(&photo, 800), Err(Refusal::TooLarge));
    let gif =
        [b"GIF89a\xff\xff\xff\xff\0\0\0".as_slice(), b",\0\0\0\0\xff\xff\xff\xff\0\x08\x01\0\0;"].concat();
    assert_eq!(thumbnail(&gif, 800), Err(Refusal::TooLarge));
}

/// A TIFF whose only strip is a JPEG.
fn tiff_of(jpeg: &[u8], picture: &RgbImage) -> Vec<u8> {
    let mut tiff = encoded(&picture.clone().into(), ImageFormat::Tiff);
    let entries = u32::from_le_bytes(*tiff[4..].first_chunk().unwrap()) as usize + 2;
    for (tag, value) in [(259_u16, 7), (273, tiff.len() as u32), (279, jpeg.len() as u32)] {
        let is_tag = |entry: &usize| tiff[*entry..].starts_with(&tag.to_le_bytes());
        let entry = (entries..).step_by(12).find(is_tag).unwrap();
        tiff[entry + 8..entry + 12].copy_from_slice(&value.to_le_bytes());
    }
    tiff.extend(jpeg);
    tiff
}

#[test]
fn what_is_decoded_counts_whatever_a_header_says() {
    // Of deep samples the decoder makes the whole photo, never a fraction of its size.
    let mut deep = jpeg(&picture(16, 16));
    let frame = memchr::memmem::find(&deep, &[0xff, 0xc0]).unwrap();
    deep[frame + 4] = 12;
    assert!(Photo::open(&deep, 800).is_ok());
    deep[frame + 5..frame + 9].copy_from_slice(&[0x20, 0, 0x20, 0]);
    assert_eq!(thumbnail(&deep, 800), Err(Refusal::TooLarge));
    // JPEGs in a TIFF, a frame of a WebP and one of a GIF may be larger than the picture that they are of.
    let small = picture(16, 16);
    assert_eq!(thumbnail(&tiff_of(&jpeg(&small), &small), 800), Err(Refusal::Undecodable));
    let frame = b"VP8 \x0a\0\0\0\0\0\0\x9d\x01\x2a\xff\x3f\xff\x3f";
    let webp = [b"RIFF\x28\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x09\0\0\x09\0\0".as_slice(), frame].concat();
    assert_eq!(Photo::open(&webp, 800).err(), Some(Refusal::Undecodable));
    let gif = [
        b"GIF89a\x0a\0\x0a\0\0\0\0".as_slice(),
        b",\0\0\0\0\0\x20\0\x20\x80\0\0\0\xff\xff\xff\x02\x02\x44\x01\0;",
    ];
    assert_eq!(thumbnail(&gif.concat(), 800), Err(Refusal::TooLarge));
}

/// A grey photo with its last scan sixty times.
fn of_many_scans(encoder: Encoder<'_>) -> Vec<u8> {
    let photo = encoder.progressive(true).encode().unwrap();
    let last = memchr::memmem::rfind(&photo, &[0xff, 0xda]).unwrap();
    let end = photo.len() - 2;
    [&photo[..last], &photo[last..end].repeat(60), &photo[end..]].concat()
}

#[test]
fn arithmetic_takes_no_longer_than_other_photos() {
    let encoder = || Encoder::new(&[128; 64], 8, 8, PixelFormat::Grayscale);
    let opened = |photo: &[u8]| Photo::open(photo, 800).err();
    for (mut photo, marker, refusal) in [
        (of_many_scans(encoder().arithmetic(true)), 0xca, Some(Refusal::TooLarge)),
        (of_many_scans(encoder()), 0xc2, None),
    ] {
        assert_eq!(opened(&photo), None);
        // Each scan walks over 49 megapixels.
        let frame = memchr::memmem::find(&photo, &[0xff, marker]).unwrap();
        photo[frame + 5..frame + 9].copy_from_slice(&[0x1b, 0x58, 0x1b, 0x58]);
        assert_eq!(opened(&photo), refusal);
    }
    let mut lossless = encoder().lossless(true).encode().unwrap();
    assert_eq!(opened(&lossless), None);
    let frame = memchr::memmem::find(&lossless, &[0xff, 0xc3]).unwrap();
    lossless[frame + 1] = 0xcb;
    assert_eq!(opened(&lossless), Some(Refusal::Undecodable));
    // Whatever stands before a marker, and where a walk from length to length would be led past it.
    for stray in [[0xff, 0xff, 0xff, 0xff], [0xff, 0, 0, 9]] {
        lossless.splice(2..2, stray);
        assert_eq!(opened(&lossless), Some(Refusal::Undecodable));
    }
}

#[test]
fn the_same_photo_makes_the_same_bytes() {
    let photo = jpeg(&picture(1234, 987));
    assert_eq!(thumbnail(&photo, 800), thumbnail(&photo, 800));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_bytes_make_it_fail_otherwise_than_by_refusing(
        which in 0..5usize, at in any::<prop::sample::Index>(), new in any::<u8>(), cut in any::<prop::sample::Index>(),
    ) {
        let picture = picture(48, 36);
        let formats = [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif, ImageFormat::Tiff];
        let mut bytes = match formats.get(which) {
            Some(format) => encoded(&picture.into(), *format),
            None => jpeg(&picture),
        };
        let place = at.index(bytes.len());
        bytes[place] = new;
        bytes.truncate(cut.index(bytes.len() * 2));
        if let Ok(made) = thumbnail(&bytes, 40) {
            prop_assert!(proof::holds_only_pixels(&made.jpeg, made.width, made.height));
        }
    }
}
