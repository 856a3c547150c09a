//! MAVLink frames out of any bytes, and the axes of aviation: what the bridge to an autopilot and the simulator's side of one
//! have in common.
//!
//! Two nouns: [`decoder::Decoder`] believes frames with a right checksum and counts every other byte; [`axes::World`] turns
//! ENU and FLU into NED and FRD. Both are pure, and neither allocates for what a stranger sends.

pub mod axes;
pub mod decoder;

/// The library behind [`decoder`]: messages of the dialect `common`.
pub use mavlink;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
