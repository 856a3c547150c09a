//! What is noted down of a flight, topic by topic.

use std::collections::{BTreeMap, BTreeSet};

use peregrine_core::AnyMessage;
use peregrine_msgs::diagnostic_msgs::{DiagnosticArray, DiagnosticStatus};
use peregrine_msgs::geometry_msgs::{PoseStamped, TwistStamped};
use peregrine_msgs::nav_msgs::Odometry;
use peregrine_msgs::std_msgs::{Float64, UInt32};
use peregrine_msgs::vision_msgs::{Detection2D, Detection2DArray, LabelInfo};
use peregrine_msgs::visualization_msgs::{Marker, MarkerArray};
use peregrine_safety_filter::algo::filter::Cause;
use peregrine_sim::dataset::{CLASSES, class_named, reach_m};

use super::pictures::Pictures;
use super::progress::Progress;
use crate::report::score::{FoundBox, Rect, Scorer, TrueBox, Verdict};
use crate::report::{CommandSample, Contact, DetectionSample, Obstacle, Outline, PathSample, StateChange};

/// The least share of a thing that must be seen for a miss to count: below it the box is ignored.
const MIN_VISIBLE: f64 = 0.5;
/// Overlap that makes a detection right.
const MIN_IOU: f64 = 0.5;
/// Seconds between samples of the path.
const PATH_PERIOD: f64 = 0.05;

/// What to do besides noting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Watch {
    /// Show a line of progress.
    pub progress: bool,
    /// Keep some camera frames for the report.
    pub keep_frames: bool,
}

/// The growing notes.
#[derive(Debug)]
pub struct Notes {
    pub(super) path: Vec<PathSample>,
    pub(super) length_m: f64,
    pub(super) commands: Vec<CommandSample>,
    pub(super) contacts: Vec<Contact>,
    pub(super) collisions: u64,
    pub(super) obstacles: Vec<Obstacle>,
    pub(super) goal: Option<[f64; 3]>,
    pub(super) detections: Vec<DetectionSample>,
    pub(super) scorer: Scorer,
    pub(super) states: Vec<StateChange>,
    /// How often each cause made the safety filter change a command, as it told last.
    pub(super) interventions: BTreeMap<String, u64>,
    /// Milliseconds from the photon to a publication on a topic, by topic.
    pub(super) ages_ms: BTreeMap<String, Vec<f64>>,
    pub(super) min_clearance: Option<f64>,
    pub(super) least_goal_distance: f64,
    pub(super) model: String,
    pub(super) backend: String,
    pub(super) backend_report: String,
    pub(super) pictures: Pictures,
    pub(super) progress: Progress,
    clearance: Option<f64>,
    truths: BTreeMap<i64, Vec<TrueBox>>,
    /// The classes of the model that runs.
    classes: BTreeSet<String>,
    last: Option<[f64; 3]>,
}

impl Default for Notes {
    fn default() -> Self {
        Self::new(Watch::default())
    }
}

impl Notes {
    /// Empty notes.
    pub fn new(watch: Watch) -> Self {
        Self {
            path: Vec::new(),
            length_m: 0.0,
            commands: Vec::new(),
            contacts: Vec::new(),
            collisions: 0,
            obstacles: Vec::new(),
            goal: None,
            detections: Vec::new(),
            scorer: Scorer::new(MIN_IOU, MIN_VISIBLE),
            states: Vec::new(),
            interventions: BTreeMap::new(),
            ages_ms: BTreeMap::new(),
            min_clearance: None,
            least_goal_distance: f64::INFINITY,
            model: "none".into(),
            backend: "none".into(),
            backend_report: String::new(),
            pictures: Pictures::new(watch.keep_frames),
            progress: Progress::new(watch.progress),
            clearance: None,
            truths: BTreeMap::new(),
            classes: BTreeSet::new(),
            last: None,
        }
    }

    /// Finishes the line of progress.
    pub fn end_progress(&mut self) {
        self.progress.end();
    }

    /// Notes down one publication.
    pub(super) fn hear(&mut self, any: &AnyMessage<'_>) {
        let t = any.time().as_secs_f64();
        if let Some(origin) = any.origin() {
            let age = (any.published_ns() - origin.entered_ns) as f64 * 1e-6;
            self.ages_ms.entry(any.topic().to_owned()).or_default().push(age);
        }
        match any.topic() {
            "/sim/state" => any.as_message::<Odometry>().map(|m| self.moved(t, m)),
            "/sim/clearance" => any.as_message::<Float64>().map(|m| self.clear(m.data)),
            "/sim/contacts" => any.as_message::<UInt32>().map(|m| self.touched(t, u64::from(m.data))),
            "/sim/goal" => any.as_message::<PoseStamped>().map(|m| {
                let p = &m.pose.position;
                self.goal = Some([p.x, p.y, p.z]);
            }),
            "/sim/obstacles" => any.as_message::<MarkerArray>().map(|m| {
                self.obstacles = m.markers.iter().filter_map(outline).collect();
            }),
            "/sim/boxes" => any.as_message::<Detection2DArray>().map(|m| {
                let truths =
                    m.detections.iter().map(true_box).filter_map(|b| asked(b, &self.classes)).collect();
                self.truths.insert(m.header.stamp.to_nanos(), truths);
                while self.truths.len() > 64 {
                    self.truths.pop_first();
                }
            }),
            "/label_info" => any.as_message::<LabelInfo>().map(|m| {
                self.classes = m.class_map.iter().map(|class| class.class_name.clone()).collect();
            }),
            "/camera/image_raw" => any.as_frame().map(|frame| self.pictures.keep(frame)),
            "/detections" => any.as_message::<Detection2DArray>().map(|m| self.detected(t, m)),
            "/detector/status" => any.as_message::<DiagnosticArray>().map(|m| self.runs_on(m)),
            "/avoidance/status" => any.as_message::<DiagnosticArray>().map(|m| self.state(t, m)),
            "/safety_filter/status" => any.as_message::<DiagnosticArray>().map(|m| self.filtered(m)),
            "/cmd_vel" => any.as_message::<TwistStamped>().map(|m| self.commanded(t, m)),
            _ => None,
        };
        self.progress.photon_to_command(any.topic(), &self.ages_ms);
    }

    fn moved(&mut self, t: f64, odometry: &Odometry) {
        let p = &odometry.pose.pose.position;
        let here = [p.x, p.y, p.z];
        if let Some(before) = self.last {
            self.length_m += distance(before, here);
        }
        self.last = Some(here);
        let v = &odometry.twist.twist.linear;
        let speed = (v.x * v.x + v.y * v.y + v.z * v.z).sqrt();
        if self.path.last().is_none_or(|s| t - s.t >= PATH_PERIOD) {
            self.path.push(PathSample { t, x: p.x, y: p.y, z: p.z, speed, clearance: self.clearance });
        }
        if let Some(goal) = self.goal {
            // Over the ground: the flight keeps its height by itself.
            let to_goal = (goal[0] - p.x).hypot(goal[1] - p.y);
            self.least_goal_distance = self.least_goal_distance.min(to_goal);
        }
        self.progress.show(t, here, self.detections.len(), self.clearance);
    }

    fn clear(&mut self, metres: f64) {
        if metres.is_finite() {
            self.clearance = Some(metres);
            self.min_clearance = Some(self.min_clearance.map_or(metres, |m| m.min(metres)));
        }
    }

    fn touched(&mut self, t: f64, episodes: u64) {
        if episodes > self.collisions {
            let [x, y, _] = self.last.unwrap_or_default();
            self.contacts.push(Contact { t, x, y, with: String::new() });
        }
        self.collisions = episodes;
    }

    fn commanded(&mut self, t: f64, command: &TwistStamped) {
        let v = &command.twist.linear;
        self.commands.push(CommandSample { t, velocity: [v.x, v.y, v.z], yaw_rate: command.twist.angular.z });
    }

    fn detected(&mut self, t: f64, message: &Detection2DArray) {
        let found: Vec<FoundBox> = message.detections.iter().filter_map(found_box).collect();
        let stamp = message.header.stamp.to_nanos();
        // Without the simulator's boxes nothing can be said of right and wrong.
        let verdicts = match self.truths.get(&stamp) {
            Some(truths) => self.scorer.add_frame(&found, truths),
            None => vec![Verdict::Ignored; found.len()],
        };
        self.pictures.detected(stamp, &found, &verdicts);
        let samples = found.into_iter().zip(verdicts);
        let sample = |(b, verdict): (FoundBox, Verdict)| DetectionSample {
            t,
            class: b.class,
            score: b.score,
            verdict,
        };
        self.detections.extend(samples.map(sample));
    }

    fn runs_on(&mut self, message: &DiagnosticArray) {
        let Some(status) = message.status.first() else { return };
        self.model = value(status, "model").unwrap_or("unknown").to_owned();
        self.backend = value(status, "backend").unwrap_or("unknown").to_owned();
        self.backend_report = status.message.clone();
    }

    fn filtered(&mut self, message: &DiagnosticArray) {
        let Some(status) = message.status.first() else { return };
        let counts = Cause::ALL.iter().map(|cause| cause.name());
        let told = counts.filter_map(|name| Some((name, value(status, name)?.parse().ok()?)));
        self.interventions = told.filter(|(_, n)| *n > 0).map(|(name, n)| (name.to_owned(), n)).collect();
    }

    fn state(&mut self, t: f64, message: &DiagnosticArray) {
        let Some(state) = message.status.first().and_then(|s| value(s, "state")) else { return };
        if self.states.last().is_none_or(|last| last.state != state) {
            self.states.push(StateChange { t, state: state.to_owned() });
        }
    }
}

fn value<'m>(status: &'m DiagnosticStatus, key: &str) -> Option<&'m str> {
    status.values.iter().find(|pair| pair.key == key).map(|pair| pair.value.as_str())
}

fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}

fn rect(detection: &Detection2D) -> Rect {
    let (width, height) = (detection.bbox.size_x, detection.bbox.size_y);
    let centre = &detection.bbox.center.position;
    Rect { x: centre.x - width / 2.0, y: centre.y - height / 2.0, width, height }
}

fn found_box(detection: &Detection2D) -> Option<FoundBox> {
    let best = detection.best_hypothesis()?;
    Some(FoundBox { class: best.class_id.clone(), score: best.score, rect: rect(detection) })
}

/// The simulator's box: the score is the visible share, the pose the thing's place before the camera.
fn true_box(detection: &Detection2D) -> TrueBox {
    let result = detection.results.first();
    let place = result.map(|r| &r.pose.pose.position);
    TrueBox {
        class: result.map(|r| r.hypothesis.class_id.clone()).unwrap_or_default(),
        rect: rect(detection),
        visible: result.map_or(0.0, |r| r.hypothesis.score),
        distance_m: place.map(|p| distance([p.x, p.y, p.z], [0.0; 3])),
    }
}

/// A true box as the model could name it: nobody finds what is none of its classes. A model of the simulator's own classes
/// calls a car a vehicle, and is not asked for what lies beyond the reach of its training. Before the classes are known the
/// box stays as it is.
fn asked(truth: TrueBox, classes: &BTreeSet<String>) -> Option<TrueBox> {
    if classes.is_empty() || classes.contains(&truth.class) && truth.class != "tree" {
        return Some(truth);
    }
    let number = class_named(&truth.class)?;
    let class = CLASSES[number].to_owned();
    let near = truth.distance_m.is_none_or(|metres| metres <= reach_m(number));
    let visible = if near { truth.visible } else { 0.0 };
    classes.contains(&class).then_some(TrueBox { class, visible, ..truth })
}

/// An obstacle seen from above. Crowns hang above the flight and would hide it.
fn outline(marker: &Marker) -> Option<Obstacle> {
    let p = &marker.pose.position;
    let q = &marker.pose.orientation;
    let class = match marker.ns.as_str() {
        "crown" => return None,
        "trunk" => "tree",
        _ if marker.text.is_empty() => marker.ns.as_str(),
        _ => marker.text.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_'),
    };
    let outline = match marker.r#type {
        Marker::CUBE => Outline::Box {
            x: p.x,
            y: p.y,
            length: marker.scale.x,
            width: marker.scale.y,
            yaw: (2.0 * (q.w * q.z + q.x * q.y)).atan2(1.0 - 2.0 * (q.y * q.y + q.z * q.z)),
        },
        _ => Outline::Circle { x: p.x, y: p.y, radius: marker.scale.x / 2.0 },
    };
    Some(Obstacle { class: class.replace('_', " "), outline })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_asked_for_its_own_classes_alone() {
        let truth = |class: &str, metres: f64| TrueBox {
            class: class.to_owned(),
            rect: Rect::default(),
            visible: 0.9,
            distance_m: Some(metres),
        };
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let (coco, own) = (set(&["person", "car", "stop sign"]), set(&CLASSES));
        let name = |b: TrueBox, classes: &BTreeSet<String>| asked(b, classes).map(|b| b.class);
        assert_eq!(name(truth("car", 5.0), &coco).as_deref(), Some("car"));
        assert_eq!(name(truth("tree", 5.0), &coco), None);
        assert_eq!(name(truth("stop sign", 5.0), &own), None);
        assert_eq!(name(truth("car", 5.0), &own).as_deref(), Some("vehicle"));
        assert_eq!(name(truth("person", 50.0), &own).as_deref(), Some("person"));
        assert_eq!(asked(truth("tree", 5.0), &own).unwrap().visible, 0.9);
        assert_eq!(asked(truth("tree", 30.0), &own).unwrap().visible, 0.0, "beyond its reach");
        assert_eq!(name(truth("tree", 5.0), &BTreeSet::new()).as_deref(), Some("tree"));
    }
}
