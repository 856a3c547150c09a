//! ROS 2 message types, CDR and RIHS01 type hashes.
//!
//! Three nouns. A [`Message`] is a plain struct with ROS's field names, generated from the `.msg` text in `defs/`.
//! [`cdr`] turns it into the bytes that ROS 2 puts on the wire, and back. The [`registry`] does the same for a type
//! whose name is known only at run time.
//!
//! ```
//! use peregrine_msgs::{Message, cdr, geometry_msgs::Point, registry};
//!
//! let point = Point { x: 1.0, y: 2.0, z: 3.0 };
//! let bytes = cdr::to_vec(&point);
//! assert_eq!(cdr::from_slice::<Point>(&bytes)?, point);
//!
//! let support = registry::find(Point::TYPE_NAME).ok_or("unknown type")?;
//! assert_eq!((support.to_json)(&bytes)?["y"], 2.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod cdr;
mod detections;
mod error;
pub mod image;
mod json;
mod message;
pub mod registry;
mod time;

pub use error::CdrError;
pub use message::{Message, Service};

include!(concat!(env!("OUT_DIR"), "/messages.rs"));

/// Keeps the README's example true.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
