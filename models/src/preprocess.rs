//! From a camera's bytes to the network's input in one pass.
//!
//! For each row of the input two source rows are blended into one that stays in the first-level cache, sampled at the
//! columns needed, converted to the network's colour order, normalised and written into the tensor: nothing as large as
//! the image is ever written in between.
//! Bilinear interpolation about pixel centres, without a low-pass filter, as `cv2.resize(INTER_LINEAR)` does it: the
//! networks were trained behind that.
//!
//! Invariant: after the first image of a given shape, [`Preprocessor::run`] allocates nothing (asserted by
//! `tests/allocations.rs`).

use crate::image::{ImageRef, PixelFormat};
use crate::letterbox::Letterbox;
use crate::manifest::{Colour, Element, Input, Layout};
use crate::{Error, Result};

mod blend;
mod convert;
mod gather;
mod rows;

/// Where the input tensor is written.
#[derive(Debug)]
pub enum InputMut<'a> {
    /// A tensor of 32 bit floats.
    F32(&'a mut [f32]),
    /// A tensor of bytes.
    U8(&'a mut [u8]),
}

/// One sample along an axis: `source[near] * (1 - weight) + source[far] * weight`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Tap {
    near: u32,
    far: u32,
    weight: f32,
}

/// Fits images into the input of one network. Reuses its tables and rows from call to call.
#[derive(Debug)]
pub struct Preprocessor {
    input: Input,
    /// For each of the tensor's planes: factor and offset of the normalisation.
    gain: [f32; 3],
    bias: [f32; 3],
    /// (width, height, format) of the image the tables belong to.
    shape: Option<(usize, usize, PixelFormat)>,
    place: Letterbox,
    columns: Vec<Tap>,
    lines: Vec<Tap>,
    table: rows::Table,
    scratch: rows::Scratch,
    /// One row, plane after plane, for inputs whose planes are interleaved.
    wide: Vec<f32>,
    bytes: Vec<u8>,
}

impl Preprocessor {
    /// For the input a manifest describes.
    pub fn new(input: &Input) -> Self {
        let gain = [0, 1, 2].map(|plane| input.scale / input.std[plane]);
        let bias = [0, 1, 2].map(|plane| -input.mean[plane] / input.std[plane]);
        let whole = (input.width, input.height);
        let place = Letterbox::new(whole, whole, input.letterbox.fit, input.letterbox.align);
        Self {
            input: input.clone(),
            gain,
            bias,
            shape: None,
            place,
            columns: Vec::new(),
            lines: Vec::new(),
            table: rows::Table::default(),
            scratch: rows::Scratch::default(),
            wide: Vec::new(),
            bytes: Vec::new(),
        }
    }

    /// Writes `image` into `tensor` (in the order of the input's layout) and says where it lies in it.
    ///
    /// # Errors
    /// `PG-0440` for an image whose bytes do not hold what its header says; `PG-0408` for a tensor of another size or
    /// type than the manifest's.
    pub fn run(&mut self, image: &ImageRef<'_>, tensor: InputMut<'_>) -> Result<Letterbox> {
        self.shape = None;
        self.run_again(image, tensor)
    }

    /// The tensor was written to by somebody else: the next call writes the padding again.
    pub(crate) fn forget(&mut self) {
        self.shape = None;
    }

    /// The same into the tensor of the last call, which nobody else has written to since: the padding is written only
    /// when the shape of the image has changed.
    ///
    /// # Errors
    /// As [`Preprocessor::run`].
    pub fn run_again(&mut self, image: &ImageRef<'_>, tensor: InputMut<'_>) -> Result<Letterbox> {
        image.check()?;
        let (found, length) = match &tensor {
            InputMut::F32(values) => (Element::F32, values.len()),
            InputMut::U8(values) => (Element::U8, values.len()),
        };
        let expected = 3 * self.input.width * self.input.height;
        if found != self.input.element || length != expected {
            return Err(Error::Shape {
                model: "the input tensor".to_owned(),
                what: "its buffer".to_owned(),
                found: format!("{length} elements of {found:?}"),
                expected: format!("{expected} elements of {:?}", self.input.element),
                remedy: "hand in the buffer of the same network".into(),
            });
        }
        let changed = self.prepare(image);
        // Which plane of the tensor each of red, green, blue feeds.
        let plane_of = if self.input.colour == Colour::Rgb { [0, 1, 2] } else { [2, 1, 0] };
        match tensor {
            InputMut::F32(values) => {
                let pad = f32::from(self.input.letterbox.pad);
                let pads = [0, 1, 2].map(|plane| pad * self.gain[plane] + self.bias[plane]);
                if changed {
                    self.pad(values, pads);
                }
                let gain = plane_of.map(|plane| self.gain[plane] / rows::UNITS);
                let bias = plane_of.map(|plane| self.bias[plane]);
                let mut row = std::mem::take(&mut self.wide);
                let finish = move |component: usize, level: f32| level * gain[component] + bias[component];
                self.fill(image, values, &mut row, finish);
                self.wide = row;
            }
            InputMut::U8(values) => {
                let pad = self.input.letterbox.pad;
                if changed {
                    self.pad(values, [pad; 3]);
                }
                let mut row = std::mem::take(&mut self.bytes);
                self.fill(image, values, &mut row, |_, level| (level / rows::UNITS + 0.5) as u8);
                self.bytes = row;
            }
        }
        Ok(self.place)
    }

    /// Rebuilds the tables when the shape of the images changes, and says whether it has.
    fn prepare(&mut self, image: &ImageRef<'_>) -> bool {
        let shape = (image.width, image.height, image.pixel);
        if self.shape == Some(shape) {
            return false;
        }
        let rule = self.input.letterbox;
        self.place = Letterbox::new(
            (image.width, image.height),
            (self.input.width, self.input.height),
            rule.fit,
            rule.align,
        );
        taps(&mut self.columns, image.width, self.place.width);
        taps(&mut self.lines, image.height, self.place.height);
        self.table.rebuild(&self.columns, image);
        self.scratch.resize(image, self.columns.len());
        self.shape = Some(shape);
        true
    }

    /// Fills what the image will not cover.
    fn pad<T: Copy>(&self, tensor: &mut [T], pads: [T; 3]) {
        let width = self.input.width;
        if self.input.layout == Layout::Nhwc {
            for pixel in tensor.as_chunks_mut::<3>().0 {
                *pixel = pads;
            }
            return;
        }
        for (plane, pad) in tensor.chunks_exact_mut(width * self.input.height).zip(pads) {
            pad_around(plane, width, &self.place, pad);
        }
    }

    fn fill<T: Copy + Default>(
        &mut self,
        image: &ImageRef<'_>,
        tensor: &mut [T],
        row: &mut Vec<T>,
        finish: impl Fn(usize, f32) -> T + Copy,
    ) {
        let (input_width, place) = (self.input.width, self.place);
        let colour = self.input.colour;
        if self.input.layout == Layout::Nhwc {
            row.resize(3 * place.width, T::default());
            for (index, line) in self.lines.iter().enumerate() {
                let (first, rest) = row.split_at_mut(place.width);
                let (second, third) = rest.split_at_mut(place.width);
                let rgb = in_order(colour, [first, second, third]);
                let ahead = self.lines.get(index + 1);
                rows::line(image, line, ahead, &self.table, &mut self.scratch, rgb, finish);
                let start = 3 * ((place.top + index) * input_width + place.left);
                let (first, rest) = row.split_at(place.width);
                let (second, third) = rest.split_at(place.width);
                let planes = first.iter().zip(second).zip(third);
                let pixels = tensor[start..][..3 * place.width].as_chunks_mut::<3>().0;
                for (pixel, ((a, b), c)) in pixels.iter_mut().zip(planes) {
                    *pixel = [*a, *b, *c];
                }
            }
            return;
        }
        let plane_len = input_width * self.input.height;
        let (first, rest) = tensor.split_at_mut(plane_len);
        let (second, third) = rest.split_at_mut(plane_len);
        for (index, line) in self.lines.iter().enumerate() {
            let part = (place.top + index) * input_width + place.left..;
            let planes =
                [&mut *first, &mut *second, &mut *third].map(|plane| &mut plane[part.clone()][..place.width]);
            let (ahead, rgb) = (self.lines.get(index + 1), in_order(colour, planes));
            rows::line(image, line, ahead, &self.table, &mut self.scratch, rgb, finish);
        }
    }
}

/// The network's planes as red, green, blue.
fn in_order<T>(colour: Colour, [a, b, c]: [&mut [T]; 3]) -> [&mut [T]; 3] {
    if colour == Colour::Rgb { [a, b, c] } else { [c, b, a] }
}

/// Fills the part of a plane the image does not cover.
fn pad_around<T: Copy>(plane: &mut [T], width: usize, place: &Letterbox, pad: T) {
    let (first, last) = (place.top * width, (place.top + place.height) * width);
    plane[..first].fill(pad);
    plane[last..].fill(pad);
    if place.width < width {
        for row in plane[first..last].chunks_exact_mut(width) {
            row[..place.left].fill(pad);
            row[place.left + place.width..].fill(pad);
        }
    }
}

/// Samples along an axis of `source` pixels scaled to `target` pixels, about pixel centres, edges repeated.
fn taps(table: &mut Vec<Tap>, source: usize, target: usize) {
    let scale = source as f64 / target as f64;
    let last = source - 1;
    table.clear();
    table.extend((0..target).map(|index| {
        let centre = ((index as f64 + 0.5) * scale - 0.5).clamp(0.0, last as f64);
        let near = (centre as usize).min(last);
        let far = (near + 1).min(last);
        Tap { near: near as u32, far: far as u32, weight: (centre - near as f64) as f32 }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taps_stay_inside_and_hit_centres() {
        let mut table = Vec::new();
        taps(&mut table, 4, 4);
        assert!(table.iter().enumerate().all(|(i, t)| t.near == i as u32 && t.weight == 0.0));
        taps(&mut table, 1, 7);
        assert!(table.iter().all(|t| t.near == 0 && t.far == 0));
        taps(&mut table, 2, 4);
        assert_eq!(table[1], Tap { near: 0, far: 1, weight: 0.25 });
        assert_eq!(table[3], Tap { near: 1, far: 1, weight: 0.0 });
    }
}
