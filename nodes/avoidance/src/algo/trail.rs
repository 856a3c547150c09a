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

    /// True within [`REACH`] of a position noted less than `age` ns before `now`: odometry drifts.
    #[must_use]
    pub fn covers(&self, at: Vec3, now: i64, age: i64) -> bool {
        self.points.iter().rev().any(|&(p, since)| now - since <= age && (at - p).norm() <= REACH)
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
        let covers = |x: f64, y: f64, now: i64| trail.covers(Vec3::new(x, y, 2.0), now, AGE);
        assert!(covers(10.0, 0.05, 300));
        assert!(!covers(10.0, 0.3, 300));
        assert!(!covers(0.0, 0.0, 300), "dropped long ago");
        assert!(!covers(10.0, 0.05, 2 * AGE), "odometry has drifted since");
        let back = trail.back(Vec3::new(15.0, 0.0, 2.0), 1.0).unwrap();
        assert!((13.7..14.1).contains(&back.x), "{back:?}");
    }
}
