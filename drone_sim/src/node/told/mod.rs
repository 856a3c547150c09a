//! What plugins of a file's models tell of where those are, on the topics and in the frames that Gazebo gives them: OdometryPublisher
//! and PosePublisher.

mod odometry;
mod poses;

use std::collections::{BTreeMap, BTreeSet};

use nalgebra::Isometry3;
use peregrine::prelude::*;
use peregrine_msgs::Message;
use peregrine_msgs::tf2_msgs::TFMessage;

use super::DroneSim;
use super::suite::Seat;
use crate::checkpoint::{Stateful, Tape};
use crate::flight::Flight;
use crate::gz::world_name;
use crate::physics::Sample;
use crate::scenario::World;
use crate::sdf::types::{Known, SdfModel};

use odometry::Odometer;
use poses::Poses;

/// All of them.
#[derive(Default)]
pub(super) struct Told {
    odometers: Vec<Odometer>,
    poses: Vec<Poses>,
    /// Topics that are OdometryWithCovariance to Gazebo's clients.
    covariant: Vec<String>,
}

/// Makes publishers, no topic twice.
struct Maker<'a, 'b> {
    setup: &'a mut Setup<'b, DroneSim>,
    taken: BTreeSet<String>,
    /// Transforms of a model may come from both of its plugins on one topic, as in Gazebo.
    transforms: BTreeMap<String, Publisher<TFMessage>>,
}

impl Maker<'_, '_> {
    /// A publisher; none, which is said, if the topic belongs to another.
    fn publish<M: Message>(&mut self, topic: &str) -> Result<Option<Publisher<M>>> {
        if self.taken.insert(self.setup.resolve(topic)?) {
            return Ok(Some(self.setup.publish(topic, Qos::Sensor)?));
        }
        tracing::warn!(
            "PG-1031 {topic} is told once: it belongs to another sensor or plugin; give this one a topic of its own"
        );
        Ok(None)
    }

    fn transforms(&mut self, topic: &str) -> Result<Option<Publisher<TFMessage>>> {
        if let Some(known) = self.transforms.get(topic) {
            return Ok(Some(known.clone()));
        }
        let made = self.publish::<TFMessage>(topic)?;
        self.transforms.extend(made.clone().map(|made| (topic.to_string(), made)));
        Ok(made)
    }
}

/// Where a model's frame is: the thing that carries it, and its place there.
fn home(world: &World, model: &SdfModel, flies: bool) -> (Seat, Isometry3<f64>) {
    if flies {
        return (Seat::Vehicle, Isometry3::identity());
    }
    match world.find(&model.name) {
        Some(object) => (Seat::Thing(object), Isometry3::identity()),
        None => (Seat::World, model.pose),
    }
}

/// A topic with a leading slash, or the usual one.
fn topic(given: &str, usual: String) -> String {
    match given.trim() {
        "" => usual,
        absolute if absolute.starts_with('/') => absolute.to_string(),
        other => format!("/{other}"),
    }
}

impl Told {
    /// Of the world's models; topics that are taken others publish already.
    pub(super) fn new(
        setup: &mut Setup<'_, DroneSim>,
        world: &World,
        seed: u64,
        taken: BTreeSet<String>,
    ) -> Result<Self> {
        let mut maker = Maker { setup, taken, transforms: BTreeMap::new() };
        let mut out = Self::default();
        let craft = world.craft.as_deref();
        let beside = world.sdf.iter().flat_map(|sdf| &sdf.models);
        let beside = beside.filter(|m| craft.is_none_or(|craft| craft.name != m.name));
        let name = world_name(world);
        for (model, id) in craft.into_iter().chain(beside).zip(0_u64..) {
            let flies = craft.is_some_and(|craft| std::ptr::eq(craft, model));
            let home = home(world, model, flies);
            // Odometry first: its transforms are of one kind, poses are of two.
            for plugin in &model.plugins {
                if let Some(Known::OdometryPublisher(spec)) = &plugin.known {
                    let made = Odometer::new(&mut maker, spec, model, home, (seed, id))?;
                    out.covariant.extend(made.1);
                    out.odometers.push(made.0);
                }
            }
            for plugin in &model.plugins {
                if let Some(Known::PosePublisher(spec)) = &plugin.known {
                    out.poses.extend(Poses::all(&mut maker, spec, (name.as_str(), model), home, world)?);
                }
            }
        }
        Ok(out)
    }

    /// Topics that are OdometryWithCovariance to Gazebo's clients.
    pub(super) fn covariant(&self) -> &[String] {
        &self.covariant
    }

    /// When the next of them is due, nanoseconds.
    pub(super) fn next_ns(&self) -> Option<i64> {
        let rates = self.odometers.iter().map(|o| &o.rate).chain(self.poses.iter().map(|p| &p.rate));
        rates.filter_map(|rate| rate.next_ns()).min()
    }

    /// Publishes what is due.
    pub(super) fn fire(&mut self, ctx: &Context, now: Time, flight: &Flight, truth: &Sample) -> Result {
        let world = flight.world();
        self.odometers.iter_mut().try_for_each(|o| o.fire(ctx, now, world, truth))?;
        self.poses.iter_mut().try_for_each(|p| p.fire(ctx, now, world, truth))
    }
}

impl Stateful for Told {
    fn go_over(&mut self, tape: &mut Tape<'_>) {
        self.odometers.iter_mut().for_each(|o| o.go_over(tape));
        self.poses.iter_mut().for_each(|p| p.rate.go_over(tape));
    }
}
