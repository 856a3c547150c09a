//! Distance to a cylinder along z.

use nalgebra::Vector3;

use super::{Near, length, revolve};

pub(super) fn near(radius: f64, half: f64, p: &Vector3<f64>) -> Near {
    let side = length(p.x, p.y) - radius;
    let end = p.z.abs() - half;
    let up = if p.z < 0.0 { -1.0 } else { 1.0 };
    if side > 0.0 && end > 0.0 {
        let distance = length(side, end);
        return revolve(p, distance, side / distance, up * end / distance);
    }
    // Beside it, over it, or inside: one surface decides.
    if side > end { revolve(p, side, 1.0, 0.0) } else { revolve(p, end, 0.0, up) }
}
