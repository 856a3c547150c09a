//! What the vehicle senses. One file per sensor; each is handed the truth and the time, and owns its noise.

pub mod boxes;
pub mod camera;
pub mod depth;
pub mod imu;
pub mod mount;
pub mod odometry;
pub mod rate;
pub mod spec;

pub use boxes::{TruthBox, Truths};
pub use camera::ColorCamera;
pub use depth::DepthCamera;
pub use imu::{Imu, ImuNoise, ImuReading};
pub use mount::Mount;
pub use odometry::Odometry;
pub use rate::Rate;

#[cfg(test)]
mod tests;
