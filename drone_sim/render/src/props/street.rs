//! Street furniture and garden things.

use super::{Part, Prop, at, hex, posed};
use crate::maths::{Dice, V3, hash};
use crate::mesh::Mesh;
use crate::raycast::Shape;
use crate::scene::Material;

fn gloss(specular: f32) -> Material {
    Material { specular, sharpness: 4, reflective: 0.03, ..Material::matt([1.0; 3]) }
}

/// A red American fire hydrant, 0.85 m high, its outlets along y and +x.
pub fn fire_hydrant() -> Prop {
    let (red, dark) = (hex(0xB51E17), hex(0x8E1612));
    let profile = [
        [0.165, 0.0],
        [0.165, 0.05],
        [0.125, 0.06],
        [0.115, 0.10],
        [0.112, 0.52],
        [0.150, 0.54],
        [0.150, 0.585],
        [0.125, 0.60],
        [0.120, 0.66],
        [0.090, 0.735],
        [0.045, 0.775],
        [0.035, 0.785],
        [0.035, 0.845],
        [0.0, 0.845],
    ];
    let mut mesh = Mesh::revolved(&profile, 28, false).tinted(red);
    let quarter = std::f64::consts::FRAC_PI_2;
    let outlet = |radius: f32, length: f32| {
        let h = length / 2.0;
        Mesh::revolved(
            &[
                [radius * 0.8, -h],
                [radius * 0.8, h * 0.4],
                [radius, h * 0.4],
                [radius, h],
                [0.03, h],
                [0.03, h + 0.035],
                [0.0, h + 0.035],
            ],
            18,
            false,
        )
    };
    for (yaw, radius) in [(0.0, 0.085), (quarter, 0.065), (-quarter, 0.065)] {
        let pose = posed([0.0, 0.0, 0.43], [0.0, 0.0, yaw]) * posed([0.13, 0.0, 0.0], [0.0, quarter, 0.0]);
        mesh = mesh.with(&outlet(radius, 0.11).transformed(&pose, [1.0; 3]).tinted(dark));
    }
    for k in 0..8 {
        let a = std::f64::consts::TAU * f64::from(k) / 8.0;
        let p = at(0.138 * a.cos(), 0.138 * a.sin(), 0.065);
        mesh = mesh.with(&Mesh::cylinder(0.014, 0.03, 6).transformed(&p, [1.0; 3]).tinted(dark));
    }
    Prop {
        name: "fire hydrant",
        label: "fire hydrant",
        parts: vec![Part::new(mesh, gloss(0.35))],
        colliders: vec![(at(0.0, 0.0, 0.425), Shape::Cylinder { radius: 0.20, length: 0.85 })],
    }
}

/// A park bench 1.6 m wide with wooden slats; one sits facing +x.
pub fn bench() -> Prop {
    let (wood, iron) = (hex(0x8A5B34), hex(0x222524));
    let mut mesh = Mesh::default();
    let mut dice = Dice::new(41);
    let mut add = |m: Mesh, c: V3| mesh = std::mem::take(&mut mesh).with(&m.tinted(c));
    for k in 0..4 {
        let shade = dice.between(0.85, 1.1);
        let slat = Mesh::cuboid([0.095, 1.6, 0.03]).moved([-0.16 + 0.112 * k as f32, 0.0, 0.45]);
        add(slat, wood.map(|c| c * shade));
    }
    for k in 0..3 {
        let shade = dice.between(0.85, 1.1);
        let pose =
            posed([-0.245 - 0.028 * f64::from(k), 0.0, 0.57 + 0.118 * f64::from(k)], [0.0, -0.22, 0.0]);
        add(Mesh::cuboid([0.028, 1.6, 0.098]).transformed(&pose, [1.0; 3]), wood.map(|c| c * shade));
    }
    for y in [-0.62, 0.0, 0.62] {
        add(Mesh::cuboid([0.05, 0.05, 0.43]).moved([0.17, y, 0.215]), iron);
        add(Mesh::cuboid([0.05, 0.05, 0.43]).moved([-0.19, y, 0.215]), iron);
        add(Mesh::cuboid([0.44, 0.05, 0.03]).moved([0.0, y, 0.42]), iron);
        let back = posed([-0.285, f64::from(y), 0.64], [0.0, -0.22, 0.0]);
        add(Mesh::cuboid([0.03, 0.05, 0.46]).transformed(&back, [1.0; 3]), iron);
    }
    Prop {
        name: "bench",
        label: "bench",
        parts: vec![Part::new(mesh, gloss(0.10))],
        colliders: vec![
            (at(0.0, 0.0, 0.235), Shape::Box { size: [0.50, 1.62, 0.47] }),
            (at(-0.28, 0.0, 0.66), Shape::Box { size: [0.22, 1.62, 0.46] }),
        ],
    }
}

/// A traffic light 3.4 m high that faces +x; `lit` is 0 red, 1 amber, 2 green.
pub fn traffic_light(lit: usize) -> Prop {
    let (black, steel) = (hex(0x1A1C1B), hex(0x5A5E60));
    let pole = Mesh::cylinder(0.06, 2.5, 14).moved([0.0, 0.0, 1.25]).tinted(steel);
    let mut mesh = Mesh::cuboid([0.24, 0.36, 0.98]).moved([0.0, 0.0, 2.92]).tinted(black);
    mesh = mesh.with(&Mesh::cuboid([0.02, 0.56, 1.18]).moved([-0.06, 0.0, 2.92]).tinted(black));
    let quarter = std::f64::consts::FRAC_PI_2;
    let colours = [hex(0xFF2A1C), hex(0xFFB020), hex(0x2CF08C)];
    let mut parts = Vec::new();
    let mut lamps = Mesh::default();
    for (k, colour) in colours.iter().enumerate() {
        let z = 3.23 - 0.31 * k as f64;
        let pose = posed([0.121, 0.0, z], [0.0, quarter, 0.0]);
        let lens = Mesh::disc(0.115, 0.0, 24).transformed(&pose, [1.0; 3]);
        let hood = Mesh::revolved(&[[0.128, 0.0], [0.128, 0.15]], 20, false).transformed(&pose, [1.0; 3]);
        mesh = mesh.with(&hood.tinted(black));
        if k == lit {
            let glow = Material { emissive: colour.map(|c| c * 3.0), ..Material::matt([0.1; 3]) };
            parts.push(Part::new(lens, glow));
        } else {
            lamps = lamps.with(&lens.tinted(colour.map(|c| c * 0.10)));
        }
    }
    parts.push(Part::new(lamps, gloss(0.4)));
    parts.push(Part::new(pole, gloss(0.2)).unlabelled());
    parts.push(Part::new(mesh, Material { two_sided: true, ..gloss(0.2) }));
    Prop {
        name: "traffic light",
        label: "traffic light",
        parts,
        colliders: vec![
            (at(0.0, 0.0, 1.25), Shape::Cylinder { radius: 0.07, length: 2.5 }),
            (at(0.05, 0.0, 2.92), Shape::Box { size: [0.46, 0.58, 1.20] }),
        ],
    }
}

/// An open umbrella stuck into the ground, 2.2 m high and 2 m across, in two sRGB colours.
pub fn umbrella(colour: u32, other: u32) -> Prop {
    let ribs = 8u32;
    let mut cloth = Mesh::default();
    let rings = [[0.0f32, 2.2], [0.35, 2.12], [0.68, 1.96], [0.92, 1.74], [1.0, 1.60]];
    for i in 0..ribs {
        let tint = hex(if i % 2 == 0 { colour } else { other });
        let corner = |k: u32, ring: [f32; 2]| {
            let a = std::f64::consts::TAU * f64::from(k % ribs) / f64::from(ribs);
            [a.cos() as f32 * ring[0], a.sin() as f32 * ring[0], ring[1]]
        };
        let mut gore = Mesh::default();
        for pair in rings.windows(2) {
            let (top, low) = (pair[0], pair[1]);
            let mut quad = vec![corner(i, low), corner(i + 1, low), corner(i + 1, top)];
            if top[0] > 0.0 {
                quad.push(corner(i, top));
            }
            gore.polygon(&quad, &[[0.0; 2]; 4]);
        }
        gore.finish();
        cloth = cloth.with(&gore.tinted(tint));
    }
    let pole = Mesh::cylinder(0.025, 2.25, 10).moved([0.0, 0.0, 1.125]).tinted(hex(0x9C9C9C));
    let fabric = Material { two_sided: true, wrap: 0.2, ..Material::matt([1.0; 3]) };
    Prop {
        name: "umbrella",
        label: "umbrella",
        parts: vec![Part::new(cloth, fabric), Part::new(pole, gloss(0.4))],
        colliders: vec![
            (at(0.0, 0.0, 1.1), Shape::Cylinder { radius: 0.04, length: 2.2 }),
            (at(0.0, 0.0, 1.9), Shape::Cone { radius: 1.35, length: 0.75 }),
        ],
    }
}

/// A terracotta pot with a leafy plant, 1.1 m high.
pub fn potted_plant(seed: u32) -> Prop {
    let mut dice = Dice::new(hash(seed, 0x907, 1));
    let pot = [
        [0.0, 0.0],
        [0.16, 0.0],
        [0.235, 0.36],
        [0.265, 0.36],
        [0.27, 0.44],
        [0.225, 0.44],
        [0.21, 0.40],
        [0.0, 0.40],
    ];
    let pot = Mesh::revolved(&pot, 28, false).tinted(hex(0xB05C3A));
    let mut plant = Mesh::default();
    for k in 0..54 {
        let a = std::f64::consts::TAU * f64::from(k) * 0.381_966;
        let (c, s) = (a.cos() as f32, a.sin() as f32);
        let rise = dice.between(0.15, 1.0);
        let length = dice.between(0.32, 0.62);
        let (out, up) = (length * (1.05 - 0.75 * rise), length * (0.35 + 0.85 * rise));
        let base = [0.05 * c, 0.05 * s, 0.42 + 0.10 * rise];
        let wide = dice.between(0.040, 0.075);
        let point = |t: f32, w: f32| {
            let droop = 0.28 * t * t * (1.0 - rise * 0.6);
            [base[0] + c * out * t - s * w, base[1] + s * out * t + c * w, base[2] + up * t - droop]
        };
        let tone = hex([0x3F6B2A, 0x538435, 0x2F5726, 0x66943E][k as usize % 4]);
        let mut leaf = Mesh::default();
        leaf.polygon(
            &[point(0.0, -0.006), point(0.45, -wide), point(0.45, wide), point(0.0, 0.006)],
            &[[0.0; 2]; 4],
        );
        leaf.polygon(
            &[point(0.45, -wide), point(0.8, -wide * 0.75), point(0.8, wide * 0.75), point(0.45, wide)],
            &[[0.0; 2]; 4],
        );
        leaf.polygon(&[point(0.8, -wide * 0.75), point(1.0, 0.0), point(0.8, wide * 0.75)], &[[0.0; 2]; 4]);
        leaf.finish();
        plant = plant.with(&leaf.tinted(tone.map(|t| t * dice.between(0.8, 1.15))));
    }
    let leafy =
        Material { two_sided: true, wrap: 0.3, specular: 0.1, sharpness: 4, ..Material::matt([1.0; 3]) };
    Prop {
        name: "potted plant",
        label: "potted plant",
        parts: vec![Part::new(pot, gloss(0.1)), Part::new(plant, leafy)],
        colliders: vec![
            (at(0.0, 0.0, 0.22), Shape::Cylinder { radius: 0.27, length: 0.44 }),
            (at(0.0, 0.0, 0.78), Shape::Sphere { radius: 0.52 }),
        ],
    }
}
