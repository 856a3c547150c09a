//! The nearest surface in each direction around the vehicle.
//!
//! Directions are cells of azimuth and elevation in odom's axes, so that turning does not smear them. Each holds the
//! nearest point seen in it by the newest sweep that looked there, in odom, with its time.
//!
//! A point is dropped when it is too old, or when a newer sweep has looked at *that point*. A sweep that looked into the
//! same cell is not enough: what a vehicle passes leaves its view through a cell that goes on being looked at in part. Points
//! that were not looked at anew are set aside, under their direction from the new eye.
//!
//! What was seen and what was looked at are two things: a surface binds also where hardly a pixel was valid, and only where
//! enough were, the direction counts as looked at.

use super::vector::{V, along, bearing, norm};

/// Cells around the horizon, and from straight down to straight up.
pub const AZIMUTHS: usize = 72;
/// As said.
pub const ELEVATIONS: usize = 18;
const CELLS: usize = AZIMUTHS * ELEVATIONS;
/// Width of a cell about the vertical, radians.
const WIDTH: f64 = std::f64::consts::TAU / AZIMUTHS as f64;

#[derive(Debug, Clone, Copy)]
struct Cell {
    point: V,
    /// When a sweep last looked here, ns.
    looked: i64,
    /// A surface was there.
    full: bool,
}

const EMPTY: Cell = Cell { point: [0.0; 3], looked: i64::MIN, full: false };

/// A surface that the newest sweeps have not looked at, and when it was seen.
#[derive(Debug, Clone, Copy)]
struct Aside {
    point: V,
    seen: i64,
}

const NOBODY: Aside = Aside { point: [0.0; 3], seen: i64::MIN };

/// What a sweep found in a cell.
#[derive(Debug, Clone, Copy)]
struct Found {
    /// Of the nearest surface, metres; infinite without one.
    range: f64,
    point: V,
    looked: bool,
}

const NOTHING: Found = Found { range: f64::INFINITY, point: [0.0; 3], looked: false };

/// See the module.
#[derive(Debug, Clone)]
pub struct Shell {
    cells: Vec<Cell>,
    aside: Vec<Aside>,
    moved: Vec<Aside>,
    sweep: Vec<Found>,
    keep: i64,
}

/// The cell at a share of the turn from -pi on, and at `elevation` (radians, -pi/2 to pi/2).
fn cell(turn: f64, elevation: f64) -> usize {
    let height = elevation / std::f64::consts::PI + 0.5;
    let index = |part: f64, count: usize| ((part * count as f64) as usize).min(count - 1);
    index(height, ELEVATIONS) * AZIMUTHS + index(turn, AZIMUTHS)
}

/// The cell at `azimuth` (radians, any) and `elevation`.
fn cell_at(azimuth: f64, elevation: f64) -> usize {
    cell((azimuth / std::f64::consts::TAU + 0.5).rem_euclid(1.0), elevation)
}

/// Azimuth and elevation of a direction (odom axes, any length but zero), radians.
fn angles(d: V) -> (f64, f64) {
    (bearing(d[1], d[0]), bearing(d[2], (d[0] * d[0] + d[1] * d[1]).sqrt()))
}

fn cell_of(d: V) -> usize {
    let (azimuth, elevation) = angles(d);
    cell(azimuth / std::f64::consts::TAU + 0.5, elevation)
}

/// Puts a point aside unless one as young as `oldest` and nearer to `eye` is there.
fn put(slot: &mut Aside, new: Aside, eye: V, oldest: i64) {
    let range = |p: V| norm(along(p, -1.0, eye));
    if slot.seen < oldest || range(new.point) < range(slot.point) {
        *slot = new;
    }
}

impl Shell {
    /// Points are kept for `keep_s` seconds.
    #[must_use]
    pub fn new(keep_s: f64) -> Self {
        Self {
            cells: vec![EMPTY; CELLS],
            aside: vec![NOBODY; CELLS],
            moved: vec![NOBODY; CELLS],
            sweep: vec![NOTHING; CELLS],
            keep: (keep_s * 1e9) as i64,
        }
    }

    /// Forgets everything: places no longer mean what they meant.
    pub fn clear(&mut self) {
        self.cells.fill(EMPTY);
        self.aside.fill(NOBODY);
    }

    /// Begins a sweep.
    pub fn begin(&mut self) {
        self.sweep.fill(NOTHING);
    }

    /// One ray of the sweep: `d` from the eye to the surface (odom axes, metres), or to the end of sight when `hit` is
    /// false. `eye` is in odom.
    pub fn ray(&mut self, eye: V, d: V, hit: bool) {
        self.found(eye, d, if hit { norm(d) } else { f64::INFINITY }, true);
    }

    /// A surface where too little was valid to say that the direction was looked at: it binds, and proves nothing free.
    pub fn glimpse(&mut self, eye: V, d: V) {
        self.found(eye, d, norm(d), false);
    }

    fn found(&mut self, eye: V, d: V, range: f64, looked: bool) {
        let Some(best) = self.sweep.get_mut(cell_of(d)) else { return };
        best.looked |= looked;
        if range < best.range {
            (best.range, best.point) = (range, along(eye, 1.0, d));
        }
    }

    /// Says for every direction of the sweep whether it is looked at without a ray of its own: `free` is told each cell
    /// where nothing was found, with the direction of its middle (odom axes, unit length).
    pub fn fill(&mut self, free: impl Fn(V) -> bool) {
        for (index, found) in self.sweep.iter_mut().enumerate() {
            if !found.looked && found.range.is_infinite() {
                let azimuth = ((index % AZIMUTHS) as f64 + 0.5) * WIDTH - std::f64::consts::PI;
                let height = ((index / AZIMUTHS) as f64 + 0.5) / ELEVATIONS as f64 - 0.5;
                let ((s, c), (up, flat)) = (azimuth.sin_cos(), (height * std::f64::consts::PI).sin_cos());
                found.looked = free([flat * c, flat * s, up]);
            }
        }
    }

    /// Ends the sweep that was taken at `stamp` from `eye`: what it looked at takes the place of what was known there.
    /// `anew` says of a point (odom) whether this sweep has looked at it.
    pub fn end(&mut self, stamp: i64, eye: V, anew: impl Fn(V) -> bool) {
        self.settle(stamp, eye, |point, _| anew(point));
    }

    /// Ends a sweep of rays in no order: a point was looked at anew when its cell was, and those beside it.
    pub fn end_unordered(&mut self, stamp: i64, eye: V) {
        self.settle(stamp, eye, |point, sweep| {
            let (azimuth, elevation) = angles(along(point, -1.0, eye));
            let height = std::f64::consts::PI / ELEVATIONS as f64;
            let looked = |a: f64, e: f64| {
                let e = e.clamp(-std::f64::consts::FRAC_PI_2, std::f64::consts::FRAC_PI_2);
                sweep.get(cell_at(a, e)).is_some_and(|f| f.looked)
            };
            looked(azimuth, elevation)
                && looked(azimuth - WIDTH, elevation)
                && looked(azimuth + WIDTH, elevation)
                && looked(azimuth, elevation - height)
                && looked(azimuth, elevation + height)
        });
    }

    fn settle(&mut self, stamp: i64, eye: V, anew: impl Fn(V, &[Found]) -> bool) {
        let oldest = stamp.saturating_sub(self.keep);
        let Self { cells, aside, moved, sweep, .. } = self;
        moved.fill(NOBODY);
        let mut set_aside = |known: Aside| {
            // A late sweep takes nothing back that was seen after it.
            let again = stamp >= known.seen && anew(known.point, sweep);
            if known.seen >= oldest
                && !again
                && let Some(slot) = moved.get_mut(cell_of(along(known.point, -1.0, eye)))
            {
                put(slot, known, eye, oldest);
            }
        };
        for cell in cells.iter_mut().filter(|c| c.full) {
            cell.full = false;
            set_aside(Aside { point: cell.point, seen: cell.looked });
        }
        aside.iter().filter(|a| a.seen != i64::MIN).for_each(|a| set_aside(*a));
        std::mem::swap(aside, moved);
        for ((cell, slot), found) in cells.iter_mut().zip(aside.iter_mut()).zip(sweep.iter()) {
            if found.looked && stamp >= cell.looked {
                *cell = Cell { point: found.point, looked: stamp, full: found.range.is_finite() };
            } else if !found.looked && found.range.is_finite() {
                put(slot, Aside { point: found.point, seen: stamp }, eye, oldest);
            }
        }
    }

    /// Ends a sweep that is not trusted: it proves nothing free, but a surface nearer to `eye` than what is known binds.
    pub fn end_doubted(&mut self, stamp: i64, eye: V) {
        let oldest = stamp.saturating_sub(self.keep);
        for ((cell, slot), found) in self.cells.iter().zip(&mut self.aside).zip(&self.sweep) {
            let known =
                cell.full && cell.looked >= oldest && norm(along(cell.point, -1.0, eye)) <= found.range;
            if found.range.is_finite() && !known {
                put(slot, Aside { point: found.point, seen: stamp.max(cell.looked) }, eye, oldest);
            }
        }
    }

    /// Points that still count at `now`.
    pub fn points(&self, now: i64) -> impl Iterator<Item = V> + '_ {
        let oldest = now.saturating_sub(self.keep);
        let seen = self.cells.iter().filter(move |c| c.full && c.looked >= oldest).map(|c| c.point);
        seen.chain(self.aside.iter().filter(move |a| a.seen >= oldest).map(|a| a.point))
    }

    /// True when sweeps still counting at `now` have looked in direction `d`, and beside it as far as a body reaches that
    /// is seen under `half` radians to either side. Half a cell is added: at the edge of a view it is looked at in part.
    #[must_use]
    pub fn looked(&self, d: V, half: f64, now: i64) -> bool {
        let oldest = now.saturating_sub(self.keep);
        let (azimuth, elevation) = angles(d);
        // Toward the poles the same width takes more azimuth.
        let reach = ((half + 0.5 * WIDTH) / elevation.cos().max(0.05)).min(std::f64::consts::PI);
        let steps = (reach / WIDTH).ceil().max(1.0) as i32;
        (-steps..=steps).all(|k| {
            let cell = cell_at(azimuth + reach * f64::from(k) / f64::from(steps), elevation);
            self.cells.get(cell).is_some_and(|c| c.looked >= oldest)
        })
    }

    /// What is known in each of `AZIMUTHS` directions of the level band (within 25 degrees of the horizon), about `at` and
    /// beginning at heading `yaw`, counter-clockwise: the nearest range, metres; infinite where sweeps looked since
    /// `fresh` (ns) and no point is; NaN where nobody did.
    pub fn ring(&self, at: V, yaw: f64, now: i64, fresh: i64, out: &mut [f32; AZIMUTHS]) {
        /// A direction of the ring lies in two cells, and the horizon between two rows.
        const CORNERS: [(f64, f64); 4] = [(-0.49, -0.01), (0.49, -0.01), (-0.49, 0.01), (0.49, 0.01)];
        for (slot, range) in out.iter_mut().enumerate() {
            let heading = yaw + WIDTH * slot as f64;
            let clear = CORNERS.iter().all(|(beside, up)| {
                let cell = cell_at(heading + beside * WIDTH, *up);
                self.cells.get(cell).is_some_and(|c| c.looked >= fresh)
            });
            *range = if clear { f32::INFINITY } else { f32::NAN };
        }
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
#[path = "shell_tests.rs"]
mod tests;
