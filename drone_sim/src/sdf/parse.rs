//! The walk over the element tree: roots, worlds, models.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use super::frames::{RawActor, RawFrame, RawModel, RawPose, RawWorld};
use super::include::Included;
use super::load::Loader;
use super::mesh::MeshData;
use super::report::Report;
use super::types::{JointKind, Light, SdfModel, SdfWorld};
use super::value::Source;
use super::xml::{self, Element};
use crate::error::{Result, SimError};

pub(super) struct Parser<'l> {
    pub loader: &'l Loader,
    pub report: Report,
    /// Names of elements that were read only to be refused.
    pub unread: Vec<String>,
    /// Material scripts that are not known, and how often each was asked for.
    pub scripts: BTreeMap<String, u32>,
    /// Mesh files that were read, or what is wrong with them.
    pub meshes: BTreeMap<PathBuf, Result<Arc<MeshData>, String>>,
    /// Files that are being read, outermost first.
    pub open: Vec<String>,
    pub includes: u64,
    /// Elements read so far, in all files.
    elements: u64,
    nesting: usize,
    notes: Rc<RefCell<Vec<String>>>,
}

/// What the root of a file holds.
pub(super) struct Root {
    pub worlds: Vec<SdfWorld>,
    pub models: Vec<RawModel>,
    pub actors: Vec<RawActor>,
    pub lights: Vec<(Light, RawPose)>,
}

impl<'l> Parser<'l> {
    pub fn new(loader: &'l Loader) -> Self {
        Self {
            loader,
            report: Report::default(),
            unread: Vec::new(),
            scripts: BTreeMap::new(),
            meshes: BTreeMap::new(),
            open: Vec::new(),
            includes: 0,
            elements: 0,
            nesting: 0,
            notes: Rc::default(),
        }
    }

    pub fn finish(mut self) -> Report {
        for key in self.unread.drain(..) {
            let seen = self.report.ignored.entry(key).or_insert(0);
            *seen = seen.saturating_add(1);
        }
        for (name, count) in std::mem::take(&mut self.scripts) {
            let text = format!(
                "material script \"{name}\" is not known ({count} x), the colours beside it are used"
            );
            self.report.warn(text);
        }
        for note in self.notes.take() {
            self.report.warn(note);
        }
        self.report
    }

    /// Reads a text; `key` identifies it for the detection of include cycles.
    pub fn root(&mut self, text: &str, file: &str, folder: Option<PathBuf>, key: String) -> Result<Root> {
        self.root_with(text, file, folder, key, None)
    }

    /// As [`Parser::root`], with the parameters that an include passes to the first model.
    pub fn root_with(
        &mut self,
        text: &str,
        file: &str,
        folder: Option<PathBuf>,
        key: String,
        include: Option<(&Source, &Element)>,
    ) -> Result<Root> {
        let limits = &self.loader.limits;
        let mut tree = xml::parse(text, file, limits)?;
        if let (Some((from, e)), Some(model)) = (include, tree.named("model", None)) {
            self.pass_params(from, e, model);
        }
        let mut src = Source { file: Arc::from(file), folder, minor: 0, notes: Rc::clone(&self.notes) };
        if tree.name() != "sdf" {
            return Err(SimError::NotSdf { place: src.place(&tree), found: tree.name().to_string() });
        }
        src.minor = version(&src, &tree)?;
        self.elements += tree.count();
        if self.elements > limits.all_elements {
            let (place, limit) = (src.place(&tree), limits.all_elements);
            return Err(SimError::Limit { place, what: "the number of elements of all files", limit });
        }
        self.open.push(key);
        let mut root =
            Root { worlds: Vec::new(), models: Vec::new(), actors: Vec::new(), lights: Vec::new() };
        for w in tree.children("world") {
            let world = self.world(&src, w)?;
            root.worlds.push(world);
        }
        for m in tree.children("model") {
            root.models.push(self.model(&src, m)?);
        }
        for a in tree.children("actor") {
            let (actor, pose) = self.actor(&src, a)?;
            root.actors.push(RawActor { actor, pose });
        }
        for l in tree.children("light") {
            root.lights.push(self.light(&src, l)?);
        }
        self.open.pop();
        self.report.collect(&tree);
        for note in self.notes.take() {
            self.report.warn(note);
        }
        Ok(root)
    }

    fn world(&mut self, src: &Source, e: &Element) -> Result<SdfWorld> {
        let name = src.name(e)?;
        let around = self.surroundings(src, e)?;
        let mut raw = RawWorld::default();
        for m in e.children("model") {
            raw.models.push(self.model(src, m)?);
        }
        for a in e.children("actor") {
            let (actor, pose) = self.actor(src, a)?;
            raw.actors.push(RawActor { actor, pose });
        }
        raw.frames = self.frames(src, e)?;
        for j in e.children("joint") {
            raw.joints.push(self.joint(src, j)?);
        }
        for i in e.children("include") {
            let merge = merges(i);
            match self.include(src, i)? {
                Included::Model(m) if merge => {
                    if let Some(m) = m.merge_into_world(&mut raw) {
                        let text = "merges a model with links into the world, which only models without can: it stays a model";
                        src.note(i, text);
                        raw.models.push(m);
                    }
                }
                Included::Model(m) => raw.models.push(*m),
                Included::Actor(a) => raw.actors.push(*a),
                Included::Light(l, pose) => raw.lights.push((*l, pose)),
                Included::Nothing => {}
            }
        }
        for l in e.children("light") {
            raw.lights.push(self.light(src, l)?);
        }
        self.rename(src, e, &mut raw.models);
        raw.models.iter().for_each(|m| self.list_joints(m));
        let plugins = self.plugins(src, e)?;
        let solved = raw.resolve(&format!("world \"{name}\""))?;
        Ok(SdfWorld {
            name,
            gravity: around.gravity,
            physics: around.physics,
            scene: around.scene,
            wind: around.wind,
            earth: around.earth,
            has_earth: around.has_earth,
            atmosphere: around.atmosphere,
            lights: solved.lights,
            models: solved.models,
            frames: solved.frames,
            joints: solved.joints,
            actors: solved.actors,
            plugins,
        })
    }

    pub fn model(&mut self, src: &Source, e: &Element) -> Result<RawModel> {
        self.nesting += 1;
        let limit = self.loader.limits.nested_models;
        if self.nesting > limit {
            let place = src.place(e);
            return Err(SimError::Limit { place, what: "the nesting of models", limit: limit as u64 });
        }
        let mut model = RawModel {
            name: src.name(e)?,
            is_static: src.flag(e, "static", false)?,
            enable_wind: src.flag(e, "enable_wind", false)?,
            canonical: e.attr("canonical_link").map(str::trim).filter(|s| !s.is_empty()).map(str::to_string),
            pose: self.pose(src, e)?,
            placement: e.attr("placement_frame").map(str::trim).filter(|s| !s.is_empty()).map(str::to_string),
            links: Vec::new(),
            joints: Vec::new(),
            frames: self.frames(src, e)?,
            models: Vec::new(),
            plugins: self.plugins(src, e)?,
        };
        for l in e.children("link") {
            model.links.push(self.link(src, l)?);
        }
        for j in e.children("joint") {
            model.joints.push(self.joint(src, j)?);
        }
        for m in e.children("model") {
            model.models.push(self.model(src, m)?);
        }
        for i in e.children("include") {
            let merge = merges(i);
            match self.include(src, i)? {
                Included::Model(m) if merge => m.merge_into(&mut model)?,
                Included::Model(m) => model.models.push(*m),
                Included::Light(..) | Included::Actor(_) => src.note(i, "includes what no model can hold"),
                Included::Nothing => {}
            }
        }
        let mut models = std::mem::take(&mut model.models);
        self.rename(src, e, &mut models);
        model.models = models;
        if src.minor <= 6 {
            part_joints(src, e, &mut model);
        }
        if let Some(name) = &model.canonical
            && !name.contains("::")
            && !model.links.iter().any(|l| l.link.name == *name)
        {
            src.note(e, &format!("names the canonical link \"{name}\", which does not exist"));
        }
        self.nesting -= 1;
        Ok(model)
    }

    /// Lists the joints that would move in Gazebo and stand still here. Rotors turn in the multicopter's own dynamics.
    pub fn list_joints(&mut self, model: &RawModel) {
        let driven: BTreeSet<String> = model.rotor_joints().map(str::to_string).collect();
        let moved = [JointKind::Fixed, JointKind::Revolute, JointKind::Continuous, JointKind::Prismatic];
        for j in model.joints.iter().filter(|j| !moved.contains(&j.joint.kind)) {
            if !model.is_static && !driven.contains(&j.joint.name) {
                self.unread.push(format!("model/joint[{}]", j.joint.kind));
            }
        }
        if !model.is_static {
            model.models.iter().for_each(|m| self.list_joints(m));
        }
    }

    /// Gives models of one name different names, as Gazebo does when it inserts them.
    fn rename(&mut self, src: &Source, e: &Element, models: &mut [RawModel]) {
        let mut names: BTreeSet<String> = BTreeSet::new();
        let mut next: BTreeMap<String, u32> = BTreeMap::new();
        for m in models {
            if !names.contains(&m.name) {
                names.insert(m.name.clone());
                continue;
            }
            // The next number goes on from the last one, or a hundred thousand of one name would take an hour.
            let from = next.entry(m.name.clone()).or_insert(1);
            let fresh = (*from..).map(|k| (k, format!("{}_{k}", m.name))).find(|(_, n)| !names.contains(n));
            let Some((number, fresh)) = fresh else { continue };
            *from = number + 1;
            src.note(e, &format!("holds a second model \"{}\", now called \"{fresh}\"", m.name));
            m.name.clone_from(&fresh);
            names.insert(fresh);
        }
    }

    fn frames(&mut self, src: &Source, e: &Element) -> Result<Vec<RawFrame>> {
        let mut out = Vec::new();
        for f in e.children("frame") {
            let attached_to =
                f.attr("attached_to").map(str::trim).filter(|s| !s.is_empty()).map(str::to_string);
            out.push(RawFrame { name: src.name(f)?, attached_to, pose: self.pose(src, f)? });
        }
        Ok(out)
    }

    /// Models that stand alone in a file, in the frame they are placed in.
    pub fn resolve_loose(&self, root: &mut Root) -> Result<(Vec<SdfModel>, Vec<Light>)> {
        let raw = RawWorld {
            models: std::mem::take(&mut root.models),
            lights: std::mem::take(&mut root.lights),
            ..RawWorld::default()
        };
        let solved = raw.resolve("the file")?;
        Ok((solved.models, solved.lights))
    }
}

/// Until 1.6 a joint could have the name of a link. Poses mean the link then, and libsdformat calls the joint `NAME_joint`.
fn part_joints(src: &Source, e: &Element, model: &mut RawModel) {
    let mut names: BTreeSet<String> = model.links.iter().map(|l| l.link.name.clone()).collect();
    names.extend(model.models.iter().map(|m| m.name.clone()));
    for j in &mut model.joints {
        if !names.contains(&j.joint.name) {
            continue;
        }
        let mut fresh = format!("{}_joint", j.joint.name);
        let mut number = 0_u32;
        while names.contains(&fresh) {
            fresh = format!("{}_joint{number}", j.joint.name);
            number += 1;
        }
        src.note(
            e,
            &format!(
                "holds a joint and a link of the name \"{}\", the joint is called \"{fresh}\"",
                j.joint.name
            ),
        );
        names.insert(fresh.clone());
        j.joint.name = fresh;
    }
}

fn merges(include: &Element) -> bool {
    include.attr("merge").is_some_and(|v| matches!(v.trim(), "true" | "1"))
}

/// The minor version, 4 to 12. Older ones are read as the oldest, newer ones as the newest, as libsdformat does; a note says so.
fn version(src: &Source, root: &Element) -> Result<u32> {
    let Some(text) = root.attr("version").map(str::trim) else {
        return Err(SimError::Version { place: src.place(root), found: String::new() });
    };
    // Patch numbers, as in 1.6.0, are not part of the scheme but of some files.
    let mut parts = text.split('.').map(|part| part.parse::<u32>().ok());
    let (major, minor) = (parts.next().flatten(), parts.next().flatten());
    let read = match (major, minor) {
        (Some(1), Some(minor @ 4..=12)) => return Ok(minor),
        // The grammar of 1.0 was another.
        (Some(1), Some(2 | 3)) => 4,
        (Some(1), Some(0 | 1)) | (Some(0), _) => {
            return Err(SimError::Version { place: src.place(root), found: text.to_string() });
        }
        _ => 12,
    };
    src.note(root, &format!("is of version \"{text}\", read as 1.{read}"));
    Ok(read)
}
