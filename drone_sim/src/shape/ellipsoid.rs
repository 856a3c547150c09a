//! Distance to an ellipsoid.
//!
//! The nearest surface point x of p satisfies x_i = r_i^2 p_i / (t + r_i^2) with one t, the largest root of a
//! function that falls steadily; it is bracketed and bisected, which cannot fail and repeats bit for bit.
//! Source: D. Eberly, "Distance from a Point to an Ellipse, an Ellipsoid, or a Hyperellipsoid", 2013.

use nalgebra::Vector3;

use super::{Near, unit_or};

pub(super) fn near(radii: &Vector3<f64>, p: &Vector3<f64>) -> Near {
    let squares = radii.component_mul(radii);
    let inside = p.component_div(radii).norm_squared() < 1.0;
    // A coordinate of exactly zero can hide the branch that leaves its plane; a nudge far below a micrometre does not
    // change any figure and keeps one rule for all points.
    let q = p.abs().map(|x| x.max(1e-9));
    let smallest = squares.min();
    let value =
        |t: f64| -> f64 { (0..3).map(|i| (radii[i] * q[i] / (t + squares[i])).powi(2)).sum::<f64>() - 1.0 };
    let mut low = -smallest;
    let mut high = radii.component_mul(&q).norm() - smallest.min(0.0);
    while value(high) > 0.0 {
        high = high * 2.0 + 1.0;
    }
    for _ in 0..128 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if value(middle) > 0.0 { low = middle } else { high = middle }
    }
    let t = 0.5 * (low + high);
    let surface = Vector3::from_fn(|i, _| squares[i] * q[i] / (t + squares[i]) * p[i].signum());
    let distance = (p - surface).norm();
    let normal = unit_or(surface.component_div(&squares), Vector3::z());
    Near { distance: if inside { -distance } else { distance }, normal }
}
