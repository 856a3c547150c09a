//! Who flies a batch.

use nalgebra::{Point3, Vector3};

use crate::flight::{Axes, Flight};
use crate::physics::Command;

/// Who flies: asked for a velocity at a fixed rate, knows the whole world.
pub trait Pilot: Send {
    /// The command for now.
    fn command(&mut self, flight: &Flight) -> (Command, Axes);
}

/// The pilots that need nothing but the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truthful {
    /// Stays where it starts.
    Hover,
    /// Straight to the goal, whatever stands there.
    Straight,
    /// To the goal, along the surfaces of what stands before it.
    Slide,
}

impl Truthful {
    /// The pilot of that name.
    pub fn by_name(name: &str) -> Option<Self> {
        match name {
            "hover" => Some(Self::Hover),
            "straight" => Some(Self::Straight),
            "slide" => Some(Self::Slide),
            _ => None,
        }
    }
}

/// One of [`Truthful`] at a speed.
#[derive(Debug, Clone, Copy)]
pub(super) struct TruthfulPilot {
    pub kind: Truthful,
    /// m/s.
    pub speed: f64,
}

impl Pilot for TruthfulPilot {
    fn command(&mut self, flight: &Flight) -> (Command, Axes) {
        let state = flight.quad().state();
        let here = Point3::from(state.position);
        let way = flight.world().goal - here;
        let far = way.norm();
        let mut velocity = match self.kind {
            Truthful::Hover => return (Command::default(), Axes::World),
            _ if far < 1e-6 => Vector3::zeros(),
            _ => way / far * self.speed.min(far),
        };
        if self.kind == Truthful::Slide {
            // What would be met first within a second and a half.
            let eye = here + velocity * 0.5;
            for p in [here, eye, here + velocity] {
                let Some(hit) = flight.world().solids.nearest(&p) else { break };
                let (gap, n) = (hit.near.distance - 1.2, hit.near.normal);
                let towards = velocity.dot(&n);
                if gap < 0.8 && towards < 0.0 {
                    velocity -= n * towards * (1.0 - gap.max(0.0) / 0.8);
                    // Head on there is no way along the surface: take the left one.
                    let left = Vector3::z().cross(&n);
                    if velocity.norm() < 0.3 * self.speed {
                        velocity += left * self.speed * 0.6;
                    }
                }
                if gap < 0.0 {
                    velocity += n * (-gap).min(1.0) * self.speed;
                }
            }
            let most = velocity.norm();
            if most > self.speed {
                velocity *= self.speed / most;
            }
            velocity.z += (flight.world().goal.z - here.z).clamp(-0.5, 0.5);
        }
        (Command { velocity, yaw_rate: 0.0, steady: true }, Axes::World)
    }
}
