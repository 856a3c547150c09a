//! Time and clocks. Nodes are handed the time; whether it is simulated is not their business.

use std::ops::{Add, Sub};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use peregrine_msgs::builtin_interfaces;

/// A point in time: nanoseconds since the epoch of the clock in use (Unix epoch, or the simulation's start).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(pub i64);

impl Time {
    /// The start of the clock's epoch.
    pub const ZERO: Self = Self(0);

    /// From seconds; for tests and configuration, not for arithmetic in a loop.
    pub fn from_secs_f64(seconds: f64) -> Self {
        Self((seconds * 1e9).round() as i64)
    }

    /// In seconds, rounded to f64.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 * 1e-9
    }

    /// As `builtin_interfaces/msg/Time`.
    pub fn to_msg(self) -> builtin_interfaces::Time {
        builtin_interfaces::Time::from_nanos(self.0)
    }

    /// From `builtin_interfaces/msg/Time`.
    pub fn from_msg(msg: &builtin_interfaces::Time) -> Self {
        Self(msg.to_nanos())
    }

    /// Seconds from `earlier` to `self`; negative when the clock went back.
    pub fn seconds_since(self, earlier: Self) -> f64 {
        (self.0 - earlier.0) as f64 * 1e-9
    }
}

impl Add<Duration> for Time {
    type Output = Self;
    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(rhs.as_nanos()).unwrap_or(i64::MAX)))
    }
}

impl Sub for Time {
    type Output = i64;
    fn sub(self, rhs: Self) -> i64 {
        self.0 - rhs.0
    }
}

/// Where a program's time comes from.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The system's wall clock, Unix epoch.
    System,
    /// A simulator's clock: advanced by the simulator, in this process or through `/clock`.
    Simulated(Arc<AtomicI64>),
}

impl Clock {
    /// A simulated clock that stands at zero.
    pub fn simulated() -> Self {
        Self::Simulated(Arc::new(AtomicI64::new(0)))
    }

    /// The time now.
    pub fn now(&self) -> Time {
        match self {
            Self::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Time(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
            }
            Self::Simulated(time) => Time(time.load(Ordering::Acquire)),
        }
    }

    /// Moves a simulated clock; a system clock is left alone.
    pub fn set(&self, to: Time) {
        if let Self::Simulated(time) = self {
            time.store(to.0, Ordering::Release);
        }
    }
}

/// `CLOCK_MONOTONIC`, ns: for latencies only, never for what a node computes.
pub fn monotonic_ns() -> i64 {
    i64::try_from(peregrine_frame::monotonic_ns()).unwrap_or(i64::MAX)
}
