//! One row of the input, in three passes that stay in the first-level cache: two source rows are blended into one, the two
//! neighbours of each column are gathered from it, and what is left to compute runs in vectors over the columns.
//!
//! Whole source rows are blended before anything is gathered, for the blend runs in vectors over contiguous bytes and a
//! sample gathered costs more than several blended (measured). What has a variant for AVX2 gives the same bits without it.

use super::Tap;
use super::blend::{Two, blend};
use super::convert::{four, grey, nv12, three, yuyv};
use super::gather::{WINDOW, gather};
use crate::image::{ImageRef, PixelFormat};

/// Units of a level in a blended row.
pub(super) const UNITS: f32 = 128.0;

/// Which samples of a row the columns need. Depends on the shape of the image alone.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// First sample of each column's window into a blended row.
    offsets: Vec<u32>,
    /// NV12: of its window into the chroma behind the luma.
    chroma: Vec<u32>,
    weights: Vec<f32>,
    /// Weights of the next pair's chroma: none where both neighbours belong to one pair.
    chroma_weights: Vec<f32>,
    /// YUYV: all ones where the left neighbour is the right one of its pair.
    odd: Vec<u32>,
}

impl Table {
    /// For these columns of an image of this shape.
    pub(super) fn rebuild(&mut self, columns: &[Tap], image: &ImageRef<'_>) {
        let place = |near: u32| match image.pixel {
            PixelFormat::Rgb8 | PixelFormat::Bgr8 => 3 * near,
            PixelFormat::Rgba8 | PixelFormat::Bgra8 => 4 * near,
            PixelFormat::Mono8 | PixelFormat::Nv12 => near,
            PixelFormat::Yuyv => 2 * (near & !1),
        };
        let luma = image.width as u32;
        refill(&mut self.offsets, columns.iter().map(|tap| place(tap.near)));
        refill(&mut self.weights, columns.iter().map(|tap| tap.weight));
        let pair = |tap: &Tap| if tap.near % 2 == 1 { tap.weight } else { 0.0 };
        refill(&mut self.chroma_weights, columns.iter().map(pair));
        refill(&mut self.odd, columns.iter().map(|tap| if tap.near % 2 == 1 { u32::MAX } else { 0 }));
        refill(&mut self.chroma, columns.iter().map(|tap| luma + (tap.near & !1)));
    }
}

fn refill<T>(list: &mut Vec<T>, values: impl Iterator<Item = T>) {
    list.clear();
    list.extend(values);
}

/// The buffers of one row, reused.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// One blended source row.
    row: Vec<u16>,
    /// What was gathered: word `k` of each column holds the samples `2 k` (low half) and `2 k + 1` of its window.
    words: [Vec<u32>; 4],
}

impl Scratch {
    /// Makes room for images of this shape and this many columns.
    pub(super) fn resize(&mut self, image: &ImageRef<'_>, columns: usize) {
        self.row.clear();
        self.row.resize(row_len(image) + WINDOW, 0);
        self.words.iter_mut().for_each(|words| words.resize(columns, 0));
    }
}

/// Writes red, green and blue of one row of the input through `finish`, which gets the component (0 red, 1 green, 2 blue)
/// and its level in units. `ahead` is the row that comes next.
pub(super) fn line<T>(
    image: &ImageRef<'_>,
    tap: &Tap,
    ahead: Option<&Tap>,
    table: &Table,
    scratch: &mut Scratch,
    rgb: [&mut [T]; 3],
    finish: impl Fn(usize, f32) -> T,
) {
    let Scratch { row, words: [a, b, c, d] } = scratch;
    let Table { offsets, chroma, weights, chroma_weights, odd } = table;
    blend_lines(image, tap, ahead, row);
    match image.pixel {
        PixelFormat::Mono8 => gather(row, offsets, [a]),
        PixelFormat::Rgb8 | PixelFormat::Bgr8 => gather(row, offsets, [a, b, c]),
        PixelFormat::Nv12 => {
            gather(row, offsets, [a]);
            gather(row, chroma, [b, c]);
        }
        PixelFormat::Rgba8 | PixelFormat::Bgra8 | PixelFormat::Yuyv => gather(row, offsets, [a, b, c, d]),
    }
    // What comes first in memory of BGR is blue.
    let swapped = |component: usize, level: f32| finish(2 - component, level);
    let bgr = |[red, green, blue]: [_; 3]| [blue, green, red];
    let both = [&weights[..], chroma_weights];
    match image.pixel {
        PixelFormat::Rgb8 => three([a, b, c], weights, rgb, &finish),
        PixelFormat::Bgr8 => three([a, b, c], weights, bgr(rgb), &swapped),
        PixelFormat::Rgba8 => four([a, b, c, d], weights, rgb, &finish),
        PixelFormat::Bgra8 => four([a, b, c, d], weights, bgr(rgb), &swapped),
        PixelFormat::Mono8 => grey(a, weights, rgb, &finish),
        PixelFormat::Nv12 => nv12([a, b, c], both, rgb, &finish),
        PixelFormat::Yuyv => yuyv([a, b, c, d], both, odd, rgb, &finish),
    }
}

/// How many values [`blend_lines`] writes for an image of this shape.
fn row_len(image: &ImageRef<'_>) -> usize {
    let luma = image.pixel.row_bytes(image.width);
    if image.pixel == PixelFormat::Nv12 { luma + image.width } else { luma }
}

/// Blends the two source rows of a tap. NV12's chroma row follows its luma row.
fn blend_lines(image: &ImageRef<'_>, tap: &Tap, ahead: Option<&Tap>, out: &mut [u16]) {
    let bytes = image.pixel.row_bytes(image.width);
    let row = |y: u32| &image.data[y as usize * image.step..][..bytes];
    let rows = |tap: &Tap| Two { near: row(tap.near), far: row(tap.far) };
    let (first, rest) = out.split_at_mut(bytes);
    blend(rows(tap), ahead.map(rows).unwrap_or_default(), tap.weight, first);
    if image.pixel == PixelFormat::Nv12 {
        let row = |y: u32| &image.data[(image.height + y as usize / 2) * image.step..][..image.width];
        let rows = |tap: &Tap| Two { near: row(tap.near), far: row(tap.far) };
        blend(rows(tap), ahead.map(rows).unwrap_or_default(), tap.weight, &mut rest[..image.width]);
    }
}
