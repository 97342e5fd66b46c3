//! Decoded pixels on their way to a thumbnail.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{InnerPixel, U8, U8x3, U8x4};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};

use super::Refusal;
use super::orientation::Orientation;

/// A picture in the colours it came with.
#[derive(Debug)]
pub(super) struct Pixels {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) samples: Samples,
    /// The ICC profile that says what the samples mean; without one they are sRGB, or ink as such.
    pub(super) profile: Option<Vec<u8>>,
    pub(super) orientation: Orientation,
}

/// The samples of a picture, row by row, one byte each.
#[derive(Debug)]
pub(super) enum Samples {
    Grey(Vec<u8>),
    Rgb(Vec<u8>),
    /// 255 is full ink.
    Cmyk(Vec<u8>),
}

impl Pixels {
    /// The picture with these sides, by a Lanczos filter three lobes wide.
    pub(super) fn resized(self, width: u32, height: u32) -> Result<Pixels, Refusal> {
        if (self.width, self.height) == (width, height) {
            return Ok(self);
        }
        let (from, to) = ((self.width, self.height), (width, height));
        let samples = match self.samples {
            Samples::Grey(samples) => Samples::Grey(resize::<U8>(&samples, from, to)?),
            Samples::Rgb(samples) => Samples::Rgb(resize::<U8x3>(&samples, from, to)?),
            Samples::Cmyk(samples) => Samples::Cmyk(resize::<U8x4>(&samples, from, to)?),
        };
        Ok(Pixels { width, height, samples, ..self })
    }
}

fn resize<P: PixelTrait>(samples: &[u8], from: (u32, u32), to: (u32, u32)) -> Result<Vec<u8>, Refusal> {
    let mut resized = vec![0; to.0 as usize * to.1 as usize * <P as InnerPixel>::size()];
    let source = TypedImageRef::<P>::from_buffer(from.0, from.1, samples);
    let target = TypedImage::<P>::from_buffer(to.0, to.1, &mut resized);
    let (Ok(source), Ok(mut target)) = (source, target) else { return Err(Refusal::Undecodable) };
    let options =
        ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3)).use_alpha(false);
    Resizer::new().resize_typed(&source, &mut target, &options).map_err(|_| Refusal::Undecodable)?;
    drop(target);
    Ok(resized)
}
