//! A* on a square grid (Hart, Nilsson, Raphael 1968), with memory kept between runs.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The heuristic's weight: at most this much longer than the best way, and far fewer cells opened (Pohl 1970).
const WEIGHT: f32 = 1.15;
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
        }
    }

    /// The cells of the way found last, first step first, without the start.
    #[must_use]
    pub fn path(&self) -> &[usize] {
        &self.path
    }

    fn ahead(&self, cell: usize, target: (f32, f32)) -> f32 {
        let (x, y) = ((cell % self.side) as f32, (cell / self.side) as f32);
        ((target.0 - x).powi(2) + (target.1 - y).powi(2)).sqrt()
    }

    /// Looks for a way over `cost` (per cell entered, at least 1, infinite = closed) from `start` to `target` (cell
    /// coordinates, possibly outside of the grid). A cell of the grid's rim ends the search, if the target is
    /// outside; the rest of the way is then taken to be straight. Returns false when the target cannot be reached;
    /// the path then leads to the reachable cell nearest to it.
    pub fn run(&mut self, cost: &[f32], start: usize, target: (f32, f32)) -> bool {
        self.run = self.run.wrapping_add(1);
        self.open.clear();
        self.path.clear();
        let side = self.side;
        let limit = side as f32 - 1.0;
        let outside = target.0 < 0.0 || target.1 < 0.0 || target.0 > limit || target.1 > limit;
        (self.visited[start], self.best[start], self.parent[start]) = (self.run, 0.0, NONE);
        let (mut nearest, mut nearest_ahead) = (start, self.ahead(start, target));
        self.open.push(Reverse((0, start as u32)));
        let mut found = None;
        while let Some(Reverse((key, cell))) = self.open.pop() {
            let cell = cell as usize;
            let ahead = self.ahead(cell, target);
            if key > to_key(self.best[cell] + WEIGHT * ahead).saturating_add(1) && cell != start {
                continue; // reached more cheaply since it was put in
            }
            if ahead < nearest_ahead {
                (nearest, nearest_ahead) = (cell, ahead);
            }
            let (x, y) = (cell % side, cell / side);
            let rim = x == 0 || y == 0 || x == side - 1 || y == side - 1;
            if ahead < 0.75 || outside && rim {
                found = Some(cell);
                break;
            }
            for (dx, dy) in [(-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1)] {
                let (Some(nx), Some(ny)) = (x.checked_add_signed(dx), y.checked_add_signed(dy)) else {
                    continue;
                };
                if nx >= side || ny >= side {
                    continue;
                }
                let next = ny * side + nx;
                let step = if dx != 0 && dy != 0 { std::f32::consts::SQRT_2 } else { 1.0 };
                let total = self.best[cell] + step * cost[next];
                if !total.is_finite() || self.visited[next] == self.run && total >= self.best[next] {
                    continue;
                }
                (self.visited[next], self.best[next], self.parent[next]) = (self.run, total, cell as u32);
                self.open.push(Reverse((to_key(total + WEIGHT * self.ahead(next, target)), next as u32)));
            }
        }
        let mut cell = found.unwrap_or(nearest);
        while cell != start {
            self.path.push(cell);
            cell = self.parent[cell] as usize;
        }
        self.path.reverse();
        found.is_some()
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
            let reaches = search.run(&cost, start, ((side - 2) as f32, (side - 2) as f32));
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
        assert!(search.run(&[1.0; 256], 8 * 16 + 8, (100.0, 8.0)));
        assert_eq!(search.path().last().map(|c| c % 16), Some(15));
    }
}
