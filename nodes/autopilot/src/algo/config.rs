//! The bridge's settings.

use mavlink::dialects::common::{MavComponent, MavSensorOrientation};

use super::axes::World;
use super::gate::Limits;
use super::setpoint::Target;

/// Settings of the node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Config {
    /// Our system's number: the vehicle's, for a companion computer is a part of it.
    pub system: u8,
    /// Our component's number.
    pub component: u8,
    /// Whom commands are for.
    pub target: Target,
    /// What a setpoint must be.
    pub limits: Limits,
    /// What odom is to the autopilot's local frame.
    pub world: World,
    /// Whether odometry is sent to the autopilot.
    pub send_odometry: bool,
    /// How often messages are asked for that do not come, per second; 0 asks for none.
    pub request_rate: f64,
    /// Where the range finder looks.
    pub range_orientation: MavSensorOrientation,
    /// How far the scan's x axis is turned from base_link's about up, radians.
    pub scan_yaw: f32,
}

/// Our component by default: MAVLink has a number for obstacle avoidance.
pub const OBSTACLE_AVOIDANCE: u8 = MavComponent::MAV_COMP_ID_OBSTACLE_AVOIDANCE as u8;
