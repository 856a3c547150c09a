//! The way that is followed, and when it is left for another.
//!
//! A search finds one of many ways that are all but as good, and with every image perhaps another: a vehicle that takes the newest
//! turns to and fro between them, and with it its camera, until it has lost sight of both. So a way is kept while it is open
//! and none that is clearly better is found.

use super::geometry::Vec3;
use super::guidance::{Guidance, Proposal, SIDE, WAY_OUT};

/// Another way must cost less than this share of the one that is followed.
const CLEARLY_BETTER: f32 = 0.9;
/// And by this much less, cells: near the end of a way shares say nothing.
const BETTER_BY: f32 = 4.0;
/// Farther from its way the vehicle is not on it any more, metres.
const OFF_THE_WAY: f64 = 1.0;
/// A leg is looked for within this length of way, and is at least so long, metres.
const AHEAD: f64 = 8.0;
const LEAST_LEG: f64 = 0.6;

/// A way over the map.
#[derive(Debug, Clone)]
pub struct Way {
    /// Global cells, first step first.
    cells: Vec<(i32, i32)>,
    /// It ends at the goal, or leaves the window toward it.
    reaches: bool,
}

impl Way {
    /// None, with room for the longest.
    #[must_use]
    pub fn new() -> Self {
        Self { cells: Vec::with_capacity(SIDE * SIDE), reaches: false }
    }

    /// Forgets it.
    pub fn clear(&mut self) {
        self.cells.clear();
        self.reaches = false;
    }
}

impl Default for Way {
    fn default() -> Self {
        Self::new()
    }
}

/// From one cell to the next, in edges of a cell.
fn step((ax, ay): (i32, i32), (bx, by): (i32, i32)) -> f32 {
    if ax != bx && ay != by { std::f32::consts::SQRT_2 } else { 1.0 }
}

impl Guidance {
    /// Follows the way just found, in the window whose corner is at `corner`.
    pub(super) fn adopt(&mut self, corner: (i64, i64), reaches: bool) {
        let at = |corner: i64, i: usize| (corner + (i as i64 - corner).rem_euclid(SIDE as i64)) as i32;
        self.way.cells.clear();
        let cells =
            self.search.path().iter().map(|&slot| (at(corner.0, slot % SIDE), at(corner.1, slot / SIDE)));
        self.way.cells.extend(cells);
        self.way.reaches = reaches;
    }

    fn slot_of(&self, (ix, iy): (i32, i32)) -> Option<usize> {
        let (x, y) = self.middle((ix, iy));
        self.window(x, y)
    }

    fn middle(&self, (ix, iy): (i32, i32)) -> (f64, f64) {
        ((f64::from(ix) + 0.5) * self.cell, (f64::from(iy) + 0.5) * self.cell)
    }

    /// Drops what lies behind `from`, and says whether the rest of the way to `goal` is to be kept against the one just found.
    pub(super) fn keeps_way(&mut self, from: Vec3, goal: Vec3, corner: (i64, i64)) -> bool {
        let count = ((AHEAD / self.cell) as usize).min(self.way.cells.len());
        let away = |cell: (i32, i32)| {
            let (x, y) = self.middle(cell);
            (x - from.x).hypot(y - from.y)
        };
        let ahead = self.way.cells[..count].iter().enumerate();
        let nearest = ahead.map(|(i, &cell)| (i, away(cell))).min_by(|a, b| a.1.total_cmp(&b.1));
        let Some((first, off)) = nearest.filter(|(_, off)| *off <= OFF_THE_WAY && self.way.reaches) else {
            return false;
        };
        self.way.cells.drain(..first);
        let rest = |(x, y): (f64, f64)| ((goal.x - x).hypot(goal.y - y) / self.cell) as f32;
        let Some(&last) = self.way.cells.last() else { return false };
        let mut kept = 2.0 * (off / self.cell) as f32 + rest(self.middle(last));
        let mut before = self.way.cells[0];
        for &cell in &self.way.cells {
            let Some(slot) = self.slot_of(cell) else { return false };
            kept += step(before, cell) * self.cost[slot];
            before = cell;
        }
        let path = self.search.path();
        let mut fresh = path.last().map_or(0.0, |&slot| rest(self.center_of(slot, corner)));
        let place = |slot: usize| ((slot % SIDE) as i32, (slot / SIDE) as i32);
        let mut before = path.first().map(|&slot| place(slot));
        for &slot in path {
            fresh += before.map_or(1.0, |b| step(b, place(slot))) * self.cost[slot];
            before = Some(place(slot));
        }
        kept.is_finite() && kept * CLEARLY_BETTER <= fresh + BETTER_BY
    }

    /// The first leg of the way from `from`: straight, and free on the map.
    pub(super) fn leg(&self, from: Vec3, goal: Vec3) -> Proposal {
        let Way { cells, reaches } = &self.way;
        let straight = Proposal { waypoint: (goal.x, goal.y), reaches: *reaches };
        let steps = ((AHEAD / self.cell) as usize).min(cells.len());
        if steps == 0 {
            return straight;
        }
        // The farthest point of the way to which a straight line is not much worse than the way itself.
        let (mut leg, mut worst) = (0, 1.3_f32);
        for (step, &cell) in cells[..steps].iter().enumerate() {
            let Some(slot) = self.slot_of(cell) else { break };
            worst = worst.max(self.cost[slot]);
            if self.sees(from, self.middle(cell), worst + 0.3) {
                leg = step;
            }
        }
        leg = leg.max((LEAST_LEG / self.cell) as usize).min(steps - 1);
        if leg + 1 == cells.len() && *reaches && self.window(goal.x, goal.y).is_some() {
            return straight;
        }
        Proposal { waypoint: self.middle(cells[leg]), reaches: *reaches }
    }

    fn sees(&self, from: Vec3, to: (f64, f64), worst: f32) -> bool {
        let (dx, dy) = (to.0 - from.x, to.1 - from.y);
        let steps = (dx.hypot(dy) / (0.5 * self.cell)).ceil() as usize;
        (0..=steps).all(|s| {
            let part = s as f64 / steps.max(1) as f64;
            self.window(from.x + dx * part, from.y + dy * part)
                .is_some_and(|i| self.cost[i] <= worst || self.cost[i] == WAY_OUT)
        })
    }
}
