//! How the vehicle answers a velocity command, as the planner believes it: a first-order lag with a limit.
//!
//! The truth is never this simple, so a certificate asks two of these at once: a sluggish one that brakes late and
//! turns wide, and a brisk one that turns at once. The true path lies between the two, within the margin.

use super::geometry::Vec3;

/// One belief about the velocity loop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plant {
    /// Time constant, seconds.
    pub lag: f64,
    /// Largest acceleration, m/s^2.
    pub acceleration: f64,
}

impl Plant {
    /// Acceleration (m/s^2, odom) that answers the wish for `wanted` (m/s) at `velocity` (m/s).
    #[must_use]
    pub fn answer(&self, velocity: Vec3, wanted: Vec3) -> Vec3 {
        ((wanted - velocity) * (1.0 / self.lag)).limited(self.acceleration)
    }

    /// One step of `dt` seconds toward `wanted`; position moves with the mean of the old and new velocity.
    pub fn step(&self, position: &mut Vec3, velocity: &mut Vec3, wanted: Vec3, dt: f64) {
        let a = self.answer(*velocity, wanted);
        let next = *velocity + a * dt;
        *position += (*velocity + next) * (0.5 * dt);
        *velocity = next;
    }

    /// Where the vehicle will be, and how fast, after `time` seconds of the command `wanted`.
    #[must_use]
    pub fn after(&self, mut position: Vec3, mut velocity: Vec3, wanted: Vec3, time: f64) -> (Vec3, Vec3) {
        const STEP: f64 = 0.02;
        let mut left = time.clamp(0.0, 2.0);
        while left > 1e-9 {
            let dt = left.min(STEP);
            self.step(&mut position, &mut velocity, wanted, dt);
            left -= dt;
        }
        (position, velocity)
    }

    /// The path from (`position`, `velocity`) when `wanted` acts for `hold` seconds and then "stop" does.
    ///
    /// Points lie at most `spacing` metres apart; the last one is where the vehicle comes to rest. `visit` gets each
    /// of them, its time (s), and whether it is the last; it returns false to give up early. Returns the path's length (m) when
    /// `visit` never gave up.
    pub fn sweep(
        &self,
        mut position: Vec3,
        mut velocity: Vec3,
        wanted: Vec3,
        hold: f64,
        spacing: f64,
        mut visit: impl FnMut(Vec3, f64, bool) -> bool,
    ) -> Option<f64> {
        /// Below this the rest of the way is `speed * lag`, in a straight line. m/s.
        const CRAWL: f64 = 0.25;
        /// Longer than any stop from the speeds that `Config` allows, seconds.
        const LIMIT: f64 = 60.0;
        let (mut time, mut length) = (0.0, 0.0);
        loop {
            let speed = velocity.norm();
            let holding = time < hold;
            if !holding && speed < CRAWL || time > LIMIT {
                let rest = velocity * self.lag;
                return visit(position + rest, time + 2.0 * self.lag, true).then(|| length + rest.norm());
            }
            let mut dt = (spacing / speed.max(wanted.norm()).max(0.5)).min(0.5 * self.lag.max(0.05));
            if holding {
                dt = dt.min(hold - time).max(1e-3);
            }
            let before = position;
            self.step(&mut position, &mut velocity, if holding { wanted } else { Vec3::ZERO }, dt);
            time += dt;
            length += (position - before).norm();
            if !visit(position, time, false) {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sweep_ends_at_rest_and_its_points_are_dense() {
        let plant = Plant { lag: 0.3, acceleration: 4.0 };
        let v = Vec3::new(5.0, 0.0, 0.0);
        let (mut last, mut ends, mut gap) = (Vec3::ZERO, 0, 0.0_f64);
        let length = plant.sweep(Vec3::ZERO, v, v, 0.2, 0.25, |p, _, end| {
            if !end {
                gap = gap.max((p - last).norm());
            }
            last = p;
            ends += usize::from(end);
            true
        });
        assert_eq!(ends, 1);
        assert!(gap <= 0.26, "{gap}");
        // Fine integration of the same law as the oracle.
        let (mut p, mut w, mut t) = (Vec3::ZERO, v, 0.0);
        while t < 10.0 {
            plant.step(&mut p, &mut w, if t < 0.2 { v } else { Vec3::ZERO }, 1e-4);
            t += 1e-4;
        }
        assert!((length.unwrap() - p.x).abs() < 0.05, "{length:?} against {}", p.x);
        assert!((last.x - p.x).abs() < 0.05);
    }

    #[test]
    fn giving_up_early_yields_no_length() {
        let plant = Plant { lag: 0.3, acceleration: 4.0 };
        assert!(
            plant
                .sweep(Vec3::ZERO, Vec3::ZERO, Vec3::new(2.0, 0.0, 0.0), 0.3, 0.25, |_, _, _| false)
                .is_none()
        );
    }

    #[test]
    fn prediction_follows_the_lag() {
        let plant = Plant { lag: 0.3, acceleration: 100.0 };
        let (_, v) = plant.after(Vec3::ZERO, Vec3::ZERO, Vec3::new(1.0, 0.0, 0.0), 0.3);
        assert!((v.x - 0.632).abs() < 0.02, "{v:?}");
    }
}
