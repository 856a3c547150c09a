//! Gazebo's messages, as far as the simulator and its clients use them.
//!
//! Field names and numbers are those of the `.proto` files of gz-msgs; a test compares them with the files that are
//! installed. What Gazebo sends beyond these fields is skipped, as protobuf has it.

// The fields are documented where they are defined, in the .proto files.
#![allow(missing_docs)]
// prost puts what a message holds into a module of the message's name, whatever the file is called.
#![allow(clippy::module_inception)]

pub mod bridged;
pub mod core;
pub mod discovery;
pub mod geometry;
pub mod scene;
pub mod sensing;
pub mod serialized;
pub mod shapes;
pub mod world;

/// Encoding and decoding, which every message has.
pub use prost::Message as Wire;

/// A message with the name that Gazebo calls it.
pub trait GzMessage: prost::Message + Default + Clone + PartialEq + 'static {
    /// Without the package: `Clock`, of `gz.msgs.Clock` or `ignition.msgs.Clock`.
    const NAME: &'static str;
}

macro_rules! names {
    ($($type:path => $name:literal,)*) => {
        $(impl GzMessage for $type {
            const NAME: &'static str = $name;
        })*

        /// Every message that is known, by name.
        pub const NAMES: &[&str] = &[$($name),*];

        /// Decodes bytes as the message of that name, and encodes it again; `None` for names that are not known.
        pub fn recode(name: &str, bytes: &[u8]) -> Option<Result<Vec<u8>, prost::DecodeError>> {
            match name {
                $($name => Some(<$type as prost::Message>::decode(bytes).map(|m| prost::Message::encode_to_vec(&m))),)*
                _ => None,
            }
        }
    };
}

names! {
    core::Time => "Time",
    core::Header => "Header",
    core::Boolean => "Boolean",
    core::Empty => "Empty",
    core::StringMsg => "StringMsg",
    core::StringMsgV => "StringMsg_V",
    core::Double => "Double",
    core::Float => "Float",
    core::FloatV => "Float_V",
    core::Int32 => "Int32",
    core::Int64 => "Int64",
    core::UInt32 => "UInt32",
    core::UInt64 => "UInt64",
    core::Clock => "Clock",
    core::Color => "Color",
    core::Entity => "Entity",
    core::DoubleV => "Double_V",
    discovery::Discovery => "Discovery",
    geometry::Vector2d => "Vector2d",
    geometry::Vector3d => "Vector3d",
    geometry::Quaternion => "Quaternion",
    geometry::Pose => "Pose",
    geometry::PoseV => "Pose_V",
    geometry::Twist => "Twist",
    geometry::Wrench => "Wrench",
    geometry::JointWrench => "JointWrench",
    geometry::Odometry => "Odometry",
    geometry::AxisAlignedBox => "AxisAlignedBox",
    geometry::AxisAligned2DBox => "AxisAligned2DBox",
    geometry::PoseWithCovariance => "PoseWithCovariance",
    geometry::TwistWithCovariance => "TwistWithCovariance",
    geometry::OdometryWithCovariance => "OdometryWithCovariance",
    sensing::Image => "Image",
    sensing::CameraInfo => "CameraInfo",
    sensing::Imu => "IMU",
    sensing::LaserScan => "LaserScan",
    sensing::Magnetometer => "Magnetometer",
    sensing::FluidPressure => "FluidPressure",
    sensing::Altimeter => "Altimeter",
    sensing::NavSat => "NavSat",
    sensing::Contact => "Contact",
    sensing::Contacts => "Contacts",
    sensing::BatteryState => "BatteryState",
    sensing::PointCloudPacked => "PointCloudPacked",
    sensing::Actuators => "Actuators",
    sensing::AnnotatedAxisAligned2DBox => "AnnotatedAxisAligned2DBox",
    sensing::AnnotatedAxisAligned2DBoxV => "AnnotatedAxisAligned2DBox_V",
    sensing::AnnotatedOriented3DBox => "AnnotatedOriented3DBox",
    sensing::AnnotatedOriented3DBoxV => "AnnotatedOriented3DBox_V",
    world::WorldStatistics => "WorldStatistics",
    world::WorldControl => "WorldControl",
    world::WorldReset => "WorldReset",
    world::EntityFactory => "EntityFactory",
    world::EntityFactoryV => "EntityFactory_V",
    world::SphericalCoordinates => "SphericalCoordinates",
    world::LogPlaybackStatistics => "LogPlaybackStatistics",
    serialized::SerializedComponent => "SerializedComponent",
    serialized::SerializedEntityMap => "SerializedEntityMap",
    serialized::SerializedStateMap => "SerializedStateMap",
    serialized::SerializedStepMap => "SerializedStepMap",
    scene::Scene => "Scene",
    scene::Model => "Model",
    scene::Link => "Link",
    scene::Visual => "Visual",
    scene::Collision => "Collision",
    scene::Geometry => "Geometry",
    scene::BoxGeom => "BoxGeom",
    scene::CylinderGeom => "CylinderGeom",
    scene::SphereGeom => "SphereGeom",
    scene::PlaneGeom => "PlaneGeom",
    scene::CapsuleGeom => "CapsuleGeom",
    scene::EllipsoidGeom => "EllipsoidGeom",
    scene::ConeGeom => "ConeGeom",
    scene::MeshGeom => "MeshGeom",
    bridged::Joy => "Joy",
    bridged::JointTrajectory => "JointTrajectory",
    bridged::EntityWrench => "EntityWrench",
    bridged::Dataframe => "Dataframe",
    bridged::TrackVisual => "TrackVisual",
    bridged::GuiCamera => "GUICamera",
    bridged::VideoRecord => "VideoRecord",
    bridged::SensorNoise => "SensorNoise",
    bridged::Any => "Any",
    bridged::Param => "Param",
    bridged::ParamV => "Param_V",
    shapes::HeightmapGeom => "HeightmapGeom",
    shapes::Polyline => "Polyline",
    scene::Material => "Material",
    scene::Light => "Light",
    scene::Inertial => "Inertial",
    scene::Joint => "Joint",
    scene::Axis => "Axis",
}
