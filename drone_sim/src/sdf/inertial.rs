//! `<inertial>`: as written, or with `auto="true"` from the collisions.

use nalgebra::{Isometry3, Matrix3, Vector3};

use super::types::{Collision, Geometry, Inertial};
use super::value::Source;
use super::xml::Element;
use crate::error::Result;
use crate::shape::Shape;

/// Density of water, the specification's default, kg/m3.
const WATER: f64 = 1000.0;

/// The inertial as written; its pose is not read here.
pub(super) fn read(src: &Source, e: &Element) -> Result<Inertial> {
    let mut out = Inertial { mass: src.number_or(e, "mass", 1.0)?, ..Inertial::default() };
    if let Some(i) = e.child("inertia") {
        let entries =
            [("ixx", 0, 0), ("iyy", 1, 1), ("izz", 2, 2), ("ixy", 0, 1), ("ixz", 0, 2), ("iyz", 1, 2)];
        for (tag, row, column) in entries {
            if let Some(c) = src.filled(i, tag) {
                let value = src.number(c)?;
                out.inertia[(row, column)] = value;
                out.inertia[(column, row)] = value;
            }
        }
    }
    if !(out.mass > 0.0 && out.mass.is_finite()) {
        src.note(e, &format!("has a mass of {} kg", out.mass));
    } else if !possible(&out.inertia) {
        src.note(e, "has moments of inertia that no body has (the largest principal moment beyond the sum of the others)");
    }
    Ok(out)
}

/// Whether some body has these moments: positive, and no principal one larger than the sum of the others.
fn possible(inertia: &Matrix3<f64>) -> bool {
    if !inertia.iter().all(|x| x.is_finite()) {
        return false;
    }
    let mut p: Vec<f64> = inertia.symmetric_eigenvalues().iter().copied().collect();
    p.sort_by(f64::total_cmp);
    p[0] > 0.0 && p[0] + p[1] >= p[2] * (1.0 - 1e-6)
}

/// Mass, centre and moments of the collisions together, their poses as given (in the link's frame), each of its own
/// density or of `density`. `None` if nothing of it has a volume.
/// Source: SDF 1.11, "Automatic inertia calculation".
pub(super) fn automatic(collisions: &[Collision], density: Option<f64>) -> Option<Inertial> {
    let parts: Vec<(f64, Vector3<f64>, Matrix3<f64>)> = collisions
        .iter()
        .filter_map(|c| {
            let (volume, centre, unit) = moments(&c.geometry)?;
            let rho = c.density.or(density).unwrap_or(WATER);
            let turn = c.pose.rotation.to_rotation_matrix();
            Some((
                volume * rho,
                c.pose * nalgebra::Point3::from(centre),
                turn * unit * turn.transpose() * rho,
            ))
        })
        .map(|(m, c, i)| (m, c.coords, i))
        .collect();
    let mass: f64 = parts.iter().map(|p| p.0).sum();
    if !(mass > 0.0 && mass.is_finite()) {
        return None;
    }
    let centre = parts.iter().map(|(m, c, _)| c * *m).sum::<Vector3<f64>>() / mass;
    let inertia = parts
        .iter()
        .map(|(m, c, i)| {
            let d = c - centre;
            i + (Matrix3::identity() * d.norm_squared() - d * d.transpose()) * *m
        })
        .sum();
    Some(Inertial { mass, pose: Isometry3::translation(centre.x, centre.y, centre.z), inertia })
}

/// Volume, centre and moments about it at 1 kg/m3.
fn moments(geometry: &Geometry) -> Option<(f64, Vector3<f64>, Matrix3<f64>)> {
    let shape = match geometry {
        Geometry::Empty => return None,
        Geometry::Mesh(mesh) => {
            let m = mesh.data.moments();
            return (m.volume > 0.0).then_some((m.volume, m.centre, m.inertia));
        }
        Geometry::Shape(shape) => shape,
    };
    let pi = std::f64::consts::PI;
    let round = |axis: f64, across: f64| Matrix3::from_diagonal(&Vector3::new(across, across, axis));
    let box_like = |m: f64, s: &Vector3<f64>, k: f64| {
        let q = s.component_mul(s) * (m / k);
        Matrix3::from_diagonal(&Vector3::new(q.y + q.z, q.x + q.z, q.x + q.y))
    };
    let none = Vector3::zeros();
    Some(match shape {
        Shape::Box { size } => {
            let m = size.product();
            (m, none, box_like(m, size, 12.0))
        }
        Shape::Sphere { radius } => {
            let m = 4.0 / 3.0 * pi * radius.powi(3);
            (m, none, Matrix3::identity() * (0.4 * m * radius * radius))
        }
        Shape::Ellipsoid { radii } => {
            let m = 4.0 / 3.0 * pi * radii.product();
            (m, none, box_like(m, radii, 5.0))
        }
        Shape::Cylinder { radius: r, length: l } => {
            let m = pi * r * r * l;
            (m, none, round(m * r * r / 2.0, m * (3.0 * r * r + l * l) / 12.0))
        }
        Shape::Capsule { radius: r, length: l } => {
            let (c, s) = (pi * r * r * l, 4.0 / 3.0 * pi * r.powi(3));
            let axis = c * r * r / 2.0 + s * 0.4 * r * r;
            let across =
                c * (3.0 * r * r + l * l) / 12.0 + s * (0.4 * r * r + l * l / 4.0 + 3.0 / 8.0 * l * r);
            (c + s, none, round(axis, across))
        }
        Shape::Cone { radius: r, length: l } => {
            let m = pi * r * r * l / 3.0;
            let across = 3.0 / 80.0 * m * (4.0 * r * r + l * l);
            (m, Vector3::new(0.0, 0.0, -l / 4.0), round(0.3 * m * r * r, across))
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdf::mesh::MeshData;
    use crate::sdf::types::{Mesh, MeshKind, Surface};

    fn collision(geometry: Geometry, pose: Isometry3<f64>, density: Option<f64>) -> Collision {
        Collision { name: "c".into(), pose, geometry, surface: Surface::default(), density, laser_retro: 0.0 }
    }

    /// A box written as two halves, as primitives and as a mesh, weighs and turns as one.
    #[test]
    fn halves_weigh_as_the_whole() {
        let size = Vector3::new(2.0, 1.0, 0.5);
        let whole = collision(
            Geometry::Shape(Shape::Box { size }),
            Isometry3::translation(3.0, 2.0, 1.0),
            Some(500.0),
        );
        let whole = automatic(&[whole], None).unwrap();
        assert!((whole.mass - 500.0).abs() < 1e-9);
        let half = Geometry::Shape(Shape::Box { size: Vector3::new(1.0, 1.0, 0.5) });
        let obj = b"v -.5 -.5 -.25\nv .5 -.5 -.25\nv .5 .5 -.25\nv -.5 .5 -.25\nv -.5 -.5 .25\nv .5 -.5 .25\nv .5 .5 .25\n\
            v -.5 .5 .25\nf 4 3 2 1\nf 5 6 7 8\nf 1 2 6 5\nf 2 3 7 6\nf 3 4 8 7\nf 1 5 8 4\n";
        let data = std::sync::Arc::new(MeshData::read(obj, "a.obj").unwrap());
        let scale = Vector3::repeat(1.0);
        let mesh = Mesh { kind: MeshKind::File, uri: String::new(), scale, submesh: None, data };
        let parts = [
            collision(half, Isometry3::translation(2.5, 2.0, 1.0), None),
            collision(Geometry::Mesh(mesh), Isometry3::translation(3.5, 2.0, 1.0), None),
        ];
        let sum = automatic(&parts, Some(500.0)).unwrap();
        assert!((sum.mass - whole.mass).abs() < 1e-9);
        assert!((sum.pose.translation.vector - whole.pose.translation.vector).norm() < 1e-9);
        assert!((sum.inertia - whole.inertia).norm() < 1e-9 * whole.inertia.norm());
    }
}
