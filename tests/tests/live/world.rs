//! What the nodes under test see, and what is seen of them.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use peregrine::prelude::*;
use peregrine_msgs::geometry_msgs::{PoseStamped, TwistStamped};
use peregrine_msgs::nav_msgs::Odometry;
use peregrine_msgs::peregrine_msgs::AvoidanceStatus;
use peregrine_msgs::sensor_msgs::CameraInfo;
use peregrine_msgs::vision_msgs::{Detection2DArray, LabelInfo};

#[path = "../../../models/tests/common/network.rs"]
#[allow(dead_code, reason = "other tests take the rest")]
mod network;

use network::{Output, constant_network};

/// Side of the network's input, pixels.
const SIDE: usize = 64;
/// Cells of the strides 8, 16 and 32.
const CELLS: usize = 64 + 16 + 4;
/// Size of a depth image, pixels.
const W: u32 = 160;
const H: u32 = 120;

/// Writes a model that sees one person of this score in every picture; gives its manifest.
pub fn model(folder: &Path, score: f32) -> PathBuf {
    std::fs::create_dir_all(folder).unwrap();
    let mut values = vec![0.0; 6 * CELLS];
    for (plane, value) in [32.0, 32.0, 16.0, 24.0, score].into_iter().enumerate() {
        values[plane * CELLS] = value;
    }
    let outputs = [Output { name: "y".into(), shape: vec![1, 6, CELLS], values }];
    let bytes = constant_network("x", &[1, 3, SIDE, SIDE], &outputs);
    std::fs::write(folder.join("net.onnx"), &bytes).unwrap();
    let manifest = format!(
        "name = \"person\"\nfile = \"net.onnx\"\nsha256 = \"{}\"\ntask = \"detection\"\norigin = \"made up\"\n\
         score_threshold = 0.3\nnms_iou = 0.6\nlabels = [\"person\", \"car\"]\n\
         [input]\nname = \"x\"\nwidth = {SIDE}\nheight = {SIDE}\ncolour = \"rgb\"\n\
         [decoder]\nkind = \"yolov8\"\nstrides = [8, 16, 32]\noutputs = [\"y\"]\n[licence]\nspdx = \"CC0-1.0\"\n",
        peregrine_models::sha256(&bytes)
    );
    let path = folder.join("manifest.toml");
    std::fs::write(&path, manifest).unwrap();
    path
}

/// What is seen of the nodes.
#[derive(Debug, Default)]
pub struct Seen {
    /// Pictures in the last second.
    pub rate: f64,
    arrivals: VecDeque<i64>,
    /// Boxes in the latest detections.
    pub boxes: Option<usize>,
    /// The detector's lowest score, in hundredths as it was written.
    pub threshold: f32,
    /// Things in the latest tracks.
    pub tracks: Option<usize>,
    /// Speed that the filter lets through, m/s.
    pub safe: f64,
    /// Speed that the planner wants, m/s.
    pub planned: f64,
    /// How often it said that it was too late.
    pub late: usize,
}

fn speed(twist: &TwistStamped) -> f64 {
    let v = &twist.twist.linear;
    (v.x * v.x + v.y * v.y + v.z * v.z).sqrt()
}

/// A vehicle that stands still in the open, whatever it is told.
pub struct World {
    frame: u32,
    depth: FramePublisher,
    depth_info: Publisher<CameraInfo>,
    colour_info: Publisher<CameraInfo>,
    odometry: Publisher<Odometry>,
    stick: Publisher<TwistStamped>,
    goal: Publisher<PoseStamped>,
}

fn info(width: u32, height: u32, stamp: Time) -> CameraInfo {
    let (w, h) = (f64::from(width), f64::from(height));
    let f = w / 2.0;
    let mut info = CameraInfo { width, height, ..CameraInfo::default() };
    info.header.stamp = stamp.to_msg();
    info.k = [f, 0.0, w / 2.0, 0.0, f, h / 2.0, 0.0, 0.0, 1.0];
    info
}

impl Node for World {
    const NAME: &'static str = "world";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        let seen: Arc<Mutex<Seen>> = setup.extension().unwrap();
        let [a, b, c, d, e, f, g] = std::array::from_fn(|_| seen.clone());
        setup.subscribe_frames(
            "image_raw",
            FramePolicy::KeepLast(4),
            move |_: &mut Self, ctx: &Context, _: &Frame| {
                let (mut seen, now) = (a.lock().unwrap(), ctx.now().0);
                seen.arrivals.push_back(now);
                while seen.arrivals.front().is_some_and(|at| now - at > 1_000_000_000) {
                    seen.arrivals.pop_front();
                }
                seen.rate = seen.arrivals.len() as f64;
                Ok(())
            },
        )?;
        setup.subscribe(
            "detections",
            Qos::Sensor,
            move |_: &mut Self, _: &Context, m: &Detection2DArray| {
                b.lock().unwrap().boxes = Some(m.detections.len());
                Ok(())
            },
        )?;
        setup.subscribe("label_info", Qos::Latched, move |_: &mut Self, _: &Context, m: &LabelInfo| {
            assert_eq!(
                m.class_map.iter().map(|class| class.class_name.as_str()).collect::<Vec<_>>(),
                ["person", "car"]
            );
            assert_eq!(m.class_map[1].class_id, 1);
            c.lock().unwrap().threshold = m.threshold;
            Ok(())
        })?;
        setup.subscribe(
            "tracks_2d",
            Qos::Sensor,
            move |_: &mut Self, _: &Context, m: &Detection2DArray| {
                d.lock().unwrap().tracks = Some(m.detections.len());
                Ok(())
            },
        )?;
        setup.subscribe("safe_vel", Qos::Reliable, move |_: &mut Self, _: &Context, m: &TwistStamped| {
            e.lock().unwrap().safe = speed(m);
            Ok(())
        })?;
        setup.subscribe("cmd_vel", Qos::Reliable, move |_: &mut Self, _: &Context, m: &TwistStamped| {
            f.lock().unwrap().planned = speed(m);
            Ok(())
        })?;
        setup.subscribe(
            "avoidance/state",
            Qos::Reliable,
            move |_: &mut Self, _: &Context, m: &AvoidanceStatus| {
                g.lock().unwrap().late += usize::from(m.reason.contains("missed its deadline"));
                Ok(())
            },
        )?;
        setup.timer(Duration::from_millis(20), Self::tick)?;
        let bytes = (W * H * 4) as usize;
        Ok(Self {
            frame: 0,
            depth: setup.publish_frames("depth/image_raw", FrameSlots { slots: 8, bytes })?,
            depth_info: setup.publish("depth/camera_info", Qos::Sensor)?,
            colour_info: setup.publish("camera/camera_info", Qos::Sensor)?,
            odometry: setup.publish("odom", Qos::Sensor)?,
            stick: setup.publish("cmd_vel_in", Qos::Reliable)?,
            goal: setup.publish("goal", Qos::Latched)?,
        })
    }
}

impl World {
    fn tick(&mut self, ctx: &Context) -> Result {
        self.frame += 1;
        let now = ctx.now();
        let mut odometry = Odometry::default();
        (odometry.header.stamp, odometry.header.frame_id) = (now.to_msg(), "odom".into());
        (odometry.pose.pose.position.z, odometry.pose.pose.orientation.w) = (2.0, 1.0);
        self.odometry.send(ctx, odometry)?;
        if self.frame % 50 == 1 {
            let mut goal = PoseStamped::default();
            (goal.pose.position.x, goal.pose.position.z, goal.pose.orientation.w) = (40.0, 2.0, 1.0);
            self.goal.send(ctx, goal)?;
        }
        self.depth_info.send(ctx, info(W, H, now))?;
        self.colour_info.send(ctx, info(W, H, now))?;
        let spec = ImageSpec::packed(W, H, Encoding::Depth32, "depth_optical");
        if let Some(mut loan) = self.depth.loan(&spec)? {
            // No two alike: a camera that repeats itself is taken for a broken one.
            let depth = 30.0_f32 + self.frame as f32 * 1e-3;
            loan.bytes_mut()
                .chunks_exact_mut(4)
                .for_each(|pixel| pixel.copy_from_slice(&depth.to_le_bytes()));
            loan.set_stamp(now.0);
            self.depth.send(ctx, loan)?;
        }
        let mut twist = TwistStamped::default();
        (twist.header.stamp, twist.twist.linear.x) = (now.to_msg(), 6.0);
        self.stick.send(ctx, twist)
    }
}
