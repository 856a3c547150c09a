//! What a detector and a tracker would say of the movers: late, with errors, and only of what is in view.

use peregrine_avoidance::algo::geometry::{Vec3, wrap_angle};
use peregrine_avoidance::algo::movers::Track;

use crate::rng::Random;
use crate::vehicle::Vehicle;
use crate::world::{Kind, World};

/// The camera sees this far to each side, radians, with a little left for whole bodies.
const HALF_VIEW: f64 = 0.72;
/// A tracker reports a thing after this many images.
const CONFIRM: u32 = 6;
/// A lost thing is coasted for this many images.
const COAST: u32 = 10;
/// From the image until the tracks arrive, ns.
const LATE: i64 = 80_000_000;
/// Errors (one sigma) of position and velocity, metres and m/s.
const ERROR: (f64, f64) = (0.1, 0.25);

/// Tracks of one moment.
#[derive(Debug, Clone, Default)]
pub struct Tracks {
    /// When they were true, ns.
    pub stamp: i64,
    /// What was seen.
    pub list: Vec<Track>,
}

/// The tracker's stand-in.
#[derive(Debug, Clone)]
pub struct Sightings {
    seen: Vec<(u32, u32, Vec3)>,
    queue: std::collections::VecDeque<Tracks>,
    rng: Random,
    images: u64,
}

impl Sightings {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            seen: Vec::new(),
            queue: std::collections::VecDeque::new(),
            rng: Random::new(seed, 0x5EE),
            images: 0,
        }
    }

    /// Looks at the world at `now` (ns); every third image (10 Hz) becomes a list of tracks.
    pub fn look(&mut self, world: &World, vehicle: &Vehicle, now: i64, far: f64) {
        self.seen.resize(world.movers.len(), (0, 0, Vec3::ZERO));
        let time = now as f64 * 1e-9;
        self.images += 1;
        let mut list = Vec::new();
        for (mover, (count, lost, bias)) in world.movers.iter().zip(&mut self.seen) {
            let (p, v) = mover.at(time);
            let d = p - vehicle.position;
            let bearing = wrap_angle(d.y.atan2(d.x) - vehicle.yaw);
            if d.norm_xy() < far && bearing.abs() < HALF_VIEW && d.norm_xy() > 0.3 {
                (*count, *lost) = (*count + 1, 0);
            } else {
                *lost += 1;
                if *lost > COAST {
                    *count = 0;
                }
            }
            if *count < CONFIRM {
                continue;
            }
            // Errors of a filter are correlated: they wander, they do not jump.
            let mut draw = || f64::from(self.rng.gauss());
            *bias = *bias * 0.9 + Vec3::new(draw(), draw(), 0.0) * 0.44;
            list.push(Track {
                position: p
                    + *bias * ERROR.0
                    + Vec3::new(0.0, 0.0, if mover.kind == Kind::Person { 0.9 } else { 0.15 }),
                velocity: v + Vec3::new(bias.y, bias.x, 0.0) * ERROR.1,
                radius: mover.kind.radius(),
                half_height: if mover.kind == Kind::Person { 0.9 } else { 0.15 },
            });
        }
        if !world.movers.is_empty() && self.images % 3 == 0 {
            self.queue.push_back(Tracks { stamp: now, list });
        }
    }

    /// The newest tracks that have arrived by `now`.
    pub fn take(&mut self, now: i64) -> Option<Tracks> {
        let mut newest = None;
        while self.queue.front().is_some_and(|t| now - t.stamp >= LATE) {
            newest = self.queue.pop_front();
        }
        newest
    }
}
