//! The guidance layer: a 2D map at flight height that leads around things too large to see past.
//!
//! It only ever *proposes a direction*. Nothing here can make a command flyable: that is the certificate's word alone.
//! So it may guess where the certificate may not: unseen cells count as passable, at a price.
//!
//! The map is a rolling window of evidence counts in the odom frame, around the vehicle. Surfaces seen within a band
//! about the flight height raise a cell's count, level rays through a cell lower it.
//!
//! It never holds up a command: the work is cut into parts, one per cycle. Distances and prices are made anew about the
//! vehicle alone, where something can have changed; the search goes on for [`BUDGET`] cells at a time.

use super::depth::{Lattice, Pooled};
use super::field::Field;
use super::geometry::{Pose, Vec3, floor};
use super::panorama::Panorama;
use super::search::Search;
use super::way::Way;

/// Cells per edge of the window.
pub const SIDE: usize = 320;
/// Cells to each side of the vehicle that are looked at anew: as far as it sees, and a little more.
const LOCAL: i64 = 72;
/// Cells that a search opens per cycle.
const BUDGET: usize = 2_000;
/// Evidence from which a cell is occupied, its ceiling, and what one seen surface adds.
pub(super) const OCCUPIED: u8 = 4;
const CEILING: u8 = 14;
const SEEN_SURFACE: u8 = 2;
/// Nearer than this a surface counts twice, metres.
const SURE_WITHIN: f32 = 5.0;
/// Surfaces within this much of the flight height count, metres.
const BAND: f64 = 0.6;
/// Surfaces farther than this are too uncertain to be mapped, metres.
const MAP_WITHIN: f32 = 9.0;
/// Distance from obstacles that the way would rather keep, metres beyond the grown radius.
pub(super) const COMFORT: f32 = 0.7;
/// What a cell costs that was never seen, and one that was and is free.
pub(super) const UNSEEN: f32 = 1.25;
/// What a refused way is dearer by, in parts of 0.15 per cell, fading by one each time that prices are made; and by how much it stays
/// dearer for every time that it was refused.
const DISCOURAGED: u8 = 120;
const REFUSED: u8 = 30;
/// Nearer to the goal than this ways are not kept and refusals do not stay, metres.
const ARRIVING: f64 = 4.0;
/// What leaving a place costs that is too near to something, per cell.
pub(super) const WAY_OUT: f32 = 15.0;

/// What the window knows of one place.
#[derive(Debug, Clone)]
pub struct Guidance {
    pub(super) cell: f64,
    pub(super) hard: f32,
    pub(super) soft: f32,
    pub(super) evidence: Vec<u8>,
    pub(super) seen: Vec<u8>,
    pub(super) penalty: Vec<u8>,
    /// What `penalty` never fades below: a way that was refused again and again stays dear.
    pub(super) refused: Vec<u8>,
    /// Metres to the nearest occupied cell.
    pub(super) distance: Vec<f32>,
    /// Cost of entering a cell; infinite where there is no way.
    pub(super) cost: Vec<f32>,
    /// Global cell of the window's lower left corner.
    pub(super) corner: Option<(i64, i64)>,
    pub(super) search: Search,
    pub(super) field: Field,
    work: Work,
    /// The way that is followed.
    pub(super) way: Way,
    /// The first and last cell inside of the fence: columns and rows.
    pub(super) area: ((i64, i64), (i64, i64)),
    /// Near the goal: every way is as good as another there, and what matters is whether there is one.
    arriving: bool,
}

/// What the next cycle does.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Work {
    Measure,
    Price,
    /// Of a search begun from this place when the window's corner was there.
    Search {
        from: Vec3,
        corner: (i64, i64),
    },
}

/// The way that guidance proposes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Proposal {
    /// Where to fly next, odom, metres; altitude is the caller's matter.
    pub waypoint: (f64, f64),
    /// False when the window shows no way to the goal: the waypoint is then as near to it as can be got.
    pub reaches: bool,
}

impl Guidance {
    /// Cells of `cell` metres; ways keep `hard` metres from the middle of occupied cells, and would rather keep `soft`.
    #[must_use]
    pub fn new(cell: f64, hard: f64, soft: f64) -> Self {
        Self {
            cell,
            hard: hard as f32,
            soft: soft.max(hard + 0.01) as f32,
            evidence: vec![0; SIDE * SIDE],
            seen: vec![0; SIDE * SIDE],
            penalty: vec![0; SIDE * SIDE],
            refused: vec![0; SIDE * SIDE],
            distance: vec![f32::INFINITY; SIDE * SIDE],
            cost: vec![UNSEEN; SIDE * SIDE],
            corner: None,
            search: Search::new(SIDE),
            field: Field::new(),
            work: Work::Measure,
            way: Way::new(),
            area: ((i64::MIN, i64::MAX), (i64::MIN, i64::MAX)),
            arriving: false,
        }
    }

    /// Outside of `low` to `high` (x and y, odom, metres) there is no way.
    pub fn set_area(&mut self, (low, high): ([f64; 2], [f64; 2])) {
        let cells = |i: usize| (floor(low[i] / self.cell), floor(high[i] / self.cell));
        self.area = (cells(0), cells(1));
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.forget_all();
        self.corner = None;
    }

    fn forget_all(&mut self) {
        self.evidence.fill(0);
        self.seen.fill(0);
        self.penalty.fill(0);
        self.refused.fill(0);
        self.way.clear();
        self.distance.fill(f32::INFINITY);
        self.cost.fill(UNSEEN);
        self.work = Work::Measure;
    }

    fn global(&self, x: f64, y: f64) -> (i64, i64) {
        (floor(x / self.cell), floor(y / self.cell))
    }

    pub(super) fn slot(ix: i64, iy: i64) -> usize {
        iy.rem_euclid(SIDE as i64) as usize * SIDE + ix.rem_euclid(SIDE as i64) as usize
    }

    /// Slot of a place, when inside of the window.
    pub(super) fn window(&self, x: f64, y: f64) -> Option<usize> {
        let (ix, iy) = self.global(x, y);
        let (cx, cy) = self.corner?;
        let (wx, wy) = (ix - cx, iy - cy);
        let inside = (0..SIDE as i64).contains(&wx) && (0..SIDE as i64).contains(&wy);
        inside.then(|| Self::slot(ix, iy))
    }

    /// Middle of a slot, metres in odom, of the window with its corner at `corner`.
    pub(super) fn center_of(&self, slot: usize, corner: (i64, i64)) -> (f64, f64) {
        let at = |corner: i64, i: usize| {
            let global = corner + (i as i64 - corner).rem_euclid(SIDE as i64);
            (global as f64 + 0.5) * self.cell
        };
        (at(corner.0, slot % SIDE), at(corner.1, slot / SIDE))
    }

    /// Moves the window so that `at` lies in its middle; cells that come in anew are unknown.
    fn recenter(&mut self, at: Vec3) {
        let (ix, iy) = self.global(at.x, at.y);
        let corner = (ix - SIDE as i64 / 2, iy - SIDE as i64 / 2);
        let Some(old) = self.corner.replace(corner) else { return };
        let (dx, dy) = (corner.0 - old.0, corner.1 - old.1);
        if dx.unsigned_abs() >= SIDE as u64 || dy.unsigned_abs() >= SIDE as u64 {
            self.forget_all();
            return;
        }
        let fresh = |from: i64, d: i64| {
            if d >= 0 { from + SIDE as i64 - d..from + SIDE as i64 } else { from..from - d }
        };
        for x in fresh(corner.0, dx) {
            (corner.1..corner.1 + SIDE as i64).for_each(|y| self.forget(Self::slot(x, y)));
        }
        for y in fresh(corner.1, dy) {
            (corner.0..corner.0 + SIDE as i64).for_each(|x| self.forget(Self::slot(x, y)));
        }
    }

    fn forget(&mut self, slot: usize) {
        (self.evidence[slot], self.seen[slot]) = (0, 0);
        (self.penalty[slot], self.refused[slot]) = (0, 0);
        (self.distance[slot], self.cost[slot]) = (f32::INFINITY, UNSEEN);
    }

    /// Takes in one pooled depth image seen from `camera` (optical frame in odom), with the vehicle at `body`.
    pub fn observe(&mut self, pooled: &Pooled, lattice: &Lattice, camera: &Pose, body: Vec3, max_range: f64) {
        self.recenter(body);
        let m = camera.rotation.rows();
        for col in 0..lattice.cols {
            let tx = f64::from(lattice.x_edges[col] + lattice.x_edges[col + 1]) / 2.0;
            self.carve(pooled, lattice, camera, &m, col, tx, max_range);
        }
        let up = m[2].map(|v| v as f32);
        let height = (camera.position.z - body.z) as f32;
        for row in 0..lattice.rows {
            let ty = (lattice.y_edges[row] + lattice.y_edges[row + 1]) / 2.0;
            for col in 0..lattice.cols {
                let z = pooled.z[row * lattice.cols + col];
                if !(z > 0.0 && z < MAP_WITHIN) {
                    continue;
                }
                let tx = (lattice.x_edges[col] + lattice.x_edges[col + 1]) / 2.0;
                if (height + z * (up[0] * tx + up[1] * ty + up[2])).abs() > BAND as f32 {
                    continue;
                }
                self.surface(camera.apply(Vec3::new(f64::from(tx * z), f64::from(ty * z), f64::from(z))), z);
            }
        }
    }

    /// Takes in one look of a lidar at `sensor` (in odom), with the vehicle at `body`.
    pub fn observe_round(&mut self, view: &Panorama, sensor: &Pose, body: Vec3, max_range: f64) {
        self.recenter(body);
        let height = sensor.position.z - body.z;
        view.each(|direction, range| {
            let ray = sensor.rotation.rotate(Vec3::new(
                f64::from(direction[0]),
                f64::from(direction[1]),
                f64::from(direction[2]),
            ));
            let mut free = (f64::from(range) - 0.3).min(max_range - 0.5);
            // Only as far as the ray stays about the flight height, and only the rays that tell much.
            if ray.z.abs() > 1e-3 {
                free = free.min((0.5 * BAND - height * ray.z.signum()) / ray.z.abs());
            }
            if free > 2.0 {
                self.clear_ray(sensor.position, ray, free);
            }
        });
        view.each(|direction, range| {
            let ray = sensor.rotation.rotate(Vec3::new(
                f64::from(direction[0]),
                f64::from(direction[1]),
                f64::from(direction[2]),
            ));
            if range < MAP_WITHIN && (height + f64::from(range) * ray.z).abs() <= BAND {
                self.surface(sensor.position + ray * f64::from(range), range);
            }
        });
    }

    /// A surface seen at `at`, `range` metres away.
    fn surface(&mut self, at: Vec3, range: f32) {
        if let Some(slot) = self.window(at.x, at.y) {
            let sure = if range < SURE_WITHIN { 2 * SEEN_SURFACE } else { SEEN_SURFACE };
            self.evidence[slot] = (self.evidence[slot] + sure).min(CEILING);
            self.seen[slot] = 1;
        }
    }

    /// Lowers the count of the cells that `length` times `ray` passes through.
    fn clear_ray(&mut self, from: Vec3, ray: Vec3, length: f64) {
        let steps = (length * ray.norm_xy() / self.cell) as usize;
        for step in 0..=steps {
            let along = from + ray * (length * step as f64 / steps.max(1) as f64);
            if let Some(slot) = self.window(along.x, along.y) {
                self.evidence[slot] = self.evidence[slot].saturating_sub(1);
                self.seen[slot] = 1;
            }
        }
    }

    /// Lowers the count of the cells that the most level ray of one column passes through.
    #[allow(clippy::too_many_arguments)]
    fn carve(
        &mut self,
        pooled: &Pooled,
        lattice: &Lattice,
        camera: &Pose,
        m: &[[f64; 3]; 3],
        col: usize,
        tx: f64,
        max_range: f64,
    ) {
        if m[2][1].abs() < 0.2 {
            return; // the camera is rolled on its side: no row is level
        }
        let ty = -(m[2][0] * tx + m[2][2]) / m[2][1];
        let edges = &lattice.y_edges;
        if !(ty > f64::from(edges[0]) && ty < f64::from(edges[lattice.rows])) {
            return;
        }
        let row = edges.partition_point(|&e| f64::from(e) <= ty) - 1;
        let rows = row.saturating_sub(2)..=(row + 2).min(lattice.rows - 1);
        let z = rows.map(|r| pooled.z[r * lattice.cols + col]).fold(f32::INFINITY, f32::min);
        let depth = (f64::from(z) - 0.3).min(max_range - 0.5);
        if z <= 0.0 || depth <= 0.0 {
            return;
        }
        self.clear_ray(camera.position, camera.rotation.rotate(Vec3::new(tx, ty, 1.0)), depth);
    }

    /// Says that the certificate refused to fly from `at` toward `along` (unit): makes that way dear for a while.
    pub fn discourage(&mut self, at: Vec3, along: Vec3) {
        let side = Vec3::new(-along.y, along.x, 0.0);
        for ahead in 2..8 {
            for aside in -3..=3 {
                let p = at + along * (f64::from(ahead) * 0.25) + side * (f64::from(aside) * 0.2);
                if let Some(slot) = self.window(p.x, p.y) {
                    self.penalty[slot] = DISCOURAGED;
                    if !self.arriving {
                        self.refused[slot] = self.refused[slot].saturating_add(REFUSED);
                    }
                }
            }
        }
        self.work = Work::Measure;
    }

    /// Takes back every refusal: the vehicle is at another height.
    pub fn forgive(&mut self) {
        self.penalty.fill(0);
        self.refused.fill(0);
        self.way.clear();
        self.work = Work::Measure;
    }

    /// Metres from (x, y), odom, to the nearest mapped obstacle, as of the last [`Self::propose`]. Infinite where
    /// none is near, or outside of the window.
    #[must_use]
    pub fn clearance(&self, x: f64, y: f64) -> f64 {
        self.window(x, y).map_or(f64::INFINITY, |i| f64::from(self.distance[i]))
    }

    /// Calls `visit` with the middle of every occupied cell within `range` metres of `at`, relative to it (m), and half its edge.
    pub(super) fn each_occupied(&self, at: Vec3, range: f64, mut visit: impl FnMut(f64, f64, f64)) {
        let Some((cx, cy)) = self.corner else { return };
        let ((ix, iy), reach) = (self.global(at.x, at.y), (range / self.cell).ceil() as i64);
        let clip =
            |from: i64, corner: i64| (from - reach).max(corner)..(from + reach + 1).min(corner + SIDE as i64);
        for y in clip(iy, cy) {
            for x in clip(ix, cx) {
                if self.evidence[Self::slot(x, y)] < OCCUPIED {
                    continue;
                }
                let (dx, dy) = ((x as f64 + 0.5) * self.cell - at.x, (y as f64 + 0.5) * self.cell - at.y);
                if dx.hypot(dy) <= range {
                    visit(dx, dy, 0.5 * self.cell);
                }
            }
        }
    }

    /// True when every cell from `at` in the direction (x, y) to `range` metres was seen, but for the first metre.
    pub(super) fn seen_along(&self, at: Vec3, (dx, dy): (f64, f64), range: f64) -> bool {
        let steps = (range / self.cell) as usize;
        (0..=steps).map(|s| s as f64 * self.cell).filter(|along| *along >= 1.0).all(|along| {
            let (x, y) = (at.x + dx * along, at.y + dy * along);
            // Rays spread: far away a cell may lie between two of them.
            let seen = |x: f64, y: f64| self.window(x, y).is_some_and(|slot| self.seen[slot] != 0);
            let c = self.cell;
            seen(x, y) || seen(x + c, y) || seen(x - c, y) || seen(x, y + c) || seen(x, y - c)
        })
    }

    /// The global cells about `at` that are looked at anew: columns and rows.
    pub(super) fn local(&self, at: Vec3) -> (std::ops::Range<i64>, std::ops::Range<i64>) {
        let ((ix, iy), (cx, cy)) = (self.global(at.x, at.y), self.corner.unwrap_or((0, 0)));
        let clip = |i: i64, c: i64| (i - LOCAL).max(c)..(i + LOCAL + 1).min(c + SIDE as i64);
        (clip(ix, cx), clip(iy, cy))
    }

    /// The vehicle may already stand nearer to an obstacle than a way should lead: lets it out.
    pub(super) fn let_out(&mut self, from: Vec3) {
        let reach = (1.0 / self.cell) as i64;
        let (ix, iy) = self.global(from.x, from.y);
        let (columns, rows) = self.local(from);
        let ((left, right), (low, high)) = self.area;
        let inside = |x: i64, y: i64| (left..=right).contains(&x) && (low..=high).contains(&y);
        let strayed = !inside(ix, iy);
        for y in (iy - reach).max(rows.start)..(iy + reach + 1).min(rows.end) {
            for x in (ix - reach).max(columns.start)..(ix + reach + 1).min(columns.end) {
                let slot = Self::slot(x, y);
                if self.cost[slot].is_infinite() && self.distance[slot] > 0.0 && (strayed || inside(x, y)) {
                    self.cost[slot] = WAY_OUT;
                }
            }
        }
    }

    /// One part of the work for a way from `from` to `goal` (odom); the proposal, when it is done. After the last part it
    /// begins anew.
    pub fn go_on(&mut self, from: Vec3, goal: Vec3) -> Option<Proposal> {
        self.recenter(from);
        match self.work {
            Work::Measure => {
                self.measure(from);
                self.work = Work::Price;
                None
            }
            Work::Price => {
                self.price(from);
                let corner = self.corner?;
                let start = self.window(from.x, from.y)?;
                let target = |x: f64, corner: i64| (x / self.cell - 0.5 - corner as f64) as f32;
                let ring = |corner: i64| corner.rem_euclid(SIDE as i64) as usize;
                self.search.begin(
                    (ring(corner.0), ring(corner.1)),
                    start,
                    (target(goal.x, corner.0), target(goal.y, corner.1)),
                );
                self.work = Work::Search { from, corner };
                None
            }
            Work::Search { from: begun, corner } => {
                let reaches = self.search.go_on(&self.cost, BUDGET)?;
                self.work = Work::Measure;
                // Two ways that are all but as good must not be flown by turns.
                self.arriving = (goal - begun).norm_xy() < ARRIVING;
                if self.arriving || !(reaches && self.keeps_way(begun, goal, corner)) {
                    self.adopt(corner, reaches);
                }
                Some(self.leg(begun, goal))
            }
        }
    }

    /// Finds the way from `from` to `goal` (odom) at once.
    pub fn propose(&mut self, from: Vec3, goal: Vec3) -> Proposal {
        self.work = Work::Measure;
        loop {
            if let Some(proposal) = self.go_on(from, goal) {
                return proposal;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CELL: f64 = 0.25;

    #[test]
    fn of_two_ways_the_one_that_is_flown_is_kept() {
        // A wall across; around either end it is as far.
        let mut g = Guidance::new(CELL, 0.3, 0.5);
        g.recenter(Vec3::ZERO);
        for i in -16..=16 {
            block(&mut g, 6.0, f64::from(i) * 0.25);
        }
        let (goal, side) = (Vec3::new(12.0, 0.0, 2.0), |p: Proposal| p.waypoint.1.signum());
        let first = side(g.propose(Vec3::ZERO, goal));
        // The other end becomes a little nearer.
        let here = Vec3::new(1.0, -0.4 * first, 2.0);
        assert_eq!(side(g.propose(here, goal)), first, "kept, though the other is shorter by a little");
        // Refused there again and again: the other then.
        for _ in 0..3 {
            for i in 0..12 {
                let p = Vec3::new(3.0 + 0.2 * f64::from(i), first * (2.0 + 0.3 * f64::from(i)), 2.0);
                g.discourage(p, Vec3::new(0.5, first * 0.85, 0.0));
            }
        }
        let turned = g.propose(here, goal);
        assert_eq!(side(turned), -first, "{turned:?}");
        // And it stays dear when the first shock has faded.
        let other = Guidance { way: Way::new(), ..g.clone() };
        let mut later = other;
        (0..200).for_each(|_| later.price(here));
        assert_eq!(side(later.propose(Vec3::new(1.0, 0.2 * first, 2.0), goal)), -first);
    }

    fn block(g: &mut Guidance, x: f64, y: f64) {
        let (ix, iy) = g.global(x, y);
        g.evidence[Guidance::slot(ix, iy)] = CEILING;
        g.seen[Guidance::slot(ix, iy)] = 1;
    }

    #[test]
    fn an_open_field_is_crossed_straight() {
        let mut g = Guidance::new(CELL, 0.3, 0.5);
        let p = g.propose(Vec3::ZERO, Vec3::new(60.0, 0.0, 2.0));
        assert!(p.reaches && p.waypoint.0 > 5.0 && p.waypoint.1.abs() < 0.6, "{p:?}");
        let p = g.propose(Vec3::ZERO, Vec3::new(3.0, 1.0, 2.0));
        assert_eq!(p, Proposal { waypoint: (3.0, 1.0), reaches: true });
    }

    #[test]
    fn a_trap_is_left_by_its_mouth() {
        // A U open to the west; the vehicle is inside, the goal east of it.
        let mut g = Guidance::new(CELL, 0.3, 0.5);
        g.recenter(Vec3::ZERO);
        for i in 0..25 {
            let s = -4.0 + f64::from(i) * 0.25;
            block(&mut g, s, 3.0);
            block(&mut g, s, -3.0);
        }
        for i in 0..25 {
            block(&mut g, 2.2, -3.0 + f64::from(i) * 0.25);
        }
        let p = g.propose(Vec3::new(1.0, 0.0, 2.0), Vec3::new(30.0, 0.0, 2.0));
        assert!(p.reaches && p.waypoint.0 < 0.0, "{p:?}");
        assert!(g.clearance(1.0, 0.0) > 0.9 && g.clearance(2.2, 0.1) < 0.01);
    }

    #[test]
    fn a_closed_room_has_no_way_out() {
        let mut g = Guidance::new(CELL, 0.3, 0.5);
        g.recenter(Vec3::ZERO);
        for i in 0..40 {
            let s = -5.0 + f64::from(i) * 0.25;
            for (x, y) in [(s, 5.0), (s, -5.0), (5.0, s), (-5.0, s)] {
                block(&mut g, x, y);
            }
        }
        block(&mut g, 5.0, 5.0);
        assert!(!g.propose(Vec3::ZERO, Vec3::new(30.0, 0.0, 2.0)).reaches);
    }

    #[test]
    fn the_window_rolls_and_forgets_what_left_it() {
        let mut g = Guidance::new(CELL, 0.3, 0.5);
        g.recenter(Vec3::ZERO);
        block(&mut g, 3.0, 0.0);
        g.recenter(Vec3::new(10.0, 0.0, 0.0));
        g.measure(Vec3::new(10.0, 0.0, 0.0));
        assert_eq!(g.clearance(3.0, 0.0), 0.0);
        // Out of reach of what is looked at anew, but still in the window.
        g.recenter(Vec3::new(40.0, 0.0, 0.0));
        g.measure(Vec3::new(40.0, 0.0, 0.0));
        assert_eq!(g.clearance(3.0, 0.0), 0.0);
        g.recenter(Vec3::new(90.0, 0.0, 0.0));
        g.recenter(Vec3::ZERO);
        g.measure(Vec3::ZERO);
        assert!(g.clearance(3.0, 0.0).is_infinite());
    }
}
