//! `<link>` with its inertial, visuals, collisions and lights.

use nalgebra::{Isometry3, Matrix3, Unit, Vector3};

use super::frames::{RawLink, RawPose};
use super::parse::Parser;
use super::types::{Collision, Inertial, Light, LightKind, Link, Visual};
use super::value::Source;
use super::xml::Element;
use crate::error::Result;

impl Parser<'_> {
    pub(super) fn link(&mut self, src: &Source, e: &Element) -> Result<RawLink> {
        let mut raw = RawLink {
            link: Link {
                name: src.name(e)?,
                pose: Isometry3::identity(),
                inertial: Inertial { mass: 1.0, pose: Isometry3::identity(), inertia: Matrix3::identity() },
                visuals: Vec::new(),
                collisions: Vec::new(),
                lights: Vec::new(),
                gravity: src.flag(e, "gravity", true)?,
            },
            pose: self.pose(src, e)?,
            inertial: RawPose::identity(src, e),
            visuals: Vec::new(),
            collisions: Vec::new(),
            lights: Vec::new(),
        };
        if let Some(i) = e.child("inertial") {
            raw.inertial = self.pose(src, i)?;
            raw.link.inertial = inertial(src, i)?;
        }
        for v in e.children("visual") {
            let name = src.name(v)?;
            let pose = self.pose(src, v)?;
            let material = self.material(src, v)?;
            let transparency =
                v.child("transparency").map_or(Ok(0.0), |t| src.number(t))?.clamp(0.0, 1.0) as f32;
            let cast_shadows = src.flag(v, "cast_shadows", true)?;
            let Some(shape) = self.geometry(src, v)? else { continue };
            let here = Isometry3::identity();
            raw.visuals.push(pose);
            raw.link.visuals.push(Visual { name, pose: here, shape, material, transparency, cast_shadows });
        }
        for c in e.children("collision") {
            let name = src.name(c)?;
            let pose = self.pose(src, c)?;
            let Some(shape) = self.geometry(src, c)? else { continue };
            raw.collisions.push(pose);
            raw.link.collisions.push(Collision { name, pose: Isometry3::identity(), shape });
        }
        for l in e.children("light") {
            let (light, pose) = self.light(src, l)?;
            raw.lights.push(pose);
            raw.link.lights.push(light);
        }
        Ok(raw)
    }

    pub(super) fn light(&mut self, src: &Source, e: &Element) -> Result<(Light, RawPose)> {
        let kind = match e.attr("type").map(str::trim) {
            Some("directional") => LightKind::Directional,
            Some("spot") => LightKind::Spot,
            Some("point") => LightKind::Point,
            Some(other) => {
                return Err(src.bad(e, other, "an unknown light type", "Use point, directional or spot."));
            }
            None => return Err(src.missing(e, "the attribute type=\"point|directional|spot\"")),
        };
        let direction = e.child("direction").map_or(Ok(Vector3::new(0.0, 0.0, -1.0)), |d| src.vector(d))?;
        let Some(direction) = Unit::try_new(direction, 1e-9) else {
            return Err(src.bad(e, "0 0 0", "which is no direction", "Write a vector with a length."));
        };
        let color = |tag: &str, default| e.child(tag).map_or(Ok(default), |c| src.color(c));
        let light = Light {
            name: src.name(e)?,
            kind,
            pose: Isometry3::identity(),
            direction: direction.into_inner(),
            diffuse: color("diffuse", [1.0; 4])?,
            specular: color("specular", [0.1, 0.1, 0.1, 1.0])?,
            cast_shadows: src.flag(e, "cast_shadows", false)?,
            intensity: e.child("intensity").map_or(Ok(1.0), |i| src.number(i))?,
        };
        Ok((light, self.pose(src, e)?))
    }

    /// The element's `<pose>` as written, with the frame it is relative to.
    pub(super) fn pose(&mut self, src: &Source, owner: &Element) -> Result<RawPose> {
        let Some(e) = owner.child("pose") else { return Ok(RawPose::identity(src, owner)) };
        let relative_to = e.attr("relative_to").map(str::trim).filter(|s| !s.is_empty()).map(str::to_string);
        Ok(RawPose { iso: src.pose(e)?, relative_to, file: src.file.clone(), line: e.line() })
    }
}

fn inertial(src: &Source, e: &Element) -> Result<Inertial> {
    let mass = match e.child("mass") {
        Some(m) => src
            .length(m)
            .map_err(|_| src.bad(m, m.text(), "which is no mass", "Write kilograms, above zero."))?,
        None => 1.0,
    };
    let mut inertia = Matrix3::identity();
    if let Some(i) = e.child("inertia") {
        let entries =
            [("ixx", 0, 0), ("iyy", 1, 1), ("izz", 2, 2), ("ixy", 0, 1), ("ixz", 0, 2), ("iyz", 1, 2)];
        for (tag, row, column) in entries {
            if let Some(c) = i.child(tag) {
                let value = src.number(c)?;
                inertia[(row, column)] = value;
                inertia[(column, row)] = value;
            }
        }
    }
    Ok(Inertial { mass, pose: Isometry3::identity(), inertia })
}
