//! Tileable value noise for procedural textures.

use crate::maths::hash;

/// Smooth value noise, 0 to 1, that repeats every `period` cells in x and y.
pub fn value(x: f32, y: f32, period: u32, seed: u32) -> f32 {
    let (ix, iy) = (x.floor(), y.floor());
    let (fx, fy) = (x - ix, y - iy);
    let p = period.max(1) as i64;
    let at = |dx: i64, dy: i64| {
        let cx = (ix as i64 + dx).rem_euclid(p) as u32;
        let cy = (iy as i64 + dy).rem_euclid(p) as u32;
        (hash(cx, cy, seed) >> 8) as f32 / 16_777_216.0
    };
    let s = |t: f32| t * t * t * (t * (t * 6.0 - 15.0) + 10.0);
    let (sx, sy) = (s(fx), s(fy));
    let top = at(0, 0) + (at(1, 0) - at(0, 0)) * sx;
    let bottom = at(0, 1) + (at(1, 1) - at(0, 1)) * sx;
    top + (bottom - top) * sy
}

/// Several octaves of [`value`] noise over the unit square, each twice as fine and `gain` times as strong as the one
/// before; 0 to 1. `period` is the number of cells of the coarsest octave, so the result tiles over the unit square.
pub fn fractal(u: f32, v: f32, period: u32, octaves: u32, gain: f32, seed: u32) -> f32 {
    let (mut sum, mut weight, mut amplitude) = (0.0, 0.0, 1.0);
    let mut p = period.max(1);
    for o in 0..octaves.max(1) {
        sum += amplitude * value(u * p as f32, v * p as f32, p, seed.wrapping_add(o * 101));
        weight += amplitude;
        amplitude *= gain;
        p *= 2;
    }
    sum / weight
}
