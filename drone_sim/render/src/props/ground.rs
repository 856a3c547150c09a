//! Grounds that show no repetition.

use super::{Part, Prop, at, hex};
use crate::maths::{Dice, lerp3};
use crate::mesh::Mesh;
use crate::noise::{fractal, value};
use crate::raycast::Shape;
use crate::scene::Material;
use crate::texture::Texture;

/// Patches of light and shade for [`Material::detail`], around 0.5.
fn patches(seed: u32) -> Texture {
    Texture::from_fn(8, |u, v| {
        let n = fractal(u, v, 3, 5, 0.6, seed);
        let dry = fractal(u, v, 2, 4, 0.55, seed + 9);
        let t = ((dry - 0.45) * 4.0).clamp(0.0, 1.0);
        let k = 0.30 + 0.40 * n;
        let c = lerp3([k * 0.94, k, k * 0.90], [k * 1.28, k * 1.06, k * 0.84], t);
        [c[0], c[1], c[2], 1.0]
    })
}

fn plane(name: &'static str, size: f32, texture: Texture, seed: u32) -> Prop {
    let mesh = Mesh::plane([size, size], 25.0, 3.0).seamless();
    let material = Material { detail_scale: 0.0437, casts_shadow: false, ..Material::matt([1.0; 3]) };
    let part = Part { detail: Some(patches(seed)), ..Part::textured(mesh, material, texture) };
    Prop { name, label: "", parts: vec![part], colliders: vec![(at(0.0, 0.0, 0.0), Shape::Plane)] }
}

/// A meadow: a square of `size` metres at z = 0 around the origin.
pub fn grass(size: f32, seed: u32) -> Prop {
    // Blades: short strokes drawn over each other, the later the brighter.
    let side = 512usize;
    let soil = hex(0x4A432C);
    let mut texels: Vec<[f32; 3]> = (0..side * side)
        .map(|i| {
            let (u, v) = ((i % side) as f32 / side as f32, (i / side) as f32 / side as f32);
            let n = fractal(u, v, 8, 5, 0.6, seed);
            soil.map(|c| c * (0.45 + 0.9 * n))
        })
        .collect();
    let tones = [hex(0x3C521F), hex(0x526B2A), hex(0x698035), hex(0x7C8E45), hex(0x9A9555)];
    let mut dice = Dice::new(seed);
    let strokes = 16_000;
    for k in 0..strokes {
        let (mut x, mut y) = (dice.unit() * side as f32, dice.unit() * side as f32);
        let (mut dx, mut dy) = (dice.between(-1.0, 1.0), dice.between(-1.0, 1.0));
        let tone = tones[((dice.unit() * dice.unit()) * 5.0 + dice.unit() * 1.2).min(4.0) as usize];
        let clump = value(x / 32.0, y / 32.0, 16, seed + 5);
        let bright = (0.35 + 0.75 * k as f32 / strokes as f32) * (0.7 + 0.5 * clump);
        let length = dice.between(8.0, 22.0) as usize;
        for step in 0..length {
            let t = step as f32 / length as f32;
            let i = (y as usize % side) * side + x as usize % side;
            texels[i] = lerp3(texels[i], tone.map(|c| c * bright * (0.55 + 0.65 * t)), 0.85);
            x += dx + side as f32;
            y += dy + side as f32;
            (x, y) = (x % side as f32, y % side as f32);
            dx += dice.between(-0.08, 0.08);
            dy += dice.between(-0.08, 0.08);
        }
    }
    let texture = Texture::from_fn(9, |u, v| {
        let c = texels[((v * side as f32) as usize) * side + (u * side as f32) as usize];
        [c[0], c[1], c[2], 1.0]
    });
    plane("grass", size, texture, seed)
}

/// Grey gravel: a square of `size` metres at z = 0 around the origin.
pub fn gravel(size: f32, seed: u32) -> Prop {
    let base = hex(0x8B867C);
    let texture = Texture::from_fn(9, |u, v| {
        let stones =
            value(u * 96.0, v * 96.0, 96, seed) * 0.6 + value(u * 190.0, v * 190.0, 190, seed + 1) * 0.4;
        let k = 0.45 + 0.55 * stones + 0.35 * fractal(u, v, 4, 5, 0.6, seed + 2);
        let c = base.map(|c| c * k);
        [c[0], c[1], c[2], 1.0]
    });
    plane("gravel", size, texture, seed)
}
