//! A field with people who walk and drones that cross. None of them looks out.

use peregrine_avoidance::algo::geometry::Vec3;

use crate::rng::Random;
use crate::world::{Kind, Mover, World};

/// Walking speed, m/s.
const WALK: f64 = 1.5;
/// Speed of crossing drones, m/s.
const CROSS: f64 = 4.0;
/// Flight altitude, metres: people reach up to 1.8.
const ALTITUDE: f64 = 1.5;
/// The field: from 6 m behind the start to 6 m beyond the goal, 25 m to each side.
const FIELD: ((f64, f64), (f64, f64)) = ((-36.0, -25.0), (36.0, 25.0));

/// 10 people per 1000 m2 and 1.5 drones per 1000 m2; 60 m from start to goal. The ceiling is low: there is no way above.
#[must_use]
pub fn crowd(seed: u64) -> World {
    let mut rng = Random::new(seed, 0xC40D);
    let mut world = World::new(Vec3::new(-30.0, 0.0, ALTITUDE), Vec3::new(30.0, 0.0, ALTITUDE));
    world.altitude = (0.9, 2.0);
    let ((x0, y0), (x1, y1)) = FIELD;
    let area = (x1 - x0) * (y1 - y0);
    for _ in 0..(area * 0.010).round() as usize {
        let (mut x, mut y) = (0.0, 0.0);
        for _ in 0..50 {
            (x, y) = (rng.between(x0, x1), rng.between(y0, y1));
            if (x - world.start.x).hypot(y) > 4.0 {
                break;
            }
        }
        let angle = rng.between(0.0, std::f64::consts::TAU);
        world.movers.push(Mover {
            kind: Kind::Person,
            from: Vec3::new(x, y, 0.0),
            velocity: Vec3::new(WALK * angle.cos(), WALK * angle.sin(), 0.0),
            field: FIELD,
        });
    }
    for _ in 0..(area * 0.0015).round() as usize {
        let x = rng.between(-22.0, 28.0);
        let up = if rng.unit() < 0.5 { 1.0 } else { -1.0 };
        let slant = rng.between(-0.3, 0.3);
        world.movers.push(Mover {
            kind: Kind::Drone,
            from: Vec3::new(x, rng.between(y0, y1), ALTITUDE - 0.15),
            velocity: Vec3::new(CROSS * slant.sin(), up * CROSS * slant.cos(), 0.0),
            field: FIELD,
        });
    }
    world
}
