//! Obstacle avoidance that stops in time: ranges, odometry and a goal in, a velocity command out.
//!
//! The invariant of this crate: *a velocity command other than "stop" is published only when the path it leads to,
//! and the braking that would follow if nothing were ever published again, stay inside space that was seen to be
//! free*. Unknown space is never free. Nothing a compiler can check keeps this true; `tests/` flies it.
//!
//! Three nouns, in the order the data meets them:
//!
//! 1. [`algo::view::RangeView`]: one depth image, min-pooled, with every obstacle grown to the size of the vehicle.
//! 2. [`algo::memory::Memory`]: the current view, and the few views before it that saw what is now out of sight.
//! 3. [`algo::planner::Planner`]: the state machine that picks a candidate velocity and certifies it.
//!
//! `algo` holds pure functions and structs; it knows no runtime and no clock. `node` wires it to topics.

pub mod algo;
pub mod error;
pub mod inputs;
pub mod node;
pub mod outputs;
pub mod params;

pub use node::{AvoidanceNode, PEREGRINE_NODE};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
