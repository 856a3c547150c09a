//! A standing person.

use super::{Part, Prop, at, hex, posed};
use crate::maths::{Dice, hash};
use crate::mesh::Mesh;
use crate::raycast::Shape;
use crate::scene::Material;
use nalgebra::{Isometry3, Point3, UnitQuaternion, Vector3};

/// A limb from `a` to `b` that narrows from one radius to the other.
fn limb(a: [f64; 3], b: [f64; 3], from: f32, to: f32) -> Mesh {
    let (a, b) = (Point3::from(a), Point3::from(b));
    let d = b - a;
    let length = d.norm() as f32;
    let h = length / 2.0;
    let profile = [
        [0.0, -h - from * 0.9],
        [from * 0.62, -h - from * 0.66],
        [from * 0.93, -h - from * 0.30],
        [from, -h],
        [(from + to) / 2.0 * 1.02, 0.0],
        [to, h],
        [to * 0.93, h + to * 0.30],
        [to * 0.62, h + to * 0.66],
        [0.0, h + to * 0.9],
    ];
    let turn = UnitQuaternion::rotation_between(&Vector3::z(), &d).unwrap_or_default();
    let pose = Isometry3::from_parts((a.coords + d / 2.0).into(), turn);
    Mesh::revolved(&profile, 14, true).transformed(&pose, [1.0; 3])
}

/// A person of 1.76 m in street clothes, in mid stride, facing +x. The seed picks colours.
pub fn person(seed: u32) -> Prop {
    let mut dice = Dice::new(hash(seed, 0x9E7, 1));
    let mut pick =
        |colours: &[u32]| hex(colours[(dice.unit() * colours.len() as f32) as usize % colours.len()]);
    let shirt = pick(&[0x2F558E, 0x9A2B2B, 0xC9C2B4, 0x3D6B45, 0xD08A2E]);
    let trousers = pick(&[0x2A3145, 0x3B3B3D, 0x5B5040, 0x24262C]);
    let skin = pick(&[0xC69372, 0x8D5A3E, 0xD9A788, 0x6B4430]);
    let hair = pick(&[0x2B1D14, 0x4A3320, 0x151312]);
    let shoe = hex(0x2A2420);

    let mut body = Mesh::default();
    let mut add = |mesh: Mesh, colour: [f32; 3]| body = std::mem::take(&mut body).with(&mesh.tinted(colour));
    for side in [-1.0, 1.0] {
        let stride = 0.16 * side;
        let hip = [0.0, 0.095 * side, 0.88];
        let knee = [stride * 0.6 + 0.03, 0.10 * side, 0.49];
        let ankle = [stride * 1.35 - 0.03, 0.095 * side, 0.10];
        add(limb(hip, knee, 0.092, 0.064), trousers);
        add(limb(knee, ankle, 0.063, 0.046), trousers);
        let foot = Mesh::ellipsoid([0.135, 0.048, 0.045], 14);
        add(foot.transformed(&at(ankle[0] + 0.055, ankle[1], 0.045), [1.0; 3]), shoe);
        let shoulder = [0.0, 0.205 * side, 1.40];
        let elbow = [-stride * 0.45 - 0.03, 0.255 * side, 1.13];
        let wrist = [-stride * 0.9 + 0.08, 0.245 * side, 0.90];
        add(limb(shoulder, elbow, 0.058, 0.046), shirt);
        add(limb(elbow, wrist, 0.040, 0.030), skin);
        let hand = Mesh::ellipsoid([0.036, 0.022, 0.062], 10);
        add(
            hand.transformed(&posed([wrist[0] + 0.012, wrist[1], wrist[2] - 0.06], [0.0; 3]), [1.0; 3]),
            skin,
        );
    }
    // Torso: an elliptic body of revolution, hips to shoulders.
    let torso = [
        [0.0, 0.80],
        [0.130, 0.82],
        [0.160, 0.90],
        [0.150, 1.02],
        [0.158, 1.15],
        [0.182, 1.28],
        [0.190, 1.38],
        [0.150, 1.455],
        [0.07, 1.49],
        [0.0, 1.495],
    ];
    let pelvis = [[0.0, 0.79], [0.125, 0.81], [0.163, 0.88], [0.158, 0.965], [0.0, 0.97]];
    let flatten = Isometry3::identity();
    add(Mesh::revolved(&torso, 20, true).transformed(&flatten, [0.62, 1.0, 1.0]), shirt);
    add(Mesh::revolved(&pelvis, 20, true).transformed(&flatten, [0.68, 1.02, 1.0]), trousers);
    add(limb([0.0, 0.0, 1.47], [0.012, 0.0, 1.56], 0.055, 0.052), skin);
    add(Mesh::ellipsoid([0.093, 0.076, 0.118], 20).transformed(&at(0.02, 0.0, 1.645), [1.0; 3]), skin);
    add(Mesh::ellipsoid([0.098, 0.084, 0.105], 20).transformed(&at(-0.004, 0.0, 1.680), [1.0; 3]), hair);
    add(Mesh::ellipsoid([0.016, 0.013, 0.022], 8).transformed(&at(0.112, 0.0, 1.632), [1.0; 3]), skin);
    Prop {
        name: "person",
        label: "person",
        parts: vec![Part::new(body, Material { wrap: 0.12, ..Material::matt([1.0; 3]) })],
        colliders: vec![(at(0.0, 0.0, 0.90), Shape::Cylinder { radius: 0.32, length: 1.80 })],
    }
}
