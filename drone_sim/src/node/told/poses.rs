//! PosePublisher: where the parts of a model are, each in the frame of what it is a part of.

use nalgebra::Isometry3;
use peregrine::prelude::*;
use peregrine_msgs::geometry_msgs::TransformStamped;
use peregrine_msgs::tf2_msgs::TFMessage;

use super::Maker;
use crate::node::messages;
use crate::node::suite::Seat;
use crate::physics::Sample;
use crate::scenario::World;
use crate::sdf::types::{JointKind, PosePublisher, SdfModel};
use crate::sensors::Rate;

/// Where something is.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// Always there in the frame of its parent.
    Fixed(Isometry3<f64>),
    /// A model in the world.
    Model,
    /// A link that is a thing of its own: its place in that thing's frame, and that of the model it is told in in the outermost one's.
    Apart(u32, Isometry3<f64>, Isometry3<f64>),
}

#[derive(Debug, Clone)]
struct Part {
    frame: String,
    child: String,
    place: Place,
}

enum Out {
    /// One message for all.
    Together(Publisher<TFMessage>),
    /// One for each.
    Singly(Publisher<TransformStamped>),
}

/// One topic of a plugin.
pub(super) struct Poses {
    pub rate: Rate,
    home: (Seat, Isometry3<f64>),
    parts: Vec<Part>,
    out: Out,
}

fn rate(hertz: f64) -> Rate {
    // As often as it steps, where the file says nothing.
    Rate::new(if hertz > 0.0 { hertz.min(1000.0) } else { 1000.0 })
}

impl Poses {
    /// The topics of a plugin: one, or two where what never moves has its own.
    pub(super) fn all(
        maker: &mut Maker<'_, '_>,
        spec: &PosePublisher,
        (world_name, model): (&str, &SdfModel),
        home: (Seat, Isometry3<f64>),
        world: &World,
    ) -> Result<Vec<Self>> {
        let mut parts = Vec::new();
        if spec.model {
            let (frame, child) = (world_name.to_string(), model.name.clone());
            parts.push(Part { frame, child, place: Place::Model });
        }
        gather(spec, model, (model.name.as_str(), &model.pose), world, &mut parts);
        let base = format!("/model/{}/pose", model.name);
        if !spec.static_publisher {
            let made = Self::one(maker, spec, &base, rate(spec.frequency), home, parts)?;
            return Ok(made.into_iter().collect());
        }
        // Gazebo counts as moving what a joint moves, and nothing else.
        let moving = moving_links(model);
        let (moving, still): (Vec<Part>, Vec<Part>) =
            parts.into_iter().partition(|p| moving.contains(&p.child));
        let slow = if spec.static_frequency > 0.0 { spec.static_frequency } else { spec.frequency };
        let first = Self::one(maker, spec, &base, rate(spec.frequency), home, moving)?;
        let second = Self::one(maker, spec, &format!("{base}_static"), rate(slow), home, still)?;
        Ok(first.into_iter().chain(second).collect())
    }

    fn one(
        maker: &mut Maker<'_, '_>,
        spec: &PosePublisher,
        topic: &str,
        rate: Rate,
        home: (Seat, Isometry3<f64>),
        parts: Vec<Part>,
    ) -> Result<Option<Self>> {
        // Where odometry tells its transform already, poses come together whatever is wished for: a topic has one type.
        let out = if spec.vector || maker.transforms.contains_key(topic) {
            maker.transforms(topic)?.map(Out::Together)
        } else {
            maker.publish(topic)?.map(Out::Singly)
        };
        Ok(out.map(|out| Self { rate, home, parts, out }))
    }

    pub(super) fn fire(&mut self, ctx: &Context, now: Time, world: &World, truth: &Sample) -> Result {
        if self.rate.fire(now.0).is_none() {
            return Ok(());
        }
        let Some(carrier) = self.home.0.sample(world, truth) else { return Ok(()) };
        let model = carrier.state.pose() * self.home.1;
        let told = self.parts.iter().filter_map(|part| {
            let pose = match part.place {
                Place::Fixed(pose) => pose,
                Place::Model => model,
                Place::Apart(object, local, inner) => {
                    (model * inner).inverse() * world.thing(object)?.pose * local
                }
            };
            Some(messages::transform(now, &part.frame, &part.child, &pose))
        });
        match &self.out {
            Out::Together(out) => out.send(ctx, TFMessage { transforms: told.collect() }),
            Out::Singly(out) => {
                let told: Vec<_> = told.collect();
                told.into_iter().try_for_each(|one| out.send(ctx, one))
            }
        }
    }
}

/// The parts of a model, called `scope`, that are wished for; `base` is the frame of the outermost model.
fn gather(
    spec: &PosePublisher,
    model: &SdfModel,
    (scope, base): (&str, &Isometry3<f64>),
    world: &World,
    parts: &mut Vec<Part>,
) {
    let mut add = |frame: &str, child: String, place| {
        parts.push(Part { frame: frame.to_string(), child, place });
    };
    let into = model.pose.inverse();
    let top = world.find(scope.split("::").next().unwrap_or(scope));
    for link in &model.links {
        let name = format!("{scope}::{}", link.name);
        if spec.links {
            // A link that does not go with its model has a thing of its own.
            let apart = world.seat(scope, &link.name).filter(|object| top.is_some() && Some(*object) != top);
            let place = apart.and_then(|object| {
                let local = world.thing(object)?.pose.inverse() * link.pose;
                Some(Place::Apart(object, local, base.inverse() * model.pose))
            });
            add(scope, name.clone(), place.unwrap_or(Place::Fixed(into * link.pose)));
        }
        let inside = link.pose.inverse();
        if spec.visuals {
            let all = link.visuals.iter();
            all.for_each(|v| add(&name, format!("{name}::{}", v.name), Place::Fixed(inside * v.pose)));
        }
        if spec.collisions {
            let all = link.collisions.iter();
            all.for_each(|c| add(&name, format!("{name}::{}", c.name), Place::Fixed(inside * c.pose)));
        }
        if spec.sensors {
            let all = link.sensors.iter();
            all.for_each(|s| add(&name, format!("{name}::{}", s.name), Place::Fixed(s.pose)));
        }
    }
    for inner in &model.models {
        let name = format!("{scope}::{}", inner.name);
        if spec.nested_models {
            parts.push(Part {
                frame: scope.to_string(),
                child: name.clone(),
                place: Place::Fixed(into * inner.pose),
            });
        }
        gather(spec, inner, (name.as_str(), base), world, parts);
    }
}

/// Links at the ends of joints that are not fixed, but for the canonical one.
fn moving_links(model: &SdfModel) -> Vec<String> {
    let joints = model.joints.iter().filter(|j| j.kind != JointKind::Fixed);
    let ends = joints.flat_map(|j| [&j.parent, &j.child]).filter(|link| **link != model.canonical_link);
    ends.map(|link| format!("{}::{link}", model.name)).collect()
}
