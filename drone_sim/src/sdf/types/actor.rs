//! People and things that move along a script.

use nalgebra::Isometry3;

use super::Plugin;

/// `<actor>`.
#[derive(Debug, Clone, PartialEq)]
pub struct Actor {
    /// Its name.
    pub name: String,
    /// Its frame; the poses of the script are relative to it.
    pub pose: Isometry3<f64>,
    /// The file of its skin, as written.
    pub skin: Option<String>,
    /// Scale of the skin.
    pub skin_scale: f64,
    /// Whether the script starts again when it ends.
    pub repeats: bool,
    /// Pause before the script, and before each repetition, seconds.
    pub delay_start: f64,
    /// Whether it starts with the simulation.
    pub auto_start: bool,
    /// The ways it goes, by growing id.
    pub trajectories: Vec<Trajectory>,
    /// Its plugins.
    pub plugins: Vec<Plugin>,
}

/// `<trajectory>`.
#[derive(Debug, Clone, PartialEq)]
pub struct Trajectory {
    /// Orders the trajectories.
    pub id: i64,
    /// The animation that is played.
    pub kind: String,
    /// Tension of the spline through the waypoints, 0 (Catmull-Rom) to 1 (straight lines).
    pub tension: f64,
    /// By growing time.
    pub waypoints: Vec<Waypoint>,
}

/// `<waypoint>`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Waypoint {
    /// Seconds since the start of the script.
    pub time: f64,
    /// Where the actor is then, relative to its pose.
    pub pose: Isometry3<f64>,
}
