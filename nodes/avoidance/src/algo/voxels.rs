//! A map in three dimensions about the vehicle: what stands above and below its flight height.
//!
//! As the level map it only ever helps to *propose*: a cell that counts as free makes no command flyable, that is the
//! certificate's word alone.
//!
//! A rolling ring of evidence counts in the odom frame. Of every image a rotating share of the rays is taken in, so that the cost
//! of a cycle stays small; after [`SHARE`] images each ray has had its turn.

use super::depth::{Lattice, Pooled};
use super::geometry::{Pose, Vec3, floor};
use super::panorama::{Fan, Panorama};

/// Cells per level edge of the window, and layers.
pub const SIDE: usize = 96;
/// Layers of the window.
pub const LAYERS: usize = 32;
/// Level edge of a cell, metres.
pub const CELL: f64 = 0.5;
/// Height of a cell, metres: heights are what is asked of this map, so they are finer.
pub const LAYER: f64 = 0.25;
/// One ray in so many is taken in per image; no divisor of the usual numbers of columns, so that all of the view has a share.
pub const SHARE: usize = 23;
/// The next share of the rays lies so many further: neighbours have their turns far apart.
const NEXT: usize = 10;

const EXTENT: [usize; 3] = [SIDE, SIDE, LAYERS];
const EDGE: [f64; 3] = [CELL, CELL, LAYER];
/// A cell holds 0 while it was never seen, else one more than its evidence: from this on it is occupied, that is the most, and so
/// much adds one surface, nearer and farther than [`SURE_WITHIN`].
const OCCUPIED: u8 = 8;
const CEILING: u8 = 40;
const SEEN_SURFACE: [u8; 2] = [9, 6];
/// Nearer than this a surface counts more, metres.
const SURE_WITHIN: f64 = 5.0;
/// Surfaces farther than this are too uncertain to be mapped, metres.
const MAP_WITHIN: f64 = 9.0;
/// Cells of a ray nearer than this to its end are left alone, metres.
const SHORT_OF: f64 = 0.6;
/// Distance between the points of a ray that lower counts, metres.
const SPACING: f64 = 0.4;
/// The window follows the vehicle's height when that is off its middle by so many layers.
const SLACK: i64 = 4;
/// Places farther than this from the origin are not mapped, metres: no robot comes there, and all numbers stay exact.
const WORLD: f64 = 1e6;
/// Layers above and below an occupied cell that are closed (with its four level neighbours), and that cost more.
const CLOSED: i64 = 2;
const DEAR: i64 = 3;
/// What a cell costs that is near to something, and one that was never seen, in parts of a free one.
pub const NEAR: f32 = 2.0;
/// See [`NEAR`].
pub const UNSEEN: f32 = 2.5;
/// Never seen, and this many layers above or below something: nobody knows where that ends.
const NO_END: i64 = 8;

/// A global cell: the place's coordinates in edges, rounded down.
pub type Cell = [i64; 3];

/// What is known of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// Never seen, or outside of the window.
    Unseen,
    /// Rays passed through it.
    Free,
    /// Surfaces were seen in it.
    Occupied,
}

/// The cell that holds `at` (odom, metres).
#[must_use]
pub fn cell_of(at: Vec3) -> Cell {
    [at.x / CELL, at.y / CELL, at.z / LAYER].map(floor)
}

/// The middle of a cell (odom, metres).
#[must_use]
pub fn middle([x, y, z]: Cell) -> Vec3 {
    Vec3::new((x as f64 + 0.5) * CELL, (y as f64 + 0.5) * CELL, (z as f64 + 0.5) * LAYER)
}

/// The place of a cell in the ring; it stays there while the window moves on.
pub(super) fn slot([x, y, z]: Cell) -> usize {
    let ring = |i: i64, n: usize| i.rem_euclid(n as i64) as usize;
    (ring(z, LAYERS) * SIDE + ring(y, SIDE)) * SIDE + ring(x, SIDE)
}

/// The map.
#[derive(Debug, Clone)]
pub struct Voxels {
    cells: Vec<u8>,
    /// Lowest cell of the window.
    corner: Option<Cell>,
    turn: usize,
}

impl Default for Voxels {
    fn default() -> Self {
        Self::new()
    }
}

impl Voxels {
    /// Nothing was seen yet. Allocates all that it will ever need.
    #[must_use]
    pub fn new() -> Self {
        Self { cells: vec![0; SIDE * SIDE * LAYERS], corner: None, turn: 0 }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.cells.fill(0);
        self.corner = None;
    }

    /// Lowest cell of the window.
    #[must_use]
    pub fn corner(&self) -> Option<Cell> {
        self.corner
    }

    fn inside(corner: Cell, cell: Cell) -> bool {
        (0..3).all(|i| (corner[i]..corner[i] + EXTENT[i] as i64).contains(&cell[i]))
    }

    /// What is known of a cell.
    #[must_use]
    pub fn known(&self, cell: Cell) -> Known {
        match self.corner {
            Some(corner) if Self::inside(corner, cell) => match self.cells[slot(cell)] {
                0 => Known::Unseen,
                1..OCCUPIED => Known::Free,
                _ => Known::Occupied,
            },
            _ => Known::Unseen,
        }
    }

    /// Moves the window so that `at` lies in its middle; what comes in anew is unknown. False where nothing can be mapped.
    fn recenter(&mut self, at: Vec3) -> bool {
        // NaN compares as false.
        if !(at.x.abs() < WORLD && at.y.abs() < WORLD && at.z.abs() < WORLD) {
            return false;
        }
        let here = cell_of(at);
        let mut corner: Cell = std::array::from_fn(|i| here[i] - EXTENT[i] as i64 / 2);
        let Some(old) = self.corner else {
            self.corner = Some(corner);
            return true;
        };
        if (corner[2] - old[2]).abs() < SLACK {
            corner[2] = old[2];
        }
        self.corner = Some(corner);
        let moved: [i64; 3] = std::array::from_fn(|i| corner[i] - old[i]);
        if (0..3).any(|i| moved[i].unsigned_abs() >= EXTENT[i] as u64) {
            self.cells.fill(0);
            return true;
        }
        // The slabs that came in: all of the ring's cells of these columns, rows and layers.
        let fresh = |i: usize| {
            let (first, count) = (old[i].max(corner[i]), moved[i]);
            let from = if count >= 0 { first + EXTENT[i] as i64 - count } else { corner[i] };
            (from..from + count.abs()).map(move |c| c.rem_euclid(EXTENT[i] as i64) as usize)
        };
        for x in fresh(0) {
            self.cells.iter_mut().skip(x).step_by(SIDE).for_each(|cell| *cell = 0);
        }
        for y in fresh(1) {
            self.cells.chunks_exact_mut(SIDE).skip(y).step_by(SIDE).for_each(|row| row.fill(0));
        }
        for z in fresh(2) {
            self.cells[z * SIDE * SIDE..(z + 1) * SIDE * SIDE].fill(0);
        }
        true
    }

    /// Takes in a share of a pooled depth image seen from `camera` (optical frame in odom), with the vehicle at `body`.
    pub fn observe(&mut self, pooled: &Pooled, lattice: &Lattice, camera: &Pose, body: Vec3, max_range: f64) {
        if !self.recenter(body) {
            return;
        }
        let rows = camera.rotation.rows();
        let middle = |edges: &[f32], i: usize| f64::from((edges[i] + edges[i + 1]) / 2.0);
        let count = pooled.z.len().min(lattice.cols * lattice.rows);
        for i in (self.turn..count).step_by(SHARE) {
            let z = f64::from(pooled.z[i]);
            if z.is_nan() || z <= 0.0 {
                continue;
            }
            let tx = middle(&lattice.x_edges, i % lattice.cols);
            let ty = middle(&lattice.y_edges, i / lattice.cols);
            let length = (1.0 + tx * tx + ty * ty).sqrt();
            let ray = rows.map(|m| (m[0] * tx + m[1] * ty + m[2]) / length);
            self.take(camera.position, Vec3::new(ray[0], ray[1], ray[2]), z * length, max_range * length);
        }
        self.turn = (self.turn + NEXT) % SHARE;
    }

    /// Takes in a share of one look of a lidar of many planes at `sensor` (in odom), with the vehicle at `body`. What a scanner of one
    /// plane sees says nothing about heights.
    pub fn observe_round(&mut self, view: &Panorama, sensor: &Pose, body: Vec3, max_range: f64) {
        if matches!(view.fan(), Fan::Plane { .. }) || !self.recenter(body) {
            return;
        }
        view.each_of(SHARE, self.turn, |[x, y, z], range| {
            let ray = sensor.rotation.rotate(Vec3::new(f64::from(x), f64::from(y), f64::from(z)));
            self.take(sensor.position, ray, f64::from(range), max_range);
        });
        self.turn = (self.turn + NEXT) % SHARE;
    }

    /// One ray (unit) that ended on a surface `range` metres away, or on none.
    fn take(&mut self, from: Vec3, ray: Vec3, range: f64, max_range: f64) {
        let Some(corner) = self.corner else { return };
        let (from, ray) = ([from.x, from.y, from.z], [ray.x, ray.y, ray.z]);
        // In cells from the window's corner.
        let start: [f32; 3] = std::array::from_fn(|i| (from[i] / EDGE[i] - corner[i] as f64) as f32);
        let ring = corner.map(|c| c.rem_euclid(SIDE as i64) as usize);
        let ring = [ring[0], ring[1], corner[2].rem_euclid(LAYERS as i64) as usize];
        let place = |along: f32, step: [f32; 3]| {
            let at: [f32; 3] = std::array::from_fn(|i| start[i] + along * step[i]);
            let inside = (0..3).all(|i| at[i] >= 0.0 && at[i] < EXTENT[i] as f32);
            inside.then(|| {
                let wrap = |i: usize| {
                    let c = ring[i] + at[i] as usize;
                    if c >= EXTENT[i] { c - EXTENT[i] } else { c }
                };
                (wrap(2) * SIDE + wrap(1)) * SIDE + wrap(0)
            })
        };
        let clear = (range - SHORT_OF).min(max_range - 0.5);
        let step: [f32; 3] = std::array::from_fn(|i| (ray[i] * SPACING / EDGE[i]) as f32);
        for k in 0..(clear / SPACING).max(0.0) as u32 {
            // A ray that has left the window does not come back.
            let Some(slot) = place(k as f32 + 0.5, step) else { break };
            self.cells[slot] = self.cells[slot].saturating_sub(1).max(1);
        }
        if range < MAP_WITHIN
            && let Some(slot) = place(1.0, std::array::from_fn(|i| (ray[i] * range / EDGE[i]) as f32))
        {
            let sure = SEEN_SURFACE[usize::from(range >= SURE_WITHIN)];
            self.cells[slot] = (self.cells[slot].max(1) + sure).min(CEILING);
        }
    }

    /// True where something stands in the cell itself, or less than a body's height above or below it.
    #[must_use]
    pub fn stands(&self, [x, y, z]: Cell) -> bool {
        (-CLOSED..=CLOSED).any(|dz| self.known([x, y, z.saturating_add(dz)]) == Known::Occupied)
    }

    /// Altitude (m, odom) of the lowest thing seen above `at`, in its column and those beside it; infinite where there is none. What
    /// stands beside it from below is no roof.
    #[must_use]
    pub fn roof(&self, at: Vec3) -> f64 {
        let finite = at.x.abs() < WORLD && at.y.abs() < WORLD && at.z.abs() < WORLD;
        let (Some(corner), true) = (self.corner, finite) else { return f64::INFINITY };
        let [x, y, z] = cell_of(at);
        let columns = (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (x + dx, y + dy)));
        let lowest = columns.filter_map(|(x, y)| {
            let stands = |z: &i64| self.known([x, y, *z]) == Known::Occupied;
            let above = (z + CLOSED..corner[2] + LAYERS as i64).find(stands);
            above.filter(|_| !(z - CLOSED..z + CLOSED).any(|z| stands(&z)))
        });
        lowest.min().map_or(f64::INFINITY, |z| z as f64 * LAYER)
    }

    /// What entering a cell costs, 1 or more; `None` where no way leads: something is too near, or may be, because it was seen above
    /// or below and not where it ends.
    #[must_use]
    pub fn price(&self, cell: Cell) -> Option<f32> {
        let corner = self.corner?;
        if !Self::inside(corner, cell) {
            return Some(UNSEEN);
        }
        let ring = |axis: usize, c: i64| {
            let n = EXTENT[axis] as i64;
            (corner[axis]..corner[axis] + n).contains(&c).then(|| c.rem_euclid(n) as usize)
        };
        let columns: [_; 3] = std::array::from_fn(|d| ring(0, cell[0] + d as i64 - 1));
        let rows: [_; 3] = std::array::from_fn(|d| ring(1, cell[1] + d as i64 - 1));
        let mut near = false;
        for dz in -DEAR..=DEAR {
            let Some(z) = ring(2, cell[2] + dz) else { continue };
            for (j, y) in rows.iter().enumerate() {
                let Some(y) = y else { continue };
                for (i, x) in columns.iter().enumerate() {
                    let occupied = x.is_some_and(|x| self.cells[(z * SIDE + y) * SIDE + x] >= OCCUPIED);
                    if occupied && (i == 1 || j == 1) && dz.abs() <= CLOSED {
                        return None;
                    }
                    near |= occupied;
                }
            }
        }
        if self.known(cell) == Known::Unseen {
            let ends = |dz: i64| self.known([cell[0], cell[1], cell[2] + dz]) == Known::Occupied;
            return (!near && !(-NO_END..=NO_END).any(ends)).then_some(UNSEEN);
        }
        Some(if near { NEAR } else { 1.0 })
    }
}

#[cfg(test)]
impl Voxels {
    /// A map about `at` in which `known` says what is in a cell; for tests of what builds upon it.
    pub(crate) fn drawn(at: Vec3, known: impl Fn(Vec3) -> Known) -> Self {
        let mut voxels = Self::new();
        assert!(voxels.recenter(at));
        let corner = voxels.corner.unwrap();
        for x in 0..SIDE as i64 {
            for y in 0..SIDE as i64 {
                for z in 0..LAYERS as i64 {
                    let cell = [corner[0] + x, corner[1] + y, corner[2] + z];
                    voxels.cells[slot(cell)] = match known(middle(cell)) {
                        Known::Unseen => 0,
                        Known::Free => 1,
                        Known::Occupied => CEILING,
                    };
                }
            }
        }
        voxels
    }
}

#[cfg(test)]
#[path = "voxels_tests.rs"]
mod tests;
