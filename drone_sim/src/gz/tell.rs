//! Sensors' messages as Gazebo's own: with what ROS's types have no room for, and under the names that Gazebo gives sensors.
//!
//! ROS has one row of a lidar and neither its place nor a receiver's velocity; its frames are `MODEL/LINK/SENSOR`, Gazebo's
//! `MODEL::LINK::SENSOR`. So these messages are made where the reading is, not out of the ROS message.

use std::collections::BTreeMap;

use nalgebra::Isometry3;
use peregrine::Time;
use peregrine_gz::convert::Convert;
use peregrine_gz::msgs::Wire;
use peregrine_gz::msgs::core::{Header, header};
use peregrine_gz::msgs::geometry::{Pose, Quaternion, Vector3d};
use peregrine_gz::msgs::sensing::{Imu, LaserScan, NavSat};
use peregrine_msgs::sensor_msgs;

use crate::sensors::{Lidar, NavSatReading};

/// What Gazebo calls a sensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    /// `MODEL::LINK::SENSOR`.
    pub name: String,
    /// The frame of its messages: `<gz_frame_id>`, else the name.
    pub frame: String,
}

fn header(now: Time, frame: &str) -> Option<Header> {
    let frame = header::Map { key: "frame_id".into(), value: vec![frame.to_string()] };
    Some(Header { data: vec![frame], ..super::header(now.0) })
}

/// All rows of a lidar. `place` is the sensor in its link, which Gazebo sends under the name of `world_pose`: PX4 tells by it which way
/// a range finder looks.
pub fn scan(now: Time, called: &Called, lidar: &Lidar, place: &Isometry3<f64>) -> LaserScan {
    let (spec, h, v) = (lidar.spec(), &lidar.spec().horizontal, &lidar.spec().vertical);
    let (p, q) = (&place.translation, place.rotation.quaternion());
    let count = (h.count() * v.count()).min(lidar.readings().len());
    LaserScan {
        // The viewer of Gazebo finds the sensor by the header, clients go by `frame`.
        header: header(now, &called.name),
        frame: called.frame.clone(),
        world_pose: Some(Pose {
            position: Some(Vector3d { header: None, x: p.x, y: p.y, z: p.z }),
            orientation: Some(Quaternion { header: None, x: q.i, y: q.j, z: q.k, w: q.w }),
            ..Pose::default()
        }),
        angle_min: h.min_angle,
        angle_max: h.max_angle,
        angle_step: h.step(),
        range_min: spec.min_range,
        range_max: spec.max_range,
        count: h.count() as u32,
        vertical_angle_min: v.min_angle,
        vertical_angle_max: v.max_angle,
        vertical_angle_step: v.step(),
        vertical_count: v.count() as u32,
        ranges: lidar.readings()[..count].iter().map(|r| f64::from(*r)).collect(),
        intensities: lidar.intensities().iter().take(count).map(|i| f64::from(*i)).collect(),
    }
}

/// Place and velocity, m/s, east north up.
pub fn navsat(now: Time, called: &Called, reading: &NavSatReading) -> NavSat {
    NavSat {
        header: header(now, &called.frame),
        latitude_deg: reading.latitude_deg,
        longitude_deg: reading.longitude_deg,
        altitude: reading.altitude,
        velocity_east: reading.velocity.x,
        velocity_north: reading.velocity.y,
        velocity_up: reading.velocity.z,
        frame_id: called.frame.clone(),
    }
}

/// A reading of an IMU, which Gazebo also gives the sensor's name.
pub fn imu(now: Time, called: &Called, message: &sensor_msgs::Imu) -> Imu {
    Imu { header: header(now, &called.frame), entity_name: called.name.clone(), ..message.to_gz() }
}

/// Gives the header that an encoded message begins with Gazebo's name of its frame, if `frames` (ROS's name to Gazebo's) has one. What
/// has no such header stays as it is.
pub(super) fn rename(payload: &mut Vec<u8>, frames: &BTreeMap<String, String>) {
    /// Field 1, length-delimited: where each of Gazebo's messages has its header.
    const HEADER: u8 = 0x0a;
    if frames.is_empty() || payload.first() != Some(&HEADER) {
        return;
    }
    let Some((length, digits)) = varint(&payload[1..]) else { return };
    let begin = 1 + digits;
    let Some(end) = begin.checked_add(length).filter(|end| *end <= payload.len()) else { return };
    let Ok(mut header) = Header::decode(&payload[begin..end]) else { return };
    let mut changed = false;
    for entry in header.data.iter_mut().filter(|d| d.key == "frame_id" || d.key == "child_frame_id") {
        for value in &mut entry.value {
            if let Some(name) = frames.get(value.as_str()) {
                value.clone_from(name);
                changed = true;
            }
        }
    }
    if changed {
        let body = header.encode_length_delimited_to_vec();
        payload.splice(..end, std::iter::once(HEADER).chain(body));
    }
}

/// A number as protobuf writes it, and its bytes.
fn varint(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0_usize;
    for (i, byte) in bytes.iter().take(5).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Some((value, i + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use nalgebra::Vector3;
    use peregrine_gz::msgs::sensing::Image;

    use super::*;
    use crate::sensors::spec::{LidarSpec, ScanAxis};

    fn called() -> Called {
        Called { name: "x3::base::eye".into(), frame: "x3::base::eye".into() }
    }

    fn frame(header: Option<&Header>) -> String {
        header.and_then(|h| h.data.first()).map(|d| d.value[0].clone()).unwrap_or_default()
    }

    #[test]
    fn a_scan_has_all_rows_and_the_place_in_the_link() {
        let axis =
            |samples, min_angle, max_angle| ScanAxis { samples, resolution: 1.0, min_angle, max_angle };
        let spec = LidarSpec {
            horizontal: axis(4, -1.0, 0.5),
            vertical: axis(16, -0.3, 0.3),
            ..LidarSpec::default()
        };
        let lidar = Lidar::new(&spec, 1, 1);
        let down = Isometry3::new(Vector3::new(0.0, 0.0, -0.05), Vector3::x() * std::f64::consts::PI);
        let scan = scan(Time(1_500_000_000), &called(), &lidar, &down);
        assert_eq!(
            (scan.count, scan.vertical_count, scan.ranges.len(), scan.intensities.len()),
            (4, 16, 64, 64)
        );
        assert!((scan.angle_step - 0.5).abs() < 1e-12 && (scan.vertical_angle_step - 0.04).abs() < 1e-12);
        assert_eq!((scan.vertical_angle_min, scan.vertical_angle_max), (-0.3, 0.3));
        let pose = scan.world_pose.as_ref().unwrap();
        let q = pose.orientation.as_ref().unwrap();
        // What PX4 takes for "looks down": (w, x, y, z) = (0, 1, 0, 0).
        assert!(q.w.abs() < 1e-12 && (q.x.abs() - 1.0).abs() < 1e-12, "{q:?}");
        assert_eq!(pose.position.as_ref().unwrap().z, -0.05);
        assert_eq!(
            (scan.frame.as_str(), frame(scan.header.as_ref()).as_str()),
            ("x3::base::eye", "x3::base::eye")
        );
        assert_eq!(scan.header.unwrap().stamp.unwrap().nsec, 500_000_000);
    }

    #[test]
    fn a_receiver_tells_its_velocity() {
        let velocity = Vector3::new(1.0, 2.0, -3.0);
        let reading = NavSatReading { latitude_deg: 47.0, longitude_deg: 8.0, altitude: 488.0, velocity };
        let told = navsat(Time(0), &called(), &reading);
        assert_eq!((told.velocity_east, told.velocity_north, told.velocity_up), (1.0, 2.0, -3.0));
        assert_eq!(told.frame_id, "x3::base::eye");
    }

    #[test]
    fn frames_of_whatever_is_carried_become_gazebos() {
        let frames = BTreeMap::from([("x3/base/eye".to_string(), "x3::base::eye".to_string())]);
        let of = |frame: &str| {
            let header = header::Map { key: "frame_id".into(), value: vec![frame.to_string()] };
            let header = Header { stamp: None, data: vec![header] };
            // Long enough for a length of several bytes.
            Image { header: Some(header), width: 3, data: vec![7; 100_000], ..Image::default() }
        };
        let mut payload = of("x3/base/eye").encode_to_vec();
        rename(&mut payload, &frames);
        assert_eq!(Image::decode(payload.as_slice()).unwrap(), of("x3::base::eye"));
        // Another's frame, and what is no message at all, stay as they are.
        for mut payload in
            [of("odom").encode_to_vec(), vec![0x0a], vec![0x0a, 0xff, 0xff, 0xff, 0xff, 0x7f], Vec::new()]
        {
            let before = payload.clone();
            rename(&mut payload, &frames);
            assert_eq!(payload, before);
        }
    }
}
