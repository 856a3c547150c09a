//! The clocks of the measurement, and waiting for one.

use rustix::thread::clock_nanosleep_absolute;
use rustix::time::{ClockId, Timespec, clock_gettime};

fn nanoseconds(time: Timespec) -> u64 {
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}

/// `CLOCK_MONOTONIC`, ns: the same for all processes of the host.
pub(crate) fn now() -> u64 {
    nanoseconds(clock_gettime(ClockId::Monotonic))
}

/// CPU time of all threads of this process, user and system, ns: the sum of what `getrusage` tells, but finer.
pub(crate) fn cpu() -> u64 {
    nanoseconds(clock_gettime(ClockId::ProcessCPUTime))
}

/// Sleeps until `at`, ns of `CLOCK_MONOTONIC`.
pub(crate) fn sleep_until(at: u64) {
    let request = Timespec {
        tv_sec: i64::try_from(at / 1_000_000_000).unwrap_or(i64::MAX),
        tv_nsec: i64::try_from(at % 1_000_000_000).unwrap_or(0),
    };
    // Interrupted by a signal, it is slept again.
    while clock_nanosleep_absolute(ClockId::Monotonic, &request).is_err() {}
}
