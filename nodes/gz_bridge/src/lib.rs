//! Topics of a Gazebo as ROS 2 topics, and back.
//!
//! A [`Bridge`] says what is carried which way, in the words of ros_gz_bridge; [`GzBridge`] is the node that carries.

mod algo;
mod error;
mod node;
mod outlet;

pub use algo::bridge::{Bridge, Way};
pub use error::{BridgeError, Result};
pub use node::{Config, GzBridge, PEREGRINE_NODE};
