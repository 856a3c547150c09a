//! The stop sign.

use super::{Part, Prop, at, hex};
use crate::maths::lerp3;
use crate::mesh::Mesh;
use crate::noise::fractal;
use crate::raycast::Shape;
use crate::scene::Material;
use crate::texture::Texture;
use nalgebra::{Isometry3, Matrix3, Rotation3, UnitQuaternion};

type Stroke = &'static [[f32; 2]];

/// Letters as pen strokes in a unit box, y down.
const S: Stroke = &[
    [0.97, 0.22],
    [0.90, 0.09],
    [0.75, 0.02],
    [0.5, 0.0],
    [0.25, 0.02],
    [0.10, 0.09],
    [0.03, 0.22],
    [0.08, 0.35],
    [0.22, 0.43],
    [0.5, 0.49],
    [0.78, 0.57],
    [0.92, 0.65],
    [0.97, 0.78],
    [0.90, 0.91],
    [0.75, 0.98],
    [0.5, 1.0],
    [0.25, 0.98],
    [0.10, 0.91],
    [0.03, 0.78],
];
const T: [Stroke; 2] = [&[[0.0, 0.0], [1.0, 0.0]], &[[0.5, 0.0], [0.5, 1.0]]];
const O: Stroke = &[
    [0.5, 0.0],
    [0.75, 0.03],
    [0.93, 0.13],
    [1.0, 0.3],
    [1.0, 0.7],
    [0.93, 0.87],
    [0.75, 0.97],
    [0.5, 1.0],
    [0.25, 0.97],
    [0.07, 0.87],
    [0.0, 0.7],
    [0.0, 0.3],
    [0.07, 0.13],
    [0.25, 0.03],
    [0.5, 0.0],
];
const P: Stroke = &[
    [0.0, 1.0],
    [0.0, 0.0],
    [0.65, 0.0],
    [0.88, 0.05],
    [1.0, 0.17],
    [1.0, 0.37],
    [0.88, 0.49],
    [0.65, 0.54],
    [0.0, 0.54],
];

/// Distance from a point to a polyline.
fn distance(p: [f32; 2], line: Stroke, place: impl Fn([f32; 2]) -> [f32; 2]) -> f32 {
    let mut best = f32::INFINITY;
    for pair in line.windows(2) {
        let (a, b) = (place(pair[0]), place(pair[1]));
        let (d, q) = ([b[0] - a[0], b[1] - a[1]], [p[0] - a[0], p[1] - a[1]]);
        let t = ((q[0] * d[0] + q[1] * d[1]) / (d[0] * d[0] + d[1] * d[1]).max(1e-9)).clamp(0.0, 1.0);
        let r = [q[0] - t * d[0], q[1] - t * d[1]];
        best = best.min(r[0] * r[0] + r[1] * r[1]);
    }
    best.sqrt()
}

fn face() -> Texture {
    let red = hex(0xB81422);
    let white = hex(0xECECE8);
    let letters: [(&[Stroke], f32); 4] = [(&[S], -0.77), (&T, -0.375), (&[O], 0.035), (&[P], 0.455)];
    Texture::from_fn(8, |u, v| {
        let p = [2.0 * u - 1.0, 2.0 * v - 1.0];
        let (x, y) = (p[0].abs(), p[1].abs());
        let octagon = x.max(y).max((x + y) * std::f32::consts::FRAC_1_SQRT_2);
        let border = ((octagon - 0.925) / 0.008).clamp(0.0, 1.0);
        let mut pen = f32::INFINITY;
        for (strokes, left) in &letters {
            for stroke in *strokes {
                let place = |q: [f32; 2]| [left + q[0] * 0.315, -0.30 + q[1] * 0.60];
                pen = pen.min(distance(p, stroke, place));
            }
        }
        let ink = ((0.058 - pen) / 0.008 + 0.5).clamp(0.0, 1.0);
        let weather = 0.88 + 0.16 * fractal(u, v, 4, 5, 0.55, 77);
        let c = lerp3(red, white, border.max(ink)).map(|c| c * weather);
        [c[0], c[1], c[2], 1.0]
    })
    .clamped()
}

/// A North American stop sign, 0.914 m (36 inch) across, its middle 2.1 m above the ground on a steel post; faces +x.
pub fn stop_sign() -> Prop {
    let reach = 0.457f32;
    let radius = reach / (std::f64::consts::PI / 8.0).cos() as f32;
    // The prism's axes x, y, z become y, z, x.
    let turn = Matrix3::new(0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0);
    let turn = UnitQuaternion::from_rotation_matrix(&Rotation3::from_matrix_unchecked(turn));
    let upright = |x: f64| Isometry3::from_parts(nalgebra::Translation3::new(x, 0.0, 2.1), turn);
    let plate = Mesh::prism(8, radius, 0.004).transformed(&upright(0.040), [1.0; 3]);
    let back = Mesh::prism(8, radius * 0.999, 0.006).transformed(&upright(0.034), [1.0; 3]);
    let post = Mesh::cuboid([0.05, 0.06, 2.50]).moved([0.0, 0.0, 1.25]);
    let bolts = Mesh::cylinder(0.012, 0.012, 8);
    let along_x = |z: f64| super::posed([0.044, 0.0, z], [0.0, std::f64::consts::FRAC_PI_2, 0.0]);
    let bolts = bolts
        .clone()
        .transformed(&along_x(2.42), [1.0; 3])
        .with(&bolts.transformed(&along_x(1.78), [1.0; 3]));
    let steel = Material { specular: 0.25, sharpness: 4, reflective: 0.03, ..Material::matt(hex(0x8A8D8C)) };
    let paint = Material { specular: 0.15, sharpness: 4, reflective: 0.02, ..Material::matt([1.0; 3]) };
    Prop {
        name: "stop sign",
        label: "stop sign",
        parts: vec![
            Part::textured(plate, paint, face()),
            Part::new(back, steel),
            Part::new(post.with(&bolts), steel).unlabelled(),
        ],
        colliders: vec![
            (at(0.0, 0.0, 1.25), Shape::Box { size: [0.06, 0.06, 2.50] }),
            (at(0.037, 0.0, 2.1), Shape::Box { size: [0.03, 0.92, 0.92] }),
        ],
    }
}
