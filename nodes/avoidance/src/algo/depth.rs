//! Depth images and their min-pooled form.
//!
//! Pooling keeps the *nearest* valid pixel of each cell, so that a thin branch survives it, and counts the invalid
//! ones, so that a cell with too few valid pixels stays unknown rather than becoming free.

use super::geometry::{Pose, Vec3};
use crate::error::AvoidanceError;

/// How a pixel is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DepthEncoding {
    /// `32FC1`: little-endian `f32` metres; +inf is "no return", NaN, zero and negative are invalid (REP-118).
    Metres32,
    /// `16UC1`: little-endian `u16` millimetres; zero is invalid.
    Millimetres16,
}

/// A borrowed depth image: metres along the optical z axis.
#[derive(Debug, Clone, Copy)]
pub struct DepthImage<'a> {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Bytes from one row to the next.
    pub step: usize,
    /// Pixel format.
    pub encoding: DepthEncoding,
    /// All rows.
    pub bytes: &'a [u8],
}

impl<'a> DepthImage<'a> {
    /// Checks that all rows are there.
    ///
    /// # Errors
    /// [`AvoidanceError::DepthImage`] when the encoding is unknown, the image is smaller than 16 x 12, or bytes lack.
    pub fn new(
        width: usize,
        height: usize,
        step: usize,
        encoding: &str,
        bytes: &'a [u8],
    ) -> Result<Self, AvoidanceError> {
        let (format, size) = match encoding {
            "32FC1" => (Some(DepthEncoding::Metres32), 4),
            "16UC1" | "mono16" => (Some(DepthEncoding::Millimetres16), 2),
            _ => (None, 1),
        };
        let whole = width >= 16
            && height >= 12
            && step >= width * size
            && bytes.len() >= step * (height - 1) + width * size;
        match format {
            Some(encoding) if whole => Ok(Self { width, height, step, encoding, bytes }),
            _ => Err(AvoidanceError::DepthImage {
                width,
                height,
                step,
                bytes: bytes.len(),
                encoding: encoding.to_owned(),
            }),
        }
    }

    fn row(&self, y: usize) -> &'a [u8] {
        let size = match self.encoding {
            DepthEncoding::Metres32 => 4,
            DepthEncoding::Millimetres16 => 2,
        };
        &self.bytes[y * self.step..y * self.step + self.width * size]
    }

    /// Metres at a pixel; 0 when invalid.
    fn metres(&self, x: usize, y: usize) -> f32 {
        let row = self.row(y);
        let read = match self.encoding {
            DepthEncoding::Metres32 => row.as_chunks::<4>().0.get(x).map_or(0.0, |p| f32::from_le_bytes(*p)),
            DepthEncoding::Millimetres16 => {
                row.as_chunks::<2>().0.get(x).map_or(0.0, |p| f32::from(u16::from_le_bytes(*p)) * 1e-3)
            }
        };
        if read > 0.0 { read } else { 0.0 }
    }

    /// True when nothing is seen but level ground: every surface, seen from `camera` (optical frame in odom), lies at
    /// one height. Such an image stays the same, bit for bit, when a camera without noise turns or moves levelly.
    #[must_use]
    pub fn is_level_ground(&self, k: &Intrinsics, camera: &Pose) -> bool {
        const TOLERANCE: f64 = 0.1;
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for y in (0..self.height).step_by(8) {
            for x in (0..self.width).step_by(4) {
                let z = f64::from(self.metres(x, y));
                if z.is_finite() && z > 0.0 {
                    let ray = Vec3::new((x as f64 - k.cx) / k.fx, (y as f64 - k.cy) / k.fy, 1.0);
                    let height = camera.apply(ray * z).z;
                    (low, high) = (low.min(height), high.max(height));
                }
            }
        }
        high - low <= TOLERANCE
    }

    /// A digest of every 7th pixel of every 5th row, or `None` when none of them returned anything (an empty sky
    /// repeats itself honestly). FNV-1a, 64 bit.
    #[must_use]
    pub fn digest(&self) -> Option<u64> {
        let (size, nothing) = match self.encoding {
            DepthEncoding::Metres32 => (4, f32::INFINITY.to_bits()),
            DepthEncoding::Millimetres16 => (2, u32::from(u16::MAX)),
        };
        let (mut hash, mut seen) = (0xcbf2_9ce4_8422_2325_u64, false);
        for y in (0..self.height).step_by(5) {
            for pixel in self.row(y).chunks_exact(size).step_by(7) {
                let word = pixel.iter().rev().fold(0_u32, |w, &b| w << 8 | u32::from(b));
                seen |= word != nothing;
                hash = (hash ^ u64::from(word)).wrapping_mul(0x0100_0000_01b3);
            }
        }
        seen.then_some(hash)
    }
}

/// A pinhole camera without distortion, pixels; a pixel's centre lies at its integer coordinates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Intrinsics {
    /// Focal length in x, pixels.
    pub fx: f64,
    /// Focal length in y, pixels.
    pub fy: f64,
    /// Principal point x, pixels.
    pub cx: f64,
    /// Principal point y, pixels.
    pub cy: f64,
    /// Columns it was calibrated for.
    pub width: usize,
    /// Rows it was calibrated for.
    pub height: usize,
}

impl Intrinsics {
    /// Checked intrinsics.
    ///
    /// # Errors
    /// [`AvoidanceError::Intrinsics`] when a focal length is not positive or a number is not finite.
    pub fn new(
        fx: f64,
        fy: f64,
        cx: f64,
        cy: f64,
        width: usize,
        height: usize,
    ) -> Result<Self, AvoidanceError> {
        let good =
            fx > 0.0 && fy > 0.0 && [fx, fy, cx, cy].iter().all(|v| v.is_finite()) && width > 0 && height > 0;
        let made = Self { fx, fy, cx, cy, width, height };
        if good { Ok(made) } else { Err(AvoidanceError::Intrinsics { fx, fy, cx, cy, width, height }) }
    }
}

/// The geometry shared by all views of one camera: cells of `factor` x `factor` pixels, uniform in tangent space.
#[derive(Debug, Clone, PartialEq)]
pub struct Lattice {
    /// The camera.
    pub intrinsics: Intrinsics,
    /// Pixels per cell edge.
    pub factor: usize,
    /// Cells per row.
    pub cols: usize,
    /// Rows of cells.
    pub rows: usize,
    /// `cols + 1` tangents x/z of the cells' edges, left to right.
    pub x_edges: Vec<f32>,
    /// `rows + 1` tangents y/z of the cells' edges, top to bottom.
    pub y_edges: Vec<f32>,
}

impl Lattice {
    /// Splits the image so that about `columns` cells span its width.
    #[must_use]
    pub fn new(intrinsics: Intrinsics, columns: usize) -> Self {
        let Intrinsics { fx, fy, cx, cy, width, height } = intrinsics;
        let factor = width.div_ceil(columns.max(1)).max(1);
        let (cols, rows) = (width.div_ceil(factor), height.div_ceil(factor));
        let edges = |count: usize, size: usize, f: f64, c: f64| {
            (0..=count).map(|i| (((i * factor).min(size) as f64 - 0.5 - c) / f) as f32).collect()
        };
        Self {
            intrinsics,
            factor,
            cols,
            rows,
            x_edges: edges(cols, width, fx, cx),
            y_edges: edges(rows, height, fy, cy),
        }
    }
}

impl Lattice {
    /// True when `at` (odom) lies well inside of the view from `camera`, nearer than `range` metres: somebody who stands there
    /// would be seen whole.
    #[must_use]
    pub fn sees(&self, camera: &Pose, at: Vec3, range: f64) -> bool {
        /// Share of the view's half width, and metres.
        const WELL: f64 = 0.8;
        const NEAR: f64 = 0.6;
        let p = camera.rotation.inverse().rotate(at - camera.position);
        let inside = |t: f64, edges: &[f32]| match edges {
            [low, .., high] => t > WELL * f64::from(*low) && t < WELL * f64::from(*high),
            _ => false,
        };
        p.z > NEAR
            && p.z < WELL * range
            && inside(p.x / p.z, &self.x_edges)
            && inside(p.y / p.z, &self.y_edges)
    }
}

/// A pooled depth image.
#[derive(Debug, Clone, Default)]
pub struct Pooled {
    /// Row by row: metres to the nearest surface in the cell, +inf for no return, 0 for unknown.
    pub z: Vec<f32>,
    /// Cells that are unknown.
    pub unknown: usize,
    nearest: Vec<f32>,
    invalid: Vec<u32>,
}

impl Pooled {
    /// Pools `image` on `lattice`; a cell with less than `min_valid` (0..=1) valid pixels becomes unknown.
    pub fn fill(&mut self, image: &DepthImage<'_>, lattice: &Lattice, min_valid: f64) {
        let (width, factor) = (image.width, lattice.factor);
        self.z.clear();
        self.unknown = 0;
        self.nearest.resize(width, 0.0);
        self.invalid.resize(width, 0);
        for top in (0..image.height).step_by(factor) {
            self.nearest.fill(f32::INFINITY);
            self.invalid.fill(0);
            let lines = factor.min(image.height - top);
            for y in top..top + lines {
                match image.encoding {
                    DepthEncoding::Metres32 => {
                        let (pixels, _) = image.row(y).as_chunks::<4>();
                        fold_row(
                            pixels.iter().map(|p| f32::from_le_bytes(*p)),
                            &mut self.nearest,
                            &mut self.invalid,
                        );
                    }
                    DepthEncoding::Millimetres16 => {
                        let (pixels, _) = image.row(y).as_chunks::<2>();
                        fold_row(
                            pixels.iter().map(|p| f32::from(u16::from_le_bytes(*p)) * 1e-3),
                            &mut self.nearest,
                            &mut self.invalid,
                        );
                    }
                }
            }
            for (near, bad) in self.nearest.chunks(factor).zip(self.invalid.chunks(factor)) {
                let total = (near.len() * lines) as f64;
                let valid = total - f64::from(bad.iter().sum::<u32>());
                if valid < min_valid * total || valid == 0.0 {
                    self.unknown += 1;
                    self.z.push(0.0);
                } else {
                    self.z.push(near.iter().fold(f32::INFINITY, |a, &b| a.min(b)));
                }
            }
        }
    }

    /// From cells, for tests of what builds upon pooling.
    #[cfg(test)]
    pub(crate) fn from_cells(z: Vec<f32>) -> Self {
        Self { unknown: z.iter().filter(|z| **z == 0.0).count(), z, ..Self::default() }
    }

    /// Share of cells that are known, 0 to 1.
    #[must_use]
    pub fn valid_fraction(&self) -> f64 {
        if self.z.is_empty() { 0.0 } else { 1.0 - self.unknown as f64 / self.z.len() as f64 }
    }

    /// Metres to the nearest surface, along the ray; infinite when there is none.
    #[must_use]
    pub fn nearest_range(&self, lattice: &Lattice) -> f64 {
        let mut best = f32::INFINITY;
        for (row, y) in self.z.chunks(lattice.cols).zip(&lattice.y_edges) {
            for (&z, x) in row.iter().zip(&lattice.x_edges) {
                if z > 0.0 && z < best {
                    best = best.min(z * (1.0 + x * x + y * y).sqrt());
                }
            }
        }
        f64::from(best)
    }
}

/// Folds one row of depths into the running minima; a loop without branches, so that it becomes SIMD.
fn fold_row(depths: impl Iterator<Item = f32>, nearest: &mut [f32], invalid: &mut [u32]) {
    for ((z, near), bad) in depths.zip(nearest).zip(invalid) {
        let ok = z > 0.0;
        let value = if ok { z } else { f32::INFINITY };
        *near = if value < *near { value } else { *near };
        *bad += u32::from(!ok);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image_of(pixels: &[f32]) -> Vec<u8> {
        pixels.iter().flat_map(|p| p.to_le_bytes()).collect()
    }

    fn lattice(width: usize, height: usize, columns: usize) -> Lattice {
        let k = Intrinsics::new(20.0, 20.0, 15.5, 11.5, width, height).unwrap();
        Lattice::new(k, columns)
    }

    #[test]
    fn one_near_pixel_survives_pooling_and_invalid_ones_do_not_become_free() {
        let mut pixels = vec![f32::INFINITY; 32 * 24];
        pixels[5 * 32 + 9] = 2.5; // one pixel of a twig
        for y in 0..4 {
            for x in 0..4 {
                pixels[y * 32 + x] = [f32::NAN, 0.0, -1.0, f32::NAN][x];
            }
        }
        pixels[4 * 32] = f32::NAN; // a single hole does not blind its cell
        let bytes = image_of(&pixels);
        let image = DepthImage::new(32, 24, 128, "32FC1", &bytes).unwrap();
        let l = lattice(32, 24, 8);
        let mut pooled = Pooled::default();
        pooled.fill(&image, &l, 0.5);
        assert_eq!((l.cols, l.rows, pooled.z.len()), (8, 6, 48));
        assert_eq!(pooled.z[8 + 2], 2.5);
        assert_eq!((pooled.z[0], pooled.unknown), (0.0, 1));
        assert_eq!(pooled.z[8], f32::INFINITY);
    }

    #[test]
    fn millimetres_read_as_metres() {
        let bytes: Vec<u8> = std::iter::repeat_n(1500_u16.to_le_bytes(), 32 * 24).flatten().collect();
        let image = DepthImage::new(32, 24, 64, "16UC1", &bytes).unwrap();
        let mut pooled = Pooled::default();
        pooled.fill(&image, &lattice(32, 24, 8), 0.5);
        assert!(pooled.z.iter().all(|z| (z - 1.5).abs() < 1e-6));
    }

    #[test]
    fn the_digest_tells_frames_apart_and_ignores_an_empty_sky() {
        let near = image_of(&vec![3.0; 32 * 24]);
        let sky = image_of(&vec![f32::INFINITY; 32 * 24]);
        let mut other = near.clone();
        other[0] ^= 1;
        let digest = |b: &[u8]| DepthImage::new(32, 24, 128, "32FC1", b).unwrap().digest();
        assert!(digest(&sky).is_none());
        assert_eq!(digest(&near), digest(&near.clone()));
        assert_ne!(digest(&near), digest(&other));
    }

    #[test]
    fn level_ground_is_told_from_everything_else() {
        use super::super::geometry::{Pose, Quat, Vec3};
        let k = Intrinsics::new(20.0, 20.0, 15.5, 11.5, 32, 24).unwrap();
        let camera = Pose { position: Vec3::new(3.0, 1.0, 2.0), rotation: Quat::FLU_FROM_OPTICAL };
        let mut pixels: Vec<f32> = (0..32 * 24)
            .map(|i| {
                let down = ((i / 32) as f32 - 11.5) / 20.0;
                if down > 0.1 { 2.0 / down } else { f32::INFINITY }
            })
            .collect();
        let level = |pixels: &[f32]| {
            let bytes = image_of(pixels);
            DepthImage::new(32, 24, 128, "32FC1", &bytes).unwrap().is_level_ground(&k, &camera)
        };
        assert!(level(&pixels));
        pixels[8 * 32 + 8] = 4.0;
        assert!(!level(&pixels));
    }

    #[test]
    fn short_or_unknown_images_are_refused() {
        let bytes = vec![0_u8; 100];
        assert!(DepthImage::new(32, 24, 128, "32FC1", &bytes).is_err());
        assert!(DepthImage::new(4, 4, 4, "rgb8", &bytes).is_err());
    }

    #[test]
    fn partial_cells_at_the_far_edges_count_only_their_own_pixels() {
        let bytes = image_of(&vec![2.0; 30 * 22]);
        let image = DepthImage::new(30, 22, 120, "32FC1", &bytes).unwrap();
        let l = lattice(30, 22, 8);
        let mut pooled = Pooled::default();
        pooled.fill(&image, &l, 1.0);
        assert_eq!((l.cols, l.rows, pooled.unknown), (8, 6, 0));
    }
}
