//! What children inherit of signals.
//!
//! A signal that is ignored stays ignored across `exec`; one that is caught is answered by default again. So a signal
//! that this process ignores is caught here, with a handler that does nothing: for this process all is as before, and its
//! children end when they are told to. It needs no code between `fork` and `exec`.

use std::sync::{Arc, atomic::AtomicBool};

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use crate::error::{LaunchError, Result};

/// Signals that end a program and that its parent may have ignored.
const ENDING: [i32; 4] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT];

/// Sees to it that children started from now on answer the ending signals by default.
///
/// # Errors
/// [`LaunchError::Signals`] when the system refuses a handler.
pub(super) fn hand_on_no_ignored_signal() -> Result<()> {
    // Where there is no /proc, nothing is known to be ignored, and children inherit what there is.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    for signal in ENDING.into_iter().filter(|signal| is_ignored(&status, *signal)) {
        signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false)))
            .map_err(|error| LaunchError::Signals { reason: error.to_string() })?;
    }
    Ok(())
}

/// Whether `/proc/PID/status` says that the process ignores the signal: bit N-1 of the mask after `SigIgn:`.
fn is_ignored(status: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (signal - 1) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_is_read() {
        let status = "Name:\tsh\nSigBlk:\t0000000000000002\nSigIgn:\t0000000000000006\nSigCgt:\t0\n";
        let ignored: Vec<i32> = (1..=64).filter(|signal| is_ignored(status, *signal)).collect();
        assert_eq!(ignored, [SIGINT, SIGQUIT]);
        assert!(!is_ignored("", SIGINT) && !is_ignored("SigIgn:\tx\n", SIGINT));
    }
}
