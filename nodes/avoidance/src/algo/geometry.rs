//! Vectors, rotations and poses: just what the planner needs, in `f64`.

use std::ops::{Add, AddAssign, Mul, Neg, Sub};

/// A vector or a point of three metres (or metres per second); the frame is said where it is used.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Vec3 {
    /// First coordinate.
    pub x: f64,
    /// Second coordinate.
    pub y: f64,
    /// Third coordinate.
    pub z: f64,
}

impl Vec3 {
    /// The origin, or no motion.
    pub const ZERO: Self = Self::new(0.0, 0.0, 0.0);

    /// From three coordinates.
    #[must_use]
    pub const fn new(x: f64, y: f64, z: f64) -> Self {
        Self { x, y, z }
    }

    /// Scalar product.
    #[must_use]
    pub fn dot(self, other: Self) -> f64 {
        self.x * other.x + self.y * other.y + self.z * other.z
    }

    /// Euclidean length.
    #[must_use]
    pub fn norm(self) -> f64 {
        self.dot(self).sqrt()
    }

    /// Length of the part in the x-y plane.
    #[must_use]
    pub fn norm_xy(self) -> f64 {
        self.x.hypot(self.y)
    }

    /// Same direction, length one; `None` when shorter than a micrometre or not finite.
    #[must_use]
    pub fn unit(self) -> Option<Self> {
        let length = self.norm();
        (length.is_finite() && length > 1e-6).then(|| self * (1.0 / length))
    }

    /// Same direction, not longer than `limit`.
    #[must_use]
    pub fn limited(self, limit: f64) -> Self {
        let length = self.norm();
        if length > limit { self * (limit / length) } else { self }
    }

    /// True when no coordinate is NaN or infinite.
    #[must_use]
    pub fn is_finite(self) -> bool {
        self.x.is_finite() && self.y.is_finite() && self.z.is_finite()
    }
}

impl Add for Vec3 {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        Self::new(self.x + o.x, self.y + o.y, self.z + o.z)
    }
}

impl AddAssign for Vec3 {
    fn add_assign(&mut self, o: Self) {
        *self = *self + o;
    }
}

impl Sub for Vec3 {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        Self::new(self.x - o.x, self.y - o.y, self.z - o.z)
    }
}

impl Neg for Vec3 {
    type Output = Self;
    fn neg(self) -> Self {
        Self::new(-self.x, -self.y, -self.z)
    }
}

impl Mul<f64> for Vec3 {
    type Output = Self;
    fn mul(self, k: f64) -> Self {
        Self::new(self.x * k, self.y * k, self.z * k)
    }
}

/// A unit quaternion that turns vectors of a child frame into its parent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quat {
    /// Scalar part.
    pub w: f64,
    /// Vector part, x.
    pub x: f64,
    /// Vector part, y.
    pub y: f64,
    /// Vector part, z.
    pub z: f64,
}

impl Quat {
    /// No rotation.
    pub const IDENTITY: Self = Self { w: 1.0, x: 0.0, y: 0.0, z: 0.0 };

    /// Body FLU from optical: optical z (forward) is body x, optical x (right) is body -y, optical y (down) is -z.
    pub const FLU_FROM_OPTICAL: Self = Self { w: 0.5, x: -0.5, y: 0.5, z: -0.5 };

    /// Normalised; `None` when it is not finite or its length is off by more than 10 % (not a rotation at all).
    #[must_use]
    pub fn checked(w: f64, x: f64, y: f64, z: f64) -> Option<Self> {
        let n = (w * w + x * x + y * y + z * z).sqrt();
        (n.is_finite() && (n - 1.0).abs() < 0.1).then(|| Self { w: w / n, x: x / n, y: y / n, z: z / n })
    }

    /// From roll, pitch and yaw in radians, applied in the order yaw, pitch, roll (REP-103).
    #[must_use]
    pub fn from_rpy(roll: f64, pitch: f64, yaw: f64) -> Self {
        let ((sr, cr), (sp, cp), (sy, cy)) =
            ((roll / 2.0).sin_cos(), (pitch / 2.0).sin_cos(), (yaw / 2.0).sin_cos());
        Self {
            w: cr * cp * cy + sr * sp * sy,
            x: sr * cp * cy - cr * sp * sy,
            y: cr * sp * cy + sr * cp * sy,
            z: cr * cp * sy - sr * sp * cy,
        }
    }

    /// First `inner`, then `self`.
    #[must_use]
    pub fn after(self, inner: Self) -> Self {
        let (a, b) = (self, inner);
        Self {
            w: a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z,
            x: a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y,
            y: a.w * b.y - a.x * b.z + a.y * b.w + a.z * b.x,
            z: a.w * b.z + a.x * b.y - a.y * b.x + a.z * b.w,
        }
    }

    /// The opposite rotation.
    #[must_use]
    pub fn inverse(self) -> Self {
        Self { w: self.w, x: -self.x, y: -self.y, z: -self.z }
    }

    /// Turns `v` from the child frame into the parent frame.
    #[must_use]
    pub fn rotate(self, v: Vec3) -> Vec3 {
        let m = self.rows();
        Vec3::new(
            m[0][0] * v.x + m[0][1] * v.y + m[0][2] * v.z,
            m[1][0] * v.x + m[1][1] * v.y + m[1][2] * v.z,
            m[2][0] * v.x + m[2][1] * v.y + m[2][2] * v.z,
        )
    }

    /// The rotation matrix, row by row.
    #[must_use]
    pub fn rows(self) -> [[f64; 3]; 3] {
        let Self { w, x, y, z } = self;
        [
            [1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - w * z), 2.0 * (x * z + w * y)],
            [2.0 * (x * y + w * z), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - w * x)],
            [2.0 * (x * z - w * y), 2.0 * (y * z + w * x), 1.0 - 2.0 * (x * x + y * y)],
        ]
    }

    /// Heading about the vertical, radians in (-pi, pi], counter-clockwise from x.
    #[must_use]
    pub fn yaw(self) -> f64 {
        let m = self.rows();
        m[1][0].atan2(m[0][0])
    }

    /// Angle of the rotation between two attitudes, radians in 0..=pi.
    #[must_use]
    pub fn angle_to(self, other: Self) -> f64 {
        let d = self.w * other.w + self.x * other.x + self.y * other.y + self.z * other.z;
        2.0 * d.abs().min(1.0).acos()
    }

    /// Part of the way from `self` to `other` (`0..=1`), by normalised linear interpolation: odometry samples lie
    /// a few degrees apart, where this and the great arc agree to a milliradian.
    #[must_use]
    pub fn towards(self, other: Self, part: f64) -> Self {
        let d = self.w * other.w + self.x * other.x + self.y * other.y + self.z * other.z;
        let (a, b) = (1.0 - part, if d < 0.0 { -part } else { part });
        let mix = Self {
            w: a * self.w + b * other.w,
            x: a * self.x + b * other.x,
            y: a * self.y + b * other.y,
            z: a * self.z + b * other.z,
        };
        let n = (mix.w * mix.w + mix.x * mix.x + mix.y * mix.y + mix.z * mix.z).sqrt();
        Self { w: mix.w / n, x: mix.x / n, y: mix.y / n, z: mix.z / n }
    }
}

/// Where a child frame lies in its parent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pose {
    /// Origin of the child frame in the parent frame, metres.
    pub position: Vec3,
    /// Turns child vectors into the parent frame.
    pub rotation: Quat,
}

impl Pose {
    /// The frames coincide.
    pub const IDENTITY: Self = Self { position: Vec3::ZERO, rotation: Quat::IDENTITY };

    /// A point of the child frame, in the parent frame.
    #[must_use]
    pub fn apply(&self, point: Vec3) -> Vec3 {
        self.position + self.rotation.rotate(point)
    }

    /// The child of `self` that is placed by `inner`.
    #[must_use]
    pub fn then(&self, inner: &Self) -> Self {
        Self { position: self.apply(inner.position), rotation: self.rotation.after(inner.rotation) }
    }
}

/// The largest whole number not above `v`. (Without SSE4.1, `f64::floor` is a call.)
#[must_use]
pub fn floor(v: f64) -> i64 {
    let whole = v as i64;
    whole.saturating_sub(i64::from(whole as f64 > v))
}

/// An angle brought into (-pi, pi].
#[must_use]
pub fn wrap_angle(angle: f64) -> f64 {
    let turned = angle.rem_euclid(std::f64::consts::TAU);
    if turned > std::f64::consts::PI { turned - std::f64::consts::TAU } else { turned }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: Vec3, b: Vec3) -> bool {
        (a - b).norm() < 1e-9
    }

    #[test]
    fn optical_axes_are_those_of_rep_103() {
        let q = Quat::FLU_FROM_OPTICAL;
        assert!(close(q.rotate(Vec3::new(0.0, 0.0, 1.0)), Vec3::new(1.0, 0.0, 0.0)));
        assert!(close(q.rotate(Vec3::new(1.0, 0.0, 0.0)), Vec3::new(0.0, -1.0, 0.0)));
        assert!(close(q.rotate(Vec3::new(0.0, 1.0, 0.0)), Vec3::new(0.0, 0.0, -1.0)));
    }

    #[test]
    fn roll_pitch_yaw_turn_the_right_way() {
        let yaw = Quat::from_rpy(0.0, 0.0, std::f64::consts::FRAC_PI_2);
        assert!(close(yaw.rotate(Vec3::new(1.0, 0.0, 0.0)), Vec3::new(0.0, 1.0, 0.0)));
        let nose_down = Quat::from_rpy(0.0, 0.3, 0.0);
        assert!(nose_down.rotate(Vec3::new(1.0, 0.0, 0.0)).z < 0.0);
        assert!((Quat::from_rpy(0.1, -0.2, 2.5).yaw() - 2.5).abs() < 1e-12);
    }

    #[test]
    fn a_pose_composes_and_a_quaternion_inverts() {
        let a = Pose { position: Vec3::new(1.0, 2.0, 3.0), rotation: Quat::from_rpy(0.2, -0.1, 0.7) };
        let b = Pose { position: Vec3::new(-0.3, 0.1, 0.9), rotation: Quat::from_rpy(-0.4, 0.3, 1.7) };
        let p = Vec3::new(0.5, -0.6, 0.7);
        assert!(close(a.then(&b).apply(p), a.apply(b.apply(p))));
        assert!(close(a.rotation.inverse().rotate(a.rotation.rotate(p)), p));
        assert!((a.rotation.angle_to(a.rotation)).abs() < 1e-6);
        assert!(
            Quat::checked(0.0, 0.0, 0.0, 0.0).is_none() && Quat::checked(f64::NAN, 0.0, 0.0, 1.0).is_none()
        );
    }

    #[test]
    fn floors_are_floors() {
        for v in [
            f64::MIN,
            f64::MAX,
            f64::NAN,
            0.0,
            -0.0,
            0.5,
            -0.5,
            1.0,
            -1.0,
            -1.000_001,
            12_345.999,
            -12_345.999,
        ] {
            assert_eq!(floor(v), v.floor() as i64, "{v}");
        }
    }

    #[test]
    fn angles_wrap_into_one_turn() {
        assert!((wrap_angle(3.5 * std::f64::consts::PI) + 0.5 * std::f64::consts::PI).abs() < 1e-12);
        assert!((wrap_angle(-0.1) + 0.1).abs() < 1e-12);
    }
}
