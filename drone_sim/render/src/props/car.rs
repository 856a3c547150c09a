//! A saloon car, lofted from cross-sections.

use super::{Part, Prop, at, hex, posed};
use crate::maths::V3;
use crate::mesh::Mesh;
use crate::raycast::Shape;
use crate::scene::Material;

/// A skin over closed rings of equally many points, given from the rear to the front, each counter-clockwise seen from
/// the front; both ends are closed.
fn loft(rings: &[Vec<V3>], crease_deg: f64) -> Mesh {
    let n = rings[0].len() as u32;
    let points: Vec<V3> = rings.iter().flatten().copied().collect();
    let mut triangles = Vec::new();
    for k in 0..rings.len() as u32 - 1 {
        for i in 0..n {
            let (a, b) = (k * n + i, k * n + (i + 1) % n);
            triangles.push([a, b, b + n]);
            triangles.push([a, b + n, a + n]);
        }
    }
    let last = (rings.len() as u32 - 1) * n;
    for i in 1..n - 1 {
        triangles.push([0, i + 1, i]);
        triangles.push([last, last + i, last + i + 1]);
    }
    Mesh::creased(&points, &triangles, crease_deg).unwrap_or_default()
}

/// Body stations: x, lowest z, highest z, half width (metres), rear to front.
const BODY: [[f32; 4]; 13] = [
    [-2.20, 0.46, 0.74, 0.66],
    [-2.14, 0.34, 0.90, 0.77],
    [-2.00, 0.26, 0.985, 0.835],
    [-1.60, 0.22, 1.00, 0.872],
    [-1.00, 0.20, 0.985, 0.885],
    [-0.20, 0.20, 0.960, 0.890],
    [0.50, 0.20, 0.945, 0.888],
    [0.95, 0.20, 0.925, 0.882],
    [1.40, 0.22, 0.870, 0.872],
    [1.80, 0.24, 0.800, 0.845],
    [2.06, 0.28, 0.730, 0.785],
    [2.18, 0.34, 0.660, 0.70],
    [2.22, 0.42, 0.56, 0.62],
];

/// Half a cross-section of the body from the bottom to the top middle: share of half width, share of height.
const SECTION: [[f32; 2]; 8] = [
    [0.80, 0.0],
    [0.95, 0.06],
    [0.99, 0.28],
    [1.0, 0.52],
    [0.985, 0.76],
    [0.945, 0.90],
    [0.86, 0.975],
    [0.45, 1.0],
];

fn body() -> Mesh {
    let rings: Vec<Vec<V3>> = BODY
        .iter()
        .map(|&[x, low, high, half]| {
            let point = |s: &[f32; 2], side: f32| [x, side * s[0] * half, low + s[1] * (high - low)];
            let up = SECTION.iter().map(|s| point(s, 1.0));
            up.chain(SECTION.iter().rev().map(|s| point(s, -1.0))).collect()
        })
        .collect();
    loft(&rings, 50.0)
}

/// Corners of the cabin: x at belt and at roof, half widths there, for the rear, the middle post and the front.
fn cabin_point(t: f32, up: f32, side: f32) -> V3 {
    // t 0 rear .. 1 front, up 0 belt .. 1 roof.
    let belt = [-1.72 + t * 2.78, 0.80 - 0.06 * (2.0 * t - 1.0) * (2.0 * t - 1.0), 0.955 - 0.04 * t];
    let crown = 0.035 * (1.0 - (2.0 * t - 1.0) * (2.0 * t - 1.0));
    let roof = [-1.02 + t * 1.22, 0.605 - 0.03 * (2.0 * t - 1.0) * (2.0 * t - 1.0), 1.40 + crown];
    let bulge = 0.05 * up * (1.0 - up);
    [
        belt[0] + (roof[0] - belt[0]) * up,
        side * (belt[1] + (roof[1] - belt[1]) * up + bulge),
        belt[2] + (roof[2] - belt[2]) * up,
    ]
}

fn cabin() -> Mesh {
    let rings: Vec<Vec<V3>> = [0.0, 0.15, 0.35, 0.55, 0.75, 0.9, 1.0]
        .iter()
        .map(|&t| {
            let left = [0.0, 0.35, 0.7, 0.93].map(|up| cabin_point(t, up, 1.0));
            let roof = [1.0, 0.5, 0.0, -0.5, -1.0].map(|s: f32| {
                let mut p = cabin_point(t, 1.0, s.signum() * s.abs() * 0.93);
                p[2] += 0.035 * (1.0 - s * s);
                p
            });
            let right = [0.93, 0.7, 0.35, 0.0].map(|up| cabin_point(t, up, -1.0));
            left.into_iter().chain(roof).chain(right).collect()
        })
        .collect();
    loft(&rings, 42.0)
}

/// A pane on the cabin's side between two t and two heights, `out` metres proud.
fn side_pane(t: [f32; 4], up: [f32; 2], side: f32, out: f32) -> Mesh {
    let steps = 4;
    let mut mesh = Mesh::default();
    for k in 0..steps {
        let (a, b) = (k as f32 / steps as f32, (k + 1) as f32 / steps as f32);
        let corner = |f: f32, v: f32| {
            let at_up = up[0] + (up[1] - up[0]) * v;
            let (rear, front) = (t[0] + (t[1] - t[0]) * v, t[2] + (t[3] - t[2]) * v);
            let mut p = cabin_point(rear + (front - rear) * f, at_up, side);
            p[1] += side * out;
            p[2] += out * 0.4;
            p
        };
        let mut quad = [corner(a, 0.0), corner(b, 0.0), corner(b, 1.0), corner(a, 1.0)];
        if side > 0.0 {
            quad.reverse();
        }
        mesh.polygon(&quad, &[[0.0; 2]; 4]);
    }
    mesh.finish();
    mesh
}

/// Front or rear screen.
fn screen(t: f32, out: f32) -> Mesh {
    let p = |up: f32, side: f32, shrink: f32| {
        let mut p = cabin_point(t, up, side);
        p[1] *= shrink;
        p[0] += if t > 0.5 { out } else { -out };
        p[2] += out;
        p
    };
    let mut quad = [p(0.08, -1.0, 0.93), p(0.08, 1.0, 0.93), p(0.93, 1.0, 0.92), p(0.93, -1.0, 0.92)];
    if t < 0.5 {
        quad.reverse();
    }
    let mut mesh = Mesh::default();
    mesh.polygon(&quad, &[[0.0; 2]; 4]);
    mesh.finish();
    mesh
}

/// A saloon car 4.4 m long in the given sRGB colour (0xRRGGBB); faces +x, its middle on the origin.
pub fn car(colour: u32) -> Prop {
    let half_pi = std::f64::consts::FRAC_PI_2;
    let paint = Material { specular: 0.9, sharpness: 6, reflective: 0.06, ..Material::matt(hex(colour)) };
    let glass =
        Material { specular: 1.0, sharpness: 8, reflective: 0.16, ..Material::matt([0.012, 0.014, 0.016]) };
    let trim = Material { specular: 0.3, sharpness: 4, reflective: 0.03, ..Material::matt([1.0; 3]) };
    let (black, grey, rubber) = (hex(0x141415), hex(0xB4B8BC), hex(0x1B1B1C));

    let mut panes = screen(1.0, 0.012).with(&screen(0.0, 0.012));
    for side in [-1.0, 1.0] {
        panes = panes.with(&side_pane([0.10, 0.06, 0.43, 0.45], [0.10, 0.86], side, 0.008)).with(&side_pane(
            [0.475, 0.50, 0.90, 0.92],
            [0.10, 0.86],
            side,
            0.008,
        ));
    }

    let mut details = Mesh::default();
    let mut add = |mesh: Mesh, c: V3| details = std::mem::take(&mut details).with(&mesh.tinted(c));
    for x in [-1.36, 1.36] {
        for side in [-1.0f64, 1.0] {
            let roll = -side * half_pi;
            let wheel = |p: f64| posed([x, side * p, 0.33], [roll, 0.0, 0.0]);
            add(Mesh::cylinder(0.405, 0.10, 28).transformed(&wheel(0.842), [1.0; 3]), black);
            let tyre = Mesh::revolved(
                &[
                    [0.25, -0.10],
                    [0.31, -0.10],
                    [0.33, -0.07],
                    [0.33, 0.07],
                    [0.31, 0.10],
                    [0.22, 0.10],
                    [0.0, 0.085],
                ],
                28,
                false,
            );
            add(tyre.transformed(&wheel(0.80), [1.0; 3]), rubber);
            let rim = Mesh::revolved(&[[0.222, 0.0], [0.20, 0.008], [0.0, 0.008]], 24, false);
            add(rim.transformed(&wheel(0.892), [1.0; 3]), grey);
            for k in 0..5 {
                let a = std::f64::consts::TAU * (f64::from(k) + 0.5) / 5.0;
                let (s, c) = a.sin_cos();
                let hole = Mesh::disc(0.046, 0.0, 10);
                let p = posed([x + 0.135 * c, side * 0.902, 0.33 + 0.135 * s], [roll, 0.0, 0.0]);
                add(hole.transformed(&p, [1.0; 3]), black);
            }
        }
    }
    // Face: grille, bumper line, plates, sills, door gaps, handles, mirrors.
    let cuboid = |size: [f32; 3], p: [f32; 3]| Mesh::cuboid(size).moved(p);
    add(cuboid([0.04, 0.72, 0.10], [2.205, 0.0, 0.56]), black);
    add(cuboid([0.05, 1.18, 0.12], [2.185, 0.0, 0.395]), black);
    add(cuboid([0.02, 0.52, 0.11], [2.232, 0.0, 0.46]), hex(0xE8E8E4));
    add(cuboid([0.02, 0.52, 0.11], [-2.205, 0.0, 0.66]), hex(0xE8E8E4));
    add(cuboid([0.06, 1.36, 0.14], [-2.165, 0.0, 0.42]), black);
    for side in [-1.0f32, 1.0] {
        add(cuboid([2.0, 0.03, 0.09], [0.0, side * 0.868, 0.235]), black);
        for x in [0.98, 0.02, -0.95] {
            add(cuboid([0.012, 0.02, 0.56], [x, side * 0.879, 0.60]), black);
        }
        for x in [0.18, -0.78] {
            add(cuboid([0.18, 0.03, 0.025], [x, side * 0.882, 0.80]), grey);
        }
        let mirror = Mesh::ellipsoid([0.07, 0.11, 0.065], 12).moved([0.80, side * 0.93, 1.02]);
        add(mirror, hex(colour).map(|c| c * 0.9));
    }
    let mut lamps = Mesh::default();
    let mut lamp = |mesh: Mesh, c: V3| lamps = std::mem::take(&mut lamps).with(&mesh.tinted(c));
    for side in [-1.0f32, 1.0] {
        let head = Mesh::ellipsoid([0.16, 0.17, 0.075], 16);
        lamp(head.moved([2.02, side * 0.585, 0.645]), [0.80, 0.82, 0.85]);
        let tail = Mesh::ellipsoid([0.07, 0.17, 0.085], 16);
        lamp(tail.moved([-2.125, side * 0.60, 0.80]), [0.45, 0.012, 0.012]);
        let fog = Mesh::ellipsoid([0.05, 0.09, 0.045], 12);
        lamp(fog.moved([2.15, side * 0.55, 0.40]), [0.55, 0.56, 0.58]);
    }
    let lens = Material { specular: 1.0, sharpness: 6, reflective: 0.12, ..Material::matt([1.0; 3]) };
    Prop {
        name: "car",
        label: "car",
        parts: vec![
            Part::new(body().with(&cabin()), paint),
            Part::new(panes, glass),
            Part::new(details, trim),
            Part::new(lamps, lens),
        ],
        colliders: vec![
            (at(0.0, 0.0, 0.55), Shape::Box { size: [4.46, 1.80, 1.0] }),
            (at(-0.35, 0.0, 1.22), Shape::Box { size: [2.2, 1.56, 0.50] }),
        ],
    }
}
