//! The node's parameters, and what is made of them.

use peregrine::Params;

use crate::algo::command::Axes;
use crate::algo::filter::Limits;
use crate::algo::ingest::Dome;
use crate::algo::vector::{Turn, V};
use crate::error::FilterError;

/// Parameters of the safety filter. Metres, seconds; odom is ENU, the body FLU.
#[derive(Params, Debug, Clone)]
pub struct SafetyFilterParams {
    /// Commands per second beside those that answer a command at once, 10 to 200.
    #[param(default = 50.0, range = 10.0..=200.0, live)]
    pub rate_hz: f64,
    /// Radius of the ball around the body with its propellers, metres, 0.05 to 3.
    #[param(default = 0.25, range = 0.05..=3.0)]
    pub body_radius_m: f64,
    /// Kept clear beyond it, metres, 0 to 3. Less than the planner's, so that it acts only where the planner failed.
    #[param(default = 0.05, range = 0.0..=3.0, live)]
    pub margin_m: f64,
    /// Deceleration the vehicle surely reaches, m/s2, 0.3 to 30.
    #[param(default = 4.0, range = 0.3..=30.0, live)]
    pub brake_deceleration_mps2: f64,
    /// From a command to its effect, with the lag of the velocity loop, seconds, 0 to 2.
    #[param(default = 0.25, range = 0.0..=2.0, live)]
    pub reaction_s: f64,
    /// Surfaces nearer than this push back whatever the direction, metres from the body's surface, 0 to 5.
    #[param(default = 0.3, range = 0.0..=5.0, live)]
    pub near_m: f64,
    /// Never faster, m/s, 0.1 to 30.
    #[param(default = 8.0, range = 0.1..=30.0, live)]
    pub max_speed_mps: f64,
    /// Never faster where no sensor has looked, m/s, 0 to 30.
    #[param(default = 0.6, range = 0.0..=30.0, live)]
    pub blind_speed_mps: f64,
    /// Lower corner of the fence, odom, metres: x, y, z.
    #[param(default = [-10000.0, -10000.0, -10.0], live)]
    pub fence_low_m: Vec<f64>,
    /// Upper corner of the fence, odom, metres: x, y, z.
    #[param(default = [10000.0, 10000.0, 120.0], live)]
    pub fence_high_m: Vec<f64>,
    /// An input younger than this is fresh, seconds, 0.01 to 2.
    #[param(default = 0.12, range = 0.01..=2.0, live)]
    pub fresh_s: f64,
    /// An input older than this stops the vehicle, seconds, 0.02 to 5.
    #[param(default = 0.35, range = 0.02..=5.0, live)]
    pub stale_s: f64,
    /// After so long without a fresh command, odometry or sensor nothing is sent any more, not even a stop: the vehicle's own
    /// fail-safe takes over. Seconds, 0.1 to 10.
    #[param(default = 1.0, range = 0.1..=10.0, live)]
    pub silent_after_s: f64,
    /// Surfaces that left the view are kept this long, seconds, 0 to 60.
    #[param(default = 2.0, range = 0.0..=60.0)]
    pub memory_s: f64,
    /// Sight ends here, metres, 1 to 100.
    #[param(default = 12.0, range = 1.0..=100.0, live)]
    pub max_range_m: f64,
    /// Where the depth camera sits in base_link: x, y, z in metres, roll, pitch, yaw in radians; it looks along its x.
    #[param(default = [0.12, 0.0, 0.03, 0.0, 0.0, 0.0])]
    pub camera_pose: Vec<f64>,
    /// Where the laser scanner sits in base_link.
    #[param(default = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0])]
    pub scan_pose: Vec<f64>,
    /// Where the lidar of `points` sits in base_link.
    #[param(default = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0])]
    pub points_pose: Vec<f64>,
    /// Its lowest and highest plane, radians; used with `points_silence_is_free` only.
    #[param(default = [-0.2618, 0.2618])]
    pub points_elevation_rad: Vec<f64>,
    /// A direction between these planes without a point: nothing in range (true), or unknown (false).
    #[param(default = false)]
    pub points_silence_is_free: bool,
    /// Under this share of charge the speed is capped, 0 to 1.
    #[param(default = 0.2, range = 0.0..=1.0, live)]
    pub battery_low: f64,
    /// The cap, m/s, 0 to 30.
    #[param(default = 1.5, range = 0.0..=30.0, live)]
    pub battery_low_speed_mps: f64,
    /// Under this share of charge the vehicle stops, 0 to 1.
    #[param(default = 0.08, range = 0.0..=1.0, live)]
    pub battery_critical: f64,
    /// Axes of the velocity of a command without a frame_id: heading (x forward, level), or odom. A frame_id wins.
    #[param(default = "heading")]
    pub command_frame: String,
}

pub(crate) fn six(name: &'static str, v: &[f64]) -> Result<(V, Turn), FilterError> {
    match *v {
        [x, y, z, roll, pitch, yaw] if v.iter().all(|n| n.is_finite()) => {
            Ok(([x, y, z], Turn::from_rpy(roll, pitch, yaw)))
        }
        _ => Err(FilterError::ParameterLength { name, count: v.len(), expected: "six finite numbers" }),
    }
}

fn corner(name: &'static str, v: &[f64]) -> Result<V, FilterError> {
    match *v {
        [x, y, z] if v.iter().all(|n| n.is_finite()) => Ok([x, y, z]),
        _ => Err(FilterError::ParameterLength { name, count: v.len(), expected: "three finite numbers" }),
    }
}

impl SafetyFilterParams {
    /// The axes of a command that names none.
    ///
    /// # Errors
    /// PG-1703 for a word that is no choice.
    pub fn axes(&self) -> Result<Axes, FilterError> {
        match self.command_frame.as_str() {
            "heading" => Ok(Axes::Heading),
            "odom" => Ok(Axes::Odom),
            other => Err(FilterError::UnknownChoice {
                name: "command_frame",
                value: other.to_owned(),
                choices: "heading, odom",
            }),
        }
    }

    /// The directions that the lidar looks in.
    ///
    /// # Errors
    /// [`FilterError`] when they are not two angles in order.
    pub fn dome(&self) -> Result<Dome, FilterError> {
        let &[low, high] = self.points_elevation_rad.as_slice() else {
            let (name, count) = ("points_elevation_rad", self.points_elevation_rad.len());
            return Err(FilterError::ParameterLength { name, count, expected: "two numbers" });
        };
        if !(-1.6..=1.6).contains(&low) || !(-1.6..=1.6).contains(&high) || low > high {
            let (name, expected) = ("points_elevation_rad", "from -1.6 to 1.6, the lower one first");
            return Err(FilterError::ParameterOutOfRange { name, value: low, expected });
        }
        Ok(Dome { elevation: (low, high), silence_is_free: self.points_silence_is_free })
    }

    /// The limits that these parameters mean.
    ///
    /// # Errors
    /// [`FilterError`], naming the first culprit.
    pub fn limits(&self) -> Result<Limits, FilterError> {
        let fence = (corner("fence_low_m", &self.fence_low_m)?, corner("fence_high_m", &self.fence_high_m)?);
        if let Some(axis) = (0..3).find(|i| fence.0[*i] >= fence.1[*i]) {
            let (name, value) = ("fence_low_m", fence.0[axis]);
            return Err(FilterError::ParameterOutOfRange {
                name,
                value,
                expected: "below fence_high_m in every axis",
            });
        }
        if self.fresh_s >= self.stale_s {
            let (name, value) = ("fresh_s", self.fresh_s);
            return Err(FilterError::ParameterOutOfRange { name, value, expected: "less than stale_s" });
        }
        Ok(Limits {
            radius: self.body_radius_m + self.margin_m,
            deceleration: self.brake_deceleration_mps2,
            reaction: self.reaction_s,
            near: self.near_m,
            max_speed: self.max_speed_mps,
            blind_speed: self.blind_speed_mps,
            fence,
            fresh: self.fresh_s,
            stale: self.stale_s,
        })
    }
}
