//! From gathered samples to red, green and blue in the network's units. Each is compiled for every processor and again for AVX2,
//! chosen at run time; both do the same operations on each element in the same order, none of them fused, so the results are the
//! same bits everywhere.

use super::rows::UNITS;

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

/// Pixels of three samples.
#[multiversion::multiversion(targets("x86_64+avx2"))]
#[allow(clippy::needless_range_loop)] // zips of eight slices defeat the vectoriser
pub(super) fn three<T, F: Fn(usize, f32) -> T>(
    [a, b, c]: [&[u32]; 3],
    weights: &[f32],
    [first, second, third]: [&mut [T]; 3],
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
#[allow(clippy::needless_range_loop)] // as in `three`
pub(super) fn four<T, F: Fn(usize, f32) -> T>(
    [a, b, c, d]: [&[u32]; 4],
    weights: &[f32],
    [first, second, third]: [&mut [T]; 3],
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
pub(super) fn grey<T, F: Fn(usize, f32) -> T>(
    a: &[u32],
    weights: &[f32],
    [red, green, blue]: [&mut [T]; 3],
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

/// `a` holds two neighbours of luma, `b` and `c` two neighbouring pairs of chroma. Of each word there are two weights: luma's,
/// chroma's.
#[multiversion::multiversion(targets("x86_64+avx2"))]
#[allow(clippy::needless_range_loop)] // as in `three`
pub(super) fn nv12<T, F: Fn(usize, f32) -> T>(
    [a, b, c]: [&[u32]; 3],
    [weights, chroma_weights]: [&[f32]; 2],
    [red, green, blue]: [&mut [T]; 3],
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

/// Two groups Y0 U Y1 V, the first of which holds the left neighbour; `odd` is all ones where that is its second.
#[multiversion::multiversion(targets("x86_64+avx2"))]
#[allow(clippy::needless_range_loop)] // as in `three`
pub(super) fn yuyv<T, F: Fn(usize, f32) -> T>(
    [a, b, c, d]: [&[u32]; 4],
    [weights, chroma_weights]: [&[f32]; 2],
    odd: &[u32],
    [red, green, blue]: [&mut [T]; 3],
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
