//! The detector node: frames in, `vision_msgs/Detection2DArray` out, on the device.
//!
//! The work is `peregrine-models`'; this crate says what of a frame it may read ([`algo::view`]), how boxes become
//! messages ([`algo::Boxes`]), counts how it fares ([`algo::Vitals`]), and wires two nodes: [`DetectorNode`] for one
//! camera, [`CamerasNode`] for several through one inference. [`store`] is the node through which models come
//! over the network.

pub mod algo;
mod cameras;
mod config;
mod engines;
mod error;
mod node;
mod rising;
pub mod store;

pub use cameras::{CamerasConfig, CamerasNode, PEREGRINE_NODE as CAMERAS_NODE};
pub use config::Config;
pub use error::Error;
pub use node::{DetectorNode, PEREGRINE_NODE};
