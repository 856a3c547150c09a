//! PX4's simulator interface: HIL_SENSOR, HIL_GPS and HIL_STATE_QUATERNION out, HIL_ACTUATOR_CONTROLS in.
//!
//! The simulator listens, PX4 connects. Source: the PX4 guide, "Simulation: MAVLink API"; the MAVLink dialect `common`.

mod link;
mod lockstep;
mod messages;

#[cfg(test)]
pub(crate) use messages::still;

pub use link::{Link, Settings};
pub use lockstep::{Counts, Lockstep};

/// The port that PX4's first instance connects to; instance n takes this plus n.
pub const PORT: u16 = 4560;

/// For fuzzing: any bytes as what PX4 sends.
pub(crate) fn fuzz(data: &[u8]) {
    let mut lockstep = Lockstep::default();
    let mut out = Vec::new();
    for (n, piece) in data.chunks(37).enumerate() {
        lockstep.tell(&messages::still(n as i64 * 4_000_000), &mut out);
        lockstep.feed(piece, &mut out);
        if let Some(motors) = lockstep.answer() {
            assert!(motors.throttle.iter().all(|t| (0.0..=1.0).contains(t)), "{motors:?}");
        }
        // Every answer of ours is an answer to a frame of theirs: at most one each.
        assert!(out.len() <= 1024 + 64 * data.len(), "{} bytes out of {}", out.len(), data.len());
        out.clear();
    }
}
