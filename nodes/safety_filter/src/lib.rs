//! The last check before the vehicle: a velocity command in, a velocity command out that still stops in time.
//!
//! The invariant of this crate: *the command that leaves never points at a seen surface faster than the vehicle can
//! stop before it, whoever made the command*. The filter knows nothing of goals and plans; it keeps its own view of the
//! sensors, shares no code with the planner, and only ever takes speed away.
//!
//! 1. [`algo::shell::Shell`]: the nearest surface in each direction around the vehicle, kept for a while in odom.
//! 2. [`algo::filter::Filter`]: the limits that follow from it, from the fence, and from the age of the inputs.
//!
//! `node` wires it to topics.

pub mod algo;
pub mod cloud;
pub mod error;
pub mod node;
pub mod params;
mod report;

pub use node::{PEREGRINE_NODE, SafetyFilterNode};
