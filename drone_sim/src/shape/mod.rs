//! The shapes that things are made of, and how far a point is from each.
//!
//! Every function takes the point in the shape's own frame (metres; axes along z, as SDF has them) and answers with
//! a [`Near`]: signed distance, negative inside, and the unit normal that points away from the surface. The
//! distances are exact, not bounds: clearance figures are reported from them. One file per shape.

mod capsule;
mod cone;
mod cuboid;
mod cylinder;
mod ellipsoid;
mod plane;
pub mod ray;
mod sphere;
mod triangle;

use nalgebra::{Isometry3, Point3, Unit, Vector3};

/// A primitive in its own frame. Lengths in metres.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shape {
    /// Centred on the origin.
    Box {
        /// Full edge lengths.
        size: Vector3<f64>,
    },
    /// Along z, centred on the origin.
    Cylinder {
        /// Radius.
        radius: f64,
        /// Full length.
        length: f64,
    },
    /// Centred on the origin.
    Sphere {
        /// Radius.
        radius: f64,
    },
    /// A cylinder along z with half spheres on its ends.
    Capsule {
        /// Radius.
        radius: f64,
        /// Length of the cylinder alone.
        length: f64,
    },
    /// Centred on the origin.
    Ellipsoid {
        /// Half axes.
        radii: Vector3<f64>,
    },
    /// Along z, centred on the origin, its tip at `z = length / 2`.
    Cone {
        /// Radius of the base.
        radius: f64,
        /// Full length.
        length: f64,
    },
    /// Infinite to the touch, as in Gazebo, and drawn `size` large.
    Plane {
        /// The free side.
        normal: Unit<Vector3<f64>>,
        /// Edge lengths of what is drawn.
        size: [f64; 2],
    },
    /// A piece of a mesh, seen and touched from both sides; it has no inside.
    Triangle {
        /// In the shape's frame.
        corners: [Vector3<f64>; 3],
    },
}

/// The nearest surface.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Near {
    /// Signed distance, metres, negative inside.
    pub distance: f64,
    /// Unit vector, the direction in which the distance grows fastest.
    pub normal: Vector3<f64>,
}

impl Shape {
    /// The nearest surface from `p`, both in the shape's frame.
    pub fn near(&self, p: &Vector3<f64>) -> Near {
        match self {
            Self::Box { size } => cuboid::near(&(size / 2.0), p),
            Self::Cylinder { radius, length } => cylinder::near(*radius, length / 2.0, p),
            Self::Sphere { radius } => sphere::near(*radius, p),
            Self::Capsule { radius, length } => capsule::near(*radius, length / 2.0, p),
            Self::Ellipsoid { radii } => ellipsoid::near(radii, p),
            Self::Cone { radius, length } => cone::near(*radius, length / 2.0, p),
            Self::Plane { normal, .. } => plane::near(normal, p),
            Self::Triangle { corners } => triangle::near(corners, p),
        }
    }

    /// The nearest surface from the point `p` of the world, for a shape at `pose`.
    pub fn near_at(&self, pose: &Isometry3<f64>, p: &Point3<f64>) -> Near {
        let near = self.near(&pose.inverse_transform_point(p).coords);
        Near { distance: near.distance, normal: pose.rotation * near.normal }
    }

    /// Half extents of the box around the shape in its own frame; `None` for the infinite plane and for pieces of
    /// meshes.
    pub fn half_extents(&self) -> Option<Vector3<f64>> {
        Some(match self {
            Self::Box { size } => size / 2.0,
            Self::Cylinder { radius, length } | Self::Cone { radius, length } => {
                Vector3::new(*radius, *radius, length / 2.0)
            }
            Self::Sphere { radius } => Vector3::repeat(*radius),
            Self::Capsule { radius, length } => Vector3::new(*radius, *radius, length / 2.0 + radius),
            Self::Ellipsoid { radii } => *radii,
            Self::Plane { .. } | Self::Triangle { .. } => return None,
        })
    }

    /// Corners of a box around the shape, low and high, in its own frame; `None` for the infinite plane.
    pub fn bounds(&self) -> Option<[Vector3<f64>; 2]> {
        if let Self::Triangle { corners: [a, b, c] } = self {
            return Some([a.inf(b).inf(c), a.sup(b).sup(c)]);
        }
        self.half_extents().map(|half| [-half, half])
    }
}

/// `v` scaled to length one, or `or` if it has none.
fn unit_or(v: Vector3<f64>, or: Vector3<f64>) -> Vector3<f64> {
    v.try_normalize(1e-12).unwrap_or(or)
}

/// Length of the legs' hypotenuse. Unlike `hypot` it is made of correctly rounded operations alone, the same on every machine.
fn length(a: f64, b: f64) -> f64 {
    (a * a + b * b).sqrt()
}

/// A distance in the half plane of a body of revolution, as (radial, axial) parts, brought back to space.
fn revolve(p: &Vector3<f64>, distance: f64, radial: f64, axial: f64) -> Near {
    let out = unit_or(Vector3::new(p.x, p.y, 0.0), Vector3::x());
    Near { distance, normal: out * radial + Vector3::z() * axial }
}

#[cfg(test)]
mod tests;
