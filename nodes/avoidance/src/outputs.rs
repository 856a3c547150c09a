//! From what the planner knows to messages: status, ring of distances, markers.

use peregrine_msgs::builtin_interfaces::Duration;
use peregrine_msgs::diagnostic_msgs::{DiagnosticStatus, KeyValue};
use peregrine_msgs::geometry_msgs::{Point, Pose, Quaternion, Vector3};
use peregrine_msgs::peregrine_msgs::AvoidanceStatus;
use peregrine_msgs::sensor_msgs::LaserScan;
use peregrine_msgs::std_msgs::{ColorRGBA, Header};
use peregrine_msgs::visualization_msgs::{Marker, MarkerArray};

use crate::algo::geometry::Vec3;
use crate::algo::planner::Planner;
use crate::algo::ring::BINS;
use crate::algo::state::{State, Status};

/// What the node counted since it began.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    /// Commands sent.
    pub commands: u64,
    /// Commands that were a stop because an input could not be trusted.
    pub stops: u64,
    /// Commands that took too long to make, and were sent as a stop.
    pub missed_deadlines: u64,
    /// Depth images that could not be read.
    pub bad_images: u64,
    /// Depth's `camera_info`s that describe no camera.
    pub bad_infos: u64,
    /// Clouds of points that could not be read.
    pub bad_clouds: u64,
    /// Detections without a camera_info to place them.
    pub unplaced_detections: u64,
    /// Track messages in another frame than odometry's.
    pub strange_tracks: u64,
}

/// The status as a diagnostic; `cycle_ms` is how long the planner took, NaN when that is not measured (lockstep).
#[must_use]
pub fn diagnose(name: &str, status: &Status, cycle_ms: f64, counts: &Counts) -> DiagnosticStatus {
    let pair = |key: &str, value: String| KeyValue { key: key.into(), value };
    let number = |v: f64| format!("{v:.3}");
    let level = match status.state {
        State::InputStale(_) => DiagnosticStatus::ERROR,
        State::Stuck | State::Braking => DiagnosticStatus::WARN,
        _ => DiagnosticStatus::OK,
    };
    DiagnosticStatus {
        level,
        name: name.into(),
        message: status.state.name().into(),
        hardware_id: String::new(),
        values: vec![
            pair("state", status.state.name().into()),
            pair("reason", status.state.reason().into()),
            pair("depth_age_s", number(status.depth_age_s)),
            pair("scan_age_s", number(status.scan_age_s)),
            pair("points_age_s", number(status.points_age_s)),
            pair("odometry_age_s", number(status.odometry_age_s)),
            pair("tracks_age_s", number(status.tracks_age_s)),
            pair("detections_age_s", number(status.detections_age_s)),
            pair("cycle_ms", number(cycle_ms)),
            pair("nearest_range_m", number(status.nearest_range_m)),
            pair("certified_stop_m", number(status.certified_stop_m)),
            pair("speed_cap_mps", number(status.speed_cap_mps)),
            pair("valid_fraction", number(status.valid_fraction)),
            pair("candidates_tried", status.candidates_tried.to_string()),
            pair("commands", counts.commands.to_string()),
            pair("stops", counts.stops.to_string()),
            pair("missed_deadlines", counts.missed_deadlines.to_string()),
            pair("bad_images", counts.bad_images.to_string()),
            pair("bad_infos", counts.bad_infos.to_string()),
            pair("bad_clouds", counts.bad_clouds.to_string()),
            pair("unplaced_detections", counts.unplaced_detections.to_string()),
            pair("strange_tracks", counts.strange_tracks.to_string()),
        ],
    }
}

/// The status as a message of its own; `cycle_ms` as for [`diagnose`].
#[must_use]
pub fn report(header: Header, status: &Status, cycle_ms: f64) -> AvoidanceStatus {
    AvoidanceStatus {
        header,
        state: match status.state {
            State::Cruise => AvoidanceStatus::CRUISE,
            State::Avoiding => AvoidanceStatus::AVOIDING,
            State::Braking => AvoidanceStatus::BRAKING,
            State::Hover(_) => AvoidanceStatus::HOVER,
            State::Scanning => AvoidanceStatus::SCANNING,
            State::Stuck => AvoidanceStatus::STUCK,
            State::GoalReached => AvoidanceStatus::GOAL_REACHED,
            State::InputStale(_) => AvoidanceStatus::INPUT_STALE,
        },
        reason: status.state.reason().into(),
        depth_age: status.depth_age_s,
        scan_age: status.scan_age_s,
        points_age: status.points_age_s,
        odometry_age: status.odometry_age_s,
        tracks_age: status.tracks_age_s,
        detections_age: status.detections_age_s,
        cycle_time: cycle_ms * 1e-3,
        certified_stop_distance: status.certified_stop_m,
        nearest_range: status.nearest_range_m,
        speed_limit: status.speed_cap_mps,
        valid_fraction: status.valid_fraction,
        candidates_tried: status.candidates_tried,
    }
}

/// The ring of distances, in base_link made level; `period` is the time between two of them, s.
#[must_use]
pub fn scan(header: Header, ring: &[f32; BINS], nearest: f64, range: f64, period: f64) -> LaserScan {
    let step = std::f32::consts::TAU / BINS as f32;
    LaserScan {
        header,
        angle_min: 0.0,
        angle_max: step * (BINS - 1) as f32,
        angle_increment: step,
        time_increment: 0.0,
        scan_time: period as f32,
        range_min: nearest as f32,
        range_max: range as f32,
        ranges: ring.to_vec(),
        intensities: Vec::new(),
    }
}

/// What an operator wants to see, in odom: goal, next leg, the path certified with its stop, mapped obstacles, and what
/// moves. `path` is working memory.
#[must_use]
pub fn markers(
    header: &Header,
    planner: &Planner,
    state: State,
    ring: &[f32; BINS],
    path: &mut Vec<Vec3>,
) -> MarkerArray {
    let colour = match state {
        State::Cruise | State::GoalReached => rgb(0.2, 0.8, 0.2),
        State::Avoiding => rgb(0.2, 0.5, 1.0),
        State::InputStale(_) => rgb(1.0, 0.1, 0.1),
        _ => rgb(1.0, 0.7, 0.1),
    };
    let made = |id: i32, ns: &str, kind: i32, scale: f64, color: &ColorRGBA, points: Vec<Point>| Marker {
        header: header.clone(),
        ns: ns.into(),
        id,
        r#type: kind,
        // Nothing to show takes away what was shown.
        action: if points.is_empty() { Marker::DELETE } else { Marker::ADD },
        pose: Pose { orientation: Quaternion { w: 1.0, ..Default::default() }, ..Default::default() },
        scale: Vector3 { x: scale, y: scale, z: scale },
        color: color.clone(),
        lifetime: Duration { sec: 1, nanosec: 0 },
        points,
        ..Default::default()
    };
    let goal: Vec<Point> = planner.goal().map(point).into_iter().collect();
    let here = planner.odometry().map(|o| o.pose);
    let leg = match (planner.waypoint(), here) {
        (Some((x, y)), Some(pose)) if state != State::GoalReached => {
            vec![point(pose.position), point(Vec3::new(x, y, pose.position.z))]
        }
        _ => Vec::new(),
    };
    planner.path(path);
    let way = if path.len() > 1 { path.iter().copied().map(point).collect() } else { Vec::new() };
    let seen = here.map_or_else(Vec::new, |pose| {
        let yaw = pose.rotation.yaw();
        let bins = ring.iter().enumerate().filter(|(_, r)| r.is_finite());
        bins.map(|(i, range)| {
            let (sin, cos) = (yaw + i as f64 * std::f64::consts::TAU / BINS as f64).sin_cos();
            point(pose.position + Vec3::new(cos, sin, 0.0) * f64::from(*range))
        })
        .collect()
    });
    // A second of each one's way.
    let moving = planner
        .tracks()
        .flat_map(|t| [point(t.position), point(t.position + t.velocity)])
        .collect::<Vec<_>>();
    MarkerArray {
        markers: vec![
            made(0, "goal", Marker::SPHERE_LIST, 0.4, &rgb(0.9, 0.2, 0.9), goal),
            made(1, "leg", Marker::LINE_STRIP, 0.05, &rgb(0.9, 0.9, 0.2), leg),
            made(2, "certified", Marker::LINE_STRIP, 0.1, &colour, way),
            made(3, "obstacles", Marker::SPHERE_LIST, 0.15, &rgb(0.9, 0.3, 0.1), seen),
            made(4, "tracks", Marker::LINE_LIST, 0.08, &rgb(0.6, 0.3, 0.1), moving),
        ],
    }
}

fn rgb(r: f32, g: f32, b: f32) -> ColorRGBA {
    ColorRGBA { r, g, b, a: 1.0 }
}

fn point(at: Vec3) -> Point {
    Point { x: at.x, y: at.y, z: at.z }
}
