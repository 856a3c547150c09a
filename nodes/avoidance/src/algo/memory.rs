//! The current view and the views before it: what left the field of view is remembered.
//!
//! Views are asked newest first, and the first that saw the place answers. This is the search of NanoMap (Florence
//! et al., "NanoMap: fast, uncertainty-aware proximity queries with lazy search over local 3D data", ICRA 2018):
//! no map is fused, so nothing is smeared; each view keeps its own pose. Remembered views are inflated by an extra
//! margin that covers the odometry's drift while they are remembered.
//!
//! What is remembered should differ: a view from where, and toward where, another is remembered takes its place, so that
//! turning or wriggling on one spot does not push out the views that saw the surroundings of that spot from outside. A
//! camera sees nothing nearer than its frustum is as high as the vehicle: only those views prove the first half metre.
//! When there is no more room, the farthest view gives way.
//!
//! Lidars keep rings of their own. The current views of all sensors are asked first, and a surface in any of them refuses the
//! place, whatever the others say: what is black to one sensor or clear as glass to it, another may see.

use super::depth::{Lattice, Pooled};
use super::geometry::{Pose, Vec3};
use super::margins::MarginBox;
use super::panorama::{Fan, Panorama};
use super::view::{Levels, Margin, RangeView, Verdict};

/// Remembered views.
const VIEWS: usize = 60;
/// Remembered looks per lidar.
const SWEEPS: usize = 20;
/// Index of the first lidar's current look; its ring follows, then the next lidar's.
const ROUND: usize = 1 + VIEWS;
/// Lidars at most.
pub const LIDARS: usize = 2;
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

/// A lidar's look.
#[derive(Debug, Clone)]
struct Sweep {
    view: Panorama,
    /// Sensor in odom.
    pose: Pose,
    stamp: i64,
    used: bool,
}

/// A lidar's current look and those before.
#[derive(Debug, Clone)]
struct Round {
    /// The current one first.
    looks: Vec<Sweep>,
    next: usize,
    last_kept: Option<Pose>,
}

/// How to bring a point near the vehicle (odom axes, origin at the vehicle) into a view.
#[derive(Debug, Clone, Copy)]
struct Look {
    shot: usize,
    rows: [[f32; 3]; 3],
    offset: [f32; 3],
    /// What its pose may be off by, metres; only for creeping when not 0.
    drift: f32,
    stamp: i64,
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
    kept: Vec<Shot>,
    last_kept: Option<Pose>,
    rounds: Vec<Round>,
    /// Radii (m) that lidars' surfaces grow by, per [`Margin`].
    grown: [f32; 2],
    looks: Vec<Look>,
    /// How many of `looks`, from the first, are current.
    current: usize,
}

impl Memory {
    /// Empty; the vehicle's ball has the radii `grown` (m), per [`Margin`].
    #[must_use]
    pub fn new(keeping: Keeping, grown: [f64; 2]) -> Self {
        Self {
            keeping,
            rounds: Vec::with_capacity(LIDARS),
            grown: grown.map(|r| r as f32),
            current: 0,
            live: Shot::default(),
            kept: vec![Shot::default(); VIEWS],
            last_kept: None,
            looks: Vec::with_capacity(ROUND + LIDARS * (1 + SWEEPS)),
        }
    }

    /// Adds a lidar of this fan, range (m) and range error (m), at most [`LIDARS`] of them; its number for [`Self::sweep`].
    pub fn add_lidar(&mut self, fan: Fan, max_range: f64, error: f64) -> usize {
        let blank =
            Sweep { view: Panorama::new(fan, max_range, error), pose: Pose::IDENTITY, stamp: 0, used: false };
        self.rounds.push(Round { looks: vec![blank; 1 + SWEEPS], next: 1, last_kept: None });
        self.rounds.len() - 1
    }

    /// The current look of a lidar: to be filled, and then taken in by [`Self::insert_sweep`].
    pub fn sweep(&mut self, lidar: usize) -> &mut Panorama {
        let sweep = &mut self.rounds[lidar].looks[0];
        sweep.used = false;
        &mut sweep.view
    }

    /// Takes in the look that was filled, seen from `pose` (sensor in odom) at `stamp` (ns).
    pub fn insert_sweep(&mut self, lidar: usize, pose: Pose, stamp: i64) {
        let round = &mut self.rounds[lidar];
        let Some((live, ring)) = round.looks.split_first_mut() else { return };
        (live.pose, live.stamp, live.used) = (pose, stamp, true);
        let moved = round.last_kept.map_or(f64::INFINITY, |last| (pose.position - last.position).norm());
        let tilted = round.last_kept.map_or(0.0, |last| pose.rotation.angle_to(last.rotation));
        if moved >= self.keeping.distance || tilted >= self.keeping.angle {
            let kept = &mut ring[round.next - 1];
            kept.view.copy(&live.view);
            (kept.pose, kept.stamp, kept.used) = (pose, stamp, true);
            round.next = round.next % SWEEPS + 1;
            round.last_kept = Some(pose);
        }
    }

    /// Makes room for views of `lattice`, so that [`Self::insert`] never allocates.
    pub fn reserve(&mut self, lattice: &Lattice) {
        let shots = self.kept.iter_mut().chain([&mut self.live]);
        shots.flat_map(|s| &mut s.views).for_each(|view| view.reserve(lattice));
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.live.used = false;
        self.kept.iter_mut().for_each(|s| s.used = false);
        self.last_kept = None;
        for round in &mut self.rounds {
            round.looks.iter_mut().for_each(|s| s.used = false);
            round.last_kept = None;
        }
        self.looks.clear();
        self.current = 0;
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
        let apart = |other: &Pose| {
            let moved = (pose.position - other.position).norm() >= self.keeping.distance;
            moved || pose.rotation.angle_to(other.rotation) >= self.keeping.angle
        };
        if self.last_kept.is_some_and(|last| !apart(&last)) {
            return;
        }
        let distance = |s: &Shot| (pose.position - s.pose.position).norm();
        let same = self.kept.iter().position(|s| s.used && !apart(&s.pose));
        let free = same.or_else(|| self.kept.iter().position(|s| !s.used));
        let farthest = || {
            let far = |(_, a): &(usize, &Shot), (_, b): &(usize, &Shot)| distance(a).total_cmp(&distance(b));
            self.kept.iter().enumerate().max_by(far).map(|(i, _)| i)
        };
        let Some(shot) = free.or_else(farthest).and_then(|i| self.kept.get_mut(i)) else { return };
        fill(shot, pooled, lattice, kept, boxes);
        (shot.pose, shot.stamp, shot.used) = (pose, stamp, true);
        self.last_kept = Some(pose);
    }

    /// Prepares questions about places given relative to `origin` (odom), at time `now` (ns).
    pub fn look_from(&mut self, origin: Vec3, now: i64) {
        self.looks.clear();
        let count = ROUND + self.rounds.len() * (1 + SWEEPS);
        for index in 0..count {
            let (pose, stamp, used) = self.taken(index);
            let age = now - stamp;
            if !used || age > OLDER * self.keeping.age || (pose.position - origin).norm() > ASK_WITHIN {
                continue;
            }
            let seconds = (age.max(0) as f64 * 1e-9) as f32;
            let drift =
                if age <= self.keeping.age { 0.0 } else { DRIFT * seconds.sqrt() - self.keeping.margin };
            let to_camera = pose.rotation.inverse();
            let offset = to_camera.rotate(origin - pose.position);
            self.looks.push(Look {
                shot: index,
                rows: to_camera.rows().map(|r| r.map(|v| v as f32)),
                offset: [offset.x as f32, offset.y as f32, offset.z as f32],
                drift: drift.max(0.0),
                stamp,
            });
        }
        // The current views, then the newest first.
        self.looks.sort_unstable_by_key(|l| (!is_current(l.shot), std::cmp::Reverse(l.stamp), l.shot));
        self.current = self.looks.iter().take_while(|l| is_current(l.shot)).count();
    }

    /// Pose, stamp, and whether there is such a view.
    fn taken(&self, index: usize) -> (Pose, i64, bool) {
        match index.checked_sub(ROUND) {
            None => {
                let shot = self.shot(index);
                (shot.pose, shot.stamp, shot.used)
            }
            Some(i) => {
                let sweep = &self.rounds[i / (1 + SWEEPS)].looks[i % (1 + SWEEPS)];
                (sweep.pose, sweep.stamp, sweep.used)
            }
        }
    }

    fn shot(&self, index: usize) -> &Shot {
        if index == 0 { &self.live } else { &self.kept[index - 1] }
    }

    /// What is known of the vehicle's ball at `at`, metres from the origin of [`Self::look_from`] in odom axes.
    #[must_use]
    pub fn verdict(&self, at: [f32; 3], margin: Margin) -> Verdict {
        let said = self.live_verdict(at, margin);
        if said != Verdict::Unknown {
            return said;
        }
        for look in &self.looks[self.current..] {
            let said = self.ask(look, at, margin);
            if said != Verdict::Unknown {
                return said;
            }
        }
        Verdict::Unknown
    }

    /// As [`Self::verdict`], by the current views alone.
    #[must_use]
    pub fn live_verdict(&self, at: [f32; 3], margin: Margin) -> Verdict {
        let mut known = Verdict::Unknown;
        for look in &self.looks[..self.current] {
            match self.ask(look, at, margin) {
                Verdict::Hit => return Verdict::Hit,
                Verdict::Free => known = Verdict::Free,
                Verdict::Unknown => {}
            }
        }
        known
    }

    fn ask(&self, look: &Look, [x, y, z]: [f32; 3], margin: Margin) -> Verdict {
        let along =
            |i: usize| look.rows[i][0] * x + look.rows[i][1] * y + look.rows[i][2] * z + look.offset[i];
        if look.drift > 0.0 && margin == Margin::Full {
            return Verdict::Unknown;
        }
        if let Some(i) = look.shot.checked_sub(ROUND) {
            let (round, place) = (&self.rounds[i / (1 + SWEEPS)], i % (1 + SWEEPS));
            let kept = if place == 0 { 0.0 } else { self.keeping.margin + look.drift };
            let ball = self.grown[margin as usize] + kept;
            return round.looks[place].view.verdict([along(0), along(1), along(2)], ball);
        }
        let depth = along(2);
        if depth <= 0.0 {
            return Verdict::Unknown;
        }
        self.shot(look.shot).views[margin as usize].verdict_grown(along(0), along(1), depth, look.drift)
    }
}

/// True for the views that were taken last.
fn is_current(index: usize) -> bool {
    index == 0 || index >= ROUND && (index - ROUND).is_multiple_of(1 + SWEEPS)
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
            Self { lattice, levels, memory: Memory::new(keeping, [0.45, 0.31]) }
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
        // Nor does wriggling.
        for i in 0..200 {
            f.see(3.0, camera_at(0.5 * f64::from(i % 2), f64::from(i) * 0.3), 3);
        }
        assert_eq!(f.ask(0.3, 0.0, 4), Verdict::Free, "still");
    }

    fn scan(f: &mut Fixture, lidar: usize, range: f32, stamp: i64) {
        let sweep = f.memory.sweep(lidar);
        sweep.begin();
        for degree in -180..180 {
            sweep.ray(f64::from(degree).to_radians(), range, (0.1, 30.0));
        }
        sweep.end();
        let pose = Pose { position: Vec3::new(0.0, 0.0, 2.0), rotation: Quat::IDENTITY };
        f.memory.insert_sweep(lidar, pose, stamp);
    }

    #[test]
    fn what_one_sensor_sees_refuses_whatever_the_others_say() {
        let mut f = Fixture::new();
        let lidar = f.memory.add_lidar(Fan::Plane { reach: 1.0 }, 10.0, 0.03);
        scan(&mut f, lidar, f32::INFINITY, 0);
        assert_eq!(f.ask(-4.0, 0.0, 0), Verdict::Free, "the lidar alone, where no camera looks");
        f.see(f32::INFINITY, camera_at(0.0, 0.0), 1);
        assert_eq!(f.ask(4.0, 0.0, 2), Verdict::Free);
        scan(&mut f, lidar, 4.0, 1);
        assert_eq!(f.ask(4.0, 0.0, 2), Verdict::Hit, "glass to the camera");
        scan(&mut f, lidar, f32::INFINITY, 2);
        f.see(4.0, camera_at(0.0, 0.0), 3);
        assert_eq!(f.ask(4.0, 0.0, 4), Verdict::Hit, "over or under the scanned plane");
        f.memory.clear();
        assert_eq!(f.ask(-4.0, 0.0, 5), Verdict::Unknown);
    }

    #[test]
    fn clearing_forgets() {
        let mut f = Fixture::new();
        f.see(f32::INFINITY, camera_at(0.0, 0.0), 0);
        f.memory.clear();
        assert_eq!(f.ask(4.0, 0.0, 0), Verdict::Unknown);
    }
}
