//! Sensors into the shell: depth images and laser scans, thinned, with their own idea of what is no picture at all.

use super::shell::Shell;
use super::vector::{Turn, V, along};

/// Blocks of a depth image, per row; each gives its nearest valid pixel. A cell of the shell holds several.
const COLUMNS: usize = 40;
/// Sampled columns that are gathered at once.
const GATHERED: usize = 1024;
/// Equal pictures in a row, while moving, that count as frozen.
const FROZEN: u32 = 3;
/// Motion under which equal pictures prove nothing, metres.
const STILL: f64 = 0.03;

/// Where an FNV-1a digest begins.
const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;

/// One more number in a digest (Fowler, Noll, Vo).
fn fnv(digest: u64, number: f32) -> u64 {
    (digest ^ u64::from(number.to_bits())).wrapping_mul(0x0100_0000_01b3)
}

/// A pinhole camera.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pinhole {
    /// fx, fy, cx, cy, pixels.
    pub k: [f64; 4],
    /// Columns and rows.
    pub size: (usize, usize),
}

/// A depth image as it came.
#[derive(Debug, Clone, Copy)]
pub struct Depth<'a> {
    /// Columns and rows.
    pub size: (usize, usize),
    /// Bytes from row to row.
    pub step: usize,
    /// True for 32FC1 (metres), false for 16UC1 (millimetres).
    pub metres: bool,
    /// All rows.
    pub bytes: &'a [u8],
}

impl Depth<'_> {
    /// True when all rows are there.
    #[must_use]
    pub fn whole(&self) -> bool {
        let row = self.size.0 * self.width();
        self.size.0 > 0
            && self.size.1 > 0
            && self.step >= row
            && self.bytes.len() >= self.step * (self.size.1 - 1) + row
    }

    fn width(&self) -> usize {
        if self.metres { 4 } else { 2 }
    }

    /// The depth of a pixel in the image's own unit; NaN or not positive when it is none.
    fn at(&self, x: usize, y: usize) -> f32 {
        let i = y * self.step + x * self.width();
        match (self.metres, self.bytes.get(i..i + self.width())) {
            (true, Some(&[a, b, c, d])) => f32::from_le_bytes([a, b, c, d]),
            (false, Some(&[a, b])) => f32::from(u16::from_le_bytes([a, b])),
            _ => 0.0,
        }
    }

    /// The image's unit, metres.
    fn unit(&self) -> f32 {
        if self.metres { 1.0 } else { 1e-3 }
    }
}

/// Of some rows of an image: the nearest of each sampled column in the image's unit, infinite without one, and how many
/// were valid.
struct Gathered {
    least: [f32; GATHERED],
    valid: [u32; GATHERED],
}

impl Gathered {
    /// Looks at every `skip`th row of `rows`, and in it at the first pixel of each `CHUNK` bytes, from column `left` on. The
    /// plain loop over whole rows is one that compilers make vector instructions of.
    fn gather<const CHUNK: usize>(
        &mut self,
        image: &Depth<'_>,
        left: usize,
        rows: std::ops::Range<usize>,
        skip: usize,
        depth: impl Fn([u8; CHUNK]) -> f32,
    ) {
        self.least.fill(f32::INFINITY);
        self.valid.fill(0);
        for y in rows.step_by(skip) {
            let begin = y * image.step + left * image.width();
            let end = y * image.step + image.size.0.min(left + GATHERED * skip) * image.width();
            let (pixels, rest) = image.bytes.get(begin..end).unwrap_or_default().as_chunks::<CHUNK>();
            let (least, valid) = (&mut self.least[..pixels.len()], &mut self.valid[..pixels.len()]);
            for ((least, valid), pixel) in least.iter_mut().zip(valid).zip(pixels) {
                count(depth(*pixel), least, valid);
            }
            // The last column of an odd width has no neighbour to be skipped.
            if !rest.is_empty() && pixels.len() < GATHERED {
                let at = pixels.len();
                count(image.at(left + at * skip, y), &mut self.least[at], &mut self.valid[at]);
            }
        }
    }
}

/// Infinity is a valid depth, NaN and what is not positive are none.
fn count(z: f32, least: &mut f32, valid: &mut u32) {
    let there = z > 0.0;
    let z = if there { z } else { f32::INFINITY };
    *least = if z < *least { z } else { *least };
    *valid += u32::from(there);
}

/// Tells pictures from repetitions of the same picture.
#[derive(Debug, Clone, Copy, Default)]
pub struct Repeats {
    last: Option<(u64, V)>,
    count: u32,
}

impl Repeats {
    /// True when these pixels have come again and again although the vehicle, now at `at`, has moved.
    pub fn frozen(&mut self, digest: u64, at: V) -> bool {
        match self.last {
            Some((old, from)) if old == digest => {
                self.count += 1;
                self.count + 1 >= FROZEN && super::vector::norm(along(at, -1.0, from)) > STILL
            }
            _ => {
                (self.last, self.count) = (Some((digest, at)), 0);
                false
            }
        }
    }
}

/// What a picture or a scan was worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Worth {
    /// Share of blocks of which half is valid, or of valid rays or points, 0 to 1.
    pub valid: f64,
    /// Digest of what was looked at; `None` when nothing returned: an empty sky repeats itself honestly.
    pub digest: Option<u64>,
    /// Nothing is seen beyond this depth in any direction, metres: infinite in the open, 0 when nothing is valid.
    pub deepest: f64,
}

/// Looks at a depth image from `eye` (odom) with `turn` from optical axes to odom; sight ends at `far` metres. The sweep
/// must be ended by the caller, if the picture is worth it.
///
/// A near surface binds wherever a single pixel shows it. A block counts as looked at, and as free beyond what it shows, only
/// when half of its pixels are valid.
pub fn depth(shell: &mut Shell, image: &Depth<'_>, camera: &Pinhole, eye: V, turn: &Turn, far: f64) -> Worth {
    let block = image.size.0.div_ceil(COLUMNS).max(1);
    // Every second pixel of a block: what is two pixels wide is not missed. An even block begins where a sample does.
    let (block, skip) = if block >= 4 { (block.next_multiple_of(2), 2) } else { (block, 1) };
    let [fx, fy, cx, cy] = camera.k;
    let (mut blocks, mut valid, mut hits) = (0_u32, 0_u32, 0_u32);
    let mut deepest = 0.0_f64;
    let mut digest = FNV_BASIS;
    let mut gathered = Gathered { least: [f32::INFINITY; GATHERED], valid: [0; GATHERED] };
    let samples = block / skip;
    let span = (GATHERED / samples).max(1) * block;
    shell.begin();
    for top in (0..image.size.1).step_by(block) {
        let rows = top..(top + block).min(image.size.1);
        for left in (0..image.size.0).step_by(span) {
            let some = rows.clone();
            match (image.metres, skip) {
                (true, 1) => gathered.gather(image, left, some, 1, f32::from_le_bytes),
                (true, _) => {
                    let first = |p: [u8; 8]| f32::from_bits(u64::from_le_bytes(p) as u32);
                    gathered.gather(image, left, some, 2, first);
                }
                (false, 1) => gathered.gather(image, left, some, 1, |p| f32::from(u16::from_le_bytes(p))),
                (false, _) => {
                    let first = |p: [u8; 4]| f32::from(u32::from_le_bytes(p) as u16);
                    gathered.gather(image, left, some, 2, first);
                }
            }
            let right = (left + span).min(image.size.0);
            let parts = gathered.least.chunks(samples).zip(gathered.valid.chunks(samples));
            for ((least, counts), from) in parts.zip((left..right).step_by(block)) {
                let until = (from + block).min(image.size.0);
                let asked = ((until - from).div_ceil(skip) * rows.len().div_ceil(skip)) as u32;
                let seen: u32 = counts.iter().sum();
                let nearest = least.iter().fold(f32::INFINITY, |a, b| if *b < a { *b } else { a });
                digest = fnv(digest, if seen > 0 { nearest } else { f32::NAN });
                blocks += 1;
                if seen == 0 {
                    continue;
                }
                let whole = 2 * seen >= asked;
                valid += u32::from(whole);
                let z = f64::from(nearest * image.unit());
                deepest = deepest.max(z);
                let hit = z < far;
                hits += u32::from(hit);
                let (x, y) = if hit {
                    let column = least.iter().position(|z| *z == nearest).unwrap_or(0);
                    let x = from + column * skip;
                    (x, rows.clone().step_by(skip).find(|y| image.at(x, *y) == nearest).unwrap_or(top))
                } else {
                    (from + block / 2, top + block / 2)
                };
                let z = z.min(far);
                let d = turn.apply([(x as f64 - cx) / fx * z, (y as f64 - cy) / fy * z, z]);
                match (whole, hit) {
                    (true, _) => shell.ray(eye, d, hit),
                    (false, true) => shell.glimpse(eye, d),
                    (false, false) => {}
                }
            }
        }
    }
    let valid = f64::from(valid) / f64::from(blocks.max(1));
    Worth { valid, digest: (hits > 0).then_some(digest), deepest }
}

/// Whether the image, taken from `eye` with `turn`, shows the direction of a point (odom) with a valid pixel: then what
/// stands there now is known from it.
pub fn shows<'a>(
    image: &'a Depth<'a>,
    camera: &'a Pinhole,
    eye: V,
    turn: &'a Turn,
) -> impl Fn(V) -> bool + 'a {
    let [fx, fy, cx, cy] = camera.k;
    move |point| {
        let [x, y, z] = turn.undo(along(point, -1.0, eye));
        if z < 1e-3 {
            return false;
        }
        let (u, v) = ((x / z * fx + cx).round(), (y / z * fy + cy).round());
        let inside = u >= 0.0 && v >= 0.0 && u < image.size.0 as f64 && v < image.size.1 as f64;
        inside && image.at(u as usize, v as usize) > 0.0
    }
}

/// A laser scan: angles about z from x of the sensor's frame, counter-clockwise.
#[derive(Debug, Clone, Copy)]
pub struct Scan<'a> {
    /// Metres; infinite where nothing returned, NaN where nothing is known.
    pub ranges: &'a [f32],
    /// Angle of the first ray, radians.
    pub first: f64,
    /// From ray to ray, radians; may be negative.
    pub step: f64,
    /// Nearest and farthest range that is measured, metres.
    pub limits: (f64, f64),
}

/// What a plane of a scanner says of the directions above and below of it, radians: things reach that far up and down.
pub const BAND: f64 = std::f64::consts::PI / super::shell::ELEVATIONS as f64;

/// Looks along the rays of a laser scan. The sweep must be ended by the caller, if it is worth it.
///
/// What it hits is taken to reach [`BAND`] up and down, in all that follows from it: a ray looks at its own direction and a row
/// of cells above and below, and its hit also binds at the height of the eye. A vehicle that flies forward holds its nose down; its
/// scanner would otherwise have looked nowhere near the way it flies, and far walls would seem to lie under it.
pub fn scan(shell: &mut Shell, scan: &Scan<'_>, eye: V, turn: &Turn, far: f64) -> Worth {
    let (mut valid, mut hits) = (0_u32, 0_u32);
    let mut deepest = 0.0_f64;
    let mut digest = FNV_BASIS;
    let sight = scan.limits.1.min(far);
    let ((up, flat), steep) = (BAND.sin_cos(), BAND.tan());
    // Above and below one ray for a few degrees is enough: no cell is narrower.
    let enough = BAND / 5.0;
    let stride = ((enough / scan.step.abs().max(1e-6)) as usize).max(1);
    // Between the rays of a coarse scanner there may be whole cells.
    let parts =
        if scan.step.abs() > enough { (0.5 * scan.step.abs() / enough).ceil().min(50.0) as i32 } else { 0 };
    shell.begin();
    for (i, range) in scan.ranges.iter().enumerate() {
        digest = fnv(digest, *range);
        let range = f64::from(*range);
        if range.is_nan() || range < scan.limits.0 {
            continue;
        }
        valid += 1;
        let hit = range <= sight;
        hits += u32::from(hit);
        deepest = deepest.max(if hit { range } else { f64::INFINITY });
        let (sin, cos) = (scan.first + scan.step * i as f64).sin_cos();
        let length = if hit { range } else { sight };
        let d = turn.apply([length * cos, length * sin, 0.0]);
        shell.ray(eye, d, hit);
        if hit && d[2] != 0.0 && d[2].abs() <= steep * (d[0] * d[0] + d[1] * d[1]).sqrt() {
            shell.ray(eye, [d[0], d[1], 0.0], true);
        }
        if !i.is_multiple_of(stride) {
            continue;
        }
        for part in -parts..=parts {
            let beside = 0.5 * scan.step * f64::from(part) / f64::from(parts.max(1));
            let (sin, cos) = (scan.first + scan.step * i as f64 + beside).sin_cos();
            shell.ray(eye, turn.apply([cos, sin, 0.0]), false);
            for side in [up, -up] {
                shell.ray(eye, turn.apply([flat * cos, flat * sin, side]), false);
            }
        }
    }
    let valid = f64::from(valid) / scan.ranges.len().max(1) as f64;
    Worth { valid, digest: (hits > 0).then_some(digest), deepest }
}

/// Whether the scan, taken from `eye` with `turn`, has a valid ray toward a point (odom) that lies near its plane.
pub fn sweeps<'a>(scan: &'a Scan<'a>, eye: V, turn: &'a Turn) -> impl Fn(V) -> bool + 'a {
    let plane = BAND.tan();
    move |point| {
        let [x, y, z] = turn.undo(along(point, -1.0, eye));
        if scan.step == 0.0 || z.abs() > plane * x.hypot(y) {
            return false;
        }
        // From the first ray on, in the way that the rays turn.
        let turned = ((y.atan2(x) - scan.first) * scan.step.signum()).rem_euclid(std::f64::consts::TAU);
        let ray = (turned / scan.step.abs()).round();
        // Just before the first ray is the end of the turn.
        let before = ((turned - std::f64::consts::TAU) / scan.step.abs()).round() == 0.0;
        let ray = if before { 0.0 } else { ray };
        ray < scan.ranges.len() as f64
            && scan.ranges.get(ray as usize).is_some_and(|r| f64::from(*r) >= scan.limits.0)
    }
}

/// Which directions a lidar looks in, and how its silence is read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dome {
    /// Lowest and highest elevation in the lidar's frame, radians.
    pub elevation: (f64, f64),
    /// True when a direction that no point came from has nothing in range; false when that is unknown.
    pub silence_is_free: bool,
}

/// Returns nearer than this are the lidar's own housing, metres.
const NEAREST: f64 = 0.05;

/// Looks at the points of a lidar, in its own frame. The sweep must be ended by the caller, if it is worth it.
pub fn points(
    shell: &mut Shell,
    points: impl Iterator<Item = [f32; 3]>,
    dome: &Dome,
    eye: V,
    turn: &Turn,
    far: f64,
) -> Worth {
    let (mut all, mut valid, mut hits) = (0_u32, 0_u32, 0_u32);
    let mut deepest = 0.0_f64;
    let mut digest = FNV_BASIS;
    shell.begin();
    for point in points {
        all += 1;
        let p = point.map(f64::from);
        let range = super::vector::norm(p);
        if !range.is_finite() || range < NEAREST {
            continue;
        }
        digest = point.into_iter().fold(digest, fnv);
        valid += 1;
        let hit = range <= far;
        hits += u32::from(hit);
        deepest = deepest.max(if hit { range } else { f64::INFINITY });
        shell.ray(eye, turn.apply(p), hit);
    }
    // Of a lidar that hears next to nothing the silence says nothing: it is covered.
    if dome.silence_is_free && valid >= LEAST_RETURNS {
        shell.fill(|d| {
            let [x, y, z] = turn.undo(d);
            let elevation = z.atan2(x.hypot(y));
            elevation >= dome.elevation.0 && elevation <= dome.elevation.1
        });
    }
    // The share is of what was sent, for clouds that keep a place for each ray; a sparse one leaves out what did not return.
    let share = f64::from(valid) / f64::from(all.max(1));
    let valid = if valid >= LEAST_RETURNS { share } else { 0.0 };
    Worth { valid, digest: (hits > 0).then_some(digest), deepest }
}

/// Fewer returns than this are no picture of a lidar.
const LEAST_RETURNS: u32 = 20;

#[cfg(test)]
#[path = "ingest_tests.rs"]
mod tests;
