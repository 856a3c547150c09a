//! Where the vehicle has been: space its own body proved to be free, and the way back out.
//!
//! A point joins the trail only where the vehicle was in space certified by sight (or vouched for at the start).
//! Were it to join because it lies near the trail itself, the trail could creep sideways into unseen space, a body's
//! width at a time.
//!
//! Beside it the path itself is kept for a short while, seen or not: wind pushes a vehicle at rest off the places that were seen, and
//! the way back to where its body was a moment ago is the safest there is. It has no width to creep along, and serves
//! moves back along it alone.

use super::geometry::Vec3;

/// Points kept; at [`STEP`] apart this is 12 m of way.
const POINTS: usize = 80;
/// Distance between points, metres.
const STEP: f64 = 0.15;
/// How far beside the trail still counts as on it, metres.
pub const REACH: f64 = 0.15;
/// Points of the path kept, and the distance between them, metres.
const PATH_POINTS: usize = 160;
const PATH_STEP: f64 = 0.04;
/// How far beside the path still counts as on it, metres: less than the smallest margin.
const PATH_REACH: f64 = 0.05;
/// Older points of the path prove nothing, ns: odometry drifts, and things come.
const PATH_AGE: i64 = 20_000_000_000;

/// A ring of past positions (odom), oldest dropped first.
#[derive(Debug, Clone, Default)]
pub struct Trail {
    points: std::collections::VecDeque<(Vec3, i64)>,
    path: std::collections::VecDeque<(Vec3, i64)>,
}

impl Trail {
    /// Empty, with room for all it will ever hold.
    #[must_use]
    pub fn new() -> Self {
        Self {
            points: std::collections::VecDeque::with_capacity(POINTS + 1),
            path: std::collections::VecDeque::with_capacity(PATH_POINTS + 1),
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.points.clear();
        self.path.clear();
    }

    /// Notes where the vehicle is, whatever was seen.
    pub fn pass(&mut self, at: Vec3, now: i64) {
        match self.path.back_mut() {
            // It stands: the same place, proven anew.
            Some((last, since)) if (at - *last).norm() < PATH_STEP => *since = now,
            _ => {
                if self.path.len() == PATH_POINTS {
                    self.path.pop_front();
                }
                self.path.push_back((at, now));
            }
        }
    }

    /// As [`Self::pass`] for a vehicle that goes back: what it came by since it was here is taken up, as a thread is.
    pub fn take_up(&mut self, at: Vec3, now: i64) {
        while let [.., (before, _), (last, _)] = *self.path.make_contiguous()
            && (at - before).norm() <= (at - last).norm()
        {
            self.path.pop_back();
        }
        if let Some((last, since)) = self.path.back_mut()
            && (at - *last).norm() < PATH_STEP
        {
            *since = now;
        }
    }

    /// True on the path of the last seconds before `now` (ns): the vehicle's middle was there.
    #[must_use]
    pub fn passed(&self, at: Vec3, now: i64) -> bool {
        self.passed_since(at, now - PATH_AGE)
    }

    /// True on the path since `time` (ns).
    #[must_use]
    pub fn passed_since(&self, at: Vec3, time: i64) -> bool {
        let mut after: Option<Vec3> = None;
        for &(p, since) in self.path.iter().rev() {
            if since < time {
                return false;
            }
            // Between two points it flew, but for jumps.
            let nearest = match after {
                Some(q) if (q - p).norm() < 3.0 * PATH_STEP => {
                    let leg = q - p;
                    let along = ((at - p).dot(leg) / leg.dot(leg).max(1e-12)).clamp(0.0, 1.0);
                    p + leg * along
                }
                _ => p,
            };
            if (at - nearest).norm() <= PATH_REACH {
                return true;
            }
            after = Some(p);
        }
        false
    }

    /// The youngest point of the path, not older than seconds, that lies `distance` (m) or more from `from`.
    #[must_use]
    pub fn retrace(&self, from: Vec3, distance: f64, now: i64) -> Option<Vec3> {
        let young = self.path.iter().rev().take_while(|(_, since)| now - since <= PATH_AGE);
        young.map(|(p, _)| *p).find(|p| (from - *p).norm() >= distance)
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
    fn the_path_is_narrow_short_and_has_no_width_to_creep_along() {
        let mut trail = Trail::new();
        for i in 0..100 {
            trail.pass(Vec3::new(f64::from(i) * 0.03, 0.0, 2.0), i64::from(i) * 100_000_000);
        }
        let now = 10_000_000_000;
        assert!(
            trail.passed(Vec3::new(1.5, 0.04, 2.0), now) && !trail.passed(Vec3::new(1.5, 0.07, 2.0), now)
        );
        assert!(!trail.passed(Vec3::new(1.5, 0.0, 2.0), now + PATH_AGE));
        assert!(!trail.covers(Vec3::new(1.5, 0.0, 2.0), now, PATH_AGE), "not seen is not seen");
        let back = trail.retrace(Vec3::new(2.97, 0.0, 2.0), 0.25, now).unwrap();
        assert!((2.6..2.73).contains(&back.x), "{back:?}");
        // Going back takes up the thread: the next point back is not the one it just came from.
        let mut thread = trail.clone();
        for i in 1..=10 {
            thread.take_up(Vec3::new(2.97 - f64::from(i) * 0.03, 0.0, 2.0), now);
        }
        let back = thread.retrace(Vec3::new(2.67, 0.0, 2.0), 0.25, now).unwrap();
        assert!((2.3..2.43).contains(&back.x), "{back:?}");
        assert!(!thread.passed(Vec3::new(2.97, 0.0, 2.0), now), "taken up");
        // Standing keeps a place young.
        for i in 0..300 {
            trail.pass(Vec3::new(2.97, 0.0, 2.0), now + i * 100_000_000);
        }
        assert!(trail.passed(Vec3::new(2.97, 0.0, 2.0), now + 30_000_000_000));
    }

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
