//! Distances to what stands and prices of ways, the numbers that guidance searches by: made anew about the vehicle, in plain rows,
//! so that compilers turn them into SIMD.

use super::geometry::Vec3;
use super::guidance::{COMFORT, Guidance, OCCUPIED, SIDE, UNSEEN};

/// A rectangle of the ring laid out in rows, with one cell of its surroundings on each side.
#[derive(Debug, Clone)]
pub(super) struct Field {
    cells: Vec<f32>,
    spare: Vec<f32>,
}

impl Field {
    pub(super) fn new() -> Self {
        let stride = SIDE + 2;
        Self { cells: vec![f32::INFINITY; stride * stride], spare: vec![f32::INFINITY; stride] }
    }
}

/// The parts of a row of the ring that hold the cells `from..to`: place in the ring, place in the row, how many.
fn parts(from: i64, to: i64) -> [(usize, usize, usize); 2] {
    let (start, all) = (from.rem_euclid(SIDE as i64) as usize, (to - from).max(0) as usize);
    let first = all.min(SIDE - start);
    [(start, 0, first), (0, first, all - first)]
}

fn row_of(y: i64) -> usize {
    y.rem_euclid(SIDE as i64) as usize * SIDE
}

impl Guidance {
    /// Chamfer distance (Borgefors 1986, weights 1 and sqrt 2) to occupied cells about `at`, in two passes.
    pub(super) fn measure(&mut self, at: Vec3) {
        let (columns, rows) = self.local(at);
        let (wide, high) = ((columns.end - columns.start) as usize, (rows.end - rows.start) as usize);
        let stride = wide + 2;
        let Field { cells, spare } = &mut self.field;
        let (cells, spare) = (&mut cells[..stride * (high + 2)], &mut spare[..stride]);
        cells.fill(f32::INFINITY);
        let (cx, cy) = self.corner.unwrap_or((0, 0));
        let (ex, ey) = (cx + SIDE as i64, cy + SIDE as i64);
        for (i, y) in (rows.start - 1..=rows.end).enumerate().filter(|(_, y)| (cy..ey).contains(y)) {
            let (ring, row) = (row_of(y), &mut cells[i * stride..(i + 1) * stride]);
            if rows.contains(&y) {
                for (from, to, count) in parts(columns.start, columns.end) {
                    let evidence = &self.evidence[ring + from..ring + from + count];
                    for (cell, count) in row[1 + to..].iter_mut().zip(evidence) {
                        *cell = if *count >= OCCUPIED { 0.0 } else { f32::INFINITY };
                    }
                }
            } else {
                for (from, to, count) in parts(columns.start, columns.end) {
                    row[1 + to..1 + to + count]
                        .copy_from_slice(&self.distance[ring + from..ring + from + count]);
                }
            }
            for (x, cell) in [(columns.start - 1, 0), (columns.end, wide + 1)] {
                if (cx..ex).contains(&x) {
                    row[cell] = self.distance[ring + x.rem_euclid(SIDE as i64) as usize];
                }
            }
        }
        chamfer(cells, spare, stride, self.cell as f32);
        for (i, y) in rows.enumerate() {
            let (ring, row) = (row_of(y), &cells[(i + 1) * stride..]);
            for (from, to, count) in parts(columns.start, columns.end) {
                self.distance[ring + from..ring + from + count].copy_from_slice(&row[1 + to..1 + to + count]);
            }
        }
    }

    /// What it costs to enter each cell about `from`.
    pub(super) fn price(&mut self, from: Vec3) {
        let (columns, rows) = self.local(from);
        let ((left, right), (low, high)) = self.area;
        for y in rows.clone() {
            let ring = row_of(y);
            for (start, before, count) in parts(columns.start, columns.end) {
                let here = ring + start..ring + start + count;
                let cost = &mut self.cost[here.clone()];
                let (penalty, refused) = (&mut self.penalty[here.clone()], &self.refused[here.clone()]);
                let (distance, seen) = (&self.distance[here.clone()], &self.seen[here]);
                prices(cost, distance, seen, penalty, refused, (self.hard, self.soft));
                let first = columns.start + before as i64;
                if y < low || y > high {
                    cost.fill(f32::INFINITY);
                } else if first < left || first + count as i64 - 1 > right {
                    for (x, cost) in (first..).zip(cost) {
                        *cost = if x < left || x > right { f32::INFINITY } else { *cost };
                    }
                }
            }
        }
        self.let_out(from);
    }
}

/// The two passes over rows of `stride` cells, the outermost of which are given and stay.
#[multiversion::multiversion(targets("x86_64+avx2"))]
fn chamfer(cells: &mut [f32], spare: &mut [f32], stride: usize, straight: f32) {
    let slant = straight * std::f32::consts::SQRT_2;
    let rows = cells.len() / stride;
    for pass in 0..2 {
        for i in 1..rows - 1 {
            let y = if pass == 0 { i } else { rows - 1 - i };
            let (above, row) = if pass == 0 {
                let (done, rest) = cells.split_at_mut(y * stride);
                (&done[(y - 1) * stride..], &mut rest[..stride])
            } else {
                let (rest, done) = cells.split_at_mut((y + 1) * stride);
                (&done[..stride], &mut rest[y * stride..])
            };
            let near = above.iter().zip(&above[1..]).zip(&above[2..]);
            for (cell, ((a, b), c)) in row[1..stride - 1].iter_mut().zip(near) {
                *cell = cell.min((b + straight).min(a.min(*c) + slant));
            }
            // Along the row: min over k of row[x -+ k] + k straight, by doubling, to and fro between two buffers.
            let mut k = 1;
            while k < stride {
                for (there, k) in [(true, k), (false, 2 * k)] {
                    let (source, target): (&[f32], &mut [f32]) =
                        if there { (&*row, &mut *spare) } else { (&*spare, &mut *row) };
                    let (k, far) = (k.min(stride), straight * k as f32);
                    if pass == 0 {
                        target[..k].copy_from_slice(&source[..k]);
                        for ((out, here), back) in target[k..].iter_mut().zip(&source[k..]).zip(source) {
                            *out = here.min(back + far);
                        }
                    } else {
                        let split = stride - k;
                        target[split..].copy_from_slice(&source[split..]);
                        for ((out, here), on) in target[..split].iter_mut().zip(source).zip(&source[k..]) {
                            *out = here.min(on + far);
                        }
                    }
                }
                k *= 4;
            }
        }
    }
}

/// Prices of a row. A penalty fades by one.
#[multiversion::multiversion(targets("x86_64+avx2"))]
fn prices(
    cost: &mut [f32],
    distance: &[f32],
    seen: &[u8],
    penalty: &mut [u8],
    refused: &[u8],
    (hard, soft): (f32, f32),
) {
    let of = distance.iter().zip(seen).zip(penalty.iter_mut().zip(refused));
    for (cost, ((d, seen), (penalty, refused))) in cost.iter_mut().zip(of) {
        let near = ((soft + COMFORT - d) / COMFORT).clamp(0.0, 1.0);
        // Nearer than `soft` there is only creeping.
        let tight = ((soft - d) / (soft - hard)).clamp(0.0, 1.0);
        let unseen = if *seen == 0 { UNSEEN - 1.0 } else { 0.0 };
        let dear = 0.15 * f32::from((*penalty).max(*refused));
        *penalty = penalty.saturating_sub(1);
        let price = 1.0 + 2.0 * near * near + 2.0 * tight + unseen + dear;
        *cost = if *d < hard { f32::INFINITY } else { price };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plain chamfer distance over the whole window, cell after cell.
    fn plain(evidence: impl Fn(i64, i64) -> bool, (cx, cy): (i64, i64), cell: f32) -> Vec<f32> {
        let side = SIDE as i64;
        let mut d: Vec<f32> = (0..side * side)
            .map(|i| if evidence(cx + i % side, cy + i / side) { 0.0 } else { f32::INFINITY })
            .collect();
        let mut changed = true;
        while changed {
            changed = false;
            for i in 0..side * side {
                for (dx, dy) in [(1, 0), (0, 1), (1, 1), (-1, 1), (-1, 0), (0, -1), (-1, -1), (1, -1)] {
                    let (x, y) = (i % side + dx, i / side + dy);
                    if (0..side).contains(&x) && (0..side).contains(&y) {
                        let step = if dx * dy == 0 { cell } else { cell * std::f32::consts::SQRT_2 };
                        let by = d[(y * side + x) as usize] + step;
                        if by < d[i as usize] - 1e-4 {
                            d[i as usize] = by;
                            changed = true;
                        }
                    }
                }
            }
        }
        d
    }

    #[test]
    fn distances_are_those_of_a_plain_count_wherever_the_ring_begins() {
        for at in [Vec3::new(0.0, 0.0, 2.0), Vec3::new(-37.3, 61.9, 2.0)] {
            let mut g = Guidance::new(0.25, 0.3, 0.5);
            let corner = (
                (at.x / 0.25).floor() as i64 - SIDE as i64 / 2,
                (at.y / 0.25).floor() as i64 - SIDE as i64 / 2,
            );
            g.corner = Some(corner);
            let (x, y) = (corner.0 + SIDE as i64 / 2, corner.1 + SIDE as i64 / 2);
            let stands =
                |ix: i64, iy: i64| (ix - x, iy - y) == (9, 4) || (iy - y == -20 && (ix - x).abs() < 30);
            for iy in corner.1..corner.1 + SIDE as i64 {
                for ix in corner.0..corner.0 + SIDE as i64 {
                    g.evidence[Guidance::slot(ix, iy)] = if stands(ix, iy) { OCCUPIED } else { 0 };
                }
            }
            g.measure(at);
            let all = plain(stands, corner, 0.25);
            let (columns, rows) = g.local(at);
            for iy in rows {
                for ix in columns.clone() {
                    let known = all[((iy - corner.1) * SIDE as i64 + ix - corner.0) as usize];
                    let found = g.distance[Guidance::slot(ix, iy)];
                    assert!((found - known).abs() < 1e-3, "({}, {}): {found}, {known}", ix - x, iy - y);
                }
            }
        }
    }
}
