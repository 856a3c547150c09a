//! How far each range sensor is to be believed: one that has ever spoken must go on speaking, and say something new.

use super::ingest::{Repeats, Worth};
use super::vector::V;

/// A sweep with fewer valid rays than this is none: a covered sensor.
const LEAST_VALID: f64 = 0.1;

/// What a sweep may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Belief {
    /// Nothing: too little of it is valid.
    Nothing,
    /// It repeats itself: its surfaces bind, and it proves nothing free.
    Doubted,
    /// All that it says.
    Whole,
}

/// One range sensor, as it was heard so far.
#[derive(Debug, Clone, Default)]
pub struct Sensor {
    heard: bool,
    sensed: Option<i64>,
    repeats: Repeats,
    blocked: Option<i64>,
}

impl Sensor {
    /// A message came, whatever it holds: from now on the vehicle stops when this sensor does not deliver.
    pub fn hear(&mut self) {
        self.heard = true;
    }

    /// Judges the sweep taken at `stamp` (ns) from `at` (odom), of a body of `radius` metres.
    ///
    /// A sweep of nothing beyond the body's own surface is a covered or a touching sensor. It stops the vehicle whatever else is
    /// known, also when it repeats: points so near would soon lie behind a fast vehicle, and count no more.
    pub fn judge(&mut self, stamp: i64, worth: &Worth, at: V, radius: f64) -> Belief {
        let frozen = worth.digest.is_some_and(|digest| self.repeats.frozen(digest, at));
        if worth.valid < LEAST_VALID {
            return Belief::Nothing;
        }
        self.blocked = (worth.deepest < radius).then_some(stamp);
        if frozen && self.blocked.is_none() {
            return Belief::Doubted;
        }
        self.sensed = Some(self.sensed.map_or(stamp, |s| s.max(stamp)));
        Belief::Whole
    }

    /// What was seen lies elsewhere now: it must be seen anew.
    pub fn forget(&mut self) {
        self.sensed = None;
    }

    /// True when it saw nothing but what is nearer than the body's surface, after `since` (ns).
    #[must_use]
    pub fn blocked(&self, since: i64) -> bool {
        self.blocked.is_some_and(|stamp| stamp >= since)
    }
}

/// The stamps (ns) that count: of all sensors that were ever heard. `None` when there is none, or one of them has shown nothing yet.
#[must_use]
pub fn stamps(sensors: &[Sensor]) -> Option<impl Iterator<Item = i64> + '_> {
    let heard = || sensors.iter().filter(|s| s.heard);
    let all = heard().next().is_some() && heard().all(|s| s.sensed.is_some());
    all.then(|| heard().filter_map(|s| s.sensed))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: V = [0.0; 3];

    fn worth(digest: u64) -> Worth {
        Worth { valid: 1.0, digest: Some(digest), deepest: 9.0 }
    }

    fn oldest(sensors: &[Sensor]) -> Option<i64> {
        stamps(sensors)?.min()
    }

    #[test]
    fn the_slowest_of_those_that_ever_spoke_counts() {
        let mut both = [Sensor::default(), Sensor::default()];
        assert_eq!(oldest(&both), None);
        both[0].hear();
        assert_eq!(oldest(&both), None, "heard, and nothing seen");
        assert_eq!(both[0].judge(5, &worth(1), AT, 0.3), Belief::Whole);
        assert_eq!(oldest(&both), Some(5), "who never spoke is not there");
        both[1].hear();
        assert_eq!(oldest(&both), None);
        both[1].judge(9, &worth(2), AT, 0.3);
        both[1].judge(7, &worth(3), AT, 0.3);
        assert_eq!(oldest(&both), Some(5));
        both[0].judge(20, &worth(4), AT, 0.3);
        assert_eq!(oldest(&both), Some(9), "late sweeps do not set it back");
        both[0].forget();
        assert_eq!(oldest(&both), None);
    }

    #[test]
    fn what_repeats_is_doubted_and_what_is_covered_blocks() {
        let mut one = Sensor::default();
        one.hear();
        for stamp in 0..3 {
            assert_eq!(one.judge(stamp, &worth(1), AT, 0.3), Belief::Whole, "at rest that is honest");
        }
        assert_eq!(one.judge(3, &worth(1), [0.5, 0.0, 0.0], 0.3), Belief::Doubted);
        assert_eq!(one.judge(4, &Worth { valid: 0.05, ..worth(2) }, AT, 0.3), Belief::Nothing);
        assert_eq!(oldest(&[one.clone()]), Some(2));
        assert_eq!(one.judge(5, &Worth { deepest: 0.2, ..worth(3) }, AT, 0.3), Belief::Whole);
        assert!(one.blocked(5) && !one.blocked(6));
        one.judge(6, &worth(4), AT, 0.3);
        assert!(!one.blocked(0));
    }
}
