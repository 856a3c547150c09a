//! Distance to an infinite plane through the origin; below it is inside.

use nalgebra::{Unit, Vector3};

use super::Near;

pub(super) fn near(normal: &Unit<Vector3<f64>>, p: &Vector3<f64>) -> Near {
    Near { distance: normal.dot(p), normal: normal.into_inner() }
}
