//! A loaded SDF world as a world to fly in.

use std::sync::Arc;

use nalgebra::{Point3, Vector3};
use peregrine_render::{Fog, Sky, Sun};

use super::clump::{Clump, Hinge};
use super::mechanism::Mechanism;
use super::meshes::{self, Shelf};
use super::movement::{Moving, is_multicopter, joined};
use super::world::{Builder, ThingKind, World, class_of};
use super::{actor, craft_check, looks};
use crate::error::{Place, Result, SimError};
use crate::physics::bodies::Grip;
use crate::sdf::types::{Geometry, LightKind, Link, Scene as SdfScene, SdfModel, Surface};
use crate::sdf::{Loaded, Report};
use crate::shape::Shape;

/// Builds the world. Frames named `start` and `goal` of the world, if there are any, say where the flight begins and
/// ends; else it leads from the origin `goal_distance` metres east, at `altitude` metres.
///
/// The first model with `MulticopterMotorModel` plugins is the vehicle ([`World::craft`]): it begins where it stands in the
/// file, and is no obstacle.
///
/// Models that are not static and that nothing holds are free bodies ([`World::loose`]).
///
/// A model whose name begins with a COCO label that the simulator's props know (`stop_sign_2`) carries that label.
///
/// # Errors
/// PG-1006 if the file holds neither world nor model.
pub fn from_sdf(loaded: Loaded, name: &str, goal_distance: f64, altitude: f64) -> Result<World> {
    let mut report = loaded.report;
    let mut builder = Builder::new();
    let mut gravity = Vector3::new(0.0, 0.0, -9.8);
    let mut start = Point3::new(0.0, 0.0, altitude);
    let mut goal = Point3::new(goal_distance, 0.0, altitude);
    let mut scene = SdfScene::default();
    let mut lights = loaded.lights;
    let mut models = loaded.models;
    let sdf = loaded.world.map(Arc::new);
    if let Some(world) = &sdf {
        gravity = world.gravity;
        scene = world.scene;
        lights.extend(world.lights.iter().cloned());
        models.extend(world.models.iter().cloned());
        for (frame, pose) in &world.frames {
            match frame.as_str() {
                "start" => start = pose.translation.vector.into(),
                "goal" => goal = pose.translation.vector.into(),
                _ => {}
            }
        }
    } else if models.is_empty() {
        let place = Place { file: name.into(), line: 1 };
        return Err(SimError::Missing {
            place,
            element: "sdf".into(),
            missing: "a <world> or a <model>".into(),
        });
    }
    // The first multicopter is what flies; it does not stand in its own way.
    let craft = models.iter().position(is_multicopter).map(|i| Arc::new(models.remove(i)));
    for other in models.iter().filter(|m| is_multicopter(m)) {
        report.warn(format!("{name}: multicopter \"{}\" stands still, one flies", other.name));
        report.ignore("model of a multicopter beside the vehicle");
    }
    if let Some(craft) = &craft {
        craft_check::check(craft, gravity.norm(), &mut report);
        start = craft.pose.translation.vector.into();
    }
    let sun = lights.iter().find(|l| l.kind == LightKind::Directional);
    light(&mut builder, sun.map(|l| (l.pose.rotation * l.direction, l.diffuse, l.intensity)), &scene)?;
    let mut shelf = Shelf::default();
    let (mut mechanisms, mut clumps, mut hinges) = (Vec::new(), Vec::new(), Vec::new());
    let joined = sdf.as_ref().map_or_else(Vec::new, |world| joined(world, &mut report));
    for model in &models {
        let made = add(&mut builder, model, &mut shelf, &mut report)?;
        mechanisms.extend(made.mechanism);
        if !joined.contains(&model.name) {
            clumps.extend(made.clumps);
            hinges.extend(made.hinges);
        }
    }
    let actors = sdf.iter().flat_map(|world| &world.actors).zip(0..);
    let actors = actors.map(|(actor, i)| actor::add(&mut builder, actor, i, &mut report));
    let actors = actors.collect::<Result<Vec<_>>>()?;
    let mut world = builder.finish(name, gravity, start, goal);
    world.actors = actors;
    world.mechanisms = mechanisms;
    world.report = Some(report);
    if let Some(craft) = &craft {
        world.start_yaw = craft.pose.rotation.euler_angles().2;
    }
    (world.sdf, world.craft) = (sdf, craft);
    world.let_loose(clumps, &hinges)?;
    world.sort_solids();
    Ok(world)
}

fn light(builder: &mut Builder, sun: Option<(Vector3<f64>, [f32; 4], f64)>, scene: &SdfScene) -> Result<()> {
    let mut out = Sun::default();
    // Gazebo's ambient 0.4 is the brightness that our default sky has.
    let ambient = looks::linear(scene.ambient);
    let usual = looks::linear([0.4, 0.4, 0.4, 1.0])[0];
    for (own, wished) in out.ambient.iter_mut().zip(ambient) {
        *own *= (wished / usual).clamp(0.2, 3.0);
    }
    if let Some((direction, diffuse, intensity)) = sun {
        out.direction = direction;
        let colour = looks::linear(diffuse);
        for (own, wished) in out.colour.iter_mut().zip(colour) {
            *own *= (wished * intensity.clamp(0.0, 4.0) as f32).clamp(0.0, 2.0);
        }
    }
    builder.scene_mut().set_sun(out)?;
    if !scene.sky {
        let flat = looks::linear(scene.background);
        let sky = Sky { zenith: flat, horizon: flat, clouds: 0.0, ..Sky::default() };
        builder.scene_mut().set_sky(sky)?;
    }
    if let Some(fog) = scene.fog {
        let density = (std::f64::consts::LN_2 / fog.half().max(1e-3)) as f32;
        builder.scene_mut().set_fog(Fog { colour: looks::linear(fog.color), density })?;
    }
    Ok(())
}

/// What a model brings along that moves.
#[derive(Default)]
pub(super) struct Made {
    pub mechanism: Option<Mechanism>,
    pub clumps: Vec<Clump>,
    pub hinges: Vec<Hinge>,
}

pub(super) fn add(
    builder: &mut Builder,
    top: &SdfModel,
    shelf: &mut Shelf,
    report: &mut Report,
) -> Result<Made> {
    let label = label_of(&top.name);
    let (class, kind) = (class_of(label), if label.is_empty() { ThingKind::Other } else { ThingKind::Prop });
    let kind = if top.name.starts_with("tree") { ThingKind::Tree } else { kind };
    let mut links: Vec<&Link> = Vec::new();
    top.visit_links(&mut |_, _, link| links.push(link));
    let Moving { ground, plan, clumps } = Moving::of(top, report);
    let object = if ground { 0 } else { builder.thing(top.name.clone(), label, kind, top.pose) };
    let mut seats = Vec::with_capacity(links.len());
    let mut parts = vec![0; plan.len()];
    let mut apart = vec![object; clumps.len()];
    for (index, apart) in apart.iter_mut().enumerate().skip(1) {
        if let Some((name, pose)) = clumps.part(index) {
            *apart = builder.thing(format!("{}::{name}", top.name), label, ThingKind::Part, pose);
        }
    }
    for link in links {
        let object = match plan.index(link) {
            Some(index) => {
                let name = format!("{}::{}", top.name, link.name);
                parts[index] = builder.thing(name, label, ThingKind::Part, link.pose);
                parts[index]
            }
            None => apart.get(clumps.index(link)).copied().unwrap_or(object),
        };
        seats.push(object);
        // Gazebo's lidar sees what is drawn, ours what is touched: a collision without a value of its own takes the link's.
        let shine = link.visuals.iter().map(|v| v.laser_retro).fold(0.0, f64::max);
        for c in &link.collisions {
            let retro = if c.laser_retro == 0.0 { shine } else { c.laser_retro };
            builder.grip(grip(&c.surface), retro as f32);
            match &c.geometry {
                Geometry::Shape(shape) => builder.solid(c.pose, *shape, object),
                Geometry::Mesh(mesh) => meshes::touch(builder, c.pose, &mesh.data, object),
                Geometry::Empty => {}
            }
        }
        see_through(link, report);
        for v in link.visuals.iter().filter(|v| v.transparency < 0.95) {
            // Ground has no object id by which a camera could tell it.
            let class =
                v.label.and_then(|label| u16::try_from(label).ok()).filter(|_| object != 0).unwrap_or(class);
            match &v.geometry {
                Geometry::Shape(shape) => {
                    let shade = v.cast_shadows && !matches!(shape, Shape::Plane { .. });
                    let own = v.material.clone().unwrap_or_default();
                    let mut material = looks::material(&own, shade);
                    if let Some(file) = &own.albedo_map {
                        material.texture = shelf.texture(builder, &file.display().to_string(), report);
                    }
                    builder.look(v.pose, shape, material, object, class)?;
                }
                Geometry::Mesh(mesh) => shelf.look(builder, v, &mesh.data, (object, class), report)?,
                Geometry::Empty => {}
            }
        }
    }
    builder.seat(top, &seats);
    if plan.is_empty() {
        let hinges = clumps.hinges(top, &apart);
        return Ok(Made { mechanism: None, clumps: clumps.build(top, &apart), hinges });
    }
    let mechanism = plan.build(top, object, &parts);
    if mechanism.is_none() {
        report.warn(format!("model {}: a link that hangs by a joint has no mass; it stands still", top.name));
    }
    Ok(Made { mechanism, ..Made::default() })
}

/// Lists what Gazebo would let shine through and is drawn opaque here. What lets nearly all through is not drawn.
fn see_through(link: &Link, report: &mut Report) {
    for visual in &link.visuals {
        if (0.05..0.95).contains(&visual.transparency) {
            report.ignore("visual/transparency");
        } else if visual.material.as_ref().is_some_and(|m| m.diffuse[3] < 0.95) {
            report.ignore("material/diffuse of less than full alpha");
        }
    }
}

fn grip(surface: &Surface) -> Grip {
    Grip { friction: surface.mu, restitution: surface.restitution }
}

pub(super) fn label_of(model: &str) -> &'static str {
    const LABELS: [&str; 9] = [
        "stop sign",
        "sports ball",
        "car",
        "person",
        "traffic light",
        "fire hydrant",
        "bench",
        "umbrella",
        "potted plant",
    ];
    let name = model.replace('_', " ");
    let starts =
        |l: &&&str| name.strip_prefix(**l).is_some_and(|rest| !rest.starts_with(char::is_alphabetic));
    LABELS.iter().find(starts).copied().unwrap_or("")
}
