//! A loaded SDF world as a world to fly in.

use nalgebra::{Isometry3, Point3, Vector3};
use peregrine_render::{Sky, Sun};

use super::looks;
use super::world::{Builder, ThingKind, World, class_of};
use crate::error::{Place, Result, SimError};
use crate::sdf::Loaded;
use crate::sdf::types::{LightKind, Scene as SdfScene, SdfModel};
use crate::shape::Shape;

/// Builds the world. Frames named `start` and `goal` of the world, if there are any, say where the flight begins and
/// ends; else it leads from the origin `goal_distance` metres east, at `altitude` metres.
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
    if let Some(world) = loaded.world {
        gravity = world.gravity;
        scene = world.scene;
        lights.extend(world.lights);
        models.extend(world.models);
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
    let sun = lights.iter().find(|l| l.kind == LightKind::Directional);
    let others = lights.iter().filter(|l| l.kind != LightKind::Directional).count();
    if others > 0 {
        report.warn(format!(
            "{name}: {others} point or spot lights are not drawn, only the first directional one"
        ));
    }
    light(&mut builder, sun.map(|l| (l.pose.rotation * l.direction, l.diffuse, l.intensity)), &scene)?;
    for model in &models {
        add(&mut builder, model)?;
    }
    let mut world = builder.finish(name, gravity, start, goal);
    world.report = Some(report);
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
    Ok(())
}

fn add(builder: &mut Builder, top: &SdfModel) -> Result<()> {
    let label = label_of(&top.name);
    let (class, kind) = (class_of(label), if label.is_empty() { ThingKind::Other } else { ThingKind::Prop });
    let kind = if top.name.starts_with("tree") { ThingKind::Tree } else { kind };
    let mut parts: Vec<(Isometry3<f64>, Shape, Option<_>)> = Vec::new();
    top.visit_links(&mut |_, _, link| {
        for c in &link.collisions {
            parts.push((c.pose, c.shape, None));
        }
        for v in link.visuals.iter().filter(|v| v.transparency < 0.95) {
            let shade = v.cast_shadows && !matches!(v.shape, Shape::Plane { .. });
            parts.push((v.pose, v.shape, Some(looks::material(&v.material, shade))));
        }
    });
    // A model of planes alone is ground, not a thing.
    let ground = parts.iter().all(|(_, s, _)| matches!(s, Shape::Plane { .. }));
    let object = if ground { 0 } else { builder.thing(top.name.clone(), label, kind, top.pose) };
    for (pose, shape, material) in parts {
        match material {
            None => builder.solid(pose, shape, object),
            Some(material) => builder.look(pose, &shape, material, object, class)?,
        }
    }
    Ok(())
}

fn label_of(model: &str) -> &'static str {
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
