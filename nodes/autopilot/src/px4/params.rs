//! Parameters of the PX4 node.

use peregrine::Params;

use crate::algo::axes::World;
use crate::algo::gate::Limits;
use crate::error::AutopilotError;

/// Parameters of the px4 node. Metres, seconds, radians.
#[derive(Params, Debug, Clone)]
pub struct Px4Params {
    /// A setpoint older than this is not sent, seconds, 0.02 to 1. The vehicle's heading must be as fresh.
    #[param(default = 0.25, range = 0.02..=1.0)]
    pub setpoint_timeout_s: f64,
    /// A setpoint faster than this is not sent, m/s, 0.1 to 40.
    #[param(default = 15.0, range = 0.1..=40.0)]
    pub max_speed_mps: f64,
    /// A setpoint that turns faster than this is not sent, rad/s, 0.1 to 10.
    #[param(default = 6.0, range = 0.1..=10.0)]
    pub max_yaw_rate_radps: f64,
    /// What odom is to PX4's local frame: ned (odom's x is east) or frd (odom's x is where the vehicle looked at the start).
    #[param(default = "ned")]
    pub local_frame: String,
    /// Send `odom` to PX4 as vehicle_visual_odometry: for vehicles whose position comes from cameras.
    #[param(default = false)]
    pub send_odometry: bool,
    /// How far the x axis of `scan` is turned from base_link's about up, radians, -3.2 to 3.2.
    #[param(default = 0.0, range = -3.2..=3.2)]
    pub scan_yaw_rad: f64,
    /// Serve `~/take_over`, which asks PX4 for its offboard mode. Never arms.
    #[param(default = false)]
    pub allow_take_over: bool,
    /// MAVLink system of the vehicle (MAV_SYS_ID), for commands, 1 to 255.
    #[param(default = 1, range = 1..=255)]
    pub target_system: u32,
}

impl Px4Params {
    /// What a setpoint must be.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            max_age: (self.setpoint_timeout_s * 1e9) as i64,
            max_speed: self.max_speed_mps,
            max_yaw_rate: self.max_yaw_rate_radps,
            // Proof of life goes with every setpoint here.
            heartbeat_period: 0,
        }
    }

    /// What odom is to the local frame.
    ///
    /// # Errors
    /// PG-1504 for a word that is no choice.
    pub fn world(&self) -> Result<World, AutopilotError> {
        crate::params::local_frame(&self.local_frame)
    }
}
