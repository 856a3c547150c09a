//! Cameras: intrinsics, and places on the body.

use nalgebra::{Isometry3, Point3, Quaternion, Translation3, UnitQuaternion, Vector3};

use super::rect::Rect;
use crate::error::TrackerError;

/// A pose: metres and a rotation.
pub type Pose = Isometry3<f64>;

/// A pinhole camera without distortion, pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Intrinsics {
    /// Focal length in x.
    pub fx: f64,
    /// Focal length in y.
    pub fy: f64,
    /// Principal point x.
    pub cx: f64,
    /// Principal point y.
    pub cy: f64,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Intrinsics {
    /// Checked.
    ///
    /// # Errors
    /// [`TrackerError::Intrinsics`] when this is no camera.
    pub fn new(fx: f64, fy: f64, cx: f64, cy: f64, width: u32, height: u32) -> Result<Self, TrackerError> {
        let sound =
            fx > 0.0 && fy > 0.0 && [fx, fy, cx, cy].iter().all(|v| v.is_finite()) && width > 0 && height > 0;
        if sound {
            Ok(Self { fx, fy, cx, cy, width, height })
        } else {
            Err(TrackerError::Intrinsics { fx, fy, cx, cy, width, height })
        }
    }

    /// A box in pixels as one in tangents.
    #[must_use]
    pub fn to_tangents(&self, pixels: &Rect) -> Rect {
        Rect {
            x: (pixels.x - self.cx) / self.fx,
            y: (pixels.y - self.cy) / self.fy,
            w: pixels.w / self.fx,
            h: pixels.h / self.fy,
        }
    }

    /// A box in tangents as one in pixels.
    #[must_use]
    pub fn to_pixels(&self, tangents: &Rect) -> Rect {
        Rect {
            x: tangents.x * self.fx + self.cx,
            y: tangents.y * self.fy + self.cy,
            w: tangents.w * self.fx,
            h: tangents.h * self.fy,
        }
    }
}

/// A camera's optical frame (x right, y down, z forward) in base_link (FLU), from `x, y, z` in metres and `roll, pitch,
/// yaw` in radians of a camera that looks along its own x.
///
/// # Errors
/// PG-1403 for another number of numbers, PG-1401 for one that is not finite or beyond 10.
pub fn mount(name: &'static str, pose: &[f64]) -> Result<Pose, TrackerError> {
    let &[x, y, z, roll, pitch, yaw] = pose else {
        return Err(TrackerError::PoseLength { name, count: pose.len() });
    };
    if let Some(value) = pose.iter().find(|v| v.is_nan() || v.abs() > 10.0) {
        let expected = "six numbers of at most 10 (m, rad)";
        return Err(TrackerError::ParameterOutOfRange { name, value: *value, expected });
    }
    // Optical z is the body's x, optical x its -y, optical y its -z.
    let optical = UnitQuaternion::new_unchecked(Quaternion::new(0.5, -0.5, 0.5, -0.5));
    let turned = UnitQuaternion::from_euler_angles(roll, pitch, yaw) * optical;
    Ok(Pose::from_parts(Translation3::new(x, y, z), turned))
}

/// A pose from a message's numbers; `None` when one is not finite or the quaternion is no rotation.
#[must_use]
pub fn pose(position: [f64; 3], [x, y, z, w]: [f64; 4]) -> Option<Pose> {
    let norm = x.hypot(y).hypot(z.hypot(w));
    let sound = position.iter().all(|v| v.is_finite()) && (0.9..1.1).contains(&norm);
    let rotation = UnitQuaternion::from_quaternion(Quaternion::new(w, x, y, z));
    sound.then(|| Pose::from_parts(Vector3::from(position).into(), rotation))
}

/// The point that is seen at tangents `x`, `y` with depth `z` along the optical axis.
#[must_use]
pub fn point(x: f64, y: f64, z: f64) -> Point3<f64> {
    Point3::new(x * z, y * z, z)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_optical_axis_is_the_bodys_x() {
        let level = mount("camera_pose", &[0.1, 0.0, 0.2, 0.0, 0.0, 0.0]).unwrap();
        let ahead = level * point(0.1, 0.2, 10.0);
        assert!((ahead - Point3::new(10.1, -1.0, 0.2 - 2.0)).norm() < 1e-12, "{ahead}");
        let down = mount("camera_pose", &[0.0, 0.0, 0.0, 0.0, 0.5, 0.0]).unwrap();
        assert!((down * point(0.0, 0.0, 1.0)).z < -0.4);
        assert!(mount("camera_pose", &[0.0; 5]).unwrap_err().to_string().starts_with("PG-1403"));
        assert!(mount("camera_pose", &[f64::NAN; 6]).unwrap_err().to_string().starts_with("PG-1401"));
    }

    #[test]
    fn boxes_go_to_tangents_and_back() {
        let k = Intrinsics::new(400.0, 500.0, 320.0, 240.0, 640, 480).unwrap();
        let pixels = Rect { x: 100.0, y: 300.0, w: 40.0, h: 50.0 };
        let tangents = k.to_tangents(&pixels);
        assert_eq!((tangents.x, tangents.w, tangents.h), (-0.55, 0.1, 0.1));
        let back = k.to_pixels(&tangents);
        assert!((back.x - 100.0).abs() < 1e-12 && (back.y - 300.0).abs() < 1e-12);
        for bad in [(0.0, 1.0), (f64::NAN, 1.0), (1.0, f64::INFINITY)] {
            let error = Intrinsics::new(bad.0, bad.1, 0.0, 0.0, 1, 1).unwrap_err().to_string();
            assert!(error.starts_with("PG-1406"), "{error}");
        }
    }

    #[test]
    fn numbers_that_are_no_pose_are_none() {
        assert!(pose([0.0; 3], [0.0, 0.0, 0.0, 1.0]).is_some());
        assert!(pose([0.0; 3], [0.0; 4]).is_none());
        assert!(pose([0.0; 3], [f64::NAN, 0.0, 0.0, 1.0]).is_none());
        assert!(pose([f64::INFINITY, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]).is_none());
    }
}
