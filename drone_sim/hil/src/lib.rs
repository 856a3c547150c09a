//! PX4 and ArduPilot as they fly a simulator, in lockstep.
//!
//! Three nouns, in the order the data meets them:
//!
//! 1. [`Readings`]: what a simulator tells of one moment, sensors and truth, in ENU and FLU.
//! 2. [`px4::Lockstep`] and [`ardupilot::Frames`]: pure state machines that say what is due and what answers what.
//! 3. [`px4::Link`] and [`ardupilot::Link`]: the sockets around them. A `tell` and a `wait` by turns.
//!
//! The invariant: what was told is answered before the next is told. A simulator that went on without would still fly, a
//! little worse with every step that the machine was slow, and no test of either side would see it.

pub mod ardupilot;
mod error;
pub mod px4;
mod readings;

pub use error::{HilError, Result};
pub use readings::{Fix, Motors, Readings, Truth};

/// From one look at whether waiting shall end to the next.
pub(crate) const SLICE: std::time::Duration = std::time::Duration::from_millis(50);

/// What came of waiting: what the motors shall do from now on, or `None` if the caller asked to leave.
pub type Wait = Option<Motors>;

/// How many slices make so many seconds; at least one.
pub(crate) fn slices(seconds: f64) -> u64 {
    ((seconds / SLICE.as_secs_f64()).ceil() as u64).max(1)
}

/// For fuzzing: any bytes as what an autopilot sends; the first byte chooses which.
pub fn fuzz(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    if first % 2 == 0 { ardupilot::fuzz(rest) } else { px4::fuzz(rest) }
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
