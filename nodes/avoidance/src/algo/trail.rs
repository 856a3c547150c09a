//! Where the vehicle has been: space its own body proved to be free, and the way back out.
//!
//! A point joins the trail only where the vehicle was in space certified by sight (or vouched for at the start).
//! Were it to join because it lies near the trail itself, the trail could creep sideways into unseen space, a body's
//! width at a time.

use super::geometry::Vec3;

/// Points kept; at [`STEP`] apart this is 12 m of way.
const POINTS: usize = 80;
/// Distance between points, metres.
const STEP: f64 = 0.15;
/// How far beside the trail still counts as on it, metres.
pub const REACH: f64 = 0.15;
/// What odometry is taken to drift by (two sigma), m per square root of a second.
const DRIFT: f64 = 0.02;
/// Less reach than this is none, metres.
const LEAST_REACH: f64 = 0.05;

/// A ring of past positions (odom), oldest dropped first.
#[derive(Debug, Clone, Default)]
pub struct Trail {
    points: std::collections::VecDeque<(Vec3, i64)>,
}

impl Trail {
    /// Empty, with room for all it will ever hold.
    #[must_use]
    pub fn new() -> Self {
        Self { points: std::collections::VecDeque::with_capacity(POINTS + 1) }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.points.clear();
    }

    /// Notes a position that sight has certified, at `now` (ns).
    pub fn note(&mut self, at: Vec3, now: i64) {
        if self.points.back().is_none_or(|(last, _)| (at - *last).norm() >= STEP) {
            if self.points.len() == POINTS {
                self.points.pop_front();
            }
            self.points.push_back((at, now));
        }
    }

    /// True within reach of a noted position, at `now` (ns): [`REACH`] until it is `age` (ns) old, then less by as much as
    /// odometry may have drifted beyond that, but only for a vehicle that creeps.
    #[must_use]
    pub fn covers(&self, at: Vec3, now: i64, age: i64, creeping: bool) -> bool {
        let drift = |since: i64| DRIFT * ((now - since).max(0) as f64 * 1e-9).sqrt();
        let spare = DRIFT * (age as f64 * 1e-9).sqrt();
        self.points.iter().rev().any(|&(p, since)| {
            let reach = match now - since <= age {
                true => REACH,
                false if creeping => REACH + spare - drift(since),
                false => 0.0,
            };
            reach >= LEAST_REACH && (at - p).norm() <= reach
        })
    }

    /// The youngest noted position that lies `distance` or more from `from`: where to back off to.
    #[must_use]
    pub fn back(&self, from: Vec3, distance: f64) -> Option<Vec3> {
        self.points.iter().rev().map(|(p, _)| *p).find(|p| (from - *p).norm() >= distance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trail_covers_only_where_it_went_and_leads_back() {
        let mut trail = Trail::new();
        for i in 0..300 {
            trail.note(Vec3::new(f64::from(i) * 0.05, 0.0, 2.0), i64::from(i));
        }
        const AGE: i64 = 20_000_000_000;
        let covers =
            |x: f64, y: f64, now: i64, creeping| trail.covers(Vec3::new(x, y, 2.0), now, AGE, creeping);
        assert!(covers(10.0, 0.05, 300, false));
        assert!(!covers(10.0, 0.3, 300, false));
        assert!(!covers(0.0, 0.0, 300, false), "dropped long ago");
        // Three times as old: the half of what odometry may be off by is left.
        assert!(!covers(10.05, 0.02, 3 * AGE, false) && covers(10.05, 0.02, 3 * AGE, true));
        assert!(!covers(10.05, 0.12, 3 * AGE, true) && !covers(10.05, 0.0, 100 * AGE, true));
        let back = trail.back(Vec3::new(15.0, 0.0, 2.0), 1.0).unwrap();
        assert!((13.7..14.1).contains(&back.x), "{back:?}");
    }
}
