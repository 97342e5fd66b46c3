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
    /// Width and height of what they show, from the left and the top: decoded at a fraction of its size, a photo ends
    /// within its last column and row.
    pub(super) shown: (f64, f64),
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
        let shown = (f64::from(width), f64::from(height));
        if self.shown == shown {
            return Ok(self);
        }
        let samples = match &self.samples {
            Samples::Grey(samples) => Samples::Grey(self.resize::<U8>(samples, width, height)?),
            Samples::Rgb(samples) => Samples::Rgb(self.resize::<U8x3>(samples, width, height)?),
            Samples::Cmyk(samples) => Samples::Cmyk(self.resize::<U8x4>(samples, width, height)?),
        };
        Ok(Pixels { width, height, shown, samples, ..self })
    }

    fn resize<P: PixelTrait>(&self, samples: &[u8], width: u32, height: u32) -> Result<Vec<u8>, Refusal> {
        let mut resized = vec![0; width as usize * height as usize * <P as InnerPixel>::size()];
        let source = TypedImageRef::<P>::from_buffer(self.width, self.height, samples);
        let target = TypedImage::<P>::from_buffer(width, height, &mut resized);
        let (Ok(source), Ok(mut target)) = (source, target) else { return Err(Refusal::Undecodable) };
        let options = ResizeOptions::new()
            .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
            .crop(0.0, 0.0, self.shown.0, self.shown.1)
            .use_alpha(false);
        Resizer::new().resize_typed(&source, &mut target, &options).map_err(|_| Refusal::Undecodable)?;
        drop(target);
        Ok(resized)
    }
}
