//! Links that hang together by joints: doors, pendulums, gates, arms.
//!
//! In joint coordinates, so a joint never comes apart: positions and speeds of the joints are the state, and the accelerations are found
//! by the articulated-body algorithm. Source: Featherstone, "Rigid Body Dynamics Algorithms", 2008, chapter 7. RK4 at the steps of
//! the vehicle.
//!
//! Invariant: parents stand before their children in the list, so one pass forth and one back see every link after what it
//! hangs on.

mod tree;

pub use tree::{Body, Freedom, Law, Tree};

#[cfg(test)]
mod tests;
