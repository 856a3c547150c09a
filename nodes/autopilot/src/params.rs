//! The node's parameters, and the bridge's settings made of them.

use peregrine::Params;

use crate::algo::axes::World;
use crate::algo::config::{Config, OBSTACLE_AVOIDANCE};
use crate::algo::gate::Limits;
use crate::algo::range::orientation;
use crate::algo::setpoint::Target;
use crate::error::AutopilotError;
use crate::link::Address;

/// Parameters of the autopilot node. Metres, seconds, radians.
#[derive(Params, Debug, Clone)]
pub struct AutopilotParams {
    /// The link: udpin:ADDRESS:PORT, udpout:HOST:PORT, tcpin:ADDRESS:PORT, tcpout:HOST:PORT or serial:DEVICE:BAUD.
    #[param(default = "udpin:127.0.0.1:14540")]
    pub link: String,
    /// Seconds between attempts to open the link, 0.05 to 60.
    #[param(default = 1.0, range = 0.05..=60.0)]
    pub reconnect_s: f64,
    /// How often what came over the link is looked at, per second, 10 to 1000.
    #[param(default = 200.0, range = 10.0..=1000.0)]
    pub poll_hz: f64,
    /// MAVLink system of this computer, the vehicle's own, 1 to 255.
    #[param(default = 1, range = 1..=255)]
    pub system_id: u32,
    /// MAVLink component of this node, 1 to 255; 196 is MAV_COMP_ID_OBSTACLE_AVOIDANCE.
    #[param(default = OBSTACLE_AVOIDANCE as u32, range = 1..=255)]
    pub component_id: u32,
    /// MAVLink system that commands are for, 1 to 255.
    #[param(default = 1, range = 1..=255)]
    pub target_system: u32,
    /// MAVLink component that commands are for, 0 (all) to 255; 1 is the autopilot.
    #[param(default = 1, range = 0..=255)]
    pub target_component: u32,
    /// A setpoint older than this is not sent, seconds, 0.02 to 1.
    #[param(default = 0.25, range = 0.02..=1.0)]
    pub setpoint_timeout_s: f64,
    /// A setpoint faster than this is not sent, m/s, 0.1 to 40.
    #[param(default = 15.0, range = 0.1..=40.0)]
    pub max_speed_mps: f64,
    /// A setpoint that turns faster than this is not sent, rad/s, 0.1 to 10.
    #[param(default = 6.0, range = 0.1..=10.0)]
    pub max_yaw_rate_radps: f64,
    /// Heartbeats leave with setpoints, at most this often, per second, 1 to 10.
    #[param(default = 2.0, range = 1.0..=10.0)]
    pub heartbeat_hz: f64,
    /// What odom is to the autopilot's local frame: ned (odom's x is east) or frd (odom's x is where the vehicle looked).
    #[param(default = "ned")]
    pub local_frame: String,
    /// Send `odom` to the autopilot as ODOMETRY: for vehicles whose position comes from cameras.
    #[param(default = false)]
    pub send_odometry: bool,
    /// Odometry that does not come is asked for at this rate, per second, 0 (never) to 200.
    #[param(default = 30.0, range = 0.0..=200.0)]
    pub request_rate_hz: f64,
    /// Where the range finder of `range` looks: down, up, forward, back, left or right.
    #[param(default = "down")]
    pub range_orientation: String,
    /// How far the x axis of `scan` is turned from base_link's about up, radians, -3.2 to 3.2.
    #[param(default = 0.0, range = -3.2..=3.2)]
    pub scan_yaw_rad: f64,
}

impl AutopilotParams {
    /// The settings.
    ///
    /// # Errors
    /// PG-1504 for a word that is no choice.
    pub fn config(&self) -> Result<Config, AutopilotError> {
        let unknown = |name, value: &String, choices| AutopilotError::UnknownChoice {
            name,
            value: value.clone(),
            choices,
        };
        let world = local_frame(&self.local_frame)?;
        let choices = "down, up, forward, back, left, right";
        let range_orientation = orientation(&self.range_orientation)
            .ok_or_else(|| unknown("range_orientation", &self.range_orientation, choices))?;
        let nanoseconds = |seconds: f64| (seconds * 1e9) as i64;
        Ok(Config {
            system: self.system_id as u8,
            component: self.component_id as u8,
            target: Target { system: self.target_system as u8, component: self.target_component as u8 },
            limits: Limits {
                max_age: nanoseconds(self.setpoint_timeout_s),
                max_speed: self.max_speed_mps,
                max_yaw_rate: self.max_yaw_rate_radps,
                heartbeat_period: nanoseconds(1.0 / self.heartbeat_hz),
            },
            world,
            send_odometry: self.send_odometry,
            request_rate: self.request_rate_hz,
            range_orientation,
            scan_yaw: self.scan_yaw_rad as f32,
        })
    }

    /// The link's address.
    ///
    /// # Errors
    /// PG-1501 when it cannot be read.
    pub fn address(&self) -> Result<Address, AutopilotError> {
        self.link.parse()
    }
}

/// What odom is to the local frame, by its name.
///
/// # Errors
/// PG-1504 for a word that is neither `ned` nor `frd`.
pub(crate) fn local_frame(name: &str) -> Result<World, AutopilotError> {
    World::named(name).ok_or_else(|| AutopilotError::UnknownChoice {
        name: "local_frame",
        value: name.to_owned(),
        choices: "ned, frd",
    })
}
