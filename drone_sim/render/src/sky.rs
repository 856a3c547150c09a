//! The backdrop: a gradient, clouds and the sun's glow.

use crate::maths::{V3, lerp3};
use crate::noise::fractal;
use crate::scene::Sky;
use crate::simd::F4;
use crate::texture::Texture;
use std::array::from_fn;

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

/// The sky along four unit directions (world).
#[inline(always)]
pub(crate) fn colour4(sky: &Sky, clouds: &Texture, to_sun: V3, sun: V3, d: [F4; 3]) -> [F4; 3] {
    let up = d[2].max(0.0);
    let below = (d[2].min(0.0) * -12.0).min(1.0);
    let t = F4::all(1.0) - (F4::all(1.0) - up) * (F4::all(1.0) - up);
    let mut c: [F4; 3] = from_fn(|k| {
        let above = t * (sky.zenith[k] - sky.horizon[k]) + sky.horizon[k];
        above + (F4::all(sky.ground[k]) - sky.horizon[k]) * below
    });
    if d[2].0.iter().all(|&z| z <= 0.0) {
        return c;
    }
    if sky.clouds > 0.0 {
        let k = F4::all(0.27) / (up + 0.12);
        let n = clouds.sample4(d[0] * k, d[1] * k, 0)[0];
        let over = n - (0.74 - 0.42 * sky.clouds);
        let cover = (over * 5.0).max(0.0).min(1.0);
        let thick = (over * 2.4).max(0.0).min(1.0);
        let share = cover * (up * 7.0).min(1.0) * 0.9;
        for k in 0..3 {
            let white = (thick * -0.55 + 1.25) * sky.horizon[k] + (thick * -0.10 + 0.10) * sun[k];
            c[k] = c[k] + (white - c[k]) * share;
        }
    }
    let s = (d[0] * to_sun[0] + d[1] * to_sun[1] + d[2] * to_sun[2]).max(0.0);
    let s2 = s * s;
    let s8 = s2 * s2 * s2 * s2;
    let s32 = s8 * s8 * s8 * s8;
    let s128 = s32 * s32 * s32 * s32;
    let disc = F4(s.0.map(|s| if s > 0.9994 { 6.0 } else { 0.0 }));
    let glow = s8 * 0.04 + s32 * 0.06 + s128 * s128 * 0.35 + disc;
    from_fn(|k| c[k] + glow * sun[k])
}
