//! Distance to a sphere.

use nalgebra::Vector3;

use super::{Near, unit_or};

pub(super) fn near(radius: f64, p: &Vector3<f64>) -> Near {
    Near { distance: p.norm() - radius, normal: unit_or(*p, Vector3::z()) }
}
