//! Lidars and depth cameras.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

use nalgebra::{Isometry3, Vector3};
use peregrine_render::Renderer;
use peregrine_sim::sensors::noise::stream;
use peregrine_sim::sensors::spec::CameraSpec;
use peregrine_sim::sensors::{DepthEye, Lidar, Mount, SensorKind};

use super::{run, world};

fn boxed(name: &str, at: [f64; 3], inside: &str) -> String {
    let geometry = "<geometry><box><size>1 1 1</size></box></geometry>";
    format!(
        "<model name='{name}'><static>1</static><pose>{} {} {} 0 0 0</pose><link name='l'><collision name='c'>{geometry}</collision>
         <visual name='v'>{geometry}{inside}</visual></link></model>",
        at[0], at[1], at[2]
    )
}

/// A model that carries a lidar, as those tests write it.
fn lidar(pose: &str, horizontal: (u32, f64), vertical: (u32, f64), range: (f64, f64)) -> String {
    let axis = |(samples, half): (u32, f64)| {
        format!(
            "<samples>{samples}</samples><resolution>1</resolution><min_angle>-{half}</min_angle><max_angle>{half}</max_angle>"
        )
    };
    format!(
        "<model name='m1'><static>1</static><link name='link1'><sensor name='s' type='gpu_lidar'><pose>{pose}</pose>
         <topic>lidar</topic><update_rate>30</update_rate><ray><scan><horizontal>{}</horizontal><vertical>{}</vertical></scan>
         <range><min>{}</min><max>{}</max><resolution>0.01</resolution></range></ray><always_on>1</always_on></sensor></link>
         </model>",
        axis(horizontal),
        axis(vertical),
        range.0,
        range.1
    )
}

/// The ranges that the lidar of a world shows.
fn scan(inside: &str) -> Vec<f32> {
    let world = world(inside);
    let model = world.sdf.as_ref().unwrap().models.iter().find(|m| m.name == "m1").unwrap();
    let (link, sensor) = (&model.links[0], &model.links[0].sensors[0]);
    let SensorKind::Lidar(spec) = &sensor.kind else { panic!("{sensor:?}") };
    Lidar::new(spec, 1, 1).scan(&world.solids, &(link.pose * sensor.pose), 0).to_vec()
}

fn near(a: f32, b: f64, tolerance: f64) -> bool {
    (f64::from(a) - b).abs() < tolerance
}

/// gz-sim gpu_lidar.cc, GpuLidarBox: 0.45 m to a box, and nothing at both ends.
#[test]
fn gpu_lidar_box() {
    let sensor = lidar("0.05 0 0.5 0 0 0", (640, 1.396263), (1, 0.0), (0.08, 10.0));
    let ranges = scan(&(sensor + &boxed("b", [1.0, 0.0, 0.5], "")));
    assert_eq!(ranges.len(), 640);
    assert!(near(ranges[320], 0.45, 1e-4), "{}", ranges[320]);
    assert!(ranges[0] == f32::INFINITY && ranges[639] == f32::INFINITY);
}

/// gz-sensors gpu_lidar_sensor.cc, CreateGpuLidar, TestThreeBoxes and the second half of VerticalLidar: +inf wherever nothing is in
/// range; 2.5 m ahead, 4.5 m to the right, and nothing to the left, where a box is out of range; a sensor that lies on its side
/// sees what is ahead alone.
#[test]
fn gpu_lidar_three_boxes() {
    let level = lidar("0 0 0.1 0 0 0", (320, FRAC_PI_2), (1, 0.0), (0.1, 10.0));
    let rolled = lidar("0 0 0.1 1.5707963267948966 0 0", (320, FRAC_PI_2), (1, 0.0), (0.1, 10.0));
    let boxes = boxed("a", [3.0, 0.0, 0.5], "")
        + &boxed("b", [0.0, -5.0, 0.5], "")
        + &boxed("c", [0.0, 11.0, 0.5], "");
    let first = scan(&format!("{level}{boxes}"));
    assert!(near(first[0], 4.5, 1.1e-4) && near(first[160], 2.5, 1e-4), "{} {}", first[0], first[160]);
    assert_eq!(first[319], f32::INFINITY);
    let second = scan(&format!("{rolled}{boxes}"));
    assert!(near(second[160], 2.5, 1e-4), "{}", second[160]);
    assert!(second[0] == f32::INFINITY && second[319] == f32::INFINITY);
    let far = boxed("a", [11.0, 0.0, 0.0], "") + &boxed("b", [0.0, -11.0, 0.0], "");
    for sensor in [&level, &rolled] {
        assert!(scan(&format!("{sensor}{far}")).iter().all(|r| *r == f32::INFINITY));
        assert!(scan(sensor).iter().all(|r| *r == f32::INFINITY));
    }
}

/// gz-sensors gpu_lidar_sensor.cc, VerticalLidar: each of four planes meets the box at d / cos(elevation), within 1 mm.
#[test]
fn gpu_lidar_vertical() {
    let sensor = lidar("0.25 0 0.5 0 0 0", (640, FRAC_PI_2), (4, FRAC_PI_4), (0.08, 10.0));
    let ranges = scan(&(sensor + &boxed("b", [1.0, 0.0, 0.5], "")));
    for row in 0..4 {
        let elevation = -FRAC_PI_4 + FRAC_PI_2 / 3.0 * row as f64;
        let (first, middle) = (row * 640, row * 640 + 320);
        assert!(near(ranges[middle], 0.25 / elevation.cos(), 1e-3), "{row}: {}", ranges[middle]);
        assert!(ranges[first] == f32::INFINITY && ranges[first + 639] == f32::INFINITY, "{row}");
    }
}

/// gz-sensors gpu_lidar_sensor.cc, DetectBox: the messages, and 123 back from a box with that `laser_retro`.
#[test]
fn gpu_lidar_detect_box_messages() {
    let sensor = lidar("0 0 0.1 0 0 0", (320, FRAC_PI_2), (1, 0.0), (0.08, 10.0));
    let shiny = boxed("b", [1.0, 0.0, 0.5], "<laser_retro>123</laser_retro>");
    let heard = run(&format!("{sensor}{shiny}"), 0.2, &[]);
    let scan = heard.scan.unwrap();
    assert!(near(scan.ranges[160], 0.5, 1e-4) && near(scan.intensities[160], 123.0, 1e-1), "{scan:?}");
    assert!(scan.ranges[0] == f32::INFINITY && scan.intensities[0] == 0.0);
    assert_eq!(scan.ranges.len(), 320);
    for (found, expected) in [
        (scan.angle_min, -FRAC_PI_2),
        (scan.angle_max, FRAC_PI_2),
        (scan.angle_increment, PI / 320.0),
        (scan.range_min, 0.08),
        (scan.range_max, 10.0),
    ] {
        assert!(near(found, expected, 1e-4), "{found} {expected}");
    }
    let points = heard.points.unwrap();
    let names: Vec<&str> = points.fields.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["x", "y", "z", "intensity", "ring"]);
    assert_eq!((points.height, points.width, points.point_step), (1, 320, 32));
    assert_eq!((points.row_step, points.data.len()), (32 * 320, 32 * 320));
    assert!(!points.is_bigendian && !points.is_dense);
    let at = |k: usize| f32::from_le_bytes(points.data[160 * 32 + k..160 * 32 + k + 4].try_into().unwrap());
    assert!(near(at(0), 0.5, 1e-4) && near(at(16), 123.0, 1e-1), "{} {}", at(0), at(16));
}

/// The depths that a camera of `spec` at the origin sees of a box at that distance.
fn depths(spec: &CameraSpec, at: f64) -> Vec<f32> {
    let world = world(&boxed("b", [at, 0.0, 0.0], ""));
    let eye = DepthEye::new(spec, stream(1, 1, 1)).unwrap();
    let mut metres = vec![0.0; (spec.width * spec.height) as usize];
    let mount = Mount { position: Vector3::zeros(), pitch: 0.0 };
    let optical = mount.optical_in_world(&Isometry3::identity());
    eye.fill(&mut Renderer::new(1).unwrap(), &world.scene, &optical, 0, &mut metres).unwrap();
    metres
}

/// gz-sim depth_camera.cc, DepthCameraBox, and gz-sensors depth_camera.cc, ImagesWithBuiltinSDF: distance to a box within 1e-4 m in
/// the middle, +inf beside it; -inf nearer than the near plane and +inf beyond the far one; a box that fills the picture has one
/// depth, within 1e-6.
#[test]
fn depth_camera_box() {
    let spec =
        CameraSpec { width: 256, height: 256, hfov: 1.05, near: 0.1, far: 10.0, ..CameraSpec::default() };
    let (middle, left, right) = (128 * 256 + 127, 128 * 256, 128 * 256 + 255);
    for (at, expected) in [(2.95, 2.45), (3.0, 2.5)] {
        let seen = depths(&spec, at);
        assert!(near(seen[middle], expected, 1e-4), "{at}: {}", seen[middle]);
        assert!(seen[left] == f32::INFINITY && seen[right] == f32::INFINITY, "{at}");
    }
    assert_eq!(depths(&spec, 0.5 + 0.1 * 0.5)[middle], f32::NEG_INFINITY);
    assert_eq!(depths(&spec, 0.5 + 10.0 * 1.5)[middle], f32::INFINITY);
    let full = depths(&spec, 0.5 + 0.2);
    assert!(full.iter().all(|z| near(*z, 0.2, 1e-6)), "{:?}", full.iter().find(|z| !near(**z, 0.2, 1e-6)));
}
