//! The backdrop: a gradient, clouds and the sun's glow.

use crate::maths::{V3, lerp3};
use crate::noise::fractal;
use crate::scene::Sky;
use crate::simd::{F, each};
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

/// The sky along unit directions (world).
#[inline(always)]
pub(crate) fn colour<const N: usize>(
    sky: &Sky,
    clouds: &Texture,
    to_sun: V3,
    sun: V3,
    d: [F<N>; 3],
) -> [F<N>; 3] {
    let up = d[2].max(0.0);
    let below = (d[2].min(0.0) * -12.0).min(1.0);
    let t = F::all(1.0) - (F::all(1.0) - up) * (F::all(1.0) - up);
    let mut c: [F<N>; 3] = each(|k| {
        let above = t * (sky.zenith[k] - sky.horizon[k]) + sky.horizon[k];
        above + (F::all(sky.ground[k]) - sky.horizon[k]) * below
    });
    if d[2].0.iter().all(|&z| z <= 0.0) {
        return c;
    }
    if sky.clouds > 0.0 {
        let k = F::all(0.27) / (up + 0.12);
        let n = clouds.sample(d[0] * k, d[1] * k, 0)[0];
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
    let disc = F(each(|i| if s.0[i] > 0.9994 { 6.0 } else { 0.0 }));
    let glow = s8 * 0.04 + s32 * 0.06 + s128 * s128 * 0.35 + disc;
    // None below the horizon, so that a ray's colour does not depend on what the lanes beside it see.
    let glow = F(each(|i| if d[2].0[i] > 0.0 { glow.0[i] } else { 0.0 }));
    each(|k| c[k] + glow * sun[k])
}
