//! When a sensor fires, exactly.

use crate::checkpoint::{Stateful, Tape};

/// Ticks of a sensor: tick k falls on `floor(k / rate)` in whole nanoseconds, so that a rate of 30 Hz gives exactly
/// thirty ticks in every second and no error adds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    millihertz: i64,
    next: i64,
}

impl Rate {
    /// `hertz` is rounded to a thousandth; 0 or less never fires. The first tick is at time 0.
    pub fn new(hertz: f64) -> Self {
        Self { millihertz: (hertz * 1000.0).round().max(0.0) as i64, next: 0 }
    }

    /// Index of the next tick: how many have fired.
    pub fn index(&self) -> i64 {
        self.next
    }

    /// Time of the next tick, nanoseconds; `None` if it never fires.
    pub fn next_ns(&self) -> Option<i64> {
        (self.millihertz > 0)
            .then(|| (i128::from(self.next) * 1_000_000_000_000 / i128::from(self.millihertz)) as i64)
    }

    /// If the next tick is due at `now` (nanoseconds), moves on and answers with its index.
    pub fn fire(&mut self, now: i64) -> Option<i64> {
        if self.next_ns()? > now {
            return None;
        }
        self.next += 1;
        Some(self.next - 1)
    }
}

impl Stateful for Rate {
    fn go_over(&mut self, tape: &mut Tape<'_>) {
        tape.i64(&mut self.next, 0..=i64::MAX / 1_000_000);
    }
}
