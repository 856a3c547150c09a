//! One row of the input: the samples that its columns need are gathered from two source rows, blended down, then across.
//!
//! Gathering comes first because a camera's row is several times as long as the input's: what is never sampled is never
//! computed. Levels are 8.8 fixed point between the two passes: 256 units per grey level. The vector passes are compiled
//! for every processor and again for wider vectors, chosen at run time; all do the same operations on each element, so
//! the results are the same bits everywhere.

use super::Tap;
use crate::image::{ImageRef, PixelFormat};

/// Units of a level in a blended row.
pub(super) const UNITS: f32 = 256.0;

/// Where the samples of each column lie in a source row. Depends on the shape of the image alone.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Byte offset of the left sample (pixel, luma) of each column.
    near: Vec<u32>,
    /// Byte offset of the right pixel (interleaved formats), or of the chroma that belongs to the left sample.
    second: Vec<u32>,
    /// Share of the right sample.
    weights: Vec<f32>,
    /// Share of the right chroma sample: two pixels share one, so it is 0 where both are the same.
    chroma_weights: Vec<f32>,
}

/// Bytes gathered from one source row. Interleaved formats: the left pixel of each column in four bytes, and the right
/// one. The others: the two lumas of each column, and its two pairs of chroma.
#[derive(Debug, Default)]
struct Gathered {
    first: Vec<u8>,
    second: Vec<u8>,
}

/// The buffers of one row, reused.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    upper: Gathered,
    lower: Gathered,
    first: Vec<u16>,
    second: Vec<u16>,
}

impl Table {
    /// For images of this format and these columns.
    pub(super) fn rebuild(&mut self, pixel: PixelFormat, columns: &[Tap]) {
        let offsets = |tap: &Tap| match pixel {
            PixelFormat::Rgb8 | PixelFormat::Bgr8 => (tap.near * 3, tap.far * 3),
            PixelFormat::Rgba8 | PixelFormat::Bgra8 => (tap.near * 4, tap.far * 4),
            PixelFormat::Mono8 => (tap.near, tap.near),
            PixelFormat::Nv12 => (tap.near, tap.near & !1),
            PixelFormat::Yuyv => (tap.near * 2, (tap.near & !1) * 2),
        };
        self.near.clear();
        self.near.extend(columns.iter().map(|tap| offsets(tap).0));
        self.second.clear();
        self.second.extend(columns.iter().map(|tap| offsets(tap).1));
        self.weights.clear();
        self.weights.extend(columns.iter().map(|tap| tap.weight));
        self.chroma_weights.clear();
        self.chroma_weights
            .extend(columns.iter().map(|tap| if tap.near & 1 == 0 { 0.0 } else { tap.weight }));
    }
}

impl Scratch {
    /// Makes room for this many columns of this format.
    pub(super) fn resize(&mut self, pixel: PixelFormat, columns: usize) {
        let (first, second) = match pixel {
            PixelFormat::Mono8 => (2 * columns, 0),
            PixelFormat::Nv12 | PixelFormat::Yuyv => (2 * columns, 4 * columns),
            _ => (4 * columns, 4 * columns),
        };
        for gathered in [&mut self.upper, &mut self.lower] {
            gathered.first.resize(first, 0);
            gathered.second.resize(second, 0);
        }
        self.first.resize(first, 0);
        self.second.resize(second, 0);
    }
}

/// Writes red, green and blue of one row of the input through `finish`, which gets the component (0 red, 1 green, 2 blue)
/// and its level in units.
pub(super) fn line<T>(
    image: &ImageRef<'_>,
    tap: &Tap,
    table: &Table,
    scratch: &mut Scratch,
    rgb: [&mut [T]; 3],
    finish: impl Fn(usize, f32) -> T,
) {
    let bytes = image.pixel.row_bytes(image.width);
    let row = |y: u32| &image.data[y as usize * image.step..][..bytes];
    let chroma = |y: u32| &image.data[(image.height + y as usize / 2) * image.step..][..image.width];
    let Scratch { upper, lower, first, second } = scratch;
    let Table { near: lefts, second: seconds, weights, chroma_weights } = table;
    let (near, far) = (tap.near, tap.far);
    // Two source rows only where both count: blending a row with itself changes no bit.
    let two = near != far && tap.weight > 0.0;
    let share = tap.weight;
    match image.pixel {
        PixelFormat::Rgb8 | PixelFormat::Bgr8 | PixelFormat::Rgba8 | PixelFormat::Bgra8 => {
            let both = |gathered: &mut Gathered, row: &[u8]| {
                pixels(row, lefts, &mut gathered.first);
                pixels(row, seconds, &mut gathered.second);
            };
            both(upper, row(near));
            if two {
                both(lower, row(far));
            }
            down(two, &upper.first, &lower.first, share, first);
            down(two, &upper.second, &lower.second, share, second);
            let [red, green, blue] = rgb;
            if matches!(image.pixel, PixelFormat::Rgb8 | PixelFormat::Rgba8) {
                interleaved(first, second, weights, [red, green, blue], [0, 1, 2], &finish);
            } else {
                interleaved(first, second, weights, [blue, green, red], [2, 1, 0], &finish);
            }
        }
        PixelFormat::Mono8 => {
            lumas(row(near), lefts, &mut upper.first);
            if two {
                lumas(row(far), lefts, &mut lower.first);
            }
            down(two, &upper.first, &lower.first, share, first);
            grey(first, weights, rgb, &finish);
        }
        PixelFormat::Nv12 => {
            lumas(row(near), lefts, &mut upper.first);
            chromas(chroma(near), seconds, &mut upper.second);
            if two {
                lumas(row(far), lefts, &mut lower.first);
            }
            // Two luma rows share a row of chroma.
            let two_chromas = two && near / 2 != far / 2;
            if two_chromas {
                chromas(chroma(far), seconds, &mut lower.second);
            }
            down(two, &upper.first, &lower.first, share, first);
            down(two_chromas, &upper.second, &lower.second, share, second);
            luma_chroma(first, second, (weights, chroma_weights), rgb, &finish);
        }
        PixelFormat::Yuyv => {
            let both = |gathered: &mut Gathered, row: &[u8]| {
                yuyv_lumas(row, lefts, &mut gathered.first);
                yuyv_chromas(row, seconds, &mut gathered.second);
            };
            both(upper, row(near));
            if two {
                both(lower, row(far));
            }
            down(two, &upper.first, &lower.first, share, first);
            down(two, &upper.second, &lower.second, share, second);
            luma_chroma(first, second, (weights, chroma_weights), rgb, &finish);
        }
    }
}

/// Four bytes per pixel; the fourth means nothing in formats of three.
fn pixels(row: &[u8], offsets: &[u32], out: &mut [u8]) {
    for (offset, out) in offsets.iter().zip(out.as_chunks_mut::<4>().0) {
        let offset = *offset as usize;
        match row.get(offset..offset + 4) {
            Some(four) => out.copy_from_slice(four),
            // The last pixel of a row of three bytes each.
            None => out[..3].copy_from_slice(&row[offset..][..3]),
        }
    }
}

/// A sample and its right neighbour; the last one is its own neighbour.
fn lumas(row: &[u8], offsets: &[u32], out: &mut [u8]) {
    for (offset, out) in offsets.iter().zip(out.as_chunks_mut::<2>().0) {
        let offset = *offset as usize;
        match row.get(offset..offset + 2) {
            Some(two) => out.copy_from_slice(two),
            None => *out = [row[offset]; 2],
        }
    }
}

/// A pair of chroma and its right neighbour; the last one is its own neighbour.
fn chromas(row: &[u8], offsets: &[u32], out: &mut [u8]) {
    for (offset, out) in offsets.iter().zip(out.as_chunks_mut::<4>().0) {
        let offset = *offset as usize;
        match row.get(offset..offset + 4) {
            Some(four) => out.copy_from_slice(four),
            None => {
                let pair = &row[offset..][..2];
                *out = [pair[0], pair[1], pair[0], pair[1]];
            }
        }
    }
}

/// As [`lumas`], of Y0 U Y1 V.
fn yuyv_lumas(row: &[u8], offsets: &[u32], out: &mut [u8]) {
    for (offset, out) in offsets.iter().zip(out.as_chunks_mut::<2>().0) {
        let offset = *offset as usize;
        *out = match row.get(offset..offset + 3) {
            Some(three) => [three[0], three[2]],
            None => [row[offset]; 2],
        };
    }
}

/// As [`chromas`], of Y0 U Y1 V.
fn yuyv_chromas(row: &[u8], offsets: &[u32], out: &mut [u8]) {
    for (offset, out) in offsets.iter().zip(out.as_chunks_mut::<4>().0) {
        let offset = *offset as usize;
        *out = match row.get(offset..offset + 8) {
            Some(two) => [two[1], two[3], two[5], two[7]],
            None => {
                let one = &row[offset..][..4];
                [one[1], one[3], one[1], one[3]]
            }
        };
    }
}

fn down(two: bool, near: &[u8], far: &[u8], weight: f32, out: &mut [u16]) {
    if two { blend(near, far, weight, out) } else { widen(near, out) }
}

/// `near * (1 - weight) + far * weight` in 8.8 fixed point with weights of 15 bits, at most 2 units low. The weights are
/// split in two because products of 16 bits are all that every processor has in its vectors; no sum overflows:
/// 255 * 256 and 2 * 255 * 127 fit.
#[multiversion::multiversion(targets("x86_64+avx2"))]
fn blend(near: &[u8], far: &[u8], weight: f32, out: &mut [u16]) {
    let far_share = ((weight * 32768.0) as u16).min(32768);
    let near_share = 32768 - far_share;
    let (near_upper, near_lower) = (near_share >> 7, near_share & 127);
    let (far_upper, far_lower) = (far_share >> 7, far_share & 127);
    for ((out, near), far) in out.iter_mut().zip(near).zip(far) {
        let (near, far) = (u16::from(*near), u16::from(*far));
        let lower = near.wrapping_mul(near_lower).wrapping_add(far.wrapping_mul(far_lower)) >> 7;
        *out = near.wrapping_mul(near_upper).wrapping_add(far.wrapping_mul(far_upper)).wrapping_add(lower);
    }
}

/// [`blend`] of a row with itself.
#[multiversion::multiversion(targets("x86_64+avx2"))]
fn widen(row: &[u8], out: &mut [u16]) {
    for (out, level) in out.iter_mut().zip(row) {
        *out = u16::from(*level) << 8;
    }
}

#[inline(always)]
fn across(near: u16, far: u16, weight: f32) -> f32 {
    // Through i32: the conversion from it is one instruction, from u16 it is not.
    let (near, far) = (i32::from(near) as f32, i32::from(far) as f32);
    near + (far - near) * weight
}

/// Left and right pixels of four values each; `outs` in the order of the values, `components` naming them.
#[multiversion::multiversion(targets("x86_64+avx2"))]
fn interleaved<T, F: Fn(usize, f32) -> T>(
    near: &[u16],
    far: &[u16],
    weights: &[f32],
    outs: [&mut [T]; 3],
    components: [usize; 3],
    finish: &F,
) {
    let [a, b, c] = outs;
    let (near, far) = (near.as_chunks::<4>().0, far.as_chunks::<4>().0);
    let samples = near.iter().zip(far).zip(weights);
    for (((near, far), weight), ((a, b), c)) in samples.zip(a.iter_mut().zip(b).zip(c)) {
        *a = finish(components[0], across(near[0], far[0], *weight));
        *b = finish(components[1], across(near[1], far[1], *weight));
        *c = finish(components[2], across(near[2], far[2], *weight));
    }
}

/// One level for all three components.
#[multiversion::multiversion(targets("x86_64+avx2"))]
fn grey<T, F: Fn(usize, f32) -> T>(luma: &[u16], weights: &[f32], rgb: [&mut [T]; 3], finish: &F) {
    let [red, green, blue] = rgb;
    let samples = luma.as_chunks::<2>().0.iter().zip(weights);
    for ((luma, weight), ((red, green), blue)) in samples.zip(red.iter_mut().zip(green).zip(blue)) {
        let level = across(luma[0], luma[1], *weight);
        *red = finish(0, level);
        *green = finish(1, level);
        *blue = finish(2, level);
    }
}

/// Luma and chroma are interpolated as they are and converted once: ITU-R BT.601, luma 16 to 235, chroma 16 to 240
/// about 128, the result clamped to 0 to 255.
#[multiversion::multiversion(targets("x86_64+avx2"))]
fn luma_chroma<T, F: Fn(usize, f32) -> T>(
    luma: &[u16],
    chroma: &[u16],
    (weights, chroma_weights): (&[f32], &[f32]),
    rgb: [&mut [T]; 3],
    finish: &F,
) {
    let [red, green, blue] = rgb;
    let samples = luma.as_chunks::<2>().0.iter().zip(chroma.as_chunks::<4>().0);
    let samples = samples.zip(weights.iter().zip(chroma_weights));
    let outs = red.iter_mut().zip(green).zip(blue);
    for (((luma, chroma), (weight, chroma_weight)), ((red, green), blue)) in samples.zip(outs) {
        let y = 1.164_383_6 * (across(luma[0], luma[1], *weight) - 16.0 * UNITS);
        let u = across(chroma[0], chroma[2], *chroma_weight) - 128.0 * UNITS;
        let v = across(chroma[1], chroma[3], *chroma_weight) - 128.0 * UNITS;
        let limit = |level: f32| level.clamp(0.0, 255.0 * UNITS);
        *red = finish(0, limit(y + 1.596_026_8 * v));
        *green = finish(1, limit(y - 0.391_762_3 * u - 0.812_967_65 * v));
        *blue = finish(2, limit(y + 2.017_232_1 * u));
    }
}
