//! What happens when the vehicle touches something, and how often it did.
//!
//! The vehicle is a sphere here. A contact is answered by an impulse (restitution and friction) and by moving the
//! sphere back to the surface, so that a flight that goes on after a collision stays outside of things. Episodes are
//! counted, not steps: the next one begins only after the vehicle was clear of everything.

use nalgebra::{Point3, Vector3};

use crate::checkpoint::{Stateful, Tape};
use crate::physics::State;
use crate::solids::Solids;

/// Share of the normal speed that is kept.
const RESTITUTION: f64 = 0.2;
/// Slower than this nothing bounces, m/s: what lies there is borne in every step alike.
const LIES: f64 = 0.05;
/// Coefficient of friction.
const FRICTION: f64 = 0.4;
/// Gap that ends an episode, metres.
const CLEAR: f64 = 0.05;

/// Watches one vehicle.
#[derive(Debug, Clone, Default)]
pub struct Contacts {
    touching: bool,
    episodes: u32,
    last_object: u32,
}

/// How far the vehicle is from things.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clearance {
    /// From its surface to the nearest solid other than a plane, metres; negative when inside, +inf when alone.
    pub distance: f64,
    /// The thing it belongs to; 0 if there is none.
    pub object: u32,
}

/// Distance from a sphere of `radius` (metres) about `centre` to the nearest solid, ground left out.
pub fn clearance(solids: &Solids, centre: &Point3<f64>, radius: f64) -> Clearance {
    match solids.nearest(centre) {
        Some(hit) => {
            let object = solids.all()[hit.solid].object;
            Clearance { distance: hit.near.distance - radius, object }
        }
        None => Clearance { distance: f64::INFINITY, object: 0 },
    }
}

impl Contacts {
    /// Number of collision episodes, ground included.
    pub fn episodes(&self) -> u32 {
        self.episodes
    }

    /// The thing touched last; 0 for the ground or none.
    pub fn last_object(&self) -> u32 {
        self.last_object
    }

    /// Whether the vehicle touches something now.
    pub fn touching(&self) -> bool {
        self.touching
    }

    /// Resolves contacts of the sphere of `radius` about the vehicle; the state comes back changed if there are any.
    pub fn resolve(&mut self, solids: &Solids, radius: f64, state: &State) -> Option<State> {
        self.resolve_among(solids, radius, state, |_| false, None)
    }

    /// The same among bodies that are free: contacts with them are resolved elsewhere, and `met` is the one that was touched in
    /// this step.
    pub fn resolve_among(
        &mut self,
        solids: &Solids,
        radius: f64,
        state: &State,
        is_free: impl Fn(u32) -> bool,
        met: Option<u32>,
    ) -> Option<State> {
        let mut state = *state;
        let mut hit_any = false;
        let mut gap = f64::INFINITY;
        if let Some(object) = met {
            self.begin(object);
            gap = 0.0;
        } else if let Some(hit) = solids.nearest_mover(&state.position.into(), &is_free) {
            gap = hit.near.distance - radius;
        }
        // Twice, for a corner between two things or between one and the ground.
        for _ in 0..2 {
            let p = Point3::from(state.position);
            let near = [solids.nearest_of(&p, |object| !is_free(object)), solids.nearest_plane(&p)];
            for hit in near.into_iter().flatten() {
                let distance = hit.near.distance - radius;
                gap = gap.min(distance);
                if distance >= 0.0 {
                    continue;
                }
                self.begin(solids.all()[hit.solid].object);
                hit_any = true;
                state.position -= hit.near.normal * distance;
                state.velocity = bounce(&state.velocity, &hit.near.normal);
            }
        }
        if !hit_any && gap > CLEAR {
            self.touching = false;
        }
        hit_any.then_some(state)
    }

    /// An episode begins with this object, unless one goes on.
    fn begin(&mut self, object: u32) {
        if !self.touching {
            self.touching = true;
            self.episodes += 1;
            self.last_object = object;
        }
    }
}

fn bounce(velocity: &Vector3<f64>, normal: &Vector3<f64>) -> Vector3<f64> {
    let towards = velocity.dot(normal);
    if towards >= 0.0 {
        return *velocity;
    }
    let along = velocity - normal * towards;
    let kept = if towards > -LIES { 0.0 } else { RESTITUTION };
    let impulse = -(1.0 + kept) * towards;
    let speed = along.norm();
    let slides = if speed > 1e-9 { (1.0 - FRICTION * impulse / speed).max(0.0) } else { 0.0 };
    along * slides - normal * (kept * towards)
}

impl Stateful for Contacts {
    fn go_over(&mut self, tape: &mut Tape<'_>) {
        tape.bool(&mut self.touching);
        tape.u32(&mut self.episodes);
        tape.u32(&mut self.last_object);
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::{Isometry3, Unit};

    use super::*;
    use crate::shape::Shape;
    use crate::solids::Solid;

    fn post_on_ground() -> Solids {
        let normal = Unit::new_normalize(Vector3::z());
        Solids::new(vec![
            Solid {
                pose: Isometry3::identity(),
                shape: Shape::Plane { normal, size: [9.0, 9.0] },
                object: 0,
            },
            Solid {
                pose: Isometry3::translation(2.0, 0.0, 2.0),
                shape: Shape::Cylinder { radius: 0.3, length: 4.0 },
                object: 7,
            },
        ])
    }

    #[test]
    fn clearance_is_from_surface_to_surface_and_ignores_the_ground() {
        let solids = post_on_ground();
        let c = clearance(&solids, &Point3::new(0.0, 0.0, 0.4), 0.25);
        assert!((c.distance - (2.0 - 0.3 - 0.25)).abs() < 1e-12 && c.object == 7);
        assert_eq!(clearance(&Solids::default(), &Point3::origin(), 0.25).distance, f64::INFINITY);
    }

    #[test]
    fn one_crash_is_one_episode() {
        let solids = post_on_ground();
        let mut contacts = Contacts::default();
        let mut state = State::at(Point3::new(1.0, 0.0, 1.0), 0.0, 0.0);
        let mut counts = Vec::new();
        for _ in 0..2 {
            state.velocity = Vector3::new(3.0, 0.0, 0.0);
            for _ in 0..400 {
                state.position += state.velocity * 1e-3;
                if let Some(after) = contacts.resolve(&solids, 0.25, &state) {
                    state = after;
                }
                assert!(clearance(&solids, &Point3::from(state.position), 0.25).distance > -1e-9);
            }
            counts.push((contacts.episodes(), contacts.last_object()));
            assert!(state.velocity.x < 0.0, "it bounced");
            for _ in 0..400 {
                state.position += state.velocity * 1e-3;
                contacts.resolve(&solids, 0.25, &state);
            }
        }
        assert_eq!(counts, [(1, 7), (2, 7)]);
    }

    #[test]
    fn the_ground_counts_as_object_zero() {
        let solids = post_on_ground();
        let mut contacts = Contacts::default();
        let state = State::at(Point3::new(-3.0, 0.0, 0.1), 0.0, 0.0);
        let after = contacts.resolve(&solids, 0.25, &state).unwrap();
        assert!((after.position.z - 0.25).abs() < 1e-12);
        assert_eq!((contacts.episodes(), contacts.last_object()), (1, 0));
    }
}
