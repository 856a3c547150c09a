//! Calibration: what values the activations take on photos, and which range of them is worth representing.
//!
//! The plain minimum and maximum follow single outliers and waste the 256 steps; percentiles and entropy cut them off.

use std::collections::{BTreeMap, BTreeSet};

use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::Tensor;
use tract_onnx::pb::ValueInfoProto;

use super::graph::Network;
use super::rewrite::Ranges;

/// How a range is chosen from the values seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Method {
    /// From the lowest to the highest value seen.
    MinMax,
    /// From the 0.01st to the 99.99th percentile, each the mean over the photos.
    Percentile,
    /// The cut that loses the least information (Kullback-Leibler divergence between the values and their 256 steps).
    Entropy,
}

impl Method {
    /// All three.
    pub const ALL: [Self; 3] = [Self::MinMax, Self::Percentile, Self::Entropy];

    /// As the command line writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MinMax => "minmax",
            Self::Percentile => "percentile",
            Self::Entropy => "entropy",
        }
    }
}

/// Percentiles cut off at each end.
const TAIL: f64 = 1e-4;
/// Values taken of one activation of one photo: all of them would take minutes and change nothing.
const SAMPLE: usize = 40_000;
const BINS: usize = 2048;

/// Everything seen of one activation.
#[derive(Clone, Debug)]
struct Seen {
    low: f32,
    high: f32,
    tails: (f64, f64),
    photos: usize,
    histogram: Histogram,
}

/// Counts over a range that doubles when a value lies outside.
#[derive(Clone, Debug)]
struct Histogram {
    /// Half the range: bins lie from `-half` to `half`.
    half: f32,
    counts: Vec<u64>,
}

impl Histogram {
    fn new(most: f32) -> Self {
        Self { half: most.max(1e-6), counts: vec![0; BINS] }
    }

    fn add(&mut self, values: &[f32]) {
        let most = values.iter().fold(0f32, |most, value| most.max(value.abs()));
        while most > self.half {
            self.double();
        }
        let scale = BINS as f32 / (2.0 * self.half);
        for value in values {
            let bin = ((value + self.half) * scale) as usize;
            self.counts[bin.min(BINS - 1)] += 1;
        }
    }

    /// Twice the range: two bins become one, around the middle.
    fn double(&mut self) {
        let mut wider = vec![0; BINS];
        for (index, count) in self.counts.iter().enumerate() {
            wider[BINS / 4 + index / 2] += count;
        }
        self.counts = wider;
        self.half *= 2.0;
    }

    fn edge(&self, bin: usize) -> f32 {
        bin as f32 * (2.0 * self.half / BINS as f32) - self.half
    }

    /// The cut, of some that take more and more off the ends, whose 256 steps tell the values apart best.
    fn least_loss(&self, low: f32, high: f32) -> (f32, f32) {
        let total: u64 = self.counts.iter().sum();
        let mut best = (f64::INFINITY, (low, high));
        for cut in [0.0, 1e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2] {
            let (first, last) = self.span(cut, total);
            let divergence = divergence(&self.counts, first, last);
            if divergence < best.0 {
                best = (divergence, (self.edge(first).max(low), self.edge(last + 1).min(high)));
            }
        }
        best.1
    }

    /// First and last bin when this share is cut off each end; 0 stays inside.
    fn span(&self, cut: f64, total: u64) -> (usize, usize) {
        let most = (total as f64 * cut) as u64;
        let end = |bins: &mut dyn Iterator<Item = usize>| {
            let mut sum = 0;
            for bin in bins {
                sum += self.counts[bin];
                if sum > most {
                    return bin;
                }
            }
            BINS / 2
        };
        let (first, last) = (end(&mut (0..BINS)), end(&mut (0..BINS).rev()));
        (first.min(BINS / 2), last.max(BINS / 2))
    }
}

/// Kullback-Leibler divergence of the counts, with what lies outside of `first..=last` piled up at its ends, from their
/// image in 256 steps.
fn divergence(counts: &[u64], first: usize, last: usize) -> f64 {
    let mut clipped: Vec<f64> = counts[first..=last].iter().map(|count| *count as f64).collect();
    let below: u64 = counts[..first].iter().sum();
    let above: u64 = counts[last + 1..].iter().sum();
    let inside = clipped.clone();
    clipped[0] += below as f64;
    if let Some(end) = clipped.last_mut() {
        *end += above as f64;
    }
    let bins = clipped.len();
    let steps = bins.min(256);
    let mut image = vec![0.0; bins];
    for step in 0..steps {
        let range = step * bins / steps..(step + 1) * bins / steps;
        let sum: f64 = inside[range.clone()].iter().sum();
        let filled = clipped[range.clone()].iter().filter(|count| **count > 0.0).count();
        for bin in range {
            if clipped[bin] > 0.0 {
                image[bin] = sum / filled as f64;
            }
        }
    }
    let (p_sum, q_sum): (f64, f64) = (clipped.iter().sum(), image.iter().sum());
    if p_sum <= 0.0 || q_sum <= 0.0 {
        return f64::INFINITY;
    }
    let term = |(p, q): (&f64, &f64)| {
        // What was piled up where nothing was is as bad as a thousandth of a count explains it.
        let (p, q) = (p / p_sum, q.max(1e-3) / q_sum);
        if p > 0.0 { p * (p / q).ln() } else { 0.0 }
    };
    clipped.iter().zip(&image).map(term).sum()
}

/// What calibration saw.
#[derive(Clone, Debug, Default)]
pub(super) struct Calibration {
    seen: BTreeMap<String, Seen>,
}

impl Calibration {
    /// The ranges by a method.
    pub fn ranges(&self, method: Method) -> Ranges {
        let range = |seen: &Seen| match method {
            Method::MinMax => (seen.low, seen.high),
            Method::Percentile => {
                let photos = seen.photos.max(1) as f64;
                ((seen.tails.0 / photos) as f32, (seen.tails.1 / photos) as f32)
            }
            Method::Entropy => seen.histogram.least_loss(seen.low, seen.high),
        };
        self.seen.iter().map(|(name, seen)| (name.clone(), range(seen))).collect()
    }

    fn add(&mut self, name: &str, values: &[f32], dice: &mut u64, sample: &mut Vec<f32>) {
        let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
        for value in values {
            low = low.min(*value);
            high = high.max(*value);
        }
        if !(low.is_finite() && high.is_finite()) {
            return;
        }
        sample.clear();
        if values.len() <= SAMPLE {
            sample.extend_from_slice(values);
        } else {
            sample.extend((0..SAMPLE).map(|_| {
                *dice ^= *dice << 13;
                *dice ^= *dice >> 7;
                *dice ^= *dice << 17;
                values[(*dice % values.len() as u64) as usize]
            }));
        }
        let seen = self.seen.entry(name.to_owned()).or_insert_with(|| Seen {
            low,
            high,
            tails: (0.0, 0.0),
            photos: 0,
            histogram: Histogram::new(low.abs().max(high.abs())),
        });
        seen.histogram.add(sample);
        (seen.low, seen.high) = (seen.low.min(low), seen.high.max(high));
        seen.tails.0 += f64::from(quantile(sample, TAIL));
        seen.tails.1 += f64::from(quantile(sample, 1.0 - TAIL));
        seen.photos += 1;
    }
}

/// A quantile with linear interpolation between the neighbours, as `numpy.percentile` gives it.
fn quantile(values: &mut [f32], share: f64) -> f32 {
    let place = share * (values.len() - 1) as f64;
    let (index, part) = (place as usize, place.fract() as f32);
    let (_, value, above) = values.select_nth_unstable_by(index, f32::total_cmp);
    let value = *value;
    let next = above.iter().copied().min_by(f32::total_cmp).unwrap_or(value);
    value + (next - value) * part
}

/// Runs the network on every tensor and looks at the values named.
pub(super) fn calibrate(
    environment: &ort::environment::Environment,
    network: &Network,
    values: &BTreeSet<String>,
    (input, shape): (&str, [usize; 4]),
    threads: usize,
    tensors: &mut dyn Iterator<Item = crate::Result<Vec<f32>>>,
    fail: &dyn Fn(String) -> crate::Error,
) -> crate::Result<Calibration> {
    let mut probe = network.clone();
    let known: BTreeSet<String> = probe.graph.output.iter().map(|port| port.name.clone()).collect();
    for value in values.iter().filter(|value| *value != input && !known.contains(*value)) {
        // A bare name: the engine infers the type.
        probe.graph.output.push(ValueInfoProto { name: value.clone(), ..ValueInfoProto::default() });
    }
    let problem = |error: &dyn std::fmt::Display| fail(crate::onnx::first_line(&error));
    let builder = Session::builder(environment).map_err(|e| problem(&e))?;
    let builder =
        builder.with_optimization_level(GraphOptimizationLevel::Level1).map_err(|e| problem(&e.message()))?;
    let mut builder = builder.with_intra_threads(threads).map_err(|e| problem(&e.message()))?;
    let mut session = builder.commit_from_memory(&probe.bytes()).map_err(|e| problem(&e))?;
    let mut calibration = Calibration::default();
    let (mut dice, mut sample) = (0x9e37_79b9_7f4a_7c15, Vec::new());
    for tensor in tensors {
        let tensor = tensor?;
        if values.contains(input) {
            calibration.add(input, &tensor, &mut dice, &mut sample);
        }
        let tensor = Tensor::from_array((shape, tensor)).map_err(|e| problem(&e))?;
        let outputs = session.run(ort::inputs![input => &tensor]).map_err(|e| problem(&e))?;
        for (name, value) in outputs.iter() {
            // Integers (shapes, indices) are no activations.
            if let (true, Ok((_, values))) = (values.contains(name), value.try_extract_tensor::<f32>()) {
                calibration.add(name, values, &mut dice, &mut sample);
            }
        }
    }
    Ok(calibration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outlier_moves_minmax_alone() {
        let mut calibration = Calibration::default();
        let (mut dice, mut sample) = (1, Vec::new());
        let mut values: Vec<f32> = (0..20_000).map(|i| (i as f32 * 0.1).sin()).collect();
        values[77] = 100.0;
        calibration.add("x", &values, &mut dice, &mut sample);
        let range = |method| calibration.ranges(method)["x"];
        assert_eq!(range(Method::MinMax).1, 100.0);
        let (low, high) = range(Method::Percentile);
        assert!((-1.01..-0.99).contains(&low) && (0.99..1.01).contains(&high), "{low} {high}");
        let (low, high) = range(Method::Entropy);
        assert!((-1.2..-0.9).contains(&low) && (0.9..1.2).contains(&high), "{low} {high}");
    }

    #[test]
    fn a_histogram_keeps_its_counts_when_it_doubles() {
        let mut histogram = Histogram::new(1.0);
        histogram.add(&[0.5, -0.5, 0.999]);
        histogram.add(&[7.9, 0.0]);
        assert_eq!(histogram.half, 8.0);
        assert_eq!(histogram.counts.iter().sum::<u64>(), 5);
        assert_eq!(histogram.counts[((0.5f32 + 8.0) * 128.0) as usize], 1);
    }

    #[test]
    fn a_divergence_is_that_of_its_definition() {
        // Fewer bins than steps: what is piled up at the ends is all that differs.
        let (p, q) = (3.0_f64 / 22.0, 2.0_f64 / 20.0);
        let (centre_p, centre_q) = (16.0_f64 / 22.0, 16.0_f64 / 20.0);
        let expected = 2.0 * p * (p / q).ln() + centre_p * (centre_p / centre_q).ln();
        let found = divergence(&[1, 2, 4, 8, 4, 2, 1], 1, 5);
        assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        // Two bins to a step, 1 and 3 counts: the step says 2 and 2.
        let counts: Vec<u64> = (0..512).map(|bin| 1 + 2 * (bin % 2)).collect();
        let expected = 0.25 * 0.5_f64.ln() + 0.75 * 1.5_f64.ln();
        let found = divergence(&counts, 0, 511);
        assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        // An empty bin takes nothing of its step.
        let counts: Vec<u64> = (0..512).map(|bin| 7 * (bin % 2)).collect();
        assert!(divergence(&counts, 0, 511).abs() < 1e-12);
    }

    #[test]
    fn ranges_of_several_photos_are_those_of_their_definitions() {
        let mut calibration = Calibration::default();
        let (mut dice, mut sample) = (1, Vec::new());
        // 10001 values each: the tails fall on the second and the last but one.
        for (offset, scale) in [(0.0, 1.0), (-3.0, 2.0), (5.0, 0.5)] {
            let values: Vec<f32> = (0..=10_000).map(|i| offset + scale * (i as f32 / 10_000.0)).collect();
            calibration.add("x", &values, &mut dice, &mut sample);
        }
        let range = |method| calibration.ranges(method)["x"];
        assert_eq!(range(Method::MinMax), (-3.0, 5.5));
        let (low, high) = range(Method::Percentile);
        let (lows, highs) = ([0.0 + 1e-4, -3.0 + 2e-4, 5.0 + 5e-5], [1.0 - 1e-4, -1.0 - 2e-4, 5.5 - 5e-5]);
        let mean = |values: [f32; 3]| values.iter().sum::<f32>() / 3.0;
        assert!((low - mean(lows)).abs() < 2e-6 && (high - mean(highs)).abs() < 2e-6, "{low} {high}");
        // The entropy's cut never reaches beyond what was seen, and keeps zero inside.
        let (low, high) = range(Method::Entropy);
        assert!((-3.0..=0.0).contains(&low) && (0.0..=5.5).contains(&high), "{low} {high}");
    }

    #[test]
    fn quantiles_are_those_of_numpy() {
        let mut values: Vec<f32> = (0..101).rev().map(|v| v as f32).collect();
        assert_eq!(quantile(&mut values, 0.5), 50.0);
        assert!((quantile(&mut values, 0.123) - 12.3).abs() < 1e-4);
        assert_eq!(quantile(&mut values, 1.0), 100.0);
    }
}
