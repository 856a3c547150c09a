//! Bodies that nothing holds: boxes that fall, balls that roll, piles that stay, and what pushes them.
//!
//! Contacts, friction and rest are solved by rapier3d in f64, at the steps of the vehicle. What is here makes rapier's bodies of SDF's
//! shapes and masses ([`Part`], [`Matter`]), and keeps to what the simulator promises:
//!
//! Invariant: where bodies are depends on what was added, moved and stepped, in that order, and on nothing else: no thread, no wall
//! time, no hash order. [`Space`] is one value that can be copied, set down and taken up, and goes on to the same bits.

mod form;
mod hold;
mod matter;
mod space;

pub use form::{Form, Grip, Part};
pub use hold::Hold;
pub use matter::Matter;
pub use space::{BodyId, CraftId, Habits, Jolt, Role, Space};

#[cfg(test)]
mod tests;
