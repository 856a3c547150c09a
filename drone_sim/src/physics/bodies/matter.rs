//! How heavy a body is.

use nalgebra::{Isometry3, Matrix3, Vector3};

/// Mass, centre of mass and moments, in the body's frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Matter {
    /// kg.
    pub mass: f64,
    /// Centre of mass, metres.
    pub centre: Vector3<f64>,
    /// Moments of inertia about the centre along the body's axes, kg m2.
    pub inertia: Matrix3<f64>,
}

impl Matter {
    /// Of moments that are told in a frame `pose` at the centre of mass.
    pub fn new(mass: f64, pose: &Isometry3<f64>, inertia: &Matrix3<f64>) -> Self {
        let turn = pose.rotation.to_rotation_matrix();
        Self { mass, centre: pose.translation.vector, inertia: turn * inertia * turn.transpose() }
    }

    /// Of a ball of even density about the origin.
    pub fn ball(mass: f64, radius: f64) -> Self {
        let inertia = Matrix3::identity() * (0.4 * mass * radius * radius);
        Self { mass, centre: Vector3::zeros(), inertia }
    }

    /// Of parts that hold together; `None` if there are none.
    pub fn joined(parts: &[Self]) -> Option<Self> {
        let mass: f64 = parts.iter().map(|p| p.mass).sum();
        if parts.is_empty() {
            return None;
        }
        let centre = parts.iter().map(|p| p.centre * p.mass).sum::<Vector3<f64>>() / mass;
        // Steiner.
        let about = |p: &Self| {
            let d = p.centre - centre;
            p.inertia + (Matrix3::identity() * d.norm_squared() - d * d.transpose()) * p.mass
        };
        Some(Self { mass, centre, inertia: parts.iter().map(about).sum() })
    }

    /// What keeps it from being that of a body; `None` if it can be.
    pub fn fault(&self) -> Option<String> {
        if !(self.mass > 0.0 && self.mass.is_finite()) {
            return Some(format!("a mass of {} kg", self.mass));
        }
        let finite = self.inertia.iter().chain(&self.centre).all(|x| x.is_finite());
        let moments = if finite { self.inertia.symmetric_eigenvalues() } else { Vector3::repeat(f64::NAN) };
        if moments.iter().all(|m| *m > 0.0) {
            return None;
        }
        let [x, y, z] = [moments.x, moments.y, moments.z];
        Some(format!("principal moments of {x} {y} {z} kg m2"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_as_heavy_as_the_whole() {
        let block = |size: Vector3<f64>, at: Vector3<f64>| {
            let mass = 500.0 * size.product();
            let q = size.component_mul(&size) * (mass / 12.0);
            let inertia = Matrix3::from_diagonal(&Vector3::new(q.y + q.z, q.x + q.z, q.x + q.y));
            Matter::new(mass, &Isometry3::translation(at.x, at.y, at.z), &inertia)
        };
        let whole = block(Vector3::new(2.0, 1.0, 0.5), Vector3::new(3.0, 2.0, 1.0));
        let half = |x| block(Vector3::new(1.0, 1.0, 0.5), Vector3::new(x, 2.0, 1.0));
        let sum = Matter::joined(&[half(2.5), half(3.5)]).unwrap();
        assert!((sum.mass - whole.mass).abs() < 1e-9 && (sum.centre - whole.centre).norm() < 1e-12);
        assert!((sum.inertia - whole.inertia).norm() < 1e-9 * whole.inertia.norm());
    }

    #[test]
    fn what_no_body_weighs_is_told() {
        let ball = Matter::ball(2.0, 0.1);
        assert_eq!(ball.fault(), None);
        assert!(Matter { mass: 0.0, ..ball }.fault().unwrap().contains("0 kg"));
        assert!(Matter { mass: f64::NAN, ..ball }.fault().unwrap().contains("NaN kg"));
        assert!(Matter { inertia: Matrix3::zeros(), ..ball }.fault().unwrap().contains("moments"));
        assert!(Matter { inertia: Matrix3::repeat(f64::NAN), ..ball }.fault().unwrap().contains("NaN"));
    }
}
