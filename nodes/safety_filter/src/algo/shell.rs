//! The nearest surface in each direction around the vehicle.
//!
//! Directions are cells of azimuth and elevation in odom's axes, so that turning does not smear them. Each holds the
//! nearest point seen in it by the newest sweep that looked there, in odom, with its time. A point is dropped when it is
//! too old, or when a newer sweep looked the same way.

use super::vector::{V, along, norm};

/// Cells around the horizon, and from straight down to straight up.
pub const AZIMUTHS: usize = 72;
/// As said.
pub const ELEVATIONS: usize = 18;
const CELLS: usize = AZIMUTHS * ELEVATIONS;

#[derive(Debug, Clone, Copy)]
struct Cell {
    point: V,
    /// When a sweep last looked here, ns.
    looked: i64,
    /// A surface was there.
    full: bool,
}

const EMPTY: Cell = Cell { point: [0.0; 3], looked: i64::MIN, full: false };

/// See the module.
#[derive(Debug, Clone)]
pub struct Shell {
    cells: Vec<Cell>,
    sweep: Vec<(f64, V)>,
    keep: i64,
}

/// The cell of a direction (odom axes, any length but zero).
fn cell_of(d: V) -> usize {
    let azimuth = d[1].atan2(d[0]) / std::f64::consts::TAU + 0.5;
    let elevation = d[2].atan2(d[0].hypot(d[1])) / std::f64::consts::PI + 0.5;
    let index = |part: f64, count: usize| ((part * count as f64) as usize).min(count - 1);
    index(elevation, ELEVATIONS) * AZIMUTHS + index(azimuth, AZIMUTHS)
}

impl Shell {
    /// Points are kept for `keep_s` seconds.
    #[must_use]
    pub fn new(keep_s: f64) -> Self {
        Self {
            cells: vec![EMPTY; CELLS],
            sweep: vec![(f64::INFINITY, [0.0; 3]); CELLS],
            keep: (keep_s * 1e9) as i64,
        }
    }

    /// Forgets everything: places no longer mean what they meant.
    pub fn clear(&mut self) {
        self.cells.fill(EMPTY);
    }

    /// Begins a sweep.
    pub fn begin(&mut self) {
        self.sweep.fill((-1.0, [0.0; 3]));
    }

    /// One ray of the sweep: `d` from the eye to the surface (odom axes, metres), or to the end of sight when `hit` is
    /// false. `eye` is in odom.
    pub fn ray(&mut self, eye: V, d: V, hit: bool) {
        let Some(best) = self.sweep.get_mut(cell_of(d)) else { return };
        let range = if hit { norm(d) } else { f64::INFINITY };
        if best.0 < 0.0 || range < best.0 {
            *best = (range, along(eye, 1.0, d));
        }
    }

    /// Ends the sweep that was taken at `stamp`: what it looked at takes the place of what was known there.
    pub fn end(&mut self, stamp: i64) {
        for (cell, (range, point)) in self.cells.iter_mut().zip(&self.sweep) {
            if *range >= 0.0 && stamp >= cell.looked {
                *cell = Cell { point: *point, looked: stamp, full: range.is_finite() };
            }
        }
    }

    /// Ends a sweep that is not trusted: it proves nothing free, but a surface nearer to `eye` than what is known binds.
    pub fn end_doubted(&mut self, stamp: i64, eye: V) {
        let oldest = stamp.saturating_sub(self.keep);
        for (cell, (range, point)) in self.cells.iter_mut().zip(&self.sweep) {
            let surface = *range >= 0.0 && range.is_finite();
            let known = cell.full && cell.looked >= oldest && norm(along(cell.point, -1.0, eye)) <= *range;
            if surface && !known {
                *cell = Cell { point: *point, looked: stamp.max(cell.looked), full: true };
            }
        }
    }

    /// Points that still count at `now`.
    pub fn points(&self, now: i64) -> impl Iterator<Item = V> + '_ {
        let oldest = now.saturating_sub(self.keep);
        self.cells.iter().filter(move |c| c.full && c.looked >= oldest).map(|c| c.point)
    }

    /// True when some sweep still counting at `now` has looked in direction `d`.
    #[must_use]
    pub fn looked(&self, d: V, now: i64) -> bool {
        self.cells.get(cell_of(d)).is_some_and(|c| c.looked >= now.saturating_sub(self.keep))
    }

    /// The nearest range in each of `AZIMUTHS` directions of the level band (within 25 degrees of the horizon), about `at`
    /// and beginning at heading `yaw`, counter-clockwise, metres; infinite where nothing is.
    pub fn ring(&self, at: V, yaw: f64, now: i64, out: &mut [f32; AZIMUTHS]) {
        out.fill(f32::INFINITY);
        for point in self.points(now) {
            let d = along(point, -1.0, at);
            let flat = d[0].hypot(d[1]);
            if d[2].abs() > 0.47 * flat {
                continue;
            }
            let turn = ((d[1].atan2(d[0]) - yaw) / std::f64::consts::TAU).rem_euclid(1.0);
            let slot = ((turn * AZIMUTHS as f64 + 0.5) as usize) % AZIMUTHS;
            out[slot] = out[slot].min(norm(d) as f32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_sweeps_replace_older_ones_where_they_looked() {
        let mut shell = Shell::new(1.0);
        shell.begin();
        shell.ray([0.0; 3], [3.0, 0.0, 0.0], true);
        shell.ray([0.0; 3], [5.0, 0.01, 0.0], true);
        shell.ray([0.0; 3], [0.0, 2.0, 0.0], true);
        shell.end(0);
        let ranges = |s: &Shell, now| {
            let mut all: Vec<f64> = s.points(now).map(norm).collect();
            all.sort_by(f64::total_cmp);
            all
        };
        assert!(ranges(&shell, 0).len() >= 2 && ranges(&shell, 0)[0] == 2.0);
        shell.begin();
        shell.ray([0.0; 3], [10.0, 0.0, 0.0], false);
        shell.ray([0.0; 3], [10.0, 0.01, 0.0], false);
        shell.end(500_000_000);
        assert_eq!(ranges(&shell, 500_000_000), [2.0], "what was ahead has gone");
        assert!(ranges(&shell, 1_200_000_000).is_empty(), "too old");
        assert!(shell.looked([1.0, 0.0, 0.0], 1_200_000_000) && !shell.looked([-1.0, 0.0, 0.0], 0));
    }

    #[test]
    fn a_doubted_sweep_brings_surfaces_nearer_and_never_takes_them_away() {
        let mut shell = Shell::new(1.0);
        let sweep = |s: &mut Shell, ahead: f64, hit: bool| {
            s.begin();
            s.ray([0.0; 3], [ahead, 0.01, 0.0], hit);
        };
        sweep(&mut shell, 3.0, true);
        shell.end(0);
        for (ahead, hit, then) in [(9.0, true, 3.0), (12.0, false, 3.0), (2.0, true, 2.0)] {
            sweep(&mut shell, ahead, hit);
            shell.end_doubted(1, [0.0; 3]);
            let points: Vec<_> = shell.points(1).collect();
            assert!(points.len() == 1 && points[0][0] == then, "{ahead}: {points:?}");
        }
    }

    #[test]
    fn the_ring_turns_counter_clockwise_from_the_heading() {
        let mut shell = Shell::new(1.0);
        shell.begin();
        shell.ray([0.0; 3], [0.0, 4.0, 0.2], true);
        shell.end(0);
        let mut ring = [0.0; AZIMUTHS];
        shell.ring([0.0; 3], 0.0, 0, &mut ring);
        assert!((ring[18] - 4.0).abs() < 0.02 && ring[0].is_infinite());
        shell.ring([0.0; 3], std::f64::consts::FRAC_PI_2, 0, &mut ring);
        assert!((ring[0] - 4.0).abs() < 0.02);
    }
}
