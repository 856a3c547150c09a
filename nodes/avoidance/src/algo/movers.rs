//! Things that move, as a tracker reports them, carried forward at constant velocity.
//!
//! A prediction can only ever close space: what depth sees stays where it is seen, and a track adds the places where the
//! thing will be. The ball around it grows with the time it was carried forward, because people turn.
//!
//! A tracker forgets what left its view within half a second; what walks beside the vehicle has not gone for that. Such
//! things are carried on here while nothing looks where they should be.

use super::geometry::Vec3;
use super::plant::Plant;

/// Slower than this stands still, m/s.
const WALKS: f64 = 0.4;
/// Tracks kept.
const MOST: usize = 64;
/// Farther ahead nothing is predicted, seconds.
pub const HORIZON: f64 = 3.0;
/// Growth of the radius per second carried forward, m/s.
const GROWTH: f64 = 0.25;
/// Tracks older than this are dropped, ns.
const OLDEST: i64 = 5_000_000_000;
/// What should be in view is missed for so long at most, ns: trackers coast it themselves for a while.
const MISSED: i64 = 300_000_000;
/// A track this near to where another was expected is that other, metres.
const SAME: f64 = 0.8;

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

/// A track and when it was true, ns.
#[derive(Debug, Clone, Copy)]
struct Kept {
    track: Track,
    stamp: i64,
}

impl Kept {
    /// Seconds since it was true; `None` when it is too old, or from a time that is none.
    fn age(&self, now: i64) -> Option<f64> {
        let age = now.saturating_sub(self.stamp);
        (-OLDEST..=OLDEST).contains(&age).then(|| age.max(0) as f64 * 1e-9)
    }
}

/// The tracks that count.
#[derive(Debug, Clone, Default)]
pub struct Movers {
    list: Vec<Kept>,
    before: Vec<Kept>,
    stamp: Option<i64>,
    /// When something last moved, ns.
    moved: Option<i64>,
}

impl Movers {
    /// None, with room for all that are kept.
    #[must_use]
    pub fn new() -> Self {
        Self { list: Vec::with_capacity(MOST), before: Vec::with_capacity(MOST), stamp: None, moved: None }
    }

    /// Takes the place of the tracks before, but for those that moved and should be where nothing looks (`in_view`, of a place
    /// in odom). Tracks with numbers out of range are left out.
    pub fn set(&mut self, stamp: i64, tracks: impl Iterator<Item = Track>, in_view: impl Fn(Vec3) -> bool) {
        std::mem::swap(&mut self.list, &mut self.before);
        self.list.clear();
        self.list.extend(tracks.filter(Track::sound).take(MOST).map(|track| Kept { track, stamp }));
        let told = self.list.len();
        for kept in &self.before {
            let Some(age) = kept.age(stamp).filter(|_| self.list.len() < MOST) else { continue };
            let at = kept.track.position + kept.track.velocity * age;
            let same = |new: &Kept| (new.track.position - at).norm_xy() < SAME;
            let gone = stamp - kept.stamp > MISSED && in_view(at);
            if kept.track.velocity.norm() > WALKS && !gone && !self.list[..told].iter().any(same) {
                self.list.push(*kept);
            }
        }
        self.stamp = Some(stamp);
        if self.list[..told].iter().any(|k| k.track.velocity.norm() > WALKS) {
            self.moved = Some(stamp);
        }
    }

    /// Those that count, each as of its own stamp.
    pub fn list(&self) -> impl Iterator<Item = &Track> {
        self.list.iter().map(|k| &k.track)
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
        Ahead { list: &self.list, now }
    }
}

/// Tracks, seen from one moment.
#[derive(Debug, Clone, Copy)]
pub struct Ahead<'a> {
    list: &'a [Kept],
    now: i64,
}

/// How near a straight flight comes to one of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Meeting {
    /// Metres between the vehicle's middle and its surface, at the least.
    pub gap: f64,
    /// When that is, seconds from the start of the flight.
    pub time: f64,
    /// Where it is now, odom.
    pub at: Vec3,
}

impl Ahead<'_> {
    /// Nothing moves.
    pub const NONE: Self = Self { list: &[], now: 0 };

    fn each(&self) -> impl Iterator<Item = (&Track, f64)> {
        self.list.iter().filter_map(|k| Some((&k.track, k.age(self.now)?)))
    }

    /// True when there is nothing to look out for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.each().next().is_none()
    }

    /// Metres from `at` to the nearest of them, `time` seconds from the moment.
    #[must_use]
    pub fn gap(&self, at: Vec3, time: f64) -> f64 {
        self.each().map(|(t, age)| t.gap(at, age + time)).fold(f64::INFINITY, f64::min)
    }

    /// The nearest meeting on a straight flight from `from` at `velocity` that begins `start` seconds from the moment, within
    /// `horizon` seconds; `None` when nothing moves.
    #[must_use]
    pub fn closest(&self, from: Vec3, velocity: Vec3, start: f64, horizon: f64) -> Option<Meeting> {
        let meet = |(track, age): (&Track, f64)| {
            let d = from - (track.position + track.velocity * (age + start));
            let w = velocity - track.velocity;
            let ww = w.x * w.x + w.y * w.y;
            let time = if ww > 1e-6 { (-(d.x * w.x + d.y * w.y) / ww).clamp(0.0, horizon) } else { 0.0 };
            let gap = track.gap(from + velocity * time, age + start + time);
            Meeting { gap, time, at: track.position + track.velocity * age }
        };
        self.each().map(meet).min_by(|a, b| a.gap.total_cmp(&b.gap))
    }

    /// As [`Self::closest`], of a vehicle that flies at `velocity` and must be brought to `wanted` first, as `plant` answers.
    /// A flight that would pass clear if it could be begun at once may lead straight into what comes.
    #[must_use]
    pub fn meeting(
        &self,
        plant: &Plant,
        (from, velocity): (Vec3, Vec3),
        wanted: Vec3,
        start: f64,
        horizon: f64,
    ) -> Option<Meeting> {
        /// Seconds between the moments that are looked at while it turns, and the longest turn.
        const STEP: f64 = 0.08;
        const LONGEST: f64 = 1.6;
        /// Nearer than this it flies as it is wanted to, m/s.
        const TURNED: f64 = 0.15;
        if self.is_empty() {
            return None;
        }
        let (mut at, mut v, mut time) = (from, velocity, 0.0);
        let mut nearest: Option<Meeting> = None;
        let mut note = |met: Meeting| {
            if nearest.is_none_or(|n| met.gap < n.gap) {
                nearest = Some(met);
            }
        };
        while (wanted - v).norm() > TURNED && time < LONGEST.min(horizon) {
            // Half steps: the lag may be as short as a step.
            plant.step(&mut at, &mut v, wanted, 0.5 * STEP);
            plant.step(&mut at, &mut v, wanted, 0.5 * STEP);
            time += STEP;
            for (track, age) in self.each() {
                let gap = track.gap(at, age + start + time);
                note(Meeting { gap, time, at: track.position + track.velocity * age });
            }
        }
        if let Some(met) = self.closest(at, wanted, start + time, horizon - time) {
            note(Meeting { time: met.time + time, ..met });
        }
        nearest
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
        movers.set(0, std::iter::once(walker()), |_| true);
        let ahead = movers.at(500_000_000);
        let met = ahead.gap(Vec3::new(10.0, 0.0, 1.0), 1.5);
        assert!((met - (-0.3 - GROWTH * 2.0)).abs() < 1e-9, "{met}");
        assert!(ahead.gap(Vec3::new(10.0, 0.0, 4.0), 1.5) > 1.5, "above it");
        let met = ahead.closest(Vec3::new(2.0, 0.0, 1.0), Vec3::new(5.0, 0.0, 0.0), 0.0, HORIZON).unwrap();
        assert!(met.gap < 0.0 && (1.2..1.8).contains(&met.time) && (met.at.y + 2.25).abs() < 1e-9, "{met:?}");
        assert!(movers.at(5_100_000_000).is_empty(), "too old");
    }

    #[test]
    fn a_flight_that_must_be_turned_first_meets_what_an_instant_one_would_not() {
        // A drone crosses from the right; a vehicle at 4 m/s would miss it if it could stop or turn back at once.
        let drone = Track {
            position: Vec3::new(1.6, -2.4, 1.5),
            velocity: Vec3::new(-0.7, 3.9, 0.0),
            radius: 0.3,
            half_height: 0.2,
        };
        let mut movers = Movers::new();
        movers.set(0, std::iter::once(drone), |_| true);
        let ahead = movers.at(0);
        let plant = Plant { lag: 0.3, acceleration: 6.0 };
        let (here, fast) = (Vec3::new(0.0, 0.0, 1.5), Vec3::new(4.0, 0.0, 0.0));
        let back = Vec3::new(-3.0, 0.0, 0.0);
        let instant = ahead.closest(here, back, 0.1, HORIZON).unwrap();
        let real = ahead.meeting(&plant, (here, fast), back, 0.1, HORIZON).unwrap();
        assert!(instant.gap > 1.5 && real.gap < 0.5, "{instant:?} {real:?}");
        // One that flies as wanted already is judged alike by both.
        let (a, b) = (
            ahead.closest(here, fast, 0.1, HORIZON),
            ahead.meeting(&plant, (here, fast), fast, 0.1, HORIZON),
        );
        assert_eq!(a, b);
        assert!(movers.at(i64::MAX).meeting(&plant, (here, fast), back, 0.1, HORIZON).is_none());
    }

    #[test]
    fn who_left_the_view_is_still_there_and_who_left_the_place_is_not() {
        let mut movers = Movers::new();
        let second = |s: f64| (s * 1e9) as i64;
        let told = |movers: &mut Movers, s: f64, who: &[Track], view: fn(Vec3) -> bool| {
            movers.set(second(s), who.iter().copied(), view);
            movers.list().count()
        };
        let standing = Track { velocity: Vec3::ZERO, position: Vec3::new(5.0, 5.0, 1.0), ..walker() };
        told(&mut movers, 0.0, &[walker(), standing], |_| true);
        assert_eq!(told(&mut movers, 0.2, &[], |_| true), 1, "a miss");
        assert_eq!(told(&mut movers, 1.0, &[], |_| false), 1, "walked out of the view");
        let here = Vec3::new(10.0, -0.9, 1.0);
        assert!(movers.at(second(1.4)).gap(here, 0.0) < 0.0, "where it walked to");
        let back = Track { position: Vec3::new(10.3, -1.2, 1.0), ..walker() };
        assert_eq!(told(&mut movers, 1.2, &[back], |_| false), 1, "the same");
        assert_eq!(told(&mut movers, 1.8, &[], |at| at.y < 0.0), 0, "seen to be gone");
        told(&mut movers, 2.0, &[walker()], |_| true);
        assert_eq!(told(&mut movers, 6.9, &[], |_| false), 1, "a drone crosses a field meanwhile");
        assert_eq!(told(&mut movers, 7.1, &[], |_| false), 0, "not for ever");
    }

    #[test]
    fn nonsense_is_left_out() {
        let mut movers = Movers::new();
        let bad = Track { velocity: Vec3::new(f64::NAN, 0.0, 0.0), ..walker() };
        movers.set(0, [bad, walker()].into_iter(), |_| true);
        assert_eq!(movers.list.len(), 1);
        assert!(movers.at(i64::MIN).is_empty() && movers.at(i64::MAX).is_empty());
    }
}
