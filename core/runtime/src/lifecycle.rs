//! Whether a node works at present: the part of the ROS 2 lifecycle that a running node has.
//!
//! A node is configured when it is built and active when it starts; from outside it can be deactivated, activated again
//! and finalized. It cannot be taken back to "unconfigured": what it declared is wired for good.

use std::sync::atomic::{AtomicU8, Ordering};

/// The state of one node, shared by its host and its services.
#[derive(Debug)]
pub(crate) struct Lifecycle(AtomicU8);

/// The primary states of `lifecycle_msgs/msg/State` that a running node can be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Primary {
    /// It gets no message and no tick.
    Inactive = 2,
    /// It works.
    Active = 3,
    /// Its `shutdown` has run; it stays silent.
    Finalized = 4,
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self(AtomicU8::new(Primary::Active as u8))
    }
}

impl Lifecycle {
    pub fn get(&self) -> Primary {
        match self.0.load(Ordering::Relaxed) {
            2 => Primary::Inactive,
            4 => Primary::Finalized,
            _ => Primary::Active,
        }
    }

    pub fn set(&self, state: Primary) {
        self.0.store(state as u8, Ordering::Relaxed);
    }
}
