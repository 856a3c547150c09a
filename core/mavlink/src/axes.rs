//! The only place where axes are flipped: ROS (ENU world, FLU body) to aviation (NED world, FRD body) and back.
//!
//! Both changes of axes are their own inverses, so one function serves both ways:
//!
//! - world: `(x, y, z)` east, north, up becomes `(y, x, -z)` north, east, down;
//! - body, and any other frame whose x points forward: `(x, y, z)` forward, left, up becomes `(x, -y, -z)`.
//!
//! A covariance turns with the same matrices, an angular rate about the body's axes as a body vector, a yaw about "up"
//! becomes one about "down" with another zero. Nobody else in this crate may negate a coordinate: a sign lost twice is
//! right in a test and wrong in the air.

use nalgebra::{Matrix3, Quaternion, SMatrix, UnitQuaternion, Vector3};

/// A covariance of position and rotation (or of velocity and rate), row by row.
pub type Covariance = SMatrix<f64, 6, 6>;

/// What the pose's frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum World {
    /// x is east in ROS; the autopilot's frame is north, east, down.
    Ned,
    /// x is wherever the vehicle looked at the start; the autopilot's frame is forward, right, down.
    Frd,
}

impl World {
    /// From its name: `ned` or `frd`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "ned" => Some(Self::Ned),
            "frd" => Some(Self::Frd),
            _ => None,
        }
    }

    fn matrix(self) -> Matrix3<f64> {
        match self {
            Self::Ned => Matrix3::new(0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, -1.0),
            Self::Frd => BODY,
        }
    }

    /// A point or a free vector in the world.
    #[must_use]
    pub fn vector(self, v: &Vector3<f64>) -> Vector3<f64> {
        match self {
            Self::Ned => Vector3::new(v.y, v.x, -v.z),
            Self::Frd => body(v),
        }
    }

    /// The body's attitude: the rotation that takes body axes to world axes, both turned.
    #[must_use]
    pub fn attitude(self, q: &UnitQuaternion<f64>) -> UnitQuaternion<f64> {
        let h = std::f64::consts::FRAC_1_SQRT_2;
        // Half a turn about the axis between east and north swaps them and turns up to down.
        let world = match self {
            Self::Ned => Quaternion::new(0.0, h, h, 0.0),
            Self::Frd => Quaternion::new(0.0, 1.0, 0.0, 0.0),
        };
        let body = Quaternion::new(0.0, 1.0, 0.0, 0.0);
        let turned = UnitQuaternion::from_quaternion(world * q.quaternion() * body);
        // q and -q are one rotation; the one with w >= 0 is what people and estimators expect.
        if turned.w < 0.0 { UnitQuaternion::new_unchecked(-turned.into_inner()) } else { turned }
    }

    /// A heading, radians: about up from x in ROS, about down from north or forward in aviation.
    #[must_use]
    pub fn heading(self, yaw: f64) -> f64 {
        let turned = match self {
            Self::Ned => std::f64::consts::FRAC_PI_2 - yaw,
            Self::Frd => -yaw,
        };
        wrap(turned)
    }

    /// The covariance of a pose: position and rotation in the world's axes.
    #[must_use]
    pub fn pose_covariance(self, c: &Covariance) -> Covariance {
        turn(&self.matrix(), c)
    }
}

/// Body axes, forward left up to forward right down.
const BODY: Matrix3<f64> = Matrix3::new(1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, -1.0);

/// A velocity, an angular rate or any other vector in the body's axes.
#[must_use]
pub fn body(v: &Vector3<f64>) -> Vector3<f64> {
    Vector3::new(v.x, -v.y, -v.z)
}

/// A level vector of the heading's axes (forward, right, down) in the local frame (north, east, down; or forward, right, down at the
/// start), for a heading of `yaw` radians about down.
#[must_use]
pub fn level(v: &Vector3<f64>, yaw: f64) -> Vector3<f64> {
    let (sin, cos) = yaw.sin_cos();
    Vector3::new(cos * v.x - sin * v.y, sin * v.x + cos * v.y, v.z)
}

/// A rate of turn: about up in ROS, about down in aviation.
#[must_use]
pub fn yaw_rate(rate: f64) -> f64 {
    -rate
}

/// The covariance of a twist in the body's axes.
#[must_use]
pub fn twist_covariance(c: &Covariance) -> Covariance {
    turn(&BODY, c)
}

fn turn(m: &Matrix3<f64>, c: &Covariance) -> Covariance {
    let mut both = Covariance::zeros();
    both.fixed_view_mut::<3, 3>(0, 0).copy_from(m);
    both.fixed_view_mut::<3, 3>(3, 3).copy_from(m);
    both * c * both.transpose()
}

/// An angle from -pi to below pi.
#[must_use]
pub fn wrap(angle: f64) -> f64 {
    use std::f64::consts::{PI, TAU};
    (angle + PI).rem_euclid(TAU) - PI
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::FRAC_PI_2;

    fn near(a: &Vector3<f64>, b: [f64; 3]) -> bool {
        (a - Vector3::from(b)).norm() < 1e-12
    }

    fn rpy(roll: f64, pitch: f64, yaw: f64) -> UnitQuaternion<f64> {
        UnitQuaternion::from_euler_angles(roll, pitch, yaw)
    }

    #[test]
    fn positions_by_hand() {
        let east_north_up = Vector3::new(1.0, 2.0, 3.0);
        assert!(near(&World::Ned.vector(&east_north_up), [2.0, 1.0, -3.0]));
        assert!(near(&World::Frd.vector(&east_north_up), [1.0, -2.0, -3.0]));
        assert!(near(&body(&Vector3::new(1.0, 2.0, 3.0)), [1.0, -2.0, -3.0]));
    }

    #[test]
    fn every_flip_undone_is_nothing() {
        let v = Vector3::new(0.3, -1.2, 4.0);
        let q = rpy(0.3, -0.5, 2.0);
        let c = Covariance::from_fn(|r, k| (r * 7 + k) as f64 + (k * 7 + r) as f64);
        for world in [World::Ned, World::Frd] {
            assert!(near(&world.vector(&world.vector(&v)), v.into()));
            assert!(world.attitude(&world.attitude(&q)).angle_to(&q) < 1e-9);
            assert!((world.pose_covariance(&world.pose_covariance(&c)) - c).norm() < 1e-9);
            assert!((world.heading(world.heading(0.7)) - 0.7).abs() < 1e-12);
        }
        assert!(near(&body(&body(&v)), v.into()));
        assert!((twist_covariance(&twist_covariance(&c)) - c).norm() < 1e-9);
        assert_eq!(yaw_rate(yaw_rate(0.4)), 0.4);
    }

    #[test]
    fn attitudes_by_hand() {
        // Level, looking east: a heading of 90 degrees.
        let (roll, pitch, yaw) = World::Ned.attitude(&rpy(0.0, 0.0, 0.0)).euler_angles();
        assert!(roll.abs() < 1e-12 && pitch.abs() < 1e-12 && (yaw - FRAC_PI_2).abs() < 1e-12);
        // Looking north: zero.
        let (_, _, yaw) = World::Ned.attitude(&rpy(0.0, 0.0, FRAC_PI_2)).euler_angles();
        assert!(yaw.abs() < 1e-12);
        // The right wing down is positive in both, the nose up negative in ROS and positive in aviation.
        for world in [World::Ned, World::Frd] {
            let (roll, pitch, _) = world.attitude(&rpy(0.2, 0.0, 0.0)).euler_angles();
            assert!((roll - 0.2).abs() < 1e-12 && pitch.abs() < 1e-12);
            let (roll, pitch, _) = world.attitude(&rpy(0.0, -0.3, 0.0)).euler_angles();
            assert!(roll.abs() < 1e-12 && (pitch - 0.3).abs() < 1e-12);
        }
        let (_, _, yaw) = World::Frd.attitude(&rpy(0.0, 0.0, 0.5)).euler_angles();
        assert!((yaw + 0.5).abs() < 1e-12);
    }

    #[test]
    fn a_body_vector_arrives_in_the_world_by_either_way() {
        let velocity = Vector3::new(3.0, -1.0, 0.5);
        for world in [World::Ned, World::Frd] {
            for q in [rpy(0.1, 0.2, 0.3), rpy(-0.4, 0.9, -2.5), rpy(3.0, -1.0, 1.0)] {
                let ros = q * velocity;
                let aviation = world.attitude(&q) * body(&velocity);
                assert!(near(&world.vector(&ros), aviation.into()));
                assert!(world.attitude(&q).w >= 0.0);
            }
        }
    }

    #[test]
    fn a_level_vector_is_turned_as_the_attitude_turns_it() {
        let v = Vector3::new(2.0, -1.0, 0.3);
        for yaw in [-3.0, -1.0, 0.0, 0.4, 2.0] {
            for world in [World::Ned, World::Frd] {
                let aviation = level(&body(&v), world.heading(yaw));
                assert!(near(&world.vector(&(rpy(0.0, 0.0, yaw) * v)), aviation.into()), "{yaw}");
            }
        }
    }

    #[test]
    fn a_heading_is_the_yaw_of_the_attitude() {
        for world in [World::Ned, World::Frd] {
            for yaw in [-3.0, -1.0, 0.0, 0.4, 2.0, 3.1] {
                let (_, _, turned) = world.attitude(&rpy(0.0, 0.0, yaw)).euler_angles();
                assert!(wrap(world.heading(yaw) - turned).abs() < 1e-9, "{yaw}");
            }
        }
        assert_eq!((wrap(0.0), wrap(-std::f64::consts::PI)), (0.0, -std::f64::consts::PI));
    }

    #[test]
    fn rates_turn_as_the_attitude_does() {
        // After a small turn about the body's axes the attitude has changed by the rate, in either convention.
        let rate = Vector3::new(0.3, -0.2, 0.5);
        let dt = 1e-6;
        let q = rpy(0.2, -0.4, 1.0);
        let later = q * UnitQuaternion::from_scaled_axis(rate * dt);
        for world in [World::Ned, World::Frd] {
            let turned = world.attitude(&q).inverse() * world.attitude(&later);
            assert!((turned.scaled_axis() / dt - body(&rate)).norm() < 1e-6);
        }
        assert_eq!(yaw_rate(0.5), body(&rate).z);
    }

    #[test]
    fn covariances_follow_their_vectors() {
        // East 1, north 4, up 9; east and up go together.
        let mut c = Covariance::from_diagonal(&SMatrix::<f64, 6, 1>::from([1.0, 4.0, 9.0, 0.1, 0.2, 0.3]));
        (c[(0, 2)], c[(2, 0)]) = (0.5, 0.5);
        let ned = World::Ned.pose_covariance(&c);
        assert_eq!((ned[(0, 0)], ned[(1, 1)], ned[(2, 2)]), (4.0, 1.0, 9.0));
        // East and down go against each other.
        assert_eq!((ned[(1, 2)], ned[(2, 1)]), (-0.5, -0.5));
        assert_eq!((ned[(3, 3)], ned[(4, 4)], ned[(5, 5)]), (0.2, 0.1, 0.3));
        let (mut c, mut samples) = (Covariance::zeros(), Covariance::zeros());
        for n in 0..50 {
            let f = f64::from(n);
            let v = SMatrix::<f64, 6, 1>::from_fn(|r, _| (f * (r as f64 + 1.3)).sin());
            let both = |t: &dyn Fn(&Vector3<f64>) -> Vector3<f64>| {
                let (a, b) = (t(&v.fixed_rows::<3>(0).into_owned()), t(&v.fixed_rows::<3>(3).into_owned()));
                SMatrix::<f64, 6, 1>::from([a.x, a.y, a.z, b.x, b.y, b.z])
            };
            c += v * v.transpose();
            samples += both(&body) * both(&body).transpose();
        }
        assert!((twist_covariance(&c) - samples).norm() < 1e-9);
    }
}
