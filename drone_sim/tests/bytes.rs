//! What the sensors see of one place, byte for byte: the same with every number of threads, on every run, and in release as in the dev profile.
//!
//! CI runs this in the dev profile; `cargo test --release -p peregrine-sim --test bytes` tells about release. A change to the
//! renderer or to a sensor that is meant changes the table: the failure prints the new lines. The mathematical functions are the
//! C library's, which picks its variant by processor: the table is that of processors with FMA.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use nalgebra::{UnitQuaternion, Vector3};
use peregrine_render::Renderer;
use peregrine_sim::physics::State;
use peregrine_sim::scenario::{ForestSpec, World, build};
use peregrine_sim::sensors::noise::stream;
use peregrine_sim::sensors::spec::{
    AirPressureSpec, CameraSpec, Distortion, LidarSpec, NoiseSpec, PixelFormat, ScanAxis,
};
use peregrine_sim::sensors::{
    AirPressure, ColorCamera, DepthEye, LabelEye, Lidar, Magnetometer, Mount, Odometry,
};

const WIDTH: usize = 96;
const HEIGHT: usize = 72;
const SEED: u64 = 1;

/// FNV-1a, 64 bits.
const TABLE: [(&str, u64); 14] = [
    ("colour", 0xcf48_48b5_b56b_74d4),
    ("smooth edges", 0xa1af_d891_2333_302a),
    ("lens", 0xeda4_3c95_ab2d_a07f),
    ("motion blur", 0xea22_24fc_a4ba_5355),
    ("rolling shutter", 0xddd5_4118_4f8f_f19f),
    ("noise", 0x8ddb_b9a9_85e7_c355),
    ("grey", 0x7aa3_3272_14a3_6462),
    ("depth", 0x1138_a129_3cbc_fc93),
    ("depth with noise", 0x4fea_fcd5_6236_1670),
    ("labels", 0xaf63_3231_8a89_e229),
    ("boxes", 0x8f17_3513_7904_3adb),
    ("lidar", 0x622e_ad5f_e9e7_eb9a),
    ("air pressure", 0x44c1_db65_df5a_15d0),
    ("magnetometer", 0x5ea7_be1d_3239_9c7a),
];

fn hash(bytes: impl IntoIterator<Item = u8>) -> u64 {
    bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

fn place(world: &World) -> Odometry {
    let thing = world.things.iter().find(|t| t.label == "car").map(|t| t.pose.translation.vector);
    let at = thing.map_or(world.start, |p| (p + Vector3::new(-6.0, 0.5, 2.0)).into());
    Odometry::still(State::at(at, 0.0, 0.0).pose())
}

fn seen(threads: usize) -> Vec<(&'static str, u64)> {
    let world = build("forest", &ForestSpec { seed: SEED, ..ForestSpec::default() }).unwrap();
    let mut renderer = Renderer::new(threads).unwrap();
    let body = place(&world);
    let moving =
        Odometry { velocity: Vector3::new(8.0, 0.0, 0.0), rates: Vector3::new(0.0, 0.0, 1.5), ..body };
    let plain = CameraSpec {
        width: WIDTH as u32,
        height: HEIGHT as u32,
        hfov: 1.2,
        far: 30.0,
        ..CameraSpec::default()
    };
    let wide = Distortion { k: [-0.25, 0.06, 0.0], p: [0.0; 2] };
    let mut out = Vec::new();
    for (name, spec, at, smooth) in [
        ("colour", plain.clone(), &body, false),
        ("smooth edges", plain.clone(), &body, true),
        ("lens", CameraSpec { distortion: wide, hfov: 1.7, ..plain.clone() }, &body, false),
        ("motion blur", CameraSpec { exposure: 0.06, ..plain.clone() }, &moving, false),
        ("rolling shutter", CameraSpec { readout: 0.1, ..plain.clone() }, &moving, false),
        ("noise", CameraSpec { noise: NoiseSpec::white(0.08), ..plain.clone() }, &body, false),
        ("grey", CameraSpec { format: PixelFormat::L8, ..plain.clone() }, &body, false),
    ] {
        let mut settings = renderer.settings();
        settings.antialias = smooth;
        renderer.set_settings(settings).unwrap();
        let mut camera = ColorCamera::with_optics(&spec, Mount::default(), stream(SEED, 1, 0)).unwrap();
        let mut pixels = vec![0; WIDTH * HEIGHT * spec.format.bytes()];
        camera.shoot(&mut renderer, &world.scene, at, 0, &mut pixels, false).unwrap();
        out.push((name, hash(pixels)));
    }
    let optical = Mount::default().optical_in_world(&body.pose);
    for (name, noise) in [("depth", 0.0), ("depth with noise", 0.01)] {
        let spec = CameraSpec { noise: NoiseSpec::white(noise), ..plain.clone() };
        let eye = DepthEye::new(&spec, stream(SEED, 1, 1)).unwrap();
        let mut metres = vec![0.0; WIDTH * HEIGHT];
        eye.fill(&mut renderer, &world.scene, &optical, 0, &mut metres).unwrap();
        out.push((name, hash(metres.iter().flat_map(|z| z.to_bits().to_le_bytes()))));
    }
    let mut eye = LabelEye::new(&plain).unwrap();
    eye.look(&mut renderer, &world.scene, &optical).unwrap();
    let mut labels = vec![0; WIDTH * HEIGHT * 3];
    eye.labels(&mut labels);
    out.push(("labels", hash(labels.iter().copied())));
    let mut boxes = Vec::new();
    eye.boxes(&world.scene, &optical, &mut boxes).unwrap();
    out.push(("boxes", hash(boxes.iter().flat_map(|b| b.area).flat_map(|x| x.to_bits().to_le_bytes()))));
    let turn = std::f64::consts::PI;
    let axis = |samples, min_angle, max_angle| ScanAxis { samples, resolution: 1.0, min_angle, max_angle };
    let spec = LidarSpec {
        horizontal: axis(360, -turn, turn),
        vertical: axis(8, -0.3, 0.3),
        max_range: 30.0,
        noise: NoiseSpec::white(0.01),
        ..LidarSpec::default()
    };
    let mut lidar = Lidar::new(&spec, SEED, 1);
    let ranges = lidar.scan(&world.solids, &body.pose, 0);
    out.push(("lidar", hash(ranges.iter().flat_map(|r| r.to_bits().to_le_bytes()))));
    let noise =
        NoiseSpec { dynamic_bias_stddev: 0.1, dynamic_bias_correlation_time: 3.0, ..NoiseSpec::white(2.0) };
    let mut air =
        AirPressure::new(&AirPressureSpec { pressure: noise, ..AirPressureSpec::default() }, SEED, 2);
    let read =
        (0..100).flat_map(|k| air.read(f64::from(k) * 3.7, i64::from(k), 0.02).to_bits().to_le_bytes());
    out.push(("air pressure", hash(read)));
    let mut compass =
        Magnetometer::new(&[NoiseSpec::white(1e-6); 3], Vector3::new(5e-6, 2e-5, -4e-5), SEED, 3);
    let read = (0..100_i32).flat_map(|k| {
        let attitude = UnitQuaternion::from_euler_angles(0.01 * f64::from(k), 0.3, 0.1 * f64::from(k));
        compass
            .read(&attitude, i64::from(k), 0.01)
            .iter()
            .flat_map(|x| x.to_bits().to_le_bytes())
            .collect::<Vec<_>>()
    });
    out.push(("magnetometer", hash(read)));
    out
}

fn has_fma() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("fma");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

#[test]
fn the_sensors_give_the_stored_bytes() {
    let one = seen(1);
    assert_eq!(one, seen(3), "with one thread and with three");
    if !has_fma() {
        println!(
            "SKIP the_sensors_give_the_stored_bytes: hardware: the stored bytes are those of a processor with FMA"
        );
        return;
    }
    let parts = |h: u64| [48, 32, 16, 0].map(|shift| format!("{:04x}", (h >> shift) & 0xffff)).join("_");
    let table: String = one.iter().map(|(name, h)| format!("    (\"{name}\", 0x{}),\n", parts(*h))).collect();
    assert!(one == TABLE, "the table of this build is\n{table}");
}
