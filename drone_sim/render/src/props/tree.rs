//! Trees, bushes and rocks. The seed picks shape and tint; trunks stand exactly on the origin.

use super::{Part, Prop, at, hex};
use crate::maths::{Dice, V3, add, cross, dot, hash, lerp3, scale, sub, unit};
use crate::mesh::Mesh;
use crate::noise::{fractal, value};
use crate::raycast::Shape;
use crate::scene::Material;
use crate::texture::Texture;

/// Bark: upright ridges. Tiles in both directions.
pub(crate) fn bark(seed: u32, dark: u32, light: u32) -> Texture {
    let (dark, light) = (hex(dark), hex(light));
    Texture::from_fn(8, |u, v| {
        let bend = (fractal(u, v, 4, 4, 0.5, seed) - 0.5) * 0.12;
        let ridge = value((u + bend).rem_euclid(1.0) * 22.0, v * 5.0, 22, seed + 1);
        let fine = fractal(u, v, 24, 4, 0.6, seed + 2);
        let crack = ((ridge - 0.38) * 3.2).clamp(0.0, 1.0);
        let c =
            lerp3(dark, light, (0.25 + 0.75 * crack) * (0.45 + 0.7 * fine)).map(|c| c * (0.75 + 0.5 * fine));
        let moss = ((fractal(u, v, 3, 3, 0.5, seed + 4) - 0.62) * 3.0).clamp(0.0, 0.5);
        let c = lerp3(c, hex(0x5A6638), moss);
        [c[0], c[1], c[2], 1.0]
    })
}

/// Leaves drawn over each other on shade.
fn leaves(seed: u32, tones: [u32; 4]) -> Texture {
    let side = 256usize;
    let tones = tones.map(hex);
    let mut texels = vec![tones[0].map(|c| c * 0.25); side * side];
    let mut dice = Dice::new(seed);
    let count = 2600;
    for k in 0..count {
        let age = k as f32 / count as f32;
        let (cx, cy) = (dice.unit() * side as f32, dice.unit() * side as f32);
        let angle = f64::from(dice.unit()) * std::f64::consts::TAU;
        let (c, s) = (angle.cos() as f32, angle.sin() as f32);
        let (long, wide) = (dice.between(5.0, 9.0), dice.between(2.2, 3.8));
        let tone = tones[(dice.unit() * 4.0) as usize % 4];
        let bright = (0.28 + 0.85 * age) * dice.between(0.75, 1.2);
        let reach = long as i32 + 1;
        for dy in -reach..=reach {
            for dx in -reach..=reach {
                let (x, y) = (dx as f32, dy as f32);
                let (a, b) = ((x * c + y * s) / long, (y * c - x * s) / wide);
                if a * a + b.abs() * (1.0 + a.abs()) > 1.0 {
                    continue;
                }
                let vein = if b.abs() < 0.18 { 1.15 } else { 1.0 };
                let i = (cy as i32 + dy).rem_euclid(side as i32) as usize * side
                    + (cx as i32 + dx).rem_euclid(side as i32) as usize;
                texels[i] = tone.map(|t| t * bright * vein * (0.85 + 0.25 * b));
            }
        }
    }
    Texture::from_fn(8, |u, v| {
        let c = texels[((v * side as f32) as usize) * side + (u * side as f32) as usize];
        [c[0], c[1], c[2], 1.0]
    })
}

/// Unit icosphere: 20 * 4^level triangles.
fn icosphere(level: u32) -> (Vec<V3>, Vec<[u32; 3]>) {
    let g = 1.618_034f32;
    let mut points: Vec<V3> = Vec::new();
    for (a, b) in [(1.0, g), (1.0, -g), (-1.0, g), (-1.0, -g)] {
        points.extend([[0.0, a, b], [a, b, 0.0], [b, 0.0, a]].map(unit));
    }
    let mut triangles = Vec::new();
    for i in 0..12u32 {
        for j in i + 1..12 {
            for k in j + 1..12 {
                let [a, b, c] = [i, j, k].map(|n| points[n as usize]);
                if dot(a, b) > 0.4 && dot(b, c) > 0.4 && dot(a, c) > 0.4 {
                    let outward = dot(cross(sub(b, a), sub(c, a)), a) > 0.0;
                    triangles.push(if outward { [i, j, k] } else { [i, k, j] });
                }
            }
        }
    }
    for _ in 0..level {
        let mut middle: Vec<(u32, u32, u32)> = Vec::new();
        let mut next = Vec::new();
        for t in &triangles {
            let m = [(t[0], t[1]), (t[1], t[2]), (t[2], t[0])].map(|(a, b)| {
                let key = (a.min(b), a.max(b));
                if let Some(found) = middle.iter().find(|e| (e.0, e.1) == key) {
                    return found.2;
                }
                let sum = add(points[a as usize], points[b as usize]);
                points.push(unit(sum));
                middle.push((key.0, key.1, points.len() as u32 - 1));
                points.len() as u32 - 1
            });
            next.extend([[t[0], m[0], m[2]], [t[1], m[1], m[0]], [t[2], m[2], m[1]], m]);
        }
        triangles = next;
    }
    (points, triangles)
}

/// A lump of foliage or stone: an icosphere pushed in and out, texture mapped by the dominant axis.
fn lump(centre: V3, size: V3, level: u32, rough: f32, texture_m: f32, dice: &mut Dice) -> Mesh {
    let (points, triangles) = icosphere(level);
    let points: Vec<V3> = points
        .iter()
        .map(|&p| {
            let k = 1.0 + dice.between(-rough, rough);
            [0, 1, 2].map(|c| centre[c] + p[c] * size[c] * k)
        })
        .collect();
    let mut normals = vec![[0.0; 3]; points.len()];
    for t in &triangles {
        let [a, b, c] = t.map(|i| points[i as usize]);
        let n = cross(sub(b, a), sub(c, a));
        t.iter().for_each(|&i| normals[i as usize] = add(normals[i as usize], n));
    }
    let mut mesh = Mesh::default();
    // Index of each corner per mapping axis, made when first needed.
    let mut known = vec![[u32::MAX; 3]; points.len()];
    for t in &triangles {
        let [a, b, c] = t.map(|i| points[i as usize]);
        let n = cross(sub(b, a), sub(c, a)).map(f32::abs);
        let axis = if n[2] > n[0] && n[2] > n[1] { 2 } else { usize::from(n[1] >= n[0]) };
        let corners = t.map(|i| {
            let i = i as usize;
            if known[i][axis] == u32::MAX {
                let p = points[i];
                let (a, b) = [(p[1], p[2]), (p[0], p[2]), (p[0], p[1])][axis];
                let out = unit(sub(p, centre));
                let normal = unit(add(scale(unit(normals[i]), 0.65), scale(out, 0.35)));
                known[i][axis] = mesh.vertex(p, normal, [a / texture_m, -b / texture_m]);
            }
            known[i][axis]
        });
        mesh.triangles.push(corners);
    }
    mesh.finish();
    mesh
}

/// The same lump at three levels of detail, finest first, from the same dice.
fn lumps(centre: V3, size: V3, rough: f32, texture_m: f32, dice: &mut Dice) -> [Mesh; 3] {
    let (mut second, mut third) = (dice.clone(), dice.clone());
    let fine = lump(centre, size, 2, rough, texture_m, dice);
    // Fewer corners that stand out farther keep a crown as ragged as before.
    let middle = lump(centre, size, 1, rough * 1.8, texture_m, &mut second);
    // Twenty triangles enclose less: make up for it.
    let size = size.map(|s| s * 1.12);
    [fine, middle, lump(centre, size, 0, rough * 2.0, texture_m, &mut third)]
}

fn trunk(radius: f32, height: f32, segments: u32, dice: &mut Dice) -> Mesh {
    let (lean, turn) = (dice.between(0.0, 0.03), dice.unit() * 6.0);
    let profile = [
        [radius * 1.55, -0.05],
        [radius * 1.22, 0.10],
        [radius * 1.04, 0.40],
        [radius, 1.0],
        [radius * 0.90, height * 0.5],
        [radius * 0.62, height],
    ];
    let mesh = Mesh::revolved(&profile, segments, true);
    let lobes = dice.between(3.0, 5.0).round();
    let mut mesh = mesh.uv_scaled([(radius * 7.0).max(1.0).round(), height / 1.1]);
    for p in &mut mesh.positions {
        let angle = f64::from(p[1]).atan2(f64::from(p[0])) as f32;
        let foot = (1.0 - p[2] / 0.5).clamp(0.0, 1.0);
        let k = 1.0 + 0.16 * foot * f64::from(angle * lobes + turn).sin() as f32;
        let sway = lean * (p[2] - 2.0).max(0.0) * (p[2] - 2.0).max(0.0) * 0.3;
        *p = [p[0] * k + sway, p[1] * k, p[2]];
    }
    mesh.finish();
    mesh.seamless().tinted_by(|p, _| [0.55 + 0.45 * (p[2] / 0.6).clamp(0.0, 1.0); 3])
}

/// Darker towards the middle and the underside, as light loses itself among leaves.
fn shaded(mesh: Mesh, middle: V3, reach: V3) -> Mesh {
    mesh.seamless().tinted_by(|p, _| {
        let d = [0, 1, 2].map(|k| (p[k] - middle[k]) / reach[k]);
        let rim = dot(d, d).sqrt().min(1.2);
        [(0.30 + 0.55 * rim * rim) * (0.80 + 0.25 * d[2]).max(0.35); 3]
    })
}

/// A broad-leaved tree of 5 to 8 m. The collider is the trunk (its widest radius above the roots) and the crown.
pub fn tree(seed: u32) -> Prop {
    let mut dice = Dice::new(hash(seed, 0x7EE, 3));
    let height = dice.between(5.0, 7.6);
    let radius = dice.between(0.13, 0.24);
    let bole = height * dice.between(0.40, 0.48);
    let mut same = dice.clone();
    let far_wood = trunk(radius, bole + 0.9, 7, &mut same);
    let mut wood = trunk(radius, bole + 0.9, 14, &mut dice);
    let top = [0.0, 0.0, (bole + height) / 2.0 + 0.2];
    let reach = [height * 0.30, height * 0.30, (height - bole) / 2.0 + 0.35];
    let mut crowns: [Mesh; 3] = Default::default();
    let count = 7;
    for i in 0..count {
        let angle =
            std::f64::consts::TAU * (f64::from(i) + f64::from(dice.unit()) * 0.6) / f64::from(count - 1);
        let (c, s) = (angle.cos() as f32, angle.sin() as f32);
        let out = if i == 0 { 0.0 } else { dice.between(0.45, 0.72) };
        let up = if i == 0 { 0.45 } else { dice.between(-0.55, 0.45) };
        let centre = [top[0] + c * out * reach[0], top[1] + s * out * reach[1], top[2] + up * reach[2]];
        let r = dice.between(0.42, 0.60) * reach[0];
        let size = [r * 1.1, r * 1.1, r * dice.between(0.75, 0.95)];
        for (crown, lump) in crowns.iter_mut().zip(lumps(centre, size, 0.17, 1.5, &mut dice)) {
            *crown = std::mem::take(crown).with(&lump);
        }
        if i > 0 && i % 2 == 0 {
            let foot = [0.0, 0.0, bole * 0.92];
            wood = wood.with(&branch(foot, centre, radius * 0.34));
        }
    }
    let [crown, far, farthest] = crowns.map(|c| shaded(c, top, reach));
    let tones = match seed % 3 {
        0 => [0x3E5722, 0x55722C, 0x6C8838, 0x47622B],
        1 => [0x4A5E22, 0x6B7C2E, 0x84923C, 0x596D2C],
        _ => [0x2F4D26, 0x426330, 0x58783A, 0x38552C],
    };
    let leafy = Material { wrap: 0.35, ..Material::matt([1.0; 3]) };
    let bark = bark(seed % 5, 0x3A2E24, 0x8C7A66);
    let r = f64::from(radius) * 1.05;
    let stem = f64::from(bole);
    let round = reach.map(f64::from);
    Prop {
        name: "tree",
        label: "",
        parts: vec![
            Part::textured(wood, Material::matt([1.0; 3]), bark).or_beyond(14.0, far_wood),
            Part::textured(crown, leafy, leaves(seed % 5, tones))
                .or_beyond(11.0, far)
                .or_beyond(30.0, farthest),
        ],
        colliders: vec![
            (at(0.0, 0.0, stem / 2.0), Shape::Cylinder { radius: r, length: stem }),
            (at(0.0, 0.0, f64::from(top[2])), Shape::Sphere { radius: round[0].max(round[2]) * 1.1 }),
        ],
    }
}

fn branch(a: V3, b: V3, radius: f32) -> Mesh {
    let d = sub(b, a);
    let length = dot(d, d).sqrt();
    let v = nalgebra::Vector3::from(d.map(f64::from));
    let turn = nalgebra::UnitQuaternion::rotation_between(&nalgebra::Vector3::z(), &v).unwrap_or_default();
    let middle = scale(add(a, b), 0.5).map(f64::from);
    let pose = nalgebra::Isometry3::from_parts(nalgebra::Translation3::from(middle), turn);
    let stick = Mesh::revolved(&[[radius, -length / 2.0], [radius * 0.4, length / 2.0]], 7, true);
    stick.uv_scaled([1.0, length]).transformed(&pose, [1.0; 3])
}

/// Layers of drooping boughs from `first` metres to the tip, each of `corners` (even) corners.
fn boughs(first: f32, height: f32, corners: u32, dice: &mut Dice) -> Mesh {
    let mut boughs = Mesh::default();
    let layers = 7;
    for layer in 0..layers {
        let t = layer as f32 / layers as f32;
        let low = first + (height - first) * t;
        let tall = (height - first) / layers as f32 * 1.9;
        let wide = height * 0.21 * (1.0 - 0.85 * t) * dice.between(0.9, 1.1);
        let start = dice.unit();
        let apex = [0.0, 0.0, (low + tall).min(height)];
        for i in 0..corners {
            let corner = |i: u32| {
                let a = std::f64::consts::TAU * (f64::from(i) + f64::from(start)) / f64::from(corners);
                let droop = if i.is_multiple_of(2) { 1.0 } else { 0.62 };
                [a.cos() as f32 * wide * droop, a.sin() as f32 * wide * droop, low + (1.0 - droop) * 0.5]
            };
            let (a, b) = (corner(i), corner((i + 1) % corners));
            let under = [0.0, 0.0, low + tall * 0.30];
            let across = i as f32 * 6.0 / corners as f32;
            let step = 6.0 / corners as f32;
            let uv = [[across, tall], [across + step, tall], [across + step / 2.0, 0.0]];
            boughs.polygon(&[a, b, apex], &uv);
            boughs.polygon(&[b, a, under], &uv);
        }
    }
    boughs.finish();
    for i in 0..boughs.positions.len() {
        let p = boughs.positions[i];
        let out = unit([p[0], p[1], 0.4]);
        boughs.normals[i] = unit(add(scale(boughs.normals[i], 0.5), scale(out, 0.5)));
    }
    let reach = height * 0.21;
    boughs.seamless().tinted_by(|p, n| {
        let rim = ((p[0] * p[0] + p[1] * p[1]).sqrt() / reach).min(1.0);
        [(0.38 + 0.62 * rim) * if n[2] < 0.0 { 0.55 } else { 1.0 }; 3]
    })
}

/// A conifer of 6 to 9 m whose lowest boughs begin about 2 m up.
pub fn pine(seed: u32) -> Prop {
    let mut dice = Dice::new(hash(seed, 0x91E, 3));
    let height = dice.between(6.0, 9.0);
    let radius = dice.between(0.12, 0.20);
    let mut same = dice.clone();
    let far_wood = trunk(radius, height * 0.9, 7, &mut same);
    let wood = trunk(radius, height * 0.9, 14, &mut dice);
    let first = dice.between(1.9, 2.6);
    let mut same = dice.clone();
    let far = boughs(first, height, 10, &mut same);
    let near = boughs(first, height, 18, &mut dice);
    let needles = leaves(seed % 4 + 50, [0x223B22, 0x2F4C2A, 0x3D5C33, 0x2A422A]);
    let leafy = Material { wrap: 0.3, ..Material::matt([1.0; 3]) };
    let r = f64::from(radius) * 1.05;
    let (bole, tip) = (f64::from(first), f64::from(height));
    Prop {
        name: "pine",
        label: "",
        parts: vec![
            Part::textured(wood, Material::matt([1.0; 3]), bark(seed % 4 + 20, 0x3B261B, 0x926A4C))
                .or_beyond(14.0, far_wood),
            Part::textured(near, leafy, needles).or_beyond(16.0, far),
        ],
        colliders: vec![
            (at(0.0, 0.0, bole / 2.0), Shape::Cylinder { radius: r, length: bole }),
            (at(0.0, 0.0, (bole + tip) / 2.0), Shape::Cone { radius: tip * 0.25, length: tip - bole }),
        ],
    }
}

/// A round bush of about 1 m.
pub fn bush(seed: u32) -> Prop {
    let mut dice = Dice::new(hash(seed, 0xB54, 3));
    let r = dice.between(0.40, 0.62);
    let mut mesh = lump([0.0, 0.0, r * 0.75], [r, r, r * 0.8], 2, 0.18, 1.3, &mut dice);
    for _ in 0..2 {
        let c = [dice.between(-0.5, 0.5) * r, dice.between(-0.5, 0.5) * r, r * 0.6];
        mesh = mesh.with(&lump(c, [r * 0.7, r * 0.7, r * 0.6], 2, 0.2, 1.3, &mut dice));
    }
    let mesh = shaded(mesh, [0.0, 0.0, r * 0.6], [r, r, r]);
    let texture = leaves(seed % 4 + 90, [0x375122, 0x4D6B2B, 0x628035, 0x405A28]);
    let round = f64::from(r);
    Prop {
        name: "bush",
        label: "",
        parts: vec![Part::textured(mesh, Material { wrap: 0.35, ..Material::matt([1.0; 3]) }, texture)],
        colliders: vec![(at(0.0, 0.0, round * 0.7), Shape::Sphere { radius: round * 1.2 })],
    }
}

/// A boulder of about `size` metres across.
pub fn rock(size: f32, seed: u32) -> Prop {
    let mut dice = Dice::new(hash(seed, 0x60C, 3));
    let r = size / 2.0;
    let shape = [r, r * dice.between(0.7, 1.0), r * dice.between(0.55, 0.8)];
    let mesh = lump([0.0, 0.0, shape[2] * 0.55], shape, 2, 0.10, 1.2, &mut dice);
    let mesh = mesh.tinted_by(|p, _| [0.5 + 0.5 * (p[2] / r).clamp(0.0, 1.0); 3]);
    let texture = Texture::from_fn(8, |u, v| {
        let k = 0.55 + 0.8 * (fractal(u, v, 6, 6, 0.6, seed) - 0.2);
        let lichen = ((fractal(u, v, 5, 4, 0.5, seed + 3) - 0.60) * 4.0).clamp(0.0, 0.6);
        let c = lerp3(hex(0x7C7972).map(|c| c * k), hex(0x8E9366), lichen);
        [c[0], c[1], c[2], 1.0]
    });
    let reach = f64::from(r);
    Prop {
        name: "rock",
        label: "",
        parts: vec![Part::textured(mesh, Material::matt([1.0; 3]), texture)],
        colliders: vec![(at(0.0, 0.0, f64::from(shape[2]) * 0.55), Shape::Sphere { radius: reach * 1.1 })],
    }
}
