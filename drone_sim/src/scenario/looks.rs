//! Primitives and SDF materials as the rasteriser wants them.

use nalgebra::{Isometry3, UnitQuaternion, Vector3};
use peregrine_render::{Material, Mesh};

use crate::sdf::types;
use crate::shape::Shape;

/// Segments around a round thing.
const ROUND: u32 = 32;

/// The mesh of a shape, in the shape's frame but for [`offset`].
pub(super) fn mesh(shape: &Shape) -> Mesh {
    match *shape {
        Shape::Box { size } => Mesh::cuboid([size.x as f32, size.y as f32, size.z as f32]),
        Shape::Cylinder { radius, length } => Mesh::cylinder(radius as f32, length as f32, ROUND),
        Shape::Sphere { radius } => Mesh::sphere(radius as f32, ROUND),
        Shape::Capsule { radius, length } => Mesh::capsule(radius as f32, length as f32, ROUND),
        Shape::Ellipsoid { radii } => {
            Mesh::ellipsoid([radii.x as f32, radii.y as f32, radii.z as f32], ROUND)
        }
        Shape::Cone { radius, length } => Mesh::cone(radius as f32, length as f32, ROUND),
        Shape::Plane { size, .. } => {
            let longest = size[0].max(size[1]).min(4000.0);
            let size = size.map(|s| s.min(4000.0) as f32);
            Mesh::plane(size, (longest / 16.0).max(1.0) as f32, 1.0)
        }
        Shape::Triangle { corners } => {
            let corners = corners.map(|c| [c.x as f32, c.y as f32, c.z as f32]);
            Mesh::from_triangles(&corners, &[], &[], &[[0, 1, 2]]).unwrap_or_default()
        }
    }
}

/// The turn that brings the mesh's z axis to a plane's normal.
pub(super) fn offset(shape: &Shape) -> Isometry3<f64> {
    let Shape::Plane { normal, .. } = shape else { return Isometry3::identity() };
    let turn = UnitQuaternion::rotation_between(&Vector3::z(), normal)
        .unwrap_or_else(|| UnitQuaternion::from_axis_angle(&Vector3::x_axis(), std::f64::consts::PI));
    Isometry3::from_parts(Vector3::zeros().into(), turn)
}

/// An SDF material. Its colours are taken as sRGB, as they are picked by eye.
pub(super) fn material(from: &types::Material, casts_shadow: bool) -> Material {
    let shine = from.specular[..3].iter().sum::<f32>() / 3.0;
    Material {
        specular: (shine * 0.5).clamp(0.0, 1.0),
        casts_shadow,
        emissive: linear(from.emissive).map(|c| c * 0.8),
        ..Material::matt(linear(from.diffuse))
    }
}

/// sRGB to linear light. Source: IEC 61966-2-1.
pub(super) fn linear(srgb: [f32; 4]) -> [f32; 3] {
    [srgb[0], srgb[1], srgb[2]].map(|c| {
        let c = f64::from(c);
        (if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }) as f32
    })
}
