//! Messages that ros_gz_bridge carries and the simulator itself does not use.

use std::collections::BTreeMap;

use super::core::{Color, Entity, Header, Time};
use super::geometry::{Pose, Quaternion, Vector3d, Wrench};

/// `Joy`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Joy {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(float, repeated, tag = "2")]
    pub axes: Vec<f32>,
    #[prost(int32, repeated, tag = "3")]
    pub buttons: Vec<i32>,
}

/// `Duration`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Duration {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(int64, tag = "2")]
    pub sec: i64,
    #[prost(int32, tag = "3")]
    pub nsec: i32,
}

/// `JointTrajectoryPoint`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct JointTrajectoryPoint {
    #[prost(double, repeated, tag = "1")]
    pub positions: Vec<f64>,
    #[prost(double, repeated, tag = "2")]
    pub velocities: Vec<f64>,
    #[prost(double, repeated, tag = "3")]
    pub accelerations: Vec<f64>,
    #[prost(double, repeated, tag = "4")]
    pub effort: Vec<f64>,
    #[prost(message, optional, tag = "5")]
    pub time_from_start: Option<Duration>,
}

/// `JointTrajectory`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct JointTrajectory {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(string, repeated, tag = "2")]
    pub joint_names: Vec<String>,
    #[prost(message, repeated, tag = "3")]
    pub points: Vec<JointTrajectoryPoint>,
}

/// `EntityWrench`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct EntityWrench {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(message, optional, tag = "2")]
    pub entity: Option<Entity>,
    #[prost(message, optional, tag = "3")]
    pub wrench: Option<Wrench>,
}

/// `Dataframe`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Dataframe {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(string, tag = "2")]
    pub src_address: String,
    #[prost(string, tag = "3")]
    pub dst_address: String,
    #[prost(bytes = "vec", tag = "4")]
    pub data: Vec<u8>,
}

/// `TrackVisual`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TrackVisual {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(uint32, tag = "3")]
    pub id: u32,
    #[prost(bool, tag = "4")]
    pub inherit_orientation: bool,
    #[prost(double, tag = "5")]
    pub min_dist: f64,
    #[prost(double, tag = "6")]
    pub max_dist: f64,
    #[prost(bool, tag = "7")]
    pub r#static: bool,
    #[prost(bool, tag = "8")]
    pub use_model_frame: bool,
    #[prost(message, optional, tag = "9")]
    pub xyz: Option<Vector3d>,
    #[prost(bool, tag = "10")]
    pub inherit_yaw: bool,
}

/// `GUICamera`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct GuiCamera {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(string, tag = "3")]
    pub view_controller: String,
    #[prost(message, optional, tag = "4")]
    pub pose: Option<Pose>,
    #[prost(message, optional, tag = "5")]
    pub track: Option<TrackVisual>,
    #[prost(string, tag = "6")]
    pub projection_type: String,
}

/// `VideoRecord`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct VideoRecord {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(bool, tag = "2")]
    pub start: bool,
    #[prost(bool, tag = "3")]
    pub stop: bool,
    #[prost(string, tag = "4")]
    pub format: String,
    #[prost(string, tag = "5")]
    pub save_filename: String,
}

/// `SensorNoise`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SensorNoise {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(enumeration = "sensor_noise::Type", tag = "2")]
    pub r#type: i32,
    #[prost(double, tag = "3")]
    pub mean: f64,
    #[prost(double, tag = "4")]
    pub stddev: f64,
    #[prost(double, tag = "5")]
    pub bias_mean: f64,
    #[prost(double, tag = "6")]
    pub bias_stddev: f64,
    #[prost(double, tag = "7")]
    pub precision: f64,
    #[prost(double, tag = "8")]
    pub dynamic_bias_stddev: f64,
    #[prost(double, tag = "9")]
    pub dynamic_bias_correlation_time: f64,
}

/// What `SensorNoise` holds.
pub mod sensor_noise {
    /// `SensorNoise.Type`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
    #[repr(i32)]
    pub enum Type {
        None = 0,
        Gaussian = 2,
        GaussianQuantized = 3,
    }
}

/// `Any`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Any {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(enumeration = "any::ValueType", tag = "2")]
    pub r#type: i32,
    #[prost(oneof = "any::Value", tags = "3, 4, 5, 6, 7, 8, 9, 10, 11")]
    pub value: Option<any::Value>,
}

/// What `Any` holds.
pub mod any {
    use super::{Color, Pose, Quaternion, Time, Vector3d};

    /// `Any.ValueType`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
    #[repr(i32)]
    pub enum ValueType {
        None = 0,
        Double = 1,
        Int32 = 2,
        String = 3,
        Boolean = 4,
        Vector3d = 5,
        Color = 6,
        Pose3d = 7,
        Quaterniond = 8,
        Time = 9,
    }

    /// `Any.value`.
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum Value {
        #[prost(double, tag = "3")]
        DoubleValue(f64),
        #[prost(int32, tag = "4")]
        IntValue(i32),
        #[prost(string, tag = "5")]
        StringValue(String),
        #[prost(bool, tag = "6")]
        BoolValue(bool),
        #[prost(message, tag = "7")]
        Vector3dValue(Vector3d),
        #[prost(message, tag = "8")]
        ColorValue(Color),
        #[prost(message, tag = "9")]
        Pose3dValue(Pose),
        #[prost(message, tag = "10")]
        QuaternionValue(Quaternion),
        #[prost(message, tag = "11")]
        TimeValue(Time),
    }
}

/// `Param`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Param {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(btree_map = "string, message", tag = "2")]
    pub params: BTreeMap<String, Any>,
    #[prost(message, repeated, tag = "3")]
    pub children: Vec<Param>,
}

/// `Param_V`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ParamV {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(message, repeated, tag = "2")]
    pub param: Vec<Param>,
}
