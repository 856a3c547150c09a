//! What is kept of a flight, in plain data: enough to draw the report, nothing that ties it to a run.
//!
//! World frame ENU (x east, y north, z up), metres, seconds of simulated time, milliseconds of wall time.

use serde::{Deserialize, Serialize};

use super::score::ScoreTable;

/// A flight, from take-off to its end.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FlightRecord {
    /// How the flight can be flown again.
    pub facts: RunFacts,
    /// The figures of the whole flight.
    pub summary: Summary,
    /// Where it began: x, y in metres.
    pub start: [f64; 2],
    /// Where it should end: x, y in metres.
    pub goal: [f64; 2],
    /// Distance at which the goal counts as reached, metres.
    pub goal_radius_m: f64,
    /// Radius of the vehicle seen from above, metres.
    pub body_radius_m: f64,
    /// Clearance that avoidance promises to keep, metres from hull to obstacle; 0 draws no line.
    pub safe_clearance_m: f64,
    /// What stands in the world, seen from above.
    pub obstacles: Vec<Obstacle>,
    /// The flown path, in order of time.
    pub path: Vec<PathSample>,
    /// The commands, in order of time.
    pub commands: Vec<CommandSample>,
    /// Where the vehicle touched something.
    pub contacts: Vec<Contact>,
    /// What the network reported, in order of time.
    pub detections: Vec<DetectionSample>,
    /// Detections counted against the simulator's boxes.
    pub score: ScoreTable,
    /// Wall time per hop, in the order of the frame's way.
    pub latency: Vec<Hop>,
    /// When avoidance changed its state, in order of time.
    pub states: Vec<StateChange>,
    /// A few camera frames with the boxes drawn in.
    pub frames: Vec<AnnotatedFrame>,
}

/// What is needed to fly the same flight again.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunFacts {
    /// Name or file of the world.
    pub world: String,
    /// Seed of world and noise.
    pub seed: u64,
    /// Name of the model.
    pub model: String,
    /// What ran it, with its version.
    pub backend: String,
    /// Version of Peregrine.
    pub version: String,
    /// `lockstep` or `realtime`.
    pub clock: String,
    /// The exact command line.
    pub command_line: String,
    /// SHA-256 over every message of every topic; empty where it was not taken.
    pub topic_log_sha256: String,
    /// More facts, in the order given: name and value.
    pub more: Vec<(String, String)>,
}

/// The figures of the whole flight; the same as `demo --json` prints.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Summary {
    /// Whether the vehicle came within the goal's radius.
    pub reached_goal: bool,
    /// How often it touched something.
    pub collisions: u64,
    /// Least distance from hull to obstacle in metres; none without obstacles.
    pub min_clearance_m: Option<f64>,
    /// Length of the flown path in metres.
    pub path_length_m: f64,
    /// Simulated seconds.
    pub sim_seconds: f64,
    /// Seconds on the wall.
    pub wall_seconds: f64,
    /// Simulated by wall seconds.
    pub real_time_factor: f64,
    /// Camera frames published.
    pub frames: u64,
    /// Frames that some reader missed.
    pub frames_dropped: u64,
    /// Boxes that the network reported.
    pub detections: u64,
    /// Age of the photons when the command that they led to was sent, in milliseconds of wall time.
    pub photon_to_command_ms: Option<Percentiles>,
}

/// Median and 99th percentile.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    /// Half of the samples are below.
    pub p50: f64,
    /// 99 % of the samples are below.
    pub p99: f64,
}

impl Percentiles {
    /// Of finite samples in any order, by nearest rank; none of no samples.
    pub fn of(samples: &[f64]) -> Option<Self> {
        let mut sorted: Vec<f64> = samples.iter().copied().filter(|sample| sample.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let rank = |share: f64| {
            let at = (share * sorted.len() as f64).ceil() as usize;
            sorted.get(at.clamp(1, sorted.len().max(1)) - 1).copied()
        };
        Some(Self { p50: rank(0.5)?, p99: rank(0.99)? })
    }
}

/// Something that stands in the world.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Obstacle {
    /// What it is: `tree`, `stop sign`, `car`.
    pub class: String,
    /// Its outline from above.
    pub outline: Outline,
}

/// An outline from above, metres.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outline {
    /// A disc.
    Circle {
        /// Centre, east.
        x: f64,
        /// Centre, north.
        y: f64,
        /// Radius.
        radius: f64,
    },
    /// A box turned about the vertical.
    Box {
        /// Centre, east.
        x: f64,
        /// Centre, north.
        y: f64,
        /// Along its own x axis.
        length: f64,
        /// Along its own y axis.
        width: f64,
        /// From east towards north, radians.
        yaw: f64,
    },
}

/// One point of the path.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct PathSample {
    /// Simulated seconds.
    pub t: f64,
    /// East, metres.
    pub x: f64,
    /// North, metres.
    pub y: f64,
    /// Up, metres.
    pub z: f64,
    /// Metres a second.
    pub speed: f64,
    /// Metres from hull to the nearest obstacle; none without obstacles.
    pub clearance: Option<f64>,
}

/// One command, body frame FLU.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct CommandSample {
    /// Simulated seconds.
    pub t: f64,
    /// Forward, left, up: metres a second.
    pub velocity: [f64; 3],
    /// Radians a second, to the left.
    pub yaw_rate: f64,
}

/// One touch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Contact {
    /// Simulated seconds.
    pub t: f64,
    /// East, metres.
    pub x: f64,
    /// North, metres.
    pub y: f64,
    /// What was touched.
    pub with: String,
}

/// One box that the network reported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DetectionSample {
    /// Simulated seconds.
    pub t: f64,
    /// Its class.
    pub class: String,
    /// Confidence, 0 to 1.
    pub score: f64,
    /// What the simulator's boxes say.
    pub verdict: super::score::Verdict,
}

/// The wall time of one hop of a frame's way.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Hop {
    /// From where to where.
    pub name: String,
    /// Milliseconds, in any order.
    pub samples_ms: Vec<f64>,
}

/// Avoidance entered a state.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StateChange {
    /// Simulated seconds.
    pub t: f64,
    /// The state entered: `cruise`, `avoid`, `brake`.
    pub state: String,
}

/// A camera frame with its boxes drawn in.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AnnotatedFrame {
    /// Simulated seconds.
    pub t: f64,
    /// A sentence about it; may be empty.
    pub caption: String,
    /// A whole PNG or JPEG file.
    pub image: Vec<u8>,
    /// The labels drawn in, the best first.
    pub labels: Vec<FrameLabel>,
}

/// What one drawn box says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrameLabel {
    /// Its class.
    pub class: String,
    /// Confidence, 0 to 1.
    pub score: f64,
    /// What the simulator's boxes say.
    pub verdict: super::score::Verdict,
}
