//! The two passes over a row, first down, then across. Levels are 8.8 fixed point in between: 256 units per grey level.
//!
//! Whole source rows are blended before the columns' samples are taken: the blend runs in vectors over contiguous bytes,
//! and one sample taken costs more than several blended (measured; only grey rows, of one sample per pixel, are faster
//! the other way round). The vector passes are compiled for every processor and again for AVX2, chosen at run time; both
//! do the same operations on each element, so the results are the same bits everywhere.

use super::Tap;
use crate::image::{ImageRef, PixelFormat};

/// Units of a level in a blended row.
pub(super) const UNITS: f32 = 256.0;

/// Which samples of a row the columns need. Depends on the shape of the image alone.
#[derive(Debug, Default)]
pub(super) struct Table {
    columns: Vec<Tap>,
    weights: Vec<f32>,
}

impl Table {
    /// For these columns.
    pub(super) fn rebuild(&mut self, columns: &[Tap]) {
        self.columns.clear();
        self.columns.extend_from_slice(columns);
        self.weights.clear();
        self.weights.extend(columns.iter().map(|tap| tap.weight));
    }
}

/// The buffers of one row, reused.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// One blended source row.
    row: Vec<u16>,
    gathered: Gathered,
    /// Pairs of grey samples of the upper and the lower row, and their blend.
    upper: Vec<u8>,
    lower: Vec<u8>,
    pairs: Vec<u16>,
}

impl Scratch {
    /// Makes room for images of this shape and this many columns.
    pub(super) fn resize(&mut self, image: &ImageRef<'_>, columns: usize) {
        self.row.resize(row_len(image), 0);
        self.gathered.resize(columns);
        self.upper.resize(2 * columns, 0);
        self.lower.resize(2 * columns, 0);
        self.pairs.resize(2 * columns, 0);
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
    let Scratch { row, gathered, upper, lower, pairs } = scratch;
    if image.pixel == PixelFormat::Mono8 {
        let row = |y: u32| &image.data[y as usize * image.step..][..image.width];
        grey_pairs(row(tap.near), &table.columns, upper);
        grey_pairs(row(tap.far), &table.columns, lower);
        blend(upper, lower, tap.weight, pairs);
        grey(pairs, &table.weights, rgb, &finish);
        return;
    }
    blend_lines(image, tap, row);
    sample(image, row, (&table.columns, &table.weights), gathered, rgb, finish);
}

/// The two samples of each column.
fn grey_pairs(row: &[u8], columns: &[Tap], out: &mut [u8]) {
    for (tap, out) in columns.iter().zip(out.as_chunks_mut::<2>().0) {
        *out = [row[tap.near as usize], row[tap.far as usize]];
    }
}

/// One level for all three components. (Compiled twice, as [`blend`].)
#[multiversion::multiversion(targets("x86_64+avx2"))]
fn grey<T, F: Fn(usize, f32) -> T>(pairs: &[u16], weights: &[f32], rgb: [&mut [T]; 3], finish: &F) {
    let [red, green, blue] = rgb;
    let samples = pairs.as_chunks::<2>().0.iter().zip(weights);
    for ((pair, weight), ((red, green), blue)) in samples.zip(red.iter_mut().zip(green).zip(blue)) {
        let level = across(pair[0], pair[1], *weight);
        *red = finish(0, level);
        *green = finish(1, level);
        *blue = finish(2, level);
    }
}

/// How many values [`blend_lines`] writes for an image of this shape.
fn row_len(image: &ImageRef<'_>) -> usize {
    let luma = image.pixel.row_bytes(image.width);
    if image.pixel == PixelFormat::Nv12 { luma + image.width } else { luma }
}

/// Blends the two source rows of a tap, byte by byte as they lie: every format is a sequence of samples. NV12's chroma
/// row follows its luma row.
fn blend_lines(image: &ImageRef<'_>, tap: &Tap, out: &mut [u16]) {
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

/// `near * (1 - weight) + far * weight` in 8.8 fixed point with weights of 15 bits, at most 2 units low. The weights are
/// split in two because products of 16 bits are all that every processor has in its vectors; no sum overflows:
/// 255 * 256 and 2 * 255 * 127 fit.
///
/// Compiled twice on x86-64: for every processor, and with vectors of twice the width for those that have AVX2. Both do
/// the same operations on each element, so the results are the same bits.
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

/// The samples of a blended row that the columns need, component by component, so that the arithmetic on them runs in
/// vectors.
#[derive(Debug, Default)]
struct Gathered {
    near: [Vec<u16>; 3],
    far: [Vec<u16>; 3],
}

impl Gathered {
    /// Makes room for this many columns.
    fn resize(&mut self, columns: usize) {
        self.near.iter_mut().chain(&mut self.far).for_each(|values| values.resize(columns, 0));
    }

    #[inline(always)]
    fn fill(&mut self, columns: &[Tap], pixel: impl Fn(usize) -> [u16; 3]) {
        let ([n0, n1, n2], [f0, f1, f2]) = (&mut self.near, &mut self.far);
        let near = n0.iter_mut().zip(n1).zip(n2);
        let far = f0.iter_mut().zip(f1).zip(f2);
        for ((tap, ((n0, n1), n2)), ((f0, f1), f2)) in columns.iter().zip(near).zip(far) {
            [*n0, *n1, *n2] = pixel(tap.near as usize);
            [*f0, *f1, *f2] = pixel(tap.far as usize);
        }
    }
}

/// Samples a blended row at `columns` and writes red, green and blue through `finish`, which gets the component (0 red,
/// 1 green, 2 blue) and its level in units. `weights` are those of the columns.
fn sample<T>(
    image: &ImageRef<'_>,
    row: &[u16],
    (columns, weights): (&[Tap], &[f32]),
    gathered: &mut Gathered,
    rgb: [&mut [T]; 3],
    finish: impl Fn(usize, f32) -> T,
) {
    match image.pixel {
        PixelFormat::Rgb8 => gathered.fill(columns, |x| {
            let pixel = &row[x * 3..][..3];
            [pixel[0], pixel[1], pixel[2]]
        }),
        PixelFormat::Bgr8 => gathered.fill(columns, |x| {
            let pixel = &row[x * 3..][..3];
            [pixel[2], pixel[1], pixel[0]]
        }),
        PixelFormat::Rgba8 => gathered.fill(columns, |x| {
            let pixel = &row[x * 4..][..4];
            [pixel[0], pixel[1], pixel[2]]
        }),
        PixelFormat::Bgra8 => gathered.fill(columns, |x| {
            let pixel = &row[x * 4..][..4];
            [pixel[2], pixel[1], pixel[0]]
        }),
        PixelFormat::Mono8 => gathered.fill(columns, |x| [row[x]; 3]),
        PixelFormat::Nv12 => {
            let (luma, chroma) = row.split_at(image.width);
            gathered.fill(columns, |x| {
                let pair = &chroma[x & !1..][..2];
                [luma[x], pair[0], pair[1]]
            });
        }
        PixelFormat::Yuyv => gathered.fill(columns, |x| {
            let group = &row[(x & !1) * 2..][..4];
            [group[(x & 1) * 2], group[1], group[3]]
        }),
    }
    if matches!(image.pixel, PixelFormat::Nv12 | PixelFormat::Yuyv) {
        luma_chroma(gathered, weights, rgb, &finish);
    } else {
        for (component, out) in rgb.into_iter().enumerate() {
            lerp(&gathered.near[component], &gathered.far[component], weights, out, component, &finish);
        }
    }
}

/// One component of a row (compiled twice, as [`blend`]).
#[multiversion::multiversion(targets("x86_64+avx2"))]
fn lerp<T, F: Fn(usize, f32) -> T>(
    near: &[u16],
    far: &[u16],
    weights: &[f32],
    out: &mut [T],
    component: usize,
    finish: &F,
) {
    for (out, ((near, far), weight)) in out.iter_mut().zip(near.iter().zip(far).zip(weights)) {
        *out = finish(component, across(*near, *far, *weight));
    }
}

#[inline(always)]
fn across(near: u16, far: u16, weight: f32) -> f32 {
    // Through i32: the conversion from it is one instruction, from u16 it is not.
    let (near, far) = (i32::from(near) as f32, i32::from(far) as f32);
    near + (far - near) * weight
}

/// Luma and chroma are interpolated as they are and converted once: ITU-R BT.601, luma 16 to 235, chroma 16 to 240
/// about 128, the result clamped to 0 to 255.
/// (Compiled twice, as [`blend`].)
#[multiversion::multiversion(targets("x86_64+avx2"))]
fn luma_chroma<T, F: Fn(usize, f32) -> T>(
    gathered: &Gathered,
    weights: &[f32],
    rgb: [&mut [T]; 3],
    finish: &F,
) {
    let [red, green, blue] = rgb;
    let component = |index: usize| gathered.near[index].iter().zip(&gathered.far[index]);
    let samples = component(0).zip(component(1)).zip(component(2)).zip(weights);
    let outs = red.iter_mut().zip(green).zip(blue);
    for (((y, u), v), weight, ((red, green), blue)) in samples.zip(outs).map(|((yuv, w), rgb)| (yuv, w, rgb))
    {
        let y = 1.164_383_6 * (across(*y.0, *y.1, *weight) - 16.0 * UNITS);
        let u = across(*u.0, *u.1, *weight) - 128.0 * UNITS;
        let v = across(*v.0, *v.1, *weight) - 128.0 * UNITS;
        let limit = |level: f32| level.clamp(0.0, 255.0 * UNITS);
        *red = finish(0, limit(y + 1.596_026_8 * v));
        *green = finish(1, limit(y - 0.391_762_3 * u - 0.812_967_65 * v));
        *blue = finish(2, limit(y + 2.017_232_1 * u));
    }
}
