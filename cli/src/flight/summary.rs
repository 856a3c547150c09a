//! The end of a flight in figures: for people, for scripts, and for the report.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use peregrine_core::RunReport;
use serde_json::{Value, json};

use super::notes::Notes;
use crate::report::score::{ClassScore, ScoreTable};
use crate::report::{FlightRecord, Hop, Percentiles, RunFacts};

/// Distance over the ground at which the goal counts as reached, metres.
pub const GOAL_RADIUS_M: f64 = 1.5;
/// Radius of the vehicle, metres.
const BODY_RADIUS_M: f64 = 0.25;

/// What `demo --json` prints.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The figures that the report shows too.
    pub figures: crate::report::Summary,
    /// The network's detections against the simulator's boxes.
    pub score: ScoreTable,
    /// How often each cause made the safety filter change a command.
    pub interventions: BTreeMap<String, u64>,
    /// What ran the network.
    pub backend: String,
    /// The model's name.
    pub model: String,
    /// Hash of all topics; none in real time.
    pub topic_log_sha256: Option<String>,
    /// Seed of world and noise.
    pub seed: u64,
    /// The world's name or file.
    pub world: String,
    /// Whether the goal was reached.
    pub reached_goal: bool,
    /// How often something was touched.
    pub collisions: u64,
}

impl Summary {
    /// From the notes and the runtime's report; `wall` in seconds.
    pub fn new(notes: &mut Notes, run: &RunReport, wall: f64, seed: u64, world: &str) -> Self {
        let sim = run.time.as_secs_f64();
        let camera = run.topics.iter().filter(|t| t.frames && !t.name.starts_with("/sim/"));
        let (frames, dropped) = camera.fold((0, 0), |(f, d), t| (f + t.published, d + t.dropped));
        let reached_goal = notes.least_goal_distance <= GOAL_RADIUS_M;
        let figures = crate::report::Summary {
            reached_goal,
            collisions: notes.collisions,
            min_clearance_m: notes.min_clearance,
            path_length_m: notes.length_m,
            sim_seconds: sim,
            wall_seconds: wall,
            real_time_factor: if wall > 0.0 { sim / wall } else { 0.0 },
            frames,
            frames_dropped: dropped + run.failed_loans,
            detections: notes.detections.len() as u64,
            photon_to_command_ms: notes.ages_ms.get("/cmd_vel").and_then(|ages| Percentiles::of(ages)),
        };
        Self {
            collisions: notes.collisions,
            reached_goal,
            figures,
            score: notes.scorer.table(),
            interventions: notes.interventions.clone(),
            backend: notes.backend.clone(),
            model: notes.model.clone(),
            topic_log_sha256: run.topic_log_sha256.clone(),
            seed,
            world: world.to_owned(),
        }
    }

    /// For scripts.
    pub fn to_json(&self) -> Value {
        let f = &self.figures;
        let latency = f.photon_to_command_ms.map_or(Value::Null, |p| json!({"p50": p.p50, "p99": p.p99}));
        let total = self.score.total();
        let per_class: serde_json::Map<String, Value> =
            self.score.classes.iter().map(|c| (c.class.clone(), score(c))).collect();
        json!({
            "reached_goal": f.reached_goal,
            "collisions": f.collisions,
            "min_clearance_m": f.min_clearance_m,
            "path_length_m": f.path_length_m,
            "sim_seconds": f.sim_seconds,
            "wall_seconds": f.wall_seconds,
            "real_time_factor": f.real_time_factor,
            "frames": f.frames,
            "frames_dropped": f.frames_dropped,
            "detections": f.detections,
            "detection_score": {"all": score(&total), "classes": per_class,
                "min_iou": self.score.min_iou, "min_visible": self.score.min_visible},
            "safety_interventions": self.interventions,
            "backend": self.backend,
            "model": self.model,
            "photon_to_command_ms": latency,
            "topic_log_sha256": self.topic_log_sha256,
            "seed": self.seed,
            "world": self.world,
        })
    }

    /// What the safety filter did, in words.
    fn interventions(&self) -> String {
        if self.interventions.is_empty() {
            return "changed no command".into();
        }
        let causes: Vec<String> =
            self.interventions.iter().map(|(cause, n)| format!("{cause} {n}")).collect();
        causes.join(", ")
    }

    /// For people.
    pub fn to_text(&self) -> String {
        let f = &self.figures;
        let mut text = String::new();
        let verdict = match (f.reached_goal, f.collisions) {
            (true, 0) => "reached the goal without touching anything".to_owned(),
            (true, n) => format!("reached the goal, but touched something {n} times"),
            (false, 0) => "did not reach the goal".to_owned(),
            (false, n) => format!("did not reach the goal, and touched something {n} times"),
        };
        let clearance = f
            .min_clearance_m
            .map_or_else(|| "nothing near".into(), |m| format!("never closer than {m:.2} m"));
        let latency = f.photon_to_command_ms.map_or_else(
            || "no command came of a photon".into(),
            |p| format!("p50 {:.1} ms, p99 {:.1} ms", p.p50, p.p99),
        );
        let total = self.score.total();
        let share = |ratio: Option<f64>| ratio.map_or_else(|| "-".into(), |r| format!("{:.0} %", r * 100.0));
        // Writing to a String cannot fail.
        let _ = writeln!(text, "\n{verdict}  (world {}, seed {})", self.world, self.seed);
        let _ = writeln!(text, "  path          {:.1} m, {clearance}", f.path_length_m);
        let _ = writeln!(
            text,
            "  time          {:.1} s simulated in {:.1} s: {:.1}x real time",
            f.sim_seconds, f.wall_seconds, f.real_time_factor
        );
        let _ = writeln!(text, "  frames        {}, {} dropped", f.frames, f.frames_dropped);
        let _ = writeln!(
            text,
            "  detections    {} by {} on {}: precision {}, recall {} of what the simulator shows at least half",
            f.detections,
            self.model,
            self.backend,
            share(total.precision()),
            share(total.recall())
        );
        for class in &self.score.classes {
            let _ = writeln!(
                text,
                "    {:<14} {} of {} seen, {} false",
                class.class, class.hits, class.truths, class.false_alarms
            );
        }
        let _ = writeln!(text, "  safety filter {}", self.interventions());
        let _ = writeln!(text, "  latency       photon to command {latency} (wall)");
        if let Some(hash) = &self.topic_log_sha256 {
            let _ = writeln!(text, "  topic log     {hash}");
        }
        text
    }
}

fn score(class: &ClassScore) -> Value {
    json!({"truths": class.truths, "hits": class.hits, "false_alarms": class.false_alarms,
        "precision": class.precision(), "recall": class.recall()})
}

/// The hops of a frame's way: topic from, topic to, and how people call it.
const HOPS: &[(&str, &str, &str)] = &[
    ("/sim/depth/image", "/depth/image_raw", "depth image to camera node"),
    ("/depth/image_raw", "/cmd_vel_in", "camera node to planned command"),
    ("/cmd_vel_in", "/cmd_vel", "planned command to what the safety filter lets through"),
    ("/sim/depth/image", "/cmd_vel", "photon to command"),
    ("/sim/camera/image", "/camera/image_raw", "colour image to camera node"),
    ("/camera/image_raw", "/detections", "camera node to detections"),
    ("/detections", "/tracks", "detections to tracks"),
];

impl Notes {
    /// The record for the report. Takes the pictures out of the notes.
    pub fn record(&mut self, summary: &Summary, run: &RunReport, facts: RunFacts) -> FlightRecord {
        let start = self.path.first().map_or([0.0; 2], |s| [s.x, s.y]);
        let mut facts = RunFacts {
            model: summary.model.clone(),
            backend: self.backend_report.clone(),
            topic_log_sha256: summary.topic_log_sha256.clone().unwrap_or_default(),
            ..facts
        };
        facts.more.push((
            "nodes".into(),
            run.nodes.iter().map(|n| n.name.to_string()).collect::<Vec<_>>().join(" "),
        ));
        facts.more.push(("safety filter".into(), summary.interventions()));
        FlightRecord {
            facts,
            summary: summary.figures.clone(),
            start,
            goal: self.goal.map_or([0.0; 2], |g| [g[0], g[1]]),
            goal_radius_m: GOAL_RADIUS_M,
            body_radius_m: BODY_RADIUS_M,
            safe_clearance_m: 0.1,
            obstacles: self.obstacles.clone(),
            path: self.path.clone(),
            commands: self.commands.clone(),
            contacts: self.contacts.clone(),
            detections: self.detections.clone(),
            score: summary.score.clone(),
            latency: self.hops(),
            states: self.states.clone(),
            frames: self.pictures.annotate(),
        }
    }

    /// Wall time per hop. Ages grow along the way, so a hop is the difference of medians' samples in order.
    fn hops(&self) -> Vec<Hop> {
        let ages = |topic: &str| self.ages_ms.get(topic).map_or(&[][..], Vec::as_slice);
        HOPS.iter()
            .filter(|(_, to, _)| !ages(to).is_empty())
            .map(|(from, to, name)| {
                let (from, to) = (ages(from), ages(to));
                // Every frame gives one sample on each topic of its way, in the same order; a dropped frame has none.
                let samples_ms = if from.len() == to.len() {
                    to.iter().zip(from).map(|(to, from)| to - from).collect()
                } else {
                    to.to_vec()
                };
                Hop { name: (*name).to_owned(), samples_ms }
            })
            .collect()
    }
}
