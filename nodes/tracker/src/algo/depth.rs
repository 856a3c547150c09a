//! How far a detection is: depth images are kept thinned out until the detections of their time arrive, and are then
//! laid over the colour picture.

use std::ops::Range;

use super::camera::{Intrinsics, Pose, point};
use super::found::Found;
use super::rect::Rect;
use crate::error::TrackerError;

/// Columns of the thinned depth at the most.
const COLUMNS: usize = 160;
/// Images kept: half a second at 30 Hz.
const KEPT: usize = 16;
/// Nearer than this is the vehicle itself, metres.
const NEAREST: f32 = 0.05;
/// Share of a box, about its centre, that is asked: its rim shows what lies behind.
const INNER: f64 = 0.7;
/// Points that a box needs before its depth is believed.
const LEAST_POINTS: usize = 3;
/// How far back the visible side of one thing reaches, metres, and with noise that grows with its distance.
const SURFACE: f32 = 0.3;
const SURFACE_SHARE: f32 = 0.05;

/// A borrowed depth image.
#[derive(Debug, Clone, Copy)]
pub struct DepthImage<'a> {
    width: usize,
    height: usize,
    step: usize,
    millimetres: bool,
    bytes: &'a [u8],
}

impl<'a> DepthImage<'a> {
    /// Checks that all rows are there.
    ///
    /// # Errors
    /// [`TrackerError::DepthImage`] for another encoding than 32FC1 and 16UC1, and for bytes that lack.
    pub fn new(
        width: usize,
        height: usize,
        step: usize,
        encoding: &str,
        bytes: &'a [u8],
    ) -> Result<Self, TrackerError> {
        let size = match encoding {
            "32FC1" => 4,
            "16UC1" | "mono16" => 2,
            _ => 0,
        };
        let row = width.saturating_mul(size);
        let last =
            height.checked_sub(1).and_then(|rows| rows.checked_mul(step)).and_then(|at| at.checked_add(row));
        let whole = size > 0 && width > 0 && step >= row && last.is_some_and(|end| end <= bytes.len());
        if whole {
            return Ok(Self { width, height, step, millimetres: size == 2, bytes });
        }
        Err(TrackerError::DepthImage {
            width,
            height,
            step,
            bytes: bytes.len(),
            encoding: encoding.to_owned(),
        })
    }

    /// Metres; 0 when there is no surface: nothing returned, or the pixel is not valid.
    fn metres(&self, x: usize, y: usize) -> f32 {
        let row = &self.bytes[y * self.step..];
        let read = if self.millimetres {
            row.as_chunks::<2>().0.get(x).map_or(0.0, |p| f32::from(u16::from_le_bytes(*p)) * 1e-3)
        } else {
            row.as_chunks::<4>().0.get(x).map_or(0.0, |p| f32::from_le_bytes(*p))
        };
        if read.is_finite() && read > NEAREST { read } else { 0.0 }
    }
}

/// One thinned image.
#[derive(Debug, Clone, Default)]
struct Thin {
    stamp: i64,
    columns: usize,
    rows: usize,
    /// Every so many pixels one is kept, in both directions.
    every: usize,
    metres: Vec<f32>,
}

/// The last depth images, and the one that is laid over the colour picture.
#[derive(Debug, Clone, Default)]
pub struct DepthStore {
    kept: Vec<Thin>,
    next: usize,
    newest: Option<i64>,
    intrinsics: Option<Intrinsics>,
    overlay: Overlay,
    scratch: Vec<f32>,
    order: Vec<(f64, usize)>,
}

/// Depth by direction from the colour camera.
#[derive(Debug, Clone, Default)]
struct Overlay {
    columns: usize,
    rows: usize,
    /// Tangent of the left edge of the first column and of the upper edge of the first row.
    origin: [f64; 2],
    /// Tangents per cell.
    cell: f64,
    metres: Vec<f32>,
    /// Cells that belong to a detection.
    taken: Vec<bool>,
    filled: bool,
}

/// A surface in a box.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Surface {
    /// Depth along the optical axis, metres.
    z: f64,
    /// Points that say so.
    points: usize,
}

impl DepthStore {
    /// The depth camera's intrinsics.
    pub fn set_intrinsics(&mut self, intrinsics: Intrinsics) {
        self.intrinsics = Some(intrinsics);
    }

    /// Keeps a thinned copy. After a jump backwards in time all older copies are forgotten.
    pub fn push(&mut self, stamp: i64, image: &DepthImage<'_>) {
        if self.newest.is_some_and(|newest| stamp < newest) {
            self.kept.iter_mut().for_each(|thin| thin.columns = 0);
        }
        self.newest = Some(stamp);
        if self.kept.len() < KEPT {
            self.kept.push(Thin::default());
            self.next = self.kept.len() - 1;
        }
        let thin = &mut self.kept[self.next];
        self.next = (self.next + 1) % KEPT;
        thin.every = image.width.div_ceil(COLUMNS).max(1);
        thin.columns = image.width.div_ceil(thin.every);
        thin.rows = image.height.div_ceil(thin.every);
        thin.stamp = stamp;
        thin.metres.clear();
        for y in (0..image.height).step_by(thin.every) {
            thin.metres.extend((0..image.width).step_by(thin.every).map(|x| image.metres(x, y)));
        }
    }

    /// Lays the image nearest to `stamp` over the view of a colour camera. `relative` is the depth camera at that image's
    /// time in the colour camera at `stamp`: asked by the image's own stamp. False when none is within `window`
    /// nanoseconds, or when intrinsics lack: then every box is without depth.
    pub fn overlay(
        &mut self,
        stamp: i64,
        window: i64,
        colour: &Intrinsics,
        relative: impl FnOnce(i64) -> Option<Pose>,
    ) -> bool {
        self.overlay.filled = false;
        let Some(k) = self.intrinsics else { return false };
        let distance = |thin: &&Thin| thin.stamp.abs_diff(stamp);
        let usable = self.kept.iter().filter(|t| t.columns > 0);
        let Some(thin) = usable.min_by_key(distance).filter(|t| distance(t) <= window.unsigned_abs()) else {
            return false;
        };
        let Some(pose) = relative(thin.stamp) else { return false };
        self.overlay.fill(thin, &k, colour, &pose);
        true
    }

    /// Gives every detection the depth of the surface that fills the most of its box.
    ///
    /// Where boxes overlap, the one that its surface fills best has it, and the others look at the rest of theirs: a box of
    /// somebody half hidden is full of whoever stands before. What has nothing left has no depth.
    pub fn measure(&mut self, found: &mut [Found]) {
        self.order.clear();
        self.overlay.taken.fill(false);
        for (n, one) in found.iter_mut().enumerate() {
            let cells = self.overlay.gather(&one.rect, &mut self.scratch);
            one.depth = fullest_surface(&mut self.scratch).map(|surface| {
                self.order.push((surface.points as f64 * surface.points as f64 / cells as f64, n));
                surface.z
            });
        }
        // Best filled first; of equals the first told.
        self.order.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        for (_, n) in &self.order {
            let one = &mut found[*n];
            self.overlay.gather(&one.rect, &mut self.scratch);
            one.depth = fullest_surface(&mut self.scratch).map(|surface| surface.z);
            if let Some(z) = one.depth {
                self.overlay.take(&one.rect, z as f32);
            }
        }
    }
}

/// The surface that fills the most of the box: the most points within the reach of one thing; the nearest of equals. What
/// stands before the thing, or behind it, covers less of its box than itself.
fn fullest_surface(depths: &mut [f32]) -> Option<Surface> {
    depths.sort_unstable_by(f32::total_cmp);
    let (mut best, mut end) = (0..0, 0);
    for (first, front) in depths.iter().enumerate() {
        let reach = front + SURFACE + SURFACE_SHARE * front;
        while depths.get(end).is_some_and(|z| *z <= reach) {
            end += 1;
        }
        if end - first > best.len() {
            best = first..end;
        }
    }
    let surface = depths.get(best).filter(|s| s.len() >= LEAST_POINTS)?;
    Some(Surface { z: f64::from(surface[surface.len() / 2]), points: surface.len() })
}

impl Overlay {
    /// Cells under the share `inner` of a box: columns and rows, empty ranges when nothing is laid over.
    fn under(&self, rect: &Rect, inner: f64) -> (Range<usize>, Range<usize>) {
        if !self.filled {
            return (0..0, 0..0);
        }
        let range = |centre: f64, size: f64, origin: f64, cells: usize| {
            let half = size * inner / 2.0;
            let first = ((centre - half - origin) / self.cell).floor();
            let last = ((centre + half - origin) / self.cell).ceil();
            // NaN becomes 0: an empty range.
            first.clamp(0.0, cells as f64) as usize..last.clamp(0.0, cells as f64) as usize
        };
        (
            range(rect.x, rect.w, self.origin[0], self.columns),
            range(rect.y, rect.h, self.origin[1], self.rows),
        )
    }

    /// The free depths in a box; how many cells it has.
    fn gather(&self, rect: &Rect, depths: &mut Vec<f32>) -> usize {
        let (columns, rows) = self.under(rect, INNER);
        depths.clear();
        for y in rows.clone() {
            let row = y * self.columns;
            let cells = row + columns.start..row + columns.end;
            let free = self.metres[cells.clone()].iter().zip(&self.taken[cells]);
            depths.extend(free.filter(|(z, taken)| **z > 0.0 && !**taken).map(|(z, _)| *z));
        }
        (columns.len() * rows.len()).max(1)
    }

    /// Gives the surface at `z` in a box to its detection.
    fn take(&mut self, rect: &Rect, z: f32) {
        let reach = SURFACE + SURFACE_SHARE * z;
        let (columns, rows) = self.under(rect, 1.1);
        for y in rows {
            for cell in y * self.columns + columns.start..y * self.columns + columns.end {
                self.taken[cell] |= (self.metres[cell] - z).abs() <= reach;
            }
        }
    }

    fn fill(&mut self, thin: &Thin, depth: &Intrinsics, colour: &Intrinsics, pose: &Pose) {
        // A cell is as large as the distance between two kept points, so that few cells stay empty between them.
        self.cell = thin.every as f64 / depth.fx.min(depth.fy);
        let (width, height) = (f64::from(colour.width) / colour.fx, f64::from(colour.height) / colour.fy);
        self.cell = self.cell.max(width / 512.0).max(height / 512.0);
        self.origin = [-(colour.cx + 0.5) / colour.fx, -(colour.cy + 0.5) / colour.fy];
        self.columns = (width / self.cell).ceil() as usize;
        self.rows = (height / self.cell).ceil() as usize;
        self.metres.clear();
        self.metres.resize(self.columns * self.rows, 0.0);
        self.taken.clear();
        self.taken.resize(self.columns * self.rows, false);
        for row in 0..thin.rows {
            let y = ((row * thin.every) as f64 - depth.cy) / depth.fy;
            for column in 0..thin.columns {
                let z = f64::from(thin.metres[row * thin.columns + column]);
                if z <= 0.0 {
                    continue;
                }
                let x = ((column * thin.every) as f64 - depth.cx) / depth.fx;
                let seen = pose * point(x, y, z);
                if seen.z > f64::from(NEAREST) {
                    self.splat(seen.x / seen.z, seen.y / seen.z, seen.z as f32);
                }
            }
        }
        self.filled = true;
    }

    /// The nearer of two points in a cell hides the other.
    fn splat(&mut self, x: f64, y: f64, z: f32) {
        let (column, row) = ((x - self.origin[0]) / self.cell, (y - self.origin[1]) / self.cell);
        if column >= 0.0 && row >= 0.0 && (column as usize) < self.columns && (row as usize) < self.rows {
            let cell = &mut self.metres[row as usize * self.columns + column as usize];
            if *cell == 0.0 || z < *cell {
                *cell = z;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 320;
    const HEIGHT: usize = 240;

    fn depth_camera() -> Intrinsics {
        Intrinsics::new(168.0, 168.0, 159.5, 119.5, WIDTH as u32, HEIGHT as u32).unwrap()
    }

    fn colour_camera() -> Intrinsics {
        Intrinsics::new(468.0, 468.0, 319.5, 239.5, 640, 480).unwrap()
    }

    /// A wall at 8 m, and before it a square of 1 m side at depth `z`, straight ahead.
    fn scene(z: f32, wall: f32) -> Vec<u8> {
        let k = depth_camera();
        let inside = |x: usize, y: usize| {
            let side = |p: usize, c: f64, f: f64| ((p as f64 - c) / f * f64::from(z)).abs() <= 0.5;
            side(x, k.cx, k.fx) && side(y, k.cy, k.fy)
        };
        let pixel = |i: usize| if inside(i % WIDTH, i / WIDTH) { z } else { wall };
        (0..WIDTH * HEIGHT).flat_map(|i| pixel(i).to_le_bytes()).collect()
    }

    fn store(bytes: &[u8]) -> DepthStore {
        let mut store = DepthStore::default();
        store.set_intrinsics(depth_camera());
        store.push(0, &DepthImage::new(WIDTH, HEIGHT, WIDTH * 4, "32FC1", bytes).unwrap());
        store
    }

    impl DepthStore {
        /// The depth of one box by itself.
        fn of(&mut self, rect: &Rect) -> Option<f64> {
            let mut found = [Found { rect: *rect, score: 1.0, label: Default::default(), depth: None }];
            self.measure(&mut found);
            found[0].depth
        }
    }

    fn square(z: f64) -> Rect {
        Rect { x: 0.0, y: 0.0, w: 1.0 / z, h: 1.0 / z }
    }

    #[test]
    fn a_box_is_as_far_as_what_fills_it() {
        let mut store = store(&scene(4.0, 8.0));
        assert!(store.overlay(0, 1, &colour_camera(), |_| Some(Pose::identity())));
        assert!((store.of(&square(4.0)).unwrap() - 4.0).abs() < 1e-6);
        // Beside it there is only the wall.
        assert!((store.of(&Rect { x: 0.4, ..square(4.0) }).unwrap() - 8.0).abs() < 1e-6);
        // A box a third of which is wall is still at the square.
        assert!((store.of(&Rect { x: 0.08, ..square(4.0) }).unwrap() - 4.0).abs() < 1e-6);
    }

    #[test]
    fn who_stands_behind_is_not_where_stands_who_hides_him() {
        let mut store = store(&scene(4.0, 8.0));
        assert!(store.overlay(0, 1, &colour_camera(), |_| Some(Pose::identity())));
        let before = Found { rect: square(4.0), score: 0.9, label: Default::default(), depth: None };
        // Seen over a shoulder: two thirds of his box are the other's back.
        let behind = Found { rect: Rect { x: 0.08, y: 0.0, w: 0.25, h: 0.25 }, ..before };
        for mut both in [[before, behind], [behind, before]] {
            store.measure(&mut both);
            let depth = |f: &Found| if f.rect == behind.rect { 8.0 } else { 4.0 };
            assert!(both.iter().all(|f| (f.depth.unwrap() - depth(f)).abs() < 1e-6), "{both:?}");
        }
    }

    #[test]
    fn a_camera_that_moved_meanwhile_sees_it_elsewhere() {
        let mut store = store(&scene(4.0, f32::INFINITY));
        // The depth camera sat 1 m behind and 0.5 m to the right of where the colour camera is.
        let pose = Pose::translation(0.5, 0.0, -1.0);
        assert!(store.overlay(0, 1, &colour_camera(), |_| Some(pose)));
        let found = store.of(&Rect { x: 0.5 / 3.0, ..square(3.0) }).unwrap();
        assert!((found - 3.0).abs() < 1e-6, "{found:?}");
        assert_eq!(store.of(&Rect { x: -0.4, y: 0.0, w: 0.1, h: 0.1 }), None);
    }

    #[test]
    fn without_an_image_of_the_time_there_is_no_depth() {
        let mut store = store(&scene(4.0, 8.0));
        assert!(!store.overlay(50_000_000, 40_000_000, &colour_camera(), |_| Some(Pose::identity())));
        assert_eq!(store.of(&square(4.0)), None);
        assert!(!store.overlay(0, 1, &colour_camera(), |_| None));
        let mut blind = DepthStore::default();
        assert!(!blind.overlay(0, 1, &colour_camera(), |_| Some(Pose::identity())));
    }

    #[test]
    fn nothing_valid_is_no_depth_and_nonsense_boxes_are_none() {
        for value in [f32::NAN, f32::INFINITY, 0.0, -1.0, 0.01] {
            let mut store = store(&value.to_le_bytes().repeat(WIDTH * HEIGHT));
            assert!(store.overlay(0, 1, &colour_camera(), |_| Some(Pose::identity())));
            assert_eq!(store.of(&square(4.0)), None);
        }
        let mut store = store(&scene(4.0, 8.0));
        store.overlay(0, 1, &colour_camera(), |_| Some(Pose::identity()));
        for bad in [f64::NAN, f64::INFINITY, 1e300] {
            assert_eq!(store.of(&Rect { x: bad, ..square(4.0) }), None);
            let _ = store.of(&Rect { w: bad, ..square(4.0) });
        }
    }

    #[test]
    fn the_nearest_image_is_taken_and_time_may_jump_back() {
        let mut store = DepthStore::default();
        store.set_intrinsics(depth_camera());
        for (n, z) in [(0, 3.0), (1, 4.0), (2, 5.0)] {
            let bytes = scene(z, 9.0);
            store.push(n * 33, &DepthImage::new(WIDTH, HEIGHT, WIDTH * 4, "32FC1", &bytes).unwrap());
        }
        let mut ask = |stamp: i64| {
            store
                .overlay(stamp, 20, &colour_camera(), |_| Some(Pose::identity()))
                .then(|| store.of(&square(5.0)).unwrap())
        };
        assert_eq!([ask(0), ask(30), ask(70), ask(100)], [Some(3.0), Some(4.0), Some(5.0), None]);
        let bytes = scene(2.0, 9.0);
        store.push(10, &DepthImage::new(WIDTH, HEIGHT, WIDTH * 4, "32FC1", &bytes).unwrap());
        assert!(!store.overlay(66, 20, &colour_camera(), |_| Some(Pose::identity())), "from before the jump");
    }

    #[test]
    fn images_that_are_no_depth_are_refused() {
        let bytes = vec![0; 100];
        for (width, height, step, encoding) in [
            (5, 5, 20, "rgb8"),
            (6, 5, 20, "32FC1"),
            (5, 6, 20, "32FC1"),
            (0, 5, 20, "32FC1"),
            (5, 0, 20, "32FC1"),
            (usize::MAX, 2, usize::MAX, "16UC1"),
        ] {
            let error = DepthImage::new(width, height, step, encoding, &bytes).unwrap_err().to_string();
            assert!(error.starts_with("PG-1405"), "{error}");
        }
        let image = DepthImage::new(2, 1, 4, "16UC1", &[0xE8, 3, 0, 0]).unwrap();
        assert_eq!((image.metres(0, 0), image.metres(1, 0)), (1.0, 0.0));
    }
}
