//! Regions of a picture that must not be recognised.
//!
//! What leaves of a region is a function of a few numbers alone: the mean colours of at most [`CELLS`] cells along its longer side,
//! in [`LEVELS`] steps. A face is about a seventh of a standing person's height, less than one cell and a half; nothing finer can be
//! brought back, by whatever means, because nothing finer is there. Of everything else nothing is left but its box ([`Spot::how`]). The cells are then smoothed so that people are not annoyed by
//! their edges; that adds and removes nothing.

use super::Picture;

/// Cells along the longer side of a region, margin included.
pub const CELLS: usize = 10;
/// Smallest side of a cell, pixels: in a distant person nothing is left of a cell's inside either.
const SMALLEST: usize = 8;
/// Steps of a mean colour. Coarse, so that means of many frames do not add up to more.
const LEVELS: u32 = 32;

/// How regions are hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hide {
    /// Cells of mean colour, smoothed: one sees that somebody is there.
    Mosaic,
    /// One grey: only the box is told.
    Fill,
}

/// A box in pixels, left, top, right, bottom; may reach beyond the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Region {
    /// Left.
    pub x0: f64,
    /// Top.
    pub y0: f64,
    /// Right.
    pub x1: f64,
    /// Bottom.
    pub y1: f64,
}

impl Region {
    /// A box by its middle and its sides, wider by `margin` of them on every side.
    pub fn around(x: f64, y: f64, width: f64, height: f64, margin: f64) -> Self {
        let (w, h) = (width.abs() * (0.5 + margin), height.abs() * (0.5 + margin));
        Self { x0: x - w, y0: y - h, x1: x + w, y1: y + h }
    }

    /// In whole pixels of a picture; `None` where it shows nothing of it. What is no number hides everything.
    fn clip(&self, width: usize, height: usize) -> Option<[usize; 4]> {
        let all = [self.x0, self.y0, self.x1, self.y1];
        if all.iter().any(|value| value.is_nan()) {
            return Some([0, 0, width, height]);
        }
        let low = |value: f64, most: usize| value.floor().clamp(0.0, most as f64) as usize;
        let high = |value: f64, most: usize| value.ceil().clamp(0.0, most as f64) as usize;
        let (x0, y0, x1, y1) =
            (low(self.x0, width), low(self.y0, height), high(self.x1, width), high(self.y1, height));
        (x0 < x1 && y0 < y1).then_some([x0, y0, x1, y1])
    }
}

/// The class of whom a mosaic is thought to leave no face.
const BODY: &str = "person";
/// How many times as tall as wide somebody is who is seen from head to foot. A head with shoulders is less, and its face many cells.
const STANDING: f64 = 2.0;
/// A box this near to the border of its picture, in shares of the picture's side, may go on beyond it.
const BORDER: f64 = 0.01;

/// Something that was found and is to be hidden.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spot {
    /// The box as it was found.
    pub found: Region,
    /// It is somebody as a whole, and no face or plate.
    pub body: bool,
}

impl Spot {
    /// A box by its middle and its sides, of one of these classes.
    pub fn new<'a>(
        middle: (f64, f64),
        sides: (f64, f64),
        classes: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let body = classes.into_iter().all(|class| class == BODY);
        Self { found: Region::around(middle.0, middle.1, sides.0, sides.1, 0.0), body }
    }

    /// Where it is hidden: wider by `margin` of its sides.
    pub fn region(&self, margin: f64) -> Region {
        let Region { x0, y0, x1, y1 } = self.found;
        Region::around((x0 + x1) / 2.0, (y0 + y1) / 2.0, x1 - x0, y1 - y0, margin)
    }

    /// How it is hidden in a picture when `asked` is asked for. A mosaic is for people who are seen from head to foot alone: of a face,
    /// a plate or half of somebody its cells would leave enough to recognise it by.
    pub fn how(&self, asked: Hide, width: usize, height: usize) -> Hide {
        let Region { x0, y0, x1, y1 } = self.found;
        let (w, h) = (width as f64, height as f64);
        let whole = x0 > BORDER * w && x1 < (1.0 - BORDER) * w && y0 > BORDER * h && y1 < (1.0 - BORDER) * h;
        // Also of what is no number none of this holds.
        let standing = y1 - y0 >= STANDING * (x1 - x0);
        if self.body && whole && standing { asked } else { Hide::Fill }
    }
}

/// Hides a region.
pub fn hide(picture: &mut Picture, region: &Region, how: Hide) {
    let (width, height) = (picture.width, picture.height);
    let Some([x0, y0, x1, y1]) = region.clip(width, height) else { return };
    if how == Hide::Fill {
        for y in y0..y1 {
            picture.rgb[3 * (y * width + x0)..3 * (y * width + x1)].fill(110);
        }
        return;
    }
    let side = (x1 - x0).max(y1 - y0).div_ceil(CELLS).max(SMALLEST);
    let (columns, rows) = ((x1 - x0).div_ceil(side), (y1 - y0).div_ceil(side));
    let mut cells = vec![[0.0_f32; 3]; columns * rows];
    for (index, cell) in cells.iter_mut().enumerate() {
        let (left, top) = (x0 + index % columns * side, y0 + index / columns * side);
        *cell = mean(picture, [left, top, (left + side).min(x1), (top + side).min(y1)]);
    }
    // Between the middles of the cells, linearly: a function of the cells alone.
    let at = |place: f32, count: usize| {
        let place = (place - 0.5).clamp(0.0, count as f32 - 1.0);
        let low = (place.floor() as usize).min(count - 1);
        (low, (low + 1).min(count - 1), place - low as f32)
    };
    for y in y0..y1 {
        let (top, bottom, down) = at((y - y0) as f32 / side as f32, rows);
        for x in x0..x1 {
            let (left, right, along) = at((x - x0) as f32 / side as f32, columns);
            let pixel = 3 * (y * width + x);
            for (plane, out) in picture.rgb[pixel..pixel + 3].iter_mut().enumerate() {
                let cell = |column: usize, row: usize| cells[row * columns + column][plane];
                let upper = cell(left, top) + along * (cell(right, top) - cell(left, top));
                let lower = cell(left, bottom) + along * (cell(right, bottom) - cell(left, bottom));
                *out = (upper + down * (lower - upper)).round() as u8;
            }
        }
    }
}

/// Mean colour, in coarse steps.
fn mean(picture: &Picture, [x0, y0, x1, y1]: [usize; 4]) -> [f32; 3] {
    let mut sums = [0_u32; 3];
    for y in y0..y1 {
        for pixel in picture.rgb[3 * (y * picture.width + x0)..3 * (y * picture.width + x1)].chunks_exact(3) {
            sums.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += u32::from(*value));
        }
    }
    let count = ((x1 - x0) * (y1 - y0)).max(1) as u32;
    let step = 256 / LEVELS;
    sums.map(|sum| (sum / count / step * step + step / 2) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(seed: u32, width: usize, height: usize) -> Picture {
        let mut state = seed;
        let mut draw = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let rgb = (0..3 * width * height).map(|_| draw()).collect();
        Picture { rgb, width, height, ..Picture::default() }
    }

    const BOX: Region = Region { x0: 40.0, y0: 20.0, x1: 120.0, y1: 200.0 };

    /// Pixels change places inside of their cells: every detail is another, the means are the same. What leaves is bit for bit
    /// equal, so it holds nothing of the details.
    #[test]
    fn nothing_finer_than_a_cell_is_left() {
        let mut one = noise(7, 160, 240);
        let mut other = one.clone();
        // 180 pixels in 10 cells: cells of 18 from (40, 20) on.
        let (side, mut moved) = (18, 0);
        for cell_y in 0..10 {
            for cell_x in 0..5 {
                let (left, top) = (40 + cell_x * side, 20 + cell_y * side);
                let (right, bottom) = ((left + side).min(120), (top + side).min(200));
                let mut pixels = Vec::new();
                for y in top..bottom {
                    for x in left..right {
                        pixels.push([0, 1, 2].map(|p| one.rgb[3 * (y * 160 + x) + p]));
                    }
                }
                pixels.reverse();
                for (index, pixel) in pixels.iter().enumerate() {
                    let (x, y) = (left + index % (right - left), top + index / (right - left));
                    let at = 3 * (y * 160 + x);
                    moved += usize::from(other.rgb[at..at + 3] != *pixel);
                    other.rgb[at..at + 3].copy_from_slice(pixel);
                }
            }
        }
        assert!(moved > 10_000 && one != other);
        let outside = one.clone();
        hide(&mut one, &BOX, Hide::Mosaic);
        hide(&mut other, &BOX, Hide::Mosaic);
        assert_eq!(one, other);
        for y in 0..240 {
            for x in 0..160 {
                let inside = (40..120).contains(&x) && (20..200).contains(&y);
                let at = 3 * (y * 160 + x);
                assert!(
                    inside || one.rgb[at..at + 3] == outside.rgb[at..at + 3],
                    "{x} {y} is not in the box"
                );
            }
        }
        // A second time changes next to nothing: there is nothing left to hide.
        let once = one.clone();
        hide(&mut one, &BOX, Hide::Mosaic);
        let most = one.rgb.iter().zip(&once.rgb).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        assert!(most <= 16, "{most}");
    }

    #[test]
    fn a_mosaic_is_for_whole_people_alone() {
        let how = |x: f64, y: f64, w: f64, h: f64, class: &str| {
            Spot::new((x, y), (w, h), [class]).how(Hide::Mosaic, 640, 480)
        };
        assert_eq!(how(320.0, 240.0, 80.0, 200.0, "person"), Hide::Mosaic);
        // Head and shoulders; sitting; cut by each border; a face and a plate of any shape.
        assert_eq!(how(320.0, 240.0, 120.0, 170.0, "person"), Hide::Fill);
        for (x, y) in [(40.0, 240.0), (600.0, 240.0), (320.0, 100.0), (320.0, 380.0)] {
            assert_eq!(how(x, y, 80.0, 200.0, "person"), Hide::Fill, "{x} {y}");
        }
        for class in ["face", "license plate", "head"] {
            assert_eq!(how(320.0, 240.0, 80.0, 200.0, class), Hide::Fill);
        }
        let either = Spot::new((320.0, 240.0), (80.0, 200.0), ["person", "face"]);
        assert_eq!(either.how(Hide::Mosaic, 640, 480), Hide::Fill);
        assert_eq!(how(f64::NAN, 240.0, 80.0, 200.0, "person"), Hide::Fill);
        assert_eq!(how(320.0, 240.0, 80.0, f64::NAN, "person"), Hide::Fill);
        let spot = Spot::new((320.0, 240.0), (80.0, 200.0), ["person"]);
        assert_eq!(spot.how(Hide::Fill, 640, 480), Hide::Fill);
        assert_eq!(spot.region(0.5), Region { x0: 240.0, y0: 40.0, x1: 400.0, y1: 440.0 });
    }

    /// What a solid box leaves is the same whatever was in it.
    #[test]
    fn a_solid_box_tells_its_place_alone() {
        let (mut one, mut other) = (noise(7, 160, 240), noise(7, 160, 240));
        for y in 20..200 {
            other.rgb[3 * (y * 160 + 40)..3 * (y * 160 + 120)].fill(200);
        }
        assert_ne!(one, other);
        [&mut one, &mut other].into_iter().for_each(|picture| hide(picture, &BOX, Hide::Fill));
        assert_eq!(one, other);
    }

    #[test]
    fn boxes_at_the_edge_beyond_it_and_absurd_ones_do_not_panic() {
        let whole = noise(3, 50, 40);
        for how in [Hide::Mosaic, Hide::Fill] {
            for region in [
                Region { x0: -100.0, y0: -5.0, x1: 10.0, y1: 1000.0 },
                Region { x0: 49.5, y0: 39.5, x1: 49.6, y1: 39.6 },
                Region { x0: f64::NEG_INFINITY, y0: 0.0, x1: f64::INFINITY, y1: 3.0 },
                Region::around(10.0, 10.0, 0.0, 0.0, 0.2),
            ] {
                let mut picture = whole.clone();
                hide(&mut picture, &region, how);
                assert_eq!(picture.rgb.len(), whole.rgb.len());
            }
            let mut picture = whole.clone();
            hide(&mut picture, &Region { x0: 60.0, y0: 0.0, x1: 70.0, y1: 10.0 }, how);
            assert_eq!(picture, whole, "nothing of it is in the picture");
            // What is no number hides everything.
            hide(&mut picture, &Region { x0: f64::NAN, y0: 0.0, x1: 1.0, y1: 1.0 }, how);
            let same = picture.rgb.iter().zip(&whole.rgb).filter(|(a, b)| a == b).count();
            assert!(same < whole.rgb.len() / 10, "{same}");
        }
    }
}
