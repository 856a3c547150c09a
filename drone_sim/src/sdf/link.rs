//! `<link>` with its inertial, visuals, collisions, sensors and lights.

use nalgebra::{Isometry3, Unit, Vector3};

use super::frames::{RawLink, RawPose};
use super::inertial;
use super::parse::Parser;
use super::types::{
    Attenuation, Collision, Geometry, Inertial, Known, Light, LightKind, Link, SpotCone, Surface, Visual,
};
use super::value::Source;
use super::xml::Element;
use crate::error::Result;

impl Parser<'_> {
    pub(super) fn link(&mut self, src: &Source, e: &Element) -> Result<RawLink> {
        let here = Isometry3::identity();
        let mut raw = RawLink {
            link: Link {
                name: src.name(e)?,
                pose: here,
                inertial: Inertial::default(),
                visuals: Vec::new(),
                collisions: Vec::new(),
                lights: Vec::new(),
                gravity: src.flag(e, "gravity", true)?,
                enable_wind: src.flag(e, "enable_wind", false)?,
                kinematic: src.flag(e, "kinematic", false)?,
                sensors: Vec::new(),
                sensor_plugins: Vec::new(),
                velocity_decay: [0.0; 2],
            },
            pose: self.pose(src, e)?,
            inertial: RawPose::identity(src, e),
            automatic: None,
            visuals: Vec::new(),
            collisions: Vec::new(),
            lights: Vec::new(),
            sensors: Vec::new(),
        };
        if let Some(decay) = e.child("velocity_decay") {
            raw.link.velocity_decay =
                [src.number_or(decay, "linear", 0.0)?, src.number_or(decay, "angular", 0.0)?];
        }
        if let Some(i) = e.child("inertial") {
            let density = i.child("density").map(|d| src.number(d)).transpose()?;
            if i.attr("auto").is_some_and(|v| matches!(v.trim(), "true" | "1")) {
                // Pose, mass and moments that stand beside auto="true" are not used, as the specification has it.
                i.mark_all();
                raw.automatic = Some(density);
            } else {
                raw.inertial = self.pose(src, i)?;
                raw.link.inertial = inertial::read(src, i)?;
            }
        }
        for v in e.children("visual") {
            let (visual, pose) = self.visual(src, v)?;
            raw.visuals.push(pose);
            raw.link.visuals.push(visual);
        }
        for c in e.children("collision") {
            let (name, pose) = (src.name(c)?, self.pose(src, c)?);
            let geometry = self.geometry(src, c)?;
            let surface = c.child("surface").map_or(Ok(Surface::default()), |s| surface(src, s))?;
            let density = c.child("density").map(|d| src.number(d)).transpose()?;
            let laser_retro = src.number_or(c, "laser_retro", 0.0)?;
            for quiet in ["max_contacts", "auto_inertia_params"] {
                c.child(quiet).into_iter().for_each(Element::mark_all);
            }
            raw.collisions.push(pose);
            raw.link.collisions.push(Collision { name, pose: here, geometry, surface, density, laser_retro });
        }
        for l in e.children("light") {
            let (light, pose) = self.light(src, l)?;
            raw.lights.push(pose);
            raw.link.lights.push(light);
        }
        for sensor in self.sensors(src, e)? {
            let name = sensor.spec.name.clone();
            raw.link.sensor_plugins.extend(sensor.plugins.into_iter().map(|p| (name.clone(), p)));
            raw.sensors.push(sensor.pose);
            raw.link.sensors.push(sensor.spec);
        }
        Ok(raw)
    }

    fn visual(&mut self, src: &Source, v: &Element) -> Result<(Visual, RawPose)> {
        let plugins = self.plugins(src, v)?;
        let visual = Visual {
            name: src.name(v)?,
            pose: Isometry3::identity(),
            geometry: self.geometry(src, v)?,
            material: self.material(src, v)?,
            transparency: src.number_or(v, "transparency", 0.0)?.clamp(0.0, 1.0) as f32,
            cast_shadows: src.flag(v, "cast_shadows", true)?,
            laser_retro: src.number_or(v, "laser_retro", 0.0)?,
            label: plugins.iter().find_map(|p| match p.known {
                Some(Known::Label(label)) => Some(label),
                _ => None,
            }),
        };
        for quiet in ["meta", "visibility_flags"] {
            v.child(quiet).into_iter().for_each(Element::mark_all);
        }
        Ok((visual, self.pose(src, v)?))
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
        let direction = src.vector_or(e, "direction", -Vector3::z())?;
        let direction = Unit::try_new(direction, 1e-9).unwrap_or_else(|| {
            src.note(e, "has a direction without a length, down is used");
            -Vector3::z_axis()
        });
        let color = |tag: &str, default| src.filled(e, tag).map_or(Ok(default), |c| src.color(c));
        let mut attenuation = Attenuation::default();
        if let Some(a) = e.child("attenuation") {
            // Kept within the specification's bounds, as libsdformat keeps them.
            attenuation = Attenuation {
                range: src.number_or(a, "range", attenuation.range)?.max(0.0),
                constant: src.number_or(a, "constant", attenuation.constant)?.clamp(0.0, 1.0),
                linear: src.number_or(a, "linear", attenuation.linear)?.clamp(0.0, 1.0),
                quadratic: src.number_or(a, "quadratic", attenuation.quadratic)?.max(0.0),
            };
        }
        let spot = match e.child("spot") {
            Some(s) => SpotCone {
                inner_angle: src.number_or(s, "inner_angle", 0.0)?,
                outer_angle: src.number_or(s, "outer_angle", 0.0)?,
                falloff: src.number_or(s, "falloff", 0.0)?,
            },
            None => SpotCone::default(),
        };
        for quiet in ["visualize", "light_on"] {
            e.child(quiet).into_iter().for_each(Element::mark);
        }
        let light = Light {
            name: src.name(e)?,
            kind,
            pose: Isometry3::identity(),
            direction: direction.into_inner(),
            diffuse: color("diffuse", [1.0; 4])?,
            specular: color("specular", [0.1, 0.1, 0.1, 1.0])?,
            cast_shadows: src.flag(e, "cast_shadows", false)?,
            intensity: src.number_or(e, "intensity", 1.0)?,
            attenuation,
            spot,
        };
        Ok((light, self.pose(src, e)?))
    }

    /// The element's `<pose>` as written, with the frame it is relative to.
    pub(super) fn pose(&mut self, src: &Source, owner: &Element) -> Result<RawPose> {
        let Some(e) = owner.child("pose") else { return Ok(RawPose::identity(src, owner)) };
        // Until 1.6 the attribute was called `frame`.
        let frame = e.attr("relative_to").or_else(|| e.attr("frame").filter(|_| src.minor <= 6));
        let relative_to = frame.map(str::trim).filter(|s| !s.is_empty()).map(str::to_string);
        Ok(RawPose { iso: src.pose(e)?, relative_to, file: src.file.clone(), line: e.line() })
    }
}

fn surface(src: &Source, s: &Element) -> Result<Surface> {
    let mut out = Surface::default();
    if let Some(f) = s.child("friction") {
        if let Some(ode) = f.child("ode") {
            out.mu = src.number_or(ode, "mu", out.mu)?;
            out.mu2 = src.number_or(ode, "mu2", out.mu2)?;
        } else if let Some(bullet) = f.child("bullet") {
            out.mu = src.number_or(bullet, "friction", out.mu)?;
            out.mu2 = src.number_or(bullet, "friction2", out.mu2)?;
        }
    }
    if let Some(b) = s.child("bounce") {
        out.restitution = src.number_or(b, "restitution_coefficient", 0.0)?.clamp(0.0, 1.0);
        b.child("threshold").into_iter().for_each(Element::mark);
    }
    Ok(out)
}

/// What an inertial with `auto="true"` comes to, once the collisions of the link are placed.
pub(super) fn settle(link: &mut Link, density: Option<f64>) {
    // Collisions are in the frame the link is in; their moments are wanted in the link's.
    let into = link.pose.inverse();
    let mut placed = link.collisions.clone();
    placed.iter_mut().for_each(|c| c.pose = into * c.pose);
    placed.retain(|c| c.geometry != Geometry::Empty);
    if let Some(found) = inertial::automatic(&placed, density) {
        link.inertial = Inertial { pose: link.pose * found.pose, ..found };
    } else {
        link.inertial = Inertial { pose: link.pose, ..Inertial::default() };
    }
}
