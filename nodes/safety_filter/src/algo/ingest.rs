//! Sensors into the shell: depth images and laser scans, thinned, with their own idea of what is no picture at all.

use super::shell::Shell;
use super::vector::{Turn, V, along};

/// Blocks of a depth image, per row; each gives its nearest valid pixel.
const COLUMNS: usize = 80;
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

    /// Metres; 0 when invalid.
    fn at(&self, x: usize, y: usize) -> f32 {
        let i = y * self.step + x * self.width();
        let z = match (self.metres, self.bytes.get(i..i + self.width())) {
            (true, Some(&[a, b, c, d])) => f32::from_le_bytes([a, b, c, d]),
            (false, Some(&[a, b])) => f32::from(u16::from_le_bytes([a, b])) * 1e-3,
            _ => 0.0,
        };
        if z > 0.0 { z } else { 0.0 }
    }
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
    /// Share of blocks with a valid pixel, or of valid rays, 0 to 1.
    pub valid: f64,
    /// Digest of what was looked at; `None` when nothing returned: an empty sky repeats itself honestly.
    pub digest: Option<u64>,
    /// Nothing is seen beyond this depth in any direction, metres: infinite in the open, 0 when nothing is valid.
    pub deepest: f64,
}

/// Looks at a depth image from `eye` (odom) with `turn` from optical axes to odom; sight ends at `far` metres. The sweep
/// must be ended by the caller, if the picture is worth it.
pub fn depth(shell: &mut Shell, image: &Depth<'_>, camera: &Pinhole, eye: V, turn: &Turn, far: f64) -> Worth {
    let [fx, fy, cx, cy] = camera.k;
    let block = image.size.0.div_ceil(COLUMNS).max(1);
    // Every second pixel of a block: what is two pixels wide is not missed.
    let skip = if block >= 4 { 2 } else { 1 };
    let (mut blocks, mut valid, mut hits) = (0_u32, 0_u32, 0_u32);
    let mut deepest = 0.0_f64;
    let mut digest = FNV_BASIS;
    shell.begin();
    for top in (0..image.size.1).step_by(block) {
        for left in (0..image.size.0).step_by(block) {
            let mut best = (f32::INFINITY, 0, 0);
            let mut seen = false;
            for y in (top..(top + block).min(image.size.1)).step_by(skip) {
                for x in (left..(left + block).min(image.size.0)).step_by(skip) {
                    let z = image.at(x, y);
                    seen |= z > 0.0;
                    if z > 0.0 && z < best.0 {
                        best = (z, x, y);
                    }
                }
            }
            digest = fnv(digest, best.0);
            blocks += 1;
            if !seen {
                continue;
            }
            valid += 1;
            deepest = deepest.max(f64::from(best.0));
            let hit = f64::from(best.0) < far;
            hits += u32::from(hit);
            let (x, y) = if hit { (best.1, best.2) } else { (left + block / 2, top + block / 2) };
            let z = if hit { f64::from(best.0) } else { far };
            let d = turn.apply([(x as f64 - cx) / fx * z, (y as f64 - cy) / fy * z, z]);
            shell.ray(eye, d, hit);
        }
    }
    let valid = f64::from(valid) / f64::from(blocks.max(1));
    Worth { valid, digest: (hits > 0).then_some(digest), deepest }
}

/// Looks along the rays of a laser scan: angles about z from x of the sensor's frame, counter-clockwise, radians. The sweep
/// must be ended by the caller, if it is worth it.
#[allow(clippy::too_many_arguments, reason = "the fields of sensor_msgs/LaserScan, and where it stands")]
pub fn scan(
    shell: &mut Shell,
    ranges: &[f32],
    first: f64,
    step: f64,
    limits: (f64, f64),
    eye: V,
    turn: &Turn,
    far: f64,
) -> Worth {
    let (mut valid, mut hits) = (0_u32, 0_u32);
    let mut deepest = 0.0_f64;
    let mut digest = FNV_BASIS;
    shell.begin();
    for (i, range) in ranges.iter().enumerate() {
        digest = fnv(digest, *range);
        let range = f64::from(*range);
        if range.is_nan() || range < limits.0 {
            continue;
        }
        valid += 1;
        let hit = range <= limits.1.min(far);
        hits += u32::from(hit);
        deepest = deepest.max(if hit { range } else { f64::INFINITY });
        let (sin, cos) = (first + step * i as f64).sin_cos();
        let length = if hit { range } else { limits.1.min(far) };
        shell.ray(eye, turn.apply([length * cos, length * sin, 0.0]), hit);
    }
    let valid = f64::from(valid) / ranges.len().max(1) as f64;
    Worth { valid, digest: (hits > 0).then_some(digest), deepest }
}

#[cfg(test)]
mod tests {
    use super::super::vector::norm;
    use super::*;

    const OPTICAL: Turn = Turn([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]);

    fn picture(z: f32, post: Option<(usize, f32)>) -> Vec<u8> {
        let mut out = Vec::new();
        for _ in 0..120 {
            for x in 0..160 {
                let z = match post {
                    Some((at, near)) if x == at || x == at + 1 => near,
                    _ => z,
                };
                out.extend(z.to_le_bytes());
            }
        }
        out
    }

    fn look(bytes: &[u8]) -> (Shell, Worth) {
        let camera = Pinhole { k: [84.0, 84.0, 79.5, 59.5], size: (160, 120) };
        let image = Depth { size: (160, 120), step: 640, metres: true, bytes };
        assert!(image.whole());
        let mut shell = Shell::new(1.0);
        let worth = depth(&mut shell, &image, &camera, [1.0, 2.0, 3.0], &OPTICAL, 10.0);
        shell.end(0);
        (shell, worth)
    }

    #[test]
    fn a_thin_post_is_seen_where_it_stands() {
        let (shell, worth) = look(&picture(f32::INFINITY, Some((40, 2.0))));
        assert!(worth.valid > 0.99);
        let nearest =
            shell.points(0).map(|p| norm(along(p, -1.0, [1.0, 2.0, 3.0]))).fold(f64::INFINITY, f64::min);
        assert!((2.0..2.6).contains(&nearest), "{nearest}");
        assert!(shell.points(0).all(|p| (p[0] - 3.0).abs() < 1e-6 && p[1] > 2.8), "left of the axis");
    }

    #[test]
    fn nothing_valid_is_worth_nothing_and_repeats_are_told() {
        for z in [0.0, f32::NAN, -1.0] {
            let worth = look(&picture(z, None)).1;
            assert_eq!((worth.valid, worth.deepest), (0.0, 0.0));
        }
        let digest = |post| look(&picture(5.0, post)).1.digest.unwrap();
        let deepest = |z, post| look(&picture(z, post)).1.deepest;
        assert_eq!((deepest(0.5, None), deepest(5.0, Some((9, 1.0)))), (0.5, 5.0));
        assert!(deepest(f32::INFINITY, Some((9, 1.0))).is_infinite());
        let same = digest(None);
        assert_ne!(same, digest(Some((9, 1.0))));
        assert_eq!(look(&picture(f32::INFINITY, None)).1.digest, None);
        let mut repeats = Repeats::default();
        assert!(!repeats.frozen(same, [0.0; 3]) && !repeats.frozen(same, [0.0; 3]));
        assert!(!repeats.frozen(same, [0.0; 3]), "at rest equal pictures are honest");
        assert!(repeats.frozen(same, [0.2, 0.0, 0.0]));
    }

    #[test]
    fn scans_look_around() {
        let mut shell = Shell::new(1.0);
        let ranges: Vec<f32> = (0..360).map(|i| if i == 90 { 2.0 } else { f32::INFINITY }).collect();
        let worth =
            scan(&mut shell, &ranges, 0.0, 1_f64.to_radians(), (0.1, 30.0), [0.0; 3], &Turn::NONE, 10.0);
        shell.end(0);
        let points: Vec<_> = shell.points(0).collect();
        assert!(
            worth.valid == 1.0
                && worth.deepest.is_infinite()
                && points.len() == 1
                && (points[0][1] - 2.0).abs() < 1e-6,
            "{points:?}"
        );
    }
}
