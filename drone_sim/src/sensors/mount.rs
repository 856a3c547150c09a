//! Where a camera sits on the body.

use nalgebra::{Isometry3, UnitQuaternion, Vector3};
use peregrine_render::optical_from_body;

/// A camera's place on the body.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mount {
    /// From the body's origin, metres, body FLU.
    pub position: Vector3<f64>,
    /// Nose down is positive, radians.
    pub pitch: f64,
}

impl Default for Mount {
    /// At the front, a little above the centre, looking straight ahead.
    fn default() -> Self {
        Self { position: Vector3::new(0.12, 0.0, 0.03), pitch: 0.0 }
    }
}

impl Mount {
    /// The optical frame (x right, y down, z forward) in the body frame.
    pub fn optical_in_body(&self) -> Isometry3<f64> {
        let tilt = UnitQuaternion::from_euler_angles(0.0, self.pitch, 0.0);
        Isometry3::from_parts(self.position.into(), tilt * optical_from_body())
    }

    /// The optical frame in the world, for a body at `body`.
    pub fn optical_in_world(&self, body: &Isometry3<f64>) -> Isometry3<f64> {
        body * self.optical_in_body()
    }
}
