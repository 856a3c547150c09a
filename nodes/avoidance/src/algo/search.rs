//! A* on a square grid (Hart, Nilsson, Raphael 1968), a part at a time, with memory kept between runs.
//!
//! The grid is a ring in both directions: a cell's index stays the same while the window moves on, so a search may take many
//! cycles and never holds up a command.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The heuristic's weight: at most this much longer than the best way, and far fewer cells opened (Pohl 1970).
const WEIGHT: f32 = 1.3;
const NONE: u32 = u32::MAX;

/// Reusable working memory of the search.
#[derive(Debug, Clone)]
pub struct Search {
    side: usize,
    run: u32,
    visited: Vec<u32>,
    best: Vec<f32>,
    parent: Vec<u32>,
    /// (cost in 1/256 of a cell, cell): integers, so that the order is total and the same everywhere.
    open: BinaryHeap<Reverse<(u32, u32)>>,
    path: Vec<usize>,
    /// Ring coordinates of the window's lower left corner.
    corner: (usize, usize),
    target: (f32, f32),
    outside: bool,
    start: usize,
    nearest: (usize, f32),
}

impl Search {
    /// For grids of `side` x `side` cells.
    #[must_use]
    pub fn new(side: usize) -> Self {
        Self {
            side,
            run: 0,
            visited: vec![0; side * side],
            best: vec![0.0; side * side],
            parent: vec![NONE; side * side],
            open: BinaryHeap::with_capacity(8 * side * side),
            path: Vec::with_capacity(side * side),
            corner: (0, 0),
            target: (0.0, 0.0),
            outside: false,
            start: 0,
            nearest: (0, 0.0),
        }
    }

    /// The cells (ring indices) of the way found last, first step first, without the start.
    #[must_use]
    pub fn path(&self) -> &[usize] {
        &self.path
    }

    /// Column and row in the window.
    fn place(&self, cell: usize) -> (usize, usize) {
        let (x, y) =
            (cell % self.side + self.side - self.corner.0, cell / self.side + self.side - self.corner.1);
        (if x >= self.side { x - self.side } else { x }, if y >= self.side { y - self.side } else { y })
    }

    fn ahead(&self, (x, y): (usize, usize)) -> f32 {
        ((self.target.0 - x as f32).powi(2) + (self.target.1 - y as f32).powi(2)).sqrt()
    }

    /// Begins a search from the cell `start` (ring index) to `target` (cells from the window's lower left corner, possibly
    /// outside of the window), whose lower left cell has the ring coordinates `corner`.
    pub fn begin(&mut self, corner: (usize, usize), start: usize, target: (f32, f32)) {
        self.run = self.run.wrapping_add(1);
        self.open.clear();
        (self.corner, self.target, self.start) = (corner, target, start);
        let limit = self.side as f32 - 1.0;
        self.outside = target.0 < 0.0 || target.1 < 0.0 || target.0 > limit || target.1 > limit;
        (self.visited[start], self.best[start], self.parent[start]) = (self.run, 0.0, NONE);
        self.nearest = (start, self.ahead(self.place(start)));
        self.open.push(Reverse((0, start as u32)));
    }

    /// Goes on over `cost` (per cell entered, at least 1, infinite = closed) for at most `budget` cells. `None` while the
    /// search is not over. A cell of the window's rim ends it, if the target is outside; the rest of the way is then taken to
    /// be straight. `Some(false)` when the target cannot be reached; the path then leads to the reachable cell nearest to
    /// it.
    pub fn go_on(&mut self, cost: &[f32], budget: usize) -> Option<bool> {
        let side = self.side;
        for _ in 0..budget {
            let Some(Reverse((key, cell))) = self.open.pop() else {
                self.trace(self.nearest.0);
                return Some(false);
            };
            let cell = cell as usize;
            let (x, y) = self.place(cell);
            let ahead = self.ahead((x, y));
            if key > to_key(self.best[cell] + WEIGHT * ahead).saturating_add(1) && cell != self.start {
                continue; // reached more cheaply since it was put in
            }
            if ahead < self.nearest.1 {
                self.nearest = (cell, ahead);
            }
            let rim = x == 0 || y == 0 || x == side - 1 || y == side - 1;
            if ahead < 0.75 || self.outside && rim {
                self.trace(cell);
                return Some(true);
            }
            let (column, row) = (cell % side, cell / side);
            for (dx, dy) in [(-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1)] {
                let (Some(nx), Some(ny)) = (x.checked_add_signed(dx), y.checked_add_signed(dy)) else {
                    continue;
                };
                if nx >= side || ny >= side {
                    continue;
                }
                let ring = |at: usize, d: isize| match at.checked_add_signed(d) {
                    None => side - 1,
                    Some(at) if at == side => 0,
                    Some(at) => at,
                };
                let next = ring(row, dy) * side + ring(column, dx);
                let step = if dx != 0 && dy != 0 { std::f32::consts::SQRT_2 } else { 1.0 };
                let total = self.best[cell] + step * cost[next];
                if !total.is_finite() || self.visited[next] == self.run && total >= self.best[next] {
                    continue;
                }
                (self.visited[next], self.best[next], self.parent[next]) = (self.run, total, cell as u32);
                let key = to_key(total + WEIGHT * self.ahead((nx, ny)));
                self.open.push(Reverse((key, next as u32)));
            }
        }
        None
    }

    fn trace(&mut self, mut cell: usize) {
        self.path.clear();
        while cell != self.start {
            self.path.push(cell);
            cell = self.parent[cell] as usize;
        }
        self.path.reverse();
    }
}

fn to_key(cost: f32) -> u32 {
    (cost * 256.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Dijkstra by relaxation until nothing changes: slow and obviously right.
    fn oracle(cost: &[f32], side: usize, start: usize) -> Vec<f32> {
        let mut best = vec![f32::INFINITY; side * side];
        best[start] = 0.0;
        loop {
            let before = best.clone();
            for y in 0..side {
                for x in 0..side {
                    for ny in y.saturating_sub(1)..=(y + 1).min(side - 1) {
                        for nx in x.saturating_sub(1)..=(x + 1).min(side - 1) {
                            let step = if nx != x && ny != y { std::f32::consts::SQRT_2 } else { 1.0 };
                            let via = best[y * side + x] + step * cost[ny * side + nx];
                            if via < best[ny * side + nx] {
                                best[ny * side + nx] = via;
                            }
                        }
                    }
                }
            }
            if before == best {
                return best;
            }
        }
    }

    #[test]
    fn ways_are_nearly_the_best_and_closed_targets_are_told() {
        let side = 24;
        let mut search = Search::new(side);
        let mut seed = 5_u64;
        for round in 0..40 {
            let mut cost = vec![1.0_f32; side * side];
            for c in &mut cost {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let r = (seed >> 40) as f32 / (1 << 24) as f32;
                *c = if r < 0.3 { f32::INFINITY } else { 1.0 + r };
            }
            let (start, goal) = (side + 1, (side - 2) * side + side - 2);
            (cost[start], cost[goal]) = (1.0, 1.0);
            let best = oracle(&cost, side, start);
            search.begin((0, 0), start, ((side - 2) as f32, (side - 2) as f32));
            // A few cells at a time, as in flight.
            let reaches = std::iter::repeat_with(|| search.go_on(&cost, 7)).flatten().next().unwrap();
            assert_eq!(reaches, best[goal].is_finite(), "round {round}");
            if reaches {
                assert_eq!(search.path().last(), Some(&goal));
                assert!(search.best[goal] <= best[goal] * WEIGHT + 0.1);
            }
        }
    }

    #[test]
    fn a_target_outside_of_the_grid_is_left_for_at_the_rim() {
        let mut search = Search::new(16);
        search.begin((0, 0), 8 * 16 + 8, (100.0, 8.0));
        assert_eq!(search.go_on(&[1.0; 256], usize::MAX), Some(true));
        assert_eq!(search.path().last().map(|c| c % 16), Some(15));
    }

    #[test]
    fn the_ring_has_no_seam() {
        // The same window, wherever it begins in the ring, gives the same way.
        let side = 16;
        let wall = |x: usize, y: usize| if x == 8 && y < 13 { f32::INFINITY } else { 1.0 };
        let mut search = Search::new(side);
        let mut ways = Vec::new();
        for (cx, cy) in [(0, 0), (5, 11), (15, 1)] {
            let ring = |x: usize, y: usize| (y + cy) % side * side + (x + cx) % side;
            let mut cost = vec![0.0; side * side];
            (0..side * side).for_each(|i| cost[ring(i % side, i / side)] = wall(i % side, i / side));
            search.begin((cx, cy), ring(2, 2), (14.0, 2.0));
            assert_eq!(search.go_on(&cost, usize::MAX), Some(true));
            let place = |c: &usize| ((c % side + side - cx) % side, (c / side + side - cy) % side);
            ways.push(search.path().iter().map(place).collect::<Vec<_>>());
        }
        assert!(ways[0].iter().any(|(_, y)| *y >= 13));
        assert_eq!((ways[1].len(), ways[2].len()), (ways[0].len(), ways[0].len()));
    }
}
