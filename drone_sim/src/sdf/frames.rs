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

use super::types::{Joint, Light, Link, SdfModel};
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
    pub visuals: Vec<RawPose>,
    pub collisions: Vec<RawPose>,
    pub lights: Vec<RawPose>,
}

#[derive(Debug, Clone)]
pub(super) struct RawFrame {
    pub name: String,
    pub attached_to: Option<String>,
    pub pose: RawPose,
}

#[derive(Debug, Clone)]
pub(super) struct RawModel {
    pub name: String,
    pub is_static: bool,
    pub pose: RawPose,
    pub placement: Option<String>,
    pub links: Vec<RawLink>,
    pub joints: Vec<(Joint, RawPose)>,
    pub frames: Vec<RawFrame>,
    pub models: Vec<RawModel>,
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
        for (j, pose) in &self.joints {
            scope.add("joint", &j.name, pose, &j.child, pose.iso)?;
        }
        let names = scope.solve()?;
        let at = |pose: &RawPose, default: &str| scope.at(&names, pose, default);
        let mut model = SdfModel {
            name: self.name.clone(),
            is_static: self.is_static,
            pose: Iso::identity(),
            links: Vec::new(),
            joints: Vec::new(),
            frames: Vec::new(),
            models: Vec::new(),
        };
        for raw in &self.links {
            let mut link = raw.link.clone();
            let own = link.name.as_str();
            link.pose = names[own];
            link.inertial.pose = at(&raw.inertial, own)?;
            for (v, pose) in link.visuals.iter_mut().zip(&raw.visuals) {
                v.pose = at(pose, own)?;
            }
            for (c, pose) in link.collisions.iter_mut().zip(&raw.collisions) {
                c.pose = at(pose, own)?;
            }
            for (l, pose) in link.lights.iter_mut().zip(&raw.lights) {
                l.pose = at(pose, own)?;
            }
            model.links.push(link);
        }
        for (joint, _) in &self.joints {
            let pose = names[&joint.name];
            model.joints.push(Joint { pose, ..joint.clone() });
        }
        for f in &self.frames {
            model.frames.push((f.name.clone(), names[&f.name]));
        }
        for mut inner in nested {
            let pose = names[&inner.name];
            inner.is_static |= self.is_static;
            transform(&mut inner, &pose);
            model.models.push(inner);
        }
        Ok((model, names))
    }

    /// Moves the contents of `self` into `host`, as `<include merge="true">` asks: what was relative to the model
    /// becomes relative to a frame `_merged__NAME__model__` of the host.
    pub fn merge_into(self, host: &mut RawModel) -> Result<()> {
        let frame = format!("_merged__{}__model__", self.name);
        let mut pose = self.pose.clone();
        if let Some(placement) = &self.placement {
            let (_, names) = self.resolve()?;
            pose.iso *= find(&names, placement, &self.pose, &format!("model \"{}\"", self.name))?.inverse();
        }
        host.frames.push(RawFrame { name: frame.clone(), attached_to: None, pose });
        let rename = |name: &mut Option<String>| {
            if name.as_deref() == Some("__model__") {
                *name = Some(frame.clone());
            }
        };
        let rebase = |pose: &mut RawPose| match &mut pose.relative_to {
            None => pose.relative_to = Some(frame.clone()),
            some => rename(some),
        };
        for mut link in self.links {
            rebase(&mut link.pose);
            let parts = link.visuals.iter_mut().chain(&mut link.collisions).chain(&mut link.lights);
            parts.for_each(|p| rename(&mut p.relative_to));
            rename(&mut link.inertial.relative_to);
            host.links.push(link);
        }
        for (mut joint, mut pose) in self.joints {
            rename(&mut pose.relative_to);
            for end in [&mut joint.parent, &mut joint.child] {
                if end == "__model__" {
                    end.clone_from(&frame);
                }
            }
            host.joints.push((joint, pose));
        }
        for mut f in self.frames {
            rename(&mut f.attached_to);
            if f.attached_to.is_none() {
                rebase(&mut f.pose);
            } else {
                rename(&mut f.pose.relative_to);
            }
            host.frames.push(f);
        }
        for mut m in self.models {
            rebase(&mut m.pose);
            host.models.push(m);
        }
        Ok(())
    }
}

/// What a world holds, in its frame.
pub(super) struct ResolvedWorld {
    pub models: Vec<SdfModel>,
    pub lights: Vec<Light>,
    pub frames: Vec<(String, Iso)>,
}

/// The models, frames and lights of a world, resolved.
pub(super) fn resolve_world(
    label: &str,
    models: &[RawModel],
    frames: &[RawFrame],
    lights: Vec<(Light, RawPose)>,
) -> Result<ResolvedWorld> {
    let mut scope = Scope::new(label.to_string(), "world");
    let mut solved = Vec::new();
    for m in models {
        let (model, names) = m.resolve()?;
        scope.model(m, names)?;
        solved.push(model);
    }
    for f in frames {
        scope.add("frame", &f.name, &f.pose, f.attached_to.as_deref().unwrap_or("world"), f.pose.iso)?;
    }
    let names = scope.solve()?;
    for model in &mut solved {
        let pose = names[&model.name];
        transform(model, &pose);
    }
    let mut out = Vec::new();
    for (mut light, pose) in lights {
        light.pose = scope.at(&names, &pose, "world")?;
        out.push(light);
    }
    let frames = frames.iter().map(|f| (f.name.clone(), names[&f.name])).collect();
    Ok(ResolvedWorld { models: solved, lights: out, frames })
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
