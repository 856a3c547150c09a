//! Wiring: ranges, odometry, tracks, detections and a goal in; `cmd_vel`, status, distances and markers out.
//!
//! A command leaves with every look of the first sensor that is used: depth image, else points, else scan. Between looks
//! a 20 Hz watchdog looks at the ages of the inputs, and stops the vehicle when one of them is too old, or when none comes
//! at all.

use std::time::Instant;

use peregrine::prelude::*;
use peregrine_msgs::diagnostic_msgs::DiagnosticArray;
use peregrine_msgs::geometry_msgs::{PoseStamped, Twist, TwistStamped, Vector3};
use peregrine_msgs::nav_msgs;
use peregrine_msgs::peregrine_msgs::AvoidanceStatus;
use peregrine_msgs::sensor_msgs::{CameraInfo, LaserScan, PointCloud2};
use peregrine_msgs::std_msgs::{Header, UInt32};
use peregrine_msgs::vision_msgs::{Detection2DArray, Detection3DArray};
use peregrine_msgs::visualization_msgs::MarkerArray;

use crate::algo::config::WATCHDOG_PERIOD_S;
use crate::algo::depth::{DepthImage, Intrinsics};
use crate::algo::geometry::Vec3;
use crate::algo::margins::{ClassMargins, margin_box};
use crate::algo::planner::{Command, Planner};
use crate::algo::ring::BINS;
use crate::algo::state::{Stale, State};
use crate::inputs::{self, Tracks};
use crate::outputs::{self, Counts};
use crate::params::{AvoidanceParams, CommandFrame};

/// Distances and markers leave this often, seconds.
const SHOW_EVERY_S: f64 = 0.2;
/// Distances are told up to here, metres.
const RING_RANGE: f64 = 10.0;
/// A detection's box grows by this share on each side: it is older than the depth image it is laid over.
const BOX_GROWTH: f64 = 0.1;

/// Flies to the goal without touching anything, or stops.
pub struct AvoidanceNode {
    planner: Planner,
    margins: ClassMargins,
    min_score: f64,
    frame: CommandFrame,
    colour: Option<Intrinsics>,
    velocity: Publisher<TwistStamped>,
    status: Publisher<DiagnosticArray>,
    report: Publisher<AvoidanceStatus>,
    ring: Publisher<LaserScan>,
    markers: Publisher<MarkerArray>,
    last_state: State,
    /// STUCK was told since it last flew for the goal: it comes and goes while the vehicle goes on looking.
    told_stuck: bool,
    tracks: Tracks,
    /// How often the source of odometry has said that it began anew.
    resets: Option<u32>,
    /// Frame of odometry, which tracks must be in.
    odom: String,
    counts: Counts,
    body_radius: f64,
    /// Commands that took longer than this are stops, milliseconds.
    deadline_ms: f64,
    /// Frame of the goal that is flown to; empty for none.
    goal_frame: String,
    path: Vec<Vec3>,
}

impl Node for AvoidanceNode {
    const NAME: &'static str = "avoidance";
    type Params = AvoidanceParams;

    fn configure(setup: &mut Setup<Self>, params: AvoidanceParams) -> Result<Self> {
        let config = params.config().or_node()?;
        let margins = params.margins().or_node()?;
        let frame = params.frame().or_node()?;
        setup.subscribe("odom", Qos::Sensor, Self::on_odometry)?;
        setup.subscribe("camera/camera_info", Qos::Sensor, Self::on_colour_info)?;
        setup.subscribe("detections", Qos::Sensor, Self::on_detections)?;
        if params.tracks {
            // In this order: on arrival of tracks, the velocities of their picture are there.
            setup.subscribe("tracks/velocities", Qos::Sensor, Self::on_velocities)?;
            setup.subscribe("tracks", Qos::Sensor, Self::on_tracks)?;
        }
        setup.subscribe("goal", Qos::Latched, Self::on_goal)?;
        setup.subscribe("odom_resets", Qos::Latched, Self::on_resets)?;
        setup.optional("odom_resets")?;
        if config.depth {
            setup.subscribe("depth/camera_info", Qos::Sensor, Self::on_depth_info)?;
            setup.subscribe_frames("depth/image_raw", FramePolicy::Latest, Self::on_depth)?;
        }
        if config.scan.is_some() {
            setup.subscribe("scan", Qos::Sensor, Self::on_scan)?;
        }
        if config.points.is_some() {
            setup.subscribe("points", Qos::Sensor, Self::on_points)?;
        }
        setup.timer(Duration::from_secs_f64(WATCHDOG_PERIOD_S), Self::on_watchdog)?;
        setup.timer(Duration::from_secs_f64(SHOW_EVERY_S), Self::on_show)?;
        Ok(Self {
            body_radius: config.body_radius,
            planner: Planner::new(config).or_node()?,
            margins,
            min_score: params.min_detection_score,
            frame,
            colour: None,
            velocity: setup.publish("cmd_vel", Qos::Reliable)?,
            status: setup.publish("avoidance/status", Qos::Reliable)?,
            report: setup.publish("avoidance/state", Qos::Reliable)?,
            ring: setup.publish("avoidance/obstacles", Qos::Sensor)?,
            markers: setup.publish("avoidance/markers", Qos::Reliable)?,
            last_state: State::InputStale(Stale::NoDepth),
            told_stuck: false,
            tracks: Tracks::new(),
            resets: None,
            odom: String::new(),
            counts: Counts::default(),
            deadline_ms: params.deadline_ms,
            goal_frame: String::new(),
            path: Vec::with_capacity(512),
        })
    }

    /// Between two looks, on the node's lane: no command is planned with a part of it.
    fn reconfigure(&mut self, _: &Context, params: AvoidanceParams) -> Result {
        let margins = params.margins().or_node()?;
        self.planner.set_limits(&params.config().or_node()?).or_node()?;
        (self.margins, self.min_score) = (margins, params.min_detection_score);
        self.deadline_ms = params.deadline_ms;
        Ok(())
    }
}

/// How long the planner takes, outside of lockstep: there it would make the same flight publish other bytes.
struct Lap(Option<Instant>);

impl Lap {
    fn start(ctx: &Context) -> Self {
        Self((!ctx.is_lockstep()).then(Instant::now))
    }

    fn milliseconds(&self) -> f64 {
        self.0.map_or(f64::NAN, |start| start.elapsed().as_secs_f64() * 1e3)
    }
}

impl AvoidanceNode {
    fn on_odometry(&mut self, ctx: &Context, message: &nav_msgs::Odometry) -> Result {
        if self.odom != message.header.frame_id.as_str() {
            self.odom = message.header.frame_id.to_string();
            if self.is_strange(&self.goal_frame) {
                self.refuse_goal(ctx);
            }
        }
        self.planner.on_odometry(ctx.now().0, inputs::odometry(message));
        Ok(())
    }

    /// The source of odometry says itself that it began anew, which a step too small to be told from motion may be.
    fn on_resets(&mut self, ctx: &Context, message: &UInt32) -> Result {
        let before = self.resets.replace(message.data);
        if before.is_some_and(|before| before != message.data) {
            self.planner.on_odometry_reset();
            tracing::warn!(node = ctx.node_name(), "odometry was reset: what was seen must be seen anew");
        }
        Ok(())
    }

    fn on_depth_info(&mut self, ctx: &Context, info: &CameraInfo) -> Result {
        match inputs::intrinsics(info) {
            Ok(k) => self.planner.set_intrinsics(k),
            // Not fatal: without usable intrinsics the planner keeps the vehicle stopped and says so.
            // Told once, for it comes with every picture.
            Err(error) => {
                if self.counts.bad_infos == 0 {
                    tracing::warn!(node = ctx.node_name(), "depth/camera_info: {error}");
                }
                self.counts.bad_infos += 1;
            }
        }
        Ok(())
    }

    fn on_colour_info(&mut self, _: &Context, info: &CameraInfo) -> Result {
        self.colour = inputs::intrinsics(info).ok();
        Ok(())
    }

    fn on_velocities(&mut self, ctx: &Context, cloud: &PointCloud2) -> Result {
        if !self.tracks.hear(cloud) {
            self.bad_cloud(ctx, "tracks/velocities holds no velocities; remap it to the tracker's");
        }
        Ok(())
    }

    fn on_tracks(&mut self, ctx: &Context, found: &Detection3DArray) -> Result {
        let frame = found.header.frame_id.as_str();
        if !self.odom.is_empty() && frame != self.odom {
            if self.counts.strange_tracks == 0 {
                tracing::warn!(
                    node = ctx.node_name(),
                    "tracks in frame `{frame}` are left out: they must be in odometry's, `{}`",
                    self.odom
                );
            }
            self.counts.strange_tracks += 1;
            return Ok(());
        }
        self.planner.on_tracks(Time::from_msg(&found.header.stamp).0, self.tracks.pair(found));
        Ok(())
    }

    fn bad_cloud(&mut self, ctx: &Context, why: &str) {
        if self.counts.bad_clouds == 0 {
            tracing::error!(node = ctx.node_name(), "{why}");
        }
        self.counts.bad_clouds += 1;
    }

    fn on_scan(&mut self, ctx: &Context, scan: &LaserScan) -> Result {
        let lap = Lap::start(ctx);
        let angles = (f64::from(scan.angle_min), f64::from(scan.angle_increment));
        let limits = (scan.range_min, scan.range_max);
        let stamp = Time::from_msg(&scan.header.stamp).0;
        let command = self.planner.on_scan(ctx.now().0, stamp, angles, limits, &scan.ranges);
        command.map_or(Ok(()), |command| self.answer(ctx, &command, &lap))
    }

    fn on_points(&mut self, ctx: &Context, cloud: &PointCloud2) -> Result {
        let lap = Lap::start(ctx);
        let stamp = Time::from_msg(&cloud.header.stamp).0;
        let command = match inputs::points(cloud) {
            Ok(points) => self.planner.on_points(ctx.now().0, stamp, points),
            Err(error) => {
                self.bad_cloud(ctx, &error.to_string());
                self.planner.on_watchdog(ctx.now().0)
            }
        };
        command.map_or(Ok(()), |command| self.answer(ctx, &command, &lap))
    }

    fn on_detections(&mut self, ctx: &Context, found: &Detection2DArray) -> Result {
        let Some(colour) = self.colour else {
            if self.counts.unplaced_detections == 0 && !found.detections.is_empty() {
                tracing::warn!(
                    node = ctx.node_name(),
                    "detections come without camera/camera_info and cannot widen any margin; remap it to the colour \
                     camera's camera_info"
                );
            }
            self.counts.unplaced_detections += found.detections.len() as u64;
            return Ok(());
        };
        let (margins, least) = (&self.margins, self.min_score);
        let boxes = found.detections.iter().filter_map(|detection| {
            let best = detection.best_hypothesis().filter(|h| h.score >= least)?;
            let (b, extra) = (&detection.bbox, margins.of(&best.class_id));
            let center = (b.center.position.x, b.center.position.y);
            margin_box(&colour, center, (b.size_x, b.size_y), extra, BOX_GROWTH)
        });
        self.planner.on_detections(Time::from_msg(&found.header.stamp).0, boxes);
        Ok(())
    }

    fn on_goal(&mut self, ctx: &Context, goal: &PoseStamped) -> Result {
        let p = &goal.pose.position;
        let at = Vec3::new(p.x, p.y, p.z);
        self.goal_frame = goal.header.frame_id.to_string();
        if self.is_strange(&self.goal_frame) {
            self.refuse_goal(ctx);
            return Ok(());
        }
        if !at.is_finite() {
            tracing::warn!(node = ctx.node_name(), "a goal that is not finite was taken as: no goal");
        }
        self.planner.set_goal(at);
        Ok(())
    }

    /// Odometry's frame, and before the first odometry its usual name.
    fn odom_frame(&self) -> &str {
        if self.odom.is_empty() { "odom" } else { &self.odom }
    }

    /// True for a frame that is named, and is not odometry's.
    fn is_strange(&self, frame: &str) -> bool {
        !frame.is_empty() && !self.odom.is_empty() && frame != self.odom
    }

    fn refuse_goal(&mut self, ctx: &Context) {
        tracing::warn!(
            node = ctx.node_name(),
            "the goal in frame `{}` is refused, and there is none now: it must be in odometry's, `{}`",
            self.goal_frame,
            self.odom
        );
        self.planner.set_goal(Vec3::new(f64::NAN, f64::NAN, f64::NAN));
    }

    fn on_depth(&mut self, ctx: &Context, frame: &Frame) -> Result {
        let lap = Lap::start(ctx);
        let (width, height) = (frame.width() as usize, frame.height() as usize);
        let encoding = frame.encoding().as_str();
        let command = match DepthImage::new(width, height, frame.step() as usize, encoding, frame.bytes()) {
            Ok(image) => Some(self.planner.on_depth(ctx.now().0, frame.stamp().0, &image)),
            Err(error) => {
                // An image that cannot be read is no image: the depth grows old, and the watchdog stops the vehicle.
                if self.counts.bad_images == 0 {
                    tracing::error!(node = ctx.node_name(), "{error}");
                }
                self.counts.bad_images += 1;
                self.planner.on_watchdog(ctx.now().0)
            }
        };
        command.map_or(Ok(()), |command| self.answer(ctx, &command, &lap))
    }

    fn on_watchdog(&mut self, ctx: &Context) -> Result {
        match self.planner.on_watchdog(ctx.now().0) {
            Some(stop) => self.send(ctx, &stop, f64::NAN),
            None => Ok(()),
        }
    }

    /// Distances and markers, where somebody looks. In lockstep always: what is published must not depend on who reads.
    fn on_show(&mut self, ctx: &Context) -> Result {
        let read = |topic: &peregrine::Topic| {
            ctx.is_lockstep() || topic.subscriptions() > 0 || topic.remote_readers() > 0
        };
        let (ring_read, markers_read) = (read(self.ring.topic()), read(self.markers.topic()));
        if !ring_read && !markers_read {
            return Ok(());
        }
        let stamp = ctx.now().to_msg();
        let mut ring = [f32::NAN; BINS];
        self.planner.ring(RING_RANGE, &mut ring);
        if markers_read {
            let header = Header { stamp: stamp.clone(), frame_id: self.odom_frame().into() };
            let shown = outputs::markers(&header, &self.planner, self.last_state, &ring, &mut self.path);
            self.markers.send(ctx, shown)?;
        }
        if ring_read {
            let header = Header { stamp, frame_id: "base_link".into() };
            let nearest = self.body_radius;
            self.ring.send(ctx, outputs::scan(header, &ring, nearest, RING_RANGE, SHOW_EVERY_S))?;
        }
        Ok(())
    }

    /// Sends what was planned since `lap` began, or a stop when that took too long.
    fn answer(&mut self, ctx: &Context, command: &Command, lap: &Lap) -> Result {
        let took = lap.milliseconds();
        if took > self.deadline_ms && !matches!(command.status.state, State::InputStale(_)) {
            self.counts.missed_deadlines += 1;
            let stop = self.planner.on_missed_deadline(ctx.now().0);
            return self.send(ctx, &stop, took);
        }
        self.send(ctx, command, took)
    }

    fn send(&mut self, ctx: &Context, command: &Command, cycle_ms: f64) -> Result {
        let state = command.status.state;
        self.counts.commands += 1;
        if matches!(state, State::InputStale(_)) {
            self.counts.stops += 1;
        }
        if self.last_state != state || self.counts.commands == 1 {
            self.last_state = state;
            self.tell(ctx, state);
        }
        let (v, frame) = match self.frame {
            CommandFrame::Heading => (command.velocity_heading, "base_link"),
            CommandFrame::Body => (command.velocity_body, "base_link"),
            CommandFrame::Odom => (command.velocity, self.odom_frame()),
        };
        let header = Header { stamp: ctx.now().to_msg(), frame_id: frame.into() };
        let twist = Twist {
            linear: Vector3 { x: v.x, y: v.y, z: v.z },
            angular: Vector3 { x: 0.0, y: 0.0, z: command.yaw_rate },
        };
        self.velocity.send(ctx, TwistStamped { header: header.clone(), twist })?;
        let status = outputs::diagnose(ctx.node_name(), &command.status, cycle_ms, &self.counts);
        self.report.send(ctx, outputs::report(header.clone(), &command.status, cycle_ms))?;
        self.status.send(ctx, DiagnosticArray { header, status: vec![status] })
    }

    /// Logs a new state. STUCK is told once, until the vehicle flies for the goal again or is there.
    fn tell(&mut self, ctx: &Context, state: State) {
        let (name, why) = (state.name(), state.reason());
        match state {
            State::InputStale(_) => tracing::warn!(node = ctx.node_name(), "{name}: {why}"),
            State::Stuck if !self.told_stuck => {
                self.told_stuck = true;
                tracing::warn!(node = ctx.node_name(), "{name}: {why}; goes on looking");
            }
            _ => tracing::debug!(node = ctx.node_name(), "{name}: {why}"),
        }
        if matches!(state, State::Cruise | State::GoalReached) {
            self.told_stuck = false;
        }
    }
}

export_node!(AvoidanceNode);
