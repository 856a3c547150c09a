//! The vehicle, its sensors, its pilot and the wall.

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
pub const STEP: f64 = 1.0 / 60.0;
pub const BODY: f64 = 0.25;

/// What goes wrong, from when on.
#[derive(Clone, Copy, PartialEq)]
pub enum Fault {
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
pub struct Plan {
    pub fault: Fault,
    pub from: f64,
    /// When it is over, s.
    pub until: f64,
    /// Where the wall stands, metres ahead of the start.
    pub wall: f64,
    /// What the pilot wants, m/s forward and left.
    pub stick: (f64, f64),
    /// Lidar instead of the depth camera, or beside it.
    pub scan: bool,
    pub both: bool,
    /// A lidar of 21 planes, beside `scan` or instead of it.
    pub lidar: bool,
    pub seconds: f64,
    /// Where the wall stands, and where the vehicle looks: radians from odom's x.
    pub toward: f64,
    pub yaw: f64,
    /// Nose down, radians.
    pub pitch: f64,
    /// frame_id of the commands.
    pub frame: &'static str,
    /// Every so many frames odometry comes, so many frames late.
    pub odometry: (u64, usize),
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
pub struct Seen {
    /// (time, x, y, speed).
    pub track: Vec<(f64, f64, f64, f64)>,
    pub causes: Vec<String>,
    pub counted: u64,
    pub ring: Vec<f32>,
    /// When commands left, s.
    pub commands: Vec<f64>,
    /// All that the last status said, and when it came.
    pub values: Vec<(String, String)>,
    pub status_at: f64,
}

impl Seen {
    pub fn value(&self, key: &str) -> &str {
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
pub fn turned(v: [f64; 2], yaw: f64) -> [f64; 2] {
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
            twist.header.frame_id = if fault == Fault::CommandElsewhere {
                "camera_optical".into()
            } else {
                self.plan.frame.into()
            };
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

pub fn run(plan: Plan, params: &[(&str, ParamValue)]) -> (RunReport, Seen) {
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
