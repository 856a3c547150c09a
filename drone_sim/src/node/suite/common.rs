//! The sensors that the parameter `sensors` knows by name: common parts as they are sold.

use std::f64::consts::FRAC_PI_2;

use nalgebra::Isometry3;

use crate::sensors::spec::{
    AirPressureSpec, AltimeterSpec, CameraSpec, LidarSpec, NavSatSpec, NoiseSpec, ScanAxis,
};
use crate::sensors::{SensorKind, SensorSpec};

/// Names that the parameter `sensors` knows.
pub const KNOWN: [&str; 11] = [
    "lidar",
    "navsat",
    "air_pressure",
    "magnetometer",
    "altimeter",
    "contact",
    "rgbd",
    "segmentation",
    "boundingbox",
    "range",
    "battery",
];

/// The specification behind a name, and the topic: absent for what SDF does not know as a sensor.
pub(super) fn common(name: &str) -> Option<(SensorSpec, &'static str)> {
    let mut spec = SensorSpec::new(name, SensorKind::Lidar(LidarSpec::default()));
    let axis = |samples, min_angle, max_angle| ScanAxis { samples, resolution: 1.0, min_angle, max_angle };
    spec.pose = Isometry3::translation(0.0, 0.0, 0.08);
    let topic = match name {
        "lidar" => {
            let turn = std::f64::consts::PI;
            spec.update_rate = 10.0;
            spec.kind = SensorKind::Lidar(LidarSpec {
                horizontal: axis(360, -turn, turn - turn / 180.0),
                vertical: axis(16, -0.26, 0.26),
                min_range: 0.1,
                max_range: 30.0,
                resolution: 0.0,
                noise: NoiseSpec::white(0.01),
            });
            "scan"
        }
        "navsat" => {
            spec.update_rate = 10.0;
            let (level, up) = (NoiseSpec::white(0.5), NoiseSpec::white(1.0));
            spec.kind = SensorKind::NavSat(NavSatSpec {
                horizontal_position: level,
                vertical_position: up,
                horizontal_velocity: NoiseSpec::white(0.1),
                vertical_velocity: NoiseSpec::white(0.1),
            });
            "navsat"
        }
        "air_pressure" => {
            spec.update_rate = 50.0;
            let pressure = NoiseSpec::white(3.0);
            spec.kind = SensorKind::AirPressure(AirPressureSpec { reference_altitude: 0.0, pressure });
            "air_pressure"
        }
        "magnetometer" => {
            spec.update_rate = 100.0;
            spec.kind = SensorKind::Magnetometer([NoiseSpec::white(4e-8); 3]);
            "magnetometer"
        }
        "altimeter" => {
            spec.update_rate = 50.0;
            let (vertical_position, vertical_velocity) = (NoiseSpec::white(0.05), NoiseSpec::white(0.05));
            spec.kind = SensorKind::Altimeter(AltimeterSpec { vertical_position, vertical_velocity });
            "altimeter"
        }
        "contact" => {
            spec.update_rate = 50.0;
            spec.pose = Isometry3::identity();
            spec.kind = SensorKind::Contact { collision: "body".into() };
            "contact"
        }
        "rgbd" | "segmentation" | "boundingbox" => {
            spec.update_rate = 10.0;
            spec.pose = Isometry3::translation(0.12, 0.0, 0.03);
            let camera = CameraSpec { hfov: 1.2, near: 0.1, far: 20.0, ..CameraSpec::default() };
            let farther = CameraSpec { far: 100.0, ..camera.clone() };
            let topic;
            (spec.kind, topic) = match name {
                "rgbd" => (SensorKind::Rgbd(camera), "rgbd"),
                "segmentation" => (SensorKind::Segmentation(farther), "segmentation"),
                _ => (SensorKind::BoundingBox(farther), "boundingbox"),
            };
            topic
        }
        _ => return None,
    };
    Some((spec, topic))
}

/// One beam downwards.
pub(super) fn range() -> LidarSpec {
    let one = |angle| ScanAxis { samples: 1, resolution: 1.0, min_angle: angle, max_angle: angle };
    LidarSpec {
        horizontal: one(0.0),
        vertical: one(-FRAC_PI_2),
        min_range: 0.05,
        max_range: 15.0,
        noise: NoiseSpec::white(0.01),
        ..LidarSpec::default()
    }
}
