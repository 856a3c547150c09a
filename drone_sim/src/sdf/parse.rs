//! The walk over the element tree: roots, worlds, models, includes.

use std::path::PathBuf;
use std::sync::Arc;

use nalgebra::{Isometry3, Vector3};

use super::frames::{RawFrame, RawModel, RawPose, resolve_world};
use super::load::Loader;
use super::report::Report;
use super::types::{Joint, Light, Physics, Scene, SdfModel, SdfWorld};
use super::uri::Found;
use super::value::Source;
use super::xml::{self, Element};
use crate::error::{Result, SimError};

pub(super) struct Parser<'l> {
    pub loader: &'l Loader,
    pub report: Report,
    /// Names of elements that were read only to be refused.
    pub unread: Vec<String>,
    /// Files that are being read, outermost first.
    open: Vec<String>,
    includes: u64,
    nesting: usize,
}

/// What the root of a file holds.
pub(super) struct Root {
    pub worlds: Vec<SdfWorld>,
    pub models: Vec<RawModel>,
    pub lights: Vec<(Light, RawPose)>,
}

impl<'l> Parser<'l> {
    pub fn new(loader: &'l Loader) -> Self {
        let (report, unread, open) = (Report::default(), Vec::new(), Vec::new());
        Self { loader, report, unread, open, includes: 0, nesting: 0 }
    }

    pub fn finish(mut self) -> Report {
        for key in self.unread.drain(..) {
            *self.report.ignored.entry(key).or_insert(0) += 1;
        }
        self.report
    }

    /// Reads a text; `key` identifies it for the detection of include cycles.
    pub fn root(&mut self, text: &str, file: &str, folder: Option<PathBuf>, key: String) -> Result<Root> {
        let tree = xml::parse(text, file, &self.loader.limits)?;
        let src = Source { file: Arc::from(file), folder };
        if tree.name() != "sdf" {
            return Err(SimError::NotSdf { place: src.place(&tree), found: tree.name().to_string() });
        }
        version(&src, &tree)?;
        self.open.push(key);
        let mut root = Root { worlds: Vec::new(), models: Vec::new(), lights: Vec::new() };
        for w in tree.children("world") {
            let world = self.world(&src, w)?;
            root.worlds.push(world);
        }
        for m in tree.children("model") {
            root.models.push(self.model(&src, m)?);
        }
        for l in tree.children("light") {
            root.lights.push(self.light(&src, l)?);
        }
        self.open.pop();
        self.report.collect(&tree);
        Ok(root)
    }

    fn world(&mut self, src: &Source, e: &Element) -> Result<SdfWorld> {
        let name = src.name(e)?;
        let gravity = e.child("gravity").map_or(Ok(Vector3::new(0.0, 0.0, -9.8)), |g| src.vector(g))?;
        let mut physics = Physics::default();
        if let Some(p) = e.child("physics") {
            if let Some(step) = p.child("max_step_size") {
                physics.max_step_size = src.length(step)?;
            }
            if let Some(factor) = p.child("real_time_factor") {
                physics.real_time_factor = src.number(factor)?;
            }
            if let Some(rate) = p.child("real_time_update_rate") {
                src.number(rate)?;
            }
        }
        let mut scene = Scene::default();
        if let Some(s) = e.child("scene") {
            scene.ambient = s.child("ambient").map_or(Ok(scene.ambient), |c| src.color(c))?;
            scene.background = s.child("background").map_or(Ok(scene.background), |c| src.color(c))?;
            scene.shadows = src.flag(s, "shadows", true)?;
            scene.sky = s.child("sky").is_some();
        }
        let mut models = Vec::new();
        let mut lights = Vec::new();
        for m in e.children("model") {
            models.push(self.model(src, m)?);
        }
        for i in e.children("include") {
            match self.include(src, i)? {
                Included::Model(m) => models.push(*m),
                Included::Light(l, pose) => lights.push((*l, pose)),
                Included::Nothing => {}
            }
        }
        for l in e.children("light") {
            lights.push(self.light(src, l)?);
        }
        let frames = self.frames(src, e)?;
        let solved = resolve_world(&format!("world \"{name}\""), &models, &frames, lights)?;
        let (models, lights, frames) = (solved.models, solved.lights, solved.frames);
        Ok(SdfWorld { name, gravity, physics, scene, lights, models, frames })
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
            pose: self.pose(src, e)?,
            placement: e.attr("placement_frame").filter(|s| !s.is_empty()).map(str::to_string),
            links: Vec::new(),
            joints: Vec::new(),
            frames: self.frames(src, e)?,
            models: Vec::new(),
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
            let merge = i.attr("merge").is_some_and(|v| matches!(v.trim(), "true" | "1"));
            match self.include(src, i)? {
                Included::Model(m) if merge => m.merge_into(&mut model)?,
                Included::Model(m) => model.models.push(*m),
                Included::Light(..) | Included::Nothing => {}
            }
        }
        self.nesting -= 1;
        Ok(model)
    }

    fn frames(&mut self, src: &Source, e: &Element) -> Result<Vec<RawFrame>> {
        let mut out = Vec::new();
        for f in e.children("frame") {
            let attached_to = f.attr("attached_to").filter(|s| !s.is_empty()).map(str::to_string);
            out.push(RawFrame { name: src.name(f)?, attached_to, pose: self.pose(src, f)? });
        }
        Ok(out)
    }

    fn joint(&mut self, src: &Source, e: &Element) -> Result<(Joint, RawPose)> {
        let kind = e.attr("type").ok_or_else(|| src.missing(e, "the attribute type=\"...\""))?;
        let end = |tag: &str| match e.child(tag) {
            // Before 1.7 some files wrote <child><link_name>; the text is then inside.
            Some(c) => Ok(c.child("link_name").map_or(c.text(), Element::text).to_string()),
            None => Err(src.missing(e, &format!("<{tag}>"))),
        };
        let (parent, child) = (end("parent")?, end("child")?);
        let joint =
            Joint { name: src.name(e)?, kind: kind.to_string(), parent, child, pose: Isometry3::identity() };
        // Nothing moves on joints yet: a joint that could is named in the report, a fixed one is fulfilled.
        if kind != "fixed" {
            self.unread.push(format!("model/joint[{kind}]"));
            e.mark_all();
        }
        Ok((joint, self.pose(src, e)?))
    }

    fn include(&mut self, src: &Source, e: &Element) -> Result<Included> {
        let place = src.place(e);
        self.includes += 1;
        let limits = &self.loader.limits;
        if self.includes > limits.includes {
            return Err(SimError::Limit { place, what: "the number of includes", limit: limits.includes });
        }
        if self.open.len() > limits.include_depth {
            let limit = limits.include_depth as u64;
            return Err(SimError::Limit { place, what: "the depth of includes", limit });
        }
        let Some(uri) = e.child("uri") else { return Err(src.missing(e, "<uri>")) };
        let found = match self.loader.find(uri.text(), src.folder.as_deref()) {
            Ok(found) => found,
            Err(searched) if self.loader.placeholders => {
                let text = uri.text();
                self.report.warn(format!("{place}: include {text} was not found ({searched}), left out"));
                e.mark_all();
                return Ok(Included::Nothing);
            }
            Err(searched) => {
                let (element, uri) = ("include".to_string(), uri.text().to_string());
                return Err(SimError::Uri { place, element, uri, searched });
            }
        };
        let root = match found {
            Found::BuiltIn(text, name) => self.root(text, name, None, name.to_string())?,
            Found::File(path) => {
                let key = path.canonicalize().unwrap_or_else(|_| path.clone()).display().to_string();
                if self.open.contains(&key) {
                    let chain = self.open.iter().chain([&key]).cloned().collect::<Vec<_>>().join(" -> ");
                    return Err(SimError::IncludeCycle { place, chain });
                }
                let text = self.loader.read(&path)?;
                let folder = path.parent().map(PathBuf::from);
                self.root(&text, &path.display().to_string(), folder, key)?
            }
        };
        if let Some(mut model) = root.models.into_iter().next() {
            if let Some(name) = e.child("name") {
                model.name = name.text().to_string();
            }
            if let Some(flag) = e.child("static") {
                model.is_static = src.boolean(flag)?;
            }
            if e.child("pose").is_some() {
                model.pose = self.pose(src, e)?;
                model.placement = None;
            }
            if let Some(frame) = e.child("placement_frame") {
                model.placement = Some(frame.text().to_string()).filter(|s| !s.is_empty());
            }
            return Ok(Included::Model(Box::new(model)));
        }
        if let Some((mut light, mut pose)) = root.lights.into_iter().next() {
            if let Some(name) = e.child("name") {
                light.name = name.text().to_string();
            }
            if e.child("pose").is_some() {
                pose = self.pose(src, e)?;
            }
            return Ok(Included::Light(Box::new(light), pose));
        }
        self.report.warn(format!("{place}: {} holds no model and no light", uri.text()));
        Ok(Included::Nothing)
    }

    /// Models that stand alone in a file, in the frame they are placed in.
    pub fn resolve_loose(&self, root: &mut Root) -> Result<(Vec<SdfModel>, Vec<Light>)> {
        let solved = resolve_world("the file", &root.models, &[], std::mem::take(&mut root.lights))?;
        Ok((solved.models, solved.lights))
    }
}

enum Included {
    Model(Box<RawModel>),
    Light(Box<Light>, RawPose),
    Nothing,
}

fn version(src: &Source, root: &Element) -> Result<()> {
    let text = root.attr("version").unwrap_or_default().trim();
    let minor = text.strip_prefix("1.").and_then(|m| m.parse::<u32>().ok());
    if minor.is_some_and(|m| (4..=12).contains(&m)) {
        return Ok(());
    }
    let place = src.place(root);
    Err(SimError::Version { place, found: text.to_string() })
}
