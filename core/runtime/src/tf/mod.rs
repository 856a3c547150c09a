//! Frames of reference over time, as tf2 keeps them.
//!
//! A [`TfBuffer`] holds the transforms of a tree of frames for some seconds and answers where one frame is in another at any
//! time it covers. [`TfBroadcaster`] and [`StaticTfBroadcaster`] publish, [`listen`] fills a node's buffer. Frames are
//! those of REP-105 (`map`, `odom`, `base_link`), axes those of REP-103.

mod buffer;
mod node;
mod track;
mod transform;

pub use buffer::{TfBuffer, TfError};
pub use node::{HasTf, StaticTfBroadcaster, TfBroadcaster, listen};
pub use transform::{from_msg, to_msg};

/// A rigid transform: rotation, then translation, m.
pub type Transform = nalgebra::Isometry3<f64>;
