//! A lidar's view: ranges over azimuth and elevation, in the sensor's frame (x forward, y left, z up).
//!
//! Not inflated, as the camera's view is: each question looks at all cells that the ball can touch, exactly. Three answers,
//! never two: a cell that nothing was measured in hides what lies behind it.
//!
//! A scanner of one plane proves nothing above and below of it. Only where the operator says that things reach equally far
//! up and down (walls, trunks: `reach`) can it call a place free; otherwise it can but refuse places.

use std::f32::consts::{PI, TAU};
use std::sync::Arc;

use super::view::Verdict;

/// Columns over the full turn.
const COLUMNS: usize = 240;
/// Most rows of a lidar that scans more than one plane.
const MOST_ROWS: usize = 128;
/// One cell in so many must be measured before the silence of the others says anything.
const LEAST_MEASURED: usize = 200;
/// Returns nearer than this are the vehicle itself, metres.
const NEAREST: f32 = 0.05;

/// Which directions a lidar looks in, and how its silence is read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fan {
    /// One plane. Things are taken to reach `reach` metres up and down from it; 0 lets it only refuse.
    Plane {
        /// Metres.
        reach: f64,
    },
    /// Many planes.
    Dome {
        /// Lowest and highest elevation, radians.
        elevation: (f64, f64),
        /// Scanned planes.
        rows: usize,
        /// True when a direction that no point came from has nothing in range; false when that is unknown.
        silence_is_free: bool,
    },
}

impl Fan {
    fn rows(&self) -> usize {
        match *self {
            Self::Plane { .. } => 1,
            Self::Dome { rows, .. } => rows.clamp(2, MOST_ROWS),
        }
    }

    /// Lowest elevation and the height of a row, radians.
    fn elevation(&self) -> (f32, f32) {
        match *self {
            Self::Plane { .. } => (0.0, 0.0),
            // The outer planes scan the middles of the outer rows.
            Self::Dome { elevation: (low, high), .. } => {
                let step = (high - low) / (self.rows() - 1) as f64;
                ((low - 0.5 * step) as f32, step as f32)
            }
        }
    }
}

/// One look around.
#[derive(Debug, Clone)]
pub struct Panorama {
    fan: Fan,
    /// Metres along the ray to the nearest surface, row by row from the lowest; infinite: none in range; 0: unknown.
    ranges: Vec<f32>,
    /// Unit vectors of the cells' middles; one table for all looks of a lidar.
    directions: Arc<[[f32; 3]]>,
    low: f32,
    row_height: f32,
    max_range: f32,
    /// Surfaces may be this much nearer than measured, metres.
    error: f32,
    known: usize,
}

impl Panorama {
    /// Room for one look; nothing is known yet.
    #[must_use]
    pub fn new(fan: Fan, max_range: f64, error: f64) -> Self {
        let (low, row_height) = fan.elevation();
        let count = fan.rows() * COLUMNS;
        let directions = (0..count).map(|i| {
            let azimuth = -PI + ((i % COLUMNS) as f32 + 0.5) * TAU / COLUMNS as f32;
            let elevation = low + ((i / COLUMNS) as f32 + 0.5) * row_height;
            let ((sin, cos), (up, level)) = (azimuth.sin_cos(), elevation.sin_cos());
            [cos * level, sin * level, up]
        });
        Self {
            fan,
            ranges: vec![0.0; count],
            directions: directions.collect(),
            low,
            row_height,
            max_range: max_range as f32,
            error: error as f32,
            known: 0,
        }
    }

    /// Takes over the ranges of another look of the same lidar; allocates nothing.
    pub fn copy(&mut self, other: &Self) {
        self.ranges.copy_from_slice(&other.ranges);
        self.known = other.known;
    }

    /// Begins a new look: all is unknown.
    pub fn begin(&mut self) {
        self.ranges.fill(0.0);
        self.known = 0;
    }

    /// A ray of a scanner of one plane: azimuth (rad, counter-clockwise from x) and range (m). `+inf` says that nothing is in
    /// range (REP-117); NaN, `-inf` and what is out of `limits` otherwise say nothing.
    pub fn ray(&mut self, azimuth: f64, range: f32, limits: (f32, f32)) {
        let measured = range >= limits.0.max(NEAREST) && (range <= limits.1 || range == f32::INFINITY);
        if measured {
            self.mark(cell_of(azimuth as f32), range);
        }
    }

    /// A point (m) of a lidar of many planes; points that are not finite are left out.
    pub fn point(&mut self, [x, y, z]: [f32; 3]) {
        let level = x.hypot(y);
        let range = level.hypot(z);
        if !(range.is_finite() && range >= NEAREST) {
            return;
        }
        let row = (z.atan2(level) - self.low) / self.row_height;
        if row >= 0.0 && (row as usize) < self.fan.rows() {
            self.mark(row as usize * COLUMNS + cell_of(y.atan2(x)), range);
        }
    }

    fn mark(&mut self, cell: usize, range: f32) {
        let old = self.ranges[cell];
        self.ranges[cell] = if old == 0.0 { range } else { old.min(range) };
    }

    /// Ends a look: single cells without a measurement take the nearer of their neighbours (rays do not fall evenly into
    /// cells), and silence is read as [`Fan`] says. Where all is silent, it is never believed: so looks a covered lidar.
    pub fn end(&mut self) {
        let measured = self.ranges.iter().filter(|r| **r > 0.0).count();
        let silence = matches!(self.fan, Fan::Dome { silence_is_free: true, .. })
            && measured * LEAST_MEASURED >= self.ranges.len();
        for row in self.ranges.chunks_exact_mut(COLUMNS) {
            let (first, mut before) = (row[0], row[COLUMNS - 1]);
            for column in 0..COLUMNS {
                let here = row[column];
                let after = if column + 1 < COLUMNS { row[column + 1] } else { first };
                if here == 0.0 && before > 0.0 && after > 0.0 {
                    row[column] = before.min(after);
                }
                before = here;
            }
        }
        if silence {
            self.ranges.iter_mut().filter(|r| **r == 0.0).for_each(|r| *r = f32::INFINITY);
        }
        self.known = self.ranges.iter().filter(|r| **r > 0.0).count();
    }

    /// Share of cells that are known, 0 to 1.
    #[must_use]
    pub fn valid_fraction(&self) -> f64 {
        self.known as f64 / self.ranges.len() as f64
    }

    /// Metres to the nearest surface; infinite when there is none.
    #[must_use]
    pub fn nearest_range(&self) -> f64 {
        f64::from(self.ranges.iter().copied().filter(|r| *r > 0.0).fold(f32::INFINITY, f32::min))
    }

    /// A digest of all ranges, or `None` when nothing returned. FNV-1a, 64 bit.
    #[must_use]
    pub fn digest(&self) -> Option<u64> {
        let seen = self.ranges.iter().any(|r| *r > 0.0 && r.is_finite());
        let fold = |hash: u64, r: &f32| (hash ^ u64::from(r.to_bits())).wrapping_mul(0x0100_0000_01b3);
        seen.then(|| self.ranges.iter().fold(0xcbf2_9ce4_8422_2325, fold))
    }

    /// Calls `visit` with the unit direction and range of every cell that is known.
    pub fn each(&self, mut visit: impl FnMut([f32; 3], f32)) {
        for (direction, &range) in self.directions.iter().zip(&self.ranges) {
            if range > 0.0 {
                visit(*direction, range);
            }
        }
    }

    /// As [`Self::each`] for every `share`-th cell from the cell `first` on.
    pub fn each_of(&self, share: usize, first: usize, mut visit: impl FnMut([f32; 3], f32)) {
        let all = self.directions.iter().zip(&self.ranges);
        for (direction, &range) in all.skip(first).step_by(share.max(1)) {
            if range > 0.0 {
                visit(*direction, range);
            }
        }
    }

    /// Where it looks.
    #[must_use]
    pub fn fan(&self) -> Fan {
        self.fan
    }

    /// What this view says of a ball of `radius` metres at `at`, metres in the sensor's frame.
    #[must_use]
    pub fn verdict(&self, at: [f32; 3], radius: f32) -> Verdict {
        match self.fan {
            Fan::Plane { reach } => {
                let reach = reach as f32;
                if at[2].abs() >= radius.max(reach + radius) {
                    return Verdict::Unknown;
                }
                let said = self.look([at[0], at[1], 0.0], radius, 0..1);
                let vouched = at[2].abs() + radius <= reach;
                if said == Verdict::Free && !vouched { Verdict::Unknown } else { said }
            }
            Fan::Dome { .. } => {
                let far = norm(at);
                if far <= radius {
                    return Verdict::Unknown;
                }
                let (middle, half) = ((at[2] / far).asin(), (radius / far).asin());
                let row = |elevation: f32| (elevation - self.low) / self.row_height;
                let (first, last) = (row(middle - half), row(middle + half));
                let rows = self.fan.rows();
                let inside = first >= 0.0 && last <= rows as f32;
                let clamp = |r: f32| r.clamp(0.0, rows as f32 - 1.0) as usize;
                if last < 0.0 || first >= rows as f32 {
                    return Verdict::Unknown;
                }
                let said = self.look(at, radius, clamp(first)..clamp(last) + 1);
                if said == Verdict::Free && !inside { Verdict::Unknown } else { said }
            }
        }
    }

    /// Every ray through the ball must have been seen to end behind it, and no surface may lie in it.
    fn look(&self, at: [f32; 3], ball: f32, rows: std::ops::Range<usize>) -> Verdict {
        let (far, level) = (norm(at), at[0].hypot(at[1]));
        // A ball around the sensor itself is seen whole only where the sensor looks all around: by one plane, in that plane.
        let around = level <= ball;
        if far + ball > self.max_range || around && !matches!(self.fan, Fan::Plane { .. }) {
            return Verdict::Unknown;
        }
        let column = TAU / COLUMNS as f32;
        let cell = 0.5 * column.hypot(self.row_height);
        // Azimuths of the ball's shadow, and one cell to each side for surfaces anywhere in their cells.
        let half = if around { COLUMNS / 2 } else { ((ball / level).asin() / column).ceil() as usize + 1 };
        let half = half.min(COLUMNS / 2);
        let middle = cell_of(at[1].atan2(at[0]));
        let mut hidden = false;
        for row in rows {
            for step in 0..=2 * half {
                let i = row * COLUMNS + (middle + COLUMNS - half + step) % COLUMNS;
                let (u, range) = (self.directions[i], self.ranges[i]);
                let along = u[0] * at[0] + u[1] * at[1] + u[2] * at[2];
                let beside = far * far - along * along;
                let radius = ball + cell * range.min(far);
                if beside > radius * radius {
                    continue;
                }
                let half = (radius * radius - beside).sqrt();
                if along + half <= 0.0 {
                    continue; // it lies behind
                }
                let front = range - self.error;
                if front > along + half {
                    continue;
                }
                if range > 0.0 && front >= along - half {
                    return Verdict::Hit;
                }
                hidden = true;
            }
        }
        if hidden { Verdict::Unknown } else { Verdict::Free }
    }
}

fn norm([x, y, z]: [f32; 3]) -> f32 {
    (x * x + y * y + z * z).sqrt()
}

fn cell_of(azimuth: f32) -> usize {
    let turns = (azimuth + PI) / TAU;
    (((turns - turns.floor()) * COLUMNS as f32) as usize).min(COLUMNS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: (f32, f32) = (0.1, 20.0);

    /// A plane's scan of 360 rays; `range` by degree.
    fn scan(reach: f64, range: impl Fn(i32) -> f32) -> Panorama {
        let mut p = Panorama::new(Fan::Plane { reach }, 12.0, 0.03);
        p.begin();
        for degree in -180..180 {
            p.ray(f64::from(degree).to_radians(), range(degree), LIMITS);
        }
        p.end();
        p
    }

    /// A dome of 16 planes from -0.26 to 0.26 rad around posts at (4, 0) of 0.3 m radius; silence beyond.
    fn dome(silence_is_free: bool) -> Panorama {
        let fan = Fan::Dome { elevation: (-0.26, 0.26), rows: 16, silence_is_free };
        let mut p = Panorama::new(fan, 12.0, 0.03);
        p.begin();
        for row in 0..16 {
            let elevation = -0.26_f32 + 0.52 * row as f32 / 15.0;
            for i in 0..720 {
                let azimuth = i as f32 * TAU / 720.0;
                let (sin, cos) = azimuth.sin_cos();
                let root = 0.09 - (4.0 * sin).powi(2);
                if cos > 0.0 && root >= 0.0 {
                    let level = 4.0 * cos - root.sqrt();
                    p.point([cos * level, sin * level, level * elevation.tan()]);
                }
                p.point([f32::INFINITY, 1.0, 0.0]);
            }
        }
        p.end();
        p
    }

    #[test]
    fn a_plane_that_nobody_vouches_for_can_only_refuse() {
        let wall = |degree: i32| {
            let cos = (degree as f32).to_radians().cos();
            if cos > 0.3 { 5.0 / cos } else { f32::INFINITY }
        };
        let (bare, vouched) = (scan(0.0, wall), scan(1.0, wall));
        let at = |p: &Panorama, x: f32, z: f32| p.verdict([x, 0.0, z], 0.45);
        assert_eq!((at(&bare, 3.0, 0.0), at(&vouched, 3.0, 0.0)), (Verdict::Unknown, Verdict::Free));
        assert_eq!((at(&bare, 4.8, 0.0), at(&vouched, 4.8, 0.0)), (Verdict::Hit, Verdict::Hit));
        assert_eq!(at(&vouched, 6.5, 0.0), Verdict::Unknown, "behind the wall");
        assert_eq!(at(&vouched, 3.0, 0.7), Verdict::Unknown, "its top rises over what was vouched for");
        assert_eq!(at(&vouched, 4.8, 1.2), Verdict::Hit);
        assert_eq!(at(&bare, 4.8, 1.2), Verdict::Unknown);
        assert_eq!(at(&vouched, -11.8, 0.0), Verdict::Unknown, "beyond the range");
        assert_eq!(at(&vouched, 0.2, 0.0), Verdict::Free, "around the sensor itself: it looks all around");
        let near = scan(1.0, |degree| if degree.abs() < 5 { 0.4 } else { 3.0 });
        assert_eq!(at(&near, 0.0, 0.0), Verdict::Hit, "something within the ball");
        let gap = scan(1.0, |degree| if (170..175).contains(&degree) { f32::NAN } else { 3.0 });
        assert_eq!(at(&gap, 0.1, 0.0), Verdict::Unknown, "not all around");
    }

    #[test]
    fn what_is_not_measured_is_not_free() {
        let blind = |degree: i32| match degree {
            20..40 => f32::NAN,
            50..52 => f32::NEG_INFINITY,
            60..80 => 0.05,
            _ => f32::INFINITY,
        };
        let p = scan(1.0, blind);
        let at = |degrees: f32| {
            let (sin, cos) = degrees.to_radians().sin_cos();
            p.verdict([3.0 * cos, 3.0 * sin, 0.0], 0.4)
        };
        assert_eq!(at(-30.0), Verdict::Free);
        assert_eq!([at(30.0), at(70.0)], [Verdict::Unknown; 2]);
        assert!((0.8..1.0).contains(&p.valid_fraction()), "{}", p.valid_fraction());
    }

    #[test]
    fn a_dome_sees_posts_and_reads_silence_as_it_is_told() {
        let (free, unknown) = (dome(true), dome(false));
        let at = |p: &Panorama, x: f32, y: f32, z: f32| p.verdict([x, y, z], 0.45);
        assert_eq!(at(&free, 3.0, 0.0, 0.0), Verdict::Free);
        assert_eq!(at(&free, 3.6, 0.0, 0.1), Verdict::Hit);
        assert_eq!(at(&free, 4.0, 0.9, 0.0), Verdict::Free, "beside the post");
        assert_eq!(at(&free, 7.0, 0.0, 0.0), Verdict::Unknown, "behind it");
        assert_eq!(at(&free, 3.0, 0.0, 0.7), Verdict::Unknown, "above the highest plane");
        assert_eq!(at(&free, 1.2, 0.0, 0.0), Verdict::Unknown, "too near to be seen whole");
        assert_eq!(at(&free, -6.0, 0.0, 0.0), Verdict::Free);
        assert_eq!(at(&unknown, -6.0, 0.0, 0.0), Verdict::Unknown);
        assert_eq!(at(&unknown, 3.6, 0.0, 0.1), Verdict::Hit);
        assert!((free.nearest_range() - 3.7).abs() < 0.05 && free.digest().is_some());
        let fan = Fan::Dome { elevation: (-0.26, 0.26), rows: 16, silence_is_free: true };
        let mut covered = Panorama::new(fan, 12.0, 0.03);
        covered.end();
        assert_eq!((at(&covered, 3.0, 0.0, 0.0), covered.valid_fraction()), (Verdict::Unknown, 0.0));
    }

    #[test]
    fn the_cells_are_a_full_turn_without_a_gap() {
        assert_eq!((cell_of(-PI), cell_of(PI), cell_of(PI - 1e-3)), (0, 0, COLUMNS - 1));
        assert_eq!(cell_of(-3.0 * PI), 0);
        let p = scan(1.0, |_| f32::INFINITY);
        for i in 0..720 {
            let (sin, cos) = (f64::from(i) * 0.5).to_radians().sin_cos();
            assert_eq!(p.verdict([6.0 * cos as f32, 6.0 * sin as f32, 0.0], 0.45), Verdict::Free, "{i}");
        }
    }
}
