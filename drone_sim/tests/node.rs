//! The simulator among other nodes, in lockstep.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use peregrine::prelude::*;
use peregrine::{App, Mode, NodeFactory, NodeSpec, ParamValue, RunReport};
use peregrine_msgs::geometry_msgs::{PoseStamped, TwistStamped};
use peregrine_msgs::nav_msgs::Odometry;
use peregrine_msgs::rosgraph_msgs::Clock;
use peregrine_msgs::sensor_msgs::{CameraInfo, Imu};
use peregrine_msgs::std_msgs::{String as StringMsg, UInt32};
use peregrine_msgs::tf2_msgs::TFMessage;
use peregrine_msgs::vision_msgs::Detection2DArray;
use peregrine_msgs::visualization_msgs::MarkerArray;
use peregrine_sim::node::DroneSim;

/// What the pilot saw, by topic.
#[derive(Debug, Default)]
struct Log {
    stamps: BTreeMap<&'static str, Vec<i64>>,
    words: Vec<String>,
    goal: Option<(f64, f64, f64)>,
    markers: usize,
    static_frames: Vec<String>,
    contacts: Vec<u32>,
    boxes: Vec<(String, [f64; 4])>,
    depths: (f32, usize),
    last: (f64, f64, f64),
    late: usize,
}

/// Flies straight towards the goal and writes everything down.
struct Pilot {
    log: Arc<Mutex<Log>>,
    command: Publisher<TwistStamped>,
    speed: f64,
}

#[derive(Params)]
struct PilotConfig {
    /// Speed, m/s.
    #[param(default = 3.0)]
    speed: f64,
}

impl Pilot {
    fn note(&self, ctx: &Context, topic: &'static str, stamp: Time) {
        let mut log = self.log.lock().unwrap();
        log.stamps.entry(topic).or_default().push(stamp.0);
        log.late += usize::from(ctx.now() != stamp);
    }
}

impl Node for Pilot {
    const NAME: &'static str = "pilot";
    type Params = PilotConfig;

    fn configure(setup: &mut Setup<Self>, config: PilotConfig) -> Result<Self> {
        let log = setup.extension::<Mutex<Log>>().unwrap_or_default();
        setup.subscribe("/clock", Qos::Sensor, |n, ctx, m: &Clock| {
            n.note(ctx, "clock", Time::from_msg(&m.clock));
            Ok(())
        })?;
        setup.subscribe("imu", Qos::Sensor, |n, ctx, m: &Imu| {
            n.note(ctx, "imu", Time::from_msg(&m.header.stamp));
            Ok(())
        })?;
        setup.subscribe("odom", Qos::Sensor, |n, ctx, m: &Odometry| {
            n.note(ctx, "odom", Time::from_msg(&m.header.stamp));
            let p = &m.pose.pose.position;
            n.log.lock().unwrap().last = (p.x, p.y, p.z);
            assert_eq!((m.header.frame_id.as_str(), m.child_frame_id.as_str()), ("odom", "base_link"));
            let mut command = TwistStamped { header: m.header.clone(), ..Default::default() };
            command.header.frame_id = "base_link".into();
            command.twist.linear.x = n.speed;
            n.command.send(ctx, command)
        })?;
        setup.subscribe("sim/camera/camera_info", Qos::Sensor, |n, ctx, m: &CameraInfo| {
            assert_eq!((m.width, m.height, m.k[2], m.k[5]), (160, 120, 80.0, 60.0));
            n.note(ctx, "camera_info", Time::from_msg(&m.header.stamp));
            Ok(())
        })?;
        setup.subscribe_frames("sim/camera/image", FramePolicy::KeepLast(2), |n, ctx, f| {
            assert_eq!(
                (f.width(), f.height(), f.encoding(), f.frame_id()),
                (160, 120, Encoding::Rgb8, "camera_optical")
            );
            assert!(f.bytes().iter().any(|b| *b != f.bytes()[0]), "a picture, not a blank");
            n.note(ctx, "camera", f.stamp());
            Ok(())
        })?;
        setup.subscribe_frames("sim/depth/image", FramePolicy::KeepLast(2), |n, ctx, f| {
            assert_eq!(
                (f.width(), f.height(), f.encoding(), f.frame_id()),
                (80, 60, Encoding::Depth32, "depth_optical")
            );
            n.note(ctx, "depth", f.stamp());
            let metres = f.bytes().chunks_exact(4).map(|b| f32::from_ne_bytes([b[0], b[1], b[2], b[3]]));
            let finite: Vec<f32> = metres.filter(|z| z.is_finite()).collect();
            let mut log = n.log.lock().unwrap();
            log.depths = (finite.iter().copied().fold(0.0, f32::max), log.depths.1 + finite.len());
            Ok(())
        })?;
        setup.subscribe("sim/boxes", Qos::Sensor, |n, ctx, m: &Detection2DArray| {
            n.note(ctx, "boxes", Time::from_msg(&m.header.stamp));
            for d in &m.detections {
                let c = &d.bbox.center.position;
                let class = d.results[0].hypothesis.class_id.clone();
                n.log.lock().unwrap().boxes.push((class, [c.x, c.y, d.bbox.size_x, d.bbox.size_y]));
            }
            Ok(())
        })?;
        setup.subscribe("sim/goal", Qos::Latched, |n, ctx, m: &PoseStamped| {
            n.note(ctx, "goal", Time::from_msg(&m.header.stamp));
            let p = &m.pose.position;
            n.log.lock().unwrap().goal = Some((p.x, p.y, p.z));
            Ok(())
        })?;
        setup.subscribe("sim/obstacles", Qos::Latched, |n, _, m: &MarkerArray| {
            n.log.lock().unwrap().markers += m.markers.len();
            Ok(())
        })?;
        setup.subscribe("/tf_static", Qos::Latched, |n, _, m: &TFMessage| {
            let names = m.transforms.iter().map(|t| t.child_frame_id.clone());
            n.log.lock().unwrap().static_frames.extend(names);
            Ok(())
        })?;
        setup.subscribe("sim/contacts", Qos::Latched, |n, _, m: &UInt32| {
            n.log.lock().unwrap().contacts.push(m.data);
            Ok(())
        })?;
        setup.subscribe("sim/outcome", Qos::Latched, |n, _, m: &StringMsg| {
            n.log.lock().unwrap().words.push(m.data.clone());
            Ok(())
        })?;
        Ok(Self { log, command: setup.publish("cmd_vel", Qos::Reliable)?, speed: config.speed })
    }
}

fn fly(threads: usize, params: &[(&str, &str)]) -> (RunReport, Log) {
    let log = Arc::new(Mutex::new(Log::default()));
    let mut app = App::new(Mode::Lockstep { threads });
    app.log_topics(true).extend(Arc::clone(&log));
    let mut spec = NodeSpec::new("drone_sim");
    let small =
        [("camera.width", "160"), ("camera.height", "120"), ("depth.width", "80"), ("depth.height", "60")];
    for (key, value) in small.iter().chain(params) {
        spec = spec.with_param(key, ParamValue::from_text(value));
    }
    app.add(NodeFactory::of::<DroneSim>(), spec).unwrap();
    app.add(NodeFactory::of::<Pilot>(), NodeSpec::new("pilot")).unwrap();
    let report = app.run().unwrap();
    for node in &report.nodes {
        assert_eq!((node.errors, &node.last_error), (0, &None), "{}", node.name);
    }
    let log = std::mem::take(&mut *log.lock().unwrap());
    (report, log)
}

#[test]
fn every_topic_comes_at_its_exact_rate_with_the_present_stamp() {
    let (report, log) = fly(1, &[("world", "forest"), ("time_limit", "2.0"), ("seed", "3")]);
    assert_eq!(log.late, 0, "stamps are the node clock's time");
    let expect = |topic: &str, hertz: i64| {
        // Ticks at 0, 1/rate ... up to and including two seconds; the end itself always brings one odometry.
        let wanted: Vec<i64> = (0..=2 * hertz).map(|k| k * 1_000_000_000 / hertz).collect();
        assert_eq!(log.stamps[topic], wanted, "{topic}");
    };
    expect("imu", 200);
    expect("odom", 100);
    expect("depth", 30);
    expect("camera", 10);
    expect("camera_info", 10);
    expect("boxes", 10);
    expect("goal", 1);
    assert!(log.stamps["clock"].windows(2).all(|w| w[0] < w[1]));
    assert_eq!(log.goal, Some((60.0, 0.0, 2.0)));
    assert_eq!(log.contacts, [0]);
    assert_eq!(log.words, ["time_limit"]);
    assert_eq!(log.static_frames, ["camera_optical", "depth_optical"]);
    assert!(log.markers > 150, "{}", log.markers);
    assert!(log.depths.0 <= 12.0 && log.depths.1 > 10_000, "{:?}", log.depths);
    assert!(log.last.0 > 2.5, "it flew: {:?}", log.last);
    assert!(!log.boxes.is_empty(), "something with a label is in view");
    assert_eq!(report.failed_loans, 0);
    assert_eq!(report.time, Time(2_000_000_000));
}

#[test]
fn the_same_seed_gives_the_same_bytes_with_any_number_of_threads() {
    let noisy = [("time_limit", "1.0"), ("depth.noise", "0.002"), ("seed", "5")];
    let hash = |threads, params: &[(&str, &str)]| fly(threads, params).0.topic_log_sha256.unwrap();
    let one = hash(1, &noisy);
    assert_eq!(one, hash(1, &noisy));
    assert_eq!(one, hash(2, &noisy));
    assert_ne!(one, hash(1, &[("time_limit", "1.0"), ("depth.noise", "0.002"), ("seed", "6")]));
}

#[test]
fn reaching_the_goal_ends_the_simulation() {
    let fast = [("world", "empty"), ("goal_distance", "6"), ("camera.rate", "0"), ("depth.rate", "1")];
    let (report, log) = fly(1, &fast);
    assert_eq!(log.words, ["reached"]);
    assert!(report.time.as_secs_f64() < 4.0 && log.last.0 >= 4.5, "{:?}", log.last);
    assert!(!log.stamps.contains_key("camera"));
}

#[test]
fn a_collision_is_told_and_may_end_it() {
    let crash = |policy| {
        let rates = [("world", "slalom"), ("camera.rate", "0"), ("depth.rate", "1"), ("time_limit", "6")];
        let params: Vec<(&str, &str)> = rates.into_iter().chain([("on_collision", policy)]).collect();
        fly(1, &params).1
    };
    let stopped = crash("stop");
    assert_eq!(
        (stopped.words.as_slice(), stopped.contacts.as_slice()),
        (["collided".to_string()].as_slice(), [0, 1].as_slice())
    );
    let went_on = crash("continue");
    assert_eq!(went_on.words, ["time_limit"]);
    assert!(went_on.contacts.len() >= 2);
}

#[test]
fn wrong_parameters_are_refused_by_name() {
    for (key, value, part) in [
        ("world", "forrest", "PG-1020"),
        ("vehicle", "b52", "x500"),
        ("on_collision", "explode", "continue"),
        ("min_spacing", "6.0", "PG-1022"),
        ("densty", "0.1", "density"),
    ] {
        let mut app = App::new(Mode::Lockstep { threads: 1 });
        let spec = NodeSpec::new("drone_sim").with_param(key, ParamValue::from_text(value));
        let error = app.add(NodeFactory::of::<DroneSim>(), spec).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}
