//! Balls.

use super::{Part, Prop, at, hex};
use crate::maths::{V3, dot, lerp3, unit};
use crate::mesh::Mesh;
use crate::raycast::Shape;
use crate::scene::Material;
use crate::texture::Texture;

/// Face normals of a truncated icosahedron with one over their distance from the middle: 12 pentagons, 20 hexagons.
fn panels() -> (Vec<V3>, Vec<V3>) {
    let g = 1.618_034f32;
    let mut five = Vec::new();
    for (a, b) in [(1.0, g), (1.0, -g), (-1.0, g), (-1.0, -g)] {
        five.extend([[0.0, a, b], [a, b, 0.0], [b, 0.0, a]].map(unit));
    }
    let mut six = Vec::new();
    for i in 0..12 {
        for j in i + 1..12 {
            for k in j + 1..12 {
                // Neighbouring icosahedron corners have a cosine of 0.447.
                if dot(five[i], five[j]) > 0.4 && dot(five[j], five[k]) > 0.4 && dot(five[i], five[k]) > 0.4 {
                    six.push(unit([0, 1, 2].map(|c| five[i][c] + five[j][c] + five[k][c])));
                }
            }
        }
    }
    (five, six)
}

/// A classic black and white football of the given radius, metres, resting on the ground.
pub fn soccer_ball(radius: f32) -> Prop {
    let (five, six) = panels();
    let (black, white, seam) = (hex(0x171719), hex(0xF2F2EE), hex(0x777775));
    let texture = Texture::from_fn(9, |u, v| {
        let (a, b) = (std::f64::consts::TAU * f64::from(u), std::f64::consts::PI * f64::from(v));
        let d = [(a.cos() * b.sin()) as f32, (a.sin() * b.sin()) as f32, b.cos() as f32];
        // The panel that a ray from the middle leaves by; inradii 2.327 and 2.267 of the unit-edge solid.
        let (mut best, mut next, mut dark) = (0.0f32, 0.0f32, false);
        for (normals, inradius, is_dark) in [(&five, 2.327f32, true), (&six, 2.267, false)] {
            for n in normals {
                let s = dot(d, *n) / inradius;
                if s > best {
                    (next, best, dark) = (best, s, is_dark);
                } else if s > next {
                    next = s;
                }
            }
        }
        let line = (1.0 - (best - next) / 0.006).clamp(0.0, 1.0);
        let c = lerp3(if dark { black } else { white }, seam, line * 0.8);
        [c[0], c[1], c[2], 1.0]
    });
    rolled("soccer ball", radius, texture)
}

/// A plain ball of one sRGB colour (0xRRGGBB) with seams like a basketball's, resting on the ground; radius in metres.
pub fn ball(radius: f32, colour: u32) -> Prop {
    let (skin, seam) = (hex(colour), hex(0x201A16));
    let texture = Texture::from_fn(9, |u, v| {
        let (a, b) = (std::f64::consts::TAU * f64::from(u), std::f64::consts::PI * f64::from(v));
        let d = [(a.cos() * b.sin()) as f32, (a.sin() * b.sin()) as f32, b.cos() as f32];
        let curve = (d[0].abs() - (0.52 + 0.28 * d[2] * d[2])).abs();
        let gap = d[1].abs().min(d[2].abs()).min(curve);
        let line = ((0.022 - gap) / 0.008).clamp(0.0, 1.0);
        let grain = 0.93 + 0.10 * crate::noise::value(u * 128.0, v * 64.0, 128, 3);
        let c = lerp3(skin.map(|c| c * grain), seam, line);
        [c[0], c[1], c[2], 1.0]
    });
    rolled("ball", radius, texture)
}

fn rolled(name: &'static str, radius: f32, texture: Texture) -> Prop {
    let mesh = Mesh::sphere(radius, 48).transformed(&super::posed([0.0; 3], [0.5, 0.4, 0.3]), [1.0; 3]);
    let skin = Material { specular: 0.12, sharpness: 4, reflective: 0.02, ..Material::matt([1.0; 3]) };
    let r = f64::from(radius);
    Prop {
        name,
        label: "sports ball",
        parts: vec![Part::textured(mesh.moved([0.0, 0.0, radius]), skin, texture)],
        colliders: vec![(at(0.0, 0.0, r), Shape::Sphere { radius: r })],
    }
}
