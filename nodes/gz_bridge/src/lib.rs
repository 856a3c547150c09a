//! Topics and services of a Gazebo as those of ROS 2, and back.
//!
//! A [`Bridge`] says what is carried which way, in the words of ros_gz_bridge; [`GzBridge`] is the node that carries.

mod algo;
mod error;
mod node;
mod outlet;
mod services;

pub use algo::bridge::{Bridge, Way};
pub use algo::service::{Kind, ServiceBridge};
pub use error::{BridgeError, Result};
pub use node::{Config, GzBridge, PEREGRINE_NODE};
