//! The clock that ages are measured with.

/// `CLOCK_MONOTONIC` now, ns. Only for measuring latency: nothing that is computed from pixels may depend on it.
pub fn monotonic_ns() -> u64 {
    let t = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    (t.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(t.tv_nsec as u64)
}
