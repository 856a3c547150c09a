//! What the autopilot's clock is to ours, by TIMESYNC.
//!
//! We ask once a second with our time; the answer holds ours and theirs. Half of the round trip is the error at the most,
//! so the answers with the shortest way count: the offset follows only those within twice the best of the last while.

/// Answers after which the best round trip is forgotten, so that clocks may drift.
const MEMORY: u32 = 30;
/// Longer than this is no measurement, nanoseconds.
const LONGEST: i64 = 200_000_000;
/// Farther off than this the autopilot began anew, nanoseconds.
const RESTART: i64 = 500_000_000;

/// The offset of one autopilot's clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TimeSync {
    offset: Option<i64>,
    best: i64,
    age: u32,
}

impl TimeSync {
    /// Takes in an answer: `asked` is our time then, `theirs` what they answered, `now` our time now, nanoseconds.
    pub fn answer(&mut self, asked: i64, theirs: i64, now: i64) {
        let trip = now.saturating_sub(asked);
        if !(0..=LONGEST).contains(&trip) || theirs <= 0 {
            return;
        }
        let measured = asked.saturating_add(trip / 2).saturating_sub(theirs);
        self.age += 1;
        let restarted = self.offset.is_some_and(|o| o.abs_diff(measured) > RESTART as u64);
        if self.offset.is_none() || restarted || self.age > MEMORY {
            (self.offset, self.best, self.age) = (Some(measured), trip, 0);
        } else if trip <= self.best.saturating_mul(2) {
            let offset = self.offset.unwrap_or(measured);
            self.offset = Some(offset.saturating_add((measured - offset) / 4));
            self.best = self.best.min(trip);
        }
    }

    /// Their time in ours, nanoseconds; `None` until it is known.
    #[must_use]
    pub fn ours(&self, theirs_ns: i64) -> Option<i64> {
        self.offset.map(|offset| theirs_ns.saturating_add(offset))
    }

    /// Our time in theirs, nanoseconds; `None` until it is known.
    #[must_use]
    pub fn theirs(&self, ours_ns: i64) -> Option<i64> {
        self.offset.map(|offset| ours_ns.saturating_sub(offset))
    }

    /// The offset, nanoseconds to be added to their time.
    #[must_use]
    pub fn offset(&self) -> Option<i64> {
        self.offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    #[test]
    fn the_offset_is_found_in_spite_of_slow_answers() {
        let mut sync = TimeSync::default();
        assert_eq!(sync.ours(5), None);
        let truth = 1_000_000 * MS;
        for n in 0..40 {
            let asked = truth + n * 1000 * MS;
            // Every third answer waits 60 ms on its way back.
            let (there, back) = (2 * MS, if n % 3 == 2 { 60 * MS } else { 2 * MS });
            sync.answer(asked, asked + there - truth, asked + there + back);
        }
        assert!((sync.offset().unwrap() - truth).abs() < MS, "{:?}", sync.offset());
        let there = sync.theirs(truth + 500).unwrap();
        assert_eq!(sync.ours(there), Some(truth + 500));
    }

    #[test]
    fn an_autopilot_that_restarts_is_followed_and_nonsense_is_not() {
        let mut sync = TimeSync::default();
        sync.answer(100 * MS, 90_000 * MS, 102 * MS);
        sync.answer(200 * MS, 5 * MS, 202 * MS);
        assert_eq!(sync.ours(5 * MS), Some(201 * MS));
        let before = sync;
        for (asked, theirs, now) in
            [(300, 10, 200), (0, 10, LONGEST + 1), (0, -5, 1), (i64::MIN, 5, i64::MAX)]
        {
            sync.answer(asked, theirs, now);
            assert_eq!(sync, before);
        }
        sync.answer(i64::MAX - 1, i64::MAX, i64::MAX);
        let _ = sync.ours(i64::MIN);
    }
}
