//! Distance to a capsule: a sphere about the nearest point of its axis.

use nalgebra::Vector3;

use super::{Near, unit_or};

pub(super) fn near(radius: f64, half: f64, p: &Vector3<f64>) -> Near {
    let from_axis = p - Vector3::z() * p.z.clamp(-half, half);
    Near { distance: from_axis.norm() - radius, normal: unit_or(from_axis, Vector3::x()) }
}
