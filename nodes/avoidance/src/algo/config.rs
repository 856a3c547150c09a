//! Everything the planner can be told, with units and ranges, checked once at the start.

use super::geometry::{Pose, Quat, Vec3};
use super::panorama::Fan;
use super::state::Sensor;
use crate::error::AvoidanceError;

/// One lidar: where it looks, and how far it is trusted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lidar {
    /// Directions, and how silence is read.
    pub fan: Fan,
    /// Where it sits in the body (FLU); its x forward, y left, z up.
    pub in_body: Pose,
    /// Looks older than this stop the vehicle, seconds (0.03..=2).
    pub timeout: f64,
    /// Sight that is trusted, metres (1..=100).
    pub max_range: f64,
    /// A surface may be this much nearer than measured, metres (0..=1).
    pub error: f64,
}

/// Settings of the planner. SI units; every field is checked by [`Config::check`].
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// A depth camera is used: without its images the vehicle stands.
    pub depth: bool,
    /// The laser scanner that is used, if one is.
    pub scan: Option<Lidar>,
    /// The lidar of many planes that is used, if one is.
    pub points: Option<Lidar>,
    /// Wanted speed in the open, m/s (0.2..=15).
    pub cruise_speed: f64,
    /// Speed that is never commanded above, m/s (0.2..=20).
    pub max_speed: f64,
    /// Largest acceleration the vehicle may show, m/s^2 (0.5..=30). Used where strong reactions are the worse case.
    pub max_acceleration: f64,
    /// Deceleration the vehicle surely reaches, m/s^2 (0.3..=max_acceleration). Every certificate brakes with this.
    pub brake_deceleration: f64,
    /// Slowest first-order lag of the velocity loop, seconds (0.02..=2).
    pub velocity_lag: f64,
    /// Time from a depth image's stamp until the command made from it acts, beyond measured ages, s (0..=1).
    pub command_delay: f64,
    /// Radius of the ball around the body with its propellers, metres (0.05..=3).
    pub body_radius: f64,
    /// Kept clear around the body beyond its radius, metres (0.02..=3). Covers tracking error.
    pub margin: f64,
    /// Kept clear beyond the body's radius by a vehicle not faster than `creep_speed`, metres (0.02..=margin).
    pub creep_margin: f64,
    /// Up to this speed `creep_margin` is enough, m/s (0..=3).
    pub creep_speed: f64,
    /// Free sight that the speed limit leaves unused, metres, counted from the body's centre (0..=5).
    pub keep_off: f64,
    /// Depth error per squared metre of range: a surface at z may be `depth_error * z^2` nearer, 1/m (0..=0.1).
    pub depth_error: f64,
    /// Sight that is trusted when nothing returns, metres along the optical axis (1..=100).
    pub max_range: f64,
    /// Pooled columns of the range view (16..=320). Fewer is faster and coarser.
    pub view_columns: usize,
    /// Least share of valid pixels for a pooled cell to be known (0.05..=1).
    pub min_valid_fraction: f64,
    /// Share of known cells under which the camera counts as covered (0..=0.9).
    pub covered_fraction: f64,
    /// Where the camera sits in the body (FLU), optical axes included.
    pub camera_in_body: Pose,
    /// Depth images older than this stop the vehicle, seconds (0.03..=2).
    pub depth_timeout: f64,
    /// Odometry older than this stops the vehicle, seconds (0.03..=2).
    pub odometry_timeout: f64,
    /// Detections older than this no longer widen margins, seconds (0.03..=10).
    pub detections_timeout: f64,
    /// Equal depth images in a row, while moving, that count as a frozen camera (2..=100).
    pub frozen_frames: u32,
    /// How long a view is remembered, seconds (1..=600).
    pub memory_age: f64,
    /// Extra margin for remembered views: odometry drift within `memory_age`, metres (0..=1).
    pub memory_margin: f64,
    /// Distance between remembered views, metres (0.1..=5).
    pub keyframe_distance: f64,
    /// Turn between remembered views, radians (0.05..=1).
    pub keyframe_angle: f64,
    /// Where the vehicle starts, its centre may move this far without having seen the space, metres (0..=3).
    /// The operator vouches for it; it never moves with the vehicle.
    pub start_bubble: f64,
    /// Distance to the goal that counts as there, metres (0.1..=10).
    pub goal_tolerance: f64,
    /// Lower and upper corner of the geofence on the ground, x and y in odom, metres.
    pub area: ([f64; 2], [f64; 2]),
    /// Floor of the geofence, metres in odom.
    pub altitude_min: f64,
    /// Ceiling of the geofence, metres in odom.
    pub altitude_max: f64,
    /// Fastest climb or descent, m/s (0.1..=5).
    pub vertical_speed: f64,
    /// Fastest turn, rad/s (0.2..=6).
    pub max_yaw_rate: f64,
    /// Turn rate of a scan, rad/s (0.1..=3).
    pub scan_rate: f64,
    /// Edge of a cell of the guidance grid, metres (0.1..=1).
    pub guidance_cell: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            depth: true,
            scan: None,
            points: None,
            cruise_speed: 4.0,
            max_speed: 6.0,
            max_acceleration: 6.0,
            brake_deceleration: 3.8,
            velocity_lag: 0.35,
            command_delay: 0.1,
            body_radius: 0.25,
            margin: 0.2,
            creep_margin: 0.06,
            creep_speed: 1.0,
            keep_off: 0.7,
            depth_error: 0.005,
            max_range: 10.0,
            view_columns: 80,
            min_valid_fraction: 0.5,
            covered_fraction: 0.1,
            camera_in_body: Pose { position: Vec3::new(0.1, 0.0, 0.0), rotation: Quat::FLU_FROM_OPTICAL },
            depth_timeout: 0.15,
            odometry_timeout: 0.15,
            detections_timeout: 0.5,
            frozen_frames: 3,
            memory_age: 20.0,
            memory_margin: 0.03,
            keyframe_distance: 0.2,
            keyframe_angle: 0.25,
            start_bubble: 1.1,
            goal_tolerance: 0.5,
            area: ([-1e5; 2], [1e5; 2]),
            altitude_min: 0.8,
            altitude_max: 6.0,
            vertical_speed: 1.0,
            max_yaw_rate: 2.0,
            scan_rate: 1.0,
            guidance_cell: 0.15,
        }
    }
}

impl Config {
    /// Lower and upper corner of the geofence, metres in odom.
    #[must_use]
    pub fn fence(&self) -> (Vec3, Vec3) {
        let corner = |[x, y]: [f64; 2], z| Vec3::new(x, y, z);
        (corner(self.area.0, self.altitude_min), corner(self.area.1, self.altitude_max))
    }

    /// Radius (m) by which obstacles grow: body and margin.
    #[must_use]
    pub fn grown_radius(&self) -> f64 {
        self.body_radius + self.margin
    }

    /// Radii (m) by which obstacles grow, per [`super::view::Margin`].
    #[must_use]
    pub fn grown_radii(&self) -> [f64; 2] {
        [self.grown_radius(), self.body_radius + self.creep_margin]
    }

    /// The lidar behind `sensor`, if it is one and is used.
    #[must_use]
    pub fn lidar(&self, sensor: Sensor) -> Option<&Lidar> {
        match sensor {
            Sensor::Depth => None,
            Sensor::Scan => self.scan.as_ref(),
            Sensor::Points => self.points.as_ref(),
        }
    }

    /// The sensor each of whose looks makes a command; the others are taken in as they come.
    #[must_use]
    pub fn driver(&self) -> Sensor {
        match (self.depth, self.points.is_some()) {
            (true, _) => Sensor::Depth,
            (false, true) => Sensor::Points,
            (false, false) => Sensor::Scan,
        }
    }

    /// How old (s) the looks of `sensor` may be; `None` when it is not used.
    #[must_use]
    pub fn timeout(&self, sensor: Sensor) -> Option<f64> {
        match sensor {
            Sensor::Depth => self.depth.then_some(self.depth_timeout),
            _ => self.lidar(sensor).map(|l| l.timeout),
        }
    }

    /// How far (m) the farthest sensor sees.
    #[must_use]
    pub fn sight(&self) -> f64 {
        let depth = if self.depth { self.max_range } else { 0.0 };
        [self.scan, self.points].iter().flatten().map(|l| l.max_range).fold(depth, f64::max)
    }

    /// How long (s) a command may go on acting before the watchdog's stop takes hold: the timeout of the sensor that makes
    /// the commands plus one period of the watchdog. Every certificate holds the command that long before it brakes.
    #[must_use]
    pub fn hold_time(&self) -> f64 {
        self.timeout(self.driver()).unwrap_or(self.depth_timeout) + WATCHDOG_PERIOD_S
    }

    /// Checks every range.
    ///
    /// # Errors
    /// [`AvoidanceError::ParameterOutOfRange`] or [`AvoidanceError::ParametersContradict`], naming the first culprit.
    pub fn check(&self) -> Result<(), AvoidanceError> {
        let within = |name, value: f64, low: f64, high: f64, expected| {
            if value >= low && value <= high {
                Ok(())
            } else {
                Err(AvoidanceError::ParameterOutOfRange { name, value, expected })
            }
        };
        within("cruise_speed", self.cruise_speed, 0.2, 15.0, "0.2 to 15 m/s")?;
        within("max_speed", self.max_speed, 0.2, 20.0, "0.2 to 20 m/s")?;
        within("max_acceleration", self.max_acceleration, 0.5, 30.0, "0.5 to 30 m/s^2")?;
        within("brake_deceleration", self.brake_deceleration, 0.3, 30.0, "0.3 to 30 m/s^2")?;
        within("velocity_lag", self.velocity_lag, 0.02, 2.0, "0.02 to 2 s")?;
        within("command_delay", self.command_delay, 0.0, 1.0, "0 to 1 s")?;
        within("body_radius", self.body_radius, 0.05, 3.0, "0.05 to 3 m")?;
        within("margin", self.margin, 0.02, 3.0, "0.02 to 3 m")?;
        within("creep_margin", self.creep_margin, 0.02, 3.0, "0.02 to 3 m")?;
        within("creep_speed", self.creep_speed, 0.0, 3.0, "0 to 3 m/s")?;
        within("keep_off", self.keep_off, 0.0, 5.0, "0 to 5 m")?;
        within("depth_error", self.depth_error, 0.0, 0.1, "0 to 0.1 per metre")?;
        within("max_range", self.max_range, 1.0, 100.0, "1 to 100 m")?;
        within("view_columns", self.view_columns as f64, 16.0, 320.0, "16 to 320")?;
        within("min_valid_fraction", self.min_valid_fraction, 0.05, 1.0, "0.05 to 1")?;
        within("covered_fraction", self.covered_fraction, 0.0, 0.9, "0 to 0.9")?;
        within("depth_timeout", self.depth_timeout, 0.03, 2.0, "0.03 to 2 s")?;
        within("odometry_timeout", self.odometry_timeout, 0.03, 2.0, "0.03 to 2 s")?;
        within("detections_timeout", self.detections_timeout, 0.03, 10.0, "0.03 to 10 s")?;
        within("frozen_frames", f64::from(self.frozen_frames), 2.0, 100.0, "2 to 100")?;
        within("memory_age", self.memory_age, 1.0, 600.0, "1 to 600 s")?;
        within("memory_margin", self.memory_margin, 0.0, 1.0, "0 to 1 m")?;
        within("keyframe_distance", self.keyframe_distance, 0.1, 5.0, "0.1 to 5 m")?;
        within("keyframe_angle", self.keyframe_angle, 0.05, 1.0, "0.05 to 1 rad")?;
        within("start_bubble", self.start_bubble, 0.0, 3.0, "0 to 3 m")?;
        within("goal_tolerance", self.goal_tolerance, 0.1, 10.0, "0.1 to 10 m")?;
        for i in 0..2 {
            within("fence_low", self.area.0[i], -1e5, 1e5, "-100000 to 100000 m")?;
            within("fence_high", self.area.1[i], -1e5, 1e5, "-100000 to 100000 m")?;
        }
        within("altitude_min", self.altitude_min, -1e5, 1e5, "-100000 to 100000 m")?;
        within("altitude_max", self.altitude_max, -1e5, 1e5, "-100000 to 100000 m")?;
        within("vertical_speed", self.vertical_speed, 0.1, 5.0, "0.1 to 5 m/s")?;
        within("max_yaw_rate", self.max_yaw_rate, 0.2, 6.0, "0.2 to 6 rad/s")?;
        within("scan_rate", self.scan_rate, 0.1, 3.0, "0.1 to 3 rad/s")?;
        within("guidance_cell", self.guidance_cell, 0.1, 1.0, "0.1 to 1 m")?;
        for (name, lidar) in [("scan", &self.scan), ("points", &self.points)] {
            let Some(Lidar { fan, timeout, max_range, error, .. }) = *lidar else { continue };
            let named = |part: &'static str| match (name, part) {
                ("scan", "timeout") => "scan_timeout",
                ("scan", "range") => "scan_max_range",
                ("scan", _) => "scan_error",
                (_, "timeout") => "points_timeout",
                (_, "range") => "points_max_range",
                _ => "points_error",
            };
            within(named("timeout"), timeout, 0.03, 2.0, "0.03 to 2 s")?;
            within(named("range"), max_range, 1.0, 100.0, "1 to 100 m")?;
            within(named("error"), error, 0.0, 1.0, "0 to 1 m")?;
            match fan {
                Fan::Plane { reach } => within("scan_reach", reach, 0.0, 20.0, "0 to 20 m")?,
                Fan::Dome { elevation: (low, high), rows, .. } => {
                    within("points_rows", rows as f64, 2.0, 128.0, "2 to 128")?;
                    within("points_elevation", low, -1.5, high - 0.01, "-1.5 rad to less than the highest")?;
                    within("points_elevation", high, -1.5, 1.5, "-1.5 to 1.5 rad")?;
                }
            }
        }
        if !self.depth && self.scan.is_none() && self.points.is_none() {
            return Err(AvoidanceError::NoSensor);
        }
        let ordered = |low_name, low: f64, high_name, high: f64| {
            if low <= high {
                Ok(())
            } else {
                Err(AvoidanceError::ParametersContradict { low_name, low, high_name, high })
            }
        };
        ordered("altitude_min", self.altitude_min, "altitude_max", self.altitude_max)?;
        (0..2).try_for_each(|i| ordered("fence_low", self.area.0[i], "fence_high", self.area.1[i]))?;
        ordered("creep_margin", self.creep_margin, "margin", self.margin)?;
        ordered("cruise_speed", self.cruise_speed, "max_speed", self.max_speed)?;
        ordered("brake_deceleration", self.brake_deceleration, "max_acceleration", self.max_acceleration)
    }
}

/// Period of the watchdog that stops the vehicle when no depth image comes, seconds.
pub const WATCHDOG_PERIOD_S: f64 = 0.05;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_bad_values_are_named() {
        assert_eq!(Config::default().check(), Ok(()));
        let bad = Config { margin: f64::NAN, ..Config::default() };
        assert!(bad.check().is_err_and(|e| e.to_string().starts_with("PG-0701 parameter `margin`")));
        let bad = Config { altitude_min: 7.0, ..Config::default() };
        assert!(bad.check().is_err_and(|e| e.to_string().starts_with("PG-0702")));
    }
}
