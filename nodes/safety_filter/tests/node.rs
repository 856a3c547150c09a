//! The filter in an application, in lockstep, before a pilot who pushes the stick forward whatever happens: a wall stands
//! ahead, and one thing after the other fails. Each must end at rest (or slower, where that is the reaction), by name, with
//! nothing touched.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use peregrine::prelude::*;
use peregrine::{App, Mode, NodeFactory, NodeSpec, ParamValue, RunReport};
use peregrine_msgs::diagnostic_msgs::DiagnosticArray;
use peregrine_msgs::geometry_msgs::TwistStamped;
use peregrine_msgs::nav_msgs::Odometry;
use peregrine_msgs::sensor_msgs::{BatteryState, CameraInfo, LaserScan, PointCloud2, PointField};
use peregrine_msgs::std_msgs::UInt32;
use peregrine_safety_filter::SafetyFilterNode;

const W: usize = 160;
const H: usize = 120;
const STEP: f64 = 1.0 / 60.0;
const BODY: f64 = 0.25;

/// What goes wrong, from when on.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    DepthGone,
    DepthFrozen,
    DepthIs(f32),
    NotDepth,
    ScanGone,
    ScanFrozen,
    /// Every ray returns from so far.
    ScanIs(f32),
    OdometryGone,
    OdometryNan,
    OdometryJumps,
    OdometryOftenNan,
    CommandGone,
    CommandNan,
    /// The planner hangs: it goes on sending, with the stamp it had.
    CommandRepeats,
    /// The commands' stamps lie 5 s ahead.
    CommandAhead,
    /// The commands are in axes that nobody knows.
    CommandElsewhere,
    /// The images come without camera_info, or with that of another camera.
    NoInfo,
    OtherInfo,
    /// The source of odometry says that it began anew.
    OdometryReset,
    Battery(f32),
    /// All sensors are stamped by a clock that is off by so many seconds.
    Clock(i32),
}

#[derive(Clone, Copy)]
struct Plan {
    fault: Fault,
    from: f64,
    /// When it is over, s.
    until: f64,
    /// Where the wall stands, metres ahead of the start.
    wall: f64,
    /// What the pilot wants, m/s forward and left.
    stick: (f64, f64),
    /// Lidar instead of the depth camera, or beside it.
    scan: bool,
    both: bool,
    /// A lidar of 21 planes, beside `scan` or instead of it.
    lidar: bool,
    seconds: f64,
    /// Where the wall stands, and where the vehicle looks: radians from odom's x.
    toward: f64,
    yaw: f64,
    /// Nose down, radians.
    pitch: f64,
    /// frame_id of the commands.
    frame: &'static str,
    /// Every so many frames odometry comes, so many frames late.
    odometry: (u64, usize),
}

impl Default for Plan {
    fn default() -> Self {
        let until = f64::INFINITY;
        Self {
            fault: Fault::None,
            from: 1.2,
            until,
            wall: 60.0,
            stick: (5.0, 0.0),
            scan: false,
            both: false,
            lidar: false,
            seconds: 6.0,
            toward: 0.0,
            yaw: 0.0,
            pitch: 0.0,
            frame: "",
            odometry: (1, 0),
        }
    }
}

#[derive(Default)]
struct Seen {
    /// (time, x, y, speed).
    track: Vec<(f64, f64, f64, f64)>,
    causes: Vec<String>,
    counted: u64,
    ring: Vec<f32>,
    /// When commands left, s.
    commands: Vec<f64>,
    /// All that the last status said, and when it came.
    values: Vec<(String, String)>,
    status_at: f64,
}

impl Seen {
    fn value(&self, key: &str) -> &str {
        self.values.iter().find(|(k, _)| k == key).map_or("", |(_, v)| v)
    }
}

struct World {
    plan: Plan,
    frame: u64,
    at: [f64; 2],
    velocity: [f64; 2],
    acting: [f64; 2],
    pending: VecDeque<(f64, [f64; 2])>,
    frozen: Option<Vec<u8>>,
    frozen_scan: Option<Vec<f32>>,
    /// Where it was and how fast, frame by frame; the newest last.
    past: VecDeque<(i64, [f64; 2], [f64; 2])>,
    /// Stamp of the last command before the planner hung.
    stamped: i64,
    images: FramePublisher,
    info: Publisher<CameraInfo>,
    odometry: Publisher<Odometry>,
    stick: Publisher<TwistStamped>,
    battery: Publisher<BatteryState>,
    scan: Publisher<LaserScan>,
    points: Publisher<PointCloud2>,
    resets: Publisher<UInt32>,
    seen: Arc<Mutex<Seen>>,
}

impl Node for World {
    const NAME: &'static str = "world";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.drive_clock(Self::step)?;
        setup.subscribe("cmd_vel", Qos::Reliable, |w: &mut Self, _: &Context, m: &TwistStamped| {
            let v = [m.twist.linear.x, m.twist.linear.y];
            assert!(v.iter().all(|v| v.is_finite()));
            let time = w.frame as f64 * STEP;
            w.seen.lock().unwrap().commands.push(time);
            let v = match m.header.frame_id.as_str() {
                "odom" => v,
                "base_link" => turned(v, w.plan.yaw),
                other => panic!("axes {other}"),
            };
            w.pending.push_back((time + 0.05, v));
            Ok(())
        })?;
        setup.subscribe(
            "safety_filter/status",
            Qos::Reliable,
            |w: &mut Self, _: &Context, m: &DiagnosticArray| {
                let status = &m.status[0];
                let mut seen = w.seen.lock().unwrap();
                seen.status_at = w.frame as f64 * STEP;
                seen.values =
                    status.values.iter().map(|v| (v.key.to_string(), v.value.to_string())).collect();
                if seen.causes.last() != Some(&status.message) {
                    seen.causes.push(status.message.clone());
                }
                let last = seen.causes.last().cloned().unwrap();
                if let Some(count) = status.values.iter().find(|v| v.key == last) {
                    seen.counted = count.value.parse().unwrap();
                }
                Ok(())
            },
        )?;
        setup.subscribe(
            "safety_filter/obstacles",
            Qos::Sensor,
            |w: &mut Self, _: &Context, m: &LaserScan| {
                w.seen.lock().unwrap().ring = m.ranges.clone();
                Ok(())
            },
        )?;
        Ok(Self {
            plan: *setup.extension::<Plan>().unwrap(),
            frame: 0,
            at: [0.0; 2],
            velocity: [0.0; 2],
            acting: [0.0; 2],
            pending: VecDeque::new(),
            frozen: None,
            frozen_scan: None,
            past: VecDeque::new(),
            stamped: 0,
            images: setup.publish_frames("depth/image_raw", FrameSlots { slots: 6, bytes: W * H * 4 })?,
            info: setup.publish("depth/camera_info", Qos::Sensor)?,
            odometry: setup.publish("odom", Qos::Sensor)?,
            stick: setup.publish("cmd_vel_in", Qos::Reliable)?,
            battery: setup.publish("battery_state", Qos::Sensor)?,
            scan: setup.publish("scan", Qos::Sensor)?,
            points: setup.publish("points", Qos::Sensor)?,
            resets: setup.publish("odom_resets", Qos::Latched)?,
            seen: setup.extension().unwrap(),
        })
    }
}

/// Turned by `yaw` to the left.
fn turned(v: [f64; 2], yaw: f64) -> [f64; 2] {
    let (s, c) = yaw.sin_cos();
    [c * v[0] - s * v[1], s * v[0] + c * v[1]]
}

impl World {
    /// Metres before the wall.
    fn gap(&self) -> f64 {
        let (s, c) = self.plan.toward.sin_cos();
        self.plan.wall - self.at[0] * c - self.at[1] * s
    }

    /// Along a ray (body's axes, unit length) to the wall, metres.
    fn range(&self, [x, y, z]: [f64; 3]) -> f64 {
        let (s, c) = self.plan.pitch.sin_cos();
        let level = turned([c * x + s * z, y], self.plan.yaw - self.plan.toward);
        let range = self.gap() / level[0];
        if range > 0.0 { range } else { f64::INFINITY }
    }

    fn odometry(&self, fault: Fault, stamp: i64, at: [f64; 2], velocity: [f64; 2]) -> Odometry {
        let mut odometry = Odometry::default();
        odometry.header.stamp = Time(stamp).to_msg();
        let p = &mut odometry.pose.pose;
        (p.position.x, p.position.y, p.position.z) = (at[0], at[1], 2.0);
        let ((sy, cy), (sp, cp)) = ((0.5 * self.plan.yaw).sin_cos(), (0.5 * self.plan.pitch).sin_cos());
        let q = &mut p.orientation;
        (q.w, q.x, q.y, q.z) = (cy * cp, -sy * sp, cy * sp, sy * cp);
        match fault {
            Fault::OdometryNan => p.position.x = f64::NAN,
            Fault::OdometryJumps => p.position.y += if self.frame.is_multiple_of(2) { 7.0 } else { 0.0 },
            Fault::OdometryOftenNan if self.frame.is_multiple_of(2) => p.position.x = f64::NAN,
            _ => {}
        }
        let ahead = turned(velocity, -self.plan.yaw);
        let (s, c) = self.plan.pitch.sin_cos();
        let v = &mut odometry.twist.twist.linear;
        (v.x, v.y, v.z) = (c * ahead[0], ahead[1], s * ahead[0]);
        odometry
    }

    fn fly(&mut self, time: f64) {
        while self.pending.front().is_some_and(|(at, _)| *at <= time) {
            self.acting = self.pending.pop_front().unwrap().1;
        }
        for axis in 0..2 {
            let wish = ((self.acting[axis] - self.velocity[axis]) / 0.15).clamp(-5.0, 5.0);
            self.velocity[axis] += wish * STEP;
            self.at[axis] += self.velocity[axis] * STEP;
        }
        let speed = self.velocity[0].hypot(self.velocity[1]);
        self.seen.lock().unwrap().track.push((time, self.at[0], self.at[1], speed));
    }

    /// The wall as a level camera 0.12 m before the body's middle sees it that looks straight at it.
    fn picture(&self) -> Vec<u8> {
        assert!((self.plan.yaw - self.plan.toward).abs() < 1e-9 && self.plan.pitch == 0.0);
        let z = (self.gap() - 0.12) as f32;
        let z = if z < 12.0 { z.max(0.05) } else { f32::INFINITY };
        z.to_le_bytes().repeat(W * H)
    }

    fn step(&mut self, ctx: &Context) -> Result<Advance> {
        self.frame += 1;
        let time = self.frame as f64 * STEP;
        if time > self.plan.seconds {
            return Ok(Advance::Finished);
        }
        self.fly(time);
        let now = Time((time * 1e9).round() as i64);
        let faulty = (self.plan.from..self.plan.until).contains(&time);
        let fault = if faulty { self.plan.fault } else { Fault::None };
        let off = if let Fault::Clock(seconds) = fault { i64::from(seconds) * 1_000_000_000 } else { 0 };
        let stamp = Time(now.0 + off);
        self.past.push_back((stamp.0, self.at, self.velocity));
        let (every, late) = self.plan.odometry;
        if self.past.len() > late {
            let (taken, at, velocity) = self.past.pop_front().unwrap();
            if fault != Fault::OdometryGone && self.frame.is_multiple_of(every) {
                self.odometry.send(ctx, self.odometry(fault, taken, at, velocity))?;
            }
        }
        if self.frame == 1 || (fault == Fault::OdometryReset && self.frame.is_multiple_of(30)) {
            self.resets.send(ctx, UInt32 { data: u32::from(self.frame > 1) * 7 })?;
        }
        let mut battery = BatteryState { percentage: 0.8, ..Default::default() };
        if let Fault::Battery(charge) = fault {
            battery.percentage = charge;
        }
        self.battery.send(ctx, battery)?;
        if self.frame.is_multiple_of(2) {
            self.sense(ctx, stamp, fault)?;
        }
        if fault != Fault::CommandGone {
            let mut twist = TwistStamped::default();
            if fault != Fault::CommandRepeats {
                self.stamped = now.0;
            }
            let ahead = if fault == Fault::CommandAhead { 5_000_000_000 } else { 0 };
            twist.header.stamp = Time(self.stamped + ahead).to_msg();
            twist.header.frame_id =
                if fault == Fault::CommandElsewhere { "camera_optical".into() } else { self.plan.frame.into() };
            twist.twist.linear.x = if fault == Fault::CommandNan { f64::NAN } else { self.plan.stick.0 };
            twist.twist.linear.y = self.plan.stick.1;
            self.stick.send(ctx, twist)?;
        }
        Ok(Advance::To(now))
    }

    fn sense(&mut self, ctx: &Context, now: Time, fault: Fault) -> Result {
        if self.plan.scan && fault != Fault::ScanGone {
            let mut scan = LaserScan { range_min: 0.1, range_max: 20.0, ..Default::default() };
            scan.header.stamp = now.to_msg();
            scan.angle_increment = 1_f32.to_radians();
            scan.ranges = (0..360_u32)
                .map(|i| {
                    let (s, c) = f64::from(i).to_radians().sin_cos();
                    let range = self.range([c, s, 0.0]);
                    // A millimetre of noise, as every scanner has.
                    let noise = 1e-3 * ((self.frame * 7 + u64::from(i)) % 13) as f64 / 13.0;
                    if range < 20.0 { (range + noise) as f32 } else { f32::INFINITY }
                })
                .collect();
            match fault {
                Fault::ScanIs(range) => scan.ranges.fill(range),
                Fault::ScanFrozen => {
                    scan.ranges = self.frozen_scan.get_or_insert_with(|| scan.ranges.clone()).clone();
                }
                _ => {}
            }
            self.scan.send(ctx, scan)?;
        }
        if self.plan.lidar {
            self.points.send(ctx, self.cloud(now))?;
        }
        if (self.plan.scan || self.plan.lidar) && !self.plan.both {
            return Ok(());
        }
        let mut info = CameraInfo { width: W as u32, height: H as u32, ..Default::default() };
        if fault == Fault::OtherInfo {
            info.width *= 2;
        }
        info.k = [84.0, 0.0, 79.5, 0.0, 84.0, 59.5, 0.0, 0.0, 1.0];
        if fault != Fault::NoInfo {
            self.info.send(ctx, info)?;
        }
        let bytes = match fault {
            Fault::DepthGone => return Ok(()),
            Fault::DepthIs(z) => z.to_le_bytes().repeat(W * H),
            Fault::DepthFrozen => {
                let picture = self.picture();
                self.frozen.get_or_insert(picture).clone()
            }
            _ => self.picture(),
        };
        let encoding = if fault == Fault::NotDepth { Encoding::Rgb8 } else { Encoding::Depth32 };
        if let Some(mut loan) =
            self.images.loan(&ImageSpec::packed(W as u32, H as u32, encoding, "camera_optical"))?
        {
            let length = loan.bytes_mut().len();
            loan.bytes_mut().copy_from_slice(&bytes[..length]);
            loan.set_stamp(now.0);
            self.images.send(ctx, loan)?;
        }
        Ok(())
    }
}

impl World {
    /// 21 planes of 120 rays.
    fn cloud(&self, now: Time) -> PointCloud2 {
        let mut cloud = PointCloud2 {
            width: 120,
            height: 21,
            point_step: 12,
            row_step: 1440,
            fields: ["x", "y", "z"]
                .iter()
                .zip([0, 4, 8])
                .map(|(name, offset)| PointField {
                    name: (*name).into(),
                    offset,
                    datatype: PointField::FLOAT32,
                    count: 1,
                })
                .collect(),
            ..Default::default()
        };
        cloud.header.stamp = now.to_msg();
        for j in -10..=10 {
            for i in 0..120 {
                let ((s, c), (up, flat)) =
                    ((f64::from(i) * 0.05236).sin_cos(), (f64::from(j) * 0.03).sin_cos());
                let d = [flat * c, flat * s, up];
                let noise = 1e-3 * ((self.frame * 7 + i as u64) % 13) as f64 / 13.0;
                let range = self.range(d) + noise;
                let range = if range < 40.0 { range } else { f64::NAN };
                cloud.data.extend(d.iter().flat_map(|v| ((range * v) as f32).to_le_bytes()));
            }
        }
        cloud
    }
}

fn run(plan: Plan, params: &[(&str, ParamValue)]) -> (RunReport, Seen) {
    let seen = Arc::new(Mutex::new(Seen::default()));
    let mut app = App::new(Mode::Lockstep { threads: 1 });
    app.log_topics(true).extend(seen.clone()).extend(Arc::new(plan));
    app.add(NodeFactory::of::<World>(), NodeSpec::new("world")).unwrap();
    let spec = params.iter().fold(NodeSpec::new("safety_filter"), |s, (k, v)| s.with_param(k, v.clone()));
    app.add(NodeFactory::of::<SafetyFilterNode>(), spec).unwrap();
    let report = app.run().unwrap();
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    assert!(report.nodes.iter().all(|n| n.errors == 0), "{:?}", report.nodes);
    (report, seen)
}

/// Runs a fault at full speed; it must end at rest, for this reason.
fn stops(fault: Fault, cause: &str) {
    stops_in(Plan { fault, seconds: 3.5, ..Plan::default() }, cause);
}

fn stops_in(plan: Plan, cause: &str) {
    let (_, seen) = run(plan, &[]);
    let before = seen.track.iter().rfind(|t| t.0 < plan.from).unwrap();
    let last = seen.track.last().unwrap();
    println!("{cause}: {:.2} m/s, then {:.2} m; {:?}", before.3, last.1 - before.1, seen.causes);
    assert!(before.3 > 3.0, "never at speed");
    assert!(last.3 < 0.05, "still {:.2} m/s", last.3);
    assert_eq!(seen.causes.last().unwrap(), cause);
    assert!(seen.counted > 10, "interventions are counted");
}

#[test]
fn in_the_open_the_stick_passes() {
    let (_, seen) = run(Plan::default(), &[]);
    assert!((seen.track.last().unwrap().3 - 5.0).abs() < 0.1, "{:?}", seen.causes);
    assert_eq!(seen.causes.last().unwrap(), "passing");
}

#[test]
fn a_stick_pushed_at_a_wall_stops_before_it() {
    for scan in [false, true] {
        let (_, seen) = run(Plan { wall: 12.0, scan, ..Plan::default() }, &[]);
        let nearest = seen.track.iter().map(|t| 12.0 - t.1 - BODY).fold(f64::INFINITY, f64::min);
        println!("wall, scan {scan}: nearest {nearest:.3} m; {:?}", seen.causes);
        assert!(nearest > 0.0 && seen.track.last().unwrap().3 < 0.1);
        assert!(seen.track.iter().any(|t| t.3 > 3.5), "it was allowed to fly at all");
        assert_eq!(seen.causes.last().unwrap(), "obstacle");
        assert!(seen.ring[0] < 1.5, "the wall is in the ring: {}", seen.ring[0]);
    }
}

#[test]
fn along_a_wall_it_slides() {
    let plan = Plan { wall: 3.0, stick: (2.0, 0.4), scan: true, seconds: 8.0, ..Plan::default() };
    let (_, seen) = run(plan, &[("blind_speed_mps", ParamValue::Double(1.0))]);
    let last = seen.track.last().unwrap();
    println!("slid {:.2} m along, {:.2} m from the wall", last.2, 3.0 - last.1 - BODY);
    assert!(last.2 > 1.2 && 3.0 - last.1 - BODY > 0.0);
}

#[test]
fn depth_that_ends_stops() {
    stops(Fault::DepthGone, "sensors_old");
}

#[test]
fn a_scanner_that_ends_freezes_or_is_covered_stops() {
    let alone = Plan { scan: true, seconds: 3.5, ..Plan::default() };
    stops_in(Plan { fault: Fault::ScanGone, ..alone }, "sensors_old");
    stops_in(Plan { fault: Fault::ScanIs(f32::NAN), ..alone }, "sensors_old");
    stops_in(Plan { fault: Fault::ScanIs(0.15), ..alone }, "obstacle");
    // The wall in view: the frozen scan would say that it stays away.
    let plan = Plan { fault: Fault::ScanFrozen, wall: 12.0, from: 1.4, scan: true, ..Plan::default() };
    let (_, seen) = run(plan, &[]);
    let last = seen.track.last().unwrap();
    assert!(12.0 - last.1 - BODY > 0.0 && last.3 < 0.1, "{last:?}");
    assert_eq!(seen.causes.last().unwrap(), "sensors_old");
}

#[test]
fn of_two_sensors_each_must_deliver() {
    let both = Plan { scan: true, both: true, seconds: 3.5, ..Plan::default() };
    for fault in [Fault::DepthGone, Fault::DepthIs(0.0), Fault::ScanGone, Fault::ScanIs(f32::NAN)] {
        stops_in(Plan { fault, ..both }, "sensors_old");
    }
    let (_, seen) = run(both, &[]);
    assert_eq!(seen.causes.last().unwrap(), "passing");
}

#[test]
fn nan_zero_and_negative_depth_stop() {
    for z in [f32::NAN, 0.0, -1.0] {
        stops(Fault::DepthIs(z), "sensors_old");
    }
}

#[test]
fn images_that_are_no_depth_stop() {
    stops(Fault::NotDepth, "sensors_old");
}

#[test]
fn saturated_depth_stops() {
    stops(Fault::DepthIs(0.1), "obstacle");
}

#[test]
fn saturated_depth_is_never_passed_through() {
    // Past the nearest surface that it sees, a vehicle would have nothing before it and be let go on.
    let plan = Plan { fault: Fault::DepthIs(0.1), stick: (8.0, 0.0), from: 2.2, ..Plan::default() };
    let (_, seen) = run(plan, &[]);
    println!("saturated at 8 m/s: {:?}", seen.causes);
    // The first command comes before the first picture, and is answered at once.
    assert_eq!(seen.causes, ["sensors_old", "passing", "obstacle"]);
}

#[test]
fn frozen_depth_stops() {
    // The wall in view: the frozen picture would say that it stays away.
    let plan = Plan { fault: Fault::DepthFrozen, wall: 12.0, from: 1.4, ..Plan::default() };
    let (_, seen) = run(plan, &[]);
    let last = seen.track.last().unwrap();
    println!("frozen: {:.2} m from the wall; {:?}", 12.0 - last.1 - BODY, seen.causes);
    assert!(12.0 - last.1 - BODY > 0.0 && last.3 < 0.1);
    assert_eq!(seen.causes.last().unwrap(), "sensors_old");
}

#[test]
fn odometry_gone_or_not_finite_stops() {
    stops(Fault::OdometryGone, "odometry_old");
    stops(Fault::OdometryNan, "odometry_old");
}

#[test]
fn jumping_odometry_stops() {
    let plan = Plan { fault: Fault::OdometryJumps, seconds: 3.5, ..Plan::default() };
    let (_, seen) = run(plan, &[]);
    println!("jumps: {:?}", seen.causes);
    assert!(seen.track.last().unwrap().3 < 0.05, "still {:.2} m/s", seen.track.last().unwrap().3);
    assert!(seen.causes.iter().any(|c| c == "sensors_old"));
}

#[test]
fn odometry_that_is_not_finite_now_and_then_is_not_believed_between() {
    let plan = Plan { fault: Fault::OdometryOftenNan, seconds: 3.5, ..Plan::default() };
    let (_, seen) = run(plan, &[]);
    println!("now and then: {:?}", seen.causes);
    assert!(seen.track.last().unwrap().3 < 0.05);
}

#[test]
fn a_clock_set_back_or_ahead_stops_and_is_survived() {
    for seconds in [-5, 5] {
        stops(Fault::Clock(seconds), "odometry_old");
        let (_, seen) = run(Plan { fault: Fault::Clock(seconds), until: 2.0, ..Plan::default() }, &[]);
        println!("{seconds} s: {:?}", seen.causes);
        assert!(seen.causes.iter().any(|c| c == "odometry_old"));
        assert_eq!(seen.causes.last().unwrap(), "passing", "it goes on when the clock is right again");
        assert!(seen.track.last().unwrap().3 > 4.5);
    }
}

#[test]
fn a_command_that_ends_or_is_not_finite_stops() {
    stops(Fault::CommandGone, "command_old");
    stops(Fault::CommandNan, "command_not_finite");
}

#[test]
fn the_battery_slows_and_stops() {
    stops(Fault::Battery(0.05), "battery_critical");
    let plan = Plan { fault: Fault::Battery(0.15), ..Plan::default() };
    let (_, seen) = run(plan, &[]);
    assert!((seen.track.last().unwrap().3 - 1.5).abs() < 0.05);
    assert_eq!(seen.causes.last().unwrap(), "battery_low");
}

#[test]
fn a_battery_that_tells_percent_is_understood() {
    stops(Fault::Battery(5.0), "battery_critical");
    let (_, seen) = run(Plan { fault: Fault::Battery(15.0), ..Plan::default() }, &[]);
    assert!((seen.track.last().unwrap().3 - 1.5).abs() < 0.05);
    let (_, seen) = run(Plan { fault: Fault::Battery(80.0), ..Plan::default() }, &[]);
    assert_eq!(seen.causes.last().unwrap(), "passing");
}

#[test]
fn the_fence_is_kept_on_every_side() {
    let box_of = |low: [f64; 2], high: [f64; 2]| {
        let corner = |c: [f64; 2], z: f64| ParamValue::DoubleArray(vec![c[0], c[1], z]);
        [("fence_low_m", corner(low, -1.0)), ("fence_high_m", corner(high, 20.0))]
    };
    for (yaw, axis, sign) in [(0.0, 0, 1.0), (1.5708, 1, 1.0), (3.1416, 0, -1.0), (-1.5708, 1, -1.0)] {
        let (mut low, mut high) = ([-100.0; 2], [100.0; 2]);
        if sign > 0.0 { high[axis] = 9.0 } else { low[axis] = -9.0 }
        let (_, seen) = run(Plan { yaw, toward: yaw, ..Plan::default() }, &box_of(low, high));
        let farthest = seen.track.iter().map(|t| sign * [t.1, t.2][axis]).fold(0.0, f64::max);
        println!("fence at 9 m toward {yaw}: farthest {farthest:.2} m; {:?}", seen.causes);
        assert!(farthest < 9.05 && farthest > 8.0);
        assert_eq!(seen.causes.last().unwrap(), "fence");
    }
}

/// The wall anywhere around, the vehicle looking at it or elsewhere, the stick pushed at it.
#[test]
fn it_stops_whichever_way_it_flies() {
    for (toward, yaw, lidar) in
        [(2.0, 2.0, false), (-2.5, 0.0, false), (1.2, 2.9, true), (3.1, -1.4, true), (-0.8, 0.9, false)]
    {
        let push = turned([5.0, 0.0], toward - yaw);
        let plan =
            Plan { wall: 12.0, toward, yaw, stick: (push[0], push[1]), scan: !lidar, lidar, ..Plan::default() };
        check_wall(plan, &[]);
    }
    // With a camera that looks where it flies.
    check_wall(Plan { wall: 12.0, toward: 2.2, yaw: 2.2, ..Plan::default() }, &[]);
    // Commands in odom's axes.
    let push = turned([5.0, 0.0], 1.0);
    let plan = Plan { wall: 12.0, toward: 1.0, yaw: -2.0, stick: (push[0], push[1]), scan: true, ..Plan::default() };
    check_wall(Plan { frame: "odom", ..plan }, &[]);
    check_wall(plan, &[("command_frame", ParamValue::String("odom".into()))]);
}

fn check_wall(plan: Plan, params: &[(&str, ParamValue)]) -> f64 {
    let (_, seen) = run(plan, params);
    let (s, c) = plan.toward.sin_cos();
    let gap = |t: &(f64, f64, f64, f64)| plan.wall - t.1 * c - t.2 * s - BODY;
    let nearest = seen.track.iter().map(gap).fold(f64::INFINITY, f64::min);
    println!("{:.1} from {:.1}: nearest {nearest:.3} m; {:?}", plan.toward, plan.yaw, seen.causes);
    assert!(nearest > 0.0 && nearest < 1.0, "{nearest}");
    assert!(seen.track.last().unwrap().3 < 0.1 && seen.track.iter().any(|t| t.3 > 3.0));
    assert_eq!(seen.causes.last().unwrap(), "obstacle");
    nearest
}

#[test]
fn odometry_that_is_slow_and_late_is_carried_on() {
    // The vehicle's own 0.2 s and not a tenth more: what odometry is late must come from the prediction.
    let measured = [("reaction_s", ParamValue::Double(0.2))];
    let plan = Plan { wall: 12.0, scan: true, ..Plan::default() };
    let prompt = check_wall(plan, &measured);
    let slow = check_wall(Plan { odometry: (6, 1), ..plan }, &measured);
    assert!(slow > prompt - 0.1, "{slow} against {prompt}");
}

#[test]
fn a_scanner_whose_nose_is_down_does_not_fly_blind() {
    for pitch in [0.09, -0.09] {
        let plan = Plan { wall: 14.0, scan: true, pitch, ..Plan::default() };
        let (_, seen) = run(plan, &[]);
        assert!(!seen.causes.iter().any(|c| c == "blind"), "{:?}", seen.causes);
        check_wall(plan, &[]);
    }
}

#[test]
fn the_ring_is_unknown_where_nobody_looked_and_when_nobody_looks() {
    let (_, seen) = run(Plan { seconds: 2.0, ..Plan::default() }, &[]);
    let clear = |n: &usize| seen.ring[*n] == f32::INFINITY;
    assert!([0, 4, 68].iter().all(clear), "{:?}", seen.ring);
    assert!(seen.ring[10..=62].iter().all(|r| r.is_nan()), "nobody looked there: {:?}", seen.ring);
    for fault in [Fault::DepthGone, Fault::OdometryGone] {
        let (_, seen) = run(Plan { fault, seconds: 2.2, ..Plan::default() }, &[]);
        assert!(seen.ring.len() == 72 && seen.ring.iter().all(|r| r.is_nan()), "{:?}", seen.ring);
    }
    let (_, seen) = run(Plan { scan: true, seconds: 2.0, ..Plan::default() }, &[]);
    assert!(seen.ring.iter().all(|r| *r == f32::INFINITY), "{:?}", seen.ring);
    // Before the first command too: a pilot in a mode of the autopilot's own needs it.
    let (_, seen) = run(Plan { fault: Fault::CommandGone, from: 0.0, seconds: 1.0, ..Plan::default() }, &[]);
    assert!(seen.commands.is_empty() && seen.ring[0] == f32::INFINITY);
    assert_eq!(seen.causes, ["no command yet"]);
}

#[test]
fn when_nothing_fresh_comes_it_stops_and_then_says_nothing_more() {
    for fault in [
        Fault::CommandGone,
        Fault::CommandRepeats,
        Fault::CommandAhead,
        Fault::CommandElsewhere,
        Fault::CommandNan,
        Fault::DepthGone,
        Fault::OdometryGone,
    ] {
        let (_, seen) = run(Plan { fault, from: 1.2, seconds: 4.0, ..Plan::default() }, &[]);
        let last = *seen.commands.last().unwrap();
        println!("silent after {:.2} s: {:?}", last - 1.2, seen.causes);
        assert!((2.1..2.75).contains(&last), "{last}");
        let stopped = seen.track.iter().find(|t| t.0 > 1.2 && t.3 < 0.05).unwrap().0;
        assert!(stopped < 3.0 && seen.track.last().unwrap().3 < 0.05, "stopped before it fell silent");
        assert_eq!(seen.value("silent"), "true");
        assert!(seen.status_at > 3.8, "the status goes on");
        // It speaks again with the next that is fresh.
        let (_, seen) = run(Plan { fault, from: 1.2, until: 3.5, seconds: 6.0, ..Plan::default() }, &[]);
        assert!(seen.commands.iter().any(|t| *t > 3.6) && !seen.commands.iter().any(|t| (2.8..3.4).contains(t)));
        assert!(seen.track.last().unwrap().3 > 4.0, "{:?}", seen.causes);
        assert_eq!(seen.value("silent"), "false");
    }
    // A wall is no silence: there it stops as long as it is asked.
    let (_, seen) = run(Plan { wall: 8.0, ..Plan::default() }, &[]);
    assert!(*seen.commands.last().unwrap() > 5.9);
}

#[test]
fn a_command_in_unknown_axes_is_not_followed_and_counted() {
    let plan = Plan { fault: Fault::CommandElsewhere, seconds: 3.0, ..Plan::default() };
    let (_, seen) = run(plan, &[]);
    assert_eq!(seen.causes.last().unwrap(), "command_old");
    assert!(seen.value("commands_in_other_frames").parse::<u64>().unwrap() > 50);
}

#[test]
fn why_a_sensor_is_not_used_is_told() {
    for (fault, count, words) in [
        (Fault::OtherInfo, "unused_other_size", "another size"),
        (Fault::NotDepth, "unused_unreadable", "32FC1"),
        (Fault::DepthIs(f32::NAN), "unused_nothing_valid", "covered"),
        (Fault::Clock(5), "unused_without_pose", "clock"),
    ] {
        let (_, seen) = run(Plan { fault, seconds: 3.0, ..Plan::default() }, &[]);
        assert!(seen.value(count).parse::<u64>().unwrap() > 3, "{count}: {:?}", seen.values);
        // Odometry of another clock comes first.
        if !matches!(fault, Fault::Clock(_)) {
            let reason = seen.value("reason");
            assert!(reason.contains("depth/image_raw") && reason.contains(words), "{reason}");
        }
    }
    let never = Plan { fault: Fault::NoInfo, from: 0.0, seconds: 1.0, ..Plan::default() };
    let (_, seen) = run(never, &[]);
    assert!(seen.value("reason").contains("camera_info") && seen.commands.len() > 20);
    assert!(seen.track.last().unwrap().3 < 0.05);
}

#[test]
fn a_reset_of_odometry_is_believed_when_it_is_told() {
    let plan = Plan { fault: Fault::OdometryReset, until: 1.7, ..Plan::default() };
    let (_, seen) = run(plan, &[]);
    println!("reset: {:?}", seen.causes);
    assert!(seen.causes.iter().any(|c| c == "sensors_old"), "{:?}", seen.causes);
    assert_eq!(seen.causes.last().unwrap(), "passing");
    assert!(seen.track.last().unwrap().3 > 4.5);
}

#[test]
fn the_same_flight_repeats_bit_for_bit() {
    let plan = Plan { wall: 9.0, seconds: 3.0, ..Plan::default() };
    assert_eq!(run(plan, &[]).0.topic_log_sha256, run(plan, &[]).0.topic_log_sha256);
}

#[test]
fn bad_parameters_are_refused_by_name() {
    let refusal = |key: &str, value: ParamValue| {
        let mut app = App::new(Mode::Lockstep { threads: 1 });
        let spec = NodeSpec::new("safety_filter").with_param(key, value);
        app.add(NodeFactory::of::<SafetyFilterNode>(), spec).map(|_| ()).unwrap_err().to_string()
    };
    let e = refusal("camera_pose", ParamValue::DoubleArray(vec![0.0; 5]));
    assert!(e.contains("PG-1702") && e.contains("camera_pose"), "{e}");
    let e = refusal("fresh_s", ParamValue::Double(1.0));
    assert!(e.contains("PG-1701") && e.contains("fresh_s"), "{e}");
    let e = refusal("command_frame", ParamValue::String("body".into()));
    assert!(e.contains("PG-1703") && e.contains("heading, odom"), "{e}");
    let e = refusal("points_elevation_rad", ParamValue::DoubleArray(vec![0.3, -0.3]));
    assert!(e.contains("PG-1701") && e.contains("points_elevation_rad"), "{e}");
    let e = refusal("fence_low_m", ParamValue::DoubleArray(vec![0.0, 0.0, 500.0]));
    assert!(e.contains("PG-1701") && e.contains("fence_low_m"), "{e}");
}

#[test]
fn the_shipped_parameter_file_names_every_parameter_and_its_default() {
    use peregrine::{ParamMap, Params};
    let text = include_str!("../params.yaml");
    let defaults =
        peregrine_safety_filter::node::SafetyFilterParams::from_map("/s", "s", &ParamMap::default()).unwrap();
    let shown = format!("{defaults:?}");
    let body = shown.split_once('{').unwrap().1;
    for line in text.lines().filter(|l| l.starts_with("    ") && !l.trim().starts_with("#")) {
        let (key, rest) = line.trim().split_once(": ").unwrap();
        let value = rest.split(" #").next().unwrap().trim();
        let quoted = value.replace(", ", ",").replace(' ', "");
        let at = body.find(&format!(" {key}: ")).unwrap_or_else(|| panic!("{key} is no parameter"));
        let given = body[at..].split_once(": ").unwrap().1.replace(", ", ",").replace('"', "");
        assert!(given.starts_with(&quoted), "{key}: {value} in params.yaml, {} in code", &given[..20]);
    }
    for key in body.match_indices(": ").map(|(at, _)| body[..at].rsplit([' ', '{']).next().unwrap()) {
        assert!(text.contains(&format!("    {key}: ")), "{key} is missing in params.yaml");
    }
}
