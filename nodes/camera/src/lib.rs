//! The camera node: frames from files, directories, videos, a test pattern, a device or another topic, written straight
//! into the slot that every reader then sees.
//!
//! [`algo`] is the part without a runtime: sources that decode into any buffer, useful to tools as well. What can go
//! wrong is a [`CameraError`].
//!
//! ```
//! use peregrine_camera::algo::{Buffer, FrameSource, Limits, Pattern, PatternOptions, read_counter};
//!
//! let options = PatternOptions { width: 160, height: 120, seed: 1, frames: Some(3) };
//! let mut source = Pattern::new(options, &Limits::default())?;
//! let mut sink = Buffer::default();
//! while let Some(image) = source.next(&mut sink)? {
//!     assert_eq!(read_counter(&sink.bytes, 160, image.shape.step()), Some(image.index as u32));
//! }
//! # Ok::<(), peregrine_camera::CameraError>(())
//! ```

pub mod algo;
mod compressed;
mod error;
mod node;

pub use error::{CameraError, Defect, Result};
pub use node::{Camera, CameraParams, PEREGRINE_NODE};

/// The example of the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
