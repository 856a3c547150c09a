//! Where a thing is in odom and how fast it moves: a Kalman filter of constant velocity in three dimensions.
//!
//! White acceleration drives it (Bar-Shalom, Li and Kirubarajan, "Estimation with Applications to Tracking and
//! Navigation", 2001, section 6.2.2), with a deviation that depends on the kind of thing. What is measured is a place whose
//! error is long along the line of sight, for depth is worse known than direction.

use nalgebra::{Matrix3, Point3, SMatrix, SVector, Vector3};

type State = SVector<f64, 6>;
type Covariance = SMatrix<f64, 6, 6>;

/// Squared distance, in deviations, beyond which a place is not believed: one in 10^5 for three dimensions.
const GATE: f64 = 25.9;
/// Places in a row that were not believed, after which the filter was wrong and starts anew.
const DOUBTS: u8 = 3;
/// Uncertainty never grows beyond this, metres: the thing is then anywhere, and numbers stay numbers.
const WORST: f64 = 1e3;

/// A measured place and its error, odom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// Centre of the thing, metres.
    pub point: Point3<f64>,
    /// Covariance, m2.
    pub covariance: Matrix3<f64>,
}

/// The filter of one thing.
#[derive(Debug, Clone, PartialEq)]
pub struct SpaceFilter {
    mean: State,
    covariance: Covariance,
    doubts: u8,
}

impl SpaceFilter {
    /// From a first place; `speed` is the deviation of the velocity before anything is known of it, m/s.
    #[must_use]
    pub fn new(place: &Place, speed: f64) -> Self {
        let mut mean = State::zeros();
        mean.fixed_rows_mut::<3>(0).copy_from(&place.point.coords);
        let mut covariance = Covariance::zeros();
        covariance.fixed_view_mut::<3, 3>(0, 0).copy_from(&place.covariance);
        covariance.fixed_view_mut::<3, 3>(3, 3).fill_diagonal(speed * speed);
        Self { mean, covariance, doubts: 0 }
    }

    /// Place, metres in odom.
    #[must_use]
    pub fn position(&self) -> Point3<f64> {
        Point3::new(self.mean[0], self.mean[1], self.mean[2])
    }

    /// Velocity, m/s in odom.
    #[must_use]
    pub fn velocity(&self) -> Vector3<f64> {
        Vector3::new(self.mean[3], self.mean[4], self.mean[5])
    }

    /// Covariance of the place, m2.
    #[must_use]
    pub fn position_covariance(&self) -> Matrix3<f64> {
        self.covariance.fixed_view::<3, 3>(0, 0).into_owned()
    }

    /// Deviation of the velocity per axis, m/s.
    #[must_use]
    pub fn velocity_deviation(&self) -> Vector3<f64> {
        Vector3::from_fn(|axis, _| self.covariance[(axis + 3, axis + 3)].max(0.0).sqrt())
    }

    /// Deviation of the place along its worst axis, metres.
    #[must_use]
    pub fn position_deviation(&self) -> f64 {
        (0..3).map(|axis| self.covariance[(axis, axis)]).fold(0.0, f64::max).sqrt()
    }

    /// Lets `dt` seconds pass, under accelerations of the deviation `acceleration`, m/s2.
    pub fn predict(&mut self, dt: f64, acceleration: f64) {
        let mut step = Covariance::identity();
        for axis in 0..3 {
            step[(axis, axis + 3)] = dt;
        }
        self.mean = step * self.mean;
        self.covariance = step * self.covariance * step.transpose();
        // Power of the white acceleration: its deviation holds over about one second.
        let q = acceleration * acceleration;
        for axis in 0..3 {
            self.covariance[(axis, axis)] += q * dt * dt * dt / 3.0;
            self.covariance[(axis, axis + 3)] += q * dt * dt / 2.0;
            self.covariance[(axis + 3, axis)] += q * dt * dt / 2.0;
            self.covariance[(axis + 3, axis + 3)] += q * dt;
        }
        let worst = self.position_deviation();
        if worst > WORST {
            self.covariance *= (WORST / worst).powi(2);
        }
    }

    /// Squared distance of a place from where the thing should be, in deviations; infinite when it cannot be told.
    #[must_use]
    pub fn distance2(&self, place: &Place) -> f64 {
        let away = place.point - self.position();
        let spread = self.position_covariance() + place.covariance;
        let d2 = spread.cholesky().map_or(f64::INFINITY, |c| away.dot(&c.solve(&away)));
        if d2.is_finite() { d2.max(0.0) } else { f64::INFINITY }
    }

    /// Takes in a place. One that is too far off is not believed, until the third in a row: then the thing is there, and
    /// nothing is known of its velocity (whose deviation is `speed`).
    pub fn update(&mut self, place: &Place, speed: f64) {
        if self.distance2(place) > GATE {
            self.doubts += 1;
            if self.doubts >= DOUBTS {
                *self = Self::new(place, speed);
            }
            return;
        }
        self.doubts = 0;
        let spread = self.position_covariance() + place.covariance;
        let Some(inverse) = spread.try_inverse() else { return };
        let cross = self.covariance.fixed_columns::<3>(0).into_owned();
        let gain = cross * inverse;
        self.mean += gain * (place.point - self.position());
        // Joseph's form keeps the covariance positive.
        let mut keep = Covariance::identity();
        let mut left = keep.fixed_columns_mut::<3>(0);
        left -= gain;
        let next = keep * self.covariance * keep.transpose() + gain * place.covariance * gain.transpose();
        self.covariance = (next + next.transpose()) * 0.5;
    }

    /// True while all numbers are numbers.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.mean.iter().chain(self.covariance.iter()).all(|v| v.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(x: f64, y: f64, z: f64, sigma: f64) -> Place {
        Place { point: Point3::new(x, y, z), covariance: Matrix3::identity() * sigma * sigma }
    }

    #[test]
    fn a_walker_has_a_velocity_after_a_second() {
        let mut filter = SpaceFilter::new(&place(0.0, 0.0, 1.0, 0.1), 1.5);
        for n in 1..=10 {
            filter.predict(0.2, 1.5);
            filter.update(&place(0.3 * f64::from(n), 0.0, 1.0, 0.1), 1.5);
        }
        let v = filter.velocity();
        assert!((v - Vector3::new(1.5, 0.0, 0.0)).norm() < 0.1, "{v}");
        assert!((filter.position() - Point3::new(3.0, 0.0, 1.0)).norm() < 0.05);
        assert!(filter.velocity_deviation().x < 1.0);
    }

    #[test]
    fn errors_agree_with_what_the_filter_says_of_them() {
        // Normalised error squared over many seeded runs of the model itself: its mean is the number of dimensions.
        let mut state = 9_u64;
        let mut uniform = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let mut normal = move || (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
        let (dt, q, sigma, runs) = (0.1_f64, 2.0, 0.2, 300);
        let mut total = 0.0;
        for _ in 0..runs {
            let mut truth = State::zeros();
            for axis in 3..6 {
                truth[axis] = 1.5 * normal();
            }
            let measured = |truth: &State, normal: &mut dyn FnMut() -> f64| {
                place(
                    truth[0] + sigma * normal(),
                    truth[1] + sigma * normal(),
                    truth[2] + sigma * normal(),
                    sigma,
                )
            };
            let mut filter = SpaceFilter::new(&measured(&truth, &mut normal), 1.5);
            for _ in 0..20 {
                for axis in 0..3 {
                    // Velocity noise and what it adds to the place, correlated as the model says.
                    let (a, b) = (normal(), normal());
                    let kick = q * dt.sqrt() * a;
                    truth[axis] += truth[axis + 3] * dt + q * dt.powf(1.5) * (a / 2.0 + b / 12.0_f64.sqrt());
                    truth[axis + 3] += kick;
                }
                filter.predict(dt, q);
                filter.update(&measured(&truth, &mut normal), 1.5);
            }
            let error = truth - filter.mean;
            total += error.dot(&filter.covariance.cholesky().unwrap().solve(&error));
        }
        let mean = total / f64::from(runs);
        // 6 within three deviations of the mean over 300 runs: sqrt(12 / 300) * 3 = 0.6.
        assert!((mean - 6.0).abs() < 0.6, "{mean}");
    }

    #[test]
    fn one_false_place_is_not_believed_and_three_are() {
        let mut filter = SpaceFilter::new(&place(0.0, 0.0, 0.0, 0.1), 1.0);
        for _ in 0..10 {
            filter.predict(0.1, 0.5);
            filter.update(&place(0.0, 0.0, 0.0, 0.1), 1.0);
        }
        filter.update(&place(9.0, 0.0, 0.0, 0.1), 1.0);
        assert!(filter.position().x < 0.1);
        filter.update(&place(9.0, 0.0, 0.0, 0.1), 1.0);
        filter.update(&place(9.0, 0.0, 0.0, 0.1), 1.0);
        assert_eq!(filter.position().x, 9.0);
    }

    #[test]
    fn unseen_for_ever_stays_a_number() {
        let mut filter = SpaceFilter::new(&place(0.0, 0.0, 0.0, 0.1), 5.0);
        for _ in 0..10_000 {
            filter.predict(1.0, 5.0);
        }
        assert!(filter.is_sound() && filter.position_deviation() <= WORST * 1.001);
        let nowhere = Place { point: Point3::new(f64::NAN, 0.0, 0.0), covariance: Matrix3::identity() };
        assert_eq!(filter.distance2(&nowhere), f64::INFINITY);
    }
}
