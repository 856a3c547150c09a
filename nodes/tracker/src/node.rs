//! Wiring: detections, depth, odometry and camera infos in; `tracks`, `tracks/velocities` and `tracks_2d` out.

use peregrine::prelude::*;
use peregrine_msgs::diagnostic_msgs::{DiagnosticArray, DiagnosticStatus, KeyValue};
use peregrine_msgs::nav_msgs;
use peregrine_msgs::sensor_msgs::{CameraInfo, PointCloud2};
use peregrine_msgs::std_msgs::Header;
use peregrine_msgs::tracks::write_velocities;
use peregrine_msgs::vision_msgs::{Detection2DArray, Detection3DArray};

use crate::algo::camera::{Intrinsics, Pose, pose};
use crate::algo::classes::Classes;
use crate::algo::depth::{DepthImage, DepthStore};
use crate::algo::found::Found;
use crate::algo::history::History;
use crate::algo::rect::Rect;
use crate::algo::report::{Thing, seen, thing};
use crate::algo::track::{Life, Track};
use crate::algo::tracker::{Tracker, Verdict};
use crate::error::TrackerError;
use crate::message::{detection2d, detection3d, velocity};
use crate::params::TrackerParams;

/// How often the status is published, seconds of node time.
const STATUS_PERIOD_S: f64 = 1.0;

/// Tracks what the detector finds.
pub struct TrackerNode {
    tracker: Tracker,
    classes: Classes,
    history: History,
    depths: DepthStore,
    colour: Option<Intrinsics>,
    found: Vec<Found>,
    things: Vec<Thing>,
    odom_frame: String,
    tracks: Publisher<Detection3DArray>,
    velocities: Publisher<PointCloud2>,
    tracks_2d: Publisher<Detection2DArray>,
    status: Publisher<DiagnosticArray>,
    faults: Faults,
}

/// What was wrong with inputs so far.
#[derive(Debug, Default)]
struct Faults {
    bad_boxes: u64,
    bad_images: u64,
    bad_odometry: u64,
    without_info: u64,
    bad_depth_info: u64,
    bad_colour_info: u64,
    without_depth: u64,
}

impl Node for TrackerNode {
    const NAME: &'static str = "tracker";
    type Params = TrackerParams;

    fn configure(setup: &mut Setup<Self>, params: TrackerParams) -> Result<Self> {
        let tracker = Tracker::new(params.config().or_node()?);
        let classes = params.classes().or_node()?;
        setup.subscribe("odom", Qos::Sensor, Self::on_odometry)?;
        setup.subscribe("depth/camera_info", Qos::Sensor, Self::on_depth_info)?;
        setup.subscribe("camera/camera_info", Qos::Sensor, Self::on_colour_info)?;
        setup.subscribe_frames("depth/image_raw", FramePolicy::Latest, Self::on_depth)?;
        setup.subscribe("detections", Qos::Sensor, Self::on_detections)?;
        setup.timer(Duration::from_secs_f64(STATUS_PERIOD_S), Self::on_status)?;
        Ok(Self {
            tracker,
            classes,
            history: History::default(),
            depths: DepthStore::default(),
            colour: None,
            found: Vec::new(),
            things: Vec::new(),
            odom_frame: "odom".into(),
            tracks: setup.publish("tracks", Qos::Sensor)?,
            velocities: setup.publish("tracks/velocities", Qos::Sensor)?,
            tracks_2d: setup.publish("tracks_2d", Qos::Sensor)?,
            status: setup.publish("~/status", Qos::Reliable)?,
            faults: Faults::default(),
        })
    }

    /// Between two pictures, on the node's lane: no picture sees a part of it.
    fn reconfigure(&mut self, _: &Context, params: TrackerParams) -> Result {
        let (config, classes) = (params.config().or_node()?, params.classes().or_node()?);
        self.classes = classes.numbered_as(&self.classes);
        self.tracker.set_config(config);
        Ok(())
    }
}

impl TrackerNode {
    fn on_odometry(&mut self, _: &Context, message: &nav_msgs::Odometry) -> Result {
        let (p, q) = (&message.pose.pose.position, &message.pose.pose.orientation);
        match pose([p.x, p.y, p.z], [q.x, q.y, q.z, q.w]) {
            Some(pose) => self.history.push(Time::from_msg(&message.header.stamp).0, pose),
            None => self.faults.bad_odometry += 1,
        }
        if self.odom_frame != message.header.frame_id && !message.header.frame_id.is_empty() {
            self.odom_frame.clone_from(&message.header.frame_id);
        }
        Ok(())
    }

    fn on_depth_info(&mut self, ctx: &Context, info: &CameraInfo) -> Result {
        match intrinsics(info) {
            Ok(k) => self.depths.set_intrinsics(k),
            // Not fatal: without them things have no place, and that is counted. Told once, for it comes with every picture.
            Err(error) => {
                if self.faults.bad_depth_info == 0 {
                    tracing::warn!(node = ctx.node_name(), "depth/camera_info: {error}");
                }
                self.faults.bad_depth_info += 1;
            }
        }
        Ok(())
    }

    fn on_colour_info(&mut self, ctx: &Context, info: &CameraInfo) -> Result {
        match intrinsics(info) {
            Ok(k) => self.colour = Some(k),
            Err(error) => {
                if self.faults.bad_colour_info == 0 {
                    tracing::warn!(node = ctx.node_name(), "camera/camera_info: {error}");
                }
                self.faults.bad_colour_info += 1;
            }
        }
        Ok(())
    }

    fn on_depth(&mut self, ctx: &Context, frame: &Frame) -> Result {
        let (width, height, step) = (frame.width() as usize, frame.height() as usize, frame.step() as usize);
        match DepthImage::new(width, height, step, frame.encoding().as_str(), frame.bytes()) {
            Ok(image) => self.depths.push(frame.stamp().0, &image),
            Err(error) => {
                if self.faults.bad_images == 0 {
                    tracing::error!(node = ctx.node_name(), "{error}");
                }
                self.faults.bad_images += 1;
            }
        }
        Ok(())
    }

    fn on_detections(&mut self, ctx: &Context, message: &Detection2DArray) -> Result {
        let stamp = Time::from_msg(&message.header.stamp).0;
        let Some(colour) = self.colour else {
            if self.faults.without_info == 0 {
                tracing::warn!(
                    node = ctx.node_name(),
                    "detections come without camera/camera_info and cannot be tracked; remap it to the colour camera's \
                     camera_info"
                );
            }
            self.faults.without_info += 1;
            return Ok(());
        };
        self.read(message, &colour);
        let camera = self.camera_at(stamp);
        self.measure(ctx, stamp, &colour, camera.as_ref());
        let camera = camera.map(|pose| (pose, self.history.jumps()));
        match self.tracker.update(stamp, camera, &self.found, &self.classes) {
            Verdict::Late => return Ok(()),
            Verdict::Reset => tracing::warn!(
                node = ctx.node_name(),
                "the clock was set back: all tracks ended, and new things get new numbers"
            ),
            Verdict::Taken => {}
        }
        self.send(ctx, stamp, &message.header, &colour)
    }

    /// The usable detections.
    fn read(&mut self, message: &Detection2DArray, colour: &Intrinsics) {
        self.found.clear();
        for detection in &message.detections {
            let Some(best) = detection.best_hypothesis() else {
                self.faults.bad_boxes += 1;
                continue;
            };
            let (b, c) = (&detection.bbox, &detection.bbox.center.position);
            let rect = colour.to_tangents(&Rect { x: c.x, y: c.y, w: b.size_x, h: b.size_y });
            match Found::checked(rect, best.score, self.classes.number(&best.class_id)) {
                Some(found) => self.found.push(found),
                None => self.faults.bad_boxes += 1,
            }
        }
    }

    /// The colour camera in odom.
    fn camera_at(&self, stamp: i64) -> Option<Pose> {
        Some(self.history.at(stamp)? * self.tracker.config().camera)
    }

    /// Asks the depth image of that time for every detection.
    fn measure(&mut self, ctx: &Context, stamp: i64, colour: &Intrinsics, camera: Option<&Pose>) {
        let config = self.tracker.config();
        let window = (config.depth_window * 1e9) as i64;
        let history = &self.history;
        let relative = |at: i64| Some(camera?.inverse() * history.at(at)? * config.depth_camera);
        if self.depths.overlay(stamp, window, colour, relative) {
            self.depths.measure(&mut self.found);
        } else if !self.found.is_empty() {
            if self.faults.without_depth == 0 {
                tracing::warn!(
                    node = ctx.node_name(),
                    "detections of {:.3} s have no depth image, depth/camera_info or odometry of their time: they are \
                     tracked in the picture only. Publish depth/image_raw within depth_window_s of the colour image",
                    Time(stamp).as_secs_f64()
                );
            }
            self.faults.without_depth += 1;
        }
    }

    fn send(&mut self, ctx: &Context, stamp: i64, picture: &Header, colour: &Intrinsics) -> Result {
        let coast = self.tracker.config().coast;
        self.things.clear();
        self.things
            .extend(self.tracker.tracks().iter().filter_map(|t| thing(t, &self.classes, stamp, coast)));
        let header = Header { stamp: picture.stamp.clone(), frame_id: self.odom_frame.clone() };
        let velocities = write_velocities(header.clone(), self.things.iter().map(velocity));
        self.velocities.send(ctx, velocities)?;
        let detections = self.things.iter().map(|t| detection3d(&header, t, &self.classes)).collect();
        self.tracks.send(ctx, Detection3DArray { header, detections })?;
        let seen = self.tracker.tracks().iter().filter_map(seen);
        let detections = seen.map(|s| detection2d(picture, &s, colour, &self.classes)).collect();
        self.tracks_2d.send(ctx, Detection2DArray { header: picture.clone(), detections })
    }

    /// Confirmed things that are not told in odom because too little speaks for them.
    fn lacking(&self) -> usize {
        let lacks = |t: &&Track| t.life == Life::Confirmed && !t.evidence.is_enough();
        self.tracker.tracks().iter().filter(lacks).count()
    }

    fn on_status(&mut self, ctx: &Context) -> Result {
        let (counts, faults) = (self.tracker.counts(), &self.faults);
        let age = self.tracker.stamp().map(|s| (ctx.now().0.saturating_sub(s)) as f64 * 1e-9);
        let silent = age.is_none_or(|a| a > 2.0);
        let (level, word) = match (silent, faults.without_info > 0 && self.colour.is_none()) {
            (_, true) => (DiagnosticStatus::ERROR, "no camera/camera_info: nothing is tracked"),
            (true, _) => (DiagnosticStatus::WARN, "no detections for 2 s"),
            _ => (DiagnosticStatus::OK, "tracking"),
        };
        let pair = |key: &str, value: String| KeyValue { key: key.into(), value };
        let status = DiagnosticStatus {
            level,
            name: ctx.node_name().into(),
            message: word.into(),
            hardware_id: String::new(),
            values: vec![
                pair("tracks", self.tracker.tracks().len().to_string()),
                pair("published", self.things.len().to_string()),
                pair("lacking_evidence", self.lacking().to_string()),
                pair("detections_age_s", age.map_or_else(|| "never".into(), |a| format!("{a:.3}"))),
                pair("pictures", counts.pictures.to_string()),
                pair("late_pictures", counts.late.to_string()),
                pair("clock_resets", counts.resets.to_string()),
                pair("odometry_jumps", self.history.jumps().to_string()),
                pair("crowded_out", counts.crowded.to_string()),
                pair("detections_without_depth", counts.without_depth.to_string()),
                pair("pictures_without_pose", counts.without_pose.to_string()),
                pair("pictures_without_depth", faults.without_depth.to_string()),
                pair("bad_boxes", faults.bad_boxes.to_string()),
                pair("bad_depth_images", faults.bad_images.to_string()),
                pair("bad_depth_infos", faults.bad_depth_info.to_string()),
                pair("bad_colour_infos", faults.bad_colour_info.to_string()),
                pair("bad_odometry", faults.bad_odometry.to_string()),
            ],
        };
        let header = Header { stamp: ctx.now().to_msg(), frame_id: String::new() };
        self.status.send(ctx, DiagnosticArray { header, status: vec![status] })
    }
}

fn intrinsics(info: &CameraInfo) -> std::result::Result<Intrinsics, TrackerError> {
    let [fx, _, cx, _, fy, cy, ..] = info.k;
    Intrinsics::new(fx, fy, cx, cy, info.width, info.height)
}

export_node!(TrackerNode);
