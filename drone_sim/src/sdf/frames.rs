//! Poses as written into poses as meant.
//!
//! A scope (a model, or the world) holds named things: links, joints, frames and nested models. Each has a pose
//! relative to another name of the same scope, or to a name inside a nested model (`child::frame`); nothing inside
//! may point out. So a scope is solved from the inside out: nested models first, in their own frame, then the names
//! of the scope by following the references to its root, `__model__` or `world`.
//! Source: the SDFormat specification, "Pose frame semantics", 1.7 and later.

use std::collections::BTreeMap;
use std::sync::Arc;

use nalgebra::Isometry3;

use super::joint::RawJoint;
use super::link::settle;
use super::types::{Actor, Joint, Known, Light, Link, Plugin, SdfModel};
use super::value::Source;
use super::xml::Element;
use crate::error::{Place, Result, SimError};

type Iso = Isometry3<f64>;

/// Poses of the names of a scope, in the frame of the scope. Names of nested models are joined by `::`.
pub type Names = BTreeMap<String, Iso>;

/// A pose and what it is relative to.
#[derive(Debug, Clone)]
pub(super) struct RawPose {
    pub iso: Iso,
    pub relative_to: Option<String>,
    pub file: Arc<str>,
    pub line: u32,
}

impl RawPose {
    pub fn identity(src: &Source, e: &Element) -> Self {
        Self { iso: Iso::identity(), relative_to: None, file: src.file.clone(), line: e.line() }
    }

    fn place(&self) -> Place {
        Place { file: self.file.clone(), line: self.line }
    }
}

#[derive(Debug, Clone)]
pub(super) struct RawLink {
    pub link: Link,
    pub pose: RawPose,
    pub inertial: RawPose,
    /// Set for `<inertial auto="true">`, with its density.
    pub automatic: Option<Option<f64>>,
    pub visuals: Vec<RawPose>,
    pub collisions: Vec<RawPose>,
    pub lights: Vec<RawPose>,
    pub sensors: Vec<RawPose>,
}

#[derive(Debug, Clone)]
pub(super) struct RawFrame {
    pub name: String,
    pub attached_to: Option<String>,
    pub pose: RawPose,
}

#[derive(Debug, Clone)]
pub(super) struct RawActor {
    pub actor: Actor,
    pub pose: RawPose,
}

#[derive(Debug, Clone)]
pub(super) struct RawModel {
    pub name: String,
    pub is_static: bool,
    pub enable_wind: bool,
    pub canonical: Option<String>,
    pub pose: RawPose,
    pub placement: Option<String>,
    pub links: Vec<RawLink>,
    pub joints: Vec<RawJoint>,
    pub frames: Vec<RawFrame>,
    pub models: Vec<RawModel>,
    pub plugins: Vec<Plugin>,
}

/// A world's contents, before its frames are resolved.
#[derive(Debug, Clone, Default)]
pub(super) struct RawWorld {
    pub models: Vec<RawModel>,
    pub frames: Vec<RawFrame>,
    pub joints: Vec<RawJoint>,
    pub lights: Vec<(Light, RawPose)>,
    pub actors: Vec<RawActor>,
}

/// One name of a scope.
struct Item {
    kind: &'static str,
    iso: Iso,
    parent: String,
    inner: Names,
    place: Place,
}

impl RawModel {
    /// Names of the joints that a rotor plugin of this model turns.
    pub fn rotor_joints(&self) -> impl Iterator<Item = &str> {
        self.plugins.iter().filter_map(|p| match &p.known {
            Some(Known::MulticopterMotorModel(motor)) => Some(motor.joint.as_str()),
            _ => None,
        })
    }

    /// The model in its own frame, and the names visible inside it.
    pub fn resolve(&self) -> Result<(SdfModel, Names)> {
        let mut scope = Scope::new(format!("model \"{}\"", self.name), "__model__");
        let mut nested = Vec::new();
        for m in &self.models {
            let (model, names) = m.resolve()?;
            scope.model(m, names)?;
            nested.push(model);
        }
        for l in &self.links {
            scope.add("link", &l.link.name, &l.pose, "__model__", l.pose.iso)?;
        }
        for f in &self.frames {
            let default = f.attached_to.as_deref().unwrap_or("__model__");
            scope.add("frame", &f.name, &f.pose, default, f.pose.iso)?;
        }
        for j in &self.joints {
            scope.add("joint", &j.joint.name, &j.pose, &j.joint.child, j.pose.iso)?;
        }
        let names = scope.solve()?;
        let first = || self.links.first().map(|l| l.link.name.clone());
        let mut model = SdfModel {
            name: self.name.clone(),
            is_static: self.is_static,
            pose: Iso::identity(),
            links: Vec::new(),
            joints: scope.joints(&names, &self.joints)?,
            frames: self.frames.iter().map(|f| (f.name.clone(), names[&f.name])).collect(),
            models: Vec::new(),
            plugins: self.plugins.clone(),
            enable_wind: self.enable_wind,
            canonical_link: self.canonical.clone().or_else(first).unwrap_or_default(),
        };
        for raw in &self.links {
            model.links.push(scope.link(&names, raw)?);
        }
        for mut inner in nested {
            let pose = names[&inner.name];
            inner.is_static |= self.is_static;
            transform(&mut inner, &pose);
            model.models.push(inner);
        }
        Ok((model, names))
    }

    /// The pose of `__model__`, from the pose of the placement frame.
    fn placed(&self) -> Result<RawPose> {
        let mut pose = self.pose.clone();
        if let Some(placement) = &self.placement {
            let (_, names) = self.resolve()?;
            pose.iso *= find(&names, placement, &self.pose, &format!("model \"{}\"", self.name))?.inverse();
        }
        Ok(pose)
    }

    /// Moves the contents of `self` into `host`, as `<include merge="true">` asks: what was relative to the model
    /// becomes relative to a frame `_merged__NAME__model__` of the host.
    pub fn merge_into(self, host: &mut RawModel) -> Result<()> {
        let frame = format!("_merged__{}__model__", self.name);
        host.frames.push(RawFrame { name: frame.clone(), attached_to: None, pose: self.placed()? });
        let rebase = Rebase { frame: &frame };
        for mut link in self.links {
            rebase.pose(&mut link.pose);
            let parts = link.visuals.iter_mut().chain(&mut link.collisions).chain(&mut link.lights);
            parts.chain(&mut link.sensors).for_each(|p| rebase.name(&mut p.relative_to));
            rebase.name(&mut link.inertial.relative_to);
            host.links.push(link);
        }
        host.joints.extend(self.joints.into_iter().map(|j| rebase.joint(j)));
        host.frames.extend(self.frames.into_iter().map(|f| rebase.frame(f)));
        for mut m in self.models {
            rebase.pose(&mut m.pose);
            host.models.push(m);
        }
        host.plugins.extend(self.plugins);
        Ok(())
    }

    /// As [`RawModel::merge_into`], for a world, which can take models, frames and joints. Gives the model back if it
    /// has links, or a placement that cannot be resolved.
    pub fn merge_into_world(self, host: &mut RawWorld) -> Option<RawModel> {
        let Ok(pose) = self.placed() else { return Some(self) };
        if !self.links.is_empty() {
            return Some(self);
        }
        let frame = format!("_merged__{}__model__", self.name);
        host.frames.push(RawFrame { name: frame.clone(), attached_to: None, pose });
        let rebase = Rebase { frame: &frame };
        host.joints.extend(self.joints.into_iter().map(|j| rebase.joint(j)));
        host.frames.extend(self.frames.into_iter().map(|f| rebase.frame(f)));
        for mut m in self.models {
            rebase.pose(&mut m.pose);
            m.is_static |= self.is_static;
            host.models.push(m);
        }
        None
    }
}

/// Replaces `__model__` of a merged model by the frame that stands for it in the host.
struct Rebase<'a> {
    frame: &'a str,
}

impl Rebase<'_> {
    fn name(&self, name: &mut Option<String>) {
        if name.as_deref() == Some("__model__") {
            *name = Some(self.frame.to_string());
        }
    }

    fn pose(&self, pose: &mut RawPose) {
        if pose.relative_to.is_none() {
            pose.relative_to = Some(self.frame.to_string());
        }
        self.name(&mut pose.relative_to);
    }

    fn joint(&self, mut j: RawJoint) -> RawJoint {
        self.name(&mut j.pose.relative_to);
        j.expressed_in.iter_mut().for_each(|e| self.name(e));
        for end in [&mut j.joint.parent, &mut j.joint.child] {
            if end == "__model__" {
                *end = self.frame.to_string();
            }
        }
        j
    }

    fn frame(&self, mut f: RawFrame) -> RawFrame {
        self.name(&mut f.attached_to);
        if f.attached_to.is_none() {
            self.pose(&mut f.pose);
        } else {
            self.name(&mut f.pose.relative_to);
        }
        f
    }
}

/// What a world holds, in its frame.
pub(super) struct ResolvedWorld {
    pub models: Vec<SdfModel>,
    pub lights: Vec<Light>,
    pub frames: Vec<(String, Iso)>,
    pub joints: Vec<Joint>,
    pub actors: Vec<Actor>,
}

impl RawWorld {
    /// Everything in the frame of the world.
    pub fn resolve(self, label: &str) -> Result<ResolvedWorld> {
        let mut scope = Scope::new(label.to_string(), "world");
        let mut models = Vec::new();
        for m in &self.models {
            let (model, names) = m.resolve()?;
            scope.model(m, names)?;
            models.push(model);
        }
        for f in &self.frames {
            scope.add("frame", &f.name, &f.pose, f.attached_to.as_deref().unwrap_or("world"), f.pose.iso)?;
        }
        for j in &self.joints {
            scope.add("joint", &j.joint.name, &j.pose, &j.joint.child, j.pose.iso)?;
        }
        let names = scope.solve()?;
        for model in &mut models {
            let pose = names[&model.name];
            transform(model, &pose);
        }
        let mut lights = Vec::new();
        for (mut light, pose) in self.lights {
            light.pose = scope.at(&names, &pose, "world")?;
            lights.push(light);
        }
        let mut actors = Vec::new();
        for mut a in self.actors {
            a.actor.pose = scope.at(&names, &a.pose, "world")?;
            actors.push(a.actor);
        }
        let frames = self.frames.iter().map(|f| (f.name.clone(), names[&f.name])).collect();
        Ok(ResolvedWorld { models, lights, frames, joints: scope.joints(&names, &self.joints)?, actors })
    }
}

/// Moves a resolved model and all inside by `by`.
fn transform(model: &mut SdfModel, by: &Iso) {
    model.pose = by * model.pose;
    for link in &mut model.links {
        link.pose = by * link.pose;
        link.inertial.pose = by * link.inertial.pose;
        link.visuals.iter_mut().for_each(|v| v.pose = by * v.pose);
        link.collisions.iter_mut().for_each(|c| c.pose = by * c.pose);
        link.lights.iter_mut().for_each(|l| l.pose = by * l.pose);
    }
    model.joints.iter_mut().for_each(|j| j.pose = by * j.pose);
    model.frames.iter_mut().for_each(|(_, pose)| *pose = by * *pose);
    model.models.iter_mut().for_each(|m| {
        m.is_static |= model.is_static;
        transform(m, by);
    });
}

struct Scope {
    label: String,
    root: &'static str,
    items: BTreeMap<String, Item>,
}

impl Scope {
    fn new(label: String, root: &'static str) -> Self {
        Self { label, root, items: BTreeMap::new() }
    }

    fn add(&mut self, kind: &'static str, name: &str, pose: &RawPose, default: &str, iso: Iso) -> Result<()> {
        self.insert(kind, name, pose, default, iso, Names::new())
    }

    fn model(&mut self, m: &RawModel, names: Names) -> Result<()> {
        let mut iso = m.pose.iso;
        if let Some(placement) = &m.placement {
            iso *= find(&names, placement, &m.pose, &format!("model \"{}\"", m.name))?.inverse();
        }
        self.insert("model", &m.name, &m.pose, self.root, iso, names)
    }

    fn insert(
        &mut self,
        kind: &'static str,
        name: &str,
        pose: &RawPose,
        default: &str,
        iso: Iso,
        inner: Names,
    ) -> Result<()> {
        let parent = pose.relative_to.as_deref().unwrap_or(default).to_string();
        let item = Item { kind, iso, parent, inner, place: pose.place() };
        match self.items.get(name) {
            // Joints and links may share a name in files before 1.7; the link is what poses refer to.
            Some(old) if kind == "joint" && old.kind != "joint" => Ok(()),
            Some(_) => Err(SimError::Duplicate { place: pose.place(), kind, name: name.to_string() }),
            None => {
                self.items.insert(name.to_string(), item);
                Ok(())
            }
        }
    }

    /// Solves every item, iteratively, for chains may be long.
    fn solve(&self) -> Result<Names> {
        let mut names = Names::new();
        names.insert(self.root.to_string(), Iso::identity());
        for start in self.items.keys() {
            let mut chain: Vec<(&str, &Item)> = Vec::new();
            let mut name = start.as_str();
            while !names.contains_key(name) {
                let item = self.items.get(name).ok_or_else(|| {
                    let place = chain.last().map(|(_, i)| i.place.clone());
                    self.unknown(name, place.unwrap_or(Place { file: "".into(), line: 0 }))
                })?;
                if chain.len() > self.items.len() {
                    return Err(SimError::FrameCycle { place: item.place.clone(), name: name.to_string() });
                }
                chain.push((name, item));
                name = self.local(&item.parent);
            }
            while let Some((name, item)) = chain.pop() {
                let parent = self.lookup(&names, &item.parent, &item.place)?;
                let pose = parent * item.iso;
                for (inner, p) in &item.inner {
                    names.insert(format!("{name}::{inner}"), pose * p);
                }
                names.insert(name.to_string(), pose);
            }
        }
        Ok(names)
    }

    /// The name of this scope that `name` hangs on: itself, or the nested model that holds it.
    fn local<'a>(&self, name: &'a str) -> &'a str {
        if self.items.contains_key(name) {
            return name;
        }
        name.split_once("::").map_or(name, |(head, _)| head)
    }

    fn lookup(&self, names: &Names, name: &str, place: &Place) -> Result<Iso> {
        names.get(name).copied().ok_or_else(|| self.unknown(name, place.clone()))
    }

    fn at(&self, names: &Names, pose: &RawPose, default: &str) -> Result<Iso> {
        let parent = pose.relative_to.as_deref().unwrap_or(default);
        Ok(self.lookup(names, parent, &pose.place())? * pose.iso)
    }

    fn link(&self, names: &Names, raw: &RawLink) -> Result<Link> {
        let mut link = raw.link.clone();
        let own = raw.link.name.as_str();
        link.pose = names[own];
        link.inertial.pose = self.at(names, &raw.inertial, own)?;
        for (v, pose) in link.visuals.iter_mut().zip(&raw.visuals) {
            v.pose = self.at(names, pose, own)?;
        }
        for (c, pose) in link.collisions.iter_mut().zip(&raw.collisions) {
            c.pose = self.at(names, pose, own)?;
        }
        for (l, pose) in link.lights.iter_mut().zip(&raw.lights) {
            l.pose = self.at(names, pose, own)?;
        }
        // Sensors ride on their link: theirs is the pose in its frame.
        let into = link.pose.inverse();
        for (s, pose) in link.sensors.iter_mut().zip(&raw.sensors) {
            s.pose = into * self.at(names, pose, own)?;
        }
        if let Some(density) = raw.automatic {
            settle(&mut link, density);
        }
        Ok(link)
    }

    /// The joints with their poses, and their axes in the joint's own frame.
    fn joints(&self, names: &Names, raw: &[RawJoint]) -> Result<Vec<Joint>> {
        let mut out = Vec::new();
        for r in raw {
            let mut joint = r.joint.clone();
            joint.pose = self.at(names, &r.pose, &joint.child)?;
            let note = |text: String| r.notes.borrow_mut().push(format!("{}: {text}", r.pose.place()));
            if joint.parent != "world" && !names.contains_key(&joint.parent) {
                let (name, parent) = (&joint.name, &joint.parent);
                note(format!("the joint \"{name}\" has the parent \"{parent}\", which does not exist"));
            } else if joint.parent == joint.child {
                note(format!("the joint \"{}\" joins \"{}\" to itself", joint.name, joint.child));
            }
            let axes = [&mut joint.axis, &mut joint.axis2];
            for (axis, frame) in axes.into_iter().zip(&r.expressed_in) {
                if let (Some(axis), Some(frame)) = (axis, frame) {
                    // libsdformat loads such a file, and Gazebo says so and goes on.
                    let Some(turn) = names.get(frame).map(|pose| pose.rotation) else {
                        let name = &joint.name;
                        note(format!(
                            "an axis of the joint \"{name}\" is in the frame \"{frame}\", which does not exist; its own is used"
                        ));
                        continue;
                    };
                    axis.xyz = joint.pose.rotation.inverse() * turn * axis.xyz;
                }
            }
            out.push(joint);
        }
        Ok(out)
    }

    fn unknown(&self, name: &str, place: Place) -> SimError {
        let known: Vec<&str> = self.items.keys().map(String::as_str).chain([self.root]).take(12).collect();
        SimError::UnknownFrame {
            place,
            name: name.to_string(),
            scope: self.label.clone(),
            known: known.join(", "),
        }
    }
}

fn find(names: &Names, name: &str, pose: &RawPose, scope: &str) -> Result<Iso> {
    names.get(name).copied().ok_or_else(|| SimError::UnknownFrame {
        place: pose.place(),
        name: name.to_string(),
        scope: scope.to_string(),
        known: names.keys().take(12).map(String::as_str).collect::<Vec<_>>().join(", "),
    })
}
