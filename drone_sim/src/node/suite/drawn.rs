//! Cameras beyond the two of every flight: each draws what it sees from the vehicle and publishes it as Gazebo's does.

use std::time::Duration;

use nalgebra::{Isometry3, Translation3};
use peregrine::prelude::*;
use peregrine_msgs::sensor_msgs::{CameraInfo, PointCloud2};
use peregrine_msgs::vision_msgs::{Detection2DArray, Detection3DArray};
use peregrine_render::{Camera, Renderer, optical_from_body};

use super::Home;
use super::clouds::coloured_cloud;
use super::outlines::{outline, wire};
use crate::error::Result as SimResult;
use crate::node::slots::slot;
use crate::node::{DroneSim, messages};
use crate::rng::Stream;
use crate::scenario::World;
use crate::sensors::noise::stream;
use crate::sensors::spec::{BoxKind, CameraSpec, PixelFormat};
use crate::sensors::{DepthEye, LabelEye, Odometry, Optics, Rate, SeenBox, SensorKind, TurnedBox};

/// Slots of each image topic.
const SLOTS: usize = 8;

/// A camera at work.
pub(super) struct Drawn {
    pub rate: Rate,
    /// Where its frame (x forward) is.
    pub home: Home,
    /// The name of that frame, which points carry.
    pub frame: String,
    /// The frame of images: `frame`, as Gazebo has it, or an optical one (REP-103).
    pub image_frame: String,
    eye: Eye,
    info: Publisher<CameraInfo>,
    /// Pictures that were not drawn because readers held every slot.
    pub lost: u64,
    patience: Duration,
}

enum Eye {
    Colour(Box<Optics>, FramePublisher),
    Depth(Box<DepthEye>, FramePublisher, Vec<f32>),
    Rgbd(Box<Rgbd>),
    Segmentation(Box<LabelEye>, [FramePublisher; 2]),
    Boxes(Box<Boxed>),
}

struct Rgbd {
    optics: Optics,
    eye: DepthEye,
    image: FramePublisher,
    depth: FramePublisher,
    points: Publisher<PointCloud2>,
    rgb: Vec<u8>,
    metres: Vec<f32>,
}

struct Boxed {
    eye: LabelEye,
    optics: Optics,
    out: BoxTopic,
    image: FramePublisher,
}

/// What a bounding-box camera says, and room for it.
enum BoxTopic {
    Flat(Publisher<Detection2DArray>, Vec<SeenBox>),
    Turned(Publisher<Detection3DArray>, Vec<TurnedBox>),
}

/// Where a camera sits, what it says, and how often.
pub(super) struct Place {
    pub rate: f64,
    pub home: Home,
    pub frame: String,
    pub image_frame: String,
    /// How long a slot is waited for in lockstep.
    pub patience: Duration,
}

/// The optical frame of a camera, in the camera's frame.
pub(super) fn optical() -> Isometry3<f64> {
    Isometry3::from_parts(Translation3::identity(), optical_from_body())
}

fn slots(spec: &CameraSpec, bytes: usize) -> FrameSlots {
    FrameSlots { slots: SLOTS, bytes: spec.width as usize * spec.height as usize * bytes }
}

/// The name beside `topic`: `eye/image` has `eye/camera_info`.
fn beside(topic: &str, name: &str) -> String {
    topic.rsplit_once('/').map_or_else(|| name.to_string(), |(folder, _)| format!("{folder}/{name}"))
}

/// Of a pixel format.
pub(in crate::node) fn encoding(format: PixelFormat) -> Encoding {
    match format {
        PixelFormat::Rgb8 => Encoding::Rgb8,
        PixelFormat::Bgr8 => Encoding::Bgr8,
        PixelFormat::L8 => Encoding::Mono8,
    }
}

/// What a kind of camera is made of; `None` for what is not drawn.
#[allow(clippy::large_enum_variant, reason = "one per camera, and short-lived")]
enum Plan<'a> {
    Colour(&'a CameraSpec, Optics),
    Depth(&'a CameraSpec, DepthEye),
    Rgbd(&'a CameraSpec, Optics, DepthEye),
    Segmentation(&'a CameraSpec, LabelEye),
    Boxes(&'a CameraSpec, LabelEye, Optics),
}

fn plan(kind: &SensorKind, seed: u64, id: u64) -> SimResult<Option<Plan<'_>>> {
    let noise = |part| -> Stream { stream(seed, id, part) };
    let packed = |spec: &CameraSpec| CameraSpec { format: PixelFormat::Rgb8, ..spec.clone() };
    Ok(Some(match kind {
        SensorKind::Camera(spec) => Plan::Colour(spec, Optics::new(spec, noise(0))?),
        SensorKind::Depth(spec) => Plan::Depth(spec, DepthEye::new(spec, noise(1))?),
        SensorKind::Rgbd(spec) => {
            // One lens, one noise: Gazebo's is of the colours, and its depths are clean.
            let clean = CameraSpec { noise: Default::default(), ..spec.clone() };
            Plan::Rgbd(spec, Optics::new(&packed(spec), noise(0))?, DepthEye::new(&clean, noise(1))?)
        }
        SensorKind::Segmentation(spec) => Plan::Segmentation(spec, LabelEye::new(spec)?),
        SensorKind::BoundingBox(spec) => {
            Plan::Boxes(spec, LabelEye::new(spec)?, Optics::new(&packed(spec), noise(0))?)
        }
        _ => return Ok(None),
    }))
}

impl Drawn {
    /// A camera of that kind on `topic`; `None` if the kind is not drawn.
    pub fn new(
        setup: &mut Setup<DroneSim>,
        kind: &SensorKind,
        topic: &str,
        place: Place,
        (seed, id): (u64, u64),
    ) -> Result<Option<Self>> {
        let Some(plan) = plan(kind, seed, id).or_node()? else { return Ok(None) };
        let below = |name: &str| format!("{topic}/{name}");
        let (eye, info) = match plan {
            Plan::Colour(spec, optics) => {
                let image = setup.publish_frames(topic, slots(spec, spec.format.bytes()))?;
                (Eye::Colour(Box::new(optics), image), beside(topic, "camera_info"))
            }
            Plan::Depth(spec, eye) => {
                let image = setup.publish_frames(topic, slots(spec, 4))?;
                (Eye::Depth(Box::new(eye), image, Vec::new()), beside(topic, "camera_info"))
            }
            Plan::Rgbd(spec, optics, eye) => {
                let image = setup.publish_frames(&below("image"), slots(spec, 3))?;
                let depth = setup.publish_frames(&below("depth_image"), slots(spec, 4))?;
                let points = setup.publish(&below("points"), Qos::Sensor)?;
                let rgbd = Rgbd { optics, eye, image, depth, points, rgb: Vec::new(), metres: Vec::new() };
                (Eye::Rgbd(Box::new(rgbd)), below("camera_info"))
            }
            Plan::Segmentation(spec, eye) => {
                let maps = [
                    setup.publish_frames(&below("labels_map"), slots(spec, 3))?,
                    setup.publish_frames(&below("colored_map"), slots(spec, 3))?,
                ];
                (Eye::Segmentation(Box::new(eye), maps), below("camera_info"))
            }
            Plan::Boxes(spec, eye, optics) => {
                let out = if eye.kind() == BoxKind::Oriented {
                    BoxTopic::Turned(setup.publish(topic, Qos::Sensor)?, Vec::new())
                } else {
                    BoxTopic::Flat(setup.publish(topic, Qos::Sensor)?, Vec::new())
                };
                let image = setup.publish_frames(&format!("{topic}_image"), slots(spec, 3))?;
                (Eye::Boxes(Box::new(Boxed { eye, optics, out, image })), beside(topic, "camera_info"))
            }
        };
        let info = setup.publish(&info, Qos::Sensor)?;
        let Place { rate, home, frame, image_frame, patience } = place;
        Ok(Some(Self { rate: Rate::new(rate), home, frame, image_frame, eye, info, lost: 0, patience }))
    }

    /// Draws picture `index` from a body that `at` tells of, and publishes it.
    pub fn shoot(
        &mut self,
        ctx: &Context,
        now: Time,
        index: i64,
        world: &World,
        at: &Odometry,
        renderer: &mut Renderer,
    ) -> Result {
        let in_body = self.home.mount * optical();
        let in_world = at.pose * in_body;
        let scene = &world.scene;
        let frame = self.image_frame.as_str();
        let mut page = Page { ctx, now, frame, lost: &mut self.lost, patience: self.patience };
        let (camera, distortion) = match &mut self.eye {
            Eye::Colour(optics, out) => {
                let (camera, encoding) = (*optics.intrinsics(), encoding(optics.format()));
                page.print(out, &camera, encoding, |to| {
                    optics.shoot(renderer, scene, at, &in_body, index, to)
                })?;
                (camera, optics.distortion())
            }
            Eye::Depth(eye, out, metres) => {
                let camera = *eye.intrinsics();
                metres.resize(pixels(&camera), 0.0);
                eye.fill(renderer, scene, &in_world, index, metres).or_node()?;
                page.print(out, &camera, Encoding::Depth32, |to| copy(metres, to))?;
                (camera, [0.0; 5])
            }
            Eye::Rgbd(eye) => {
                let Rgbd { optics, eye, image, depth, points, rgb, metres } = eye.as_mut();
                let camera = *optics.intrinsics();
                rgb.resize(pixels(&camera) * 3, 0);
                metres.resize(pixels(&camera), 0.0);
                optics.shoot(renderer, scene, at, &in_body, index, rgb).or_node()?;
                eye.fill(renderer, scene, &in_world, index, metres).or_node()?;
                page.print(image, &camera, Encoding::Rgb8, |to| copy(rgb, to))?;
                page.print(depth, &camera, Encoding::Depth32, |to| copy(metres, to))?;
                let cloud = coloured_cloud(eye.intrinsics(), rgb, metres);
                points.send(ctx, PointCloud2 { header: messages::header(now, &self.frame), ..cloud })?;
                (camera, optics.distortion())
            }
            Eye::Segmentation(eye, [labels, colours]) => {
                let camera = *eye.intrinsics();
                eye.look(renderer, scene, &in_world).or_node()?;
                page.print(labels, &camera, Encoding::Rgb8, |to| {
                    eye.labels(to);
                    Ok(())
                })?;
                page.print(colours, &camera, Encoding::Rgb8, |to| {
                    eye.colours(to);
                    Ok(())
                })?;
                (camera, [0.0; 5])
            }
            Eye::Boxes(boxed) => {
                let Boxed { eye, optics, out, image } = boxed.as_mut();
                let camera = *eye.intrinsics();
                eye.look(renderer, scene, &in_world).or_node()?;
                match out {
                    BoxTopic::Flat(_, seen) => eye.boxes(scene, &in_world, seen),
                    BoxTopic::Turned(_, seen) => eye.turned(scene, &in_world, seen),
                }
                .or_node()?;
                page.print(image, &camera, Encoding::Rgb8, |to| {
                    optics.shoot(renderer, scene, at, &in_body, index, to)?;
                    match out {
                        BoxTopic::Flat(_, seen) => seen.iter().for_each(|b| outline(to, &camera, &b.area)),
                        BoxTopic::Turned(_, seen) => seen.iter().for_each(|b| wire(to, &camera, b)),
                    }
                    Ok(())
                })?;
                match out {
                    BoxTopic::Flat(out, seen) => {
                        out.send(ctx, messages::labelled_boxes(now, frame, seen))?;
                    }
                    BoxTopic::Turned(out, seen) => {
                        out.send(ctx, messages::turned_boxes(now, frame, seen))?;
                    }
                }
                (camera, optics.distortion())
            }
        };
        self.info.send(ctx, messages::camera_info(now, &self.image_frame, &camera, distortion))
    }
}

fn pixels(camera: &Camera) -> usize {
    camera.width as usize * camera.height as usize
}

fn copy<T: bytemuck::NoUninit>(from: &[T], to: &mut [u8]) -> SimResult<()> {
    to.copy_from_slice(bytemuck::cast_slice(from));
    Ok(())
}

/// Where one moment's pictures go.
struct Page<'a> {
    ctx: &'a Context,
    now: Time,
    frame: &'a str,
    lost: &'a mut u64,
    patience: Duration,
}

impl Page<'_> {
    /// Publishes a picture that `fill` draws in place; without a free slot it is counted as lost.
    fn print(
        &mut self,
        out: &mut FramePublisher,
        camera: &Camera,
        encoding: Encoding,
        fill: impl FnOnce(&mut [u8]) -> SimResult<()>,
    ) -> Result {
        let spec = ImageSpec::packed(camera.width, camera.height, encoding, self.frame);
        let Some(mut loan) = slot(self.ctx, out, &spec, self.patience)? else {
            *self.lost += u64::from(!self.ctx.is_lockstep());
            return Ok(());
        };
        fill(loan.bytes_mut()).or_node()?;
        loan.set_stamp(self.now.0);
        out.send(self.ctx, loan)
    }
}
