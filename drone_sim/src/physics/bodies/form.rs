//! The shapes of bodies, as the solver has them.

use nalgebra::{Isometry3, UnitQuaternion, Vector3};
use rapier3d_f64::parry::math::{Pose, Vector};
use rapier3d_f64::parry::shape::{SharedShape, TriMeshFlags};

use crate::shape::Shape;

/// What a surface is like to touch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grip {
    /// Coulomb's coefficient of friction; of two that touch the smaller counts.
    pub friction: f64,
    /// Share of the speed that an impact gives back, 0 to 1; of two that touch the product counts.
    pub restitution: f64,
}

impl Default for Grip {
    /// Gazebo's.
    fn default() -> Self {
        Self { friction: 1.0, restitution: 0.0 }
    }
}

/// The shape of a part.
#[derive(Debug, Clone, PartialEq)]
pub enum Form {
    /// A primitive.
    Shape(Shape),
    /// Triangles: of what moves their convex hull, of what stands they themselves.
    Mesh(Vec<[Vector3<f64>; 3]>),
}

/// A part of a body.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Frame of the shape in the body.
    pub place: Isometry3<f64>,
    /// The shape.
    pub form: Form,
    /// Its surface.
    pub grip: Grip,
}

/// Rings of the polyhedron that stands for an ellipsoid, from pole to pole; twice as many corners on each.
const RINGS: usize = 16;

/// A mesh that reaches farther than this is none that could be touched, metres.
const LARGEST: f64 = 1e6;

impl Form {
    /// The solver's shape and its frame in the part's own; `None` if it has none, as a flat mesh that moves.
    pub(super) fn shape(&self, moves: bool) -> Option<(SharedShape, Isometry3<f64>)> {
        let upright = Isometry3::identity();
        // Round things lie along y there, along z here.
        let along_z = Isometry3::from_parts(
            Vector3::zeros().into(),
            UnitQuaternion::from_axis_angle(&Vector3::x_axis(), std::f64::consts::FRAC_PI_2),
        );
        Some(match self {
            Self::Shape(Shape::Box { size }) => {
                (SharedShape::cuboid(size.x / 2.0, size.y / 2.0, size.z / 2.0), upright)
            }
            Self::Shape(Shape::Sphere { radius }) => (SharedShape::ball(*radius), upright),
            Self::Shape(Shape::Cylinder { radius, length }) => {
                (SharedShape::cylinder(length / 2.0, *radius), along_z)
            }
            Self::Shape(Shape::Cone { radius, length }) => {
                (SharedShape::cone(length / 2.0, *radius), along_z)
            }
            Self::Shape(Shape::Capsule { radius, length }) => {
                (SharedShape::capsule_z(length / 2.0, *radius), upright)
            }
            Self::Shape(Shape::Ellipsoid { radii }) => {
                if radii.max() - radii.min() < 1e-9 * radii.max() {
                    return Some((SharedShape::ball(radii.x), upright));
                }
                (SharedShape::convex_hull(&ellipsoid(radii))?, upright)
            }
            // Endless, so it can only stand.
            Self::Shape(Shape::Plane { .. }) if moves => return None,
            Self::Shape(Shape::Plane { normal, .. }) => {
                (SharedShape::halfspace(vector(&normal.into_inner())), upright)
            }
            Self::Shape(Shape::Triangle { corners: [a, b, c] }) => {
                (SharedShape::triangle(vector(a), vector(b), vector(c)), upright)
            }
            Self::Mesh(triangles)
                if triangles.iter().flatten().any(|p| !p.iter().all(|x| x.abs() < LARGEST)) =>
            {
                return None;
            }
            Self::Mesh(triangles) if moves => {
                let corners: Vec<Vector> = triangles.iter().flatten().map(vector).collect();
                (guarded(|| SharedShape::convex_hull(&corners))?, upright)
            }
            Self::Mesh(triangles) => {
                let corners: Vec<Vector> = triangles.iter().flatten().map(vector).collect();
                let indices = (0..triangles.len() as u32).map(|i| [3 * i, 3 * i + 1, 3 * i + 2]).collect();
                let flags = TriMeshFlags::FIX_INTERNAL_EDGES_TWO_SIDED
                    | TriMeshFlags::DELETE_DEGENERATE_TRIANGLES
                    | TriMeshFlags::DELETE_DUPLICATE_TRIANGLES;
                (guarded(|| SharedShape::trimesh_with_flags(corners, indices, flags).ok())?, upright)
            }
        })
    }
}

/// Runs what makes a shape of triangles. Files hold any: where the library's own assertions fail on some, the part has no shape.
fn guarded(make: impl FnOnce() -> Option<SharedShape>) -> Option<SharedShape> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(make)).ok().flatten()
}

/// Corners of a polyhedron as large as the ellipsoid: half of each gap lies inside of the true surface, half outside.
fn ellipsoid(radii: &Vector3<f64>) -> Vec<Vector> {
    let (step, turn) = (std::f64::consts::PI / RINGS as f64, std::f64::consts::PI / RINGS as f64);
    let grown = 1.0 + (1.0 - (step / 2.0).cos()) / 2.0;
    let mut out = vec![];
    for ring in 0..=RINGS {
        let (s, c) = (step * ring as f64).sin_cos();
        let corners = if ring % RINGS == 0 { 1 } else { 2 * RINGS };
        for k in 0..corners {
            let (y, x) = (turn * k as f64).sin_cos();
            out.push(vector(&Vector3::new(s * x, s * y, c).component_mul(&(radii * grown))));
        }
    }
    out
}

pub(super) fn vector(v: &Vector3<f64>) -> Vector {
    Vector::new(v.x, v.y, v.z)
}

pub(super) fn back(v: Vector) -> Vector3<f64> {
    Vector3::new(v.x, v.y, v.z)
}

/// The same bits, in the solver's words.
pub(super) fn pose(p: &Isometry3<f64>) -> Pose {
    let (t, q) = (vector(&p.translation.vector), p.rotation.coords);
    Pose::from_parts(t, rapier3d_f64::math::Rotation::from_xyzw(q.x, q.y, q.z, q.w))
}

/// The same bits, in ours.
pub(super) fn isometry(p: &Pose) -> Isometry3<f64> {
    let q = p.rotation;
    let turn = nalgebra::Quaternion::new(q.w, q.x, q.y, q.z);
    Isometry3::from_parts(back(p.translation).into(), UnitQuaternion::new_unchecked(turn))
}
