//! A quadrotor and a pole to look at.

use nalgebra::Isometry3;
use peregrine_render::props::{Part, Prop};
use peregrine_render::raycast::Shape;
use peregrine_render::{Material, Mesh};

use super::looks::linear;

/// sRGB, 0xRRGGBB, to linear light.
fn colour(rgb: u32) -> [f32; 3] {
    linear([16, 8, 0, 24].map(|shift| ((rgb >> shift) & 255) as f32 / 255.0))
}

fn part(mesh: Mesh, material: Material) -> Part {
    Part { mesh, material, texture: None, detail: None, coarse: Vec::new(), labelled: true }
}

/// A quadrotor whose rotors are `span` metres apart along a diagonal; its middle is the origin, it faces +x.
pub(super) fn drone(span: f32, body: u32, arms: u32) -> Prop {
    let reach = span / 2.0;
    let k = std::f32::consts::FRAC_1_SQRT_2;
    let hull = Mesh::ellipsoid([reach * 0.52, reach * 0.34, reach * 0.22], 16);
    let mut frame = Mesh::default();
    let mut discs = Mesh::default();
    for (x, y) in [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0_f32)] {
        let turn = Isometry3::rotation(nalgebra::Vector3::z() * f64::from(y.atan2(x)));
        let arm = Mesh::cuboid([reach, reach * 0.09, reach * 0.07]).moved([reach / 2.0, 0.0, 0.0]);
        frame = frame.with(&arm.transformed(&turn, [1.0; 3]));
        let at = [x * k * reach, y * k * reach, 0.0];
        let motor = Mesh::cylinder(reach * 0.10, reach * 0.22, 12);
        frame = frame.with(&motor.moved([at[0], at[1], reach * 0.06]));
        let leg = Mesh::cuboid([reach * 0.05, reach * 0.05, reach * 0.40]);
        frame = frame.with(&leg.moved([at[0] * 0.6, at[1] * 0.6, -reach * 0.2]));
        // A turning rotor is seen as a disc.
        discs =
            discs.with(&Mesh::cylinder(reach * 0.55, reach * 0.02, 20).moved([at[0], at[1], reach * 0.18]));
    }
    let shell = Material { specular: 0.3, sharpness: 4, reflective: 0.04, ..Material::matt(colour(body)) };
    let radius = f64::from(reach) * 1.5;
    Prop {
        name: "drone",
        label: "drone",
        parts: vec![
            part(hull, shell),
            part(frame, Material::matt(colour(arms))),
            part(discs, Material { casts_shadow: false, ..Material::matt(colour(0x4B4D50)) }),
        ],
        colliders: vec![(Isometry3::identity(), Shape::Sphere { radius })],
    }
}

/// A pole `height` metres tall of `radius` metres, banded in two colours where they differ, with an arm and a lamp if
/// `lamp`.
pub(super) fn pole(height: f32, radius: f32, colours: [u32; 2], lamp: bool) -> Prop {
    let bands = if colours[0] == colours[1] { 1 } else { 6 };
    let step = height / bands as f32;
    let mut shaft = Mesh::default();
    for band in 0..bands {
        let piece = Mesh::cylinder(radius, step, 20).moved([0.0, 0.0, step * (band as f32 + 0.5)]);
        shaft = shaft.with(&piece.tinted(colour(colours[band % 2])));
    }
    if lamp {
        let arm = Mesh::cuboid([1.1, radius * 0.9, radius * 0.9]).moved([0.5, 0.0, height - 0.1]);
        shaft = shaft.with(&arm.tinted(colour(colours[0])));
        let head = Mesh::cuboid([0.5, 0.22, 0.12]).moved([1.15, 0.0, height - 0.14]);
        shaft = shaft.with(&head.tinted(colour(0xD8D8D0)));
    }
    let steel = Material { specular: 0.15, sharpness: 3, ..Material::matt([1.0; 3]) };
    let length = f64::from(height);
    let middle = Isometry3::translation(0.0, 0.0, length / 2.0);
    Prop {
        name: "pole",
        label: "pole",
        parts: vec![part(shaft, steel)],
        colliders: vec![(middle, Shape::Cylinder { radius: f64::from(radius), length })],
    }
}
