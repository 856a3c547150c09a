//! The bridge without sockets, without topics and without a clock: pure functions and structs.

pub mod battery;
pub mod config;
pub mod gate;
pub mod obstacles;
pub mod odometry;
pub mod parts;
pub mod range;
pub mod requests;
pub mod resets;
pub mod setpoint;
pub mod timesync;

pub use peregrine_mavlink::{axes, decoder};
