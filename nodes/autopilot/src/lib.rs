//! The bridge to PX4 and ArduPilot over MAVLink: certified velocity setpoints, obstacle distances and odometry out;
//! odometry, battery and state in.
//!
//! The invariant of this crate: *a setpoint and a heartbeat leave only out of the call that was handed a fresh certified
//! setpoint*. When the planner dies, both end, and the autopilot's own fail-safe takes over. A timer that kept the link
//! "alive" would be the fault that no test of the planner can find.
//!
//! Three nouns, in the order the data meets them:
//!
//! 1. [`link::Link`]: UDP, TCP or serial, opened again and again, never waited for.
//! 2. [`algo::decoder::Decoder`]: bytes to MAVLink frames, with everything else counted.
//! 3. [`algo::gate::Gate`]: what a setpoint must be to reach the vehicle.
//!
//! All changes of axes (ENU and FLU to NED and FRD) are in [`algo::axes`] and nowhere else.

pub mod algo;
pub mod error;
pub mod link;
mod message;
pub mod node;
pub mod params;
pub mod px4;
mod uplink;

pub use node::{AutopilotNode, PEREGRINE_NODE};

/// For fuzzing: any bytes as a link's input, whole and in pieces; what is read must be written and read again.
pub fn fuzz(data: &[u8]) {
    use algo::decoder::{Decoder, encode};
    let (mut whole, mut pieces) = (Decoder::default(), Decoder::default());
    let (mut first, mut second) = (Vec::new(), Vec::new());
    whole.feed(data, |header, message| first.push((*header, message.clone())));
    for piece in data.chunks(7) {
        pieces.feed(piece, |header, message| second.push((*header, message.clone())));
    }
    // NaN is not equal to itself: the text of both is.
    assert_eq!(format!("{first:?}"), format!("{second:?}"));
    for (header, message) in &first {
        message::probe(message);
        let mut bytes = Vec::new();
        encode(*header, message, &mut bytes);
        let mut again = Vec::new();
        Decoder::default().feed(&bytes, |_, message| again.push(message.clone()));
        assert_eq!(again.len(), 1, "{message:?} is not read again");
    }
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
