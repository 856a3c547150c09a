//! Things that move, as a tracker reports them, carried forward at constant velocity.
//!
//! A prediction can only ever close space: what depth sees stays where it is seen, and a track adds the places where the
//! thing will be. The ball around it grows with the time it was carried forward, because people turn.

use super::geometry::Vec3;

/// Slower than this stands still, m/s.
const WALKS: f64 = 0.4;
/// Tracks kept.
const MOST: usize = 64;
/// Farther ahead nothing is predicted, seconds.
pub const HORIZON: f64 = 3.0;
/// Growth of the radius per second carried forward, m/s.
const GROWTH: f64 = 0.25;
/// Tracks older than this are dropped, ns.
const OLDEST: i64 = 1_000_000_000;

/// One tracked thing: an upright cylinder about its middle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Track {
    /// Middle, odom, metres.
    pub position: Vec3,
    /// Odom, m/s.
    pub velocity: Vec3,
    /// Metres, class margin included.
    pub radius: f64,
    /// Half of its height, metres.
    pub half_height: f64,
}

impl Track {
    /// Metres from `at` to its surface when it has moved on for `time` seconds; negative inside.
    fn gap(&self, at: Vec3, time: f64) -> f64 {
        let d = at - (self.position + self.velocity * time);
        let side = d.norm_xy() - self.radius;
        let above = d.z.abs() - self.half_height;
        let gap = if side > 0.0 && above > 0.0 { side.hypot(above) } else { side.max(above) };
        gap - GROWTH * time.min(HORIZON)
    }

    fn sound(&self) -> bool {
        self.position.is_finite()
            && self.velocity.is_finite()
            && self.velocity.norm() < 40.0
            && (0.0..20.0).contains(&self.radius)
            && (0.0..20.0).contains(&self.half_height)
    }
}

/// The tracks that count.
#[derive(Debug, Clone, Default)]
pub struct Movers {
    list: Vec<Track>,
    stamp: Option<i64>,
    /// When something last moved, ns.
    moved: Option<i64>,
}

impl Movers {
    /// None, with room for all that are kept.
    #[must_use]
    pub fn new() -> Self {
        Self { list: Vec::with_capacity(MOST), stamp: None, moved: None }
    }

    /// Takes the place of all tracks before. Those with numbers out of range are left out.
    pub fn set(&mut self, stamp: i64, tracks: impl Iterator<Item = Track>) {
        self.list.clear();
        self.list.extend(tracks.filter(Track::sound).take(MOST));
        self.stamp = Some(stamp);
        if self.list.iter().any(|t| t.velocity.norm() > WALKS) {
            self.moved = Some(stamp);
        }
    }

    /// True when something moved in the last `seconds` before `now` (ns).
    #[must_use]
    pub fn heard_within(&self, now: i64, seconds: f64) -> bool {
        self.moved.is_some_and(|at| (now - at) as f64 * 1e-9 <= seconds)
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.list.clear();
        (self.stamp, self.moved) = (None, None);
    }

    /// Age of the tracks at `now`, seconds.
    #[must_use]
    pub fn age(&self, now: i64) -> Option<f64> {
        self.stamp.map(|s| (now - s) as f64 * 1e-9)
    }

    /// The tracks as of `now` (ns), for questions about the time after.
    #[must_use]
    pub fn at(&self, now: i64) -> Ahead<'_> {
        let age = self.stamp.map_or(i64::MAX, |s| now.saturating_sub(s));
        let list = if (-OLDEST..=OLDEST).contains(&age) { &self.list[..] } else { &[] };
        Ahead { list, age: age.clamp(0, OLDEST) as f64 * 1e-9 }
    }
}

/// Tracks, seen from one moment.
#[derive(Debug, Clone, Copy)]
pub struct Ahead<'a> {
    list: &'a [Track],
    age: f64,
}

impl Ahead<'_> {
    /// Nothing moves.
    pub const NONE: Self = Self { list: &[], age: 0.0 };

    /// True when there is nothing to look out for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Metres from `at` to the nearest of them, `time` seconds from the moment.
    #[must_use]
    pub fn gap(&self, at: Vec3, time: f64) -> f64 {
        self.list.iter().map(|t| t.gap(at, self.age + time)).fold(f64::INFINITY, f64::min)
    }

    /// The least gap (m) on a straight flight from `from` at `velocity` that begins `start` seconds from the moment, within
    /// [`HORIZON`], and when it is reached (s).
    #[must_use]
    pub fn closest(&self, from: Vec3, velocity: Vec3, start: f64) -> (f64, f64) {
        let mut best = (f64::INFINITY, HORIZON);
        for track in self.list {
            let d = from - (track.position + track.velocity * (self.age + start));
            let w = velocity - track.velocity;
            let ww = w.x * w.x + w.y * w.y;
            let time = if ww > 1e-6 { (-(d.x * w.x + d.y * w.y) / ww).clamp(0.0, HORIZON) } else { 0.0 };
            let gap = track.gap(from + velocity * time, self.age + start + time);
            if gap < best.0 {
                best = (gap, time);
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walker() -> Track {
        Track {
            position: Vec3::new(10.0, -3.0, 1.0),
            velocity: Vec3::new(0.0, 1.5, 0.0),
            radius: 0.3,
            half_height: 0.9,
        }
    }

    #[test]
    fn a_walker_is_where_it_will_be() {
        let mut movers = Movers::new();
        movers.set(0, std::iter::once(walker()));
        let ahead = movers.at(500_000_000);
        let met = ahead.gap(Vec3::new(10.0, 0.0, 1.0), 1.5);
        assert!((met - (-0.3 - GROWTH * 2.0)).abs() < 1e-9, "{met}");
        assert!(ahead.gap(Vec3::new(10.0, 0.0, 4.0), 1.5) > 1.5, "above it");
        let (gap, time) = ahead.closest(Vec3::new(2.0, 0.0, 1.0), Vec3::new(5.0, 0.0, 0.0), 0.0);
        assert!(gap < 0.0 && (1.2..1.8).contains(&time), "{gap} {time}");
        assert!(movers.at(1_600_000_000).is_empty(), "too old");
    }

    #[test]
    fn nonsense_is_left_out() {
        let mut movers = Movers::new();
        let bad = Track { velocity: Vec3::new(f64::NAN, 0.0, 0.0), ..walker() };
        movers.set(0, [bad, walker()].into_iter());
        assert_eq!(movers.list.len(), 1);
        assert!(movers.at(i64::MIN).is_empty() && movers.at(i64::MAX).is_empty());
    }
}
