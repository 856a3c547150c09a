//! The two passes over a row, first down, then across. Levels are 8.8 fixed point in between: 256 units per grey level.

use super::Tap;
use crate::image::{ImageRef, PixelFormat};

/// Units of a level in a blended row.
pub(super) const UNITS: f32 = 256.0;

/// How many values [`blend_lines`] writes for an image of this shape.
pub(super) fn row_len(image: &ImageRef<'_>) -> usize {
    let luma = image.pixel.row_bytes(image.width);
    if image.pixel == PixelFormat::Nv12 { luma + image.width } else { luma }
}

/// Blends the two source rows of a tap, byte by byte as they lie: every format is a sequence of samples. NV12's chroma
/// row follows its luma row.
pub(super) fn blend_lines(image: &ImageRef<'_>, tap: &Tap, out: &mut [u16]) {
    let bytes = image.pixel.row_bytes(image.width);
    let row = |y: usize| &image.data[y * image.step..][..bytes];
    let (near, far) = (tap.near as usize, tap.far as usize);
    let (first, second) = out.split_at_mut(bytes);
    blend(row(near), row(far), tap.weight, first);
    if image.pixel == PixelFormat::Nv12 {
        let chroma = |y: usize| &image.data[(image.height + y / 2) * image.step..][..image.width];
        blend(chroma(near), chroma(far), tap.weight, second);
    }
}

/// `near * (1 - weight) + far * weight` in 8.8 fixed point, low by at most 3 units. Products of 16 bit values of which
/// the upper half is kept: the one multiplication every processor has in its vectors.
fn blend(near: &[u8], far: &[u8], weight: f32, out: &mut [u16]) {
    let far_share = ((weight * 65536.0) as u32).min(65535) as u16;
    let near_share = (65536 - u32::from(far_share)).min(65535) as u16;
    let upper = |value: u8, share: u16| ((u32::from(u16::from(value) << 8) * u32::from(share)) >> 16) as u16;
    for ((out, near), far) in out.iter_mut().zip(near).zip(far) {
        *out = upper(*near, near_share).wrapping_add(upper(*far, far_share));
    }
}

/// Samples a blended row at `columns` and writes red, green and blue through `finish`, which gets the component (0 red,
/// 1 green, 2 blue) and its level in units.
pub(super) fn sample<T>(
    image: &ImageRef<'_>,
    row: &[u16],
    columns: &[Tap],
    [red, green, blue]: [&mut [T]; 3],
    finish: impl Fn(usize, f32) -> T,
) {
    match image.pixel {
        PixelFormat::Rgb8 => interleaved::<3, T>(row, columns, [red, green, blue], [0, 1, 2], finish),
        PixelFormat::Bgr8 => interleaved::<3, T>(row, columns, [blue, green, red], [2, 1, 0], finish),
        PixelFormat::Rgba8 => interleaved::<4, T>(row, columns, [red, green, blue], [0, 1, 2], finish),
        PixelFormat::Bgra8 => interleaved::<4, T>(row, columns, [blue, green, red], [2, 1, 0], finish),
        PixelFormat::Mono8 => {
            let outs = red.iter_mut().zip(green.iter_mut()).zip(blue.iter_mut());
            for (tap, ((red, green), blue)) in columns.iter().zip(outs) {
                let level = across(row[tap.near as usize], row[tap.far as usize], tap.weight);
                (*red, *green, *blue) = (finish(0, level), finish(1, level), finish(2, level));
            }
        }
        PixelFormat::Nv12 => {
            let (luma, chroma) = row.split_at(image.width);
            let pixel = |x: usize| {
                let pair = &chroma[x & !1..][..2];
                [luma[x], pair[0], pair[1]]
            };
            luma_chroma(columns, [red, green, blue], pixel, finish);
        }
        PixelFormat::Yuyv => {
            let pixel = |x: usize| {
                let group = &row[(x & !1) * 2..][..4];
                [group[(x & 1) * 2], group[1], group[3]]
            };
            luma_chroma(columns, [red, green, blue], pixel, finish);
        }
    }
}

#[inline(always)]
fn across(near: u16, far: u16, weight: f32) -> f32 {
    // Through i32: the conversion from it is one instruction, from u16 it is not.
    let (near, far) = (i32::from(near) as f32, i32::from(far) as f32);
    near + (far - near) * weight
}

#[inline(always)]
fn interleaved<const SAMPLES: usize, T>(
    row: &[u16],
    columns: &[Tap],
    [first, second, third]: [&mut [T]; 3],
    component: [usize; 3],
    finish: impl Fn(usize, f32) -> T,
) {
    let outs = first.iter_mut().zip(second.iter_mut()).zip(third.iter_mut());
    for (tap, ((first, second), third)) in columns.iter().zip(outs) {
        let near = &row[tap.near as usize * SAMPLES..][..SAMPLES];
        let far = &row[tap.far as usize * SAMPLES..][..SAMPLES];
        *first = finish(component[0], across(near[0], far[0], tap.weight));
        *second = finish(component[1], across(near[1], far[1], tap.weight));
        *third = finish(component[2], across(near[2], far[2], tap.weight));
    }
}

/// Luma and chroma are interpolated as they are and converted once: ITU-R BT.601, luma 16 to 235, chroma 16 to 240
/// about 128, the result clamped to 0 to 255.
#[inline(always)]
fn luma_chroma<T>(
    columns: &[Tap],
    [red, green, blue]: [&mut [T]; 3],
    pixel: impl Fn(usize) -> [u16; 3],
    finish: impl Fn(usize, f32) -> T,
) {
    let outs = red.iter_mut().zip(green.iter_mut()).zip(blue.iter_mut());
    for (tap, ((red, green), blue)) in columns.iter().zip(outs) {
        let (near, far) = (pixel(tap.near as usize), pixel(tap.far as usize));
        let y = 1.164_383_6 * (across(near[0], far[0], tap.weight) - 16.0 * UNITS);
        let u = across(near[1], far[1], tap.weight) - 128.0 * UNITS;
        let v = across(near[2], far[2], tap.weight) - 128.0 * UNITS;
        let clamp = |level: f32| level.clamp(0.0, 255.0 * UNITS);
        *red = finish(0, clamp(y + 1.596_026_8 * v));
        *green = finish(1, clamp(y - 0.391_762_3 * u - 0.812_967_65 * v));
        *blue = finish(2, clamp(y + 2.017_232_1 * u));
    }
}
