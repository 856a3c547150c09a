//! The pinhole camera, in the optical frame of REP-103: x right, y down, z forward.

use crate::error::{RenderError, Result};
use nalgebra::{Isometry3, Matrix3, Point3, Rotation3, UnitQuaternion, Vector3};

/// Intrinsics and clipping range. The centre of the pixel in column `i`, row `j` lies at image coordinates
/// `(i + 0.5, j + 0.5)`, so a centred principal point is `(width / 2, height / 2)`, as Gazebo publishes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Camera {
    /// Image width, pixels, 1 to 8192.
    pub width: u32,
    /// Image height, pixels, 1 to 8192.
    pub height: u32,
    /// Focal length along x, pixels.
    pub fx: f64,
    /// Focal length along y, pixels.
    pub fy: f64,
    /// Principal point, x, pixels from the left border.
    pub cx: f64,
    /// Principal point, y, pixels from the top border.
    pub cy: f64,
    /// Nearest optical depth that is drawn, metres, above 0.
    pub near_m: f64,
    /// Farthest optical depth that is drawn, metres.
    pub far_m: f64,
}

impl Camera {
    /// Square pixels and a centred principal point from the horizontal field of view in radians (0 to pi, both
    /// excluded). Clipping range: 0.05 m to 300 m.
    pub fn from_hfov(width: u32, height: u32, hfov_rad: f64) -> Result<Self> {
        if !(hfov_rad > 0.0 && hfov_rad < std::f64::consts::PI) {
            return Err(RenderError::InvalidCamera {
                field: "hfov_rad",
                value: hfov_rad,
                expected: "between 0 and pi",
            });
        }
        let f = f64::from(width) / 2.0 / (hfov_rad / 2.0).tan();
        let camera = Self {
            width,
            height,
            fx: f,
            fy: f,
            cx: f64::from(width) / 2.0,
            cy: f64::from(height) / 2.0,
            near_m: 0.05,
            far_m: 300.0,
        };
        camera.validate()?;
        Ok(camera)
    }

    /// The same camera with another clipping range, metres along the optical axis.
    #[must_use]
    pub fn with_range(mut self, near_m: f64, far_m: f64) -> Self {
        (self.near_m, self.far_m) = (near_m, far_m);
        self
    }

    /// Checks every field; `render` does so itself.
    pub fn validate(&self) -> Result {
        let fail = |field, value, expected| Err(RenderError::InvalidCamera { field, value, expected });
        for (field, value) in [("width", self.width), ("height", self.height)] {
            if !(1..=8192).contains(&value) {
                return fail(field, f64::from(value), "between 1 and 8192 pixels");
            }
        }
        for (field, value) in [("fx", self.fx), ("fy", self.fy)] {
            if !(1e-2..=1e6).contains(&value) {
                return fail(field, value, "between 0.01 and 1e6 pixels");
            }
        }
        for (field, value) in [("cx", self.cx), ("cy", self.cy)] {
            if !(-1e4..=2e4).contains(&value) {
                return fail(field, value, "between -1e4 and 2e4 pixels");
            }
        }
        if !(1e-4..=1e6).contains(&self.near_m) {
            return fail("near_m", self.near_m, "between 1e-4 and 1e6 m");
        }
        if !(self.far_m > self.near_m && self.far_m <= 1e6) {
            return fail("far_m", self.far_m, "above near_m and at most 1e6 m");
        }
        Ok(())
    }

    /// Image coordinates (pixels) of a point in the optical frame (metres), or `None` at or behind the lens.
    pub fn project(&self, p: &Point3<f64>) -> Option<[f64; 2]> {
        (p.z > 0.0).then(|| [self.cx + self.fx * p.x / p.z, self.cy + self.fy * p.y / p.z])
    }

    /// The ray through image coordinates `(u, v)` in the optical frame, scaled so that z = 1: times a depth it is a
    /// point. The centre of pixel `(i, j)` is `(i + 0.5, j + 0.5)`.
    pub fn ray(&self, u: f64, v: f64) -> Vector3<f64> {
        Vector3::new((u - self.cx) / self.fx, (v - self.cy) / self.fy, 1.0)
    }
}

/// The rotation that takes the camera's optical frame (x right, y down, z forward) to a body frame
/// (x forward, y left, z up). `body_pose * optical_from_body()` is the pose that `render` wants.
pub fn optical_from_body() -> UnitQuaternion<f64> {
    let m = Matrix3::new(0.0, 0.0, 1.0, -1.0, 0.0, 0.0, 0.0, -1.0, 0.0);
    UnitQuaternion::from_rotation_matrix(&Rotation3::from_matrix_unchecked(m))
}

/// The optical pose of a camera at `eye` that looks at `target` with the horizon level (metres, world ENU). Straight
/// up or down, image top points to the north. Equal points look north.
pub fn look_at(eye: Point3<f64>, target: Point3<f64>) -> Isometry3<f64> {
    let forward = (target - eye).try_normalize(1e-9).unwrap_or_else(Vector3::y);
    let right = forward.cross(&Vector3::z()).try_normalize(1e-9).unwrap_or_else(Vector3::x);
    let down = forward.cross(&right);
    let rotation = Rotation3::from_matrix_unchecked(Matrix3::from_columns(&[right, down, forward]));
    Isometry3::from_parts(eye.coords.into(), UnitQuaternion::from_rotation_matrix(&rotation))
}
