//! One row of the input, in three passes that stay in the first-level cache: two source rows are blended into one, the two
//! neighbours of each column are gathered from it, and what is left to compute runs in vectors over the columns.
//!
//! Whole source rows are blended before anything is gathered, for the blend runs in vectors over contiguous bytes and a
//! sample gathered costs more than several blended (measured). Gathering moves words of two neighbouring samples and leaves
//! it to the vectors to take them apart. The vector passes are compiled for every processor and again for AVX2, chosen at
//! run time; both do the same operations on each element in the same order, none of them fused, so the results are the same
//! bits everywhere.

use super::Tap;
use crate::image::{ImageRef, PixelFormat};

/// Units of a level in a blended row.
pub(super) const UNITS: f32 = 128.0;
/// A window into a blended row has so many samples at most; rows are longer by them, so that none sticks out.
const WINDOW: usize = 8;

/// Which samples of a row the columns need. Depends on the shape of the image alone.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// First sample of each column's window into a blended row.
    offsets: Vec<u32>,
    /// NV12: of its window into the chroma behind the luma.
    chroma: Vec<u32>,
    weights: Vec<f32>,
    /// Weights of the next pair's chroma: none where both neighbours belong to one pair.
    chroma_weights: Vec<f32>,
    /// YUYV: all ones where the left neighbour is the right one of its pair.
    odd: Vec<u32>,
}

impl Table {
    /// For these columns of an image of this shape.
    pub(super) fn rebuild(&mut self, columns: &[Tap], image: &ImageRef<'_>) {
        let place = |near: u32| match image.pixel {
            PixelFormat::Rgb8 | PixelFormat::Bgr8 => 3 * near,
            PixelFormat::Rgba8 | PixelFormat::Bgra8 => 4 * near,
            PixelFormat::Mono8 | PixelFormat::Nv12 => near,
            PixelFormat::Yuyv => 2 * (near & !1),
        };
        let luma = image.width as u32;
        refill(&mut self.offsets, columns.iter().map(|tap| place(tap.near)));
        refill(&mut self.weights, columns.iter().map(|tap| tap.weight));
        let pair = |tap: &Tap| if tap.near % 2 == 1 { tap.weight } else { 0.0 };
        refill(&mut self.chroma_weights, columns.iter().map(pair));
        refill(&mut self.odd, columns.iter().map(|tap| if tap.near % 2 == 1 { u32::MAX } else { 0 }));
        refill(&mut self.chroma, columns.iter().map(|tap| luma + (tap.near & !1)));
    }
}

fn refill<T>(list: &mut Vec<T>, values: impl Iterator<Item = T>) {
    list.clear();
    list.extend(values);
}

/// The buffers of one row, reused.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// One blended source row.
    row: Vec<u16>,
    /// What was gathered: word `k` of each column holds the samples `2 k` (low half) and `2 k + 1` of its window.
    words: [Vec<u32>; 4],
}

impl Scratch {
    /// Makes room for images of this shape and this many columns.
    pub(super) fn resize(&mut self, image: &ImageRef<'_>, columns: usize) {
        self.row.clear();
        self.row.resize(row_len(image) + WINDOW, 0);
        self.words.iter_mut().for_each(|words| words.resize(columns, 0));
    }
}

/// Writes red, green and blue of one row of the input through `finish`, which gets the component (0 red, 1 green, 2 blue)
/// and its level in units.
pub(super) fn line<T>(
    image: &ImageRef<'_>,
    tap: &Tap,
    table: &Table,
    scratch: &mut Scratch,
    [red, green, blue]: [&mut [T]; 3],
    finish: impl Fn(usize, f32) -> T,
) {
    let Scratch { row, words: [a, b, c, d] } = scratch;
    let Table { offsets, chroma, weights, chroma_weights, odd } = table;
    blend_lines(image, tap, row);
    match image.pixel {
        PixelFormat::Mono8 => gather_one(row, offsets, a),
        PixelFormat::Rgb8 | PixelFormat::Bgr8 => gather_three(row, offsets, a, b, c),
        PixelFormat::Nv12 => {
            gather_one(row, offsets, a);
            gather_two(row, chroma, b, c);
        }
        PixelFormat::Rgba8 | PixelFormat::Bgra8 | PixelFormat::Yuyv => {
            gather_four(row, offsets, a, b, c, d);
        }
    }
    // What comes first in memory of BGR is blue.
    let swapped = |component: usize, level: f32| finish(2 - component, level);
    match image.pixel {
        PixelFormat::Rgb8 => three(a, b, c, weights, red, green, blue, &finish),
        PixelFormat::Bgr8 => three(a, b, c, weights, blue, green, red, &swapped),
        PixelFormat::Rgba8 => four(a, b, c, d, weights, red, green, blue, &finish),
        PixelFormat::Bgra8 => four(a, b, c, d, weights, blue, green, red, &swapped),
        PixelFormat::Mono8 => grey(a, weights, red, green, blue, &finish),
        PixelFormat::Nv12 => nv12(a, b, c, weights, chroma_weights, red, green, blue, &finish),
        PixelFormat::Yuyv => yuyv(a, b, c, d, weights, chroma_weights, odd, red, green, blue, &finish),
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
    let (first, rest) = out.split_at_mut(bytes);
    blend(row(near), row(far), tap.weight, first);
    if image.pixel == PixelFormat::Nv12 {
        let chroma = |y: usize| &image.data[(image.height + y / 2) * image.step..][..image.width];
        blend(chroma(near), chroma(far), tap.weight, &mut rest[..image.width]);
    }
}

/// `near + (far - near) * weight` in 9.7 fixed point with weights of 15 bits, at most a hundredth of a level off.
fn blend(near: &[u8], far: &[u8], weight: f32, out: &mut [u16]) {
    let share = share_of(weight);
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { blend_avx2(near, far, share, out) };
    }
    blend_plain(near, far, share, out);
}

/// A weight in 15 bits. (One has no room.)
fn share_of(weight: f32) -> i16 {
    ((weight * 32768.0) as i32).min(32767) as i16
}

fn blend_plain(near: &[u8], far: &[u8], share: i16, out: &mut [u16]) {
    for ((out, near), far) in out.iter_mut().zip(near).zip(far) {
        let (near, far) = (i32::from(*near) << 7, i32::from(*far) << 7);
        *out = (near + (((far - near) * i32::from(share) + 0x4000) >> 15)) as u16;
    }
}

/// The same bits, sixteen at a time: what the rounding multiplication of 16 bits was made for.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn blend_avx2(near: &[u8], far: &[u8], share: i16, out: &mut [u16]) {
    use std::arch::x86_64::*;
    let shares = _mm256_set1_epi16(share);
    let (outs, out_rest) = out.as_chunks_mut::<16>();
    let ((nears, near_rest), (fars, far_rest)) = (near.as_chunks::<16>(), far.as_chunks::<16>());
    for ((out, near), far) in outs.iter_mut().zip(nears).zip(fars) {
        // SAFETY: sixteen bytes are read, unaligned.
        let (near, far) =
            unsafe { (_mm_loadu_si128(near.as_ptr().cast()), _mm_loadu_si128(far.as_ptr().cast())) };
        let near = _mm256_slli_epi16::<7>(_mm256_cvtepu8_epi16(near));
        let far = _mm256_slli_epi16::<7>(_mm256_cvtepu8_epi16(far));
        let sum = _mm256_add_epi16(near, _mm256_mulhrs_epi16(_mm256_sub_epi16(far, near), shares));
        // SAFETY: sixteen values of two bytes are written, unaligned.
        unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), sum) };
    }
    blend_plain(near_rest, far_rest, share, out_rest);
}

#[inline(always)]
fn word(low: u16, high: u16) -> u32 {
    u32::from(low) | u32::from(high) << 16
}

// No window lies beyond the row (see `WINDOW`). To leave the loop there costs less in it than to go on with something else.

fn gather_one(row: &[u16], offsets: &[u32], a: &mut [u32]) {
    for (a, at) in a.iter_mut().zip(offsets) {
        let Some(&[p, q]) = row.get(*at as usize..*at as usize + 2) else { return };
        *a = word(p, q);
    }
}

fn gather_two(row: &[u16], offsets: &[u32], a: &mut [u32], b: &mut [u32]) {
    for ((a, b), at) in a.iter_mut().zip(b).zip(offsets) {
        let Some(&[p, q, r, s]) = row.get(*at as usize..*at as usize + 4) else { return };
        (*a, *b) = (word(p, q), word(r, s));
    }
}

fn gather_three(row: &[u16], offsets: &[u32], a: &mut [u32], b: &mut [u32], c: &mut [u32]) {
    for (((a, b), c), at) in a.iter_mut().zip(b).zip(c).zip(offsets) {
        let Some(&[p, q, r, s, t, u]) = row.get(*at as usize..*at as usize + 6) else { return };
        (*a, *b, *c) = (word(p, q), word(r, s), word(t, u));
    }
}

fn gather_four(row: &[u16], offsets: &[u32], a: &mut [u32], b: &mut [u32], c: &mut [u32], d: &mut [u32]) {
    for ((((a, b), c), d), at) in a.iter_mut().zip(b).zip(c).zip(d).zip(offsets) {
        let Some(&[p, q, r, s, t, u, v, w]) = row.get(*at as usize..*at as usize + 8) else { return };
        (*a, *b, *c, *d) = (word(p, q), word(r, s), word(t, u), word(v, w));
    }
}

/// The two samples of a word. (Through i32: the conversion from it is one instruction, from u32 it is not.)
#[inline(always)]
fn low(word: u32) -> f32 {
    (word & 0xFFFF) as i32 as f32
}

#[inline(always)]
fn high(word: u32) -> f32 {
    (word >> 16) as i32 as f32
}

#[inline(always)]
fn across(near: f32, far: f32, weight: f32) -> f32 {
    near + (far - near) * weight
}

/// Slices of one length, so that the compiler needs no checks within the loop.
macro_rules! same_length {
    (mut $count:expr; $($slice:ident),*) => { $(let $slice = &mut $slice[..$count];)* };
    ($count:expr; $($slice:ident),*) => { $(let $slice = &$slice[..$count];)* };
}

/// Pixels of three samples. (Compiled twice, as all below.)
#[multiversion::multiversion(targets("x86_64+avx2"))]
#[allow(clippy::needless_range_loop, clippy::too_many_arguments)] // zips of eight slices defeat the vectoriser
fn three<T, F: Fn(usize, f32) -> T>(
    a: &[u32],
    b: &[u32],
    c: &[u32],
    weights: &[f32],
    first: &mut [T],
    second: &mut [T],
    third: &mut [T],
    finish: &F,
) {
    let count = first.len();
    same_length!(count; a, b, c, weights);
    same_length!(mut count; second, third);
    for i in 0..count {
        first[i] = finish(0, across(low(a[i]), high(b[i]), weights[i]));
        second[i] = finish(1, across(high(a[i]), low(c[i]), weights[i]));
        third[i] = finish(2, across(low(b[i]), high(c[i]), weights[i]));
    }
}

/// Pixels of four samples, the last of which is ignored.
#[multiversion::multiversion(targets("x86_64+avx2"))]
#[allow(clippy::needless_range_loop, clippy::too_many_arguments)] // as in `three`
fn four<T, F: Fn(usize, f32) -> T>(
    a: &[u32],
    b: &[u32],
    c: &[u32],
    d: &[u32],
    weights: &[f32],
    first: &mut [T],
    second: &mut [T],
    third: &mut [T],
    finish: &F,
) {
    let count = first.len();
    same_length!(count; a, b, c, d, weights);
    same_length!(mut count; second, third);
    for i in 0..count {
        first[i] = finish(0, across(low(a[i]), low(c[i]), weights[i]));
        second[i] = finish(1, across(high(a[i]), high(c[i]), weights[i]));
        third[i] = finish(2, across(low(b[i]), low(d[i]), weights[i]));
    }
}

/// One level for all three components.
#[multiversion::multiversion(targets("x86_64+avx2"))]
#[allow(clippy::needless_range_loop)] // as in `three`
fn grey<T, F: Fn(usize, f32) -> T>(
    a: &[u32],
    weights: &[f32],
    red: &mut [T],
    green: &mut [T],
    blue: &mut [T],
    finish: &F,
) {
    let count = red.len();
    same_length!(count; a, weights);
    same_length!(mut count; green, blue);
    for i in 0..count {
        let level = across(low(a[i]), high(a[i]), weights[i]);
        (red[i], green[i], blue[i]) = (finish(0, level), finish(1, level), finish(2, level));
    }
}

/// Luma and chroma are interpolated as they are and converted once: ITU-R BT.601, luma 16 to 235, chroma 16 to 240
/// about 128, the result clamped to 0 to 255.
#[inline(always)]
#[allow(clippy::manual_clamp, reason = "see within")]
fn bt601(y: f32, u: f32, v: f32) -> [f32; 3] {
    let (y, u, v) = (1.164_383_6 * (y - 16.0 * UNITS), u - 128.0 * UNITS, v - 128.0 * UNITS);
    // Not `clamp`, which keeps what is not a number at the price of a comparison more.
    let limit = |level: f32| level.max(0.0).min(255.0 * UNITS);
    [limit(y + 1.596_026_8 * v), limit(y - 0.391_762_3 * u - 0.812_967_65 * v), limit(y + 2.017_232_1 * u)]
}

/// `a` holds two neighbours of luma, `b` and `c` two neighbouring pairs of chroma.
#[multiversion::multiversion(targets("x86_64+avx2"))]
#[allow(clippy::needless_range_loop, clippy::too_many_arguments)] // as in `three`
fn nv12<T, F: Fn(usize, f32) -> T>(
    a: &[u32],
    b: &[u32],
    c: &[u32],
    weights: &[f32],
    chroma_weights: &[f32],
    red: &mut [T],
    green: &mut [T],
    blue: &mut [T],
    finish: &F,
) {
    let count = red.len();
    same_length!(count; a, b, c, weights, chroma_weights);
    same_length!(mut count; green, blue);
    for i in 0..count {
        let y = across(low(a[i]), high(a[i]), weights[i]);
        let u = across(low(b[i]), low(c[i]), chroma_weights[i]);
        let v = across(high(b[i]), high(c[i]), chroma_weights[i]);
        let rgb = bt601(y, u, v);
        (red[i], green[i], blue[i]) = (finish(0, rgb[0]), finish(1, rgb[1]), finish(2, rgb[2]));
    }
}

/// Two groups Y0 U Y1 V, the first of which holds the left neighbour.
#[multiversion::multiversion(targets("x86_64+avx2"))]
#[allow(clippy::needless_range_loop, clippy::too_many_arguments)] // as in `three`
fn yuyv<T, F: Fn(usize, f32) -> T>(
    a: &[u32],
    b: &[u32],
    c: &[u32],
    d: &[u32],
    weights: &[f32],
    chroma_weights: &[f32],
    odd: &[u32],
    red: &mut [T],
    green: &mut [T],
    blue: &mut [T],
    finish: &F,
) {
    let count = red.len();
    same_length!(count; a, b, c, d, weights, chroma_weights, odd);
    same_length!(mut count; green, blue);
    for i in 0..count {
        let pick = |yes: u32, no: u32| (yes & odd[i]) | (no & !odd[i]);
        // Of an odd pixel the luma is the group's second, and its right neighbour opens the next group.
        let y = across(low(pick(b[i], a[i])), low(pick(c[i], b[i])), weights[i]);
        let u = across(high(a[i]), high(c[i]), chroma_weights[i]);
        let v = across(high(b[i]), high(d[i]), chroma_weights[i]);
        let rgb = bt601(y, u, v);
        (red[i], green[i], blue[i]) = (finish(0, rgb[0]), finish(1, rgb[1]), finish(2, rgb[2]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blend_is_that_of_its_definition() {
        // Not a multiple of sixteen, so that the vectors leave a rest.
        let near: Vec<u8> = (0..1003).map(|i| (i * 7919 % 256) as u8).collect();
        let far: Vec<u8> = (0..1003).map(|i| (i * 104_729 % 251) as u8).collect();
        let (mut fast, mut plain) = (vec![0; 1003], vec![0; 1003]);
        for step in 0..=64 {
            let weight = step as f32 / 64.0;
            blend(&near, &far, weight, &mut fast);
            blend_plain(&near, &far, share_of(weight), &mut plain);
            assert_eq!(fast, plain, "weight {weight}");
            for ((a, b), out) in near.iter().zip(&far).zip(&fast) {
                let exact = f32::from(*a) + (f32::from(*b) - f32::from(*a)) * weight;
                assert!((f32::from(*out) / UNITS - exact).abs() < 0.012, "{a} {b} {weight}: {out}");
            }
        }
    }
}
