//! Vectors, poses, twists, odometry.

use super::core::{FloatV, Header};

/// `Vector2d`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Vector2d {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(double, tag = "2")]
    pub x: f64,
    #[prost(double, tag = "3")]
    pub y: f64,
}

/// `Vector3d`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Vector3d {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(double, tag = "2")]
    pub x: f64,
    #[prost(double, tag = "3")]
    pub y: f64,
    #[prost(double, tag = "4")]
    pub z: f64,
}

/// `Quaternion`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Quaternion {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(double, tag = "2")]
    pub x: f64,
    #[prost(double, tag = "3")]
    pub y: f64,
    #[prost(double, tag = "4")]
    pub z: f64,
    #[prost(double, tag = "5")]
    pub w: f64,
}

/// `Pose`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Pose {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(uint32, tag = "3")]
    pub id: u32,
    #[prost(message, optional, tag = "4")]
    pub position: Option<Vector3d>,
    #[prost(message, optional, tag = "5")]
    pub orientation: Option<Quaternion>,
}

/// `Pose_V`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct PoseV {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(message, repeated, tag = "2")]
    pub pose: Vec<Pose>,
}

/// `Twist`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Twist {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(message, optional, tag = "2")]
    pub linear: Option<Vector3d>,
    #[prost(message, optional, tag = "3")]
    pub angular: Option<Vector3d>,
}

/// `Wrench`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Wrench {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(message, optional, tag = "2")]
    pub force: Option<Vector3d>,
    #[prost(message, optional, tag = "3")]
    pub torque: Option<Vector3d>,
    #[prost(message, optional, tag = "4")]
    pub force_offset: Option<Vector3d>,
}

/// `JointWrench`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct JointWrench {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(string, tag = "2")]
    pub body_1_name: String,
    #[prost(uint32, tag = "3")]
    pub body_1_id: u32,
    #[prost(string, tag = "4")]
    pub body_2_name: String,
    #[prost(uint32, tag = "5")]
    pub body_2_id: u32,
    #[prost(message, optional, tag = "6")]
    pub body_1_wrench: Option<Wrench>,
    #[prost(message, optional, tag = "7")]
    pub body_2_wrench: Option<Wrench>,
}

/// `Odometry`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Odometry {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(message, optional, tag = "2")]
    pub pose: Option<Pose>,
    #[prost(message, optional, tag = "3")]
    pub twist: Option<Twist>,
}

/// `AxisAlignedBox`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct AxisAlignedBox {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(message, optional, tag = "2")]
    pub min_corner: Option<Vector3d>,
    #[prost(message, optional, tag = "3")]
    pub max_corner: Option<Vector3d>,
}

/// `Oriented3DBox`: in the camera's frame.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Oriented3DBox {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(message, optional, tag = "2")]
    pub center: Option<Vector3d>,
    #[prost(message, optional, tag = "3")]
    pub orientation: Option<Quaternion>,
    #[prost(message, optional, tag = "4")]
    pub box_size: Option<Vector3d>,
}

/// `AxisAligned2DBox`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct AxisAligned2DBox {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(message, optional, tag = "2")]
    pub min_corner: Option<Vector2d>,
    #[prost(message, optional, tag = "3")]
    pub max_corner: Option<Vector2d>,
}

/// `PoseWithCovariance`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct PoseWithCovariance {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(message, optional, tag = "2")]
    pub pose: Option<Pose>,
    #[prost(message, optional, tag = "3")]
    pub covariance: Option<FloatV>,
}

/// `TwistWithCovariance`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TwistWithCovariance {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(message, optional, tag = "2")]
    pub twist: Option<Twist>,
    #[prost(message, optional, tag = "3")]
    pub covariance: Option<FloatV>,
}

/// `OdometryWithCovariance`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct OdometryWithCovariance {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(message, optional, tag = "2")]
    pub pose_with_covariance: Option<PoseWithCovariance>,
    #[prost(message, optional, tag = "3")]
    pub twist_with_covariance: Option<TwistWithCovariance>,
}
