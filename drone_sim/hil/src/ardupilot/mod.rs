//! ArduPilot's JSON interface: servo packets in, a line of JSON out, over UDP.
//!
//! SITL (`--model JSON:127.0.0.1`) sends a binary packet of pulse widths and waits for the state; the simulator answers to where it came
//! from.

mod frames;
mod json;
mod link;
mod packet;

pub use frames::{Frames, Turn};
pub use json::write;
pub use link::{Link, Settings};
pub use packet::{Pulses, ServoPacket};

/// The port that SITL's first instance sends to.
pub const PORT: u16 = 9002;

/// For fuzzing: any bytes as a datagram, and the frames that a sender may make of it.
pub(crate) fn fuzz(data: &[u8]) {
    let mut frames = Frames::default();
    for piece in data.chunks(72) {
        let Ok(packet) = ServoPacket::decode(piece) else { continue };
        assert_eq!(ServoPacket::decode(&packet.encode()), Ok(packet));
        let before = frames.due_ns();
        if let Turn::Step = frames.take(&packet) {
            assert!(frames.due_ns() > before, "time goes on");
        }
        let motors = Pulses::default().motors(&packet);
        assert!(motors.throttle.iter().all(|t| (0.0..=1.0).contains(t)));
    }
}
