//! A laser scanner of one plane that turns all around, by exact intersection with the ground, cylinders and blocks.
//!
//! All rays of a turn are cast from one pose: the skew of a head that turns while the vehicle flies (0.1 m at 1 m/s and 10 Hz, less
//! what a driver takes out of it) is not simulated.

use peregrine_avoidance::algo::geometry::{Pose, Vec3};

use crate::rng::Random;
use crate::world::{Shape, World};

/// What a small scanner with a turning head is: about what the makers of 360 degree scanners for drones give.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Laser {
    /// Rays per turn, evenly spaced.
    pub rays: usize,
    /// Turns per second.
    pub rate: f64,
    /// Nearest and farthest range, metres.
    pub limits: (f32, f32),
    /// Standard deviation of a range, metres.
    pub noise: f32,
    /// Share of rays without a return, 0 to 1.
    pub dropout: f64,
    /// From the middle of a turn until the scan is there, seconds.
    pub latency: f64,
}

impl Laser {
    /// 360 rays at 10 Hz, 0.1 to 12 m, 2 cm, one ray in 100 lost, there after 60 ms.
    pub const SMALL: Self =
        Self { rays: 360, rate: 10.0, limits: (0.1, 12.0), noise: 0.02, dropout: 0.01, latency: 0.06 };

    /// Azimuth (rad) of the first ray, and from one to the next, counter-clockwise.
    #[must_use]
    pub fn fan(&self) -> (f64, f64) {
        (-std::f64::consts::PI, std::f64::consts::TAU / self.rays as f64)
    }

    /// One turn about the z axis of `pose` (body, FLU) at `time` seconds; `near` are the shapes in reach. `out` takes the ranges (m):
    /// `+inf` where nothing is within range, NaN where no answer came (REP-117).
    pub fn scan(
        &self,
        world: &World,
        near: &[u32],
        time: f64,
        pose: &Pose,
        rng: &mut Random,
        out: &mut Vec<f32>,
    ) {
        out.clear();
        let moving = world.movers.iter().map(|m| m.shape(time));
        let far = f64::from(self.limits.1);
        let standing = near.iter().filter_map(|i| world.shapes.get(*i as usize)).copied();
        let shapes: Vec<Shape> = standing
            .chain(moving)
            .filter(|s| {
                let (x, y, r) = s.disc();
                (x - pose.position.x).hypot(y - pose.position.y) <= far + r
            })
            .collect();
        let (first, step) = self.fan();
        let (o, cut) = (pose.position, (self.dropout * 65_536.0) as u64);
        for i in 0..self.rays {
            let (sin, cos) = (first + i as f64 * step).sin_cos();
            let d = pose.rotation.rotate(Vec3::new(cos, sin, 0.0));
            let ground = if d.z < 0.0 { -o.z / d.z } else { f64::INFINITY };
            let true_range = shapes.iter().map(|s| ray(s, o, d)).fold(ground, f64::min);
            let range = true_range as f32 + self.noise * rng.gauss();
            let lost = rng.bits() >> 48 < cut;
            out.push(if true_range > far {
                f32::INFINITY
            } else if lost || range < self.limits.0 {
                f32::NAN
            } else {
                range
            });
        }
    }
}

/// Metres along the unit ray `d` from `o` to the shape; infinite when it misses. From inside: zero.
fn ray(shape: &Shape, o: Vec3, d: Vec3) -> f64 {
    let span = |from: f64, along: f64, low: f64, high: f64| {
        let (a, b) = ((low - from) / along, (high - from) / along);
        if along == 0.0 {
            if from >= low && from <= high { (f64::NEG_INFINITY, f64::INFINITY) } else { (1.0, 0.0) }
        } else {
            (a.min(b), a.max(b))
        }
    };
    let (enter, leave) = match *shape {
        Shape::Cylinder { x, y, radius, bottom, top } => {
            let (px, py) = (o.x - x, o.y - y);
            let (a, b, c) = (d.x * d.x + d.y * d.y, px * d.x + py * d.y, px * px + py * py - radius * radius);
            let root = b * b - a * c;
            if root < 0.0 || a < 1e-12 {
                return f64::INFINITY;
            }
            let (low, high) = span(o.z, d.z, bottom, top);
            (((-b - root.sqrt()) / a).max(low), ((-b + root.sqrt()) / a).min(high))
        }
        Shape::Block { center, half, yaw } => {
            let (sin, cos) = yaw.sin_cos();
            let turn = |v: Vec3| Vec3::new(cos * v.x + sin * v.y, cos * v.y - sin * v.x, v.z);
            let (p, q) = (turn(o - center), turn(d));
            let x = span(p.x, q.x, -half.x, half.x);
            let y = span(p.y, q.y, -half.y, half.y);
            let z = span(p.z, q.z, -half.z, half.z);
            (x.0.max(y.0).max(z.0), x.1.min(y.1).min(z.1))
        }
    };
    if leave < enter.max(0.0) { f64::INFINITY } else { enter.max(0.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use peregrine_avoidance::algo::geometry::Quat;

    fn turn(world: &World, pose: &Pose, laser: &Laser) -> Vec<f32> {
        let near: Vec<u32> = (0..world.shapes.len() as u32).collect();
        let mut out = Vec::new();
        laser.scan(world, &near, 0.0, pose, &mut Random::new(1, 1), &mut out);
        out
    }

    #[test]
    fn ranges_are_those_of_the_drawing_board() {
        let exact = Laser { noise: 0.0, dropout: 0.0, ..Laser::SMALL };
        let mut world = World::new(Vec3::new(0.0, 0.0, 2.0), Vec3::new(9.0, 0.0, 2.0));
        world.trunk(4.0, 0.0, 0.5);
        world.wall((-3.0, -5.0), (-3.0, 5.0));
        let level = Pose { position: world.start, rotation: Quat::IDENTITY };
        let r = turn(&world, &level, &exact);
        assert!((r[180] - 3.5).abs() < 1e-5, "ahead: {}", r[180]);
        assert!((r[0] - 2.9).abs() < 1e-5, "behind: {}", r[0]);
        assert!((r[45] - 2.9 * std::f32::consts::SQRT_2).abs() < 1e-4, "{}", r[45]);
        assert_eq!(r[270], f32::INFINITY, "to the left there is nothing");
        // Rolled by 30 degrees to the right: the rays to that side meet the ground.
        let rolled = Pose { rotation: Quat::from_rpy(0.5, 0.0, 0.0), ..level };
        let r = turn(&world, &rolled, &exact);
        assert!((f64::from(r[90]) - 2.0 / 0.5_f64.sin()).abs() < 1e-4, "{}", r[90]);
    }

    #[test]
    fn rays_are_lost_and_noisy_as_stated() {
        let mut world = World::new(Vec3::new(0.0, 0.0, 2.0), Vec3::new(9.0, 0.0, 2.0));
        for (a, b) in [
            ((-4.0, -4.0), (4.0, -4.0)),
            ((4.0, -4.0), (4.0, 4.0)),
            ((4.0, 4.0), (-4.0, 4.0)),
            ((-4.0, 4.0), (-4.0, -4.0)),
        ] {
            world.wall(a, b);
        }
        let level = Pose { position: world.start, rotation: Quat::IDENTITY };
        let exact = turn(&world, &level, &Laser { noise: 0.0, dropout: 0.0, ..Laser::SMALL });
        let noisy = turn(&world, &level, &Laser { dropout: 0.1, ..Laser::SMALL });
        let errors: Vec<f32> =
            noisy.iter().zip(&exact).filter(|(n, _)| n.is_finite()).map(|(n, e)| n - e).collect();
        assert!((300..345).contains(&errors.len()), "{}", errors.len());
        let sigma = (errors.iter().map(|e| e * e).sum::<f32>() / errors.len() as f32).sqrt();
        assert!((sigma - 0.02).abs() < 0.003, "{sigma}");
    }
}
