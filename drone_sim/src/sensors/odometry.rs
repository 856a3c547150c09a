//! True pose and velocity, as a perfect odometry would tell them.

use nalgebra::{Isometry3, Vector3};

use crate::physics::State;

/// Pose of `base_link` in `odom` (which is the world), velocities in `base_link`, as nav_msgs/Odometry has them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Odometry {
    /// Body in the world.
    pub pose: Isometry3<f64>,
    /// Velocity, m/s, body FLU.
    pub velocity: Vector3<f64>,
    /// Angular velocity, rad/s, body FLU.
    pub rates: Vector3<f64>,
}

impl Odometry {
    /// Of a body that stands still.
    pub fn still(pose: Isometry3<f64>) -> Self {
        Self { pose, velocity: Vector3::zeros(), rates: Vector3::zeros() }
    }

    /// Of a state.
    pub fn of(state: &State) -> Self {
        let pose = state.pose();
        Self { pose, velocity: pose.rotation.inverse() * state.velocity, rates: state.rates }
    }
}
