//! Peregrine's topics between processes, over Zenoh, on the keys and liveliness tokens of `rmw_zenoh` or of `zenoh-bridge-ros2dds`.
//!
//! - [`keys`]: data keys, liveliness tokens, QoS, the attachment. Pure.
//! - [`Distro`]: humble, jazzy, kilted or lyrical, chosen when the program starts.
//! - [`KeyForm`]: keys of rmw_zenoh, or of zenoh-bridge-ros2dds, behind which ROS 2 nodes speak DDS.
//! - [`Link`]: one Zenoh session, found without a daemon: the first process on a host becomes the meeting point.
//! - [`carry`]: gives an application two nodes that carry its topics out to remote readers and in from remote writers:
//!   [`Transport`], and [`FrameTransport`] for pictures.
//! - [`Inspector`]: what `peregrine topic list|echo|hz` looks with.
//!
//! Tested against implementations that we did not write: docs/ros2.md says which and what.

mod bridge;
mod distro;
mod error;
mod form;
mod gates;
mod graph;
mod input;
mod inspect;
pub mod keys;
mod link;
mod outlets;
mod output;
mod services;
mod shm;
mod transport;

pub use distro::Distro;
pub use error::{Error, Result};
pub use form::KeyForm;
pub use inspect::{Inspector, ServiceFound, Stream, TopicEntry, Update};
pub use link::{Link, LinkOptions};
pub use peregrine_core::Exports;
pub use shm::SharedMemoryCounts;
pub use transport::{FrameTransport, Transport, carry, identify};
