//! Distance to a cone along z, tip up.

use nalgebra::{Vector2, Vector3};

use super::{Near, length, revolve};

pub(super) fn near(radius: f64, half: f64, p: &Vector3<f64>) -> Near {
    let q = Vector2::new(length(p.x, p.y), p.z);
    let (tip, rim, centre) = (Vector2::new(0.0, half), Vector2::new(radius, -half), Vector2::new(0.0, -half));
    let on_side = project(&q, &rim, &tip);
    let on_base = project(&q, &centre, &rim);
    let nearest = if (q - on_side).norm_squared() < (q - on_base).norm_squared() { on_side } else { on_base };
    let slope = Vector2::new(2.0 * half, radius).normalize();
    let inside = q.y > -half && slope.dot(&(q - tip)) < 0.0;
    let away = q - nearest;
    let distance = away.norm();
    if distance < 1e-12 {
        return if nearest == on_base {
            revolve(p, 0.0, 0.0, -1.0)
        } else {
            revolve(p, 0.0, slope.x, slope.y)
        };
    }
    let sign = if inside { -1.0 } else { 1.0 };
    let n = away * (sign / distance);
    revolve(p, sign * distance, n.x, n.y)
}

/// The point of the segment `a`-`b` nearest to `q`.
fn project(q: &Vector2<f64>, a: &Vector2<f64>, b: &Vector2<f64>) -> Vector2<f64> {
    let ab = b - a;
    let t = (q - a).dot(&ab) / ab.norm_squared();
    a + ab * t.clamp(0.0, 1.0)
}
