//! The bridge with a real peer: pymavlink on UDP, TCP and a pseudo-terminal, in real time.
//!
//! A small planner publishes setpoints, then hangs: it goes on publishing, but its stamps stand still. From then on neither
//! a setpoint nor a heartbeat may leave, while the link is busy with everything else.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};

use peregrine_autopilot::AutopilotNode;
use peregrine_core::prelude::*;
use peregrine_core::{App, Mode, NodeFactory, NodeSpec, ParamValue};
use peregrine_msgs::diagnostic_msgs::DiagnosticArray;
use peregrine_msgs::geometry_msgs::TwistStamped;
use peregrine_msgs::nav_msgs::Odometry;
use peregrine_msgs::sensor_msgs::{BatteryState, LaserScan, Range};
use peregrine_msgs::std_msgs::UInt32;
use peregrine_safety_filter::SafetyFilterNode;
use peregrine_tests::python;
use serde_json::Value;

/// Ticks of 50 ms: setpoints are fresh before the first, the end is at the second.
#[derive(Clone, Copy)]
struct Plan {
    hangs_at: u64,
    ends_at: u64,
}

#[derive(Default)]
struct Heard {
    odometry: Vec<(Odometry, Time)>,
    battery: Vec<BatteryState>,
    resets: Vec<u32>,
    status: Vec<DiagnosticArray>,
}

struct Planner {
    tick: u64,
    plan: Plan,
    last: Time,
    velocity: Publisher<TwistStamped>,
    scan: Publisher<LaserScan>,
    range: Publisher<Range>,
    odometry: Publisher<Odometry>,
}

impl Node for Planner {
    const NAME: &'static str = "planner";
    type Params = ();

    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        let heard: Arc<Mutex<Heard>> = setup.extension().unwrap();
        let (a, b, c, d) = (heard.clone(), heard.clone(), heard.clone(), heard);
        setup.subscribe(
            "autopilot/odom_resets",
            Qos::Latched,
            move |_: &mut Self, _: &Context, m: &UInt32| {
                d.lock().unwrap().resets.push(m.data);
                Ok(())
            },
        )?;
        setup.subscribe(
            "autopilot/odom",
            Qos::Sensor,
            move |_: &mut Self, ctx: &Context, m: &Odometry| {
                a.lock().unwrap().odometry.push((m.clone(), ctx.now()));
                Ok(())
            },
        )?;
        setup.subscribe(
            "autopilot/battery",
            Qos::Sensor,
            move |_: &mut Self, _: &Context, m: &BatteryState| {
                b.lock().unwrap().battery.push(m.clone());
                Ok(())
            },
        )?;
        setup.subscribe(
            "autopilot/status",
            Qos::Reliable,
            move |_: &mut Self, _: &Context, m: &DiagnosticArray| {
                c.lock().unwrap().status.push(m.clone());
                Ok(())
            },
        )?;
        setup.timer(Duration::from_millis(50), Self::on_tick)?;
        Ok(Self {
            tick: 0,
            plan: *setup.extension::<Plan>().unwrap(),
            last: Time(0),
            velocity: setup.publish("cmd_vel", Qos::Reliable)?,
            scan: setup.publish("scan", Qos::Sensor)?,
            range: setup.publish("range", Qos::Sensor)?,
            odometry: setup.publish("odom", Qos::Sensor)?,
        })
    }
}

impl Planner {
    fn on_tick(&mut self, ctx: &Context) -> Result {
        self.tick += 1;
        if self.tick >= self.plan.ends_at {
            ctx.shutdown("the flight is over");
            return Ok(());
        }
        if self.tick < self.plan.hangs_at {
            self.last = ctx.now();
        }
        let mut command = TwistStamped::default();
        command.header.stamp = self.last.to_msg();
        command.header.frame_id =
            if self.tick.is_multiple_of(2) { "base_link".into() } else { "odom".into() };
        let v = &mut command.twist;
        (v.linear.x, v.linear.y, v.linear.z, v.angular.z) = (1.0, 2.0, 0.5, 0.25);
        self.velocity.send(ctx, command)?;
        // Two obstacles: 2 m to the left, 5 m ahead.
        let mut scan = LaserScan {
            angle_min: -std::f32::consts::PI,
            angle_max: std::f32::consts::PI,
            angle_increment: std::f32::consts::TAU / 72.0,
            range_min: 0.2,
            range_max: 12.0,
            ranges: vec![f32::INFINITY; 72],
            ..Default::default()
        };
        scan.header.stamp = ctx.now().to_msg();
        scan.ranges[54] = 2.0;
        scan.ranges[36] = 5.0;
        scan.ranges[0] = f32::NAN;
        self.scan.send(ctx, scan)?;
        let range =
            Range { min_range: 0.1, max_range: 10.0, range: 1.234, field_of_view: 0.1, ..Default::default() };
        self.range.send(ctx, range)?;
        let mut odometry = Odometry::default();
        odometry.header.stamp = ctx.now().to_msg();
        odometry.header.frame_id = "odom".into();
        let p = &mut odometry.pose.pose;
        (p.position.x, p.position.y, p.position.z, p.orientation.w) = (1.0, 2.0, 3.0, 1.0);
        let t = &mut odometry.twist.twist;
        (t.linear.x, t.linear.y, t.linear.z) = (0.1, 0.2, 0.3);
        odometry.pose.covariance[0] = 0.5;
        odometry.pose.covariance[7] = 0.25;
        self.odometry.send(ctx, odometry)
    }
}

struct Peer {
    child: Child,
    out: BufReader<ChildStdout>,
    link: String,
}

impl Peer {
    fn start(python: &Path, arguments: &[&str]) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/autopilot/peer.py");
        let mut child =
            Command::new(python).arg(script).args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let link = line.trim().strip_prefix("READY ").unwrap_or_else(|| panic!("{line}")).to_owned();
        Self { child, out, link }
    }

    fn end(mut self) -> Value {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        assert!(self.child.wait().unwrap().success());
        serde_json::from_str(&line).unwrap()
    }
}

/// Seconds since the peer's start, the message's kind, its fields.
type Received = (f64, String, Value);

/// Flies the plan on the peer's link; what the peer heard, and what the planner did.
fn fly(peer: Peer, plan: Plan) -> (Vec<Received>, Value, Arc<Mutex<Heard>>) {
    fly_behind(peer, plan, false)
}

/// The same, with the safety filter between planner and bridge if `filtered`: it takes the planner's commands, odometry and
/// scan, and what it knows around the vehicle is what the autopilot is told.
fn fly_behind(peer: Peer, plan: Plan, filtered: bool) -> (Vec<Received>, Value, Arc<Mutex<Heard>>) {
    let heard = Arc::new(Mutex::new(Heard::default()));
    let mut app = App::new(Mode::Realtime { threads: 2, factor: 1.0, use_sim_time: false });
    app.extend(heard.clone()).extend(Arc::new(plan));
    let mut spec = NodeSpec::new("autopilot")
        .with_param("link", ParamValue::String(peer.link.clone()))
        .with_param("reconnect_s", ParamValue::Double(0.1))
        .with_param("send_odometry", ParamValue::Bool(true));
    let mut planner = NodeSpec::new("planner");
    if filtered {
        spec.remaps.push(("scan".into(), "safety_filter/obstacles".into()));
        planner.remaps.push(("cmd_vel".into(), "cmd_vel_in".into()));
        app.add(NodeFactory::of::<SafetyFilterNode>(), NodeSpec::new("safety_filter")).unwrap();
    }
    app.add(NodeFactory::of::<AutopilotNode>(), spec).unwrap();
    app.add(NodeFactory::of::<Planner>(), planner).unwrap();
    let report = app.run().unwrap();
    assert!(report.nodes.iter().all(|n| n.errors == 0), "{:?}", report.nodes);
    let told = peer.end();
    let row = |r: &Value| (r[0].as_f64().unwrap(), r[1].as_str().unwrap().to_owned(), r[2].clone());
    (told["heard"].as_array().unwrap().iter().map(row).collect(), told, heard)
}

fn of<'a>(rows: &'a [(f64, String, Value)], kind: &str) -> Vec<(f64, &'a Value)> {
    rows.iter().filter(|r| r.1 == kind).map(|r| (r.0, &r.2)).collect()
}

fn number(message: &Value, field: &str) -> f64 {
    message[field].as_f64().unwrap_or_else(|| panic!("{field} of {message}"))
}

fn status(heard: &Heard, key: &str) -> f64 {
    let last = &heard.status.last().unwrap().status[0];
    let pair = last.values.iter().find(|v| v.key == key).unwrap_or_else(|| panic!("{key}"));
    pair.value.parse().unwrap_or_else(|_| panic!("{key} = {}", pair.value))
}

/// All that must be so on every kind of link. The planner hangs after 1.5 s and goes on for 1.6 s.
fn check(kind: &str, test: &str) {
    let Some(python) = python(test) else { return };
    let peer = Peer::start(&python, &[kind, "4.0"]);
    let (rows, told, heard) = fly(peer, Plan { hangs_at: 30, ends_at: 62 });
    let setpoints = of(&rows, "SET_POSITION_TARGET_LOCAL_NED");
    let beats = of(&rows, "HEARTBEAT");
    let scans = of(&rows, "OBSTACLE_DISTANCE");
    assert!(setpoints.len() >= 15 && setpoints.len() <= 29, "{} setpoints", setpoints.len());

    // Which way is which: forward left up and east north up, both 1, 2, 0.5 and a turn of 0.25 to the left.
    let (mut body, mut local) = (0, 0);
    for (_, m) in &setpoints {
        let v = ["vx", "vy", "vz", "yaw_rate"].map(|f| number(m, f));
        match number(m, "coordinate_frame") as i64 {
            8 => {
                assert_eq!(v, [1.0, -2.0, -0.5, -0.25]);
                body += 1;
            }
            1 => {
                assert_eq!(v, [2.0, 1.0, -0.5, -0.25]);
                local += 1;
            }
            other => panic!("frame {other}"),
        }
        assert_eq!(
            (number(m, "type_mask"), number(m, "target_system"), number(m, "target_component")),
            (1479.0, 1.0, 1.0)
        );
    }
    assert!(body > 5 && local > 5);

    // Proof of life ends with the setpoints, while the link lives on for more than a second.
    let last_setpoint = setpoints.last().unwrap().0;
    let last_beat = beats.last().unwrap().0;
    assert!(beats.len() >= 2 && beats.len() <= 5, "{} heartbeats", beats.len());
    assert!(
        last_beat <= last_setpoint + 0.05,
        "a heartbeat {:.3} s after the last setpoint",
        last_beat - last_setpoint
    );
    let later = scans.iter().filter(|(t, _)| *t > last_setpoint + 0.25).count();
    assert!(later >= 15, "only {later} scans after the planner hung: the link itself was dead");

    // Clockwise, centimetres.
    for (_, m) in &scans {
        let d = |n: usize| m["distances"][n].as_u64().unwrap();
        assert_eq!((d(54), d(0), d(18), d(36)), (200, 500, 1201, 65_535));
        assert_eq!(
            (number(m, "increment"), number(m, "max_distance"), number(m, "frame")),
            (5.0, 1200.0, 12.0)
        );
    }
    let ranges = of(&rows, "DISTANCE_SENSOR");
    assert!(
        ranges.len() > 15
            && ranges
                .iter()
                .all(|(_, m)| number(m, "current_distance") == 123.0 && number(m, "orientation") == 25.0)
    );

    // Odometry to the autopilot: level, looking east.
    let odometry = of(&rows, "ODOMETRY");
    assert!(odometry.len() > 15);
    for (_, m) in &odometry {
        assert_eq!(["x", "y", "z"].map(|f| number(m, f)), [2.0, 1.0, -3.0]);
        let near = |f: &str, v: f64| (number(m, f) - v).abs() < 1e-6;
        assert!(near("vx", 0.1) && near("vy", -0.2) && near("vz", -0.3), "{m}");
        let h = std::f64::consts::FRAC_1_SQRT_2;
        let q: Vec<f64> = (0..4).map(|n| m["q"][n].as_f64().unwrap()).collect();
        assert!((q[0] - h).abs() < 1e-6 && (q[3] - h).abs() < 1e-6, "{q:?}");
        let c = |n: usize| m["pose_covariance"][n].as_f64().unwrap();
        assert_eq!((c(0), c(6)), (0.25, 0.5));
        assert_eq!(m["velocity_covariance"][0], "NaN");
    }

    // And from it: 10 north, 20 east, 5 up, looking north.
    let heard = heard.lock().unwrap();
    assert!(heard.odometry.len() > 20, "{}", heard.odometry.len());
    for (m, _) in &heard.odometry {
        let p = &m.pose.pose;
        assert_eq!((p.position.x, p.position.y, p.position.z), (20.0, 10.0, 5.0));
        let yaw = 2.0 * p.orientation.z.atan2(p.orientation.w);
        assert!((yaw - std::f64::consts::FRAC_PI_2).abs() < 1e-6, "{yaw}");
        let t = &m.twist.twist;
        assert_eq!((t.linear.x, t.linear.y, t.linear.z), (1.5, -0.5, 0.25));
        assert!(
            (t.angular.x - 0.1).abs() < 1e-6
                && (t.angular.y + 0.2).abs() < 1e-6
                && (t.angular.z + 0.3).abs() < 1e-6
        );
        assert!((m.pose.covariance[0] - 0.1).abs() < 1e-6 && m.twist.covariance[0] == 0.0);
    }
    // Once the clocks are compared, stamps are the photon's and not the arrival's; never in the future.
    assert!(heard.odometry.iter().all(|(m, at)| Time::from_msg(&m.header.stamp) <= *at));
    assert!((heard.battery.last().unwrap().voltage - 15.2).abs() < 1e-4);
    // The estimator was reset once; a companion of the same system, which speaks of another place, was not believed.
    assert_eq!(heard.resets, [0, 1]);
    assert!(status(&heard, "frames_of_others") > 20.0);
    assert!(status(&heard, "garbage_bytes") >= 300.0, "garbage was sent, and it is not in the count");
    assert!(status(&heard, "bad_checksums") >= 1.0);
    assert!(status(&heard, "clock_offset_s").is_finite());
    assert_eq!(told["garbage"], 0, "the peer heard something that was no MAVLink");
    let last = &heard.status.last().unwrap().status[0];
    assert!(last.message.starts_with("no fresh setpoint"), "{}", last.message);
    assert!(
        last.values.iter().any(|v| v.key.starts_with("refused: ") && v.value.parse::<u64>().unwrap() > 10)
    );
}

#[test]
fn over_udp() {
    check("udp", "over_udp");
}

#[test]
fn over_tcp() {
    check("tcp", "over_tcp");
}

#[test]
fn over_a_serial_line() {
    check("serial", "over_a_serial_line");
}

/// A filter that answers a planner's silence with stops must not keep the vehicle in the planner's mode: stops first, and
/// then nothing.
#[test]
fn behind_the_filter_setpoints_and_heartbeats_end_too() {
    let Some(python) = python("behind_the_filter_setpoints_and_heartbeats_end_too") else { return };
    let peer = Peer::start(&python, &["udp", "6.0"]);
    let hung = 1.5;
    let (rows, _, heard) = fly_behind(peer, Plan { hangs_at: 30, ends_at: 102 }, true);
    let (setpoints, beats) = (of(&rows, "SET_POSITION_TARGET_LOCAL_NED"), of(&rows, "HEARTBEAT"));
    let first = setpoints[0].0;
    let moving = |m: &Value| ["vx", "vy", "vz"].iter().any(|f| number(m, f) != 0.0);
    let went = setpoints.iter().filter(|(_, m)| moving(m)).map(|(t, _)| t - first).fold(0.0, f64::max);
    let last = setpoints.last().unwrap().0 - first;
    let last_beat = beats.last().unwrap().0 - first;
    println!("moved until {went:.2} s, setpoints until {last:.2} s, heartbeats until {last_beat:.2} s");
    // Old after 0.35 s, and a second of stops.
    assert!(went > 1.2 && went < hung + 0.6, "{went}");
    assert!(last > hung + 0.9 && last < hung + 1.8 && last_beat <= last + 0.05);
    // The link lives on, and tells what stands around: 2 m to the left, 5 m ahead.
    let scans = of(&rows, "OBSTACLE_DISTANCE");
    let later: Vec<_> = scans.iter().filter(|(t, _)| t - first > last + 0.5).collect();
    assert!(later.len() >= 5, "{}", later.len());
    for (_, m) in later {
        let d = |n: usize| m["distances"][n].as_u64().unwrap();
        // The planner tells a velocity and stands still: a few centimetres of what is carried on.
        assert!(d(54).abs_diff(200) <= 4 && d(0).abs_diff(500) <= 4, "{m}");
    }
    let heard = heard.lock().unwrap();
    assert!(heard.status.last().unwrap().status[0].message.starts_with("no fresh setpoint"));
}

/// An autopilot that sends position and attitude apart, and only when asked.
#[test]
fn odometry_is_asked_for_and_put_together() {
    let Some(python) = python("odometry_is_asked_for_and_put_together") else { return };
    let peer = Peer::start(&python, &["ardupilot", "5.0"]);
    let (rows, _, heard) = fly(peer, Plan { hangs_at: 1000, ends_at: 82 });
    let asked: Vec<_> = of(&rows, "COMMAND_LONG").iter().map(|(_, m)| number(m, "param1") as u32).collect();
    assert!([331, 32, 31].iter().all(|id| asked.contains(id)) && !asked.contains(&1), "{asked:?}");
    assert!(asked.iter().filter(|id| **id == 32).count() <= 3, "asked again for what comes: {asked:?}");
    let heard = heard.lock().unwrap();
    assert!(heard.odometry.len() > 15, "{}", heard.odometry.len());
    for (m, at) in &heard.odometry {
        let (p, t) = (&m.pose.pose, &m.twist.twist);
        assert_eq!((p.position.x, p.position.y, p.position.z), (20.0, 10.0, 5.0));
        assert!((2.0 * p.orientation.z.atan2(p.orientation.w) - std::f64::consts::FRAC_PI_2).abs() < 1e-6);
        let near = |a: f64, b: f64| (a - b).abs() < 1e-6;
        assert!(near(t.linear.x, 1.5) && near(t.linear.y, -0.5) && near(t.linear.z, 0.25), "{t:?}");
        assert!(near(t.angular.z, -0.3) && Time::from_msg(&m.header.stamp) <= *at);
    }
    assert!(status(&heard, "odometry_from_parts") > 15.0 && status(&heard, "odometry_heard") == 0.0);
}

#[test]
fn a_lost_link_comes_back() {
    let Some(python) = python("a_lost_link_comes_back") else { return };
    let peer = Peer::start(&python, &["tcp", "4.0", "1.0", "1.8"]);
    let (rows, _, heard) = fly(peer, Plan { hangs_at: 1000, ends_at: 62 });
    let setpoints = of(&rows, "SET_POSITION_TARGET_LOCAL_NED");
    let count = |from: f64, to: f64| setpoints.iter().filter(|(t, _)| (from..to).contains(t)).count();
    assert!(count(0.0, 1.0) >= 3, "before");
    assert!(count(1.0, 1.8) <= 1, "a dead link told something");
    assert!(count(1.8, 4.0) >= 8, "after: {setpoints:?}");
    let heard = heard.lock().unwrap();
    assert!(status(&heard, "link_broken") >= 1.0 && status(&heard, "link_opened") >= 2.0);
    assert!(status(&heard, "frames_not_sent") >= 5.0);
}
