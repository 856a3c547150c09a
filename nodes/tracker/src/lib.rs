//! Tracks what the detector finds: detections, depth and odometry in; numbered things with place and velocity out.
//!
//! The invariant of this crate: *a number is given once, and stays with its thing as long as the thing can be told from
//! its neighbours; and nothing that is published makes a thing smaller than it was measured*. A thing that was not
//! seen is carried on with growing uncertainty, and dropped after a stated time.
//!
//! Three nouns, in the order the data meets them:
//!
//! 1. [`algo::found::Found`]: one detection that is fit to be used, in tangents of the camera, with its depth if any.
//! 2. [`algo::track::Track`]: a numbered thing: its box in the picture ([`algo::image_filter`]) and its place in odom
//!    ([`algo::space_filter`]).
//! 3. [`algo::tracker::Tracker`]: the association of one with the other, and the life of tracks.
//!
//! `algo` holds pure functions and structs; it knows no runtime and no clock. `node` wires it to topics.

pub mod algo;
pub mod error;
pub mod message;
pub mod node;
pub mod params;

pub use node::{PEREGRINE_NODE, TrackerNode};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
