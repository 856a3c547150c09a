//! What surrounds the models: gravity, physics, scene, wind, air, the place on Earth; and actors.

use nalgebra::{Isometry3, Vector3};

use super::frames::RawPose;
use super::parse::Parser;
use super::types::{Actor, Atmosphere, Fog, FogKind, Physics, Scene, Trajectory, Waypoint};
use super::value::Source;
use super::xml::Element;
use crate::error::Result;
use crate::sensors::spec::Earth;

/// What [`Parser::surroundings`] reads.
pub(super) struct Surroundings {
    pub gravity: Vector3<f64>,
    pub physics: Physics,
    pub scene: Scene,
    pub wind: Vector3<f64>,
    pub earth: Earth,
    pub has_earth: bool,
    pub atmosphere: Atmosphere,
}

impl Parser<'_> {
    pub(super) fn surroundings(&mut self, src: &Source, e: &Element) -> Result<Surroundings> {
        let mut out = Surroundings {
            gravity: Vector3::new(0.0, 0.0, -9.8),
            physics: Physics::default(),
            scene: Scene::default(),
            wind: Vector3::zeros(),
            earth: Earth::default(),
            has_earth: false,
            atmosphere: Atmosphere::default(),
        };
        // Up to 1.5 gravity and the magnetic field stood inside of <physics>.
        let old = e.all().iter().find(|c| c.name() == "physics").filter(|_| src.minor <= 5);
        for place in [old, Some(e)].into_iter().flatten() {
            out.gravity = src.vector_or(place, "gravity", out.gravity)?;
            out.earth.magnetic_field = src.vector_or(place, "magnetic_field", out.earth.magnetic_field)?;
        }
        if let Some(p) = e.child("physics") {
            physics(src, p, &mut out.physics)?;
        }
        if let Some(s) = e.child("scene") {
            scene(src, s, &mut out.scene)?;
        }
        if let Some(w) = e.child("wind") {
            out.wind = src.vector_or(w, "linear_velocity", out.wind)?;
        }
        if let Some(a) = e.child("atmosphere") {
            let air = &mut out.atmosphere;
            air.temperature = src.number_or(a, "temperature", air.temperature)?;
            air.pressure = src.number_or(a, "pressure", air.pressure)?;
            air.temperature_gradient = src.number_or(a, "temperature_gradient", air.temperature_gradient)?;
        }
        if let Some(s) = e.child("spherical_coordinates") {
            out.has_earth = true;
            out.earth.latitude_deg = src.number_or(s, "latitude_deg", 0.0)?;
            out.earth.longitude_deg = src.number_or(s, "longitude_deg", 0.0)?;
            out.earth.elevation = src.number_or(s, "elevation", 0.0)?;
            out.earth.heading_deg = src.number_or(s, "heading_deg", 0.0)?;
            if let Some(surface) = s.child("surface_model").filter(|m| m.text() != "EARTH_WGS84") {
                src.note(surface, &format!("asks for \"{}\", EARTH_WGS84 is used", surface.text()));
            }
            if let Some(axes) = s.child("world_frame_orientation").filter(|m| m.text() != "ENU") {
                src.note(axes, &format!("asks for \"{}\", ENU is used", axes.text()));
            }
        }
        Ok(out)
    }

    pub(super) fn actor(&mut self, src: &Source, e: &Element) -> Result<(Actor, RawPose)> {
        let mut out = Actor {
            name: src.name(e)?,
            pose: Isometry3::identity(),
            skin: None,
            skin_scale: 1.0,
            repeats: true,
            delay_start: 0.0,
            auto_start: true,
            trajectories: Vec::new(),
            plugins: self.plugins(src, e)?,
        };
        if let Some(skin) = e.child("skin") {
            out.skin = skin.child("filename").map(|f| f.text().to_string());
            out.skin_scale = src.number_or(skin, "scale", 1.0)?;
        }
        for animation in e.children("animation") {
            animation.mark_all();
        }
        if let Some(s) = e.child("script") {
            out.repeats = src.flag(s, "loop", true)?;
            out.delay_start = src.number_or(s, "delay_start", 0.0)?.max(0.0);
            out.auto_start = src.flag(s, "auto_start", true)?;
            for t in s.children("trajectory") {
                let number =
                    |name: &str| t.attr(name).and_then(|v| v.trim().parse::<f64>().ok()).unwrap_or(0.0);
                let kind = t.attr("type").unwrap_or_default().trim().to_string();
                let mut waypoints = Vec::new();
                for w in t.children("waypoint") {
                    let time = src.number_or(w, "time", 0.0)?;
                    let pose = w.child("pose").map_or(Ok(Isometry3::identity()), |p| src.pose(p))?;
                    waypoints.push(Waypoint { time, pose });
                }
                waypoints.sort_by(|a, b| a.time.total_cmp(&b.time));
                let (id, tension) = (number("id") as i64, number("tension").clamp(0.0, 1.0));
                out.trajectories.push(Trajectory { id, kind, tension, waypoints });
            }
            out.trajectories.sort_by_key(|t| t.id);
        }
        Ok((out, self.pose(src, e)?))
    }
}

fn physics(src: &Source, p: &Element, out: &mut Physics) -> Result<()> {
    if let Some(step) = p.child("max_step_size") {
        let size = src.number(step)?;
        if size > 0.0 && size.is_finite() {
            out.max_step_size = size;
        } else {
            src.note(step, &format!("holds {size}, which is no step, {} s is used", out.max_step_size));
        }
    }
    out.real_time_factor = src.number_or(p, "real_time_factor", out.real_time_factor)?;
    src.number_or(p, "real_time_update_rate", 0.0)?;
    Ok(())
}

fn scene(src: &Source, s: &Element, out: &mut Scene) -> Result<()> {
    out.ambient = src.filled(s, "ambient").map_or(Ok(out.ambient), |c| src.color(c))?;
    out.background = src.filled(s, "background").map_or(Ok(out.background), |c| src.color(c))?;
    out.shadows = src.flag(s, "shadows", true)?;
    if let Some(sky) = s.child("sky") {
        sky.mark_all();
        out.sky = true;
    }
    if let Some(f) = s.child("fog") {
        let kind = f.child("type").map_or("none", Element::text).to_string();
        let color = src.filled(f, "color").map_or(Ok([1.0; 4]), |c| src.color(c))?;
        let number = |tag, default| src.number_or(f, tag, default);
        let fog = Fog {
            kind: match kind.as_str() {
                "linear" => FogKind::Linear,
                "quadratic" | "exp2" => FogKind::Quadratic,
                _ => FogKind::Exponential,
            },
            color,
            start: number("start", 1.0)?,
            end: number("end", 100.0)?,
            density: number("density", 1.0)?,
        };
        out.fog = (kind != "none" && !kind.is_empty()).then_some(fog);
    }
    Ok(())
}
