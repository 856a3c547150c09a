//! Wiring: a command, odometry and range sensors in; the command that still stops, and why, out.

use peregrine::prelude::*;
use peregrine::{Params, Period};
use peregrine_msgs::diagnostic_msgs::{DiagnosticArray, DiagnosticStatus, KeyValue};
use peregrine_msgs::geometry_msgs::{Twist, TwistStamped, Vector3};
use peregrine_msgs::nav_msgs;
use peregrine_msgs::sensor_msgs::{BatteryState, CameraInfo, LaserScan};
use peregrine_msgs::std_msgs::Header;

use crate::algo::filter::{Ages, CAUSES, Cause, Filter, Limits, Verdict};
use crate::algo::ingest::{self, Depth, Pinhole};
use crate::algo::sensors::{self, Belief, Sensor};
use crate::algo::shell::{AZIMUTHS, Shell};
use crate::algo::vector::{Turn, V, along, finite, norm};
use crate::error::FilterError;

/// Odometry kept for pairing with sensors.
const HISTORY: usize = 64;
/// Odometry this far from a sensor's stamp still serves it, ns.
const PAIR_WITHIN: i64 = 60_000_000;
/// The depth camera and the laser scanner among the sensors.
const DEPTH: usize = 0;
const SCAN: usize = 1;
/// A step of odometry longer than this, beyond what the speed explains, is a jump, metres.
const JUMP: f64 = 0.5;
/// From the optical axes to a camera that looks along x of its mount (REP-103).
const OPTICAL: Turn = Turn([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]);

/// Parameters of the safety filter. Metres, seconds; odom is ENU, the body FLU.
#[derive(Params, Debug, Clone)]
pub struct SafetyFilterParams {
    /// Commands per second beside those that answer a command at once, 10 to 200.
    #[param(default = 50.0, range = 10.0..=200.0, live)]
    pub rate_hz: f64,
    /// Radius of the ball around the body with its propellers, metres, 0.05 to 3.
    #[param(default = 0.25, range = 0.05..=3.0)]
    pub body_radius_m: f64,
    /// Kept clear beyond it, metres, 0 to 3. Less than the planner's, so that it acts only where the planner failed.
    #[param(default = 0.05, range = 0.0..=3.0, live)]
    pub margin_m: f64,
    /// Deceleration the vehicle surely reaches, m/s2, 0.3 to 30.
    #[param(default = 4.0, range = 0.3..=30.0, live)]
    pub brake_deceleration_mps2: f64,
    /// From a command to its effect, with the lag of the velocity loop, seconds, 0 to 2.
    #[param(default = 0.25, range = 0.0..=2.0, live)]
    pub reaction_s: f64,
    /// Surfaces nearer than this push back whatever the direction, metres from the body's surface, 0 to 5.
    #[param(default = 0.3, range = 0.0..=5.0, live)]
    pub near_m: f64,
    /// Never faster, m/s, 0.1 to 30.
    #[param(default = 8.0, range = 0.1..=30.0, live)]
    pub max_speed_mps: f64,
    /// Never faster where no sensor has looked, m/s, 0 to 30.
    #[param(default = 0.6, range = 0.0..=30.0, live)]
    pub blind_speed_mps: f64,
    /// Lower corner of the fence, odom, metres: x, y, z.
    #[param(default = [-10000.0, -10000.0, -10.0], live)]
    pub fence_low_m: Vec<f64>,
    /// Upper corner of the fence, odom, metres: x, y, z.
    #[param(default = [10000.0, 10000.0, 120.0], live)]
    pub fence_high_m: Vec<f64>,
    /// An input younger than this is fresh, seconds, 0.01 to 2.
    #[param(default = 0.12, range = 0.01..=2.0, live)]
    pub fresh_s: f64,
    /// An input older than this stops the vehicle, seconds, 0.02 to 5.
    #[param(default = 0.35, range = 0.02..=5.0, live)]
    pub stale_s: f64,
    /// Surfaces that left the view are kept this long, seconds, 0 to 60.
    #[param(default = 2.0, range = 0.0..=60.0)]
    pub memory_s: f64,
    /// Sight ends here, metres, 1 to 100.
    #[param(default = 12.0, range = 1.0..=100.0, live)]
    pub max_range_m: f64,
    /// Where the depth camera sits in base_link: x, y, z in metres, roll, pitch, yaw in radians; it looks along its x.
    #[param(default = [0.12, 0.0, 0.03, 0.0, 0.0, 0.0])]
    pub camera_pose: Vec<f64>,
    /// Where the laser scanner sits in base_link.
    #[param(default = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0])]
    pub scan_pose: Vec<f64>,
    /// Under this share of charge the speed is capped, 0 to 1.
    #[param(default = 0.2, range = 0.0..=1.0, live)]
    pub battery_low: f64,
    /// The cap, m/s, 0 to 30.
    #[param(default = 1.5, range = 0.0..=30.0, live)]
    pub battery_low_speed_mps: f64,
    /// Under this share of charge the vehicle stops, 0 to 1.
    #[param(default = 0.08, range = 0.0..=1.0, live)]
    pub battery_critical: f64,
    /// Axes of the command's velocity: heading (x forward, level), or odom.
    #[param(default = "heading")]
    pub command_frame: String,
}

fn six(name: &'static str, v: &[f64]) -> Result<(V, Turn), FilterError> {
    match *v {
        [x, y, z, roll, pitch, yaw] if v.iter().all(|n| n.is_finite()) => {
            Ok(([x, y, z], Turn::from_rpy(roll, pitch, yaw)))
        }
        _ => Err(FilterError::ParameterLength { name, count: v.len(), expected: "six finite numbers" }),
    }
}

fn corner(name: &'static str, v: &[f64]) -> Result<V, FilterError> {
    match *v {
        [x, y, z] if v.iter().all(|n| n.is_finite()) => Ok([x, y, z]),
        _ => Err(FilterError::ParameterLength { name, count: v.len(), expected: "three finite numbers" }),
    }
}

impl SafetyFilterParams {
    /// The limits that these parameters mean.
    ///
    /// # Errors
    /// [`FilterError`], naming the first culprit.
    pub fn limits(&self) -> Result<Limits, FilterError> {
        let fence = (corner("fence_low_m", &self.fence_low_m)?, corner("fence_high_m", &self.fence_high_m)?);
        if let Some(axis) = (0..3).find(|i| fence.0[*i] >= fence.1[*i]) {
            let (name, value) = ("fence_low_m", fence.0[axis]);
            return Err(FilterError::ParameterOutOfRange {
                name,
                value,
                expected: "below fence_high_m in every axis",
            });
        }
        if self.fresh_s >= self.stale_s {
            let (name, value) = ("fresh_s", self.fresh_s);
            return Err(FilterError::ParameterOutOfRange { name, value, expected: "less than stale_s" });
        }
        Ok(Limits {
            radius: self.body_radius_m + self.margin_m,
            deceleration: self.brake_deceleration_mps2,
            reaction: self.reaction_s,
            near: self.near_m,
            max_speed: self.max_speed_mps,
            blind_speed: self.blind_speed_mps,
            fence,
            fresh: self.fresh_s,
            stale: self.stale_s,
        })
    }
}

#[derive(Clone, Copy)]
struct Pose {
    stamp: i64,
    at: V,
    turn: Turn,
}

/// Lets through what still stops.
pub struct SafetyFilterNode {
    params: SafetyFilterParams,
    period: Period,
    filter: Filter,
    shell: Shell,
    camera: Option<Pinhole>,
    camera_mount: (V, Turn),
    scan_mount: (V, Turn),
    odometry: std::collections::VecDeque<Pose>,
    odometry_sound: bool,
    /// Poses with older stamps prove nothing: odometry must hold together for a while after a jump, ns.
    trusted_from: i64,
    sensors: [Sensor; 2],
    command: Option<(i64, V, f64)>,
    in_odom: bool,
    battery: f64,
    counts: [u64; CAUSES],
    passed: u64,
    bad_images: u64,
    last_cause: Option<Cause>,
    cycles: u64,
    velocity: Publisher<TwistStamped>,
    status: Publisher<DiagnosticArray>,
    ring: Publisher<LaserScan>,
}

impl Node for SafetyFilterNode {
    const NAME: &'static str = "safety_filter";
    type Params = SafetyFilterParams;

    fn configure(setup: &mut Setup<Self>, params: SafetyFilterParams) -> Result<Self> {
        let filter = Filter { limits: params.limits().or_node()? };
        let (camera, scan) = (six("camera_pose", &params.camera_pose), six("scan_pose", &params.scan_pose));
        let ((eye, mount), scan_mount) = (camera.or_node()?, scan.or_node()?);
        setup.subscribe("cmd_vel_in", Qos::Reliable, Self::on_command)?;
        setup.subscribe("odom", Qos::Sensor, Self::on_odometry)?;
        setup.subscribe("depth/camera_info", Qos::Sensor, Self::on_camera_info)?;
        setup.subscribe_frames("depth/image_raw", FramePolicy::Latest, Self::on_depth)?;
        setup.subscribe("scan", Qos::Sensor, Self::on_scan)?;
        setup.subscribe("battery_state", Qos::Sensor, Self::on_battery)?;
        setup.optional("scan")?;
        setup.optional("battery_state")?;
        let period = Period::new(Duration::from_secs_f64(1.0 / params.rate_hz));
        setup.timer_every(period.clone(), Self::on_cycle)?;
        Ok(Self {
            filter,
            shell: Shell::new(params.memory_s.max(params.stale_s)),
            camera: None,
            camera_mount: (eye, mount.after(&OPTICAL)),
            scan_mount,
            odometry: std::collections::VecDeque::with_capacity(HISTORY + 1),
            odometry_sound: true,
            trusted_from: i64::MIN,
            sensors: Default::default(),
            command: None,
            in_odom: params.command_frame == "odom",
            battery: f64::INFINITY,
            counts: [0; CAUSES],
            passed: 0,
            bad_images: 0,
            last_cause: None,
            cycles: 0,
            velocity: setup.publish("cmd_vel", Qos::Reliable)?,
            status: setup.publish("safety_filter/status", Qos::Reliable)?,
            ring: setup.publish("safety_filter/obstacles", Qos::Sensor)?,
            params,
            period,
        })
    }

    /// Between two commands, on the node's lane: no command is judged by a part of it. A limit of charge holds from the next
    /// message of the battery on.
    fn reconfigure(&mut self, _: &Context, params: SafetyFilterParams) -> Result {
        self.filter.limits = params.limits().or_node()?;
        self.period.set(Duration::from_secs_f64(1.0 / params.rate_hz));
        self.params = params;
        Ok(())
    }
}

impl SafetyFilterNode {
    fn on_command(&mut self, ctx: &Context, message: &TwistStamped) -> Result {
        let v = &message.twist.linear;
        self.command = Some((ctx.now().0, [v.x, v.y, v.z], message.twist.angular.z));
        // At once: to wait for the next tick of the clock would cost a planner up to a period of its reaction time.
        self.on_cycle(ctx)
    }

    /// What was seen lies elsewhere now. It counts as unseen until odometry has held together for `stale_s` and it is seen
    /// anew: odometry that jumps with every message would otherwise be believed between two jumps.
    fn distrust(&mut self, since: i64) {
        self.shell.clear();
        self.odometry.clear();
        self.sensors.iter_mut().for_each(Sensor::forget);
        self.trusted_from = since.saturating_add((self.params.stale_s * 1e9) as i64);
    }

    fn on_odometry(&mut self, ctx: &Context, message: &nav_msgs::Odometry) -> Result {
        let (p, q) = (&message.pose.pose.position, &message.pose.pose.orientation);
        let v = &message.twist.twist.linear;
        let (at, stamp) = ([p.x, p.y, p.z], Time::from_msg(&message.header.stamp).0);
        let turn = Turn::from_quaternion(q.w, q.x, q.y, q.z).filter(|_| finite(at));
        self.odometry_sound = turn.is_some();
        let Some(turn) = turn else {
            self.distrust(ctx.now().0);
            return Ok(());
        };
        if let Some(last) = self.odometry.back() {
            let dt = (stamp - last.stamp) as f64 * 1e-9;
            let explained = norm([v.x, v.y, v.z]).min(60.0) * dt.abs();
            if dt < -1.0 || norm(along(at, -1.0, last.at)) > JUMP + 2.0 * explained {
                self.distrust(stamp); // a jump of time or place
            } else if dt < 0.0 {
                return Ok(());
            }
        }
        if self.odometry.len() == HISTORY {
            self.odometry.pop_front();
        }
        self.odometry.push_back(Pose { stamp, at, turn });
        Ok(())
    }

    fn on_camera_info(&mut self, _: &Context, info: &CameraInfo) -> Result {
        let [fx, _, cx, _, fy, cy, ..] = info.k;
        let sound = fx > 0.0 && fy > 0.0 && [fx, fy, cx, cy].iter().all(|v| v.is_finite());
        self.camera = sound
            .then_some(Pinhole { k: [fx, fy, cx, cy], size: (info.width as usize, info.height as usize) });
        Ok(())
    }

    fn pose_at(&self, stamp: i64) -> Option<Pose> {
        self.odometry
            .iter()
            .copied()
            .min_by_key(|p| (p.stamp - stamp).abs())
            .filter(|p| (p.stamp - stamp).abs() <= PAIR_WITHIN && p.stamp >= self.trusted_from)
    }

    fn on_depth(&mut self, ctx: &Context, frame: &Frame) -> Result {
        self.sensors[DEPTH].hear();
        let image = Depth {
            size: (frame.width() as usize, frame.height() as usize),
            step: frame.step() as usize,
            metres: frame.encoding().as_str() == "32FC1",
            bytes: frame.bytes(),
        };
        let known = matches!(frame.encoding().as_str(), "32FC1" | "16UC1" | "mono16") && image.whole();
        let stamp = frame.stamp().0;
        let (Some(camera), Some(pose), true) = (self.camera, self.pose_at(stamp), known) else {
            if !known && self.bad_images == 0 {
                tracing::warn!(
                    node = ctx.node_name(),
                    "a depth image cannot be read; publish 32FC1 or 16UC1"
                );
            }
            self.bad_images += u64::from(!known);
            return Ok(());
        };
        if camera.size != image.size {
            return Ok(());
        }
        let eye = along(pose.at, 1.0, pose.turn.apply(self.camera_mount.0));
        let turn = pose.turn.after(&self.camera_mount.1);
        let worth = ingest::depth(&mut self.shell, &image, &camera, eye, &turn, self.params.max_range_m);
        self.take(DEPTH, stamp, &worth, &pose, eye);
        Ok(())
    }

    /// Ends the sweep of a sensor that looked from `eye`, as far as it is to be believed.
    fn take(&mut self, sensor: usize, stamp: i64, worth: &ingest::Worth, pose: &Pose, eye: V) {
        match self.sensors[sensor].judge(stamp, worth, pose.at, self.filter.limits.radius) {
            Belief::Nothing => {}
            Belief::Doubted => self.shell.end_doubted(stamp, eye),
            Belief::Whole => self.shell.end(stamp),
        }
    }

    fn on_scan(&mut self, _: &Context, scan: &LaserScan) -> Result {
        self.sensors[SCAN].hear();
        let stamp = Time::from_msg(&scan.header.stamp).0;
        let Some(pose) = self.pose_at(stamp) else { return Ok(()) };
        let eye = along(pose.at, 1.0, pose.turn.apply(self.scan_mount.0));
        let turn = pose.turn.after(&self.scan_mount.1);
        let limits = (f64::from(scan.range_min), f64::from(scan.range_max));
        let (first, step) = (f64::from(scan.angle_min), f64::from(scan.angle_increment));
        let far = self.params.max_range_m;
        let worth = ingest::scan(&mut self.shell, &scan.ranges, first, step, limits, eye, &turn, far);
        self.take(SCAN, stamp, &worth, &pose, eye);
        Ok(())
    }

    fn on_battery(&mut self, _: &Context, battery: &BatteryState) -> Result {
        let charge = f64::from(battery.percentage);
        self.battery = if charge.is_nan() {
            f64::INFINITY // not measured
        } else if charge < self.params.battery_critical {
            0.0
        } else if charge < self.params.battery_low {
            self.params.battery_low_speed_mps
        } else {
            f64::INFINITY
        };
        Ok(())
    }

    fn on_cycle(&mut self, ctx: &Context) -> Result {
        // Nothing to guard before the first command: a filter must not wake a sleeping vehicle.
        let Some((heard, wanted, rate)) = self.command else { return Ok(()) };
        let now = ctx.now().0;
        let age = |stamp: i64| (now - stamp) as f64 * 1e-9;
        let pose = self.odometry.back().copied();
        let heading = pose.map_or(Turn::NONE, |p| Turn::level(p.turn.yaw()));
        let in_odom = if self.in_odom { wanted } else { heading.apply(wanted) };
        // A stamp from the future is no better than none.
        let sane = |a: f64| if a < -0.2 { f64::NAN } else { a.max(0.0) };
        let worse = |a: f64, b: f64| if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) };
        let since = now.saturating_sub((self.params.stale_s * 1e9) as i64);
        let ages = Ages {
            command: Some(sane(age(heard))),
            sensors: sensors::stamps(&self.sensors).map(|all| all.map(|s| sane(age(s))).fold(0.0, worse)),
            odometry: pose.filter(|_| self.odometry_sound).map(|p| sane(age(p.stamp))),
            battery_speed: self.battery,
            blocked: self.sensors.iter().any(|s| s.blocked(since)),
        };
        let at = pose.map_or([0.0; 3], |p| p.at);
        let verdict = self.filter.judge(in_odom, at, &self.shell, &ages, now);
        match verdict.cause {
            Some(cause) => self.counts[cause as usize] += 1,
            None => self.passed += 1,
        }
        let out = if self.in_odom { verdict.velocity } else { heading.undo(verdict.velocity) };
        let stopped =
            norm(verdict.velocity) == 0.0 && verdict.cause.is_some_and(|c| c <= Cause::BatteryCritical);
        let frame_id = if self.in_odom { "odom" } else { "base_link" };
        let header = Header { stamp: ctx.now().to_msg(), frame_id: frame_id.into() };
        let twist = Twist {
            linear: Vector3 { x: out[0], y: out[1], z: out[2] },
            angular: Vector3 { x: 0.0, y: 0.0, z: if stopped || !rate.is_finite() { 0.0 } else { rate } },
        };
        self.velocity.send(ctx, TwistStamped { header: header.clone(), twist })?;
        self.cycles += 1;
        if self.last_cause != verdict.cause || self.cycles.is_multiple_of(5) {
            if self.last_cause != verdict.cause
                && let Some(cause) = verdict.cause.filter(|c| *c <= Cause::BatteryCritical)
            {
                tracing::warn!(node = ctx.node_name(), "{}: {}", cause.name(), cause.reason());
            }
            self.last_cause = verdict.cause;
            self.report(ctx, &verdict, &ages, at, pose)?;
        }
        Ok(())
    }

    fn report(&mut self, ctx: &Context, verdict: &Verdict, ages: &Ages, at: V, pose: Option<Pose>) -> Result {
        let pair = |key: &str, value: String| KeyValue { key: key.into(), value };
        let number = |v: f64| format!("{v:.3}");
        let age = |a: Option<f64>| number(a.unwrap_or(f64::NAN));
        let mut values = vec![
            pair("cause", verdict.cause.map_or("none", Cause::name).into()),
            pair("reason", verdict.cause.map_or("", Cause::reason).into()),
            pair("command_age_s", age(ages.command)),
            pair("sensors_age_s", age(ages.sensors)),
            pair("odometry_age_s", age(ages.odometry)),
            pair("nearest_m", number(verdict.nearest)),
            pair("stop_m", number(verdict.stop)),
            pair("passed", self.passed.to_string()),
            pair("bad_images", self.bad_images.to_string()),
        ];
        values.extend(Cause::ALL.iter().map(|c| pair(c.name(), self.counts[*c as usize].to_string())));
        let level = match verdict.cause {
            None => DiagnosticStatus::OK,
            Some(cause) if cause <= Cause::BatteryCritical => DiagnosticStatus::ERROR,
            Some(_) => DiagnosticStatus::WARN,
        };
        let status = DiagnosticStatus {
            level,
            name: ctx.node_name().into(),
            message: verdict.cause.map_or("passing", Cause::name).into(),
            hardware_id: String::new(),
            values,
        };
        let header = Header { stamp: ctx.now().to_msg(), frame_id: "base_link".into() };
        self.status.send(ctx, DiagnosticArray { header: header.clone(), status: vec![status] })?;
        let mut ring = [f32::INFINITY; AZIMUTHS];
        let yaw = pose.map_or(0.0, |p| p.turn.yaw());
        self.shell.ring(at, yaw, ctx.now().0, &mut ring);
        let step = std::f32::consts::TAU / AZIMUTHS as f32;
        self.ring.send(
            ctx,
            LaserScan {
                header,
                angle_min: 0.0,
                angle_max: step * (AZIMUTHS - 1) as f32,
                angle_increment: step,
                time_increment: 0.0,
                scan_time: (5.0 / self.params.rate_hz) as f32,
                range_min: 0.0,
                range_max: self.params.max_range_m as f32,
                ranges: ring.to_vec(),
                intensities: Vec::new(),
            },
        )
    }
}

export_node!(SafetyFilterNode);
