//! Distance to a box.

use nalgebra::Vector3;

use super::Near;

pub(super) fn near(half: &Vector3<f64>, p: &Vector3<f64>) -> Near {
    let over = p.abs() - half;
    let sign = p.map(|x| if x < 0.0 { -1.0 } else { 1.0 });
    let outside = over.sup(&Vector3::zeros());
    let distance = outside.norm();
    if distance > 0.0 {
        return Near { distance, normal: outside.component_mul(&sign) / distance };
    }
    // Inside: the face that is nearest.
    let axis = over.imax();
    let mut normal = Vector3::zeros();
    normal[axis] = sign[axis];
    Near { distance: over[axis], normal }
}
