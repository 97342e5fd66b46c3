//! JPEG in and out.
//!
//! A large photo is decoded at an eighth, a quarter or half of its size: the cosine transform does it for a fraction
//! of the time and memory.

use libjpeg_turbo_rs::{
    ColorSpace, DecodeLimits, Decoder, Encoder, FrameHeader, JpegError, PixelFormat, ScalingFactor,
    Subsampling,
};

use super::orientation::Orientation;
use super::pixels::{Pixels, Samples};
use super::{QUALITY, Refusal};

/// The largest cameras of phones take 200 megapixels.
const MAX_PIXELS: u64 = 1 << 28;
/// Scans of one photo. Progressive photos have about ten; each scan walks over all the photo.
const MAX_SCANS: usize = 100;
/// Pixels of all scans of a photo that is coded arithmetically, which takes thirty times as long, also where nothing is
/// coded.
const MAX_ARITHMETIC: u64 = 200 << 20;
/// Bytes per decoded pixel: its planes, before and after they are brought to one size, and the pixel itself.
const PER_PIXEL: u64 = 10;
/// Bytes per decoded pixel where samples have more than eight bits.
const PER_DEEP_PIXEL: u64 = 24;

/// What is known before a pixel is decoded.
#[derive(Debug)]
pub(super) struct Header {
    /// Of the whole photo, in pixels.
    pub(super) width: u32,
    /// Of the whole photo, in pixels.
    pub(super) height: u32,
    scale: ScalingFactor,
    memory: u64,
}

impl Header {
    pub(super) fn read(bytes: &[u8], max_side: u32) -> Result<Self, Refusal> {
        let decoder = decoder(bytes, MAX_SCANS)?;
        let frame = decoder.header();
        let (width, height) = (u32::from(frame.width), u32::from(frame.height));
        let pixels = u64::from(width) * u64::from(height);
        if pixels == 0 {
            return Err(Refusal::Undecodable);
        }
        if pixels > MAX_PIXELS {
            return Err(Refusal::TooLarge);
        }
        let (is_deep, is_arithmetic) = (frame.precision > 8, decoder.is_arithmetic());
        // Of deep samples the decoder reads one scan, and takes it for Huffman's. Nobody writes arithmetic without
        // loss, which takes a second for each megapixel.
        if (is_deep && (is_arithmetic || decoder.has_multiple_scans()))
            || (frame.is_lossless && is_arithmetic)
        {
            return Err(Refusal::Undecodable);
        }
        if is_arithmetic {
            self::decoder(bytes, MAX_SCANS.min((MAX_ARITHMETIC / pixels) as usize))?;
        }
        let scale = scale(width.max(height), max_side, frame.is_lossless || is_deep);
        let scaled = |side: u32| scale.scale_dim(side as usize) as u64;
        let mut memory = scaled(width) * scaled(height) * if is_deep { PER_DEEP_PIXEL } else { PER_PIXEL };
        if decoder.has_multiple_scans() {
            memory += pixels * coefficients_per_pixel(frame) * size_of::<i16>() as u64;
        }
        Ok(Header { width, height, scale, memory })
    }

    pub(super) fn memory(&self) -> u64 {
        self.memory
    }
}

/// The smallest picture that still has to be made smaller. Lossless JPEG knows no cosines, and deep samples are decoded
/// `whole` in any case.
fn scale(longest: u32, max_side: u32, whole: bool) -> ScalingFactor {
    let denominator = [8, 4, 2].into_iter().find(|&denominator| !whole && longest / denominator >= max_side);
    denominator.and_then(|denominator| ScalingFactor::try_new(1, denominator).ok()).unwrap_or_default()
}

/// Coefficients that a photo of several scans keeps until its last one, per pixel, rounded up.
fn coefficients_per_pixel(frame: &FrameHeader) -> u64 {
    let area = |horizontal: u8, vertical: u8| u64::from(horizontal.max(1)) * u64::from(vertical.max(1));
    let components = &frame.components;
    let widest = components.iter().map(|component| component.horizontal_sampling).max().unwrap_or(1);
    let highest = components.iter().map(|component| component.vertical_sampling).max().unwrap_or(1);
    let all: u64 = components
        .iter()
        .map(|component| area(component.horizontal_sampling, component.vertical_sampling))
        .sum();
    all.div_ceil(area(widest, highest))
}

/// Decodes the photo, at the scale that its header asks for.
pub(super) fn decode(bytes: &[u8], header: &Header) -> Result<Pixels, Refusal> {
    let mut decoder = decoder(bytes, MAX_SCANS)?;
    let format = match decoder.jpeg_color_space() {
        ColorSpace::Grayscale => PixelFormat::Grayscale,
        ColorSpace::YCbCr | ColorSpace::Rgb => PixelFormat::Rgb,
        ColorSpace::Cmyk | ColorSpace::Ycck => PixelFormat::Cmyk,
        ColorSpace::Unknown => return Err(Refusal::Undecodable),
    };
    decoder.set_output_format(format);
    decoder.set_scale(header.scale);
    let profile = decoder.icc_profile().unwrap_or_default();
    let image = decoder.decode_image().map_err(refuse)?;
    let samples = match format {
        PixelFormat::Grayscale => Samples::Grey(image.data),
        PixelFormat::Cmyk => {
            let mut inks = image.data;
            // Adobe's JPEGs say how much ink is missing, and all of four inks are Adobe's.
            inks.iter_mut().for_each(|ink| *ink = 255 - *ink);
            Samples::Cmyk(inks)
        }
        _ => Samples::Rgb(image.data),
    };
    // Not looked for again in all of the photo: the decoder has passed it by.
    let orientation = image.exif_data.map(Orientation::of_block).unwrap_or_default();
    let side = |side: usize| u32::try_from(side).map_err(|_| Refusal::TooLarge);
    let (width, height) = (side(image.width)?, side(image.height)?);
    let shown = |side: u32| f64::from(side) * f64::from(header.scale.num()) / f64::from(header.scale.denom());
    let shown = (shown(header.width), shown(header.height));
    Ok(Pixels { width, height, shown, samples, profile, orientation })
}

/// Encodes sRGB pixels. The JPEG holds no word of what was encoded or by whom.
pub(super) fn encode(rgb: &[u8], width: u32, height: u32) -> Option<Vec<u8>> {
    Encoder::new(rgb, width as usize, height as usize, PixelFormat::Rgb)
        .quality(QUALITY)
        .subsampling(Subsampling::S420)
        .optimize_huffman(true)
        .encode()
        .ok()
}

fn decoder(bytes: &[u8], max_scans: usize) -> Result<Decoder<'_>, Refusal> {
    let limits = DecodeLimits { max_pixels: MAX_PIXELS, max_scans, ..DecodeLimits::default() };
    Decoder::new_with_limits(bytes, limits).map_err(refuse)
}

fn refuse(error: JpegError) -> Refusal {
    match error {
        JpegError::LimitExceeded { .. } | JpegError::AllocationFailed { .. } => Refusal::TooLarge,
        _ => Refusal::Undecodable,
    }
}
