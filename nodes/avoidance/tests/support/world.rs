//! Vertical cylinders over a ground plane at z = 0; walls are rows of cylinders.

use super::random::Random;

#[derive(Clone, Copy, Debug)]
pub struct Cylinder {
    pub x: f64,
    pub y: f64,
    pub radius: f64,
    pub bottom: f64,
    pub top: f64,
}

#[derive(Clone, Debug, Default)]
pub struct World {
    pub cylinders: Vec<Cylinder>,
}

impl World {
    /// Homogeneous Poisson forest between x = 3 and `length`, y within +-`half_width`; start and goal kept clear.
    pub fn forest(seed: u64, density: f64, length: f64, half_width: f64, radius: f64) -> Self {
        let mut rng = Random(seed.wrapping_mul(0x1234_5678_9ABC_DEF1));
        let mean = density * length * 2.0 * half_width;
        let count = (mean + mean.sqrt() * rng.gauss()).round().max(0.0) as usize;
        let mut world = Self::default();
        while world.cylinders.len() < count {
            let (x, y) = (rng.between(0.0, length), rng.between(-half_width, half_width));
            if x.hypot(y) > 2.5 && (x - length).hypot(y) > 2.0 {
                world.tree(x, y, radius);
            }
        }
        world
    }

    pub fn tree(&mut self, x: f64, y: f64, radius: f64) {
        self.cylinders.push(Cylinder { x, y, radius, bottom: 0.0, top: 8.0 });
    }

    /// A wall of thin pillars without gaps.
    pub fn wall(&mut self, from: (f64, f64), to: (f64, f64)) {
        let length = (to.0 - from.0).hypot(to.1 - from.1);
        let steps = (length / 0.15).ceil() as usize;
        for i in 0..=steps {
            let t = i as f64 / steps.max(1) as f64;
            self.tree(from.0 + (to.0 - from.0) * t, from.1 + (to.1 - from.1) * t, 0.1);
        }
    }

    /// Metres from a point to the nearest surface, the ground included.
    pub fn clearance(&self, [x, y, z]: [f64; 3]) -> f64 {
        self.cylinders.iter().fold(z, |best, c| {
            let side = (x - c.x).hypot(y - c.y) - c.radius;
            let above = (z - c.top).max(c.bottom - z);
            let d = if above <= 0.0 {
                side
            } else if side <= 0.0 {
                above
            } else {
                side.hypot(above)
            };
            best.min(d)
        })
    }
}
