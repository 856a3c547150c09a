//! The current view and the views before it: what left the field of view is remembered.
//!
//! Views are asked newest first, and the first that saw the place answers. This is the search of NanoMap (Florence
//! et al., "NanoMap: fast, uncertainty-aware proximity queries with lazy search over local 3D data", ICRA 2018):
//! no map is fused, so nothing is smeared; each view keeps its own pose. Remembered views are inflated by an extra
//! margin that covers the odometry's drift while they are remembered.
//!
//! Two rings: views apart in *place* (the way flown) and views apart in *direction* only (a look around). A look
//! around must not push out the views that saw the surroundings of the place where it is made.

use super::depth::{Lattice, Pooled};
use super::geometry::{Pose, Vec3};
use super::margins::MarginBox;
use super::view::{Levels, Margin, RangeView, Verdict};

/// Remembered views along the way.
const PLACES: usize = 32;
/// Remembered views of a look around.
const DIRECTIONS: usize = 28;
/// Views farther away than this are not asked, metres.
const ASK_WITHIN: f64 = 15.0;
/// Views are kept this many times as long as they answer at any speed.
const OLDER: i64 = 8;
/// What odometry is taken to drift by (two sigma), m per square root of a second.
const DRIFT: f32 = 0.02;

#[derive(Debug, Clone)]
struct Shot {
    /// One per [`Margin`].
    views: [RangeView; 2],
    /// Optical frame in odom.
    pose: Pose,
    stamp: i64,
    used: bool,
}

impl Default for Shot {
    fn default() -> Self {
        Self { views: Default::default(), pose: Pose::IDENTITY, stamp: 0, used: false }
    }
}

/// How to bring a point near the vehicle (odom axes, origin at the vehicle) into a view.
#[derive(Debug, Clone, Copy)]
struct Look {
    shot: usize,
    rows: [[f32; 3]; 3],
    offset: [f32; 3],
    /// What its pose may be off by, metres; only for creeping when not 0.
    drift: f32,
}

/// When a view is remembered, and for how long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Keeping {
    /// Distance between views, metres.
    pub distance: f64,
    /// Turn between views, radians.
    pub angle: f64,
    /// Oldest view that is asked at any speed, nanoseconds. Older ones still answer a vehicle that creeps, with a margin that
    /// grows as odometry drifts.
    pub age: i64,
    /// Drift that the margin of remembered views covers, metres.
    pub margin: f32,
}

/// The current view and its predecessors.
#[derive(Debug, Clone)]
pub struct Memory {
    keeping: Keeping,
    live: Shot,
    places: Vec<Shot>,
    directions: Vec<Shot>,
    next_place: usize,
    next_direction: usize,
    last_kept: Option<Pose>,
    looks: Vec<Look>,
}

impl Memory {
    /// Empty.
    #[must_use]
    pub fn new(keeping: Keeping) -> Self {
        Self {
            keeping,
            live: Shot::default(),
            places: vec![Shot::default(); PLACES],
            directions: vec![Shot::default(); DIRECTIONS],
            next_place: 0,
            next_direction: 0,
            last_kept: None,
            looks: Vec::with_capacity(PLACES + DIRECTIONS + 1),
        }
    }

    /// Makes room for views of `lattice`, so that [`Self::insert`] never allocates.
    pub fn reserve(&mut self, lattice: &Lattice) {
        let shots = self.places.iter_mut().chain(&mut self.directions).chain([&mut self.live]);
        shots.flat_map(|s| &mut s.views).for_each(|view| view.reserve(lattice));
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.live.used = false;
        self.places.iter_mut().chain(&mut self.directions).for_each(|s| s.used = false);
        self.last_kept = None;
        self.looks.clear();
    }

    /// Takes in one depth image, seen from `pose` (optical frame in odom) at `stamp` (ns).
    ///
    /// `now` inflates the current view, `kept` the remembered ones.
    pub fn insert(
        &mut self,
        pooled: &Pooled,
        lattice: &Lattice,
        (now, kept): (&Levels, &Levels),
        boxes: &[MarginBox],
        pose: Pose,
        stamp: i64,
    ) {
        fill(&mut self.live, pooled, lattice, now, boxes);
        (self.live.pose, self.live.stamp, self.live.used) = (pose, stamp, true);
        let (moved, turned) = self.last_kept.map_or((f64::INFINITY, 0.0), |last| {
            ((pose.position - last.position).norm(), pose.rotation.angle_to(last.rotation))
        });
        let shot = if moved >= self.keeping.distance {
            self.next_place = (self.next_place + 1) % PLACES;
            &mut self.places[self.next_place]
        } else if turned >= self.keeping.angle {
            self.next_direction = (self.next_direction + 1) % DIRECTIONS;
            &mut self.directions[self.next_direction]
        } else {
            return;
        };
        fill(shot, pooled, lattice, kept, boxes);
        (shot.pose, shot.stamp, shot.used) = (pose, stamp, true);
        self.last_kept = Some(pose);
    }

    /// Prepares questions about places given relative to `origin` (odom), at time `now` (ns).
    pub fn look_from(&mut self, origin: Vec3, now: i64) {
        self.looks.clear();
        let count = 1 + PLACES + DIRECTIONS;
        for index in 0..count {
            let shot = self.shot(index);
            let age = now - shot.stamp;
            if !shot.used
                || age > OLDER * self.keeping.age
                || (shot.pose.position - origin).norm() > ASK_WITHIN
            {
                continue;
            }
            let seconds = (age.max(0) as f64 * 1e-9) as f32;
            let drift =
                if age <= self.keeping.age { 0.0 } else { DRIFT * seconds.sqrt() - self.keeping.margin };
            let to_camera = shot.pose.rotation.inverse();
            let offset = to_camera.rotate(origin - shot.pose.position);
            self.looks.push(Look {
                shot: index,
                rows: to_camera.rows().map(|r| r.map(|v| v as f32)),
                offset: [offset.x as f32, offset.y as f32, offset.z as f32],
                drift: drift.max(0.0),
            });
        }
        // Newest first; the live view is the newest, and equal stamps keep it in front.
        let (live, places, directions) = (&self.live, &self.places, &self.directions);
        let stamp = |index: usize| pick(live, places, directions, index).stamp;
        self.looks.sort_unstable_by_key(|l| (std::cmp::Reverse(stamp(l.shot)), l.shot));
    }

    fn shot(&self, index: usize) -> &Shot {
        pick(&self.live, &self.places, &self.directions, index)
    }

    /// What is known of the vehicle's ball at `at`, metres from the origin of [`Self::look_from`] in odom axes.
    #[must_use]
    pub fn verdict(&self, at: [f32; 3], margin: Margin) -> Verdict {
        for look in &self.looks {
            let said = self.ask(look, at, margin);
            if said != Verdict::Unknown {
                return said;
            }
        }
        Verdict::Unknown
    }

    /// As [`Self::verdict`], by the current view alone.
    #[must_use]
    pub fn live_verdict(&self, at: [f32; 3], margin: Margin) -> Verdict {
        self.looks.first().filter(|l| l.shot == 0).map_or(Verdict::Unknown, |look| self.ask(look, at, margin))
    }

    fn ask(&self, look: &Look, [x, y, z]: [f32; 3], margin: Margin) -> Verdict {
        let along =
            |i: usize| look.rows[i][0] * x + look.rows[i][1] * y + look.rows[i][2] * z + look.offset[i];
        let depth = along(2);
        if depth <= 0.0 || look.drift > 0.0 && margin == Margin::Full {
            return Verdict::Unknown;
        }
        self.shot(look.shot).views[margin as usize].verdict_grown(along(0), along(1), depth, look.drift)
    }
}

fn fill(shot: &mut Shot, pooled: &Pooled, lattice: &Lattice, levels: &Levels, boxes: &[MarginBox]) {
    for (view, table) in shot.views.iter_mut().zip(levels) {
        view.fill(pooled, lattice, table, boxes);
    }
    // A widened margin is known to the inflated view alone.
    if boxes.is_empty() {
        let creep = Margin::Creep as usize;
        shot.views[creep].keep_depths(pooled, levels[creep].depth_error());
    }
}

fn pick<'a>(live: &'a Shot, places: &'a [Shot], directions: &'a [Shot], index: usize) -> &'a Shot {
    match index {
        0 => live,
        i if i <= PLACES => &places[i - 1],
        i => &directions[i - 1 - PLACES],
    }
}

#[cfg(test)]
mod tests {
    use super::super::depth::Intrinsics;
    use super::super::geometry::Quat;
    use super::super::view::StampTable;
    use super::*;

    fn camera_at(x: f64, yaw: f64) -> Pose {
        Pose {
            position: Vec3::new(x, 0.0, 2.0),
            rotation: Quat::from_rpy(0.0, 0.0, yaw).after(Quat::FLU_FROM_OPTICAL),
        }
    }

    struct Fixture {
        lattice: Lattice,
        levels: Levels,
        memory: Memory,
    }

    impl Fixture {
        fn new() -> Self {
            let lattice = Lattice::new(Intrinsics::new(42.0, 42.0, 39.5, 29.5, 80, 60).unwrap(), 80);
            let levels = [0.45, 0.31].map(|r| StampTable::new(&lattice, r, 0.0, 10.0));
            let keeping = Keeping { distance: 0.4, angle: 0.25, age: 10_000_000_000, margin: 0.0 };
            Self { lattice, levels, memory: Memory::new(keeping) }
        }

        fn see(&mut self, z: f32, pose: Pose, stamp: i64) {
            let cells = Pooled::from_cells(vec![z; 80 * 60]);
            let tables = (&self.levels, &self.levels);
            self.memory.insert(&cells, &self.lattice, tables, &[], pose, stamp);
        }

        fn ask(&mut self, x: f64, y: f64, now: i64) -> Verdict {
            self.memory.look_from(Vec3::ZERO, now);
            self.memory.verdict([x as f32, y as f32, 2.0], Margin::Full)
        }
    }

    #[test]
    fn what_left_the_view_is_remembered_until_it_is_too_old() {
        let mut f = Fixture::new();
        f.see(f32::INFINITY, camera_at(0.0, 0.0), 0);
        assert_eq!(f.ask(4.0, 0.0, 0), Verdict::Free);
        f.see(f32::INFINITY, camera_at(0.0, std::f64::consts::PI), 1_000_000_000);
        assert_eq!(f.ask(-4.0, 0.0, 1_000_000_000), Verdict::Free);
        assert_eq!(f.ask(4.0, 0.0, 1_000_000_000), Verdict::Free, "seen a second ago");
        assert_eq!(f.ask(4.0, 0.0, 10_500_000_000), Verdict::Unknown, "too long ago");
        assert_eq!(f.ask(0.0, 4.0, 1_000_000_000), Verdict::Unknown, "never seen");
    }

    #[test]
    fn the_newest_view_that_saw_a_place_decides() {
        let mut f = Fixture::new();
        f.see(f32::INFINITY, camera_at(0.0, 0.0), 0);
        f.see(4.0, camera_at(0.0, 0.0), 1);
        assert_eq!(f.ask(4.0, 0.0, 2), Verdict::Hit, "a surface has come");
        f.see(f32::INFINITY, camera_at(0.0, 0.0), 3);
        assert_eq!(f.ask(4.0, 0.0, 4), Verdict::Free, "and has gone");
    }

    #[test]
    fn a_look_around_does_not_push_out_the_way_flown() {
        let mut f = Fixture::new();
        f.see(f32::INFINITY, camera_at(-3.0, 0.0), 0);
        f.see(f32::INFINITY, camera_at(0.0, 0.0), 1);
        for i in 0..200 {
            f.see(3.0, camera_at(0.0, f64::from(i) * 0.3), 2);
        }
        assert_eq!(f.ask(0.3, 0.0, 3), Verdict::Free, "seen from three metres back");
    }

    #[test]
    fn clearing_forgets() {
        let mut f = Fixture::new();
        f.see(f32::INFINITY, camera_at(0.0, 0.0), 0);
        f.memory.clear();
        assert_eq!(f.ask(4.0, 0.0, 0), Verdict::Unknown);
    }
}
