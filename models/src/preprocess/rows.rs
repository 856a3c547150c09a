//! Sampling one row of the source at the columns needed: three components (red, green, blue; 0 to 255) per column.

use super::Tap;
use crate::image::{ImageRef, PixelFormat};

/// Samples row `y` of `image` at `columns`; `out` gets all reds, then all greens, then all blues.
pub(super) fn sample(image: &ImageRef<'_>, y: usize, columns: &[Tap], out: &mut [f32]) {
    let row = &image.data[y * image.step..][..image.pixel.row_bytes(image.width)];
    let (red, rest) = out.split_at_mut(columns.len());
    let (green, blue) = rest.split_at_mut(columns.len());
    match image.pixel {
        PixelFormat::Rgb8 => interleaved::<3>(row, columns, [red, green, blue]),
        PixelFormat::Bgr8 => interleaved::<3>(row, columns, [blue, green, red]),
        PixelFormat::Rgba8 => interleaved::<4>(row, columns, [red, green, blue]),
        PixelFormat::Bgra8 => interleaved::<4>(row, columns, [blue, green, red]),
        PixelFormat::Mono8 => {
            for (tap, red) in columns.iter().zip(red.iter_mut()) {
                *red = blend(row[tap.near as usize], row[tap.far as usize], tap.weight);
            }
            green.copy_from_slice(red);
            blue.copy_from_slice(red);
        }
        PixelFormat::Nv12 => {
            let chroma = &image.data[(image.height + y / 2) * image.step..][..image.width];
            let pixel = |x: u32| {
                let pair = &chroma[(x & !1) as usize..][..2];
                (row[x as usize], pair[0], pair[1])
            };
            luma_chroma(columns, [red, green, blue], pixel);
        }
        PixelFormat::Yuyv => {
            let pixel = |x: u32| {
                let group = &row[(x & !1) as usize * 2..][..4];
                (group[(x & 1) as usize * 2], group[1], group[3])
            };
            luma_chroma(columns, [red, green, blue], pixel);
        }
    }
}

#[inline(always)]
fn blend(near: u8, far: u8, weight: f32) -> f32 {
    let near = f32::from(near);
    near + (f32::from(far) - near) * weight
}

#[inline(always)]
fn interleaved<const BYTES: usize>(row: &[u8], columns: &[Tap], out: [&mut [f32]; 3]) {
    let [first, second, third] = out;
    let outs = first.iter_mut().zip(second.iter_mut()).zip(third.iter_mut());
    for (tap, ((first, second), third)) in columns.iter().zip(outs) {
        let near = &row[tap.near as usize * BYTES..][..BYTES];
        let far = &row[tap.far as usize * BYTES..][..BYTES];
        *first = blend(near[0], far[0], tap.weight);
        *second = blend(near[1], far[1], tap.weight);
        *third = blend(near[2], far[2], tap.weight);
    }
}

/// BT.601 limited range to full range red, green, blue; clamped per sample, as a conversion of the whole image before
/// scaling would do.
#[inline(always)]
fn luma_chroma(columns: &[Tap], out: [&mut [f32]; 3], pixel: impl Fn(u32) -> (u8, u8, u8)) {
    let [red, green, blue] = out;
    let outs = red.iter_mut().zip(green.iter_mut()).zip(blue.iter_mut());
    for (tap, ((red, green), blue)) in columns.iter().zip(outs) {
        let near = to_rgb(pixel(tap.near));
        let far = to_rgb(pixel(tap.far));
        *red = near[0] + (far[0] - near[0]) * tap.weight;
        *green = near[1] + (far[1] - near[1]) * tap.weight;
        *blue = near[2] + (far[2] - near[2]) * tap.weight;
    }
}

/// ITU-R BT.601: luma 16 to 235, chroma 16 to 240 about 128.
#[inline(always)]
fn to_rgb((y, u, v): (u8, u8, u8)) -> [f32; 3] {
    let y = 1.164_383_6 * (f32::from(y) - 16.0);
    let (u, v) = (f32::from(u) - 128.0, f32::from(v) - 128.0);
    [
        (y + 1.596_026_8 * v).clamp(0.0, 255.0),
        (y - 0.391_762_3 * u - 0.812_967_65 * v).clamp(0.0, 255.0),
        (y + 2.017_232_1 * u).clamp(0.0, 255.0),
    ]
}
