//! What stands around: worlds by name, by seed, or from SDF.
//!
//! A [`World`] holds solids to touch, a scene to look at, things with labels, what moves (actors, links on joints, models on
//! wheels, free bodies), a start and a goal. [`build`] makes one from a name or a file name.

mod actor;
mod builtin;
mod clump;
mod craft_check;
mod craft_props;
mod drive;
mod edit;
mod export;
mod forest;
mod from_sdf;
mod identity;
mod looks;
mod loose;
mod mechanism;
mod meshes;
mod movement;
mod poisson;
mod stage;
mod world;

pub use actor::{ACTOR_STEP_NS, Walker};
pub use builtin::{NAMES, build};
pub use clump::Clump;
pub use drive::Drive;
pub use forest::{ForestSpec, Nursery, forest};
pub use from_sdf::from_sdf;
pub use loose::{Loose, Passer, Stir};
pub use mechanism::{Mechanism, Part};
pub use movement::Movement;
pub(crate) use movement::is_ground;
pub use poisson::{Area, scatter};
pub use stage::Stage;
pub use world::{Builder, Thing, ThingKind, World};
