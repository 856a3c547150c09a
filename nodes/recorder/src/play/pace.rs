//! When what of a bag is due: a point in the bag for every point in time, with rate, pause, jumps and a late start.

/// Largest step of time that is played: after a longer one (a suspended machine) playing goes on where it stood.
const LONGEST_STEP_NS: i64 = 1_000_000_000;

/// The hand that moves over a bag.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pace {
    /// Where it stands, nanoseconds of the bag.
    position: f64,
    /// When that was, nanoseconds of the node's clock; `None` before the first look.
    looked: Option<i64>,
    /// Nanoseconds of the node's clock until it starts to move.
    wait: i64,
    rate: f64,
    paused: bool,
}

impl Pace {
    /// Stands at the beginning of the bag; moves `rate` times as fast as time, `wait_ns` after the first look.
    pub(crate) fn new(rate: f64, wait_ns: i64, paused: bool) -> Self {
        Self { position: 0.0, looked: None, wait: wait_ns, rate, paused }
    }

    /// Where the hand stands at `now_ns`, nanoseconds after the bag's beginning.
    pub(crate) fn look(&mut self, now_ns: i64) -> u64 {
        let step = now_ns.saturating_sub(self.looked.unwrap_or(now_ns)).clamp(0, LONGEST_STEP_NS);
        self.looked = Some(now_ns);
        let waited = step.min(self.wait);
        self.wait -= waited;
        if !self.paused && self.wait == 0 {
            self.position += (step - waited) as f64 * self.rate;
        }
        self.position as u64
    }

    /// Whether it moves, or would if time went on.
    pub(crate) fn is_moving(&self) -> bool {
        !self.paused && self.wait == 0
    }

    /// From now on it moves so.
    pub(crate) fn set(&mut self, rate: f64, paused: bool) {
        (self.rate, self.paused) = (rate, paused);
    }

    /// Back to the beginning; time that passed while the hand stood behind the end is not made up for.
    pub(crate) fn restart(&mut self) {
        self.position = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    #[test]
    fn it_moves_as_fast_as_asked_and_stands_when_paused() {
        let mut pace = Pace::new(2.0, 5 * MS, false);
        assert_eq!(pace.look(100 * MS), 0);
        assert_eq!(pace.look(103 * MS), 0);
        assert!(!pace.is_moving(), "two more milliseconds to wait");
        assert_eq!(pace.look(106 * MS), 2_000_000);
        pace.set(0.5, false);
        assert_eq!(pace.look(108 * MS), 3_000_000);
        pace.set(0.5, true);
        assert_eq!(pace.look(500 * MS), 3_000_000);
        pace.set(1.0, false);
        assert_eq!(pace.look(501 * MS), 4_000_000);
        pace.restart();
        assert_eq!(pace.look(502 * MS), 1_000_000);
    }

    #[test]
    fn a_clock_that_jumps_is_not_followed() {
        let mut pace = Pace::new(1.0, 0, false);
        pace.look(0);
        assert_eq!(pace.look(3600 * 1000 * MS), 1_000_000_000, "a second at most");
        assert_eq!(pace.look(0), 1_000_000_000, "never back");
        assert_eq!(pace.look(i64::MIN), 1_000_000_000);
        assert_eq!(pace.look(i64::MAX), 2_000_000_000);
    }
}
