//! Wiring: a command, odometry and range sensors in; the command that still stops, and why, out.

use std::collections::VecDeque;

use peregrine::Period;
use peregrine::prelude::*;
use peregrine_msgs::diagnostic_msgs::DiagnosticArray;
use peregrine_msgs::geometry_msgs::{Twist, TwistStamped, Vector3};
use peregrine_msgs::nav_msgs;
use peregrine_msgs::sensor_msgs::{BatteryState, CameraInfo, LaserScan, PointCloud2};
use peregrine_msgs::std_msgs::{Header, UInt32};

use crate::algo::battery::Charge;
use crate::algo::command::{Axes, Command, Silence, since, worse};
use crate::algo::filter::{Ages, CAUSES, Cause, Filter};
use crate::algo::ingest::{self, Depth, Dome, Pinhole, Scan};
use crate::algo::motion::Pose;
use crate::algo::sensors::{self, Belief, Sensor, Unused};
use crate::algo::shell::Shell;
use crate::algo::vector::{Turn, V, along, finite, norm};
use crate::cloud;
pub use crate::params::SafetyFilterParams;
use crate::params::six;
use crate::report::{Report, SENSORS};

/// Odometry kept for pairing with sensors.
const HISTORY: usize = 64;
/// Odometry this far from a sensor's stamp still serves it, ns.
const PAIR_WITHIN: i64 = 60_000_000;
/// The depth camera, the laser scanner and the lidar among the sensors.
const DEPTH: usize = 0;
const SCAN: usize = 1;
const POINTS: usize = 2;
/// A step of odometry longer than this, beyond what the speed explains, is a jump, metres.
const JUMP: f64 = 0.5;
/// The status is told with every so many answers.
const REPORT_EVERY: u64 = 5;
/// From the optical axes to a camera that looks along x of its mount (REP-103).
const OPTICAL: Turn = Turn([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]);

/// Lets through what still stops.
pub struct SafetyFilterNode {
    params: SafetyFilterParams,
    period: Period,
    filter: Filter,
    shell: Shell,
    camera: Option<Pinhole>,
    camera_mount: (V, Turn),
    scan_mount: (V, Turn),
    points_mount: (V, Turn),
    dome: Dome,
    odometry: VecDeque<Pose>,
    odometry_sound: bool,
    resets: Option<u32>,
    /// Poses with older stamps prove nothing: odometry must hold together for a while after a jump, ns.
    trusted_from: i64,
    sensors: [Sensor; SENSORS],
    /// As far as the shortest-sighted of the sensors that were heard sees, metres.
    sight: f64,
    command: Option<Command>,
    unnamed: Axes,
    silence: Silence,
    silent: bool,
    charge: Charge,
    counts: [u64; CAUSES],
    passed: u64,
    other_frames: u64,
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
        let points_mount = six("points_pose", &params.points_pose).or_node()?;
        let (dome, unnamed) = (params.dome().or_node()?, params.axes().or_node()?);
        setup.subscribe("cmd_vel_in", Qos::Reliable, Self::on_command)?;
        setup.subscribe("odom", Qos::Sensor, Self::on_odometry)?;
        setup.subscribe("odom_resets", Qos::Latched, Self::on_resets)?;
        setup.subscribe("depth/camera_info", Qos::Sensor, Self::on_camera_info)?;
        setup.subscribe_frames("depth/image_raw", FramePolicy::Latest, Self::on_depth)?;
        setup.subscribe("scan", Qos::Sensor, Self::on_scan)?;
        setup.subscribe("points", Qos::Sensor, Self::on_points)?;
        setup.subscribe("battery_state", Qos::Sensor, Self::on_battery)?;
        for topic in ["scan", "points", "battery_state", "odom_resets"] {
            setup.optional(topic)?;
        }
        let period = Period::new(Duration::from_secs_f64(1.0 / params.rate_hz));
        setup.timer_every(period.clone(), Self::on_cycle)?;
        Ok(Self {
            filter,
            shell: Shell::new(params.memory_s.max(params.stale_s)),
            camera: None,
            camera_mount: (eye, mount.after(&OPTICAL)),
            scan_mount,
            points_mount,
            dome,
            odometry: VecDeque::with_capacity(HISTORY + 1),
            odometry_sound: true,
            resets: None,
            trusted_from: i64::MIN,
            sensors: Default::default(),
            sight: params.max_range_m,
            command: None,
            unnamed,
            silence: Silence::default(),
            silent: false,
            charge: Charge::default(),
            counts: [0; CAUSES],
            passed: 0,
            other_frames: 0,
            last_cause: None,
            cycles: 0,
            velocity: setup.publish("cmd_vel", Qos::Reliable)?,
            status: setup.publish("safety_filter/status", Qos::Reliable)?,
            ring: setup.publish("safety_filter/obstacles", Qos::Sensor)?,
            params,
            period,
        })
    }

    /// Between two commands, on the node's lane: no command is judged by a part of it.
    fn reconfigure(&mut self, _: &Context, params: SafetyFilterParams) -> Result {
        self.filter.limits = params.limits().or_node()?;
        self.period.set(Duration::from_secs_f64(1.0 / params.rate_hz));
        // Told again with the next scan, if it is shorter.
        self.sight = params.max_range_m;
        self.params = params;
        Ok(())
    }
}

impl SafetyFilterNode {
    fn on_command(&mut self, ctx: &Context, message: &TwistStamped) -> Result {
        let v = &message.twist.linear;
        let Some(axes) = Axes::of(&message.header.frame_id, self.unnamed) else {
            self.other_frames += 1;
            if self.other_frames == 1 {
                tracing::warn!(
                    node = ctx.node_name(),
                    "a command in frame '{}' is not followed; publish base_link (level) or odom",
                    message.header.frame_id
                );
            }
            return Ok(());
        };
        self.command = Some(Command {
            heard: ctx.now().0,
            stamp: Time::from_msg(&message.header.stamp).0,
            velocity: [v.x, v.y, v.z],
            rate: message.twist.angular.z,
            axes,
        });
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
        let (v, r) = (&message.twist.twist.linear, &message.twist.twist.angular);
        let (at, stamp) = ([p.x, p.y, p.z], Time::from_msg(&message.header.stamp).0);
        let turn = Turn::from_quaternion(q.w, q.x, q.y, q.z).filter(|_| finite(at));
        self.odometry_sound = turn.is_some();
        let Some(turn) = turn else {
            self.distrust(ctx.now().0);
            return Ok(());
        };
        let last = self.odometry.back();
        let pose = Pose::new(stamp, at, turn, [v.x, v.y, v.z], [r.x, r.y, r.z], last);
        if let Some(last) = last {
            if stamp.saturating_sub(last.stamp) < -1_000_000_000 || last.jumps_to(&pose, JUMP) {
                self.distrust(stamp); // a jump of time or place
            } else if stamp < last.stamp {
                return Ok(());
            }
        }
        if self.odometry.len() == HISTORY {
            self.odometry.pop_front();
        }
        self.odometry.push_back(pose);
        Ok(())
    }

    /// The source of odometry says itself that it began anew, which a step too small to be told from motion may be.
    fn on_resets(&mut self, ctx: &Context, message: &UInt32) -> Result {
        let before = self.resets.replace(message.data);
        if before.is_some_and(|before| before != message.data) {
            tracing::warn!(node = ctx.node_name(), "odometry was reset: what was seen must be seen anew");
            self.distrust(ctx.now().0);
        }
        Ok(())
    }

    fn on_camera_info(&mut self, _: &Context, info: &CameraInfo) -> Result {
        let [fx, _, cx, _, fy, cy, ..] = info.k;
        let sound = fx > 0.0 && fy > 0.0 && [fx, fy, cx, cy].iter().all(|v| v.is_finite());
        self.camera = sound
            .then_some(Pinhole { k: [fx, fy, cx, cy], size: (info.width as usize, info.height as usize) });
        Ok(())
    }

    /// The pose when a sweep was taken.
    fn pose_at(&self, stamp: i64) -> Option<Pose> {
        self.odometry
            .iter()
            .min_by_key(|p| (p.stamp - stamp).abs())
            .filter(|p| (p.stamp - stamp).abs() <= PAIR_WITHIN && p.stamp >= self.trusted_from)
            .map(|p| p.moved_to(stamp))
    }

    fn leave(&mut self, ctx: &Context, sensor: usize, why: Unused) -> Result {
        if self.sensors[sensor].leave(why) {
            tracing::warn!(
                node = ctx.node_name(),
                "{} is not used: {}",
                Report::SENSOR_NAMES[sensor],
                why.reason()
            );
        }
        Ok(())
    }

    fn on_depth(&mut self, ctx: &Context, frame: &Frame) -> Result {
        self.sensors[DEPTH].hear();
        let image = Depth {
            size: (frame.width() as usize, frame.height() as usize),
            step: frame.step() as usize,
            metres: frame.encoding().as_str() == "32FC1",
            bytes: frame.bytes(),
        };
        if !matches!(frame.encoding().as_str(), "32FC1" | "16UC1" | "mono16") || !image.whole() {
            return self.leave(ctx, DEPTH, Unused::Unreadable);
        }
        let Some(camera) = self.camera else { return self.leave(ctx, DEPTH, Unused::NoCameraInfo) };
        if camera.size != image.size {
            return self.leave(ctx, DEPTH, Unused::OtherSize);
        }
        let stamp = frame.stamp().0;
        let Some(pose) = self.pose_at(stamp) else { return self.leave(ctx, DEPTH, Unused::NoPose) };
        let eye = along(pose.at, 1.0, pose.turn.apply(self.camera_mount.0));
        let turn = pose.turn.after(&self.camera_mount.1);
        let worth = ingest::depth(&mut self.shell, &image, &camera, eye, &turn, self.params.max_range_m);
        if self.judge(DEPTH, stamp, &worth, &pose, eye) == Belief::Whole {
            self.shell.end(stamp, eye, ingest::shows(&image, &camera, eye, &turn));
        }
        Ok(())
    }

    /// How far a sweep is to be believed; one that is doubted is ended here.
    fn judge(&mut self, sensor: usize, stamp: i64, worth: &ingest::Worth, pose: &Pose, eye: V) -> Belief {
        let belief = self.sensors[sensor].judge(stamp, worth, pose.at, self.filter.limits.radius);
        if belief == Belief::Doubted {
            self.shell.end_doubted(stamp, eye);
        }
        belief
    }

    fn on_scan(&mut self, ctx: &Context, message: &LaserScan) -> Result {
        self.sensors[SCAN].hear();
        let stamp = Time::from_msg(&message.header.stamp).0;
        let Some(pose) = self.pose_at(stamp) else { return self.leave(ctx, SCAN, Unused::NoPose) };
        let eye = along(pose.at, 1.0, pose.turn.apply(self.scan_mount.0));
        let turn = pose.turn.after(&self.scan_mount.1);
        let scan = Scan {
            ranges: &message.ranges,
            first: f64::from(message.angle_min),
            step: f64::from(message.angle_increment),
            limits: (f64::from(message.range_min), f64::from(message.range_max)),
        };
        if !(scan.first.is_finite() && scan.step.is_finite() && scan.limits.1 > 0.0) {
            return self.leave(ctx, SCAN, Unused::Unreadable);
        }
        self.sight = self.sight.min(scan.limits.1);
        let worth = ingest::scan(&mut self.shell, &scan, eye, &turn, self.params.max_range_m);
        if self.judge(SCAN, stamp, &worth, &pose, eye) == Belief::Whole {
            self.shell.end(stamp, eye, ingest::sweeps(&scan, eye, &turn));
        }
        Ok(())
    }

    fn on_points(&mut self, ctx: &Context, message: &PointCloud2) -> Result {
        self.sensors[POINTS].hear();
        let points = match cloud::points(message) {
            Ok(points) => points,
            Err(error) => {
                if self.sensors[POINTS].leave(Unused::Unreadable) {
                    tracing::warn!(node = ctx.node_name(), "{error}");
                }
                return Ok(());
            }
        };
        let stamp = Time::from_msg(&message.header.stamp).0;
        let Some(pose) = self.pose_at(stamp) else { return self.leave(ctx, POINTS, Unused::NoPose) };
        let eye = along(pose.at, 1.0, pose.turn.apply(self.points_mount.0));
        let turn = pose.turn.after(&self.points_mount.1);
        let far = self.params.max_range_m;
        let worth = ingest::points(&mut self.shell, points, &self.dome, eye, &turn, far);
        if self.judge(POINTS, stamp, &worth, &pose, eye) == Belief::Whole {
            self.shell.end_unordered(stamp, eye);
        }
        Ok(())
    }

    fn on_battery(&mut self, ctx: &Context, battery: &BatteryState) -> Result {
        if self.charge.hear(f64::from(battery.percentage)) {
            tracing::warn!(
                node = ctx.node_name(),
                "battery_state tells its charge as {}; a share from 0 to 1 was expected, and it is read as percent",
                battery.percentage
            );
        }
        Ok(())
    }

    /// Speed that the battery allows, m/s.
    fn battery_speed(&self) -> f64 {
        match self.charge.share() {
            Some(share) if share < self.params.battery_critical => 0.0,
            Some(share) if share < self.params.battery_low => self.params.battery_low_speed_mps,
            _ => f64::INFINITY,
        }
    }

    fn ages(&self, now: i64) -> Ages {
        let stale = (self.params.stale_s * 1e9) as i64;
        let from = now.saturating_sub(stale);
        let sensors = sensors::stamps(&self.sensors);
        Ages {
            command: self.command.map(|c| c.age(now)),
            sensors: sensors.map(|all| all.map(|s| since(s, now)).fold(0.0, worse)),
            odometry: self.odometry.back().filter(|_| self.odometry_sound).map(|p| since(p.stamp, now)),
            battery_speed: self.battery_speed(),
            blocked: self.sensors.iter().any(|s| s.blocked(from)),
        }
    }

    fn on_cycle(&mut self, ctx: &Context) -> Result {
        let now = ctx.now().0;
        let ages = self.ages(now);
        // What is judged acts on the vehicle where it is, not where odometry last told it to be.
        let ahead = ages.odometry.unwrap_or(0.0).min(self.params.stale_s);
        let (at, heading) = self.odometry.back().map_or(([0.0; 3], Turn::NONE), |pose| pose.after(ahead));
        self.cycles += 1;
        // Nothing to guard before the first command: a filter must not wake a sleeping vehicle. What stands around is
        // told all the same.
        let Some(command) = self.command else {
            if self.cycles.is_multiple_of(REPORT_EVERY) {
                self.report(ctx, None, &ages, at, &heading)?;
            }
            return Ok(());
        };
        let wanted = match command.axes {
            Axes::Odom => command.velocity,
            Axes::Heading => heading.apply(command.velocity),
        };
        let verdict = self.filter.judge(wanted, at, &self.shell, &ages, now);
        let fresh = !verdict.cause.is_some_and(Cause::is_silence);
        let silent = self.silence.hear(fresh, now, (self.params.silent_after_s * 1e9) as i64);
        if !silent {
            match verdict.cause {
                Some(cause) => self.counts[cause as usize] += 1,
                None => self.passed += 1,
            }
            let out = match command.axes {
                Axes::Odom => verdict.velocity,
                Axes::Heading => heading.undo(verdict.velocity),
            };
            let stopped =
                norm(verdict.velocity) == 0.0 && verdict.cause.is_some_and(|c| c <= Cause::BatteryCritical);
            let rate = if stopped || !command.rate.is_finite() { 0.0 } else { command.rate };
            let twist = Twist {
                linear: Vector3 { x: out[0], y: out[1], z: out[2] },
                angular: Vector3 { x: 0.0, y: 0.0, z: rate },
            };
            let header = Header { stamp: ctx.now().to_msg(), frame_id: command.axes.frame_id().into() };
            self.velocity.send(ctx, TwistStamped { header, twist })?;
        }
        let changed = self.last_cause != verdict.cause || self.silent != silent;
        if changed {
            self.tell(ctx, verdict.cause, silent);
        }
        if changed || self.cycles.is_multiple_of(REPORT_EVERY) {
            self.report(ctx, Some(&verdict), &ages, at, &heading)?;
        }
        Ok(())
    }

    fn tell(&mut self, ctx: &Context, cause: Option<Cause>, silent: bool) {
        let node = ctx.node_name();
        if silent && !self.silent {
            tracing::error!(
                node,
                "nothing fresh for {} s: no commands are sent any more, the vehicle's own fail-safe takes over",
                self.params.silent_after_s
            );
        } else if let Some(cause) =
            cause.filter(|c| *c <= Cause::BatteryCritical && self.last_cause != Some(*c))
        {
            tracing::warn!(node, "{}: {}", cause.name(), cause.reason());
        } else if self.silent && !silent {
            tracing::info!(node, "commands are sent again");
        }
        (self.last_cause, self.silent) = (cause, silent);
    }

    fn report(
        &mut self,
        ctx: &Context,
        verdict: Option<&crate::algo::filter::Verdict>,
        ages: &Ages,
        at: V,
        heading: &Turn,
    ) -> Result {
        let report = Report {
            verdict,
            ages,
            silent: self.silent,
            passed: self.passed,
            other_frames: self.other_frames,
            counts: &self.counts,
            sensors: &self.sensors,
        };
        let header = Header { stamp: ctx.now().to_msg(), frame_id: "base_link".into() };
        let status = report.status(ctx.node_name());
        self.status.send(ctx, DiagnosticArray { header: header.clone(), status: vec![status] })?;
        let now = ctx.now().0;
        // Places mean nothing without odometry, and clear means nothing without sensors.
        let trusted = [ages.sensors, ages.odometry]
            .into_iter()
            .all(|age| age.is_some_and(|a| a <= self.params.stale_s));
        let ring = trusted.then(|| {
            let fresh = now.saturating_sub((self.params.stale_s * 1e9) as i64);
            let mut ring = [f32::NAN; crate::algo::shell::AZIMUTHS];
            self.shell.ring(at, heading.yaw(), now, fresh, &mut ring);
            ring
        });
        let scan_time = (REPORT_EVERY as f64 / self.params.rate_hz) as f32;
        self.ring.send(ctx, crate::report::ring(header, ring, scan_time, self.sight as f32))
    }
}

export_node!(SafetyFilterNode);
