//! PX4 over its uXRCE-DDS bridge: the topics `fmu/in/*` and `fmu/out/*` of px4_msgs, as PX4 1.16 has them.
//!
//! The rule is the one of the MAVLink link, with PX4's other proof of life: `offboard_control_mode` and the setpoint leave
//! together, and only out of the call that was handed a fresh certified setpoint. All changes of axes are
//! [`crate::algo::axes`]'s.

pub mod convert;
pub mod node;
pub mod params;

pub use node::{PEREGRINE_NODE, Px4Node};
