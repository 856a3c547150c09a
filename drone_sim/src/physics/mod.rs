//! A multicopter in f64, stepped by 1 ms, and the controller that makes it follow a velocity.
//!
//! [`dynamics`] holds the equations of motion, [`rk4`] integrates any of them, [`controller`] and [`mixer`] turn a
//! velocity into rotor speeds, [`Quadrotor`] ties them to a clock that counts steps. No wall time, no allocation.

pub mod battery;
pub mod bodies;
pub mod controller;
mod craft;
pub mod dynamics;
pub mod gear;
mod hover;
pub mod joints;
pub mod mixer;
mod quadrotor;
pub mod rk4;
mod rotors;
mod state;
mod vehicle;
pub mod wind;
pub mod wing;

pub use battery::{Battery, BatterySpec};
pub use controller::{Command, Controller};
pub use gear::{Gear, Ground};
pub use quadrotor::{Quadrotor, STEP_NS, STEP_S, Sample};
pub use rotors::{MOST_ROTORS, Rotors};
pub use state::State;
pub use vehicle::{Motor, Rotor, Vehicle};
pub use wind::{Wind, WindSpec};
pub use wing::Wing;

#[cfg(test)]
mod many_tests;
#[cfg(test)]
mod tests;
