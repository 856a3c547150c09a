//! The detector node: frames in, `vision_msgs/Detection2DArray` out, on the device.
//!
//! The work is `peregrine-models`'; this crate says what of a frame it may read ([`algo::view`]), how boxes become
//! messages ([`algo::to_message`]), and wires the node.

pub mod algo;
mod error;
mod node;

pub use error::Error;
pub use node::{Config, DetectorNode, PEREGRINE_NODE};
