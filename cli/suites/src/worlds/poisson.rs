//! Forests whose trees stand as a homogeneous Poisson process.

use peregrine_avoidance::algo::geometry::Vec3;

use crate::rng::Random;
use crate::world::World;

/// Edge of the box, metres.
const BOX: f64 = 235.0;
/// Flight altitude, metres.
const ALTITUDE: f64 = 2.0;

/// `density` trees per m2 of radius 0.3 m in a box of 235 m; 60 m from start to goal. Kept clear: 2 m around the start,
/// 1.2 m around the goal.
#[must_use]
pub fn forest(seed: u64, density: f64) -> World {
    let mut rng = Random::new(seed, 0x70E55);
    let mut world = World::new(Vec3::new(-30.0, 0.0, ALTITUDE), Vec3::new(30.0, 0.0, ALTITUDE));
    for _ in 0..rng.poisson(density * BOX * BOX) {
        let (x, y) = (rng.between(-BOX / 2.0, BOX / 2.0), rng.between(-BOX / 2.0, BOX / 2.0));
        plant(&mut world, x, y, 0.3);
    }
    world
}

/// 0.1 cylinders per m2 with radii from 0.26 to 1 m (mean 0.63) in a box of 70 m; 40 m from start to goal.
#[must_use]
pub fn dense(seed: u64) -> World {
    const EDGE: f64 = 70.0;
    let mut rng = Random::new(seed, 0xDE45E);
    let mut world = World::new(Vec3::new(-20.0, 0.0, ALTITUDE), Vec3::new(20.0, 0.0, ALTITUDE));
    for _ in 0..rng.poisson(0.1 * EDGE * EDGE) {
        let (x, y) = (rng.between(-EDGE / 2.0, EDGE / 2.0), rng.between(-EDGE / 2.0, EDGE / 2.0));
        let radius = rng.between(0.26, 1.0);
        plant(&mut world, x, y, radius);
    }
    world
}

fn plant(world: &mut World, x: f64, y: f64, radius: f64) {
    let clear = |at: Vec3, by: f64| (x - at.x).hypot(y - at.y) > by + radius;
    if clear(world.start, 1.7) && clear(world.goal, 0.9) {
        world.trunk(x, y, radius);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_density_is_the_one_asked_for() {
        let mean = (0..20).map(|s| forest(s, 1.0 / 25.0).shapes.len() as f64).sum::<f64>() / 20.0;
        assert!((mean / (BOX * BOX / 25.0) - 1.0).abs() < 0.01, "{mean}");
        assert_ne!(forest(1, 0.04), forest(2, 0.04));
        assert_eq!(forest(1, 0.04), forest(1, 0.04));
    }
}
