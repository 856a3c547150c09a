//! Three numbers, and a rotation.

/// x, y, z.
pub type V = [f64; 3];

/// a + k b.
#[must_use]
pub fn along(a: V, k: f64, b: V) -> V {
    [a[0] + k * b[0], a[1] + k * b[1], a[2] + k * b[2]]
}

/// a . b.
#[must_use]
pub fn dot(a: V, b: V) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// |a|.
#[must_use]
pub fn norm(a: V) -> f64 {
    dot(a, a).sqrt()
}

/// k a.
#[must_use]
pub fn scaled(a: V, k: f64) -> V {
    [k * a[0], k * a[1], k * a[2]]
}

/// True when all three are finite.
#[must_use]
pub fn finite(a: V) -> bool {
    a.iter().all(|v| v.is_finite())
}

/// The angle of (x, y) from x, radians, within 2e-5: for choosing a cell, where the library's exactness costs too much and
/// differs between platforms. Polynomial 4.4.49 of Abramowitz and Stegun.
#[must_use]
pub fn bearing(y: f64, x: f64) -> f64 {
    use std::f64::consts::{FRAC_PI_2, PI};
    let (steep, small, large) =
        if y.abs() > x.abs() { (true, x.abs(), y.abs()) } else { (false, y.abs(), x.abs()) };
    if large == 0.0 {
        return 0.0;
    }
    let t = small / large;
    let s = t * t;
    let octant = t * (0.999_866 + s * (-0.330_299_5 + s * (0.180_141 + s * (-0.085_133 + s * 0.020_835_1))));
    let quadrant = if steep { FRAC_PI_2 - octant } else { octant };
    let half = if x < 0.0 { PI - quadrant } else { quadrant };
    if y < 0.0 { -half } else { half }
}

/// A rotation as rows of its matrix.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Turn(pub [V; 3]);

impl Turn {
    /// No rotation.
    pub const NONE: Self = Self([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]);

    /// From a quaternion; `None` when it is not finite or far from unit length.
    #[must_use]
    pub fn from_quaternion(w: f64, x: f64, y: f64, z: f64) -> Option<Self> {
        let n = (w * w + x * x + y * y + z * z).sqrt();
        if !(0.9..=1.1).contains(&n) {
            return None;
        }
        let (w, x, y, z) = (w / n, x / n, y / n, z / n);
        Some(Self([
            [1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - w * z), 2.0 * (x * z + w * y)],
            [2.0 * (x * y + w * z), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - w * x)],
            [2.0 * (x * z - w * y), 2.0 * (y * z + w * x), 1.0 - 2.0 * (x * x + y * y)],
        ]))
    }

    /// About the vertical by `yaw`.
    #[must_use]
    pub fn level(yaw: f64) -> Self {
        let (s, c) = yaw.sin_cos();
        Self([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    }

    /// From roll, pitch, yaw (fixed axes, as in URDF).
    #[must_use]
    pub fn from_rpy(roll: f64, pitch: f64, yaw: f64) -> Self {
        let ((sr, cr), (sp, cp)) = (roll.sin_cos(), pitch.sin_cos());
        let tilt = Self([[cp, sp * sr, sp * cr], [0.0, cr, -sr], [-sp, cp * sr, cp * cr]]);
        Self::level(yaw).after(&tilt)
    }

    /// `self` after `inner`.
    #[must_use]
    pub fn after(&self, inner: &Self) -> Self {
        let column = |j: usize| [inner.0[0][j], inner.0[1][j], inner.0[2][j]];
        Self(self.0.map(|row| [dot(row, column(0)), dot(row, column(1)), dot(row, column(2))]))
    }

    /// Turns a vector of the child frame into the parent's.
    #[must_use]
    pub fn apply(&self, v: V) -> V {
        self.0.map(|row| dot(row, v))
    }

    /// The other way round.
    #[must_use]
    pub fn undo(&self, v: V) -> V {
        let m = &self.0;
        [0, 1, 2].map(|j| m[0][j] * v[0] + m[1][j] * v[1] + m[2][j] * v[2])
    }

    /// Heading, radians.
    #[must_use]
    pub fn yaw(&self) -> f64 {
        self.0[1][0].atan2(self.0[0][0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearing_is_the_librarys() {
        for i in 0..2000 {
            let angle = f64::from(i) * 0.003_1 - 3.1;
            let (y, x) = (7.0 * angle.sin(), 7.0 * angle.cos());
            assert!((bearing(y, x) - y.atan2(x)).abs() < 2e-5, "{angle}");
        }
        assert_eq!((bearing(0.0, 0.0), bearing(0.0, 2.0)), (0.0, 0.0));
        assert!((bearing(0.0, -1.0) - std::f64::consts::PI).abs() < 1e-12);
    }

    #[test]
    fn rotations_turn_the_right_way_and_back() {
        let q = std::f64::consts::FRAC_1_SQRT_2;
        let left = Turn::from_quaternion(q, 0.0, 0.0, q).unwrap();
        let turned = left.apply([1.0, 0.0, 0.5]);
        assert!((turned[1] - 1.0).abs() < 1e-12 && (left.yaw() - std::f64::consts::FRAC_PI_2).abs() < 1e-12);
        assert!(norm(along(left.undo(turned), -1.0, [1.0, 0.0, 0.5])) < 1e-12);
        let nose_down = Turn::from_rpy(0.0, 0.3, 0.0);
        assert!(nose_down.apply([1.0, 0.0, 0.0])[2] < 0.0);
        assert!(Turn::from_quaternion(0.0, 0.0, 0.0, 0.0).is_none());
        assert!(Turn::from_quaternion(f64::NAN, 0.0, 0.0, 1.0).is_none());
    }
}
