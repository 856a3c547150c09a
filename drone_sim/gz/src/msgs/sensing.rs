//! What sensors say, and what actuators are told.

use super::core::{Entity, Header};
use super::geometry::{AxisAligned2DBox, JointWrench, Oriented3DBox, Pose, Quaternion, Vector3d};

/// `PixelFormatType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum PixelFormatType {
    UnknownPixelFormat = 0,
    LInt8 = 1,
    LInt16 = 2,
    RgbInt8 = 3,
    RgbaInt8 = 4,
    BgraInt8 = 5,
    RgbInt16 = 6,
    RgbInt32 = 7,
    BgrInt8 = 8,
    BgrInt16 = 9,
    BgrInt32 = 10,
    RFloat16 = 11,
    RgbFloat16 = 12,
    RFloat32 = 13,
    RgbFloat32 = 14,
    BayerRggb8 = 15,
    BayerBggr8 = 16,
    BayerGbrg8 = 17,
    BayerGrbg8 = 18,
}

/// `Image`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Image {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(uint32, tag = "2")]
    pub width: u32,
    #[prost(uint32, tag = "3")]
    pub height: u32,
    #[prost(uint32, tag = "4")]
    pub step: u32,
    #[prost(bytes = "vec", tag = "5")]
    pub data: Vec<u8>,
    #[prost(enumeration = "PixelFormatType", tag = "6")]
    pub pixel_format_type: i32,
}

/// `CameraInfo`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CameraInfo {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(uint32, tag = "2")]
    pub width: u32,
    #[prost(uint32, tag = "3")]
    pub height: u32,
    #[prost(message, optional, tag = "4")]
    pub distortion: Option<camera_info::Distortion>,
    #[prost(message, optional, tag = "5")]
    pub intrinsics: Option<camera_info::Intrinsics>,
    #[prost(message, optional, tag = "6")]
    pub projection: Option<camera_info::Projection>,
    #[prost(double, repeated, tag = "7")]
    pub rectification_matrix: Vec<f64>,
}

/// What `CameraInfo` holds.
pub mod camera_info {
    /// `CameraInfo.Distortion`.
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Distortion {
        #[prost(enumeration = "distortion::DistortionModelType", tag = "1")]
        pub model: i32,
        #[prost(double, repeated, tag = "2")]
        pub k: Vec<f64>,
    }

    /// What `CameraInfo.Distortion` holds.
    pub mod distortion {
        /// `CameraInfo.Distortion.DistortionModelType`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
        #[repr(i32)]
        pub enum DistortionModelType {
            PlumbBob = 0,
            RationalPolynomial = 1,
            Equidistant = 2,
        }
    }

    /// `CameraInfo.Intrinsics`.
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Intrinsics {
        #[prost(double, repeated, tag = "1")]
        pub k: Vec<f64>,
    }

    /// `CameraInfo.Projection`.
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Projection {
        #[prost(double, repeated, tag = "1")]
        pub p: Vec<f64>,
    }
}

/// `IMU`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Imu {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(string, tag = "2")]
    pub entity_name: String,
    #[prost(message, optional, tag = "3")]
    pub orientation: Option<Quaternion>,
    #[prost(message, optional, tag = "4")]
    pub angular_velocity: Option<Vector3d>,
    #[prost(message, optional, tag = "5")]
    pub linear_acceleration: Option<Vector3d>,
}

/// `LaserScan`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct LaserScan {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(string, tag = "2")]
    pub frame: String,
    #[prost(message, optional, tag = "3")]
    pub world_pose: Option<Pose>,
    #[prost(double, tag = "4")]
    pub angle_min: f64,
    #[prost(double, tag = "5")]
    pub angle_max: f64,
    #[prost(double, tag = "6")]
    pub angle_step: f64,
    #[prost(double, tag = "7")]
    pub range_min: f64,
    #[prost(double, tag = "8")]
    pub range_max: f64,
    #[prost(uint32, tag = "9")]
    pub count: u32,
    #[prost(double, tag = "10")]
    pub vertical_angle_min: f64,
    #[prost(double, tag = "11")]
    pub vertical_angle_max: f64,
    #[prost(double, tag = "12")]
    pub vertical_angle_step: f64,
    #[prost(uint32, tag = "13")]
    pub vertical_count: u32,
    #[prost(double, repeated, tag = "14")]
    pub ranges: Vec<f64>,
    #[prost(double, repeated, tag = "15")]
    pub intensities: Vec<f64>,
}

/// `Magnetometer`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Magnetometer {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(message, optional, tag = "2")]
    pub field_tesla: Option<Vector3d>,
}

/// `FluidPressure`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct FluidPressure {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(double, tag = "2")]
    pub pressure: f64,
    #[prost(double, tag = "3")]
    pub variance: f64,
}

/// `Altimeter`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Altimeter {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(double, tag = "2")]
    pub vertical_position: f64,
    #[prost(double, tag = "3")]
    pub vertical_velocity: f64,
    #[prost(double, tag = "4")]
    pub vertical_reference: f64,
}

/// `NavSat`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct NavSat {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(double, tag = "2")]
    pub latitude_deg: f64,
    #[prost(double, tag = "3")]
    pub longitude_deg: f64,
    #[prost(double, tag = "4")]
    pub altitude: f64,
    #[prost(double, tag = "5")]
    pub velocity_east: f64,
    #[prost(double, tag = "6")]
    pub velocity_north: f64,
    #[prost(double, tag = "7")]
    pub velocity_up: f64,
    #[prost(string, tag = "8")]
    pub frame_id: String,
}

/// `Contact`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Contact {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(message, optional, tag = "2")]
    pub collision1: Option<Entity>,
    #[prost(message, optional, tag = "3")]
    pub collision2: Option<Entity>,
    #[prost(message, repeated, tag = "4")]
    pub position: Vec<Vector3d>,
    #[prost(message, repeated, tag = "5")]
    pub normal: Vec<Vector3d>,
    #[prost(double, repeated, tag = "6")]
    pub depth: Vec<f64>,
    #[prost(message, repeated, tag = "7")]
    pub wrench: Vec<JointWrench>,
    #[prost(message, optional, tag = "8")]
    pub world: Option<Entity>,
}

/// `Contacts`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Contacts {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(message, repeated, tag = "2")]
    pub contact: Vec<Contact>,
}

/// `BatteryState`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct BatteryState {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(double, tag = "2")]
    pub voltage: f64,
    #[prost(double, tag = "3")]
    pub current: f64,
    #[prost(double, tag = "4")]
    pub charge: f64,
    #[prost(double, tag = "5")]
    pub capacity: f64,
    #[prost(double, tag = "6")]
    pub percentage: f64,
    #[prost(enumeration = "battery_state::PowerSupplyStatus", tag = "7")]
    pub power_supply_status: i32,
}

/// What `BatteryState` holds.
pub mod battery_state {
    /// `BatteryState.PowerSupplyStatus`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
    #[repr(i32)]
    pub enum PowerSupplyStatus {
        Unknown = 0,
        Charging = 1,
        Discharging = 2,
        NotCharging = 3,
        Full = 4,
    }
}

/// `PointCloudPacked`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct PointCloudPacked {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(message, repeated, tag = "2")]
    pub field: Vec<point_cloud_packed::Field>,
    #[prost(uint32, tag = "3")]
    pub height: u32,
    #[prost(uint32, tag = "4")]
    pub width: u32,
    #[prost(bool, tag = "5")]
    pub is_bigendian: bool,
    #[prost(uint32, tag = "6")]
    pub point_step: u32,
    #[prost(uint32, tag = "7")]
    pub row_step: u32,
    #[prost(bytes = "vec", tag = "8")]
    pub data: Vec<u8>,
    #[prost(bool, tag = "9")]
    pub is_dense: bool,
}

/// What `PointCloudPacked` holds.
pub mod point_cloud_packed {
    /// `PointCloudPacked.Field`.
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Field {
        #[prost(string, tag = "1")]
        pub name: String,
        #[prost(uint32, tag = "2")]
        pub offset: u32,
        #[prost(enumeration = "field::DataType", tag = "3")]
        pub datatype: i32,
        #[prost(uint32, tag = "4")]
        pub count: u32,
    }

    /// What `PointCloudPacked.Field` holds.
    pub mod field {
        /// `PointCloudPacked.Field.DataType`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
        #[repr(i32)]
        pub enum DataType {
            Int8 = 0,
            Uint8 = 1,
            Int16 = 2,
            Uint16 = 3,
            Int32 = 4,
            Uint32 = 5,
            Float32 = 6,
            Float64 = 7,
        }
    }
}

/// `Actuators`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Actuators {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(double, repeated, tag = "2")]
    pub position: Vec<f64>,
    #[prost(double, repeated, tag = "3")]
    pub velocity: Vec<f64>,
    #[prost(double, repeated, tag = "4")]
    pub normalized: Vec<f64>,
}

/// `AnnotatedAxisAligned2DBox`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct AnnotatedAxisAligned2DBox {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(message, optional, tag = "2")]
    pub r#box: Option<AxisAligned2DBox>,
    #[prost(uint32, tag = "3")]
    pub label: u32,
}

/// `AnnotatedAxisAligned2DBox_V`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct AnnotatedAxisAligned2DBoxV {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(message, repeated, tag = "2")]
    pub annotated_box: Vec<AnnotatedAxisAligned2DBox>,
}

/// `AnnotatedOriented3DBox`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct AnnotatedOriented3DBox {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(message, optional, tag = "2")]
    pub r#box: Option<Oriented3DBox>,
    #[prost(uint32, tag = "3")]
    pub label: u32,
}

/// `AnnotatedOriented3DBox_V`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct AnnotatedOriented3DBoxV {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(message, repeated, tag = "2")]
    pub annotated_box: Vec<AnnotatedOriented3DBox>,
}
