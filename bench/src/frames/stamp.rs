//! The stamp that travels in the payload: in its first 24 bytes, and its sequence once more in the last 8.

use super::clock;

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Warm,
    Measured,
    Over,
}

/// A stamp as it came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stamp {
    pub phase: Phase,
    pub sent_ns: u64,
    /// First and last bytes are of the same frame.
    pub whole: bool,
}

/// Smallest payload that has room for it.
pub(super) const LEAST: usize = 32;

/// Stamps a payload with the present time: the last thing before it is published.
pub(super) fn write(bytes: &mut [u8], sequence: u64, phase: Phase) {
    if bytes.len() < LEAST {
        return;
    }
    let end = bytes.len() - 8;
    bytes[end..].copy_from_slice(&sequence.to_le_bytes());
    bytes[..8].copy_from_slice(&sequence.to_le_bytes());
    let phase = match phase {
        Phase::Warm => 0u64,
        Phase::Measured => 1,
        Phase::Over => 2,
    };
    bytes[8..16].copy_from_slice(&phase.to_le_bytes());
    bytes[16..24].copy_from_slice(&clock::now().to_le_bytes());
}

/// Reads it. `None` for a payload that is too short to hold one.
pub(super) fn read(bytes: &[u8]) -> Option<Stamp> {
    let word = |at: usize| bytes.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes);
    let sequence = word(0)?;
    let phase = match word(8)? {
        0 => Phase::Warm,
        1 => Phase::Measured,
        _ => Phase::Over,
    };
    Some(Stamp { phase, sent_ns: word(16)?, whole: word(bytes.len().checked_sub(8)?)? == sequence })
}
