//! Cameras beyond the two of every flight: each draws what it sees from the vehicle and publishes it as Gazebo's does.

use nalgebra::{Isometry3, Translation3};
use peregrine::prelude::*;
use peregrine_msgs::sensor_msgs::{CameraInfo, PointCloud2};
use peregrine_msgs::vision_msgs::Detection2DArray;
use peregrine_render::{Camera, Renderer, optical_from_body};

use super::clouds::coloured_cloud;
use crate::error::Result as SimResult;
use crate::node::{DroneSim, messages};
use crate::rng::Stream;
use crate::scenario::World;
use crate::sensors::noise::stream;
use crate::sensors::spec::{CameraSpec, PixelFormat};
use crate::sensors::{DepthEye, LabelEye, Odometry, Optics, Rate, SensorKind};

/// Slots of each image topic.
const SLOTS: usize = 8;

/// A camera at work.
pub(super) struct Drawn {
    pub rate: Rate,
    /// Sensor frame (x forward) in the body.
    pub mount: Isometry3<f64>,
    /// The frame that `mount` is the pose of: of points.
    pub frame: String,
    /// The frame of images: `frame`, as Gazebo has it, or an optical one (REP-103).
    pub image_frame: String,
    eye: Eye,
    info: Publisher<CameraInfo>,
    /// Pictures that were not drawn because readers held every slot.
    pub lost: u64,
}

enum Eye {
    Colour(Box<Optics>, FramePublisher),
    Depth(Box<DepthEye>, FramePublisher, Vec<f32>),
    Rgbd(Box<Rgbd>),
    Segmentation(Box<LabelEye>, [FramePublisher; 2]),
    Boxes(Box<LabelEye>, Box<Optics>, Publisher<Detection2DArray>, FramePublisher),
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

/// Where a camera sits, what it says, and how often.
pub(super) struct Place {
    pub rate: f64,
    pub mount: Isometry3<f64>,
    pub frame: String,
    pub image_frame: String,
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
                let boxes = setup.publish(topic, Qos::Sensor)?;
                let image = setup.publish_frames(&format!("{topic}_image"), slots(spec, 3))?;
                (Eye::Boxes(Box::new(eye), Box::new(optics), boxes, image), beside(topic, "camera_info"))
            }
        };
        let info = setup.publish(&info, Qos::Sensor)?;
        let Place { rate, mount, frame, image_frame } = place;
        Ok(Some(Self { rate: Rate::new(rate), mount, frame, image_frame, eye, info, lost: 0 }))
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
        let in_body = self.mount * optical();
        let in_world = at.pose * in_body;
        let scene = &world.scene;
        let frame = self.image_frame.as_str();
        let mut page = Page { ctx, now, frame, lost: &mut self.lost };
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
            Eye::Boxes(eye, optics, boxes, image) => {
                let camera = *eye.intrinsics();
                eye.look(renderer, scene, &in_world).or_node()?;
                let seen = eye.boxes(scene, &in_world).or_node()?;
                page.print(image, &camera, Encoding::Rgb8, |to| {
                    optics.shoot(renderer, scene, at, &in_body, index, to)?;
                    seen.iter().for_each(|b| outline(to, &camera, &b.area));
                    Ok(())
                })?;
                boxes.send(ctx, messages::labelled_boxes(now, frame, &seen))?;
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
        let Some(mut loan) = out.loan(&spec)? else {
            *self.lost += 1;
            return Ok(());
        };
        fill(loan.bytes_mut()).or_node()?;
        loan.set_stamp(self.now.0);
        out.send(self.ctx, loan)
    }
}

/// A thin green frame, as Gazebo's bounding-box camera draws into its image.
fn outline(rgb: &mut [u8], camera: &Camera, [left, top, width, height]: &[f64; 4]) {
    let (columns, rows) = (camera.width as usize, camera.height as usize);
    let end = |v: f64, last: usize| (v.max(0.0) as usize).min(last);
    let (x0, x1) = (end(*left, columns - 1), end(left + width - 1.0, columns - 1));
    let (y0, y1) = (end(*top, rows - 1), end(top + height - 1.0, rows - 1));
    let mut dot = |x: usize, y: usize| {
        let at = (y * columns + x) * 3;
        rgb[at..at + 3].copy_from_slice(&[0, 255, 0]);
    };
    (x0..=x1).for_each(|x| [y0, y1].into_iter().for_each(|y| dot(x, y)));
    (y0..=y1).for_each(|y| [x0, x1].into_iter().for_each(|x| dot(x, y)));
}
