//! Over or under: where the map in three dimensions shows a way and the level one shows none.
//!
//! Whoever has made no way for some seconds looks for a way in three dimensions, a part per cycle. Where it finds one, and has
//! seen it, it goes to where that is flown from, turns, and flies the crossing in a straight line. Where the map shows none, the rise
//! without a map remains. Nothing here makes a command flyable: each needs its certificate as any other.

use super::crossing::{Crossing, find};
use super::geometry::Vec3;
use super::panorama::Fan;
use super::planner::{ARRIVAL, Planner};
use super::rise::{AT_GOAL, BELOW_FENCE, PAST, Rise, STEEPEST};
use super::search3::{Question, SHUNS, Search3};
use super::voxels::{LAYER, Voxels, cell_of};

/// Cells that a search opens per cycle.
const BUDGET: usize = 400;
/// A crossing that was found longer ago (ns), or from farther away (m), is looked for anew.
const FRESH: i64 = 3_000_000_000;
const FOUND_WITHIN: f64 = 1.0;
/// A search that did not end for so long, because something else was done, is begun anew, ns.
const STALE: i64 = 6_000_000_000;
/// So long, since the vehicle began to tarry, other things wait for a search that is not over, ns.
const WORTH_WAITING: i64 = 6_000_000_000;
/// The next search begins so long after the last, ns.
const PAUSE: i64 = 500_000_000;
/// The way to the run-up, the turn, and the crossing are given up after so long, ns.
const APPROACH: i64 = 14_000_000_000;
const AIM: i64 = 4_000_000_000;
const CROSS: i64 = 20_000_000_000;
/// This near to the run-up is there, metres.
const THERE: f64 = 0.6;
/// It aims to within this, radians.
const AIMED: f64 = 0.15;
/// Past what blocked, its height is kept for so far, metres.
const KEPT: f64 = 3.0;
/// It begins to climb so long before the line does, metres: it answers late.
const EARLY: f64 = 0.7;
/// It flies toward the line's point so far ahead, metres.
const AHEAD: f64 = 2.5;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    Approach,
    Aim,
    Cross,
}

/// A crossing that is being flown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Over {
    crossing: Crossing,
    phase: Phase,
    since: i64,
}

/// The search for a crossing, and what came of it.
#[derive(Debug, Clone)]
pub(super) struct Survey {
    pub(super) voxels: Voxels,
    search: Search3,
    /// From where the running search began, and when (ns).
    begun: Option<(Vec3, i64)>,
    /// Since when the vehicle tarries, ns.
    since: Option<i64>,
    /// When the last one ended, ns.
    ended: Option<i64>,
    /// What was found, from where, and when (ns).
    found: Option<(Crossing, Vec3, i64)>,
    /// Where crossings failed, cells; the oldest gives way.
    shunned: [Option<(i64, i64)>; SHUNS],
    failures: usize,
}

impl Survey {
    pub(super) fn new() -> Self {
        Self {
            voxels: Voxels::new(),
            search: Search3::new(),
            begun: None,
            since: None,
            ended: None,
            found: None,
            shunned: [None; SHUNS],
            failures: 0,
        }
    }

    /// Forgets what was looked for; the map stays.
    pub(super) fn forget(&mut self) {
        (self.begun, self.ended, self.found, self.since) = (None, None, None, None);
        (self.shunned, self.failures) = ([None; SHUNS], 0);
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.forget();
        self.voxels.clear();
    }

    fn go_on(&mut self, now: i64, here: Vec3, goal: Vec3, (low, high): (f64, f64)) {
        self.since.get_or_insert(now);
        let Some((from, _)) = self.begun.filter(|(_, since)| (0..STALE).contains(&(now - since))) else {
            let paused = self.ended.is_some_and(|at| (0..PAUSE).contains(&(now - at)));
            let (Some(corner), false) = (self.voxels.corner(), paused) else { return };
            // Layers whose middles lie within the fence.
            let layers = ((low / LAYER - 0.5).ceil() as i64, (high / LAYER - 0.5).floor() as i64);
            let (start, target) = (cell_of(here), cell_of(goal));
            self.search.begin(Question { corner, start, target, layers, shunned: self.shunned });
            self.begun = Some((here, now));
            return;
        };
        if let Some(reaches) = self.search.go_on(&self.voxels, BUDGET) {
            (self.begun, self.ended) = (None, Some(now));
            let path = if reaches { self.search.path() } else { &[] };
            self.found = find(&self.voxels, path, from, (low, high)).map(|c| (c, from, now));
        }
    }

    /// True while what comes of a search is worth waiting for.
    pub(super) fn is_busy(&self, now: i64) -> bool {
        self.begun.is_some() && self.since.is_some_and(|since| (0..WORTH_WAITING).contains(&(now - since)))
    }

    /// The crossing found of late from about `here`.
    fn fresh(&self, now: i64, here: Vec3) -> Option<Crossing> {
        let (crossing, from, since) = self.found?;
        let fresh = (0..FRESH).contains(&(now - since)) && (here - from).norm() <= FOUND_WITHIN;
        fresh.then_some(crossing)
    }

    fn shun(&mut self, at: Vec3) {
        let [x, y, _] = cell_of(at);
        self.shunned[self.failures % SHUNS] = Some((x, y));
        self.failures += 1;
        self.found = None;
    }
}

impl Planner {
    /// A vehicle that makes no way from `here` to `goal` looks for one over or under what blocks, a part per cycle. True when it
    /// begins to fly one.
    pub(super) fn looks_over(&mut self, now: i64, here: Vec3, goal: Vec3) -> bool {
        if self.over.is_some() || self.detour.is_some() || self.aiming.is_some() {
            return false;
        }
        let vouched = self.config.scan.is_some_and(|l| matches!(l.fan, Fan::Plane { reach } if reach > 0.0));
        if vouched || (goal - here).norm_xy() < AT_GOAL || !self.recovery.tarries(now) {
            (self.survey.begun, self.survey.since) = (None, None);
            return false;
        }
        let limits = (self.config.altitude_min, self.config.altitude_max - BELOW_FENCE);
        self.survey.go_on(now, here, goal, limits);
        let Some(crossing) = self.survey.fresh(now, here) else { return false };
        if !self.recovery.should_cross(now, here) {
            return false;
        }
        self.begin_over(now, crossing);
        true
    }

    /// Flies a crossing that was found of late, if there is one.
    pub(super) fn crosses(&mut self, now: i64, here: Vec3) -> bool {
        let found = self.survey.fresh(now, here);
        if let Some(crossing) = found {
            self.begin_over(now, crossing);
        }
        found.is_some()
    }

    fn begin_over(&mut self, now: i64, crossing: Crossing) {
        self.over = Some(Over { crossing, phase: Phase::Approach, since: now });
        (self.proposal, self.along) = (None, None);
    }

    /// The altitude to keep while a crossing is flown, metres in odom.
    pub(super) fn over_altitude(&self, here: Vec3) -> Option<f64> {
        let over = self.over.as_ref()?;
        let c = &over.crossing;
        let done = (here - c.run_up).dot(c.along);
        Some(if over.phase == Phase::Cross { c.altitude(done.max(0.0) + EARLY) } else { c.run_up.z })
    }

    /// How fast it may go from `here` while a crossing is flown, m/s: to be at rest where it begins, and no faster than it climbs.
    pub(super) fn over_speed(&self, here: Vec3) -> f64 {
        let Some(Over { crossing, phase, .. }) = self.over else { return f64::INFINITY };
        match phase {
            Phase::Approach => {
                let left = ((here - crossing.run_up).norm_xy() - 0.5 * THERE).max(0.0);
                (2.0 * ARRIVAL * self.config.brake_deceleration * left).sqrt().max(0.3)
            }
            _ => (self.config.vertical_speed / STEEPEST).max(0.5),
        }
    }

    /// True while it climbs or sinks along a crossing.
    pub(super) fn is_crossing(&self) -> bool {
        self.over.is_some_and(|o| o.phase == Phase::Cross)
    }

    /// Where to go for the run-up, while it goes there.
    pub(super) fn over_run_up(&mut self, now: i64, here: Vec3) -> Option<Vec3> {
        let Over { crossing, phase, since } = self.over?;
        if phase != Phase::Approach {
            return None;
        }
        if (here - crossing.run_up).norm_xy() <= THERE {
            self.over = Some(Over { crossing, phase: Phase::Aim, since: now });
            return None;
        }
        if !(since..since + APPROACH).contains(&now) {
            self.fail_over();
            return None;
        }
        Some(crossing.run_up)
    }

    /// The direction of the crossing, once the vehicle is where it begins.
    pub(super) fn over_along(&mut self, now: i64, here: Vec3) -> Option<Vec3> {
        let Over { crossing, phase, since } = self.over.filter(|o| o.phase != Phase::Approach)?;
        let done = (here - crossing.run_up).dot(crossing.along);
        if phase == Phase::Cross {
            if done >= crossing.length {
                self.end_over(here);
                return None;
            }
            if !(since..since + CROSS).contains(&now) {
                self.fail_over();
                return None;
            }
        }
        let toward = crossing.run_up + crossing.along * (done + AHEAD) - here;
        let along = Vec3::new(toward.x, toward.y, 0.0).unit().unwrap_or(crossing.along);
        self.along = Some(along);
        Some(along)
    }

    /// True while it turns on the spot toward the crossing, `off` (rad) from its heading.
    pub(super) fn over_aims(&mut self, now: i64, off: f64) -> bool {
        let Some(Over { crossing, phase: Phase::Aim, since }) = self.over else { return false };
        if off.abs() > AIMED && (since..since + AIM).contains(&now) {
            return true;
        }
        self.over = Some(Over { crossing, phase: Phase::Cross, since: now });
        false
    }

    /// The crossing could not be flown: it is not tried at that place again.
    pub(super) fn fail_over(&mut self) {
        if let Some(over) = self.over.take() {
            self.survey.shun(over.crossing.at);
            self.leave_over();
        }
    }

    /// It is past what blocked. Over it the height is kept for a while, and given up as after any rise.
    fn end_over(&mut self, here: Vec3) {
        if let Some(over) = self.over.take() {
            let c = &over.crossing;
            // So far before here that it comes down soon.
            let from = here - c.along * (PAST - KEPT);
            self.rise = (!c.is_under()).then_some(Rise { from, height: c.height });
            self.leave_over();
        }
    }

    fn leave_over(&mut self) {
        // From another height all may be otherwise.
        self.guidance.forgive();
        (self.proposal, self.along) = (None, None);
    }
}
