//! Mass, centre and inertia of what closed triangles enclose.
//!
//! Source: signed tetrahedra from the origin; their second moments after B. Mirtich, "Fast and Accurate Computation of
//! Polyhedral Mass Properties", 1996, in the form of J. Blow's covariance matrices.

use nalgebra::{Matrix3, Vector3};

/// Moments of a solid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MassMoments {
    /// Volume, m3, which is the mass at 1 kg/m3. Zero or negative if the triangles enclose nothing.
    pub volume: f64,
    /// Centre of mass, metres.
    pub centre: Vector3<f64>,
    /// Moments of inertia about the centre, m5 (kg m2 at 1 kg/m3).
    pub inertia: Matrix3<f64>,
}

pub(super) fn moments(triangles: impl Iterator<Item = [Vector3<f64>; 3]>) -> MassMoments {
    let (mut six_volumes, mut first, mut second) = (0.0, Vector3::zeros(), Matrix3::zeros());
    for [a, b, c] in triangles {
        let six = a.dot(&b.cross(&c));
        let sum = a + b + c;
        six_volumes += six;
        first += sum * six;
        second += (a * a.transpose() + b * b.transpose() + c * c.transpose() + sum * sum.transpose())
            * (six / 120.0);
    }
    let volume = six_volumes / 6.0;
    if !volume.is_finite() || volume.abs() < 1e-18 {
        return MassMoments { volume: 0.0, centre: Vector3::zeros(), inertia: Matrix3::zeros() };
    }
    let centre = first / (24.0 * volume);
    let second = second - centre * centre.transpose() * volume;
    MassMoments { volume, centre, inertia: super::inertia_of(&second) }
}
