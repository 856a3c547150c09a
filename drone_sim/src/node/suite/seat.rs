//! What carries a sensor: the vehicle, or a model beside it.

use nalgebra::Vector3;

use crate::physics::{Rotors, Sample, State};
use crate::scenario::World;

/// What carries a sensor; its mount is a pose in that thing's frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::node) enum Seat {
    /// The vehicle.
    Vehicle,
    /// The world itself: what has no frame of its own, and so never moves.
    World,
    /// A thing of the world, by its object id; it may move.
    Thing(u32),
}

impl Seat {
    /// The carrier now, if it is still there; `vehicle` is the vehicle. What is not the vehicle is taken to stand in that moment.
    pub fn sample(self, world: &World, vehicle: &Sample) -> Option<Sample> {
        let pose = match self {
            Self::Vehicle => return Some(*vehicle),
            Self::World => nalgebra::Isometry3::identity(),
            Self::Thing(object) => world.thing(object).filter(|t| !t.name.is_empty())?.pose,
        };
        let state = State {
            position: pose.translation.vector,
            velocity: Vector3::zeros(),
            attitude: pose.rotation.into_inner(),
            rates: Vector3::zeros(),
            rotors: Rotors::repeat(0, 0.0),
        };
        Some(Sample { state, specific_force: pose.rotation.inverse() * -world.gravity })
    }
}
