//! The formats that are decoded whole: PNG, WebP, GIF, TIFF and BMP; of an animation its first picture.

use std::io::Cursor;

use image::codecs::{
    bmp::BmpDecoder, gif::GifDecoder, png::PngDecoder, tiff::TiffDecoder, webp::WebPDecoder,
};
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageResult, Limits};
use memchr::memmem;
use tiff::decoder::Decoder;
use tiff::tags::{CompressionMethod, Tag};

use super::orientation::Orientation;
use super::pixels::{Pixels, Samples};
use super::{MEMORY_LIMIT, Refusal};

/// What a PNG may need for its profile and its texts.
const PNG_CHUNKS: u64 = 32 << 20;

/// What is known before a pixel is decoded.
#[derive(Debug)]
pub(super) struct Header {
    /// Of the whole photo, in pixels.
    pub(super) width: u32,
    /// Of the whole photo, in pixels.
    pub(super) height: u32,
    format: ImageFormat,
    memory: u64,
}

impl Header {
    pub(super) fn read(bytes: &[u8], format: ImageFormat, max_side: u32) -> Result<Self, Refusal> {
        if format == ImageFormat::Tiff && holds_jpegs(bytes) {
            return Err(Refusal::Undecodable);
        }
        let decoder = decoder(bytes, format, MEMORY_LIMIT).map_err(refuse)?;
        let (width, height) = decoder.dimensions();
        let pixels = u64::from(width) * u64::from(height);
        let is_broken = format == ImageFormat::WebP && largest_frame(bytes) > pixels;
        if pixels == 0 || is_broken {
            return Err(Refusal::Undecodable);
        }
        let decoded = decoder.total_bytes();
        let color = decoder.color_type();
        let beside = match format {
            // The frame, or the planes and what colours are predicted from.
            ImageFormat::Gif | ImageFormat::WebP => pixels.saturating_mul(5),
            // All is decoded into one buffer, then copied into another.
            ImageFormat::Tiff => decoded,
            _ => 0,
        };
        let is_deep = color.bytes_per_pixel() > color.channel_count();
        let made_shallow = if is_deep { pixels.saturating_mul(4) } else { 0 };
        // Rows are made shorter before columns are.
        let halfway = u64::from(width.min(max_side)) * u64::from(height) * 4;
        let memory = [decoded, beside, made_shallow, halfway].into_iter().fold(0, u64::saturating_add);
        Ok(Header { width, height, format, memory })
    }

    pub(super) fn memory(&self) -> u64 {
        self.memory
    }
}

/// Decodes the photo. What is transparent becomes white.
pub(super) fn decode(bytes: &[u8], header: &Header) -> Result<Pixels, Refusal> {
    // A frame of a GIF may be larger than the picture: it gets no more than was counted.
    let room = if header.format == ImageFormat::Gif { header.memory } else { MEMORY_LIMIT };
    let mut decoder = decoder(bytes, header.format, room).map_err(refuse)?;
    let profile = decoder.icc_profile().ok().flatten();
    let block = decoder.exif_metadata().ok().flatten();
    let image = DynamicImage::from_decoder(decoder).map_err(refuse)?;
    let samples = match image {
        DynamicImage::ImageLuma8(grey) => Samples::Grey(grey.into_raw()),
        DynamicImage::ImageLumaA8(grey) => Samples::Grey(on_white::<2>(grey.into_raw())),
        DynamicImage::ImageRgb8(rgb) => Samples::Rgb(rgb.into_raw()),
        DynamicImage::ImageRgba8(rgba) => Samples::Rgb(on_white::<4>(rgba.into_raw())),
        DynamicImage::ImageLuma16(_) => Samples::Grey(image.into_luma8().into_raw()),
        DynamicImage::ImageLumaA16(_) => Samples::Grey(on_white::<2>(image.into_luma_alpha8().into_raw())),
        other if other.color().has_alpha() => Samples::Rgb(on_white::<4>(other.into_rgba8().into_raw())),
        other => Samples::Rgb(other.into_rgb8().into_raw()),
    };
    let orientation = block.map_or_else(|| Orientation::of_container(bytes), Orientation::of_block);
    let (width, height) = (header.width, header.height);
    let shown = (f64::from(width), f64::from(height));
    Ok(Pixels { width, height, shown, samples, profile, orientation })
}

/// Whether a TIFF is made of JPEGs: the header of each promises what it likes, and each is decoded whole.
fn holds_jpegs(tiff: &[u8]) -> bool {
    let compression =
        Decoder::new(Cursor::new(tiff)).and_then(|mut tiff| tiff.find_tag_unsigned(Tag::Compression));
    compression.is_ok_and(|compression| compression == Some(CompressionMethod::ModernJPEG.to_u16()))
}

/// Pixels of the largest lossy frame of a WebP, which would be decoded before anybody compared it with the picture.
fn largest_frame(webp: &[u8]) -> u64 {
    let pixels = |chunk: usize| {
        // Behind its name, its length and three bytes of the frame: a key frame and its sides (RFC 6386, 9.1).
        let &[0x9d, 0x01, 0x2a, w0, w1, h0, h1] = webp.get(chunk + 11..chunk + 18)? else { return None };
        let [width, height] = [[w0, w1], [h0, h1]].map(|side| u64::from(u16::from_le_bytes(side) & 0x3fff));
        Some(width * height)
    };
    memmem::find_iter(webp, b"VP8 ").filter_map(pixels).max().unwrap_or(0)
}

/// A decoder that may take `room` bytes, where it heeds that.
fn decoder<'b>(bytes: &'b [u8], format: ImageFormat, room: u64) -> ImageResult<Box<dyn ImageDecoder + 'b>> {
    let bytes = Cursor::new(bytes);
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(PNG_CHUNKS);
    let mut decoder: Box<dyn ImageDecoder> = match format {
        ImageFormat::Png => Box::new(PngDecoder::with_limits(bytes, limits.clone())?),
        ImageFormat::WebP => Box::new(WebPDecoder::new(bytes)?),
        ImageFormat::Gif => Box::new(GifDecoder::new(bytes)?),
        ImageFormat::Tiff => Box::new(TiffDecoder::new(bytes)?),
        _ => Box::new(BmpDecoder::new(bytes)?),
    };
    // Only some decoders heed it, which is why the header is judged before.
    limits.max_alloc = Some(room);
    decoder.set_limits(limits)?;
    Ok(decoder)
}

/// Lays pixels of `CHANNELS` samples, the last of them their opacity, on white, in place.
fn on_white<const CHANNELS: usize>(mut samples: Vec<u8>) -> Vec<u8> {
    let opaque = CHANNELS - 1;
    let pixels = samples.len() / CHANNELS;
    for pixel in 0..pixels {
        let from = pixel * CHANNELS;
        let opacity = u16::from(samples[from + opaque]);
        for channel in 0..opaque {
            let sample = u16::from(samples[from + channel]);
            let shown = (sample * opacity + 255 * (255 - opacity) + 127) / 255;
            samples[pixel * opaque + channel] = shown as u8;
        }
    }
    samples.truncate(pixels * opaque);
    samples
}

fn refuse(error: ImageError) -> Refusal {
    match error {
        ImageError::Limits(_) => Refusal::TooLarge,
        _ => Refusal::Undecodable,
    }
}
