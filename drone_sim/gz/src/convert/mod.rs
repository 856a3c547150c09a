//! ROS 2 messages into Gazebo's and back, type by type as ros_gz_bridge does it.
//!
//! [`TABLE`] is the table of ros_gz_bridge, row by row. Frames lose Gazebo's `::` for `/`; a header's frame
//! travels in the Gazebo header's data under `frame_id`.

mod boxes;
mod frames;
mod orders;
mod plain;
mod rare;
mod sensing;

pub use orders::{placed, to_delete};
use peregrine_msgs::{Message, cdr};

use crate::msgs::{self, GzMessage};

/// A ROS message and the Gazebo message that means the same.
pub trait Convert<G: GzMessage>: Message + Sized {
    /// Into Gazebo's.
    fn to_gz(&self) -> G;
    /// From Gazebo's.
    fn from_gz(gz: &G) -> Self;
}

/// One row of the table.
pub struct Pair {
    /// `sensor_msgs/msg/Image`.
    pub ros: &'static str,
    /// `Image`, of `gz.msgs.Image`.
    pub gz: &'static str,
    to_gz: fn(&[u8]) -> Result<Vec<u8>, String>,
    from_gz: fn(&[u8]) -> Result<Vec<u8>, String>,
}

impl std::fmt::Debug for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} <-> {}", self.ros, self.gz)
    }
}

impl Pair {
    /// CDR (with its encapsulation header) into protobuf.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn to_gz(&self, cdr: &[u8]) -> Result<Vec<u8>, String> {
        (self.to_gz)(cdr)
    }

    /// Protobuf into CDR (with its encapsulation header).
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn from_gz(&self, payload: &[u8]) -> Result<Vec<u8>, String> {
        (self.from_gz)(payload)
    }
}

const fn pair<R: Convert<G>, G: GzMessage>() -> Pair {
    Pair {
        ros: R::TYPE_NAME,
        gz: G::NAME,
        to_gz: |bytes| {
            let ros = cdr::from_slice::<R>(bytes).map_err(|e| e.to_string())?;
            Ok(ros.to_gz().encode_to_vec())
        },
        from_gz: |bytes| {
            let gz = G::decode(bytes).map_err(|e| e.to_string())?;
            Ok(cdr::to_vec(&R::from_gz(&gz)))
        },
    }
}

macro_rules! table {
    ($($package:ident :: $ros:ident <=> $group:ident :: $gz:ident,)*) => {
        /// Every pair of types that is converted. Where a type stands twice, the first row is what is meant without
        /// further words.
        pub static TABLE: &[Pair] = &[$(pair::<peregrine_msgs::$package::$ros, msgs::$group::$gz>()),*];
    };
}

/// Hands the rows of the table to another macro, as `package::RosType <=> group::GzType,` each: for programs that must
/// name the types, because they make publishers of them.
#[macro_export]
macro_rules! for_each_pair {
    ($take:ident) => {
        $take! {
            actuator_msgs::Actuators <=> sensing::Actuators,
            builtin_interfaces::Time <=> core::Time,
            geometry_msgs::Point <=> geometry::Vector3d,
            geometry_msgs::Pose <=> geometry::Pose,
            geometry_msgs::PoseArray <=> geometry::PoseV,
            geometry_msgs::PoseStamped <=> geometry::Pose,
            geometry_msgs::PoseWithCovariance <=> geometry::PoseWithCovariance,
            geometry_msgs::PoseWithCovarianceStamped <=> geometry::PoseWithCovariance,
            geometry_msgs::Quaternion <=> geometry::Quaternion,
            geometry_msgs::Transform <=> geometry::Pose,
            geometry_msgs::TransformStamped <=> geometry::Pose,
            geometry_msgs::Twist <=> geometry::Twist,
            geometry_msgs::TwistStamped <=> geometry::Twist,
            geometry_msgs::TwistWithCovariance <=> geometry::TwistWithCovariance,
            geometry_msgs::TwistWithCovarianceStamped <=> geometry::TwistWithCovariance,
            geometry_msgs::Vector3 <=> geometry::Vector3d,
            geometry_msgs::Wrench <=> geometry::Wrench,
            geometry_msgs::WrenchStamped <=> geometry::Wrench,
            gps_msgs::GPSFix <=> sensing::NavSat,
            nav_msgs::Odometry <=> geometry::Odometry,
            nav_msgs::Odometry <=> geometry::OdometryWithCovariance,
            rcl_interfaces::ParameterValue <=> bridged::Any,
            ros_gz_interfaces::Altimeter <=> sensing::Altimeter,
            ros_gz_interfaces::Contact <=> sensing::Contact,
            ros_gz_interfaces::Contacts <=> sensing::Contacts,
            ros_gz_interfaces::Dataframe <=> bridged::Dataframe,
            ros_gz_interfaces::Entity <=> core::Entity,
            ros_gz_interfaces::EntityWrench <=> bridged::EntityWrench,
            ros_gz_interfaces::Float32Array <=> core::FloatV,
            ros_gz_interfaces::GuiCamera <=> bridged::GuiCamera,
            ros_gz_interfaces::JointWrench <=> geometry::JointWrench,
            ros_gz_interfaces::Light <=> scene::Light,
            ros_gz_interfaces::ParamVec <=> bridged::Param,
            ros_gz_interfaces::ParamVec <=> bridged::ParamV,
            ros_gz_interfaces::SensorNoise <=> bridged::SensorNoise,
            ros_gz_interfaces::StringVec <=> core::StringMsgV,
            ros_gz_interfaces::TrackVisual <=> bridged::TrackVisual,
            ros_gz_interfaces::VideoRecord <=> bridged::VideoRecord,
            rosgraph_msgs::Clock <=> core::Clock,
            sensor_msgs::BatteryState <=> sensing::BatteryState,
            sensor_msgs::CameraInfo <=> sensing::CameraInfo,
            sensor_msgs::FluidPressure <=> sensing::FluidPressure,
            sensor_msgs::Image <=> sensing::Image,
            sensor_msgs::Imu <=> sensing::Imu,
            sensor_msgs::JointState <=> scene::Model,
            sensor_msgs::Joy <=> bridged::Joy,
            sensor_msgs::LaserScan <=> sensing::LaserScan,
            sensor_msgs::MagneticField <=> sensing::Magnetometer,
            sensor_msgs::NavSatFix <=> sensing::NavSat,
            sensor_msgs::PointCloud2 <=> sensing::PointCloudPacked,
            std_msgs::Bool <=> core::Boolean,
            std_msgs::ColorRGBA <=> core::Color,
            std_msgs::Empty <=> core::Empty,
            std_msgs::Float32 <=> core::Float,
            std_msgs::Float64 <=> core::Double,
            std_msgs::Header <=> core::Header,
            std_msgs::Int32 <=> core::Int32,
            std_msgs::String <=> core::StringMsg,
            std_msgs::UInt32 <=> core::UInt32,
            tf2_msgs::TFMessage <=> geometry::PoseV,
            trajectory_msgs::JointTrajectory <=> bridged::JointTrajectory,
            vision_msgs::Detection2D <=> sensing::AnnotatedAxisAligned2DBox,
            vision_msgs::Detection2DArray <=> sensing::AnnotatedAxisAligned2DBoxV,
            vision_msgs::Detection3D <=> sensing::AnnotatedOriented3DBox,
            vision_msgs::Detection3DArray <=> sensing::AnnotatedOriented3DBoxV,
        }
    };
}

for_each_pair!(table);

/// The row of these two types; the Gazebo type with or without its package.
pub fn find(ros: &str, gz: &str) -> Option<&'static Pair> {
    let gz = crate::options::bare_type(gz);
    TABLE.iter().find(|p| p.ros == ros && p.gz == gz)
}

/// The first row of a ROS type.
pub fn of_ros(ros: &str) -> Option<&'static Pair> {
    TABLE.iter().find(|p| p.ros == ros)
}

/// Fuzz entry: the first byte chooses the row and the way.
pub fn fuzz(data: &[u8]) {
    let Some((choice, bytes)) = data.split_first() else { return };
    let pair = &TABLE[usize::from(*choice >> 1) % TABLE.len()];
    if choice & 1 == 0 {
        let _ = pair.to_gz(bytes);
    } else if let Ok(ros) = pair.from_gz(bytes) {
        assert!(pair.to_gz(&ros).is_ok(), "{pair:?} does not read what it wrote");
    }
}

#[cfg(test)]
mod tests;
