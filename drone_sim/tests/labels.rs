//! Cameras that see labels: boxes in the image, through a lens and in 3D; two sensors on one topic; no allocation per frame.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use nalgebra::{Isometry3, Point3, Translation3, UnitQuaternion, Vector3};
use peregrine::prelude::*;
use peregrine::{App, Mode, NodeFactory, NodeSpec, ParamValue};
use peregrine_msgs::vision_msgs::Detection3DArray;
use peregrine_render::{Instance, Material, Mesh, Renderer, Scene, optical_from_body};
use peregrine_sim::node::DroneSim;
use peregrine_sim::rng::Stream;
use peregrine_sim::scenario::{Builder, ThingKind};
use peregrine_sim::sensors::spec::{BoxKind, CameraSpec, Distortion};
use peregrine_sim::sensors::{ColorCamera, LabelEye, Mount, Odometry, Truths};
use peregrine_sim::shape::Shape;

#[global_allocator]
static ALLOCATOR: peregrine_counting::Counting = peregrine_counting::Counting;

/// A cabinet of two parts, turned by 0.4 about z, 6 m ahead, 1 m to the left; a ball without a label.
fn scene() -> (Scene, Isometry3<f64>) {
    let mut scene = Scene::new();
    let matt = scene.add_material(Material::default()).unwrap();
    let (low, high) = (Mesh::cuboid([0.4, 0.6, 1.0]), Mesh::cuboid([0.4, 0.6, 0.8]));
    let (low, high) = (scene.add_mesh(low), scene.add_mesh(high));
    let turn = UnitQuaternion::from_euler_angles(0.0, 0.0, 0.4);
    let cabinet = Isometry3::from_parts(Translation3::new(6.0, 1.0, 0.5), turn);
    for (mesh, up) in [(low, -0.4), (high, 0.5)] {
        let at = cabinet * Translation3::new(0.0, 0.0, up);
        scene.add_instance(Instance::new(mesh, matt, at).labelled(3, 7)).unwrap();
    }
    let ball = scene.add_mesh(Mesh::sphere(0.5, 24));
    scene.add_instance(Instance::new(ball, matt, Isometry3::translation(6.0, -2.0, 0.0))).unwrap();
    (scene, cabinet)
}

fn optical() -> Isometry3<f64> {
    Isometry3::from_parts(Translation3::identity(), optical_from_body())
}

#[test]
fn a_turned_box_is_where_the_thing_is_in_gazebos_frame() {
    let (scene, cabinet) = scene();
    let spec = CameraSpec { boxes: BoxKind::Oriented, ..CameraSpec::default() };
    let mut eye = LabelEye::new(&spec).unwrap();
    let mut found = Vec::new();
    eye.look(&mut Renderer::new(1).unwrap(), &scene, &optical()).unwrap();
    eye.turned(&scene, &optical(), &mut found).unwrap();
    let [b] = found[..] else { panic!("{found:?}") };
    assert_eq!((b.label, b.object), (7, 3));
    // x right, y up, z backward: ahead is -z, left is -x.
    let to_gazebo = |p: Point3<f64>| Point3::new(-p.y, p.z, -p.x);
    assert!((b.pose * Point3::origin() - to_gazebo(Point3::new(6.0, 1.0, 0.5))).norm() < 1e-6, "{b:?}");
    for (size, wanted) in b.size.iter().zip([0.4, 0.6, 1.8]) {
        assert!((size - wanted).abs() < 1e-6, "{b:?}");
    }
    let corner = Point3::new(0.2, -0.3, 0.9);
    assert!((b.pose * corner - to_gazebo(cabinet * corner)).norm() < 1e-6, "{b:?}");
}

#[test]
fn a_labelled_picture_allocates_nothing_after_warm_up() {
    let (scene, _) = scene();
    let mut renderer = Renderer::new(1).unwrap();
    let distortion = Distortion { k: [-0.1, 0.0, 0.0], p: [0.0; 2] };
    let spec = CameraSpec { instances: true, distortion, ..CameraSpec::default() };
    let mut eye = LabelEye::new(&spec).unwrap();
    let (mut map, mut boxes, mut turned) = (vec![0; 320 * 240 * 3], Vec::new(), Vec::new());
    let mut round = || {
        for k in 0..4 {
            let optical = Translation3::new(0.05 * f64::from(k), 0.0, 0.0) * optical();
            eye.look(&mut renderer, &scene, &optical).unwrap();
            eye.labels(&mut map);
            eye.colours(&mut map);
            eye.boxes(&scene, &optical, &mut boxes).unwrap();
            eye.turned(&scene, &optical, &mut turned).unwrap();
            assert_eq!((boxes.len(), turned.len()), (1, 1));
        }
    };
    round();
    let before = peregrine_counting::own();
    round();
    assert_eq!(peregrine_counting::own() - before, 0, "allocations in 4 pictures");
}

#[derive(Debug, Default)]
struct Log {
    turned: Vec<Detection3DArray>,
}

struct Ear {
    log: Arc<Mutex<Log>>,
}

#[derive(Params)]
struct NoParams {}

impl Node for Ear {
    const NAME: &'static str = "ear";
    type Params = NoParams;

    fn configure(setup: &mut Setup<Self>, _: NoParams) -> Result<Self> {
        setup.subscribe("/solid", Qos::Sensor, |n: &mut Self, _, m: &Detection3DArray| {
            n.log.lock().unwrap().turned.push(m.clone());
            Ok(())
        })?;
        Ok(Self { log: setup.extension::<Mutex<Log>>().unwrap_or_default() })
    }
}

/// Warnings of the thread that it is the subscriber of.
#[derive(Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl tracing::Subscriber for Warnings {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() == tracing::Level::WARN
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        struct Text(String);
        impl tracing::field::Visit for Text {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                if field.name() == "message" {
                    write!(self.0, "{value:?}").unwrap();
                }
            }
        }
        let mut text = Text(String::new());
        event.record(&mut text);
        self.0.lock().unwrap().push(text.0);
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

/// Flies half a second on the spot; what was heard, and what was warned of while the nodes were made.
fn fly(params: &[(&str, &str)]) -> (Log, Vec<String>) {
    let log = Arc::new(Mutex::new(Log::default()));
    let mut app = App::new(Mode::Lockstep { threads: 1 });
    app.extend(log.clone());
    let mut spec = NodeSpec::new("drone_sim");
    let base = [("camera.rate", "0"), ("depth.rate", "0"), ("time_limit", "0.5")];
    for (key, value) in base.iter().chain(params) {
        spec = spec.with_param(key, ParamValue::from_text(value));
    }
    let warnings = Warnings::default();
    let told = Arc::clone(&warnings.0);
    tracing::subscriber::with_default(warnings, || {
        app.add(NodeFactory::of::<DroneSim>(), spec).unwrap();
    });
    app.add(NodeFactory::of::<Ear>(), NodeSpec::new("ear")).unwrap();
    let report = app.run().unwrap();
    for node in &report.nodes {
        assert_eq!((node.errors, &node.last_error), (0, &None), "{}", node.name);
    }
    let log = std::mem::take(&mut *log.lock().unwrap());
    let told = told.lock().unwrap().clone();
    (log, told)
}

/// `sim/boxes` of a camera whose lens bends lines lie where its picture shows the things.
#[test]
fn boxes_follow_the_lens() {
    const K: [f64; 3] = [-0.28, 0.06, 0.0];
    const P: [f64; 2] = [0.001, -0.002];
    let mut builder = Builder::new();
    let (radius, middle) = (0.4, Point3::new(4.0, 2.2, 0.6));
    let pose = Isometry3::from_parts(middle.into(), UnitQuaternion::identity());
    let object = builder.thing("ball".to_string(), "sports ball", ThingKind::Other, pose);
    builder.look(pose, &Shape::Sphere { radius }, Material::default(), object, 0).unwrap();
    let world = builder.finish("lens", Vector3::zeros(), Point3::origin(), Point3::new(9.0, 0.0, 0.0));
    let spec = CameraSpec { width: 640, height: 480, hfov: 1.5, ..CameraSpec::default() };
    let box_of = |distortion: Distortion| {
        let spec = CameraSpec { distortion, ..spec.clone() };
        let mount = Mount { position: Vector3::zeros(), pitch: 0.0 };
        let mut camera = ColorCamera::with_optics(&spec, mount, Stream::new(1, 1)).unwrap();
        let still =
            Odometry { pose: Isometry3::identity(), velocity: Vector3::zeros(), rates: Vector3::zeros() };
        let mut rgb = vec![0; 640 * 480 * 3];
        let mut renderer = Renderer::new(1).unwrap();
        camera.shoot(&mut renderer, &world.scene, &still, 0, &mut rgb, true).unwrap();
        let found = Truths::default().find(&camera, &world, &still.pose).unwrap();
        let [ball] = &found[..] else { panic!("{found:?}") };
        assert_eq!(ball.label, "sports ball");
        let [left, top, width, height] = ball.seen;
        (*camera.intrinsics(), [left, top, left + width, top + height])
    };
    let (camera, straight) = box_of(Distortion::default());
    let (_, bent) = box_of(Distortion { k: K, p: P });
    // The outline of the ball through the formula of Brown and Conrady: its tangent cone, a degree at a time.
    let outline = |lens: bool| {
        let towards = Vector3::new(-middle.y, -middle.z, middle.x);
        let (far, up) = (towards.norm(), Vector3::y());
        let side = towards.cross(&up).normalize();
        let other = side.cross(&towards.normalize());
        let half = (radius / far).asin();
        let mut area = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
        for step in 0..360 {
            let (sin, cos) = f64::from(step).to_radians().sin_cos();
            let ray = towards.normalize() * half.cos() + (side * cos + other * sin) * half.sin();
            let (x, y) = (ray.x / ray.z, ray.y / ray.z);
            let r2 = x * x + y * y;
            let radial = 1.0 + r2 * (K[0] + r2 * (K[1] + r2 * K[2]));
            let through = [
                x * radial + 2.0 * P[0] * x * y + P[1] * (r2 + 2.0 * x * x),
                y * radial + P[0] * (r2 + 2.0 * y * y) + 2.0 * P[1] * x * y,
            ];
            let [x, y] = if lens { through } else { [x, y] };
            let (x, y) = (camera.cx + camera.fx * x, camera.cy + camera.fy * y);
            area = [area[0].min(x), area[1].min(y), area[2].max(x), area[3].max(y)];
        }
        area
    };
    for (seen, lens) in [(straight, false), (bent, true)] {
        for (got, want) in seen.iter().zip(outline(lens)) {
            // A mesh of 32 segments and pixels.
            assert!((got - want).abs() < 1.6, "{seen:?} {:?}", outline(lens));
        }
    }
    assert!((straight[0] - bent[0]).abs() > 10.0, "the lens moves it: {straight:?} {bent:?}");
}

const YARD: &str = "<sdf version='1.9'><world name='yard'>
 <model name='crate'><static>1</static><pose>4 0.5 2 0 0 0.3</pose><link name='l'><visual name='v'><geometry>
 <box><size>0.5 0.7 0.9</size></box></geometry>
 <plugin filename='gz-sim-label-system' name='gz::sim::systems::Label'><label>9</label></plugin></visual></link></model>
 <model name='quad'><pose>0 0 2 0 0 0</pose><link name='body'><inertial><mass>1.0</mass>
 <inertia><ixx>0.01</ixx><iyy>0.012</iyy><izz>0.02</izz></inertia></inertial>
 <sensor name='solid' type='boundingbox_camera'><update_rate>4</update_rate><topic>solid</topic>
 <camera><box_type>3d</box_type><horizontal_fov>1.2</horizontal_fov><image><width>160</width><height>120</height></image>
 <clip><near>0.1</near><far>20</far></clip></camera></sensor>
 <sensor name='laser' type='gpu_lidar'><update_rate>4</update_rate><topic>scan</topic></sensor></link>
 <plugin filename='gz-sim-multicopter-motor-model-system' name='gz::sim::systems::MulticopterMotorModel'>
 <jointName>j</jointName><linkName>body</linkName></plugin></model></world></sdf>";

#[test]
fn boxes_in_3d_are_published_and_a_topic_has_one_sensor() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("yard.sdf");
    std::fs::write(&path, YARD).unwrap();
    let (log, warnings) = fly(&[("world", path.to_str().unwrap()), ("sensors", "lidar")]);
    let first = log.turned.first().expect("a message");
    let [crate_] = &first.detections[..] else { panic!("{first:?}") };
    assert_eq!(crate_.results[0].hypothesis.class_id, "9");
    let size = &crate_.bbox.size;
    assert!((Vector3::new(size.x, size.y, size.z) - Vector3::new(0.5, 0.7, 0.9)).norm() < 1e-6, "{size:?}");
    let at = &crate_.bbox.center.position;
    assert!((Vector3::new(at.x, at.y, at.z) - Vector3::new(-0.5, 0.0, -4.0)).norm() < 0.05, "{at:?}");
    // The vehicle's laser has /scan, so the parameter's lidar stays silent on scan.
    let told: Vec<_> = warnings.iter().filter(|w| w.contains("PG-1031")).collect();
    assert!(told.len() == 1 && told[0].contains("lidar") && told[0].contains("scan"), "{warnings:?}");
}
