//! What the vehicle senses. One file per sensor; each is handed the truth and the time, and owns its noise.

pub mod air;
pub mod boxes;
pub mod camera;
pub mod depth;
pub mod imu;
pub mod labels;
pub mod lidar;
pub mod mount;
pub mod navsat;
pub mod noise;
pub mod odometry;
pub mod optics;
pub mod rate;
pub mod spec;

pub use air::{AirPressure, Altimeter, AltimeterReading, Magnetometer};
pub use boxes::{TruthBox, Truths};
pub use camera::ColorCamera;
pub use depth::{DepthCamera, DepthEye};
pub use imu::{Imu, ImuNoise, ImuReading, MountedImu};
pub use labels::{LabelEye, SeenBox, TurnedBox};
pub use lidar::Lidar;
pub use mount::Mount;
pub use navsat::{Datum, NavSat, NavSatReading};
pub use noise::Noise;
pub use odometry::Odometry;
pub use optics::{Lens, Optics};
pub use rate::Rate;
pub use spec::{Earth, SensorKind, SensorSpec};

#[cfg(test)]
mod tests;
