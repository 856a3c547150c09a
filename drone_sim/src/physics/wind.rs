//! Steady wind with Dryden turbulence.
//!
//! Source: MIL-F-8785C, low-altitude model (below 1000 ft): scale lengths and intensities from height and from the wind at
//! 20 ft. The forming filters are sampled exactly (not by Euler's rule), so that intensity does not depend on the step.

use nalgebra::{Point3, Vector3};

use crate::checkpoint::{Stateful, Tape};
use crate::rng::Stream;

/// From one sample of the gusts to the next, physics steps of 1 ms; in between they stay.
const EVERY: i64 = 10;
const FEET: f64 = 0.3048;

/// What wind there is.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct WindSpec {
    /// Mean, m/s, world ENU.
    pub mean: Vector3<f64>,
    /// Wind at 20 ft above ground that the turbulence follows, m/s; 0 for none. 7.7 is light, 15 moderate, 23 severe.
    pub turbulence: f64,
}

/// One forming filter of second order, (1 + sqrt(3) T s) / (1 + T s)^2, as two states.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Second {
    p: f64,
    q: f64,
}

impl Second {
    /// `a` is the step over the time constant.
    fn step(&mut self, a: f64, [m, n]: [f64; 2]) -> f64 {
        let e = (-a).exp();
        let e2 = e * e;
        // Integrals of x^k exp(-2x) from 0 to a: the covariance that the step adds.
        let (i0, i1, i2) = (
            (1.0 - e2) / 2.0,
            (1.0 - e2 * (1.0 + 2.0 * a)) / 4.0,
            (1.0 - e2 * (1.0 + 2.0 * a + 2.0 * a * a)) / 4.0,
        );
        let l11 = i0.max(0.0).sqrt();
        let l21 = if l11 > 0.0 { i1 / l11 } else { 0.0 };
        let l22 = (i2 - l21 * l21).max(0.0).sqrt();
        (self.p, self.q) = (e * self.p + l11 * m, e * (self.q + a * self.p) + l21 * m + l22 * n);
        3.0_f64.sqrt() * self.p + (1.0 - 3.0_f64.sqrt()) * self.q
    }
}

/// The wind of one world.
#[derive(Debug, Clone, PartialEq)]
pub struct Wind {
    spec: WindSpec,
    stream: Stream,
    along: f64,
    across: Second,
    up: Second,
    now: Vector3<f64>,
}

impl Wind {
    /// The wind of a specification; `stream` chooses its gusts.
    pub fn new(spec: WindSpec, stream: Stream) -> Self {
        let (across, up) = (Second::default(), Second::default());
        Self { spec, stream, along: 0.0, across, up, now: spec.mean }
    }

    /// The wind (m/s, world) at step number `step` for a vehicle at `at` that moves at `velocity` (m/s, world).
    pub fn at(&mut self, step: i64, at: &Point3<f64>, velocity: &Vector3<f64>) -> Vector3<f64> {
        if self.spec.turbulence <= 0.0 || step % EVERY != 0 {
            return self.now;
        }
        let feet = (at.z / FEET).clamp(10.0, 1000.0);
        let shape = 0.177 + 0.000_823 * feet;
        let lengths = [feet / shape.powf(1.2) * FEET, feet * FEET];
        let vertical = 0.1 * self.spec.turbulence;
        let level = vertical / shape.powf(0.4);
        // The turbulence is frozen and carried along, so what counts is the speed through the air.
        let speed = (velocity - self.spec.mean).norm().max(1.0);
        let dt = EVERY as f64 * 1e-3;
        let index = (step / EVERY) as u64;
        let draw = |k: u64| self.stream.normals(index.wrapping_mul(3).wrapping_add(k));
        let e = (-dt * speed / lengths[0]).exp();
        self.along = e * self.along + (1.0 - e * e).sqrt() * draw(0)[0];
        let across = self.across.step(dt * speed / lengths[0], draw(1));
        let up = self.up.step(dt * speed / lengths[1], draw(2));
        // Along the mean wind, or along the flight in still air, or along x.
        let ahead = [self.spec.mean, *velocity, Vector3::x()];
        let ahead = ahead.iter().find(|v| v.x.hypot(v.y) > 0.1).map_or(Vector3::x(), |v| *v);
        let ahead = Vector3::new(ahead.x, ahead.y, 0.0).normalize();
        let side = Vector3::z().cross(&ahead);
        self.now =
            self.spec.mean + (ahead * self.along + side * across) * level + Vector3::z() * (up * vertical);
        self.now
    }
}

impl Stateful for Wind {
    fn go_over(&mut self, tape: &mut Tape<'_>) {
        tape.f64(&mut self.along);
        for filter in [&mut self.across, &mut self.up] {
            tape.f64(&mut filter.p);
            tape.f64(&mut filter.q);
        }
        tape.vector(&mut self.now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gusts(spec: WindSpec, seed: u64) -> Vec<Vector3<f64>> {
        let mut wind = Wind::new(spec, Stream::new(seed, 9));
        let at = Point3::new(0.0, 0.0, 30.0);
        (0..4_000_000).step_by(10).map(|k| wind.at(k, &at, &Vector3::new(10.0, 0.0, 0.0))).collect()
    }

    /// Intensities by the standard: sigma_w = 0.1 W20, sigma_u = sigma_v = sigma_w / (0.177 + 0.000823 h)^0.4; and the
    /// correlation of the longitudinal gust falls to 1/e over its scale length.
    #[test]
    fn gusts_have_the_intensity_and_length_of_the_standard() {
        let w20 = 15.0;
        let all = gusts(WindSpec { mean: Vector3::zeros(), turbulence: w20 }, 4);
        let feet = 30.0 / FEET;
        let shape: f64 = 0.177 + 0.000_823 * feet;
        let expected = [0.1 * w20 / shape.powf(0.4), 0.1 * w20 / shape.powf(0.4), 0.1 * w20];
        for k in 0..3 {
            let mean = all.iter().map(|g| g[k]).sum::<f64>() / all.len() as f64;
            let deviation =
                (all.iter().map(|g| (g[k] - mean).powi(2)).sum::<f64>() / all.len() as f64).sqrt();
            assert!((deviation / expected[k] - 1.0).abs() < 0.1, "{k}: {deviation} {}", expected[k]);
            assert!(mean.abs() < 0.3);
        }
        // 10 m/s through the air: the lag in samples of 10 ms that is one length.
        let lag = (feet / shape.powf(1.2) * FEET / 10.0 / 0.01).round() as usize;
        let corr: f64 = all.windows(lag + 1).map(|w| w[0].x * w[lag].x).sum::<f64>()
            / (all.len() - lag) as f64
            / expected[0].powi(2);
        assert!((corr - (-1.0_f64).exp()).abs() < 0.08, "{corr}");
    }

    #[test]
    fn still_air_stays_still_and_seeds_differ() {
        let spec = WindSpec { mean: Vector3::new(3.0, 0.0, 0.0), turbulence: 0.0 };
        let mut steady = Wind::new(spec, Stream::new(1, 9));
        assert_eq!(steady.at(10, &Point3::origin(), &Vector3::zeros()), spec.mean);
        let rough = WindSpec { turbulence: 10.0, ..spec };
        let first = |seed| {
            let mut wind = Wind::new(rough, Stream::new(seed, 9));
            (0..100).map(|k| wind.at(k, &Point3::new(0.0, 0.0, 5.0), &Vector3::zeros())).last()
        };
        assert_eq!(first(1), first(1));
        assert_ne!(first(1), first(2));
    }
}
