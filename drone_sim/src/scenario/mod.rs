//! What stands around: worlds by name, by seed, or from SDF.
//!
//! A [`World`] is built once and does not change: solids to touch, a scene to look at, things with labels, a start
//! and a goal. [`build`] makes one from a name or a file name.

mod builtin;
mod edit;
mod export;
mod forest;
mod from_sdf;
mod looks;
mod meshes;
mod poisson;
mod world;

pub use builtin::{NAMES, build};
pub use forest::{ForestSpec, Nursery, forest};
pub use from_sdf::from_sdf;
pub use poisson::{Area, scatter};
pub use world::{Builder, Thing, ThingKind, World};
