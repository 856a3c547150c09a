//! The camera node: frames from files, directories, videos, a test pattern, a device or another topic, written straight
//! into the slot that every reader then sees.
//!
//! [`algo`] is the part without a runtime: sources that decode into any buffer, useful to tools as well. What can go
//! wrong is a [`CameraError`].

pub mod algo;
mod error;
mod node;

pub use error::{CameraError, Defect, Result};
pub use node::{Camera, CameraParams, PEREGRINE_NODE};
