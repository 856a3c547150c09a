//! Where rays meet shapes: the lidar's geometry.
//!
//! Every function takes origin and unit direction in the shape's own frame and answers with the smallest distance above
//! zero at which the surface is met, from inside as well, or +inf. Discriminants are built from cross products, so that
//! thin things far away keep their digits. Each is free of branches where that lets the compiler run several rays at once.

use super::Shape;

/// A vector in plain numbers.
pub type V = [f64; 3];

#[inline(always)]
fn least(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

#[inline(always)]
fn most(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

/// The first of an interval's ends that lies ahead; +inf if it is empty or behind.
#[inline(always)]
fn first(enter: f64, leave: f64) -> f64 {
    let t = if enter > 0.0 { enter } else { leave };
    if enter <= leave && leave > 0.0 { t } else { f64::INFINITY }
}

/// The part of a ray between two planes at `-half` and `half` along one axis.
#[inline(always)]
fn slab(o: f64, d: f64, half: f64) -> [f64; 2] {
    // A direction of exactly zero would divide nothing by nothing on the plane itself.
    let d = if d == 0.0 { 1e-300 } else { d };
    let (a, b) = ((-half - o) / d, (half - o) / d);
    [least(a, b), most(a, b)]
}

/// The part of a ray inside the endless cylinder about z.
#[inline(always)]
fn tube(o: &V, d: &V, radius: f64) -> [f64; 2] {
    let across = d[0] * d[0] + d[1] * d[1];
    let a = most(across, 1e-290);
    let b = o[0] * d[0] + o[1] * d[1];
    let cross = o[0] * d[1] - o[1] * d[0];
    // Along the axis the ray is inside all the way, or never.
    let off = if across > 1e-290 { cross * cross } else { (o[0] * o[0] + o[1] * o[1]) * a };
    let under = radius * radius * a - off;
    let root = most(under, 0.0).sqrt();
    let miss = under < 0.0;
    [
        if miss { f64::INFINITY } else { (-b - root) / a },
        if miss { f64::NEG_INFINITY } else { (-b + root) / a },
    ]
}

/// The part of a ray inside a ball about (0, 0, z).
#[inline(always)]
fn ball(o: &V, d: &V, z: f64, radius: f64) -> [f64; 2] {
    let oz = o[2] - z;
    let b = o[0] * d[0] + o[1] * d[1] + oz * d[2];
    // Foot of the perpendicular from the centre.
    let (x, y, w) = (o[0] - b * d[0], o[1] - b * d[1], oz - b * d[2]);
    let under = radius * radius - (x * x + y * y + w * w);
    let root = most(under, 0.0).sqrt();
    if under < 0.0 { [f64::INFINITY, f64::NEG_INFINITY] } else { [-b - root, -b + root] }
}

#[inline(always)]
pub(crate) fn cuboid(half: &V, o: &V, d: &V) -> f64 {
    let [x, y, z] = [slab(o[0], d[0], half[0]), slab(o[1], d[1], half[1]), slab(o[2], d[2], half[2])];
    first(most(most(x[0], y[0]), z[0]), least(least(x[1], y[1]), z[1]))
}

#[inline(always)]
pub(crate) fn sphere(radius: f64, o: &V, d: &V) -> f64 {
    let [enter, leave] = ball(o, d, 0.0, radius);
    first(enter, leave)
}

#[inline(always)]
pub(crate) fn cylinder(radius: f64, half: f64, o: &V, d: &V) -> f64 {
    let (side, ends) = (tube(o, d, radius), slab(o[2], d[2], half));
    first(most(side[0], ends[0]), least(side[1], ends[1]))
}

#[inline(always)]
pub(crate) fn capsule(radius: f64, half: f64, o: &V, d: &V) -> f64 {
    // A convex union: it is entered where the first of its parts is, left where the last is.
    let (side, ends) = (tube(o, d, radius), slab(o[2], d[2], half));
    let (enter, leave) = (most(side[0], ends[0]), least(side[1], ends[1]));
    let empty = enter > leave;
    let (low, high) = (ball(o, d, -half, radius), ball(o, d, half, radius));
    let enter = least(if empty { f64::INFINITY } else { enter }, least(low[0], high[0]));
    let leave = most(if empty { f64::NEG_INFINITY } else { leave }, most(low[1], high[1]));
    first(enter, leave)
}

#[inline(always)]
pub(crate) fn ellipsoid(radii: &V, o: &V, d: &V) -> f64 {
    let (o, d): (V, V) = ([0, 1, 2].map(|k| o[k] / radii[k]), [0, 1, 2].map(|k| d[k] / radii[k]));
    let a = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
    let b = o[0] * d[0] + o[1] * d[1] + o[2] * d[2];
    let cross = [o[1] * d[2] - o[2] * d[1], o[2] * d[0] - o[0] * d[2], o[0] * d[1] - o[1] * d[0]];
    let under = a - (cross[0] * cross[0] + cross[1] * cross[1] + cross[2] * cross[2]);
    let root = most(under, 0.0).sqrt();
    if under < 0.0 { f64::INFINITY } else { first((-b - root) / a, (-b + root) / a) }
}

/// A closed cone, its tip at `half`. Not convex together with its mirror image, so the roots are looked at one by one.
pub(crate) fn cone(radius: f64, half: f64, o: &V, d: &V) -> f64 {
    let k = radius / (2.0 * half);
    let w = half - o[2];
    let a = d[0] * d[0] + d[1] * d[1] - k * k * d[2] * d[2];
    let b = o[0] * d[0] + o[1] * d[1] + k * k * w * d[2];
    let c = o[0] * o[0] + o[1] * o[1] - k * k * w * w;
    let mut best = f64::INFINITY;
    let mut offer = |t: f64, valid: bool| {
        if valid && t > 0.0 && t < best {
            best = t;
        }
    };
    let under = b * b - a * c;
    if a.abs() < 1e-14 {
        let t = -c / (2.0 * b);
        offer(t, (o[2] + t * d[2]).abs() <= half);
    } else if under >= 0.0 {
        let q = -(b + under.sqrt().copysign(b));
        for t in [q / a, c / q] {
            offer(t, (o[2] + t * d[2]).abs() <= half);
        }
    }
    let t = (-half - o[2]) / d[2];
    let (x, y) = (o[0] + t * d[0], o[1] + t * d[1]);
    offer(t, x * x + y * y <= radius * radius);
    best
}

#[inline(always)]
pub(crate) fn plane(normal: &V, o: &V, d: &V) -> f64 {
    let along = normal[0] * d[0] + normal[1] * d[1] + normal[2] * d[2];
    let t = -(normal[0] * o[0] + normal[1] * o[1] + normal[2] * o[2]) / along;
    // Also false for a ray along the plane.
    if t > 0.0 && t < f64::INFINITY { t } else { f64::INFINITY }
}

/// From either side. Source: Moeller and Trumbore, "Fast, minimum storage ray/triangle intersection", 1997.
#[inline(always)]
pub(crate) fn triangle(corners: &[V; 3], o: &V, d: &V) -> f64 {
    let sub = |a: &V, b: &V| [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
    let cross =
        |a: &V, b: &V| [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
    let dot = |a: &V, b: &V| a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
    let (e1, e2, s) = (sub(&corners[1], &corners[0]), sub(&corners[2], &corners[0]), sub(o, &corners[0]));
    let (p, q) = (cross(d, &e2), cross(&s, &e1));
    let k = 1.0 / dot(&e1, &p);
    let (u, v, t) = (dot(&s, &p) * k, dot(d, &q) * k, dot(&e2, &q) * k);
    // A ray along the triangle's plane makes these NaN, and misses. The slack closes the seams of a mesh.
    let hit = (u >= -1e-12) & (v >= -1e-12) & (u + v <= 1.0 + 1e-12) & (t > 0.0) & (t < f64::INFINITY);
    if hit { t } else { f64::INFINITY }
}

impl Shape {
    /// Distance from `origin` along the unit vector `direction` to the surface, both in the shape's frame; +inf if it is
    /// never met.
    pub fn ray(&self, origin: &V, direction: &V) -> f64 {
        let (o, d) = (origin, direction);
        match self {
            Self::Box { size } => cuboid(&[size.x / 2.0, size.y / 2.0, size.z / 2.0], o, d),
            Self::Cylinder { radius, length } => cylinder(*radius, length / 2.0, o, d),
            Self::Sphere { radius } => sphere(*radius, o, d),
            Self::Capsule { radius, length } => capsule(*radius, length / 2.0, o, d),
            Self::Ellipsoid { radii } => ellipsoid(&[radii.x, radii.y, radii.z], o, d),
            Self::Cone { radius, length } => cone(*radius, length / 2.0, o, d),
            Self::Plane { normal, .. } => plane(&[normal.x, normal.y, normal.z], o, d),
            Self::Triangle { corners } => triangle(&corners.map(Into::into), o, d),
        }
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::{Isometry3, Point3, Unit, Vector3};
    use peregrine_render::raycast;

    use super::*;
    use crate::rng::Stream;

    fn shapes() -> [Shape; 8] {
        [
            Shape::Box { size: Vector3::new(1.0, 2.0, 0.6) },
            Shape::Cylinder { radius: 0.7, length: 1.8 },
            Shape::Sphere { radius: 0.9 },
            Shape::Capsule { radius: 0.4, length: 1.2 },
            Shape::Ellipsoid { radii: Vector3::new(0.5, 1.1, 0.8) },
            Shape::Cone { radius: 0.8, length: 1.5 },
            Shape::Plane { normal: Unit::new_normalize(Vector3::new(0.1, 0.2, 1.0)), size: [1.0, 1.0] },
            Shape::Triangle {
                corners: [
                    Vector3::new(1.0, 0.2, -0.5),
                    Vector3::new(-0.4, 0.9, 0.3),
                    Vector3::new(-0.5, -1.1, 0.8),
                ],
            },
        ]
    }

    fn rays(n: u64) -> impl Iterator<Item = (V, V)> {
        let (a, b, c) = (Stream::new(3, 1), Stream::new(3, 2), Stream::new(3, 3));
        (0..n).map(move |i| {
            let ([x, y], [z, s]) = (a.pair(i), b.pair(i));
            // Some from far away, some from inside.
            let reach = if i % 3 == 0 { 1.2 } else { 2.0 + 60.0 * s };
            let o = [(x - 0.5) * reach, (y - 0.5) * reach, (z - 0.5) * reach];
            // Aimed near the middle.
            let n = c.normal3(i) * 0.5;
            let d = (n - Vector3::from(o)).normalize();
            (o, [d.x, d.y, d.z])
        })
    }

    /// The oracle is the render crate's ray caster, written apart.
    #[test]
    fn hits_agree_with_the_other_ray_caster() {
        let pairs = [
            (shapes()[0], raycast::Shape::Box { size: [1.0, 2.0, 0.6] }),
            (shapes()[1], raycast::Shape::Cylinder { radius: 0.7, length: 1.8 }),
            (shapes()[2], raycast::Shape::Sphere { radius: 0.9 }),
            (shapes()[3], raycast::Shape::Capsule { radius: 0.4, length: 1.2 }),
            (shapes()[5], raycast::Shape::Cone { radius: 0.8, length: 1.5 }),
        ];
        for (shape, other) in pairs {
            let (mut hits, mut split) = (0, 0);
            for (o, d) in rays(20_000) {
                let ray = raycast::Ray { origin: Point3::from(o), direction: Vector3::from(d) };
                let theirs = other.hit(&Isometry3::identity(), &ray);
                let ours = shape.ray(&o, &d);
                match theirs {
                    Some(t) if ours.is_finite() => {
                        hits += 1;
                        assert!((t - ours).abs() < 1e-6, "{shape:?} {o:?} {d:?}: {t} {ours}");
                    }
                    None if ours.is_infinite() => {}
                    // Only rays that graze may differ.
                    _ => split += 1,
                }
            }
            assert!(hits > 3000 && split < 3, "{shape:?}: {hits} {split}");
        }
    }

    /// At a hit the signed distance is zero, and nothing of the shape lies before it.
    #[test]
    fn every_hit_lies_on_the_surface_and_is_the_first() {
        for shape in shapes() {
            for (o, d) in rays(3000) {
                let t = shape.ray(&o, &d);
                let inside = shape.near(&Vector3::from(o)).distance < 0.0;
                let at = |t: f64| shape.near(&(Vector3::from(o) + Vector3::from(d) * t)).distance;
                if t.is_finite() {
                    assert!(at(t).abs() < 1e-7, "{shape:?} {o:?} {d:?} {t}: {}", at(t));
                }
                let end = t.min(80.0);
                for k in 1..20 {
                    let before = at(end * f64::from(k) / 20.0);
                    assert!(
                        (before < 1e-9) == inside || before.abs() < 1e-7,
                        "{shape:?} {o:?} {d:?} {t}: crossed before"
                    );
                }
            }
        }
    }

    #[test]
    fn rays_along_the_axes_divide_by_zero_without_harm() {
        let x = [1.0, 0.0, 0.0];
        let [cuboid, cylinder, ..] = shapes();
        assert_eq!(cuboid.ray(&[-5.0, 0.0, 0.0], &x), 4.5);
        assert_eq!(cuboid.ray(&[-5.0, 1.0 - 1e-12, 0.1], &x), 4.5, "along a face");
        assert_eq!(cuboid.ray(&[-5.0, 1.1, 0.0], &x), f64::INFINITY);
        assert!((cylinder.ray(&[0.1, 0.1, 5.0], &[0.0, 0.0, -1.0]) - 4.1).abs() < 1e-12);
        assert_eq!(cylinder.ray(&[0.9, 0.1, 5.0], &[0.0, 0.0, -1.0]), f64::INFINITY);
    }
}
