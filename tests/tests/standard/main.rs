//! Names and meanings that ROS 2 expects, seen where they cross crates: the simulator, two cameras, detector and tracker fly for a
//! moment, and everything on every topic is looked at (REP-103: axes and units; REP-105: frames; vision_msgs and sensor_msgs: headers).

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

extern crate peregrine_core as peregrine;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use peregrine::prelude::*;
use peregrine::{App, Mode, NodeFactory, NodeSpec, ParamValue};
use peregrine_msgs::diagnostic_msgs::DiagnosticArray;
use peregrine_msgs::geometry_msgs::{Quaternion, TransformStamped};
use peregrine_msgs::nav_msgs::Odometry;
use peregrine_msgs::sensor_msgs::{CameraInfo, Image};
use peregrine_msgs::tf2_msgs::TFMessage;
use peregrine_msgs::vision_msgs::{Detection2DArray, LabelInfo};
use peregrine_msgs::{Message, cdr};

/// Everything published: topic -> type and bytes.
type Heard = Mutex<BTreeMap<String, (String, Vec<Vec<u8>>)>>;

struct Listener;

impl Node for Listener {
    const NAME: &'static str = "listener";
    type Params = ();
    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        let heard: Arc<Heard> = setup.extension().unwrap();
        setup.subscribe_all(move |_, _, message| {
            let mut heard = heard.lock().unwrap();
            let entry = heard.entry(message.topic().to_owned()).or_default();
            entry.0 = message.type_name().to_owned();
            entry.1.push(message.cdr());
            Ok(())
        })?;
        Ok(Self)
    }
}

const CALIBRATION: &str = "image_width: 320\nimage_height: 240\ncamera_name: front\n\
    camera_matrix: {rows: 3, cols: 3, data: [250.0, 0.0, 160.0, 0.0, 251.0, 120.0, 0.0, 0.0, 1.0]}\n\
    distortion_model: plumb_bob\n\
    distortion_coefficients: {rows: 1, cols: 5, data: [0.1, -0.2, 0.0, 0.0, 0.0]}\n\
    rectification_matrix: {rows: 3, cols: 3, data: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]}\n\
    projection_matrix: {rows: 3, cols: 4, data: [250.0, 0.0, 160.0, 0.0, 0.0, 251.0, 120.0, 0.0, 0.0, 0.0, 1.0, 0.0]}\n";

/// A second and a half of the demo's front half.
fn flight() -> BTreeMap<String, (String, Vec<Vec<u8>>)> {
    let calibration = std::env::temp_dir().join(format!("peregrine-standard-{}.yaml", std::process::id()));
    std::fs::write(&calibration, CALIBRATION).unwrap();
    let heard = Arc::new(Heard::default());
    let mut app = App::new(Mode::Lockstep { threads: 2 });
    app.extend(heard.clone());
    let text = |text: &str| ParamValue::String(text.to_owned());
    let world = NodeSpec::new("drone_sim")
        .with_param("time_limit", ParamValue::Double(1.5))
        .with_param("camera.rate", ParamValue::Double(4.0))
        .with_param("camera.width", ParamValue::Integer(320))
        .with_param("camera.height", ParamValue::Integer(240))
        .with_param("depth.width", ParamValue::Integer(160))
        .with_param("depth.height", ParamValue::Integer(120));
    app.add(NodeFactory::of::<peregrine_sim::node::DroneSim>(), world).unwrap();
    let url = format!("file://{}", calibration.display());
    for (name, from, to, url) in
        [("camera", "sim/camera", "camera", url.as_str()), ("depth_camera", "sim/depth", "depth", "")]
    {
        let mut camera = NodeSpec::new("camera")
            .with_param("source", text("topic"))
            .with_param("camera_info_url", text(url));
        camera.name = Some(name.into());
        camera.remaps = vec![
            ("image_in".into(), format!("{from}/image")),
            ("camera_info_in".into(), format!("{from}/camera_info")),
            ("image_raw".into(), format!("{to}/image_raw")),
            ("camera_info".into(), format!("{to}/camera_info")),
        ];
        app.add(NodeFactory::of::<peregrine_camera::Camera>(), camera).unwrap();
    }
    let mut detector = NodeSpec::new("detector")
        .with_param("backend", text("tract"))
        .with_param("min_score", ParamValue::Double(0.05));
    detector = detector.with_param("model", text("nanodet_g_320_w8"));
    detector.remaps = vec![("image_raw".into(), "camera/image_raw".into())];
    app.add(NodeFactory::of::<peregrine_detector::DetectorNode>(), detector).unwrap();
    let tracker = ["high_score", "low_score", "new_score"];
    let tracker = tracker.into_iter().fold(NodeSpec::new("tracker"), |spec, name| {
        spec.with_param(name, ParamValue::Double(if name == "low_score" { 0.05 } else { 0.06 }))
    });
    let tracker = tracker.with_param("confirm_hits", ParamValue::Integer(1));
    app.add(NodeFactory::of::<peregrine_tracker::TrackerNode>(), tracker).unwrap();
    app.add(NodeFactory::of::<Listener>(), NodeSpec::new("listener")).unwrap();
    app.run().unwrap();
    std::fs::remove_file(&calibration).unwrap();
    std::mem::take(&mut *heard.lock().unwrap())
}

/// A rotation applied to a vector.
fn turn(q: &Quaternion, v: [f64; 3]) -> [f64; 3] {
    let q = nalgebra::UnitQuaternion::from_quaternion(nalgebra::Quaternion::new(q.w, q.x, q.y, q.z));
    let v = q * nalgebra::Vector3::from(v);
    [v.x, v.y, v.z]
}

fn near(a: [f64; 3], b: [f64; 3]) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6)
}

#[test]
fn names_headers_and_frames_are_those_of_ros_2() {
    let heard = flight();
    fn all<M: Message>(heard: &BTreeMap<String, (String, Vec<Vec<u8>>)>, topic: &str) -> Vec<M> {
        let (type_name, messages) =
            heard.get(topic).unwrap_or_else(|| panic!("nothing on {topic}: {:?}", heard.keys()));
        assert_eq!(type_name, M::TYPE_NAME, "{topic}");
        messages.iter().map(|bytes| cdr::from_slice(bytes).unwrap()).collect()
    }

    // Pictures and what they were taken with: one stamp, one frame, whose z looks along the optical axis.
    let images: Vec<Image> = all(&heard, "/camera/image_raw");
    let infos: Vec<CameraInfo> = all(&heard, "/camera/camera_info");
    assert!(images.len() >= 4, "{}", images.len());
    for image in &images {
        assert_eq!((image.header.frame_id.as_str(), image.encoding.as_str()), ("camera_optical", "rgb8"));
        assert_eq!(image.data.len(), (image.step * image.height) as usize);
        let info = infos
            .iter()
            .find(|info| info.header.stamp == image.header.stamp)
            .expect("a camera_info for each picture");
        assert_eq!(info.header.frame_id, "camera_optical");
        // From the calibration file, in the layout of camera_calibration_parsers.
        assert_eq!((info.k[0], info.k[4], info.p[0], info.d[1]), (250.0, 251.0, 250.0, -0.2));
        assert_eq!((info.width, info.height, info.distortion_model.as_str()), (320, 240, "plumb_bob"));
    }
    let depth: Vec<Image> = all(&heard, "/depth/image_raw");
    // REP-118: metres in 32FC1.
    assert!(depth.iter().all(|d| d.encoding == "32FC1" && d.header.frame_id == "depth_optical"));

    // Detections carry their picture's header, and so does each of them; classes are names that label_info lists.
    let detections: Vec<Detection2DArray> = all(&heard, "/detections");
    let labels: Vec<LabelInfo> = all(&heard, "/label_info");
    assert_eq!((labels.len(), labels[0].class_map.len(), labels[0].threshold), (1, 80, 0.05));
    assert_eq!(
        labels[0].class_map.iter().map(|c| usize::from(c.class_id)).collect::<Vec<_>>(),
        (0..80).collect::<Vec<_>>()
    );
    let names: BTreeSet<&str> = labels[0].class_map.iter().map(|class| class.class_name.as_str()).collect();
    assert!(!detections.is_empty() && detections.iter().any(|found| !found.detections.is_empty()));
    for found in &detections {
        let picture = images
            .iter()
            .find(|image| image.header.stamp == found.header.stamp)
            .expect("the picture's stamp");
        assert_eq!(found.header, picture.header);
        for one in &found.detections {
            assert_eq!(one.header, picture.header);
            assert!(names.contains(one.results[0].hypothesis.class_id.as_str()));
            assert!((0.05..=1.0).contains(&one.results[0].hypothesis.score));
        }
    }
    // What the tracker follows keeps its number.
    let tracks: Vec<Detection2DArray> = all(&heard, "/tracks_2d");
    let ids: Vec<BTreeSet<String>> =
        tracks.iter().map(|found| found.detections.iter().map(|one| one.id.clone()).collect()).collect();
    assert!(ids.iter().flatten().all(|id| !id.is_empty()));
    assert!(ids.windows(2).any(|pair| pair[0].intersection(&pair[1]).next().is_some()), "{ids:?}");

    // REP-105: odom -> base_link moves, cameras sit in base_link; REP-103: x of the body is z of a camera.
    let moving: Vec<TFMessage> = all(&heard, "/tf");
    let fixed: Vec<TFMessage> = all(&heard, "/tf_static");
    let pair = |t: &TransformStamped| (t.header.frame_id.clone(), t.child_frame_id.clone());
    assert!(
        moving.iter().flat_map(|m| &m.transforms).all(|t| pair(t) == ("odom".into(), "base_link".into()))
    );
    let fixed: BTreeMap<_, _> =
        fixed.iter().flat_map(|m| &m.transforms).map(|t| (pair(t), t.transform.clone())).collect();
    for frame in ["camera_optical", "depth_optical"] {
        let mount = &fixed[&("base_link".to_owned(), frame.to_owned())];
        assert!(
            near(turn(&mount.rotation, [0.0, 0.0, 1.0]), [1.0, 0.0, 0.0]),
            "{frame} looks along x of the body"
        );
        assert!(near(turn(&mount.rotation, [1.0, 0.0, 0.0]), [0.0, -1.0, 0.0]), "its x is the body's right");
        assert!(near(turn(&mount.rotation, [0.0, 1.0, 0.0]), [0.0, 0.0, -1.0]), "its y is down");
    }
    let odometry: Vec<Odometry> = all(&heard, "/odom");
    assert!(odometry.iter().all(|o| o.header.frame_id == "odom" && o.child_frame_id == "base_link"));

    let diagnostics: Vec<DiagnosticArray> = all(&heard, "/diagnostics");
    assert!(diagnostics.iter().flat_map(|d| &d.status).any(|status| status.name.starts_with("/detector")));
}
