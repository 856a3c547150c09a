//! Where a thing's box will be in the next picture: a Kalman filter of constant velocity, carried along with the camera.
//!
//! State: centre and size of the box in tangents, and how fast they change, per second. Noise grows with the size of the
//! box, as in SORT and ByteTrack (Zhang et al., ECCV 2022), whose figures per frame at 30 Hz are here figures per second.
//! The camera's own motion is taken out first, by odometry: the box is moved to where a thing that stands still would be
//! seen now. What remains for the filter is the thing's own motion.

use nalgebra::{Matrix2, SMatrix, SVector, Vector2};

use super::camera::{Pose, point};
use super::rect::Rect;

type State = SVector<f64, 8>;
type Covariance = SMatrix<f64, 8, 8>;

/// Deviation of a measured side or centre, as share of the box's scale.
const MEASURED: f64 = 0.05;
/// Growth of the position's deviation, scales per root second.
const DRIFT: f64 = 0.27;
/// Growth of the velocity's deviation, scales per second and root second.
const AGILITY: f64 = 1.0;
/// Deviation of the velocity at the start, scales per second.
const FIRST_VELOCITY: f64 = 1.9;
/// A box never becomes smaller than this share of a tangent.
const LEAST_SIDE: f64 = 1e-4;

/// The filter of one box.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageFilter {
    mean: State,
    covariance: Covariance,
}

impl ImageFilter {
    /// From a first box.
    #[must_use]
    pub fn new(rect: &Rect) -> Self {
        let scale = rect.scale();
        let (p, v) = (2.0 * MEASURED * scale, FIRST_VELOCITY * scale);
        let deviations = State::from([p, p, p, p, v, v, v, v]);
        Self {
            mean: State::from([rect.x, rect.y, rect.w, rect.h, 0.0, 0.0, 0.0, 0.0]),
            covariance: Covariance::from_diagonal(&deviations.component_mul(&deviations)),
        }
    }

    /// The box.
    #[must_use]
    pub fn rect(&self) -> Rect {
        let side = |v: f64| v.max(LEAST_SIDE);
        Rect { x: self.mean[0], y: self.mean[1], w: side(self.mean[2]), h: side(self.mean[3]) }
    }

    /// Moves the box to where a thing that stands still, `depth` metres before the camera, is seen now. `relative` is the
    /// camera before in the camera now; without a depth the thing is taken to be far away. What is no longer before the
    /// camera stays where it was.
    pub fn carry(&mut self, relative: &Pose, depth: Option<f64>) {
        let (x, y) = (self.mean[0], self.mean[1]);
        // For something far away only the rotation counts.
        let now = match depth {
            Some(z) => (relative * point(x, y, z)).coords / z,
            None => relative.rotation * point(x, y, 1.0).coords,
        };
        // Less than this is beside or behind the camera, where tangents mean nothing.
        if now.z.is_nan() || now.z < 0.05 || !(now.x.is_finite() && now.y.is_finite()) {
            return;
        }
        let scale = 1.0 / now.z;
        let centre = Vector2::new(now.x, now.y) * scale;
        let r = relative.rotation.to_rotation_matrix();
        let r = r.matrix();
        // How the new centre moves with the old one, the depth staying.
        let turn = Matrix2::new(
            r[(0, 0)] - centre.x * r[(2, 0)],
            r[(0, 1)] - centre.x * r[(2, 1)],
            r[(1, 0)] - centre.y * r[(2, 0)],
            r[(1, 1)] - centre.y * r[(2, 1)],
        ) * scale;
        let mut change = Covariance::zeros();
        for block in [0, 4] {
            change.fixed_view_mut::<2, 2>(block, block).copy_from(&turn);
            change[(block + 2, block + 2)] = scale;
            change[(block + 3, block + 3)] = scale;
        }
        self.mean = change * self.mean;
        self.mean[0] = centre.x;
        self.mean[1] = centre.y;
        self.covariance = change * self.covariance * change.transpose();
    }

    /// Lets `dt` seconds pass.
    pub fn predict(&mut self, dt: f64) {
        let scale = self.rect().scale();
        let (p, v) = (DRIFT * scale, AGILITY * scale);
        let mut step = Covariance::identity();
        for side in 0..4 {
            step[(side, side + 4)] = dt;
        }
        self.mean = step * self.mean;
        self.covariance = step * self.covariance * step.transpose();
        for side in 0..4 {
            self.covariance[(side, side)] += (p * p + v * v * dt * dt / 3.0) * dt;
            self.covariance[(side, side + 4)] += v * v * dt * dt / 2.0;
            self.covariance[(side + 4, side)] += v * v * dt * dt / 2.0;
            self.covariance[(side + 4, side + 4)] += v * v * dt;
        }
        // A box that shrinks to nothing turns around.
        for side in 2..4 {
            if self.mean[side] < LEAST_SIDE {
                self.mean[side] = LEAST_SIDE;
                self.mean[side + 4] = self.mean[side + 4].max(0.0);
            }
        }
    }

    /// Stops the growth of a box that is not seen: its last change of size says little.
    pub fn hold_size(&mut self) {
        self.mean[6] = 0.0;
        self.mean[7] = 0.0;
    }

    /// Takes in a measured box.
    pub fn update(&mut self, rect: &Rect) {
        let noise = MEASURED * rect.scale().max(LEAST_SIDE);
        let mut spread = self.covariance.fixed_view::<4, 4>(0, 0).into_owned();
        for side in 0..4 {
            spread[(side, side)] += noise * noise;
        }
        let Some(inverse) = spread.try_inverse() else { return };
        let cross = self.covariance.fixed_columns::<4>(0).into_owned();
        let gain = cross * inverse;
        let measured = SVector::<f64, 4>::from([rect.x, rect.y, rect.w, rect.h]);
        self.mean += gain * (measured - self.mean.fixed_rows::<4>(0));
        let next = self.covariance - gain * cross.transpose();
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
    use nalgebra::{Isometry3, UnitQuaternion, Vector3};

    const BOX: Rect = Rect { x: 0.1, y: -0.05, w: 0.2, h: 0.4 };

    fn symmetric_and_positive(filter: &ImageFilter) -> bool {
        let p = filter.covariance;
        (p - p.transpose()).norm() < 1e-12 && (p + Covariance::identity() * 1e-12).cholesky().is_some()
    }

    #[test]
    fn a_box_that_moves_evenly_is_foreseen() {
        let mut filter = ImageFilter::new(&BOX);
        let at = |n: i32| Rect { x: 0.1 + 0.02 * f64::from(n), ..BOX };
        for n in 1..30 {
            filter.predict(0.1);
            if n > 20 {
                assert!((filter.rect().x - at(n).x).abs() < 2e-3, "{n}: {:?}", filter.rect());
            }
            filter.update(&at(n));
            assert!(symmetric_and_positive(&filter));
        }
        assert!(filter.is_sound());
    }

    #[test]
    fn a_camera_that_turns_and_moves_leaves_a_still_thing_where_it_is() {
        // The thing: at a known place before the first camera. The second camera is turned and moved.
        let before = Isometry3::identity();
        let now = Isometry3::from_parts(
            Vector3::new(0.3, -0.1, 0.8).into(),
            UnitQuaternion::from_euler_angles(0.05, 0.2, -0.1),
        );
        let relative = now.inverse() * before;
        let depth = 6.0;
        let mut filter = ImageFilter::new(&BOX);
        filter.carry(&relative, Some(depth));
        let true_place = relative * point(BOX.x, BOX.y, depth);
        let rect = filter.rect();
        assert!((rect.x - true_place.x / true_place.z).abs() < 1e-12);
        assert!((rect.y - true_place.y / true_place.z).abs() < 1e-12);
        assert!((rect.w / BOX.w - depth / true_place.z).abs() < 1e-12);
        assert!(symmetric_and_positive(&filter));
    }

    #[test]
    fn the_velocity_is_turned_as_the_differences_of_places_say() {
        let relative = Isometry3::from_parts(
            Vector3::new(-0.2, 0.1, -0.5).into(),
            UnitQuaternion::from_euler_angles(0.1, -0.15, 0.2),
        );
        for depth in [Some(5.0), None] {
            let moved = |dx: f64, dy: f64| {
                let mut filter = ImageFilter::new(&Rect { x: BOX.x + dx, y: BOX.y + dy, ..BOX });
                filter.carry(&relative, depth);
                filter.rect()
            };
            let mut filter = ImageFilter::new(&BOX);
            (filter.mean[4], filter.mean[5]) = (0.3, -0.2);
            filter.carry(&relative, depth);
            let tiny = 1e-6;
            let (a, b) = (moved(0.3 * tiny, -0.2 * tiny), moved(0.0, 0.0));
            assert!((filter.mean[4] - (a.x - b.x) / tiny).abs() < 1e-5);
            assert!((filter.mean[5] - (a.y - b.y) / tiny).abs() < 1e-5);
        }
    }

    #[test]
    fn what_is_behind_the_camera_stays_and_what_shrinks_stays_a_box() {
        let mut filter = ImageFilter::new(&BOX);
        filter.carry(&Isometry3::translation(0.0, 0.0, -10.0), Some(5.0));
        assert_eq!(filter.rect(), BOX);
        filter.mean[6] = -5.0;
        filter.predict(1.0);
        assert!(filter.rect().w > 0.0 && filter.is_sound());
        filter.update(&Rect { x: 0.0, y: 0.0, w: 1e-9, h: 1e-9 });
        assert!(filter.is_sound() && filter.rect().w > 0.0);
    }
}
