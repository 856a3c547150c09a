//! Gazebo's noise model on a numbered stream: the n-th reading's noise is a function of seed, sensor and n.
//!
//! White noise of a mean and a deviation, a constant bias drawn once with a random sign, a bias that walks as a
//! first-order Gauss-Markov process, and rounding. Source of the discrete process: Woodman, "An introduction to inertial
//! navigation", 2007; the same as gz-sensors' GaussianNoiseModel.

use super::spec::NoiseSpec;
use crate::checkpoint::{Stateful, Tape};
use crate::rng::Stream;

/// The noise of one scalar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Noise {
    spec: NoiseSpec,
    stream: Stream,
    constant: f64,
    walk: f64,
}

/// Index at which the constant bias is drawn; no reading gets there.
const BIAS_AT: u64 = u64::MAX;

impl Noise {
    /// The noise of the scalar that owns `stream`.
    pub fn new(spec: NoiseSpec, stream: Stream) -> Self {
        let [n, _] = stream.normals(BIAS_AT);
        let sign = if stream.unit(BIAS_AT - 1) < 0.5 { -1.0 } else { 1.0 };
        let constant = sign * (spec.bias_mean + spec.bias_stddev * n);
        Self { spec, stream, constant, walk: 0.0 }
    }

    /// What it was made of.
    pub fn spec(&self) -> &NoiseSpec {
        &self.spec
    }

    /// The bias of the last reading.
    pub fn bias(&self) -> f64 {
        self.constant + self.walk
    }

    /// Reading number `index` of the truth `value`, `dt` seconds after the one before. Readings are to be taken in
    /// order, because the bias walks.
    pub fn apply(&mut self, value: f64, index: u64, dt: f64) -> f64 {
        let spec = &self.spec;
        if spec.is_none() {
            return value;
        }
        let [white, step] = self.stream.normals(index);
        let tau = spec.dynamic_bias_correlation_time;
        if spec.dynamic_bias_stddev > 0.0 && tau > 0.0 {
            let deviation = (-spec.dynamic_bias_stddev * spec.dynamic_bias_stddev * tau / 2.0
                * (-2.0 * dt / tau).exp_m1())
            .sqrt();
            self.walk = (-dt / tau).exp() * self.walk + deviation * step;
        }
        let out = value + spec.mean + spec.stddev * white + self.constant + self.walk;
        if spec.precision > 0.0 { (out / spec.precision).round() * spec.precision } else { out }
    }
}

/// Streams for the parts of one sensor: sensor `id` of a simulation seeded with `seed`, part 0 to 63.
pub fn stream(seed: u64, id: u64, part: u64) -> Stream {
    // The scenario and the sensors of the parameter file use the ids below 4096.
    Stream::new(seed, 4096 + id * 64 + part)
}

impl Stateful for Noise {
    fn go_over(&mut self, tape: &mut Tape<'_>) {
        tape.f64(&mut self.walk);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readings(spec: NoiseSpec, seed: u64, n: u64) -> Vec<f64> {
        let mut noise = Noise::new(spec, stream(seed, 3, 0));
        (0..n).map(|i| noise.apply(10.0, i, 0.01)).collect()
    }

    fn moments(x: &[f64]) -> (f64, f64) {
        let mean = x.iter().sum::<f64>() / x.len() as f64;
        (mean, (x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / x.len() as f64).sqrt())
    }

    #[test]
    fn white_noise_has_its_mean_and_deviation() {
        let (mean, deviation) =
            moments(&readings(NoiseSpec { mean: 0.5, ..NoiseSpec::white(2.0) }, 1, 20_000));
        assert!((mean - 10.5).abs() < 0.05 && (deviation - 2.0).abs() < 0.04, "{mean} {deviation}");
    }

    #[test]
    fn the_constant_bias_is_drawn_once_with_either_sign() {
        let spec = NoiseSpec { bias_mean: 1.0, bias_stddev: 0.1, ..NoiseSpec::default() };
        let biases: Vec<f64> = (0..400).map(|seed| readings(spec, seed, 1)[0] - 10.0).collect();
        let (_, spread) = moments(&biases.iter().map(|b| b.abs()).collect::<Vec<_>>());
        let positive = biases.iter().filter(|b| **b > 0.0).count();
        assert!((150..250).contains(&positive), "{positive} of 400");
        assert!((spread - 0.1).abs() < 0.02 && biases.iter().all(|b| (0.5..1.5).contains(&b.abs())));
        let all = readings(spec, 5, 50);
        assert!(all.iter().all(|x| *x == all[0]), "and stays");
    }

    /// The stationary deviation of the process is sigma sqrt(tau / 2), its autocorrelation exp(-dt / tau).
    #[test]
    fn the_bias_walks_as_a_gauss_markov_process() {
        let spec = NoiseSpec {
            dynamic_bias_stddev: 0.2,
            dynamic_bias_correlation_time: 0.5,
            ..NoiseSpec::default()
        };
        let x: Vec<f64> = readings(spec, 2, 200_000).into_iter().skip(1000).map(|v| v - 10.0).collect();
        let (mean, deviation) = moments(&x);
        let expected = 0.2 * (0.5_f64 / 2.0).sqrt();
        assert!(mean.abs() < 0.01 && (deviation / expected - 1.0).abs() < 0.05, "{deviation} {expected}");
        let lag: f64 = x.windows(51).map(|w| w[0] * w[50]).sum::<f64>() / (x.len() - 50) as f64;
        let correlation = lag / (deviation * deviation);
        assert!((correlation - (-1.0_f64).exp()).abs() < 0.05, "{correlation}");
    }

    #[test]
    fn readings_are_rounded_and_repeat() {
        let spec = NoiseSpec { precision: 0.25, ..NoiseSpec::white(1.0) };
        let a = readings(spec, 9, 100);
        assert!(a.iter().all(|x| (x / 0.25).fract() == 0.0));
        assert_eq!(a, readings(spec, 9, 100));
        assert_ne!(a, readings(spec, 10, 100));
    }
}
