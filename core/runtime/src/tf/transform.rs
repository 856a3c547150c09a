//! Transforms <-> `geometry_msgs`, and interpolation.

use nalgebra::{Isometry3, Quaternion, Translation3, UnitQuaternion};
use peregrine_msgs::geometry_msgs;

use super::Transform;

/// From `geometry_msgs/msg/Transform`. `None` when a number is not finite or the quaternion has no length; one that is only
/// not quite of length one is normalised, as tf2 does within its tolerance.
#[must_use]
pub fn from_msg(msg: &geometry_msgs::Transform) -> Option<Transform> {
    let (t, r) = (&msg.translation, &msg.rotation);
    let all = [t.x, t.y, t.z, r.x, r.y, r.z, r.w];
    let rotation = UnitQuaternion::try_new(Quaternion::new(r.w, r.x, r.y, r.z), 1e-6)?;
    all.iter()
        .all(|v| v.is_finite())
        .then(|| Isometry3::from_parts(Translation3::new(t.x, t.y, t.z), rotation))
}

/// As `geometry_msgs/msg/Transform`.
#[must_use]
pub fn to_msg(transform: &Transform) -> geometry_msgs::Transform {
    let (t, r) = (transform.translation.vector, transform.rotation.coords);
    geometry_msgs::Transform {
        translation: geometry_msgs::Vector3 { x: t.x, y: t.y, z: t.z },
        rotation: geometry_msgs::Quaternion { x: r.x, y: r.y, z: r.z, w: r.w },
    }
}

/// Between `a` (at 0) and `b` (at 1): the position on the straight line, the rotation on the great circle (slerp).
pub(super) fn between(a: &Transform, b: &Transform, ratio: f64) -> Transform {
    let translation = a.translation.vector.lerp(&b.translation.vector, ratio);
    // Half turns have no one great circle: the earlier rotation stays.
    let rotation = a.rotation.try_slerp(&b.rotation, ratio, 1e-12).unwrap_or(a.rotation);
    Isometry3::from_parts(translation.into(), rotation)
}
