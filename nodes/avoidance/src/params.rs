//! The node's parameters, and the planner's settings made of them.

use peregrine::Params;

use crate::algo::config::{Config, Lidar};
use crate::algo::geometry::{Pose, Quat, Vec3};
use crate::algo::margins::ClassMargins;
use crate::algo::panorama::Fan;
use crate::error::AvoidanceError;

/// Parameters of the avoidance node. Metres, seconds, radians; odom is ENU, the body FLU.
#[derive(Params, Debug, Clone)]
pub struct AvoidanceParams {
    /// Range sensors that are used: some of depth, scan, points. Each that is named must deliver, or the vehicle stops.
    #[param(default = ["depth"])]
    pub sensors: Vec<String>,
    /// Whether tracked things (`tracks`) are kept away from as movers. They only ever add to what the ranges forbid, so false
    /// alarms of a weak detector can close the way.
    #[param(default = true)]
    pub tracks: bool,
    /// Wanted speed in the open, m/s, 0.2 to 15.
    #[param(default = 4.0, range = 0.2..=15.0, live)]
    pub cruise_mps: f64,
    /// Speed that is never commanded above, m/s, 0.2 to 20.
    #[param(default = 6.0, range = 0.2..=20.0, live)]
    pub max_speed_mps: f64,
    /// Largest acceleration the vehicle may show, m/s2, 0.5 to 30.
    #[param(default = 6.0, range = 0.5..=30.0)]
    pub max_acceleration_mps2: f64,
    /// Deceleration the vehicle surely reaches, m/s2, 0.3 to 30. Every certificate brakes with this.
    #[param(default = 3.8, range = 0.3..=30.0)]
    pub brake_deceleration_mps2: f64,
    /// Slowest first-order lag of the vehicle's velocity loop, seconds, 0.02 to 2.
    #[param(default = 0.35, range = 0.02..=2.0)]
    pub velocity_lag_s: f64,
    /// Time from now until a command acts, beyond the measured ages of inputs, seconds, 0 to 1.
    #[param(default = 0.1, range = 0.0..=1.0)]
    pub command_delay_s: f64,
    /// A command that took longer than this to make, in milliseconds of real time, is sent as a stop, 0.001 to 1000. Keep it below
    /// command_delay_s. In lockstep, where time waits, it does not apply.
    #[param(default = 50.0, range = 0.001..=1000.0, live)]
    pub deadline_ms: f64,
    /// Radius of the ball around the body with its propellers, metres, 0.05 to 3.
    #[param(default = 0.25, range = 0.05..=3.0)]
    pub body_radius_m: f64,
    /// Kept clear around the body beyond its radius, metres, 0.02 to 3.
    #[param(default = 0.2, range = 0.02..=3.0)]
    pub margin_m: f64,
    /// Kept clear beyond the body's radius when not faster than creep_speed_mps, metres, 0.02 to margin_m.
    #[param(default = 0.06, range = 0.02..=3.0)]
    pub creep_margin_m: f64,
    /// Up to this speed creep_margin_m is enough, m/s, 0 to 3; 0 always keeps the full margin.
    #[param(default = 1.0, range = 0.0..=3.0)]
    pub creep_speed_mps: f64,
    /// Free sight left unused by the speed limit, metres from the body's centre, 0 to 5.
    #[param(default = 0.7, range = 0.0..=5.0)]
    pub keep_off_m: f64,
    /// Depth error per squared metre of range, 1/m, 0 to 0.1.
    #[param(default = 0.005, range = 0.0..=0.1)]
    pub depth_error_per_m: f64,
    /// Sight that is trusted when nothing returns, metres along the optical axis, 1 to 100.
    #[param(default = 10.0, range = 1.0..=100.0)]
    pub max_range_m: f64,
    /// Pooled columns of the range view, 16 to 320.
    #[param(default = 80, range = 16..=320)]
    pub view_columns: usize,
    /// Least share of valid pixels for a pooled cell to be known, 0.05 to 1.
    #[param(default = 0.5, range = 0.05..=1.0)]
    pub min_valid_fraction: f64,
    /// Share of known cells under which the camera counts as covered, 0 to 0.9.
    #[param(default = 0.1, range = 0.0..=0.9)]
    pub covered_fraction: f64,
    /// Where the depth camera sits in base_link: x, y, z in metres, roll, pitch, yaw in radians; it looks along its x.
    #[param(default = [0.12, 0.0, 0.03, 0.0, 0.0, 0.0])]
    pub camera_pose: Vec<f64>,
    /// Where the laser scanner of `scan` sits in base_link, as camera_pose.
    #[param(default = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0])]
    pub scan_pose: Vec<f64>,
    /// You vouch that what the scanner sees reaches this far above and below its plane, metres, 0 to 20; 0 lets the
    /// scanner close space but never free it.
    #[param(default = 0.0, range = 0.0..=20.0)]
    pub scan_reach_m: f64,
    /// Where the lidar of `points` sits in base_link, as camera_pose.
    #[param(default = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0])]
    pub points_pose: Vec<f64>,
    /// Elevations of the lidar's lowest and highest plane, radians, -1.5 to 1.5.
    #[param(default = [-0.2618, 0.2618])]
    pub points_elevation_rad: Vec<f64>,
    /// Planes that the lidar scans, 2 to 128.
    #[param(default = 16, range = 2..=128)]
    pub points_rows: usize,
    /// Whether a direction within those planes that no point comes from has nothing in range; else it is unknown.
    #[param(default = false)]
    pub points_silence_is_free: bool,
    /// Scans and points older than this stop the vehicle, seconds, 0.03 to 2.
    #[param(default = 0.25, range = 0.03..=2.0)]
    pub lidar_timeout_s: f64,
    /// Sight of a lidar that is trusted, metres, 1 to 100.
    #[param(default = 15.0, range = 1.0..=100.0)]
    pub lidar_max_range_m: f64,
    /// What a lidar may see a surface too far away by, metres, 0 to 1.
    #[param(default = 0.05, range = 0.0..=1.0)]
    pub lidar_error_m: f64,
    /// Depth images older than this stop the vehicle, seconds, 0.03 to 2.
    #[param(default = 0.15, range = 0.03..=2.0)]
    pub depth_timeout_s: f64,
    /// Odometry older than this stops the vehicle, seconds, 0.03 to 2.
    #[param(default = 0.15, range = 0.03..=2.0)]
    pub odometry_timeout_s: f64,
    /// Detections older than this no longer widen margins, seconds, 0.03 to 10.
    #[param(default = 0.5, range = 0.03..=10.0)]
    pub detections_timeout_s: f64,
    /// Equal depth images in a row, while moving, that count as a frozen camera, 2 to 100.
    #[param(default = 3, range = 2..=100)]
    pub frozen_frames: u32,
    /// How long a view is remembered, seconds, 1 to 600.
    #[param(default = 20.0, range = 1.0..=600.0)]
    pub memory_age_s: f64,
    /// Extra margin for remembered views (odometry drift while remembered), metres, 0 to 1.
    #[param(default = 0.03, range = 0.0..=1.0)]
    pub memory_margin_m: f64,
    /// Distance between remembered views, metres, 0.1 to 5.
    #[param(default = 0.2, range = 0.1..=5.0)]
    pub keyframe_distance_m: f64,
    /// Turn between remembered views, radians, 0.05 to 1.
    #[param(default = 0.25, range = 0.05..=1.0)]
    pub keyframe_angle_rad: f64,
    /// How far the centre may move at the start without having seen the space, metres, 0 to 3. You vouch for it.
    #[param(default = 1.1, range = 0.0..=3.0)]
    pub start_bubble_m: f64,
    /// Distance to the goal that counts as there, metres, 0.1 to 10.
    #[param(default = 0.5, range = 0.1..=10.0, live)]
    pub goal_tolerance_m: f64,
    /// Lower corner of the geofence on the ground, metres in odom: x, y. Altitudes are altitude_min_m and altitude_max_m.
    #[param(default = [-10000.0, -10000.0], live)]
    pub fence_low_m: Vec<f64>,
    /// Upper corner of the geofence on the ground, metres in odom: x, y.
    #[param(default = [10000.0, 10000.0], live)]
    pub fence_high_m: Vec<f64>,
    /// Floor of the geofence, metres in odom.
    #[param(default = 0.8, range = -10000.0..=10000.0, live)]
    pub altitude_min_m: f64,
    /// Ceiling of the geofence, metres in odom.
    #[param(default = 6.0, range = -10000.0..=10000.0, live)]
    pub altitude_max_m: f64,
    /// Fastest climb or descent, m/s, 0.1 to 5.
    #[param(default = 1.0, range = 0.1..=5.0, live)]
    pub vertical_speed_mps: f64,
    /// Fastest turn, rad/s, 0.2 to 6.
    #[param(default = 2.0, range = 0.2..=6.0, live)]
    pub max_yaw_rate_radps: f64,
    /// Turn rate of a look around, rad/s, 0.1 to 3.
    #[param(default = 1.0, range = 0.1..=3.0, live)]
    pub scan_rate_radps: f64,
    /// Cell of the guidance grid, metres, 0.1 to 1; the grid has 320 x 320.
    #[param(default = 0.15, range = 0.1..=1.0)]
    pub guidance_cell_m: f64,
    /// Extra margin per detected class: label=metres. Margins only ever add.
    #[param(default = [
        "person=0.4", "rider=0.4", "bicycle=0.3", "motorcycle=0.3", "car=0.3", "van=0.3",
        "truck=0.3", "bus=0.3", "train=0.3", "dog=0.3", "horse=0.3", "bird=0.6",
        "drone=0.6", "airplane=0.6", "kite=0.6", "wire=1.0",
    ], live)]
    pub class_margins: Vec<String>,
    /// Least score of a detection that widens a margin, 0 to 1.
    #[param(default = 0.3, range = 0.0..=1.0, live)]
    pub min_detection_score: f64,
    /// Axes of cmd_vel's velocity: heading (base_link made level; what drone_sim and MAVLink's BODY frames mean), body
    /// (base_link, tilted with the vehicle) or odom (ENU, said in header.frame_id).
    #[param(default = "heading")]
    pub command_frame: String,
}

/// Frame of the published velocity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandFrame {
    /// Level, x along the heading.
    Heading,
    /// Tilted with the body.
    Body,
    /// East, north, up.
    Odom,
}

impl AvoidanceParams {
    /// The planner's settings.
    ///
    /// # Errors
    /// Those of [`Config::check`], PG-0703 when a list has the wrong length, and PG-0705 for a sensor that is none.
    pub fn config(&self) -> Result<Config, AvoidanceError> {
        let mut used = [false; 3];
        for name in &self.sensors {
            match ["depth", "scan", "points"].iter().position(|known| known == name) {
                Some(i) => used[i] = true,
                None => {
                    return Err(AvoidanceError::UnknownChoice {
                        name: "sensors",
                        value: name.clone(),
                        choices: "depth, scan, points",
                    });
                }
            }
        }
        let lidar = |fan: Fan, in_body: Pose| Lidar {
            fan,
            in_body,
            timeout: self.lidar_timeout_s,
            max_range: self.lidar_max_range_m,
            error: self.lidar_error_m,
        };
        let &[lowest, highest] = self.points_elevation_rad.as_slice() else {
            return Err(AvoidanceError::ParameterLength {
                name: "points_elevation_rad",
                count: self.points_elevation_rad.len(),
                expected: "two: lowest and highest elevation (rad)",
            });
        };
        let dome = Fan::Dome {
            elevation: (lowest, highest),
            rows: self.points_rows,
            silence_is_free: self.points_silence_is_free,
        };
        let camera = mount("camera_pose", &self.camera_pose)?;
        let (scanner, points) =
            (mount("scan_pose", &self.scan_pose)?, mount("points_pose", &self.points_pose)?);
        let config = Config {
            depth: used[0],
            scan: used[1].then(|| lidar(Fan::Plane { reach: self.scan_reach_m }, scanner)),
            points: used[2].then(|| lidar(dome, points)),
            cruise_speed: self.cruise_mps,
            max_speed: self.max_speed_mps.max(self.cruise_mps),
            max_acceleration: self.max_acceleration_mps2,
            brake_deceleration: self.brake_deceleration_mps2,
            velocity_lag: self.velocity_lag_s,
            command_delay: self.command_delay_s,
            body_radius: self.body_radius_m,
            margin: self.margin_m,
            creep_margin: self.creep_margin_m,
            creep_speed: self.creep_speed_mps,
            keep_off: self.keep_off_m,
            depth_error: self.depth_error_per_m,
            max_range: self.max_range_m,
            view_columns: self.view_columns,
            min_valid_fraction: self.min_valid_fraction,
            covered_fraction: self.covered_fraction,
            camera_in_body: Pose {
                position: camera.position,
                rotation: camera.rotation.after(Quat::FLU_FROM_OPTICAL),
            },
            depth_timeout: self.depth_timeout_s,
            odometry_timeout: self.odometry_timeout_s,
            detections_timeout: self.detections_timeout_s,
            frozen_frames: self.frozen_frames,
            memory_age: self.memory_age_s,
            memory_margin: self.memory_margin_m,
            keyframe_distance: self.keyframe_distance_m,
            keyframe_angle: self.keyframe_angle_rad,
            start_bubble: self.start_bubble_m,
            goal_tolerance: self.goal_tolerance_m,
            area: (ground("fence_low_m", &self.fence_low_m)?, ground("fence_high_m", &self.fence_high_m)?),
            altitude_min: self.altitude_min_m,
            altitude_max: self.altitude_max_m,
            vertical_speed: self.vertical_speed_mps,
            max_yaw_rate: self.max_yaw_rate_radps,
            scan_rate: self.scan_rate_radps,
            guidance_cell: self.guidance_cell_m,
        };
        config.check()?;
        Ok(config)
    }

    /// The extra margins per class.
    ///
    /// # Errors
    /// PG-0704 for an entry that is not `label=metres`.
    pub fn margins(&self) -> Result<ClassMargins, AvoidanceError> {
        ClassMargins::parse(&self.class_margins)
    }

    /// The frame of the command.
    ///
    /// # Errors
    /// PG-0705 when it is none of `heading`, `body`, `odom`.
    pub fn frame(&self) -> Result<CommandFrame, AvoidanceError> {
        match self.command_frame.as_str() {
            "heading" => Ok(CommandFrame::Heading),
            "body" => Ok(CommandFrame::Body),
            "odom" => Ok(CommandFrame::Odom),
            other => Err(AvoidanceError::UnknownChoice {
                name: "command_frame",
                value: other.to_owned(),
                choices: "heading, body, odom",
            }),
        }
    }
}

/// A place on the ground: x, y (m, odom).
fn ground(name: &'static str, numbers: &[f64]) -> Result<[f64; 2], AvoidanceError> {
    let count = numbers.len();
    numbers.try_into().map_err(|_| AvoidanceError::ParameterLength { name, count, expected: "two: x, y (m)" })
}

/// Where a sensor sits in the body: x, y, z (m), roll, pitch, yaw (rad).
fn mount(name: &'static str, numbers: &[f64]) -> Result<Pose, AvoidanceError> {
    let &[x, y, z, roll, pitch, yaw] = numbers else {
        let expected = "six: x, y, z (m), roll, pitch, yaw (rad)";
        return Err(AvoidanceError::ParameterLength { name, count: numbers.len(), expected });
    };
    if let Some(value) = numbers.iter().find(|v| v.is_nan() || v.abs() > 10.0) {
        let expected = "six numbers of at most 10 (m, rad)";
        return Err(AvoidanceError::ParameterOutOfRange { name, value: *value, expected });
    }
    Ok(Pose { position: Vec3::new(x, y, z), rotation: Quat::from_rpy(roll, pitch, yaw) })
}
