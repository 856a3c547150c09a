//! The inflated range view: a depth image in which every obstacle is as large as the vehicle needs it to be.
//!
//! This is the configuration-space expansion of Matthies et al. ("Stereo vision-based obstacle avoidance for micro
//! air vehicles using disparity space", ICRA 2014), done on pooled depth. A ball of radius R (body + margin) around
//! each surface point is projected into the image; where it projects, the free depth ends at the ball's front. The
//! vehicle's *centre* is then clear of everything seen if its own depth is smaller than the free depth of its cell.
//!
//! Three answers, never two: [`Verdict::Unknown`] is what lies outside of the image, behind a surface, or so close
//! to an edge or an invalid cell that a part of the ball was not seen.

use super::depth::{Lattice, Pooled};
use super::geometry::Vec3;
use super::margins::MarginBox;

/// Depth bins of the stamp table, uniform in inverse depth.
const BINS: usize = 112;
/// Surfaces nearer than this are stamped as if they were here: they cover most of the view anyway. Metres.
const NEAREST: f32 = 0.3;
/// Cells that are lowered at once.
const LANES: usize = 8;
/// Balls nearer than this are looked at closer, if the view keeps its depths. Metres.
const LOOK_CLOSER: f32 = 2.0;

/// How much is kept clear around the body. Errors of tracking grow with speed; a vehicle that creeps may pass nearer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Margin {
    /// `margin`, at any speed.
    Full = 0,
    /// `creep_margin`, up to `creep_speed`.
    Creep = 1,
}

/// One table per [`Margin`].
pub type Levels = [StampTable; 2];

/// What a view says of a ball at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All of the ball was seen, and nothing is in it.
    Free,
    /// Something seen lies in it, or may.
    Hit,
    /// Some of it was not seen.
    Unknown,
}

/// Which cells a ball around a surface covers, per depth bin; made once per camera and radius.
#[derive(Debug, Clone)]
pub struct StampTable {
    radius: f32,
    depth_error: f32,
    max_range: f32,
    cols: Vec<(u16, u16)>,
    rows: Vec<(u16, u16)>,
}

impl StampTable {
    /// For obstacles grown by `radius` (m) and surfaces up to `depth_error * z^2` (m) nearer than measured.
    #[must_use]
    pub fn new(lattice: &Lattice, radius: f64, depth_error: f64, max_range: f64) -> Self {
        let mut table = Self {
            radius: radius as f32,
            depth_error: depth_error as f32,
            max_range: max_range as f32,
            cols: Vec::with_capacity(BINS * lattice.cols),
            rows: Vec::with_capacity(BINS * lattice.rows),
        };
        for bin in 0..BINS {
            let z = table.bin_depth(bin);
            spans(&lattice.x_edges, z, table.radius, &mut table.cols);
            spans(&lattice.y_edges, z, table.radius, &mut table.rows);
        }
        table
    }

    /// Radius (m) that obstacles grow by.
    #[must_use]
    pub fn radius(&self) -> f64 {
        f64::from(self.radius)
    }

    /// Surfaces may be this much times z^2 nearer, 1/m.
    #[must_use]
    pub fn depth_error(&self) -> f32 {
        self.depth_error
    }

    fn scale(&self) -> (f32, f32) {
        let far = 1.0 / self.max_range;
        (far, BINS as f32 / (1.0 / NEAREST - far))
    }

    /// The nearest depth of a bin.
    fn bin_depth(&self, bin: usize) -> f32 {
        let (far, scale) = self.scale();
        1.0 / (far + (bin + 1) as f32 / scale)
    }
}

/// For each cell between `edges`: first and last cell that a ball around a point in it, at depth `z`, can touch.
fn spans(edges: &[f32], z: f32, radius: f32, out: &mut Vec<(u16, u16)>) {
    for pair in edges.windows(2) {
        let low = tangent_beside(pair[0], z, radius, -1.0);
        let high = tangent_beside(pair[1], z, radius, 1.0);
        out.push((cell_at(edges, low), cell_at(edges, high)));
    }
}

/// Tangent of the angle at which a ray touches the ball around the point (t z, z): tan(atan t +- asin(R/D)).
fn tangent_beside(t: f32, z: f32, radius: f32, side: f32) -> f32 {
    let d2 = z * z * (1.0 + t * t) - radius * radius;
    if d2 <= 0.0 {
        return side * f32::INFINITY;
    }
    let tau = side * radius / d2.sqrt();
    let denominator = 1.0 - t * tau;
    if denominator <= 1e-4 { side * f32::INFINITY } else { (t + tau) / denominator }
}

/// The cell a tangent falls in, clamped into the view.
fn cell_at(edges: &[f32], t: f32) -> u16 {
    let above = edges.partition_point(|&e| e <= t);
    above.saturating_sub(1).min(edges.len() - 2) as u16
}

/// Stamps every surface of an image. Neighbours of one row that share a depth bin are stamped together, and neighbouring stamps that
/// reach over the same rows are gathered in `gathered` (infinite, of `cols` cells) first: a near wall, of which every cell is a stamp as
/// large as the image, costs little more than level ground.
#[multiversion::multiversion(targets("x86_64+avx2"))]
fn stamp(
    free: &mut [f32],
    gathered: &mut [f32],
    depths: &[f32],
    table: &StampTable,
    cols: usize,
    rows: usize,
) {
    /// Columns whose bins are worked out at a time.
    const RUN: usize = 64;
    const NONE: i32 = -1;
    let (far, scale) = table.scale();
    for (row, depths) in depths.chunks_exact(cols).take(rows).enumerate() {
        let (mut reach, mut touched) = ((0, 0), (cols, 0));
        for (part, depths) in depths.chunks(RUN).enumerate() {
            let (mut fronts, mut bins) = ([0.0_f32; RUN], [NONE; RUN]);
            // The bin of a surface, and never a farther one.
            for ((front, bin), &z) in fronts.iter_mut().zip(&mut bins).zip(depths) {
                *front = z - table.depth_error * z * z;
                let there = ((1.0 / front.max(NEAREST) - far) * scale).clamp(0.0, (BINS - 1) as f32) as i32;
                *bin = if z > 0.0 && z < table.max_range { there } else { NONE };
            }
            let mut c = 0;
            while c < depths.len() {
                let (first, bin) = (c, bins[c]);
                let mut front = f32::INFINITY;
                while c < depths.len() && bins[c] == bin {
                    front = front.min(fronts[c]);
                    c += 1;
                }
                if bin == NONE {
                    continue;
                }
                let of_rows = table.rows[bin as usize * rows + row];
                if of_rows != reach {
                    spread(free, gathered, cols, reach, touched);
                    (reach, touched) = (of_rows, (cols, 0));
                }
                let spans = &table.cols[bin as usize * cols + part * RUN..];
                let columns = (usize::from(spans[first].0), usize::from(spans[c - 1].1));
                least_of(&mut gathered[columns.0..=columns.1], front - table.radius);
                touched = (touched.0.min(columns.0), touched.1.max(columns.1));
            }
        }
        spread(free, gathered, cols, reach, touched);
    }
}

/// Lowers the cells of these rows to what was gathered, and empties that.
#[inline(always)]
fn spread(free: &mut [f32], gathered: &mut [f32], cols: usize, rows: (u16, u16), touched: (usize, usize)) {
    if touched.0 > touched.1 {
        return;
    }
    // Whole lanes: around what was touched nothing was gathered.
    let columns = touched.0 / LANES * LANES..((touched.1 / LANES + 1) * LANES).min(cols);
    let gathered = &mut gathered[columns.clone()];
    for row in free[usize::from(rows.0) * cols..(usize::from(rows.1) + 1) * cols].chunks_exact_mut(cols) {
        let (cells, rest) = row[columns.clone()].as_chunks_mut::<LANES>();
        let (least, last) = gathered.as_chunks::<LANES>();
        for (cells, least) in cells.iter_mut().zip(least) {
            *cells = std::array::from_fn(|i| cells[i].min(least[i]));
        }
        for (cell, least) in rest.iter_mut().zip(last) {
            *cell = cell.min(*least);
        }
    }
    gathered.fill(f32::INFINITY);
}

/// Lowers cells to `depth`. (`if depth < cell` makes masked stores of it, which are slow.)
#[inline(always)]
fn least_of(cells: &mut [f32], depth: f32) {
    let (lanes, rest) = cells.as_chunks_mut::<LANES>();
    for cells in lanes {
        *cells = cells.map(|cell| cell.min(depth));
    }
    for cell in rest {
        *cell = cell.min(depth);
    }
}

/// One inflated view. All lengths in metres, in the frame of its camera.
#[derive(Debug, Clone, Default)]
pub struct RangeView {
    /// Per cell: depth up to which the vehicle's centre is clear of all that was seen.
    free: Vec<f32>,
    /// A row of stamps, while it is filled.
    gathered: Vec<f32>,
    /// Per cell: cells (Chebyshev) to the nearest unknown one. Empty when there is none.
    to_unknown: Vec<u8>,
    /// The pooled depths themselves, for [`Self::look_closer`]; empty in a view that is not asked to.
    raw: Vec<f32>,
    depth_error: f32,
    cols: usize,
    radius: f32,
    // First column and row edge (tangents) and cells per unit of tangent.
    x0: f32,
    y0: f32,
    per_x: f32,
    per_y: f32,
    // Side planes of the frustum: left, right, top, bottom tangents and 1/sqrt(1+t^2).
    planes: [(f32, f32); 4],
}

impl RangeView {
    /// Makes room for all cells of `lattice`, so that [`Self::fill`] never allocates.
    pub fn reserve(&mut self, lattice: &Lattice) {
        let cells = lattice.cols * lattice.rows;
        self.free.reserve(cells.saturating_sub(self.free.len()));
        self.gathered.reserve(lattice.cols.saturating_sub(self.gathered.len()));
        self.to_unknown.reserve(cells.saturating_sub(self.to_unknown.len()));
        self.raw.reserve(cells.saturating_sub(self.raw.len()));
    }

    /// Inflates a pooled image. `boxes` widen the margin of the surfaces seen inside of them.
    pub fn fill(&mut self, pooled: &Pooled, lattice: &Lattice, table: &StampTable, boxes: &[MarginBox]) {
        let (cols, rows) = (lattice.cols, lattice.rows);
        self.cols = cols;
        self.raw.clear();
        self.radius = table.radius;
        (self.x0, self.y0) = (lattice.x_edges[0], lattice.y_edges[0]);
        self.per_x = (lattice.intrinsics.fx / lattice.factor as f64) as f32;
        self.per_y = (lattice.intrinsics.fy / lattice.factor as f64) as f32;
        let plane = |t: f32| (t, 1.0 / (1.0 + t * t).sqrt());
        self.planes =
            [plane(self.x0), plane(lattice.x_edges[cols]), plane(self.y0), plane(lattice.y_edges[rows])];
        self.free.clear();
        self.free.resize(cols * rows, table.max_range - table.radius);
        self.gathered.clear();
        self.gathered.resize(cols, f32::INFINITY);
        stamp(&mut self.free, &mut self.gathered, &pooled.z, table, cols, rows);
        for b in boxes {
            self.stamp_box(b, pooled, lattice, table);
        }
        self.to_unknown.clear();
        if pooled.unknown > 0 {
            distance_to_unknown(&pooled.z, cols, rows, &mut self.to_unknown);
        }
    }

    fn stamp_box(&mut self, b: &MarginBox, pooled: &Pooled, lattice: &Lattice, table: &StampTable) {
        let span = |edges: &[f32], low: f32, high: f32| (cell_at(edges, low), cell_at(edges, high));
        let (c0, c1) = span(&lattice.x_edges, b.x_min, b.x_max);
        let (r0, r1) = span(&lattice.y_edges, b.y_min, b.y_max);
        let radius = table.radius + b.extra;
        for row in usize::from(r0)..=usize::from(r1) {
            for col in usize::from(c0)..=usize::from(c1) {
                let z = pooled.z[row * self.cols + col];
                if !(z > 0.0 && z < table.max_range) {
                    continue;
                }
                let front = z - table.depth_error * z * z;
                let beside = |edges: &[f32], i: usize| {
                    let low = tangent_beside(edges[i], front, radius, -1.0);
                    let high = tangent_beside(edges[i + 1], front, radius, 1.0);
                    (cell_at(edges, low), cell_at(edges, high))
                };
                let (columns, rows) = (beside(&lattice.x_edges, col), beside(&lattice.y_edges, row));
                let columns = usize::from(columns.0)..=usize::from(columns.1);
                for row in usize::from(rows.0)..=usize::from(rows.1) {
                    least_of(&mut self.free[row * self.cols..][columns.clone()], front - radius);
                }
            }
        }
    }

    /// Keeps the depths of a view that was just filled, so that near questions can be answered exactly.
    pub fn keep_depths(&mut self, pooled: &Pooled, depth_error: f32) {
        self.raw.clear();
        self.raw.extend_from_slice(&pooled.z);
        self.depth_error = depth_error;
    }

    /// As [`Self::verdict`], cell by cell, for a ball whose projection is inside of the image: every ray through the ball
    /// must have been seen to end behind it, and no surface may lie in it. The inflated view takes a ball around a surface
    /// for a slab, which closes gaps that the vehicle fits through.
    fn look_closer(&self, x: f32, y: f32, z: f32, ball: f32) -> Verdict {
        let (cols, rows) = (self.cols, self.raw.len() / self.cols.max(1));
        let span = |t: f32, first: f32, per: f32, count: usize| {
            let cell = |t: f32| ((t - first) * per).clamp(0.0, count as f32 - 1.0) as usize;
            (cell(tangent_beside(t, z, ball, -1.0)), cell(tangent_beside(t, z, ball, 1.0)))
        };
        let (c0, c1) = span(x / z, self.x0, self.per_x, cols);
        let (r0, r1) = span(y / z, self.y0, self.per_y, rows);
        let far = x * x + y * y + z * z;
        let mut hidden = false;
        for row in r0..=r1 {
            let ty = self.y0 + (row as f32 + 0.5) / self.per_y;
            for (col, &depth) in (c0..=c1).zip(&self.raw[row * cols + c0..=row * cols + c1]) {
                let tx = self.x0 + (col as f32 + 0.5) / self.per_x;
                let square = 1.0 + tx * tx + ty * ty;
                let along = tx * x + ty * y + z;
                // A surface may lie anywhere in its cell.
                let radius = ball + 0.7 * depth.min(z) / self.per_x.min(self.per_y);
                let beside = far - along * along / square;
                if beside > radius * radius {
                    continue;
                }
                let error = if depth < 50.0 { self.depth_error * depth * depth } else { 0.0 };
                let front = depth - error;
                // Depth at which the ray leaves the ball.
                let half = ((radius * radius - beside) / square).sqrt();
                let middle = along / square;
                if front > middle + half {
                    continue;
                }
                if depth > 0.0 && front >= middle - half {
                    return Verdict::Hit;
                }
                hidden = true;
            }
        }
        if hidden { Verdict::Unknown } else { Verdict::Free }
    }

    /// What this view says of the vehicle's ball with its centre at (x, y, z), metres in the camera's optical frame.
    #[must_use]
    pub fn verdict(&self, x: f32, y: f32, z: f32) -> Verdict {
        self.verdict_grown(x, y, z, 0.0)
    }

    /// As [`Self::verdict`] for a ball larger by `extra` (m): what the view's pose may be off by. With growth, only what is
    /// near enough for a closer look is answered.
    #[must_use]
    pub fn verdict_grown(&self, x: f32, y: f32, z: f32, extra: f32) -> Verdict {
        let [(left, kl), (right, kr), (top, kt), (bottom, kb)] = self.planes;
        let r = self.radius + extra;
        // The whole ball must lie inside the frustum: its distance to each side plane is at least its radius.
        let inside = (x - left * z) * kl >= r
            && (right * z - x) * kr >= r
            && (y - top * z) * kt >= r
            && (bottom * z - y) * kb >= r;
        if !inside {
            return Verdict::Unknown;
        }
        let (tx, ty) = (x / z, y / z);
        let col = ((tx - self.x0) * self.per_x) as usize;
        let row = ((ty - self.y0) * self.per_y) as usize;
        let index = row * self.cols + col;
        let Some(&free) = self.free.get(index) else { return Verdict::Unknown };
        let closer = z < LOOK_CLOSER && !self.raw.is_empty();
        if closer && (z >= free || extra > 0.0) {
            return self.look_closer(x, y, z, r);
        }
        if extra > 0.0 {
            return Verdict::Unknown;
        }
        if z >= free {
            // Within two radii behind the front the ball may touch the surface; farther back it is hidden by it.
            return if z <= free + 2.0 * r + 0.3 { Verdict::Hit } else { Verdict::Unknown };
        }
        if let Some(&cells) = self.to_unknown.get(index) {
            let slope = (1.0 + tx * tx).max(1.0 + ty * ty);
            let needed = 1.3 * slope * r / z * self.per_x.max(self.per_y) + 1.0;
            if f32::from(cells) <= needed {
                return Verdict::Unknown;
            }
        }
        Verdict::Free
    }

    /// [`Self::verdict`] for a point in `f64`.
    #[must_use]
    pub fn verdict_at(&self, p: Vec3) -> Verdict {
        self.verdict(p.x as f32, p.y as f32, p.z as f32)
    }
}

/// Two-pass Chebyshev distance transform to the cells with depth 0.
fn distance_to_unknown(z: &[f32], cols: usize, rows: usize, out: &mut Vec<u8>) {
    out.extend(z.iter().map(|&z| if z > 0.0 { u8::MAX } else { 0 }));
    for row in 0..rows {
        for col in 0..cols {
            let mut best = out[row * cols + col];
            let mut look = |r: usize, c: usize| best = best.min(out[r * cols + c].saturating_add(1));
            if row > 0 {
                (col.saturating_sub(1)..=(col + 1).min(cols - 1)).for_each(|c| look(row - 1, c));
            }
            if col > 0 {
                look(row, col - 1);
            }
            out[row * cols + col] = best;
        }
    }
    for row in (0..rows).rev() {
        for col in (0..cols).rev() {
            let mut best = out[row * cols + col];
            let mut look = |r: usize, c: usize| best = best.min(out[r * cols + c].saturating_add(1));
            if row + 1 < rows {
                (col.saturating_sub(1)..=(col + 1).min(cols - 1)).for_each(|c| look(row + 1, c));
            }
            if col + 1 < cols {
                look(row, col + 1);
            }
            out[row * cols + col] = best;
        }
    }
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;
