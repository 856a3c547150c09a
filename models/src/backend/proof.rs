//! The test pattern: a picture made of integers alone, the same on every machine, and what a network answers to it.
//!
//! A library may list a provider whose kernels do not run on this device, or give numbers that are finite and wrong. Every
//! load runs the pattern; a manifest with golden values has the answer compared.

use crate::backend::{Backend, name_of};
use crate::manifest::{BackendName, Golden, Layout};
use crate::model::Model;
use crate::preprocess::InputMut;
use crate::{Error, Result, decode};

/// Values kept of each output.
const SAMPLES: usize = 48;
/// The tolerance written into manifests. Integer kernels of other processors round otherwise: measured up to a few
/// percent; a missing kernel gives tens of percent or more.
const TOLERANCE: f32 = 0.1;

/// A pixel of the pattern, 0 to 255: slopes, and blocks of 16 pixels of chance brightness.
fn pixel(plane: usize, x: usize, y: usize) -> u8 {
    let block = ((x / 16) as u32).wrapping_mul(0x9e37_79b1) ^ ((y / 16) as u32).wrapping_mul(0x85eb_ca77);
    let chance = (block ^ (block >> 15)).wrapping_mul(0x2c1b_3c6d) >> 25;
    ((x * (plane + 2) / 3 + y * (4 - plane) / 4) as u32 / 2 % 128 + chance) as u8
}

/// Writes the pattern into the input.
pub(super) fn write(model: &Model, input: InputMut<'_>) {
    let i = &model.manifest.input;
    let (width, height) = (i.width, i.height);
    let place = |index: usize| match i.layout {
        Layout::Nchw => (index / (width * height), index % width, index / width % height),
        Layout::Nhwc => (index % 3, index / 3 % width, index / 3 / width),
    };
    let value = |index: usize| {
        let (plane, x, y) = place(index);
        (plane, pixel(plane, x, y))
    };
    match input {
        InputMut::F32(values) => {
            for (index, out) in values.iter_mut().enumerate() {
                let (plane, level) = value(index);
                *out = (f32::from(level) * i.scale - i.mean[plane]) / i.std[plane];
            }
        }
        InputMut::U8(values) => {
            for (index, out) in values.iter_mut().enumerate() {
                *out = value(index).1;
            }
        }
    }
}

/// Values of an output that are looked at after every inference.
const LOOKS: usize = 1024;

/// The first output that holds what is no number, as far as some thousand values, spread evenly, tell. Such a number goes through a
/// network like ink: what overflows in one layer makes whole regions of the outputs unusable.
pub(crate) fn not_finite(outputs: &[&[f32]]) -> Option<usize> {
    let bad = |output: &&[f32]| {
        // Odd, so that it shares no period with the length of a row.
        let step = (output.len() / LOOKS) | 1;
        output.iter().step_by(step).fold(false, |bad, value| bad | !value.is_finite())
    };
    outputs.iter().position(bad)
}

/// Where in an output of this length the values are taken: spread, and without a period that a row length could share.
fn places(length: usize) -> impl Iterator<Item = usize> {
    (0..SAMPLES.min(length)).map(move |index| (index * 2_654_435_761 + 12_345) % length)
}

/// The values that go into a manifest.
pub(super) fn golden(outputs: &[&[f32]]) -> Golden {
    let values = |output: &&[f32]| places(output.len()).map(|place| output[place]).collect();
    Golden { tolerance: TOLERANCE, outputs: outputs.iter().map(values).collect() }
}

/// Whether the outputs are a detector's at all, and the golden ones.
pub(super) fn judge(
    backend: &dyn Backend,
    model: &Model,
    name: BackendName,
    outputs: &[&[f32]],
) -> Result<()> {
    let manifest = &model.manifest;
    let expected = decode::expected_shapes(manifest, model.labels.len());
    for (index, (output_name, output)) in manifest.decoder.outputs.iter().zip(outputs).enumerate() {
        let shape = &expected[index];
        let length: usize = shape.iter().product();
        if output.len() != length {
            return Err(Error::Shape {
                model: model.origin.clone(),
                what: format!("output `{output_name}`"),
                found: format!("{} values", output.len()),
                expected: format!("{shape:?}, {length} values"),
                remedy: "mend [decoder] or [input] of the manifest".into(),
            });
        }
        if output.iter().any(|value| !value.is_finite()) {
            return Err(Error::NotFinite {
                what: "the test inference",
                model: model.origin.clone(),
                backend: name_of(name).to_owned(),
                output: output_name.clone(),
            });
        }
        let golden = manifest.golden.as_ref().and_then(|g| Some((g.outputs.get(index)?, g.tolerance)));
        if let Some((golden, tolerance)) = golden {
            let difference = difference(golden, output);
            if difference > tolerance {
                return Err(Error::Golden {
                    model: model.origin.clone(),
                    engine: backend.describe(),
                    output: output_name.clone(),
                    difference: 100.0 * difference,
                    allowed: 100.0 * tolerance,
                });
            }
        }
    }
    Ok(())
}

/// Root mean square of the difference, as a share of that of the golden values.
fn difference(golden: &[f32], output: &[f32]) -> f32 {
    let (mut error, mut size) = (0f64, 0f64);
    for (golden, place) in golden.iter().zip(places(output.len())) {
        let (golden, found) = (f64::from(*golden), f64::from(output[place]));
        error += (golden - found).powi(2);
        size += golden.powi(2);
    }
    // Outputs that are nearly nothing (scores of a picture that shows nothing) may differ by as little.
    let floor = 1e-6 * golden.len() as f64;
    (error / size.max(floor)).sqrt() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pattern_never_changes() {
        // Manifests in the field hold answers to it.
        let sum = (0..416 * 416 * 3).fold(0u64, |sum, index| {
            let value = pixel(index / (416 * 416), index % 416, index / 416 % 416);
            sum.wrapping_mul(31).wrapping_add(u64::from(value))
        });
        assert_eq!(sum, PATTERN_SUM);
        assert!((0..416).any(|x| pixel(0, x, 9) > 180) && (0..416).any(|x| pixel(2, x, 9) < 60));
    }

    const PATTERN_SUM: u64 = 17_156_911_947_918_940_080;

    #[test]
    fn a_region_that_is_no_number_is_noticed_wherever_it_lies() {
        let fine: Vec<f32> = (0..283_920).map(|i| i as f32).collect();
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for at in (0..fine.len() - 600).step_by(7919) {
                let mut spoilt = fine.clone();
                spoilt[at..at + 600].fill(bad);
                assert_eq!(not_finite(&[&fine, &spoilt]), Some(1), "{bad} at {at}");
            }
        }
        assert_eq!(not_finite(&[&fine, &[], &[1.0]]), None);
        assert_eq!(not_finite(&[&[0.0, 1.0, f32::NAN]]), Some(0), "of a few values each is looked at");
    }

    #[test]
    fn differences_are_shares() {
        let output: Vec<f32> = (0..1000).map(|i| (i % 17) as f32 - 8.0).collect();
        let golden = golden(&[&output]);
        assert!(difference(&golden.outputs[0], &output) < 1e-9);
        let louder: Vec<f32> = output.iter().map(|v| v * 1.2).collect();
        assert!((difference(&golden.outputs[0], &louder) - 0.2).abs() < 1e-4);
        assert!((difference(&golden.outputs[0], &vec![0.0; 1000]) - 1.0).abs() < 1e-4);
    }
}
