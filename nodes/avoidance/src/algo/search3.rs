//! A* (Hart, Nilsson, Raphael 1968) over the map in three dimensions, a part at a time, with memory kept between runs.
//!
//! Its steps are level or climb and sink by one layer per cell at most: a slope of one half, which is what a camera of 71 degrees sees
//! ahead. Cells are priced when they are first touched. They keep their places in the ring while the window moves on.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::voxels::{CELL, Cell, LAYERS, SIDE, Voxels, slot};

/// The heuristic's weight: at most this much longer than the best way, and far fewer cells opened (Pohl 1970).
const WEIGHT: f32 = 1.3;
/// What a layer up costs, and one down, in cells of level way: a metre up is worth 3 m of detour, a metre down one.
pub const UP: f32 = 1.5;
/// See [`UP`].
pub const DOWN: f32 = 0.5;
/// A search that opened so many cells ends without a way.
pub const MOST: usize = 40_000;
/// Room for cells to be opened.
const ROOM: usize = 1 << 18;
/// Longer ways are none, cells.
const LONGEST: usize = 2_048;
/// This near to the target is there, cells and layers.
const THERE: (f32, f32) = (1.5, 2.0);
/// What leaving a place costs that is too near to something; only about the start, cells and layers.
const WAY_OUT: f32 = 15.0;
const ABOUT_START: (i64, i64) = (2, 4);
/// What a place costs that was shunned, and how far about it, cells.
const SHUNNED: f32 = 25.0;
const SHUN_WITHIN: i64 = 3;
/// Places that can be shunned at a time.
pub const SHUNS: usize = 4;

/// Level steps; each may also go up or down by a layer.
const STEPS: [(i64, i64); 8] = [(-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1)];
const START: u8 = u8::MAX;

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Question {
    /// The window's lowest cell.
    pub corner: Cell,
    /// From here.
    pub start: Cell,
    /// To here; outside of the window the way ends at its rim.
    pub target: Cell,
    /// Lowest and highest layer that may be entered.
    pub layers: (i64, i64),
    /// Level places that are not to be crossed again.
    pub shunned: [Option<(i64, i64)>; SHUNS],
}

/// Reusable working memory of the search.
#[derive(Debug, Clone)]
pub struct Search3 {
    run: u32,
    /// The run that a cell was touched in; what follows is true of that run alone.
    touched: Vec<u32>,
    best: Vec<f32>,
    price: Vec<f32>,
    /// The step that led to a cell.
    step: Vec<u8>,
    /// (cost in 1/256 of a cell, slot): integers, so that the order is total and the same everywhere.
    open: BinaryHeap<Reverse<(u32, u32)>>,
    path: Vec<Cell>,
    asked: Question,
    opened: usize,
}

impl Default for Search3 {
    fn default() -> Self {
        Self::new()
    }
}

impl Search3 {
    /// Allocates all that it will ever need.
    #[must_use]
    pub fn new() -> Self {
        let cells = SIDE * SIDE * LAYERS;
        let zero = [0; 3];
        Self {
            run: 0,
            touched: vec![0; cells],
            best: vec![0.0; cells],
            price: vec![0.0; cells],
            step: vec![0; cells],
            open: BinaryHeap::with_capacity(ROOM),
            path: Vec::with_capacity(LONGEST),
            asked: Question {
                corner: zero,
                start: zero,
                target: zero,
                layers: (0, 0),
                shunned: [None; SHUNS],
            },
            opened: 0,
        }
    }

    /// The cells of the way found last, from the start on.
    #[must_use]
    pub fn path(&self) -> &[Cell] {
        &self.path
    }

    /// Begins a search. The start is brought into the layers that may be entered.
    pub fn begin(&mut self, mut question: Question) {
        let (low, high) = question.layers;
        question.start[2] = question.start[2].max(low).min(high);
        question.target[2] = question.target[2].max(low).min(high);
        self.run = self.run.wrapping_add(1);
        if self.run == 0 {
            self.touched.fill(0);
            self.run = 1;
        }
        self.open.clear();
        self.path.clear();
        (self.asked, self.opened) = (question, 0);
        if self.inside(question.start) && low <= high {
            let start = slot(question.start);
            (self.touched[start], self.best[start], self.price[start]) = (self.run, 0.0, 1.0);
            self.step[start] = START;
            self.open.push(Reverse((0, start as u32)));
        }
    }

    fn inside(&self, [x, y, z]: Cell) -> bool {
        let (c, (low, high)) = (self.asked.corner, self.asked.layers);
        let side = SIDE as i64;
        (c[0]..c[0] + side).contains(&x)
            && (c[1]..c[1] + side).contains(&y)
            && (c[2].max(low)..=(c[2] + LAYERS as i64 - 1).min(high)).contains(&z)
    }

    fn cell(&self, slot: usize) -> Cell {
        let ring = [slot % SIDE, slot / SIDE % SIDE, slot / (SIDE * SIDE)];
        let extent = [SIDE as i64, SIDE as i64, LAYERS as i64];
        let c = self.asked.corner;
        std::array::from_fn(|i| c[i] + (ring[i] as i64 - c[i]).rem_euclid(extent[i]))
    }

    fn ahead(&self, [x, y, z]: Cell) -> f32 {
        let t = self.asked.target;
        let up = (t[2] - z) as f32;
        level((x, y), (t[0], t[1])) + if up > 0.0 { UP * up } else { -DOWN * up }
    }

    fn priced(&self, voxels: &Voxels, cell: Cell) -> f32 {
        let start = self.asked.start;
        let about = |i: usize, reach: i64| (cell[i] - start[i]).abs() <= reach;
        let leaves = about(0, ABOUT_START.0) && about(1, ABOUT_START.0) && about(2, ABOUT_START.1);
        let shunned = self
            .asked
            .shunned
            .iter()
            .flatten()
            .any(|(x, y)| (cell[0] - x).abs() <= SHUN_WITHIN && (cell[1] - y).abs() <= SHUN_WITHIN);
        let price = match voxels.price(cell) {
            Some(price) => price,
            None if leaves && !voxels.stands(cell) => WAY_OUT,
            None => return f32::INFINITY,
        };
        if shunned && !leaves { price + SHUNNED } else { price }
    }

    /// Goes on for at most `budget` cells. `None` while the search is not over; then whether there is a way.
    pub fn go_on(&mut self, voxels: &Voxels, budget: usize) -> Option<bool> {
        let [cx, cy, _] = self.asked.corner;
        let (tx, ty) = (self.asked.target[0], self.asked.target[1]);
        let side = SIDE as i64;
        let outside = !(cx..cx + side).contains(&tx) || !(cy..cy + side).contains(&ty);
        for _ in 0..budget {
            if self.opened >= MOST || self.open.len() + 3 * STEPS.len() > ROOM {
                return Some(false);
            }
            let Some(Reverse((key, at))) = self.open.pop() else { return Some(false) };
            let at = at as usize;
            let cell = self.cell(at);
            let ahead = self.ahead(cell);
            if key > to_key(self.best[at] + WEIGHT * ahead).saturating_add(1) && self.step[at] != START {
                continue; // reached more cheaply since it was put in
            }
            self.opened += 1;
            let [x, y, z] = cell;
            let rim = x == cx || y == cy || x == cx + side - 1 || y == cy + side - 1;
            let there =
                level((x, y), (tx, ty)) <= THERE.0 && (self.asked.target[2] - z).abs() as f32 <= THERE.1;
            if there || outside && rim {
                return Some(self.trace(cell));
            }
            for (i, (dx, dy)) in STEPS.into_iter().enumerate() {
                let length = if dx != 0 && dy != 0 { std::f32::consts::SQRT_2 } else { 1.0 };
                for (j, (dz, lift)) in [(0, 0.0), (1, UP), (-1, DOWN)].into_iter().enumerate() {
                    let to = [x + dx, y + dy, z + dz];
                    if !self.inside(to) {
                        continue;
                    }
                    let next = slot(to);
                    if self.touched[next] != self.run {
                        self.touched[next] = self.run;
                        (self.best[next], self.price[next]) = (f32::INFINITY, self.priced(voxels, to));
                    }
                    let total = self.best[at] + length * self.price[next] + lift;
                    if !total.is_finite() || total >= self.best[next] {
                        continue;
                    }
                    (self.best[next], self.step[next]) = (total, (3 * i + j) as u8);
                    self.open.push(Reverse((to_key(total + WEIGHT * self.ahead(to)), next as u32)));
                }
            }
        }
        None
    }

    /// Writes the way down, from the start to `cell`; false when it is too long.
    fn trace(&mut self, mut cell: Cell) -> bool {
        self.path.clear();
        while self.path.len() < LONGEST {
            self.path.push(cell);
            let step = self.step[slot(cell)];
            if step == START {
                self.path.reverse();
                return true;
            }
            let (dx, dy) = STEPS[usize::from(step / 3)];
            let dz = [0, 1, -1][usize::from(step % 3)];
            cell = [cell[0] - dx, cell[1] - dy, cell[2] - dz];
        }
        self.path.clear();
        false
    }

    /// Metres of level way that the way found last is worth, climbs and prices included.
    #[must_use]
    pub fn worth(&self) -> f64 {
        self.path.last().map_or(f64::INFINITY, |&cell| f64::from(self.best[slot(cell)]) * CELL)
    }
}

fn level((ax, ay): (i64, i64), (bx, by): (i64, i64)) -> f32 {
    let (dx, dy) = ((ax - bx) as f32, (ay - by) as f32);
    (dx * dx + dy * dy).sqrt()
}

fn to_key(cost: f32) -> u32 {
    (cost * 256.0) as u32
}

#[cfg(test)]
#[path = "search3_tests.rs"]
mod tests;
