//! `<include>`: another file's model, actor or light, with some of it replaced.

use std::path::PathBuf;

use super::frames::{RawActor, RawModel, RawPose};
use super::parse::{Parser, Root};
use super::types::Light;
use super::uri::Found;
use super::value::Source;
use super::xml::Element;
use crate::error::{Place, Result, SimError};

pub(super) enum Included {
    Model(Box<RawModel>),
    Actor(Box<RawActor>),
    Light(Box<Light>, RawPose),
    Nothing,
}

impl Parser<'_> {
    pub(super) fn include(&mut self, src: &Source, e: &Element) -> Result<Included> {
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
        let Some(root) = self.included(src, e, uri, &place)? else { return Ok(Included::Nothing) };
        let name = e.child("name").map(|n| n.text().to_string()).filter(|n| !n.is_empty());
        let posed = e.child("pose").is_some();
        if let Some(mut model) = root.models.into_iter().next() {
            model.name = name.unwrap_or(model.name);
            if let Some(flag) = e.child("static") {
                model.is_static = src.boolean(flag)?;
            }
            if posed {
                model.pose = self.pose(src, e)?;
                // The model's own placement frame stands until the include names another, as in libsdformat.
            }
            if let Some(frame) = e.child("placement_frame") {
                model.placement = Some(frame.text().to_string()).filter(|s| !s.is_empty());
            }
            model.plugins.extend(self.plugins(src, e)?);
            return Ok(Included::Model(Box::new(model)));
        }
        if let Some(mut actor) = root.actors.into_iter().next() {
            actor.actor.name = name.unwrap_or(actor.actor.name);
            if posed {
                actor.pose = self.pose(src, e)?;
            }
            return Ok(Included::Actor(Box::new(actor)));
        }
        if let Some((mut light, mut pose)) = root.lights.into_iter().next() {
            light.name = name.unwrap_or(light.name);
            if posed {
                pose = self.pose(src, e)?;
            }
            return Ok(Included::Light(Box::new(light), pose));
        }
        self.report.warn(format!("{place}: {} holds no model, actor or light", uri.text()));
        Ok(Included::Nothing)
    }

    /// The root of the included file; `None` if it is missing and that is allowed.
    fn included(&mut self, src: &Source, e: &Element, uri: &Element, place: &Place) -> Result<Option<Root>> {
        let place = place.clone();
        let found = match self.loader.find(uri.text(), src.folder.as_deref()) {
            Ok(found) => found,
            Err(searched) if self.loader.placeholders => {
                let text = uri.text();
                self.report.warn(format!("{place}: include {text} was not found ({searched}), left out"));
                *self.report.ignored.entry("missing include".into()).or_insert(0) += 1;
                e.mark_all();
                return Ok(None);
            }
            Err(searched) => {
                let (element, uri) = ("include".to_string(), uri.text().to_string());
                return Err(SimError::Uri { place, element, uri, searched });
            }
        };
        let root = match found {
            Found::BuiltIn(text, name) => {
                self.root_with(text, name, None, name.to_string(), Some((src, e)))?
            }
            Found::File(path) => {
                let key = path.canonicalize().unwrap_or_else(|_| path.clone()).display().to_string();
                if self.open.contains(&key) {
                    let chain = self.open.iter().chain([&key]).cloned().collect::<Vec<_>>().join(" -> ");
                    return Err(SimError::IncludeCycle { place, chain });
                }
                let text = self.loader.read(&path)?;
                let folder = path.parent().map(PathBuf::from);
                self.root_with(&text, &path.display().to_string(), folder, key, Some((src, e)))?
            }
        };
        Ok(Some(root))
    }
}
