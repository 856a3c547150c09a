//! Between MAVLink and ROS messages, but for axes: those are [`crate::algo`]'s.

use mavlink::dialects::common::MavMessage;
use nalgebra::Vector3;
use peregrine_msgs::geometry_msgs::{
    Point, Pose, PoseWithCovariance, Quaternion, Twist, TwistWithCovariance, Vector3 as Vector3Msg,
};
use peregrine_msgs::nav_msgs;
use peregrine_msgs::sensor_msgs::{BatteryState, LaserScan};
use peregrine_msgs::std_msgs::Header;

use crate::algo::axes::Covariance;
use crate::algo::battery::{Battery, battery};
use crate::algo::obstacles::Scan;
use crate::algo::odometry::{Odometry, from_mavlink, ros_covariance};
use crate::error::AutopilotError;

/// A scan as the seams to autopilots read it, turned by `yaw` (rad, from base_link to the scanner).
pub fn read_scan(m: &LaserScan, yaw: f32) -> Scan<'_> {
    Scan {
        angle_min: m.angle_min + yaw,
        angle_increment: m.angle_increment,
        range_min: m.range_min,
        range_max: m.range_max,
        ranges: &m.ranges,
    }
}

/// What is wrong with a scan that cannot be told.
pub fn bad_scan(m: &LaserScan) -> AutopilotError {
    let detail = format!(
        "angle_min {}, angle_increment {}, range_min {}, range_max {}",
        m.angle_min, m.angle_increment, m.range_min, m.range_max
    );
    AutopilotError::Sensor { what: "LaserScan", topic: "scan", detail }
}

pub fn read_odometry(m: &nav_msgs::Odometry) -> Option<Odometry> {
    let (p, q) = (&m.pose.pose.position, &m.pose.pose.orientation);
    let (v, r) = (&m.twist.twist.linear, &m.twist.twist.angular);
    let read = Odometry::checked([p.x, p.y, p.z], [q.x, q.y, q.z, q.w], [v.x, v.y, v.z], [r.x, r.y, r.z])?;
    Some(Odometry {
        pose_covariance: ros_covariance(&m.pose.covariance),
        twist_covariance: ros_covariance(&m.twist.covariance),
        ..read
    })
}

pub fn odometry(header: Header, o: &Odometry) -> nav_msgs::Odometry {
    let vector = |v: &Vector3<f64>| Vector3Msg { x: v.x, y: v.y, z: v.z };
    let q = &o.attitude;
    let pose = Pose {
        position: Point { x: o.position.x, y: o.position.y, z: o.position.z },
        orientation: Quaternion { x: q.i, y: q.j, z: q.k, w: q.w },
    };
    nav_msgs::Odometry {
        header,
        child_frame_id: "base_link".into(),
        pose: PoseWithCovariance { pose, covariance: numbers(o.pose_covariance) },
        twist: TwistWithCovariance {
            twist: Twist { linear: vector(&o.velocity), angular: vector(&o.rate) },
            covariance: numbers(o.twist_covariance),
        },
    }
}

/// Row by row; all zero is ROS's "not known".
fn numbers(covariance: Option<Covariance>) -> [f64; 36] {
    let mut told = [0.0; 36];
    if let Some(c) = covariance {
        for (n, slot) in told.iter_mut().enumerate() {
            *slot = c[(n / 6, n % 6)];
        }
    }
    told
}

pub fn battery_state(header: Header, b: &Battery) -> BatteryState {
    BatteryState {
        header,
        voltage: b.voltage,
        temperature: f32::NAN,
        current: b.current,
        charge: f32::NAN,
        capacity: f32::NAN,
        design_capacity: f32::NAN,
        percentage: b.percentage,
        power_supply_status: BatteryState::POWER_SUPPLY_STATUS_DISCHARGING,
        present: true,
        ..Default::default()
    }
}

/// For fuzzing: what the node does with a message, without the node.
pub fn probe(message: &MavMessage) {
    match message {
        MavMessage::ODOMETRY(m) => {
            if let Some((o, _)) = from_mavlink(m) {
                let told = odometry(Header::default(), &o);
                assert!(read_odometry(&told).is_some(), "odometry that we tell and do not take: {o:?}");
            }
        }
        MavMessage::SYS_STATUS(m) => {
            if let Some(b) = battery(m) {
                let _ = battery_state(Header::default(), &b);
            }
        }
        _ => {}
    }
}
