//! The node in an application, in lockstep: a small world publishes what a camera, a depth camera and a detector would.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::sync::{Arc, Mutex};

use peregrine::prelude::*;
use peregrine::{App, Mode, NodeFactory, NodeSpec, ParamMap, ParamValue, Params, RunReport};
use peregrine_msgs::diagnostic_msgs::DiagnosticArray;
use peregrine_msgs::nav_msgs::Odometry;
use peregrine_msgs::sensor_msgs::{CameraInfo, PointCloud2};
use peregrine_msgs::tracks::{TrackVelocity, read_velocities};
use peregrine_msgs::vision_msgs::{
    Detection2D, Detection2DArray, Detection3DArray, ObjectHypothesisWithPose,
};
use peregrine_tracker::TrackerNode;
use peregrine_tracker::params::TrackerParams;

/// Distance of the person's front, metres; it stands still while the vehicle flies towards it at 1 m/s.
const START: f64 = 9.0;
const PERIOD: i64 = 100_000_000;

#[derive(Default)]
struct Seen {
    tracks: Vec<Detection3DArray>,
    velocities: Vec<Vec<TrackVelocity>>,
    tracks_2d: Vec<Detection2DArray>,
    status: Vec<DiagnosticArray>,
}

#[derive(Clone, Copy, Default)]
struct Plan {
    /// Depth images have an encoding that is none of depth.
    nonsense: bool,
    /// Nothing tells the intrinsics.
    no_info: bool,
    /// The cameras are uncalibrated: K is all zero, as ROS says it.
    uncalibrated: bool,
    /// The detector says NaN and nothing else.
    nan: bool,
}

struct World {
    picture: i64,
    plan: Plan,
    depth: FramePublisher,
    depth_info: Publisher<CameraInfo>,
    info: Publisher<CameraInfo>,
    odometry: Publisher<Odometry>,
    detections: Publisher<Detection2DArray>,
}

impl Node for World {
    const NAME: &'static str = "world";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        let seen: Arc<Mutex<Seen>> = setup.extension().unwrap();
        let (a, b, c, d) = (seen.clone(), seen.clone(), seen.clone(), seen);
        setup.subscribe("tracks", Qos::Sensor, move |_: &mut Self, _: &Context, m: &Detection3DArray| {
            a.lock().unwrap().tracks.push(m.clone());
            Ok(())
        })?;
        setup.subscribe(
            "tracks/velocities",
            Qos::Sensor,
            move |_: &mut Self, _: &Context, m: &PointCloud2| {
                b.lock().unwrap().velocities.push(read_velocities(m).unwrap().collect());
                Ok(())
            },
        )?;
        setup.subscribe(
            "tracks_2d",
            Qos::Sensor,
            move |_: &mut Self, _: &Context, m: &Detection2DArray| {
                c.lock().unwrap().tracks_2d.push(m.clone());
                Ok(())
            },
        )?;
        setup.subscribe(
            "tracker/status",
            Qos::Reliable,
            move |_: &mut Self, _: &Context, m: &DiagnosticArray| {
                d.lock().unwrap().status.push(m.clone());
                Ok(())
            },
        )?;
        setup.drive_clock(Self::step)?;
        Ok(Self {
            picture: 0,
            plan: *setup.extension::<Plan>().unwrap(),
            depth: setup.publish_frames("depth/image_raw", FrameSlots { slots: 6, bytes: 320 * 240 * 4 })?,
            depth_info: setup.publish("depth/camera_info", Qos::Sensor)?,
            info: setup.publish("camera/camera_info", Qos::Sensor)?,
            odometry: setup.publish("odom", Qos::Sensor)?,
            detections: setup.publish("detections", Qos::Sensor)?,
        })
    }
}

fn info(f: f64, width: u32, height: u32) -> CameraInfo {
    let (cx, cy) = (f64::from(width) / 2.0 - 0.5, f64::from(height) / 2.0 - 0.5);
    let k = [f, 0.0, cx, 0.0, f, cy, 0.0, 0.0, 1.0];
    CameraInfo { width, height, k, ..Default::default() }
}

impl World {
    fn step(&mut self, ctx: &Context) -> Result<Advance> {
        self.picture += 1;
        if self.picture > 25 {
            return Ok(Advance::Finished);
        }
        let now = Time(self.picture * PERIOD);
        let stamp = now.to_msg();
        let flown = self.picture as f64 * 0.1;
        if !self.plan.no_info {
            let none = |mut info: CameraInfo| {
                if self.plan.uncalibrated {
                    info.k = [0.0; 9];
                }
                info
            };
            self.info.send(ctx, none(info(468.0, 640, 480)))?;
            self.depth_info.send(ctx, none(info(168.0, 320, 240)))?;
        }
        let mut odometry = Odometry::default();
        odometry.header.stamp = stamp.clone();
        odometry.header.frame_id = "odom".into();
        (odometry.pose.pose.position.x, odometry.pose.pose.orientation.w) = (flown, 1.0);
        self.odometry.send(ctx, odometry)?;

        // The person's front, before the camera that sits 0.12 m before the body's centre.
        let z = START - flown - 0.12;
        let encoding = if self.plan.nonsense { Encoding::Rgb8 } else { Encoding::Depth32 };
        if let Some(mut loan) = self.depth.loan(&ImageSpec::packed(320, 240, encoding, "depth_optical"))? {
            let half = (0.3 * 168.0 / z) as i64;
            for (n, pixel) in loan.bytes_mut().chunks_exact_mut(4).enumerate() {
                let inside = (n as i64 % 320 - 160).abs() <= half;
                let value = if inside { z as f32 } else { f32::INFINITY };
                pixel.copy_from_slice(&value.to_le_bytes());
            }
            loan.set_stamp(now.0);
            self.depth.send(ctx, loan)?;
        }
        let mut found = Detection2DArray::default();
        found.header.stamp = stamp;
        found.header.frame_id = "camera_optical".into();
        let mut person = Detection2D::default();
        let centre = if self.plan.nan { f64::NAN } else { 319.5 };
        (person.bbox.center.position.x, person.bbox.center.position.y) = (centre, 239.5);
        (person.bbox.size_x, person.bbox.size_y) = (0.6 * 468.0 / z, 1.8 * 468.0 / z);
        let mut result = ObjectHypothesisWithPose::default();
        result.hypothesis.class_id = "person".into();
        result.hypothesis.score = 0.9;
        person.results.push(result);
        // One that nobody should take, each time.
        found.detections = vec![person, Detection2D::default()];
        self.detections.send(ctx, found)?;
        Ok(Advance::To(now))
    }
}

fn run(plan: Plan, threads: usize) -> (RunReport, Arc<Mutex<Seen>>) {
    let seen = Arc::new(Mutex::new(Seen::default()));
    let mut app = App::new(Mode::Lockstep { threads });
    app.log_topics(true).extend(seen.clone()).extend(Arc::new(plan));
    app.add(NodeFactory::of::<World>(), NodeSpec::new("world")).unwrap();
    app.add(NodeFactory::of::<TrackerNode>(), NodeSpec::new("tracker")).unwrap();
    (app.run().unwrap(), seen)
}

fn status(seen: &Seen, key: &str) -> String {
    let last = &seen.status.last().unwrap().status[0];
    last.values.iter().find(|v| v.key == key).unwrap().value.clone()
}

#[test]
fn a_person_is_followed_in_odom_and_in_the_picture() {
    let (report, seen) = run(Plan::default(), 1);
    assert!(report.nodes.iter().all(|n| n.errors == 0), "{:?}", report.nodes);
    assert_eq!(report.topic_log_sha256, run(Plan::default(), 2).0.topic_log_sha256);
    let seen = seen.lock().unwrap();
    assert_eq!(seen.tracks.len(), 25, "one message for each picture, also while nothing counts yet");
    assert!(seen.tracks[0].detections.is_empty());
    let last = seen.tracks.last().unwrap();
    assert_eq!((last.header.frame_id.as_str(), last.header.stamp.to_nanos()), ("odom", 25 * PERIOD));
    let [person] = last.detections.as_slice() else { panic!("{last:?}") };
    assert_eq!((person.id.as_str(), person.results[0].hypothesis.class_id.as_str()), ("1", "person"));
    let p = &person.bbox.center.position;
    // Its front is at 9 m, its middle 0.3 m behind.
    assert!((p.x - 9.3).abs() < 0.1 && p.y.abs() < 0.1 && (p.z - 0.03).abs() < 0.1, "{p:?}");
    let size = &person.bbox.size;
    assert!(
        (size.x - 1.4).abs() < 0.1 && (size.z - 2.6).abs() < 0.1,
        "0.6 by 1.8 m and 0.4 m of room: {size:?}"
    );
    let c = &person.results[0].pose.covariance;
    assert!(c[0] > 0.0 && c[7] > 0.0 && c[14] > 0.0 && c[0] < 0.1);
    let velocity = seen.velocities.last().unwrap()[0];
    assert!(velocity.id == 1 && velocity.velocity.iter().all(|v| v.abs() < 0.2), "{velocity:?}");
    let picture = seen.tracks_2d.last().unwrap();
    assert_eq!(
        (picture.header.frame_id.as_str(), picture.detections[0].id.as_str()),
        ("camera_optical", "1")
    );
    assert!((picture.detections[0].bbox.center.position.x - 319.5).abs() < 2.0);
    assert_eq!((status(&seen, "bad_boxes").as_str(), status(&seen, "published").as_str()), ("20", "1"));
}

#[test]
fn depth_that_is_none_leaves_the_picture() {
    let (report, seen) = run(Plan { nonsense: true, ..Plan::default() }, 1);
    let seen = seen.lock().unwrap();
    assert!(report.nodes.iter().all(|n| n.errors == 0));
    assert!(seen.tracks.iter().all(|t| t.detections.is_empty()));
    assert_eq!(seen.tracks_2d.last().unwrap().detections.len(), 1);
    assert_ne!(status(&seen, "bad_depth_images"), "0");
}

#[test]
fn without_intrinsics_nothing_is_tracked_and_the_status_says_so() {
    let (_, seen) = run(Plan { no_info: true, ..Plan::default() }, 1);
    let seen = seen.lock().unwrap();
    assert!(seen.tracks.is_empty());
    let last = &seen.status.last().unwrap().status[0];
    assert!(
        last.level == peregrine_msgs::diagnostic_msgs::DiagnosticStatus::ERROR
            && last.message.contains("camera_info")
    );
}

#[test]
fn uncalibrated_cameras_track_nothing_and_are_counted() {
    let (report, seen) = run(Plan { uncalibrated: true, ..Plan::default() }, 1);
    let seen = seen.lock().unwrap();
    assert!(report.nodes.iter().all(|n| n.errors == 0) && seen.tracks.is_empty());
    let counted: u64 = status(&seen, "bad_colour_infos").parse().unwrap();
    assert!(counted >= 10 && status(&seen, "bad_depth_infos") == counted.to_string(), "{counted}");
}

#[test]
fn boxes_of_nan_are_counted_and_empty_messages_go_on() {
    let (report, seen) = run(Plan { nan: true, ..Plan::default() }, 1);
    let seen = seen.lock().unwrap();
    assert!(report.nodes.iter().all(|n| n.errors == 0));
    assert!(seen.tracks.len() == 25 && seen.tracks.iter().all(|t| t.detections.is_empty()));
    assert_eq!(status(&seen, "bad_boxes"), "40");
}

#[test]
fn bad_parameters_are_refused_by_name() {
    let refusal = |key: &str, value: ParamValue| {
        let mut app = App::new(Mode::Lockstep { threads: 1 });
        let spec = NodeSpec::new("tracker").with_param(key, value);
        app.add(NodeFactory::of::<TrackerNode>(), spec).map(|_| ()).unwrap_err().to_string()
    };
    let e = refusal("camera_pose", ParamValue::DoubleArray(vec![0.0; 5]));
    assert!(e.contains("PG-1403") && e.contains("camera_pose"), "{e}");
    let e = refusal("class_margins", ParamValue::StringArray(vec!["person".into()]));
    assert!(e.contains("PG-1404"), "{e}");
    let e = refusal("low_score", ParamValue::Double(0.9));
    assert!(e.contains("PG-1402") && e.contains("high_score"), "{e}");
    let e = refusal("coast_s", ParamValue::Double(99.0));
    assert!(e.contains("PG-0203"), "{e}");
}

#[test]
fn the_shipped_parameter_file_names_every_parameter_and_its_default() {
    let text = include_str!("../params.yaml");
    let shown = format!("{:?}", TrackerParams::from_map("/a", "a", &ParamMap::default()).unwrap());
    let body = shown.split_once('{').unwrap().1;
    for line in text.lines().filter(|l| l.starts_with("    ") && !l.trim().starts_with('#')) {
        let (key, rest) = line.trim().split_once(": ").unwrap();
        let value = rest.split(" #").next().unwrap().trim().replace(", ", ",").replace(' ', "");
        let at = body.find(&format!(" {key}: ")).unwrap_or_else(|| panic!("{key} is no parameter"));
        let given = body[at..].split_once(": ").unwrap().1.replace(", ", ",").replace('"', "");
        assert!(given.starts_with(&value), "{key}: {value} in params.yaml, {} in code", &given[..20]);
    }
    for key in body.match_indices(": ").map(|(at, _)| body[..at].rsplit([' ', '{']).next().unwrap()) {
        assert!(text.contains(&format!("    {key}: ")), "{key} is missing in params.yaml");
    }
}
