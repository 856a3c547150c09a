//! Peregrine's topics and services over DDS, through the `rcl` of an installed ROS 2.
//!
//! - [`Link`]: one `rcl` context, which is one participant of the domain.
//! - [`Transport`]: a node that carries the topics and services of its process, each under the name of its own node.
//!
//! Any middleware that ROS 2 can load does (`RMW_IMPLEMENTATION`); docs/ros2.md says what was tested. Without the feature
//! `ros`, which wants an installed ROS 2 to build against, only the pure parts are compiled.

#![cfg_attr(not(feature = "ros"), allow(dead_code, reason = "only the transport uses it"))]

mod error;
mod mismatch;
mod origins;
mod type_name;

#[cfg(feature = "ros")]
mod graph;
#[cfg(feature = "ros")]
mod input;
#[cfg(feature = "ros")]
mod link;
#[cfg(feature = "ros")]
mod nodes;
#[cfg(feature = "ros")]
mod rcl;
#[cfg(feature = "ros")]
mod services;
#[cfg(feature = "ros")]
mod spin;
#[cfg(feature = "ros")]
mod transport;

pub use error::{Error, Result};
#[cfg(feature = "ros")]
pub use link::Link;
#[cfg(feature = "ros")]
pub use transport::{Transport, carry};
