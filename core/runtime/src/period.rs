//! The period of a timer, which its node can change while it runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// No timer ticks faster.
const SHORTEST: Duration = Duration::from_micros(1);

/// The period of a timer: give one to [`Setup::timer_every`](crate::Setup::timer_every), keep a clone, and
/// [`set`](Self::set) it. A shorter one holds within two of its own periods, a longer one after the next tick; in lockstep
/// any holds after the next tick.
#[derive(Debug, Clone)]
pub struct Period(Arc<AtomicU64>);

impl Period {
    /// A period of that length, of node-clock time; at least 1 us.
    pub fn new(period: Duration) -> Self {
        let this = Self(Arc::default());
        this.set(period);
        this
    }

    /// Changes it.
    pub fn set(&self, period: Duration) {
        let ns = u64::try_from(period.max(SHORTEST).as_nanos()).unwrap_or(u64::MAX);
        self.0.store(ns, Ordering::Relaxed);
    }

    /// How long it is now.
    pub fn get(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}
