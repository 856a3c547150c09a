//! The certificate: may this command be sent?
//!
//! The swept path of the command *and of the stop after it* is walked under two beliefs about the vehicle. Each
//! point must be known to be free: seen by a view, vouched for at the start, or been at before. The first
//! [`SETTLED`] metres are exempt, because the vehicle is there already and only leaving can help it; but the place
//! where it would come to rest never is, so that many short steps cannot add up to a walk into unseen space.

use std::ops::Deref;

use super::geometry::Vec3;
use super::memory::Memory;
use super::movers::Ahead;
use super::plant::Plant;
use super::trail::Trail;
use super::view::{Margin, Verdict};

/// Points this near to the start of the path need no certificate, metres.
pub const SETTLED: f64 = 0.2;
/// Distance between the points that are asked for, metres. Between two of them a ball of radius 0.5 m sags by 1 cm.
pub const SPACING: f64 = 0.2;

/// A place this far beyond the fence still counts as inside, metres.
const FENCE_SLACK: f64 = 0.05;

/// Space around a fixed place that somebody vouched for. It never moves with the vehicle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bubble {
    /// Its middle, odom.
    pub center: Vec3,
    /// How far the vehicle's centre may be from the middle, metres.
    pub radius: f64,
}

/// How far the vehicle's own path proves the way back along it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retracing {
    /// Not at all.
    No,
    /// Where nothing is seen now.
    Unseen,
    /// Wherever its body was since that time (ns), for a vehicle at rest that is pushed: a margin into which it came does not
    /// keep it from leaving again.
    Since(i64),
}

/// Everything that can prove a place to be free.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    /// Views; [`Memory::look_from`] must have been called.
    pub memory: &'a Memory,
    /// The start.
    pub bubble: Option<Bubble>,
    /// The way flown, where sight had certified it.
    pub trail: &'a Trail,
    /// Now (ns), and how long (ns) the trail counts in full.
    pub clock: (i64, i64),
    /// Lower and upper corner of the fence, metres in odom.
    pub fence: (Vec3, Vec3),
    /// What moves, as of now.
    pub ahead: Ahead<'a>,
    /// From now until the command acts, seconds.
    pub lead: f64,
    /// Room to keep from what moves, per [`Margin`]: body and margin, metres.
    pub grown: [f64; 2],
    /// Whether it goes back along its own path, and how far that is proof.
    pub retracing: Retracing,
}

impl<'a> Sources<'a> {
    /// For questions about places; `origin` is the one that the memory was asked to look from, odom.
    #[must_use]
    pub fn evidence(self, origin: Vec3) -> Evidence<'a> {
        Evidence { sources: self, origin }
    }
}

/// [`Sources`], seen from one place.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// What proves; [`Memory::look_from`] must have been called with `origin`.
    pub sources: Sources<'a>,
    /// The origin that the memory was asked to look from, odom.
    pub origin: Vec3,
}

impl<'a> Deref for Evidence<'a> {
    type Target = Sources<'a>;

    fn deref(&self) -> &Sources<'a> {
        &self.sources
    }
}

impl Evidence<'_> {
    fn local(&self, at: Vec3) -> [f32; 3] {
        let d = at - self.origin;
        [d.x as f32, d.y as f32, d.z as f32]
    }

    /// True when sight or the start's bubble proves `at` (odom) to be free.
    #[must_use]
    pub fn seen_free(&self, at: Vec3, margin: Margin) -> bool {
        match self.memory.verdict(self.local(at), margin) {
            Verdict::Free => true,
            Verdict::Hit => false,
            Verdict::Unknown => self.bubble.is_some_and(|b| (at - b.center).norm() <= b.radius),
        }
    }

    /// As [`Self::seen_free`], or been at before with nothing seen there now.
    #[must_use]
    pub fn free(&self, at: Vec3, margin: Margin) -> bool {
        self.seen_free(at, margin) || (self.been(at) && !self.is_hit(at, margin)) || self.passed(at, margin)
    }

    /// True where something is seen now within `margin` of `at` (odom).
    fn is_hit(&self, at: Vec3, margin: Margin) -> bool {
        self.memory.live_verdict(self.local(at), margin) == Verdict::Hit
    }

    fn passed(&self, at: Vec3, margin: Margin) -> bool {
        margin == Margin::Creep
            && match self.retracing {
                Retracing::No => false,
                Retracing::Unseen => self.trail.passed(at, self.clock.0) && !self.is_hit(at, margin),
                Retracing::Since(time) => {
                    self.trail.passed_since(at, time)
                        || self.trail.passed(at, self.clock.0) && !self.is_hit(at, margin)
                }
            }
    }

    /// On the trail, while it is young. Older points, or unproven ones, have led into contact in narrow passages: odometry
    /// drifts by more than the creeping margin leaves.
    fn been(&self, at: Vec3) -> bool {
        let (now, age) = self.clock;
        self.trail.covers(at, now, age)
    }

    /// Metres that can be flown from `from` in the unit direction `along` before something is not free.
    ///
    /// Zero when that way ends inside the start's bubble: the bubble bridges the gap between the vehicle and what it
    /// sees; it is no place to go to. A vehicle that went to its rim before it looked would find itself too near to
    /// unseen space to ever see it.
    #[must_use]
    pub fn reach(&self, from: Vec3, along: Vec3, limit: f64, margin: Margin) -> f64 {
        let mut distance = SETTLED;
        while distance + SPACING <= limit && self.free(from + along * (distance + SPACING), margin) {
            distance += SPACING;
        }
        let end = from + along * distance;
        let vouched = self.bubble.is_some_and(|b| (end - b.center).norm() <= b.radius)
            && self.memory.verdict(self.local(end), margin) != Verdict::Free
            && !self.been(end);
        if distance <= SETTLED || vouched { 0.0 } else { distance }
    }

    /// Certifies `wanted` (m/s, odom) from (`position`, `velocity`): held for `hold` seconds, then braked, under
    /// each of `plants`. The longest way to rest in metres, or `None` when any point is not known to be free.
    #[must_use]
    pub fn certify(
        &self,
        plants: &[Plant],
        position: Vec3,
        velocity: Vec3,
        wanted: Vec3,
        hold: f64,
        margin: Margin,
    ) -> Option<f64> {
        // Outside of the fence, coming back in is allowed.
        let (low, high) = self.fence;
        let within = |at: f64, low: f64, high: f64, from: f64| {
            at >= low.min(from) - FENCE_SLACK && at <= high.max(from) + FENCE_SLACK
        };
        let fence = |at: Vec3| {
            within(at.x, low.x, high.x, position.x)
                && within(at.y, low.y, high.y, position.y)
                && within(at.z, low.z, high.z, position.z)
        };
        let room = self.grown[margin as usize];
        let mut longest = 0.0_f64;
        for plant in plants {
            let length = plant.sweep(position, velocity, wanted, hold, SPACING, |at, time, last| {
                let near = (at - position).norm() <= SETTLED;
                fence(at)
                    && ((near && !last) || self.free(at, margin))
                    && (self.ahead.is_empty() || self.ahead.gap(at, self.lead + time) > room)
            })?;
            longest = longest.max(length);
        }
        Some(longest)
    }
}

#[cfg(test)]
mod tests {
    use super::super::depth::{Intrinsics, Lattice, Pooled};
    use super::super::geometry::{Pose, Quat};
    use super::super::memory::Keeping;
    use super::super::view::{Levels, StampTable};
    use super::*;

    /// A vehicle at (0, 0, 2) that looks along x at a wall `wall` metres ahead.
    fn memory(wall: f32) -> Memory {
        let lattice = Lattice::new(Intrinsics::new(42.0, 42.0, 39.5, 29.5, 80, 60).unwrap(), 80);
        let levels: Levels = [0.45, 0.31].map(|r| StampTable::new(&lattice, r, 0.0, 10.0));
        let keeping = Keeping { distance: 0.4, angle: 0.25, age: 10_000_000_000, margin: 0.0 };
        let mut memory = Memory::new(keeping, [0.45, 0.31]);
        let pose = Pose { position: Vec3::new(0.0, 0.0, 2.0), rotation: Quat::FLU_FROM_OPTICAL };
        let cells = Pooled::from_cells(vec![wall; 80 * 60]);
        memory.insert(&cells, &lattice, (&levels, &levels), &[], pose, 0);
        memory.look_from(pose.position, 0);
        memory
    }

    const START: Vec3 = Vec3::new(0.0, 0.0, 2.0);
    const PLANTS: [Plant; 2] =
        [Plant { lag: 0.35, acceleration: 3.8 }, Plant { lag: 0.15, acceleration: 7.0 }];

    fn evidence<'a>(memory: &'a Memory, trail: &'a Trail, bubble: f64) -> Evidence<'a> {
        let bubble = Some(Bubble { center: START, radius: bubble });
        Sources {
            memory,
            bubble,
            trail,
            clock: (0, 20_000_000_000),
            fence: (Vec3::new(-50.0, -3.0, 0.5), Vec3::new(50.0, 3.0, 6.0)),
            ahead: Ahead::NONE,
            lead: 0.1,
            grown: [0.45, 0.31],
            retracing: Retracing::No,
        }
        .evidence(START)
    }

    #[test]
    fn a_command_passes_only_with_room_to_stop() {
        let trail = Trail::new();
        let v = Vec3::new(4.0, 0.0, 0.0);
        let far = memory(9.0);
        let near = memory(3.5);
        let stop = evidence(&far, &trail, 0.9).certify(&PLANTS, START, v, v, 0.2, Margin::Full).unwrap();
        assert!((3.0..5.5).contains(&stop), "{stop}");
        assert!(evidence(&near, &trail, 0.9).certify(&PLANTS, START, v, v, 0.2, Margin::Full).is_none());
    }

    #[test]
    fn unseen_directions_are_never_certified_however_slow() {
        let (memory, trail) = (memory(9.0), Trail::new());
        let e = evidence(&memory, &trail, 0.0);
        for v in [Vec3::new(-0.3, 0.0, 0.0), Vec3::new(0.0, 0.2, 0.0), Vec3::new(0.0, 0.0, 0.3)] {
            assert!(e.certify(&PLANTS, START, Vec3::ZERO, v, 0.2, Margin::Creep).is_none(), "{v:?}");
        }
    }

    #[test]
    fn the_start_bubble_does_not_travel() {
        // Creeping: many tiny steps aside, each of which would fit into a bubble that came along.
        let (memory, trail) = (memory(9.0), Trail::new());
        let e = evidence(&memory, &trail, 0.9);
        let mut at = START;
        for _ in 0..200 {
            let v = Vec3::new(0.0, 0.1, 0.0);
            if e.certify(&PLANTS, at, Vec3::ZERO, v, 0.2, Margin::Creep).is_some() {
                at += v * 0.2;
            }
        }
        assert!(at.y <= 0.9 + 1e-9, "crept to {at:?}");
    }

    #[test]
    fn the_geofence_binds_and_may_be_re_entered() {
        let (memory, trail) = (memory(9.0), Trail::new());
        let mut e = evidence(&memory, &trail, 3.0);
        let climb = Vec3::new(0.0, 0.0, 1.0);
        e.sources.fence.1.z = 2.1;
        assert!(e.certify(&PLANTS, START, Vec3::ZERO, climb, 0.2, Margin::Full).is_none());
        (e.sources.fence.0.z, e.sources.fence.1.z) = (2.5, 6.0);
        assert!(e.certify(&PLANTS, START, Vec3::ZERO, climb, 0.2, Margin::Full).is_some());
        // Sideways too: it would come to rest farther on than where the fence is.
        let aside = |e: &Evidence<'_>, y| {
            e.certify(&PLANTS, START, Vec3::ZERO, Vec3::new(0.0, y, 0.0), 0.2, Margin::Full).is_some()
        };
        assert!(aside(&e, 2.0) && aside(&e, -2.0));
        e.sources.fence.1.y = 0.2;
        assert!(!aside(&e, 2.0) && aside(&e, -2.0));
    }
}
