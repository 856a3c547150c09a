//! Wiring: depth, odometry, detections and a goal in; `cmd_vel` and `avoidance/status` out.
//!
//! A command leaves with every depth image. Between images a 20 Hz watchdog looks at the ages of the inputs, and stops
//! the vehicle when one of them is too old, or when no image comes at all.

use peregrine::prelude::*;
use peregrine_msgs::diagnostic_msgs::{DiagnosticArray, DiagnosticStatus, KeyValue};
use peregrine_msgs::geometry_msgs::{PoseStamped, Twist, TwistStamped, Vector3};
use peregrine_msgs::nav_msgs;
use peregrine_msgs::sensor_msgs::CameraInfo;
use peregrine_msgs::std_msgs::Header;
use peregrine_msgs::vision_msgs::Detection2DArray;

use crate::algo::config::WATCHDOG_PERIOD_S;
use crate::algo::depth::{DepthImage, Intrinsics};
use crate::algo::geometry::{Pose, Quat, Vec3};
use crate::algo::guard::Odometry;
use crate::algo::margins::{ClassMargins, margin_box};
use crate::algo::planner::{Command, Planner};
use crate::algo::state::{State, Status};
use crate::error::AvoidanceError;
use crate::params::{AvoidanceParams, CommandFrame};

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
    last_state: Option<State>,
    commands: u64,
    stops: u64,
    bad_images: u64,
    unplaced_detections: u64,
}

impl Node for AvoidanceNode {
    const NAME: &'static str = "avoidance";
    type Params = AvoidanceParams;

    fn configure(setup: &mut Setup<Self>, params: AvoidanceParams) -> Result<Self> {
        let planner = Planner::new(params.config().or_node()?).or_node()?;
        let margins = params.margins().or_node()?;
        let frame = params.frame().or_node()?;
        setup.subscribe("odom", Qos::Sensor, Self::on_odometry)?;
        setup.subscribe("depth/camera_info", Qos::Sensor, Self::on_depth_info)?;
        setup.subscribe("camera/camera_info", Qos::Sensor, Self::on_colour_info)?;
        setup.subscribe("detections", Qos::Sensor, Self::on_detections)?;
        setup.subscribe("goal", Qos::Latched, Self::on_goal)?;
        setup.subscribe_frames("depth/image_raw", FramePolicy::Latest, Self::on_depth)?;
        setup.timer(Duration::from_secs_f64(WATCHDOG_PERIOD_S), Self::on_watchdog)?;
        Ok(Self {
            planner,
            margins,
            min_score: params.min_detection_score,
            frame,
            colour: None,
            velocity: setup.publish("cmd_vel", Qos::Reliable)?,
            status: setup.publish("avoidance/status", Qos::Reliable)?,
            last_state: None,
            commands: 0,
            stops: 0,
            bad_images: 0,
            unplaced_detections: 0,
        })
    }
}

impl AvoidanceNode {
    fn on_odometry(&mut self, ctx: &Context, message: &nav_msgs::Odometry) -> Result {
        self.planner.on_odometry(ctx.now().0, read_odometry(message));
        Ok(())
    }

    fn on_depth_info(&mut self, ctx: &Context, info: &CameraInfo) -> Result {
        match intrinsics(info) {
            Ok(k) => self.planner.set_intrinsics(k),
            // Not fatal: without usable intrinsics the planner keeps the vehicle stopped and says so.
            Err(error) => tracing::warn!(node = ctx.node_name(), "{error}"),
        }
        Ok(())
    }

    fn on_colour_info(&mut self, _: &Context, info: &CameraInfo) -> Result {
        self.colour = intrinsics(info).ok();
        Ok(())
    }

    fn on_detections(&mut self, ctx: &Context, found: &Detection2DArray) -> Result {
        let Some(colour) = self.colour else {
            if self.unplaced_detections == 0 && !found.detections.is_empty() {
                tracing::warn!(
                    node = ctx.node_name(),
                    "detections come without camera/camera_info and cannot widen any margin; remap it to the colour \
                     camera's camera_info"
                );
            }
            self.unplaced_detections += found.detections.len() as u64;
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
        if !at.is_finite() {
            tracing::warn!(node = ctx.node_name(), "a goal that is not finite was taken as: no goal");
        }
        self.planner.set_goal(at);
        Ok(())
    }

    fn on_depth(&mut self, ctx: &Context, frame: &Frame) -> Result {
        let (width, height) = (frame.width() as usize, frame.height() as usize);
        let encoding = frame.encoding().as_str();
        let command = match DepthImage::new(width, height, frame.step() as usize, encoding, frame.bytes()) {
            Ok(image) => Some(self.planner.on_depth(ctx.now().0, frame.stamp().0, &image)),
            Err(error) => {
                // An image that cannot be read is no image: the depth grows old, and the watchdog stops the vehicle.
                if self.bad_images == 0 {
                    tracing::error!(node = ctx.node_name(), "{error}");
                }
                self.bad_images += 1;
                self.planner.on_watchdog(ctx.now().0)
            }
        };
        command.map_or(Ok(()), |command| self.send(ctx, &command))
    }

    fn on_watchdog(&mut self, ctx: &Context) -> Result {
        match self.planner.on_watchdog(ctx.now().0) {
            Some(stop) => self.send(ctx, &stop),
            None => Ok(()),
        }
    }

    fn send(&mut self, ctx: &Context, command: &Command) -> Result {
        let state = command.status.state;
        self.commands += 1;
        if matches!(state, State::InputStale(_)) {
            self.stops += 1;
        }
        if self.last_state != Some(state) {
            self.last_state = Some(state);
            match state {
                State::InputStale(_) | State::Stuck => {
                    tracing::warn!(node = ctx.node_name(), "{}: {}", state.name(), state.reason());
                }
                _ => tracing::debug!(node = ctx.node_name(), "{}: {}", state.name(), state.reason()),
            }
        }
        let (v, frame) = match self.frame {
            CommandFrame::Heading => (command.velocity_heading, "base_link"),
            CommandFrame::Body => (command.velocity_body, "base_link"),
            CommandFrame::Odom => (command.velocity, "odom"),
        };
        let header = Header { stamp: ctx.now().to_msg(), frame_id: frame.into() };
        let twist = Twist {
            linear: Vector3 { x: v.x, y: v.y, z: v.z },
            angular: Vector3 { x: 0.0, y: 0.0, z: command.yaw_rate },
        };
        self.velocity.send(ctx, TwistStamped { header: header.clone(), twist })?;
        let status = self.diagnose(ctx, &command.status);
        self.status.send(ctx, DiagnosticArray { header, status: vec![status] })
    }

    fn diagnose(&self, ctx: &Context, status: &Status) -> DiagnosticStatus {
        let pair = |key: &str, value: String| KeyValue { key: key.into(), value };
        let metres = |v: f64| format!("{v:.3}");
        let level = match status.state {
            State::InputStale(_) => DiagnosticStatus::ERROR,
            State::Stuck | State::Braking => DiagnosticStatus::WARN,
            _ => DiagnosticStatus::OK,
        };
        DiagnosticStatus {
            level,
            name: ctx.node_name().into(),
            message: status.state.name().into(),
            hardware_id: String::new(),
            values: vec![
                pair("state", status.state.name().into()),
                pair("reason", status.state.reason().into()),
                pair("depth_age_s", metres(status.depth_age_s)),
                pair("odometry_age_s", metres(status.odometry_age_s)),
                pair("detections_age_s", metres(status.detections_age_s)),
                pair("nearest_range_m", metres(status.nearest_range_m)),
                pair("certified_stop_m", metres(status.certified_stop_m)),
                pair("speed_cap_mps", metres(status.speed_cap_mps)),
                pair("valid_fraction", metres(status.valid_fraction)),
                pair("candidates_tried", status.candidates_tried.to_string()),
                pair("commands", self.commands.to_string()),
                pair("stops", self.stops.to_string()),
                pair("bad_images", self.bad_images.to_string()),
                pair("unplaced_detections", self.unplaced_detections.to_string()),
            ],
        }
    }
}

fn intrinsics(info: &CameraInfo) -> std::result::Result<Intrinsics, AvoidanceError> {
    let [fx, _, cx, _, fy, cy, ..] = info.k;
    Intrinsics::new(fx, fy, cx, cy, info.width as usize, info.height as usize)
}

/// Pose in odom and velocity, turned from the child frame (`base_link`, as nav_msgs/Odometry says) into odom. `None`
/// when a number is not finite or the quaternion is no rotation.
fn read_odometry(message: &nav_msgs::Odometry) -> Option<Odometry> {
    let (p, q) = (&message.pose.pose.position, &message.pose.pose.orientation);
    let v = &message.twist.twist.linear;
    let rotation = Quat::checked(q.w, q.x, q.y, q.z)?;
    let (position, child) = (Vec3::new(p.x, p.y, p.z), Vec3::new(v.x, v.y, v.z));
    (position.is_finite() && child.is_finite()).then(|| Odometry {
        stamp: Time::from_msg(&message.header.stamp).0,
        pose: Pose { position, rotation },
        velocity: rotation.rotate(child),
    })
}

export_node!(AvoidanceNode);
