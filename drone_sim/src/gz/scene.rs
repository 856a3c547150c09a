//! A world as Gazebo's Scene, and its poses.
//!
//! Entity numbers are those of a run: the world is 1, the vehicle 2, a thing its object id plus 16; links and visuals
//! follow above all of them.

use std::collections::BTreeMap;
use std::path::Path;

use nalgebra::{Isometry3, UnitQuaternion};
use peregrine_gz::msgs::core::{Color, Header, header};
use peregrine_gz::msgs::geometry::{Pose, Quaternion, Vector3d};
use peregrine_gz::msgs::scene::material::{Pbr, pbr};
use peregrine_gz::msgs::scene::{Geometry, Light, Link, Material, Model, Scene, Visual, light};

use super::shapes::{of_mesh, of_shape};
use crate::scenario::{Thing, ThingKind, World, is_ground};
use crate::sdf::types::{self, LightKind, SdfModel};
use crate::shape::Shape;

const VEHICLE: u32 = 2;
const THINGS: u32 = 16;
/// Models that are ground have their numbers from here on: they are looked at, and neither moved nor removed.
const GROUND: u32 = 1 << 30;

/// Whether clients may move a model, or take it away.
pub(super) fn is_thing(model: &Model) -> bool {
    model.id < GROUND
}

/// Numbers for links and visuals, in order; and where files named relative to the world lie.
struct Ids<'a> {
    last: u32,
    folder: Option<&'a Path>,
}

impl Ids<'_> {
    fn next(&mut self) -> u32 {
        self.last += 1;
        self.last
    }
}

/// The whole scene. Models of an SDF file keep their links and visuals; those of a generated world have one link with a
/// visual per solid.
pub fn describe(world: &World, craft: &str) -> Scene {
    let mut ids = Ids {
        last: THINGS + world.things.len() as u32 + 1000,
        folder: Path::new(&world.name).parent().filter(|_| world.sdf.is_some()),
    };
    let mut models = Vec::new();
    let own = world.craft.as_ref();
    models.push(match own {
        Some(model) => Model { id: VEHICLE, name: craft.to_string(), ..of_sdf(model, &mut ids) },
        None => Model { id: VEHICLE, name: craft.to_string(), ..Default::default() },
    });
    let whole = |t: &Thing| !t.name.is_empty() && t.kind != ThingKind::Part;
    for (i, thing) in world.things.iter().enumerate().filter(|(_, t)| whole(t)) {
        // A model that came later may bear the name of one that went.
        let guest = world.guests.iter().rev().find(|m| m.name == thing.name).map(|m| &**m);
        let of_file = || world.sdf.as_ref().and_then(|w| w.models.iter().find(|m| m.name == thing.name));
        let written = guest.or_else(of_file);
        let model = match written {
            Some(model) => of_sdf(model, &mut ids),
            None => of_solids(world, i as u32 + 1, &mut ids),
        };
        let pose = Some(pose(&thing.name, THINGS + i as u32, &thing.pose));
        models.push(Model {
            id: THINGS + i as u32,
            name: thing.name.clone(),
            pose,
            is_static: !moves(world, i as u32 + 1),
            ..model
        });
    }
    let grounds = world.sdf.iter().flat_map(|sdf| &sdf.models).filter(|m| m.name != craft && is_ground(m));
    for (model, id) in grounds.zip(GROUND..) {
        let pose = Some(pose(&model.name, id, &model.pose));
        models.push(Model { id, pose, is_static: true, ..of_sdf(model, &mut ids) });
    }
    let lights = world.sdf.as_ref().map(|w| w.lights.iter().map(|l| of_light(l, &mut ids)).collect());
    let scene = world.sdf.as_ref().map(|w| w.scene).unwrap_or_default();
    Scene {
        name: super::world_name(world),
        ambient: Some(color(scene.ambient)),
        background: Some(color(scene.background)),
        shadows: scene.shadows,
        model: models,
        light: lights.unwrap_or_default(),
        ..Default::default()
    }
}

/// Numbers of links by model and link.
pub(super) type Links = BTreeMap<(String, String), u32>;

/// The links of a scene.
pub(super) fn links(scene: &Scene) -> Links {
    let of = |m: &Model| m.link.iter().map(|l| ((m.name.clone(), l.name.clone()), l.id)).collect::<Vec<_>>();
    scene.model.iter().flat_map(of).collect()
}

/// Whether a model may move: its links hang by joints, or it is a free body or falls apart into some.
fn moves(world: &World, object: u32) -> bool {
    let name = world.thing(object).map_or("", |t| t.name.as_str());
    world.mechanisms.iter().any(|m| m.object == object) || world.clumps.iter().any(|c| c.model == name)
}

/// Links that hang by joints or are apart from their model, in the frames of their models.
fn hanging<'a>(world: &'a World, links: &'a Links) -> impl Iterator<Item = Pose> + 'a {
    let jointed = world.mechanisms.iter().flat_map(move |m| {
        m.parts.iter().zip(m.tree.poses()).filter_map(move |(part, place)| {
            let id = links.get(&(m.model.clone(), part.link.clone()))?;
            Some(pose(&part.link, *id, &place))
        })
    });
    let apart = world.clumps.iter().flat_map(move |clump| {
        let model = world.find(&clump.model).and_then(|object| world.thing(object));
        let body = world.thing(clump.object);
        clump.links.iter().filter_map(move |(link, local)| {
            // Gazebo's name of a link is that within the model it stands in.
            let name = link.rsplit("::").next().unwrap_or(link);
            let id = links.get(&(clump.model.clone(), name.to_string()))?;
            Some(pose(name, *id, &(model?.pose.inverse() * body?.pose * local)))
        })
    });
    jointed.chain(apart)
}

/// What moves: the vehicle, actors, models that drive, free bodies, and links that hang by joints.
pub(super) fn dynamic(world: &World, craft: &str, at: &Isometry3<f64>, links: &Links) -> Vec<Pose> {
    let mut all = vec![pose(craft, VEHICLE, at)];
    for walker in &world.actors {
        if let Some(thing) = world.thing(walker.object).filter(|t| !t.name.is_empty()) {
            all.push(pose(&thing.name, THINGS + walker.object - 1, &thing.pose));
        }
    }
    for m in world.mechanisms.iter().filter(|m| m.drive.is_some() && m.object != 0) {
        all.push(pose(&m.model, THINGS + m.object - 1, &m.base));
    }
    for clump in world.clumps.iter().filter(|c| c.links.is_empty()) {
        if let Some(thing) = world.thing(clump.object) {
            all.push(pose(&thing.name, THINGS + clump.object - 1, &thing.pose));
        }
    }
    all.extend(hanging(world, links));
    all
}

/// Vehicle and things, and links that hang by joints.
pub(super) fn poses(world: &World, craft: &str, at: &Isometry3<f64>, links: &Links) -> Vec<Pose> {
    let things = world.things.iter().enumerate();
    let things = things.filter(|(_, t)| !t.name.is_empty() && t.kind != ThingKind::Part);
    let things = things.map(|(i, t)| pose(&t.name, THINGS + i as u32, &t.pose));
    std::iter::once(pose(craft, VEHICLE, at)).chain(things).chain(hanging(world, links)).collect()
}

pub(super) fn pose(name: &str, id: u32, p: &Isometry3<f64>) -> Pose {
    let (t, q) = (&p.translation, p.rotation.quaternion());
    let frame = header::Map { key: "frame_id".into(), value: vec![name.to_string()] };
    Pose {
        header: Some(Header { stamp: None, data: vec![frame] }),
        name: name.to_string(),
        id,
        position: Some(Vector3d { header: None, x: t.x, y: t.y, z: t.z }),
        orientation: Some(Quaternion { header: None, x: q.i, y: q.j, z: q.k, w: q.w }),
    }
}

fn color([r, g, b, a]: [f32; 4]) -> Color {
    Color { header: None, r, g, b, a }
}

fn of_sdf(model: &SdfModel, ids: &mut Ids<'_>) -> Model {
    let mut links = Vec::new();
    for link in &model.links {
        let id = ids.next();
        let mut visuals = Vec::new();
        for v in &link.visuals {
            let geometry = match &v.geometry {
                types::Geometry::Shape(shape) => of_shape(shape),
                types::Geometry::Mesh(mesh) => of_mesh(mesh, ids.folder),
                types::Geometry::Empty => continue,
            };
            let place = link.pose.inverse() * v.pose;
            let made = visual(ids.next(), (&v.name, &link.name), &place, geometry, v.material.as_ref());
            let (transparency, cast_shadows) = (v.transparency.into(), v.cast_shadows);
            visuals.push(Visual { transparency, cast_shadows, ..made });
        }
        let place = pose(&link.name, id, &(model.pose.inverse() * link.pose));
        let name = link.name.clone();
        links.push(Link {
            id,
            name,
            pose: Some(place),
            gravity: link.gravity,
            visual: visuals,
            ..Default::default()
        });
    }
    let inner = model.models.iter().map(|m| {
        let id = ids.next();
        let place = pose(&m.name, id, &(model.pose.inverse() * m.pose));
        Model { id, pose: Some(place), ..of_sdf(m, ids) }
    });
    let (name, is_static) = (model.name.clone(), model.is_static);
    Model { name, is_static, link: links, model: inner.collect(), ..Default::default() }
}

fn of_solids(world: &World, object: u32, ids: &mut Ids<'_>) -> Model {
    let Some(thing) = world.thing(object) else { return Model::default() };
    let grey = match thing.kind {
        ThingKind::Tree => [0.35, 0.3, 0.2, 1.0],
        _ => [0.6, 0.6, 0.6, 1.0],
    };
    let material = types::Material { diffuse: grey, ambient: grey, ..types::Material::default() };
    let into = thing.pose.inverse();
    let solids = world.solids.all().iter().filter(|s| s.object == object);
    let visuals = solids.enumerate().filter(|(_, s)| !matches!(s.shape, Shape::Triangle { .. }));
    let visuals: Vec<Visual> = visuals
        .map(|(i, s)| {
            let name = format!("visual_{i}");
            visual(ids.next(), (&name, "link"), &(into * s.pose), of_shape(&s.shape), Some(&material))
        })
        .collect();
    let link = Link { id: ids.next(), name: "link".into(), visual: visuals, ..Default::default() };
    Model { link: vec![link], ..Default::default() }
}

fn visual(
    id: u32,
    (name, parent): (&str, &str),
    place: &Isometry3<f64>,
    geometry: Geometry,
    material: Option<&types::Material>,
) -> Visual {
    // A mesh without a material of its visual's own is drawn with those of its file, which clients do if they are told of none.
    let own = geometry.mesh.is_none() || material.is_some();
    let grey = types::Material::default();
    let material = own.then(|| material.unwrap_or(&grey));
    Visual {
        id,
        name: name.to_string(),
        parent_name: parent.to_string(),
        pose: Some(pose(name, id, place)),
        geometry: Some(geometry),
        material: material.map(|material| Material {
            ambient: Some(color(material.ambient)),
            diffuse: Some(color(material.diffuse)),
            specular: Some(color(material.specular)),
            emissive: Some(color(material.emissive)),
            lighting: true,
            pbr: material.albedo_map.as_ref().map(|file| Pbr {
                r#type: pbr::WorkflowType::Metal as i32,
                albedo_map: file.display().to_string(),
                roughness: 0.5,
                ..Pbr::default()
            }),
            ..Default::default()
        }),
        cast_shadows: true,
        visible: true,
        ..Default::default()
    }
}

fn of_light(l: &types::Light, ids: &mut Ids<'_>) -> Light {
    let id = ids.next();
    let kind = match l.kind {
        LightKind::Point => light::LightType::Point,
        LightKind::Spot => light::LightType::Spot,
        LightKind::Directional => light::LightType::Directional,
    };
    let place = Isometry3::from_parts(
        l.pose.translation,
        UnitQuaternion::new_normalize(*l.pose.rotation.quaternion()),
    );
    Light {
        name: l.name.clone(),
        id,
        r#type: kind as i32,
        pose: Some(pose(&l.name, id, &place)),
        diffuse: Some(color(l.diffuse)),
        specular: Some(color(l.specular)),
        direction: Some(Vector3d { header: None, x: l.direction.x, y: l.direction.y, z: l.direction.z }),
        attenuation_constant: l.attenuation.constant as f32,
        attenuation_linear: l.attenuation.linear as f32,
        attenuation_quadratic: l.attenuation.quadratic as f32,
        range: l.attenuation.range as f32,
        cast_shadows: l.cast_shadows,
        intensity: l.intensity as f32,
        ..Default::default()
    }
}
