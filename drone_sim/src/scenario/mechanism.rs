//! Models of an SDF file whose links move by their joints, or that drive on wheels.
//!
//! A link that a joint lets move is a thing of its own, called `MODEL::LINK`; what hangs on it by fixed joints goes along. The model's
//! other links are its base, which stands where it is, or drives ([`Drive`]). The vehicle meets them as it meets actors: it bounces off, and
//! they do not feel it.

use std::collections::BTreeMap;

use nalgebra::{Isometry3, Vector3};

use super::drive::Drive;
use crate::checkpoint::{Stateful, Tape};
use crate::physics::joints::{Body, Freedom, Law, Tree};
use crate::sdf::types::{Joint, JointKind, Known, Link, SdfModel};

/// A link that moves.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Its object id in the world.
    pub object: u32,
    /// Its name in the model.
    pub link: String,
}

/// A model with links that move.
#[derive(Debug, Clone, PartialEq)]
pub struct Mechanism {
    /// The model's name.
    pub model: String,
    /// The model's canonical link.
    pub link: String,
    /// The model's own object id; 0 if it is ground.
    pub object: u32,
    /// The model's frame in the world.
    pub base: Isometry3<f64>,
    /// Its links with joints.
    pub tree: Tree,
    /// Names of the joints, in the order of the tree.
    pub joints: Vec<String>,
    /// The links, in the order of the tree.
    pub parts: Vec<Part>,
    /// Its wheels, if it drives.
    pub drive: Option<Drive>,
    /// Whether every joint rests, so that nothing need be computed.
    still: bool,
}

/// Slower than this nothing moves, rad/s or m/s.
const REST: f64 = 1e-6;

impl Mechanism {
    /// Lets `dt` seconds pass in gravity (m/s2, world).
    pub fn step(&mut self, gravity: &Vector3<f64>, dt: f64) {
        if let Some(drive) = &mut self.drive {
            self.base = drive.step(&self.base, dt);
            for (joint, angle, speed) in drive.wheels() {
                self.tree.set(joint, angle, speed);
            }
            return;
        }
        if self.still {
            return;
        }
        let before = self.tree.positions().iter().sum::<f64>();
        self.tree.step(&(self.base.rotation.inverse() * gravity), dt);
        let moved = (self.tree.positions().iter().sum::<f64>() - before).abs() > REST * dt;
        self.still = !moved && self.tree.speeds().iter().all(|v| v.abs() < REST);
    }

    /// Things and their frames now.
    pub fn places(&self) -> Vec<(u32, Isometry3<f64>)> {
        let own = (self.object != 0 && self.drive.is_some()).then_some((self.object, self.base));
        let links =
            self.parts.iter().zip(self.tree.poses()).map(|(part, pose)| (part.object, self.base * pose));
        own.into_iter().chain(links).collect()
    }

    /// Puts the model somewhere.
    pub fn place(&mut self, base: Isometry3<f64>) {
        (self.base, self.still) = (base, false);
    }
}

impl Stateful for Mechanism {
    fn go_over(&mut self, tape: &mut Tape<'_>) {
        tape.pose(&mut self.base);
        self.tree.go_over(tape);
        tape.bool(&mut self.still);
        if let Some(drive) = &mut self.drive {
            drive.go_over(tape);
        }
    }
}

/// The joints of a model that let links move, put in order.
#[derive(Debug, Default)]
pub struct Plan<'a> {
    /// Link and joint, each after what it hangs on.
    order: Vec<(&'a Link, &'a Joint, Option<usize>)>,
    /// Kinds of joints that are not moved, and why.
    pub refused: Vec<String>,
}

impl<'a> Plan<'a> {
    /// Of a model; empty if nothing of it moves.
    pub fn of(model: &'a SdfModel) -> Self {
        let mut plan = Self::default();
        if model.is_static {
            return plan;
        }
        let links: BTreeMap<&str, &Link> = model.links.iter().map(|l| (l.name.as_str(), l)).collect();
        let mut left: Vec<&Joint> = Vec::new();
        for joint in &model.joints {
            let moves = freedom(joint).is_some();
            if moves && links.contains_key(joint.child.as_str()) && end(&links, &joint.parent) {
                left.push(joint);
            } else if joint.kind != JointKind::Fixed {
                plan.refused.push(format!("model/joint[{}]", joint.kind));
            }
        }
        let mut at: BTreeMap<&str, usize> = BTreeMap::new();
        loop {
            // What hangs on a link that moves, or on one that no joint holds any more: the base.
            let free = |j: &Joint| !left.iter().any(|other| other.child == j.parent);
            let Some(next) = left.iter().position(|j| at.contains_key(j.parent.as_str()) || free(j)) else {
                break;
            };
            let joint = left.remove(next);
            let parent = at.get(joint.parent.as_str()).copied();
            if parent.is_none() && joint.kind == JointKind::Fixed {
                // Two links of the base: fulfilled by standing still.
                continue;
            }
            let child = joint.child.as_str();
            match links.get(child).filter(|_| !at.contains_key(child)) {
                Some(link) => {
                    at.insert(child, plan.order.len());
                    plan.order.push((link, joint, parent));
                }
                // A second joint to the same link closes a loop.
                None => plan.refused.push(format!("model/joint[{}]", joint.kind)),
            }
        }
        let loops = left.iter().filter(|j| j.kind != JointKind::Fixed);
        plan.refused.extend(loops.map(|j| format!("model/joint[{}]", j.kind)));
        if plan.order.iter().all(|(_, joint, _)| joint.kind == JointKind::Fixed) {
            plan.order.clear();
        }
        plan
    }

    /// The number of a link among those that move.
    pub fn index(&self, link: &Link) -> Option<usize> {
        self.order.iter().position(|(l, ..)| std::ptr::eq(*l, link))
    }

    /// How many links move.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether nothing moves.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The mechanism, whose links are things with these object ids. `None` for masses that cannot be.
    pub fn build(&self, model: &SdfModel, object: u32, objects: &[u32]) -> Option<Mechanism> {
        let base = model.pose;
        let bodies = self.order.iter().map(|(link, joint, parent)| {
            let under = parent.map_or(base, |p| self.order[p].0.pose);
            let inertial = &link.inertial;
            let turn = inertial.pose.rotation.to_rotation_matrix();
            // The inertial's frame is told in the world's, as the link's is.
            let (local, frame) = (link.pose.inverse() * inertial.pose, link.pose.rotation.inverse());
            let along = frame.to_rotation_matrix() * turn;
            Body {
                parent: *parent,
                place: under.inverse() * joint.pose,
                link: joint.pose.inverse() * link.pose,
                freedom: freedom(joint).unwrap_or(Freedom::Fixed),
                law: law(joint),
                mass: inertial.mass,
                centre: local.translation.vector,
                inertia: along * inertial.inertia * along.transpose(),
            }
        });
        let tree = Tree::new(bodies.collect())?;
        let parts = self.order.iter().zip(objects);
        let parts = parts.map(|((link, ..), object)| Part { object: *object, link: link.name.clone() });
        let joints: Vec<String> = self.order.iter().map(|(_, joint, _)| joint.name.clone()).collect();
        let known = model.plugins.iter().find_map(|p| match &p.known {
            Some(Known::DiffDrive(drive)) => Some(drive),
            _ => None,
        });
        let drive = known.and_then(|drive| Drive::new(drive, &joints));
        Some(Mechanism {
            model: model.name.clone(),
            link: model.canonical_link.clone(),
            object,
            base,
            tree,
            joints,
            parts: parts.collect(),
            drive,
            still: false,
        })
    }
}

fn end(links: &BTreeMap<&str, &Link>, name: &str) -> bool {
    name == "world" || links.contains_key(name)
}

/// What acts in a joint.
pub(super) fn law(joint: &Joint) -> Law {
    let axis = joint.axis.clone().unwrap_or_default();
    let endless = joint.kind == JointKind::Continuous;
    Law {
        lower: if endless { f64::NEG_INFINITY } else { axis.lower },
        upper: if endless { f64::INFINITY } else { axis.upper },
        damping: axis.damping.max(0.0),
        friction: axis.friction.max(0.0),
        stiffness: axis.spring_stiffness.max(0.0),
        reference: axis.spring_reference,
    }
}

/// How a joint lets its child move; `None` for kinds that are not simulated.
pub(super) fn freedom(joint: &Joint) -> Option<Freedom> {
    let axis = joint.axis.as_ref().map_or_else(Vector3::z, |a| a.xyz);
    match joint.kind {
        JointKind::Fixed => Some(Freedom::Fixed),
        JointKind::Revolute | JointKind::Continuous => Some(Freedom::Turn(axis)),
        JointKind::Prismatic => Some(Freedom::Slide(axis)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdf::{Loader, MeshPolicy};

    fn model(text: &str) -> SdfModel {
        let mut loader = Loader::from_env();
        loader.mesh = MeshPolicy::Placeholder;
        loader.load_str(&format!("<sdf version='1.9'>{text}</sdf>"), "t").unwrap().models.remove(0)
    }

    const DOOR: &str = "<model name='door'><pose>1 2 0 0 0 1.5</pose>
        <link name='frame'/><link name='leaf'><pose>0 0 1 0 0 0</pose><inertial><pose>0.4 0 0 0 0 0</pose><mass>8</mass>
        <inertia><ixx>1</ixx><iyy>1</iyy><izz>0.5</izz></inertia></inertial></link><link name='knob'><pose>0.8 0.05 1 0 0 0</pose></link>
        <joint name='ground' type='fixed'><parent>world</parent><child>frame</child></joint>
        <joint name='grip' type='fixed'><parent>leaf</parent><child>knob</child></joint>
        <joint name='hinge' type='revolute'><parent>frame</parent><child>leaf</child><axis><xyz>0 0 1</xyz>
        <limit><lower>-1</lower><upper>1</upper></limit></axis></joint></model>";

    #[test]
    fn a_door_is_its_leaf_and_what_hangs_on_it() {
        let model = model(DOOR);
        let plan = Plan::of(&model);
        assert!(plan.refused.is_empty());
        let mut door = plan.build(&model, 7, &[8, 9]).unwrap();
        let names: Vec<&str> = door.parts.iter().map(|p| p.link.as_str()).collect();
        assert_eq!(
            (names, door.joints.as_slice()),
            (vec!["leaf", "knob"], ["hinge".to_string(), "grip".into()].as_slice())
        );
        for ((object, pose), link) in door.places().iter().zip([&model.links[1], &model.links[2]]) {
            assert!((pose.translation.vector - link.pose.translation.vector).norm() < 1e-12, "{object}");
        }
        door.tree.set(0, 0.5, 0.0);
        let knob = door.places()[1].1.translation.vector;
        let turn = nalgebra::Rotation3::from_axis_angle(&Vector3::z_axis(), 2.0);
        let right = Vector3::new(1.0, 2.0, 1.0) + turn * Vector3::new(0.8, 0.05, 0.0);
        assert!((knob - right).norm() < 1e-12, "{knob} {right}");
    }

    #[test]
    fn what_does_not_move_is_said() {
        let ball = DOOR.replace("'revolute'", "'ball'");
        let plan_model = model(&ball);
        let plan = Plan::of(&plan_model);
        assert!(plan.is_empty());
        assert_eq!(plan.refused, ["model/joint[ball]"]);
        let fixed = model(&DOOR.replace("<model name='door'>", "<model name='door'><static>1</static>"));
        assert!(Plan::of(&fixed).is_empty() && Plan::of(&fixed).refused.is_empty());
    }
}
