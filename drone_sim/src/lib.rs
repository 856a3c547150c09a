//! drone_sim: a Gazebo-compatible flight simulator without a GPU
//!
//! Its nouns, in the order they meet: a [`scenario::World`] is what stands around, built from a seed or from an SDF
//! file ([`sdf`]); a [`physics::Quadrotor`] flies in it; [`sensors`] look at both.

pub mod autopilot;
pub mod batch;
pub mod checkpoint;
pub mod contact;
pub mod control;
pub mod dataset;
pub mod error;
pub mod flight;
pub mod gz;
pub mod node;
pub mod outfit;
pub mod physics;
pub mod rng;
pub mod scenario;
pub mod sdf;
pub mod sensors;
pub mod shape;
pub mod solids;

pub use error::{Result, SimError};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../../docs/simulation.md")]
struct Sensors;
