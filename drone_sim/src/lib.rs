//! drone_sim: a Gazebo-compatible flight simulator without a GPU
//!
//! Its nouns, in the order they meet: a [`scenario::World`] is what stands around, built from a seed or from an SDF
//! file ([`sdf`]); a [`physics::Quadrotor`] flies in it; [`sensors`] look at both.

pub mod error;
pub mod physics;
pub mod sdf;
pub mod shape;

pub use error::{Result, SimError};
