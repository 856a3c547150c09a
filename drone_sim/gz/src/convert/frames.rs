//! Headers, poses, twists.

use peregrine_msgs::builtin_interfaces::Time as RosTime;
use peregrine_msgs::geometry_msgs as ros;
use peregrine_msgs::nav_msgs;
use peregrine_msgs::std_msgs::Header as RosHeader;
use peregrine_msgs::tf2_msgs::TFMessage;

use super::Convert;
use crate::msgs::core::{FloatV, Header, Time, header};
use crate::msgs::geometry as gz;

/// The header's entry of that key.
pub(super) fn entry(h: Option<&Header>, key: &str) -> String {
    let found = h.and_then(|h| h.data.iter().find(|d| d.key == key)).and_then(|d| d.value.first());
    found.map(|v| v.replace("::", "/")).unwrap_or_default()
}

/// A header with a frame, and a child frame where there is one.
pub(super) fn with_child(h: &RosHeader, child: &str) -> Option<Header> {
    let mut out = h.to_gz();
    if !child.is_empty() {
        out.data.push(header::Map { key: "child_frame_id".into(), value: vec![child.to_string()] });
    }
    Some(out)
}

pub(super) fn stamped(h: &RosHeader) -> Option<Header> {
    Some(h.to_gz())
}

pub(super) fn from<R: Convert<G>, G: crate::msgs::GzMessage>(gz: Option<&G>) -> R {
    gz.map_or_else(|| R::from_gz(&G::default()), R::from_gz)
}

impl Convert<Time> for RosTime {
    fn to_gz(&self) -> Time {
        Time { sec: self.sec.into(), nsec: self.nanosec as i32 }
    }
    fn from_gz(gz: &Time) -> Self {
        let sec = gz.sec.clamp(i32::MIN.into(), i32::MAX.into()) as i32;
        Self { sec, nanosec: gz.nsec.clamp(0, 999_999_999) as u32 }
    }
}

impl Convert<Header> for RosHeader {
    fn to_gz(&self) -> Header {
        let frame = header::Map { key: "frame_id".into(), value: vec![self.frame_id.clone()] };
        Header { stamp: Some(self.stamp.to_gz()), data: vec![frame] }
    }
    fn from_gz(gz: &Header) -> Self {
        Self { stamp: from(gz.stamp.as_ref()), frame_id: entry(Some(gz), "frame_id") }
    }
}

impl Convert<gz::Vector3d> for ros::Vector3 {
    fn to_gz(&self) -> gz::Vector3d {
        gz::Vector3d { header: None, x: self.x, y: self.y, z: self.z }
    }
    fn from_gz(gz: &gz::Vector3d) -> Self {
        Self { x: gz.x, y: gz.y, z: gz.z }
    }
}

impl Convert<gz::Vector3d> for ros::Point {
    fn to_gz(&self) -> gz::Vector3d {
        gz::Vector3d { header: None, x: self.x, y: self.y, z: self.z }
    }
    fn from_gz(gz: &gz::Vector3d) -> Self {
        Self { x: gz.x, y: gz.y, z: gz.z }
    }
}

impl Convert<gz::Quaternion> for ros::Quaternion {
    fn to_gz(&self) -> gz::Quaternion {
        gz::Quaternion { header: None, x: self.x, y: self.y, z: self.z, w: self.w }
    }
    fn from_gz(gz: &gz::Quaternion) -> Self {
        Self { x: gz.x, y: gz.y, z: gz.z, w: gz.w }
    }
}

impl Convert<gz::Pose> for ros::Pose {
    fn to_gz(&self) -> gz::Pose {
        let (position, orientation) = (Some(self.position.to_gz()), Some(self.orientation.to_gz()));
        gz::Pose { position, orientation, ..Default::default() }
    }
    fn from_gz(gz: &gz::Pose) -> Self {
        // A pose without an orientation is not turned.
        let upright = ros::Quaternion { x: 0.0, y: 0.0, z: 0.0, w: 1.0 };
        let orientation = gz.orientation.as_ref().map_or(upright, Convert::from_gz);
        Self { position: from(gz.position.as_ref()), orientation }
    }
}

impl Convert<gz::Pose> for ros::PoseStamped {
    fn to_gz(&self) -> gz::Pose {
        gz::Pose { header: stamped(&self.header), ..self.pose.to_gz() }
    }
    fn from_gz(gz: &gz::Pose) -> Self {
        Self { header: from(gz.header.as_ref()), pose: Convert::from_gz(gz) }
    }
}

impl Convert<gz::Pose> for ros::Transform {
    fn to_gz(&self) -> gz::Pose {
        let (position, orientation) = (Some(self.translation.to_gz()), Some(self.rotation.to_gz()));
        gz::Pose { position, orientation, ..Default::default() }
    }
    fn from_gz(gz: &gz::Pose) -> Self {
        let pose = ros::Pose::from_gz(gz);
        let p = pose.position;
        Self { translation: ros::Vector3 { x: p.x, y: p.y, z: p.z }, rotation: pose.orientation }
    }
}

impl Convert<gz::Pose> for ros::TransformStamped {
    fn to_gz(&self) -> gz::Pose {
        let header = with_child(&self.header, &self.child_frame_id);
        gz::Pose { header, name: self.child_frame_id.clone(), ..self.transform.to_gz() }
    }
    fn from_gz(gz: &gz::Pose) -> Self {
        Self {
            header: from(gz.header.as_ref()),
            child_frame_id: entry(gz.header.as_ref(), "child_frame_id"),
            transform: Convert::from_gz(gz),
        }
    }
}

impl Convert<gz::PoseV> for TFMessage {
    fn to_gz(&self) -> gz::PoseV {
        let header = self.transforms.first().and_then(|t| stamped(&t.header));
        gz::PoseV { header, pose: self.transforms.iter().map(Convert::to_gz).collect() }
    }
    fn from_gz(gz: &gz::PoseV) -> Self {
        Self { transforms: gz.pose.iter().map(Convert::from_gz).collect() }
    }
}

impl Convert<gz::PoseV> for ros::PoseArray {
    fn to_gz(&self) -> gz::PoseV {
        let pose = |p: &ros::Pose| gz::Pose { header: stamped(&self.header), ..p.to_gz() };
        gz::PoseV { header: stamped(&self.header), pose: self.poses.iter().map(pose).collect() }
    }
    fn from_gz(gz: &gz::PoseV) -> Self {
        Self { header: from(gz.header.as_ref()), poses: gz.pose.iter().map(Convert::from_gz).collect() }
    }
}

fn floats(covariance: &[f64; 36]) -> Option<FloatV> {
    Some(FloatV { header: None, data: covariance.iter().map(|x| *x as f32).collect() })
}

fn covariance(gz: Option<&FloatV>) -> [f64; 36] {
    let mut out = [0.0; 36];
    out.iter_mut().zip(gz.map_or(&[][..], |f| &f.data)).for_each(|(o, x)| *o = f64::from(*x));
    out
}

impl Convert<gz::PoseWithCovariance> for ros::PoseWithCovariance {
    fn to_gz(&self) -> gz::PoseWithCovariance {
        gz::PoseWithCovariance {
            header: None,
            pose: Some(self.pose.to_gz()),
            covariance: floats(&self.covariance),
        }
    }
    fn from_gz(gz: &gz::PoseWithCovariance) -> Self {
        Self { pose: from(gz.pose.as_ref()), covariance: covariance(gz.covariance.as_ref()) }
    }
}

impl Convert<gz::PoseWithCovariance> for ros::PoseWithCovarianceStamped {
    fn to_gz(&self) -> gz::PoseWithCovariance {
        gz::PoseWithCovariance { header: stamped(&self.header), ..self.pose.to_gz() }
    }
    fn from_gz(gz: &gz::PoseWithCovariance) -> Self {
        Self { header: from(gz.header.as_ref()), pose: Convert::from_gz(gz) }
    }
}

impl Convert<gz::Twist> for ros::Twist {
    fn to_gz(&self) -> gz::Twist {
        gz::Twist { header: None, linear: Some(self.linear.to_gz()), angular: Some(self.angular.to_gz()) }
    }
    fn from_gz(gz: &gz::Twist) -> Self {
        Self { linear: from(gz.linear.as_ref()), angular: from(gz.angular.as_ref()) }
    }
}

impl Convert<gz::Twist> for ros::TwistStamped {
    fn to_gz(&self) -> gz::Twist {
        gz::Twist { header: stamped(&self.header), ..self.twist.to_gz() }
    }
    fn from_gz(gz: &gz::Twist) -> Self {
        Self { header: from(gz.header.as_ref()), twist: Convert::from_gz(gz) }
    }
}

impl Convert<gz::TwistWithCovariance> for ros::TwistWithCovariance {
    fn to_gz(&self) -> gz::TwistWithCovariance {
        gz::TwistWithCovariance {
            header: None,
            twist: Some(self.twist.to_gz()),
            covariance: floats(&self.covariance),
        }
    }
    fn from_gz(gz: &gz::TwistWithCovariance) -> Self {
        Self { twist: from(gz.twist.as_ref()), covariance: covariance(gz.covariance.as_ref()) }
    }
}

impl Convert<gz::TwistWithCovariance> for ros::TwistWithCovarianceStamped {
    fn to_gz(&self) -> gz::TwistWithCovariance {
        gz::TwistWithCovariance { header: stamped(&self.header), ..self.twist.to_gz() }
    }
    fn from_gz(gz: &gz::TwistWithCovariance) -> Self {
        Self { header: from(gz.header.as_ref()), twist: Convert::from_gz(gz) }
    }
}

impl Convert<gz::Odometry> for nav_msgs::Odometry {
    fn to_gz(&self) -> gz::Odometry {
        gz::Odometry {
            header: with_child(&self.header, &self.child_frame_id),
            pose: Some(self.pose.pose.to_gz()),
            twist: Some(self.twist.twist.to_gz()),
        }
    }
    fn from_gz(gz: &gz::Odometry) -> Self {
        Self {
            header: from(gz.header.as_ref()),
            child_frame_id: entry(gz.header.as_ref(), "child_frame_id"),
            pose: ros::PoseWithCovariance { pose: from(gz.pose.as_ref()), ..Default::default() },
            twist: ros::TwistWithCovariance { twist: from(gz.twist.as_ref()), ..Default::default() },
        }
    }
}

impl Convert<gz::OdometryWithCovariance> for nav_msgs::Odometry {
    fn to_gz(&self) -> gz::OdometryWithCovariance {
        gz::OdometryWithCovariance {
            header: with_child(&self.header, &self.child_frame_id),
            pose_with_covariance: Some(self.pose.to_gz()),
            twist_with_covariance: Some(self.twist.to_gz()),
        }
    }
    fn from_gz(gz: &gz::OdometryWithCovariance) -> Self {
        Self {
            header: from(gz.header.as_ref()),
            child_frame_id: entry(gz.header.as_ref(), "child_frame_id"),
            pose: from(gz.pose_with_covariance.as_ref()),
            twist: from(gz.twist_with_covariance.as_ref()),
        }
    }
}

impl Convert<gz::Wrench> for ros::Wrench {
    fn to_gz(&self) -> gz::Wrench {
        let (force, torque) = (Some(self.force.to_gz()), Some(self.torque.to_gz()));
        gz::Wrench { force, torque, ..Default::default() }
    }
    fn from_gz(gz: &gz::Wrench) -> Self {
        Self { force: from(gz.force.as_ref()), torque: from(gz.torque.as_ref()) }
    }
}

impl Convert<gz::Wrench> for ros::WrenchStamped {
    fn to_gz(&self) -> gz::Wrench {
        gz::Wrench { header: stamped(&self.header), ..self.wrench.to_gz() }
    }
    fn from_gz(gz: &gz::Wrench) -> Self {
        Self { header: from(gz.header.as_ref()), wrench: Convert::from_gz(gz) }
    }
}
