//! What can go wrong between a simulator and a flight controller, as sentences with a code PG-24xx.

use std::net::SocketAddr;

/// The result of every fallible function of this crate.
pub type Result<T, E = HilError> = std::result::Result<T, E>;

/// Every fault: cause, offending value, remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HilError {
    /// The address cannot be listened on.
    #[error(
        "PG-2401 cannot listen on {address} for {who}: {cause}. Another simulator may hold that port; end it, or choose another \
         address on both sides."
    )]
    Listen {
        /// Where.
        address: String,
        /// PX4 or ArduPilot.
        who: &'static str,
        /// What the system said.
        cause: std::io::Error,
    },
    /// Nobody came.
    #[error("PG-2402 {who} did not come to {address} within {seconds} s. Start it: {start}.")]
    Absent {
        /// PX4 or ArduPilot.
        who: &'static str,
        /// Where we listen.
        address: String,
        /// How long was waited, seconds.
        seconds: f64,
        /// How it is started.
        start: &'static str,
    },
    /// The connection ended.
    #[error(
        "PG-2403 {who} closed the connection at {at} s of simulated time{cause}. See its console; start both again."
    )]
    Gone {
        /// PX4 or ArduPilot.
        who: &'static str,
        /// Simulated time, seconds.
        at: f64,
        /// What the system said, with a colon before it; empty for an orderly end.
        cause: String,
    },
    /// It is there and does not answer.
    #[error(
        "PG-2404 {who} has not answered the step at {at} s of simulated time for {seconds} s{seen}. It hangs, or its lockstep is \
         off; raise autopilot.timeout if it is only slow or stands in a debugger."
    )]
    Silent {
        /// PX4 or ArduPilot.
        who: &'static str,
        /// Simulated time, seconds.
        at: f64,
        /// How long was waited, seconds.
        seconds: f64,
        /// What came instead.
        seen: String,
    },
    /// A datagram that is no servo packet.
    #[error(
        "PG-2405 {length} bytes from {from} are no servo packet of ArduPilot: {reason}. Start SITL with --model JSON, and send \
         nothing else to this port."
    )]
    Packet {
        /// Its length.
        length: usize,
        /// Who sent it.
        from: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The socket failed.
    #[error("PG-2406 talking with {who} failed: {cause}. Start both again.")]
    Socket {
        /// PX4 or ArduPilot.
        who: &'static str,
        /// What the system said.
        cause: std::io::Error,
    },
    /// It speaks another dialect of the lockstep.
    #[error(
        "PG-2407 PX4 answers without lockstep (flags {flags:#x} of HIL_ACTUATOR_CONTROLS). Build it for SITL with \
         ENABLE_LOCKSTEP_SCHEDULER (its default)."
    )]
    NoLockstep {
        /// What it sent.
        flags: u64,
    },
}

/// An address as text, or that nobody is known.
pub(crate) fn name(address: Option<SocketAddr>) -> String {
    address.map_or_else(|| "nobody".to_owned(), |a| a.to_string())
}
