//! The backdrop: a gradient, clouds and the sun's glow.

use crate::maths::{V3, add, dot, lerp3, scale};
use crate::noise::fractal;
use crate::scene::Sky;
use crate::texture::Texture;

/// Cloud cover, tiling; red holds density.
pub(crate) fn cloud_texture() -> Texture {
    Texture::from_fn(9, |u, v| {
        let n = fractal(u, v, 4, 7, 0.55, 0xC10D);
        [n * n, n * n, n * n, 1.0]
    })
}

/// Gradient only, as seen in reflections. `up` is the z of a unit direction.
#[inline(always)]
pub(crate) fn gradient(sky: &Sky, up: f32) -> V3 {
    if up < 0.0 {
        return lerp3(sky.horizon, sky.ground, (-up * 12.0).min(1.0));
    }
    let t = 1.0 - (1.0 - up) * (1.0 - up);
    lerp3(sky.horizon, sky.zenith, t)
}

/// The sky along a unit direction (world).
pub(crate) fn colour(sky: &Sky, clouds: &Texture, to_sun: V3, sun: V3, d: V3) -> V3 {
    let mut c = gradient(sky, d[2]);
    if d[2] <= 0.0 {
        return c;
    }
    let s = dot(d, to_sun).max(0.0);
    if sky.clouds > 0.0 && d[2] > 0.02 {
        let k = 0.09 / (d[2] + 0.12);
        let n = clouds.sample(d[0] * k * 3.0, d[1] * k * 3.0, 0)[0];
        let edge = 0.74 - 0.42 * sky.clouds;
        let cover = ((n - edge) * 5.0).clamp(0.0, 1.0);
        let thick = ((n - edge) * 2.4).clamp(0.0, 1.0);
        let white = add(scale(sky.horizon, 1.25 - 0.55 * thick), scale(sun, 0.10 * (1.0 - thick)));
        let fade = (d[2] * 7.0).min(1.0);
        c = lerp3(c, white, cover * fade * 0.9);
    }
    let s2 = s * s;
    let s8 = s2 * s2 * s2 * s2;
    let s32 = s8 * s8 * s8 * s8;
    let s256 = (s32 * s32) * (s32 * s32) * (s32 * s32) * (s32 * s32);
    let disc = if s > 0.9994 { 6.0 } else { 0.0 };
    add(c, scale(sun, s8 * 0.04 + s32 * 0.06 + s256 * 0.35 + disc))
}
