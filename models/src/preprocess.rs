//! From a camera's bytes to the network's input in one pass.
//!
//! For each row of the input two source rows are sampled at the columns needed, blended, converted to the network's
//! colour order, normalised and written into the tensor: nothing as large as the image is ever written in between.
//! Bilinear interpolation about pixel centres, without a low-pass filter, as `cv2.resize(INTER_LINEAR)` does it: the
//! networks were trained behind that.
//!
//! Invariant: after the first image of a given shape, [`Preprocessor::run`] allocates nothing (asserted by
//! `tests/allocations.rs`).

use crate::image::{ImageRef, PixelFormat};
use crate::letterbox::Letterbox;
use crate::manifest::{Colour, Element, Input};
use crate::{Error, Result};

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
    /// Two sampled source rows, three components each, one after the other.
    near: Vec<f32>,
    far: Vec<f32>,
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
            near: Vec::new(),
            far: Vec::new(),
        }
    }

    /// Writes `image` into `tensor` (planes x height x width) and says where it lies in it.
    ///
    /// # Errors
    /// `PG-0440` for an image whose bytes do not hold what its header says; `PG-0408` for a tensor of another size or
    /// type than the manifest's.
    pub fn run(&mut self, image: &ImageRef<'_>, tensor: InputMut<'_>) -> Result<Letterbox> {
        image.check()?;
        self.prepare(image);
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
        match tensor {
            InputMut::F32(values) => {
                let normalise = |plane: usize, value: f32, s: &Self| value * s.gain[plane] + s.bias[plane];
                let pad = f32::from(self.input.letterbox.pad);
                let pads = [0, 1, 2].map(|plane| normalise(plane, pad, self));
                let (gain, bias) = (self.gain, self.bias);
                self.fill(image, values, pads, move |plane, value| value * gain[plane] + bias[plane]);
            }
            InputMut::U8(values) => {
                let pad = self.input.letterbox.pad;
                self.fill(image, values, [pad; 3], |_, value| (value + 0.5) as u8);
            }
        }
        Ok(self.place)
    }

    /// Rebuilds the tables when the shape of the images changes.
    fn prepare(&mut self, image: &ImageRef<'_>) {
        let shape = (image.width, image.height, image.pixel);
        if self.shape == Some(shape) {
            return;
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
        self.near.resize(3 * self.place.width, 0.0);
        self.far.resize(3 * self.place.width, 0.0);
        self.shape = Some(shape);
    }

    fn fill<T: Copy>(
        &mut self,
        image: &ImageRef<'_>,
        tensor: &mut [T],
        pads: [T; 3],
        finish: impl Fn(usize, f32) -> T + Copy,
    ) {
        let (input_width, place) = (self.input.width, self.place);
        let plane_len = input_width * self.input.height;
        // Which component of a sampled row feeds each plane of the tensor. Rows are sampled as red, green, blue.
        let order = if self.input.colour == Colour::Rgb { [0, 1, 2] } else { [2, 1, 0] };
        for (plane, pad) in tensor.chunks_exact_mut(plane_len).zip(pads) {
            pad_around(plane, input_width, &place, pad);
        }
        let (mut in_near, mut in_far) = (u32::MAX, u32::MAX);
        for (index, line) in self.lines.iter().enumerate() {
            if in_near != line.near && in_far == line.near {
                std::mem::swap(&mut self.near, &mut self.far);
                std::mem::swap(&mut in_near, &mut in_far);
            }
            if in_near != line.near {
                rows::sample(image, line.near as usize, &self.columns, &mut self.near);
                in_near = line.near;
            }
            if in_far != line.far {
                rows::sample(image, line.far as usize, &self.columns, &mut self.far);
                in_far = line.far;
            }
            let start = (place.top + index) * input_width + place.left;
            let width = place.width;
            for plane in 0..3 {
                let component = order[plane] * width..(order[plane] + 1) * width;
                let (near, far) = (&self.near[component.clone()], &self.far[component]);
                let out = &mut tensor[plane * plane_len + start..][..width];
                let weight = line.weight;
                for ((out, near), far) in out.iter_mut().zip(near).zip(far) {
                    *out = finish(plane, near + (far - near) * weight);
                }
            }
        }
    }
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
