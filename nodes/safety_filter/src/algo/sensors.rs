//! How far each range sensor is to be believed: one that has ever spoken must go on speaking, and say something new.

use super::ingest::{Repeats, Worth};
use super::vector::V;

/// A sweep with fewer valid rays than this is none: a covered sensor.
const LEAST_VALID: f64 = 0.1;

/// Why a sweep was not used, for people: what is missing is told by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unused {
    /// Of another type than is read.
    Unreadable,
    /// A depth image without a sound camera_info.
    NoCameraInfo,
    /// A depth image of another size than its camera_info.
    OtherSize,
    /// No pose of its time.
    NoPose,
    /// Too little of it is valid.
    Nothing,
    /// The same bytes while the vehicle moves.
    Repeats,
}

impl Unused {
    /// All of them, in order.
    pub const ALL: [Self; 6] =
        [Self::Unreadable, Self::NoCameraInfo, Self::OtherSize, Self::NoPose, Self::Nothing, Self::Repeats];

    /// Name of its count in the status.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unreadable => "unused_unreadable",
            Self::NoCameraInfo => "unused_without_camera_info",
            Self::OtherSize => "unused_other_size",
            Self::NoPose => "unused_without_pose",
            Self::Nothing => "unused_nothing_valid",
            Self::Repeats => "unused_repeats",
        }
    }

    /// What to do.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Unreadable => "cannot be read: publish depth as 32FC1 or 16UC1, points as FLOAT32 x, y, z",
            Self::NoCameraInfo => {
                "no camera_info with a focal length: remap depth/camera_info to the depth camera's"
            }
            Self::OtherSize => {
                "camera_info is of another size than the image: it belongs to another camera or mode"
            }
            Self::NoPose => {
                "no odometry within 60 ms of its stamp: odometry is slow, not yet trusted, or of another clock"
            }
            Self::Nothing => "less than a tenth of it is valid: the sensor is covered, or sees nothing",
            Self::Repeats => "the same bytes again while the vehicle moves: the sensor is frozen",
        }
    }
}

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
    unused: Option<Unused>,
    counts: [u64; Unused::ALL.len()],
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
            self.leave(Unused::Nothing);
            return Belief::Nothing;
        }
        self.blocked = (worth.deepest < radius).then_some(stamp);
        if frozen && self.blocked.is_none() {
            self.leave(Unused::Repeats);
            return Belief::Doubted;
        }
        self.unused = None;
        self.sensed = Some(self.sensed.map_or(stamp, |s| s.max(stamp)));
        Belief::Whole
    }

    /// Counts a sweep that is not used. True for the first of its kind.
    pub fn leave(&mut self, why: Unused) -> bool {
        self.unused = Some(why);
        let count = &mut self.counts[why as usize];
        *count += 1;
        *count == 1
    }

    /// Why its last sweep was not used; `None` when it was.
    #[must_use]
    pub fn unused(&self) -> Option<Unused> {
        self.unused
    }

    /// Sweeps left for that reason.
    #[must_use]
    pub fn left(&self, why: Unused) -> u64 {
        self.counts[why as usize]
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
        assert_eq!(one.unused(), Some(Unused::Nothing));
        assert_eq!(oldest(&[one.clone()]), Some(2));
        assert_eq!(one.judge(5, &Worth { deepest: 0.2, ..worth(3) }, AT, 0.3), Belief::Whole);
        assert_eq!((one.left(Unused::Nothing), one.left(Unused::Repeats), one.unused()), (1, 1, None));
        assert!(one.blocked(5) && !one.blocked(6));
        one.judge(6, &worth(4), AT, 0.3);
        assert!(!one.blocked(0));
    }
}
