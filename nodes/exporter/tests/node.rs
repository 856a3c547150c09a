//! The node: pictures leave hidden, with what was found in them, or not at all.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::sync::{Arc, Mutex};

use peregrine::prelude::*;
use peregrine::{App, Mode, NodeFactory, NodeSpec, ParamValue};
use peregrine_exporter::ExporterNode;
use peregrine_msgs::diagnostic_msgs::{DiagnosticArray, DiagnosticStatus};
use peregrine_msgs::std_msgs::Header;
use peregrine_msgs::vision_msgs::{
    Detection2D, Detection2DArray, LabelInfo, ObjectHypothesisWithPose, VisionClass,
};

const SIDE: u32 = 64;

#[derive(Default)]
struct Seen {
    pictures: Vec<(i64, Vec<u8>)>,
    last: Option<DiagnosticStatus>,
}

struct Plan {
    labels: Vec<&'static str>,
    /// Another model from this tenth of a second on, and what it knows.
    later: Option<(i64, Vec<&'static str>)>,
    /// Of every tenth of a second: whether the detector answers, and whether it finds the person.
    answers: fn(i64) -> Option<bool>,
    /// Sides of the person's box, pixels.
    size: (f64, f64),
    seen: Mutex<Seen>,
}

/// A camera at 10 Hz and a detector that answers as planned.
struct Robot {
    plan: Arc<Plan>,
    images: FramePublisher,
    detections: Publisher<Detection2DArray>,
    labels: Publisher<LabelInfo>,
    frame: i64,
}

impl Node for Robot {
    const NAME: &'static str = "robot";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        let plan: Arc<Plan> = setup.extension().unwrap();
        let (a, b) = (plan.clone(), plan.clone());
        setup.subscribe_frames(
            "exporter/image",
            FramePolicy::KeepLast(4),
            move |_: &mut Self, _: &Context, frame: &Frame| {
                a.seen.lock().unwrap().pictures.push((frame.stamp_ns(), frame.bytes().to_vec()));
                Ok(())
            },
        )?;
        setup.subscribe(
            "/diagnostics",
            Qos::KeepLast(10),
            move |_: &mut Self, _: &Context, m: &DiagnosticArray| {
                b.seen.lock().unwrap().last = m.status.first().cloned();
                Ok(())
            },
        )?;
        setup.drive_clock(Self::step)?;
        Ok(Self {
            plan,
            images: setup
                .publish_frames("image_raw", FrameSlots { slots: 8, bytes: (3 * SIDE * SIDE) as usize })?,
            detections: setup.publish("detections", Qos::Sensor)?,
            labels: setup.publish("label_info", Qos::Latched)?,
            frame: 0,
        })
    }
}

fn pixel(index: usize) -> u8 {
    ((index as u32).wrapping_mul(2_654_435_761) >> 24) as u8
}

impl Robot {
    fn step(&mut self, ctx: &Context) -> Result<Advance> {
        self.frame += 1;
        let now = Time(self.frame * 100_000_000);
        let later = self.plan.later.as_ref().filter(|(frame, _)| *frame == self.frame);
        if let Some(labels) =
            (self.frame == 1).then_some(&self.plan.labels).or(later.map(|(_, labels)| labels))
        {
            let class = |(class_id, name): (usize, &&str)| VisionClass {
                class_id: class_id as u16,
                class_name: (*name).into(),
            };
            let class_map = labels.iter().enumerate().map(class).collect();
            let header = Header { stamp: now.to_msg(), frame_id: String::new() };
            self.labels.send(ctx, LabelInfo { header, class_map, ..LabelInfo::default() })?;
        }
        let spec = ImageSpec::packed(SIDE, SIDE, Encoding::Rgb8, "eye");
        if let Some(mut loan) = self.images.loan(&spec)? {
            loan.bytes_mut().iter_mut().enumerate().for_each(|(index, byte)| *byte = pixel(index));
            loan.set_stamp(now.0);
            self.images.send(ctx, loan)?;
        }
        // The answer to the frame before: a detector takes its time.
        let of = self.frame - 1;
        if let Some(found) = (self.plan.answers)(of) {
            let header = Header { stamp: Time(of * 100_000_000).to_msg(), frame_id: "eye".into() };
            let mut detection = Detection2D { header: header.clone(), ..Detection2D::default() };
            let mut result = ObjectHypothesisWithPose::default();
            result.hypothesis.class_id = "person".into();
            detection.results.push(result);
            (detection.bbox.center.position.x, detection.bbox.center.position.y) = (32.0, 32.0);
            (detection.bbox.size_x, detection.bbox.size_y) = self.plan.size;
            let detections = if found { vec![detection] } else { Vec::new() };
            self.detections.send(ctx, Detection2DArray { header, detections })?;
        }
        Ok(if self.frame >= 40 { Advance::Finished } else { Advance::To(now) })
    }
}

fn run(labels: &[&'static str], answers: fn(i64) -> Option<bool>) -> Seen {
    run_two(labels, None, answers, WHOLE)
}

/// Somebody from head to foot, and head and shoulders.
const WHOLE: (f64, f64) = (20.0, 40.0);
const HALF: (f64, f64) = (20.0, 30.0);

fn run_two(
    labels: &[&'static str],
    later: Option<(i64, Vec<&'static str>)>,
    answers: fn(i64) -> Option<bool>,
    size: (f64, f64),
) -> Seen {
    let plan = Arc::new(Plan { labels: labels.to_vec(), later, answers, size, seen: Mutex::default() });
    let mut app = App::new(Mode::Lockstep { threads: 1 });
    app.extend(plan.clone());
    app.add(NodeFactory::of::<Robot>(), NodeSpec::new("robot")).unwrap();
    let exporter = NodeSpec::new("exporter").with_param("rate", ParamValue::Double(0.0));
    app.add(NodeFactory::of::<ExporterNode>(), exporter).unwrap();
    let report = app.run().unwrap();
    assert!(report.nodes.iter().all(|node| node.errors == 0), "{:?}", report.nodes);
    std::mem::take(&mut *plan.seen.lock().unwrap())
}

/// Bytes of the box that are those of the camera.
fn bare(picture: &[u8]) -> usize {
    let (left, right, top, bottom) = (22, 42, 17, 47);
    let inside = (top..bottom).flat_map(|y| (3 * left..3 * right).map(move |x| y * 3 * SIDE as usize + x));
    inside.filter(|index| picture[*index] == pixel(*index)).count()
}

#[test]
fn people_are_hidden_and_what_nobody_looked_at_is_withheld() {
    // Of three frames the detector answers two, and in every other answer it misses the person.
    let seen = run(&["person", "car"], |frame| (frame % 3 != 0).then_some(frame % 2 == 0));
    let stamps: Vec<i64> = seen.pictures.iter().map(|(stamp, _)| stamp / 100_000_000).collect();
    assert!(stamps.len() > 20 && stamps.iter().all(|frame| frame % 3 != 0), "{stamps:?}");
    for (stamp, picture) in &seen.pictures {
        let outside = picture[..3 * 64 * 4].iter().enumerate().all(|(index, byte)| *byte == pixel(index));
        assert!(outside, "what is not in a box stays as it is");
        // The very first answer is a miss: nobody was known yet.
        if *stamp > 200_000_000 {
            assert!(bare(picture) < 3 * 20 * 30 / 20, "{stamp}: {} bytes are bare", bare(picture));
        }
    }
    let last = seen.last.unwrap();
    assert!(last.level == DiagnosticStatus::OK && last.message == "hides person", "{last:?}");
    let value = |key: &str| last.values.iter().find(|v| v.key == key).unwrap().value.parse::<u64>().unwrap();
    assert!(value("withheld") >= 9 && value("boxes_hidden") >= 20, "{last:?}");
}

/// Of half of somebody a mosaic would leave a face of many cells: nothing is left.
#[test]
fn a_mosaic_is_for_whole_people_and_half_ones_are_grey() {
    let colours = |size| {
        let seen = run_two(&["person"], None, |_| Some(true), size);
        let (_, picture) = seen.pictures.last().unwrap();
        let row = 3 * (32 * SIDE as usize + 24);
        picture[row..row + 3 * 16].iter().copied().collect::<std::collections::BTreeSet<u8>>()
    };
    assert!(colours(WHOLE).len() > 3, "a mosaic has its colours");
    assert_eq!(colours(HALF), std::collections::BTreeSet::from([110]));
}

#[test]
fn a_detector_that_knows_no_people_or_says_nothing_lets_nothing_out() {
    let seen = run(&["tree", "car"], |_| Some(false));
    assert!(seen.pictures.is_empty());
    let last = seen.last.unwrap();
    assert!(last.level == DiagnosticStatus::ERROR && last.message.contains("knows none of"), "{last:?}");
    let seen = run(&["person"], |_| None);
    assert!(seen.pictures.is_empty());
    let last = seen.last.unwrap();
    assert!(
        last.values.iter().any(|v| v.key == "withheld" && v.value.parse::<u64>().unwrap() > 10),
        "{last:?}"
    );
}

/// The answer to a picture of before may be the former model's or the new one's: that picture stays.
#[test]
fn between_two_models_nothing_leaves() {
    let seen = run_two(&["car", "person"], Some((20, vec!["person", "face"])), |_| Some(false), WHOLE);
    let stamps: Vec<i64> = seen.pictures.iter().map(|(stamp, _)| stamp / 100_000_000).collect();
    assert!(stamps.contains(&18) && !stamps.contains(&19) && stamps.contains(&20), "{stamps:?}");
    assert_eq!(seen.last.unwrap().message, "hides face, person");
}

#[test]
fn parameters_that_hide_nothing_are_refused() {
    for (key, value, code) in [
        ("classes", ParamValue::StringArray(vec![]), "PG-2203"),
        ("hide", ParamValue::String("a bit".into()), "PG-2202"),
    ] {
        let mut app = App::new(Mode::Lockstep { threads: 1 });
        let spec = NodeSpec::new("exporter").with_param(key, value);
        let error = app.add(NodeFactory::of::<ExporterNode>(), spec).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(code), "{error}");
    }
}
