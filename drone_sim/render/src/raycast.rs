//! Exact rays against primitives: the independent check of the rasteriser's depth, and the lidar's geometry.
//!
//! Shapes are centred on their own origin with the axis along z, as the mesh primitives of this crate. All in f64.

use nalgebra::{Isometry3, Point3, Vector3};

/// A solid (or a plane) in its own frame, metres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// Full edge lengths.
    Box {
        /// Along x, y, z.
        size: [f64; 3],
    },
    /// Ball.
    Sphere {
        /// Radius.
        radius: f64,
    },
    /// Closed cylinder along z.
    Cylinder {
        /// Radius.
        radius: f64,
        /// From end to end.
        length: f64,
    },
    /// Cylinder between two half balls along z.
    Capsule {
        /// Radius.
        radius: f64,
        /// Of the cylindrical part.
        length: f64,
    },
    /// Closed cone along z, apex up.
    Cone {
        /// At the base.
        radius: f64,
        /// From base to apex.
        length: f64,
    },
    /// The boundless plane z = 0.
    Plane,
}

/// A half line; hits are reported as multiples of `direction`, which need not be a unit vector.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ray {
    /// Start, metres.
    pub origin: Point3<f64>,
    /// Direction; with a z of 1 in the camera frame, hits are optical depths.
    pub direction: Vector3<f64>,
}

impl Ray {
    /// The point at `t` times the direction.
    pub fn at(&self, t: f64) -> Point3<f64> {
        self.origin + self.direction * t
    }

    /// The ray seen from the frame of `pose`.
    fn inside(&self, pose: &Isometry3<f64>) -> Self {
        Self {
            origin: pose.inverse_transform_point(&self.origin),
            direction: pose.inverse_transform_vector(&self.direction),
        }
    }
}

/// Both roots of a t^2 + 2 b t + c, smaller first.
fn roots(a: f64, b: f64, c: f64) -> Option<[f64; 2]> {
    let root = b * b - a * c;
    if a.abs() < 1e-300 || root < 0.0 {
        return None;
    }
    // Avoids the cancellation of -b + sqrt(..).
    let q = -(b + root.sqrt().copysign(b));
    let (x, y) = (q / a, if q == 0.0 { q / a } else { c / q });
    Some([x.min(y), x.max(y)])
}

impl Shape {
    /// The smallest `t` above 0 at which the ray meets the surface, from inside as well, or `None`.
    pub fn hit(&self, pose: &Isometry3<f64>, ray: &Ray) -> Option<f64> {
        let r = ray.inside(pose);
        let (o, d) = (r.origin.coords, r.direction);
        let mut best = f64::INFINITY;
        let mut offer = |t: f64, valid: bool| {
            if valid && t > 0.0 && t < best {
                best = t;
            }
        };
        match *self {
            Shape::Plane => offer(-o.z / d.z, true),
            Shape::Box { size } => {
                let (mut enter, mut leave) = (f64::NEG_INFINITY, f64::INFINITY);
                for k in 0..3 {
                    let h = size[k] / 2.0;
                    if d[k] == 0.0 {
                        if o[k].abs() > h {
                            return None;
                        }
                        continue;
                    }
                    let (a, b) = ((-h - o[k]) / d[k], (h - o[k]) / d[k]);
                    enter = enter.max(a.min(b));
                    leave = leave.min(a.max(b));
                }
                offer(enter, enter <= leave);
                offer(leave, enter <= leave);
            }
            Shape::Sphere { radius } => {
                for t in roots(d.dot(&d), o.dot(&d), o.dot(&o) - radius * radius)? {
                    offer(t, true);
                }
            }
            Shape::Cylinder { radius, length } => {
                let h = length / 2.0;
                for t in side(&o, &d, radius) {
                    offer(t, (o.z + t * d.z).abs() <= h);
                }
                for cap in [-h, h] {
                    let t = (cap - o.z) / d.z;
                    let (x, y) = (o.x + t * d.x, o.y + t * d.y);
                    offer(t, x * x + y * y <= radius * radius);
                }
            }
            Shape::Capsule { radius, length } => {
                let h = length / 2.0;
                for t in side(&o, &d, radius) {
                    offer(t, (o.z + t * d.z).abs() <= h);
                }
                for end in [-h, h] {
                    let c = o - Vector3::new(0.0, 0.0, end);
                    let hits = roots(d.dot(&d), c.dot(&d), c.dot(&c) - radius * radius);
                    for t in hits.into_iter().flatten() {
                        let z = o.z + t * d.z;
                        offer(t, if end < 0.0 { z <= end } else { z >= end });
                    }
                }
            }
            Shape::Cone { radius, length } => {
                let (h, k) = (length / 2.0, radius / length);
                // x^2 + y^2 = (k (h - z))^2
                let w = h - o.z;
                let a = d.x * d.x + d.y * d.y - k * k * d.z * d.z;
                let b = o.x * d.x + o.y * d.y + k * k * w * d.z;
                let c = o.x * o.x + o.y * o.y - k * k * w * w;
                let straight = (a.abs() < 1e-14 && b != 0.0).then(|| [-c / (2.0 * b); 2]);
                for t in straight.or_else(|| roots(a, b, c)).into_iter().flatten() {
                    offer(t, (o.z + t * d.z).abs() <= h);
                }
                let t = (-h - o.z) / d.z;
                let (x, y) = (o.x + t * d.x, o.y + t * d.y);
                offer(t, x * x + y * y <= radius * radius);
            }
        }
        best.is_finite().then_some(best)
    }
}

/// Where the ray meets the endless cylinder about z.
fn side(o: &Vector3<f64>, d: &Vector3<f64>, radius: f64) -> impl Iterator<Item = f64> {
    let (a, b) = (d.x * d.x + d.y * d.y, o.x * d.x + o.y * d.y);
    roots(a, b, o.x * o.x + o.y * o.y - radius * radius).into_iter().flatten()
}

/// The nearest hit among posed shapes: `(t, index)`; of equal hits the first.
pub fn nearest(shapes: &[(Isometry3<f64>, Shape)], ray: &Ray) -> Option<(f64, usize)> {
    let hits = shapes.iter().enumerate().filter_map(|(i, (pose, shape))| Some((shape.hit(pose, ray)?, i)));
    hits.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ray(o: [f64; 3], d: [f64; 3]) -> Ray {
        Ray { origin: Point3::from(o), direction: Vector3::from(d) }
    }

    fn hit(shape: Shape, o: [f64; 3], d: [f64; 3]) -> Option<f64> {
        shape.hit(&Isometry3::identity(), &ray(o, d))
    }

    #[test]
    fn hits_along_axes_are_exact() {
        let x = [1.0, 0.0, 0.0];
        let down = [0.0, 0.0, -1.0];
        assert_eq!(hit(Shape::Box { size: [2.0, 1.0, 1.0] }, [-5.0, 0.0, 0.0], x), Some(4.0));
        assert_eq!(hit(Shape::Box { size: [2.0, 1.0, 1.0] }, [0.0; 3], x), Some(1.0), "from inside");
        assert_eq!(hit(Shape::Box { size: [2.0, 1.0, 1.0] }, [-5.0, 0.6, 0.0], x), None);
        assert_eq!(hit(Shape::Sphere { radius: 2.0 }, [-5.0, 0.0, 0.0], x), Some(3.0));
        assert_eq!(hit(Shape::Sphere { radius: 2.0 }, [5.0, 0.0, 0.0], x), None, "behind");
        let cylinder = Shape::Cylinder { radius: 1.0, length: 4.0 };
        assert_eq!(hit(cylinder, [-5.0, 0.0, 1.9], x), Some(4.0));
        assert_eq!(hit(cylinder, [-5.0, 0.0, 2.1], x), None);
        assert_eq!(hit(cylinder, [0.5, 0.0, 9.0], down), Some(7.0), "cap");
        let capsule = Shape::Capsule { radius: 1.0, length: 4.0 };
        assert_eq!(hit(capsule, [0.0, 0.0, 9.0], down), Some(6.0));
        assert_eq!(hit(capsule, [-5.0, 0.0, 0.0], x), Some(4.0));
        let cone = Shape::Cone { radius: 1.0, length: 2.0 };
        assert_eq!(hit(cone, [-5.0, 0.0, 0.0], x), Some(4.5));
        assert_eq!(hit(cone, [0.0, 0.0, -5.0], [0.0, 0.0, 1.0]), Some(4.0), "base");
        assert_eq!(hit(Shape::Plane, [0.0, 0.0, 3.0], down), Some(3.0));
        assert_eq!(hit(Shape::Plane, [0.0, 0.0, 3.0], x), None);
    }

    #[test]
    fn pose_and_length_of_direction_count() {
        let pose = Isometry3::new(Vector3::new(0.0, 10.0, 0.0), Vector3::x() * std::f64::consts::FRAC_PI_2);
        let shape = Shape::Cylinder { radius: 1.0, length: 4.0 };
        let t = shape.hit(&pose, &ray([0.0; 3], [0.0, 2.0, 0.0])).unwrap();
        assert!((t - 4.0).abs() < 1e-12, "the cap is 8 m away, two metres per step: {t}");
    }

    #[test]
    fn every_hit_lies_on_the_surface() {
        let mut dice = crate::maths::Dice::new(5);
        for _ in 0..2000 {
            let mut v = |s: f32| [0; 3].map(|_| f64::from(dice.between(-s, s)));
            let (o, d) = (v(4.0), v(1.0));
            let r = ray(o, d);
            if let Some(t) = (Shape::Cone { radius: 1.0, length: 2.0 }).hit(&Isometry3::identity(), &r) {
                let p = r.at(t);
                let off = (p.x * p.x + p.y * p.y).sqrt() - 0.5 * (1.0 - p.z);
                assert!(off.abs() < 1e-9 || (p.z + 1.0).abs() < 1e-9, "{p}");
            }
            if let Some(t) = (Shape::Capsule { radius: 1.0, length: 2.0 }).hit(&Isometry3::identity(), &r) {
                let p = r.at(t);
                let z = p.z - p.z.clamp(-1.0, 1.0);
                assert!(((p.x * p.x + p.y * p.y + z * z).sqrt() - 1.0).abs() < 1e-9, "{p}");
            }
        }
    }
}
