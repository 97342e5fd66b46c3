//! From the colours a picture came with to sRGB, which every screen and every program takes for granted.

use moxcms::{ColorProfile, DataColorSpace, Layout, RenderingIntent, TransformOptions};

use super::pixels::{Pixels, Samples};

/// Samples in sRGB, three to a pixel. A profile that cannot be read, or is one for other samples, is as none.
pub(super) fn to_srgb(pixels: Pixels) -> Vec<u8> {
    let profile = pixels.profile.as_deref().and_then(|bytes| ColorProfile::new_from_slice(bytes).ok());
    let (samples, layout, space) = match pixels.samples {
        Samples::Grey(samples) => (samples, Layout::Gray, DataColorSpace::Gray),
        Samples::Rgb(samples) => (samples, Layout::Rgb, DataColorSpace::Rgb),
        // Four samples to a pixel, whatever they mean.
        Samples::Cmyk(samples) => (samples, Layout::Rgba, DataColorSpace::Cmyk),
    };
    let profile = profile.filter(|profile| profile.color_space == space);
    if let Some(converted) = profile.and_then(|profile| convert(&profile, layout, &samples)) {
        return converted;
    }
    match layout {
        Layout::Gray => samples.into_iter().flat_map(|grey| [grey; 3]).collect(),
        Layout::Rgba => samples.chunks_exact(4).flat_map(unmanaged_ink).collect(),
        _ => samples,
    }
}

fn convert(profile: &ColorProfile, layout: Layout, samples: &[u8]) -> Option<Vec<u8>> {
    let options = TransformOptions {
        rendering_intent: RenderingIntent::RelativeColorimetric,
        ..TransformOptions::default()
    };
    let srgb = ColorProfile::new_srgb();
    let transform = profile.create_transform_8bit(layout, &srgb, Layout::Rgb, options).ok()?;
    let mut converted = vec![0; samples.len() / layout.channels() * 3];
    transform.transform(samples, &mut converted).ok()?;
    Some(converted)
}

/// Ink without a profile: each takes its share of the light.
fn unmanaged_ink(pixel: &[u8]) -> [u8; 3] {
    let &[cyan, magenta, yellow, black] = pixel else { return [0; 3] };
    [cyan, magenta, yellow].map(|ink| {
        let light = u16::from(255 - ink) * u16::from(255 - black);
        ((light + 127) / 255) as u8
    })
}
