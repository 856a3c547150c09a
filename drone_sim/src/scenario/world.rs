//! The finished world and the builder that puts things into it.

use std::collections::BTreeMap;
use std::sync::Arc;

use nalgebra::{Isometry3, Point3, Vector3};
use peregrine_render::props::{Prop, PropId};
use peregrine_render::raycast::Shape as RenderShape;
use peregrine_render::{Material, MaterialId, MeshId, Scene};

use super::actor::Walker;
use super::clump::Clump;
use super::edit::Locals;
use super::looks;
use super::loose::Loose;
use super::mechanism::Mechanism;
use crate::error::Result;
use crate::physics::bodies::Grip;
use crate::sdf::Report;
use crate::sdf::types::{SdfModel, SdfWorld};
use crate::shape::Shape;
use crate::solids::{Solid, Solids};

/// What a thing is to the flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThingKind {
    /// A tree.
    Tree,
    /// Something with a COCO label.
    Prop,
    /// A link of a model that moves by its joint, or apart from the model; its name is `MODEL::LINK`.
    Part,
    /// Anything else.
    Other,
}

/// A thing of the world; its object id is its index plus one.
#[derive(Debug, Clone, PartialEq)]
pub struct Thing {
    /// Its name, unique in generated worlds.
    pub name: String,
    /// COCO class name, or empty.
    pub label: String,
    /// What it is.
    pub kind: ThingKind,
    /// Its frame in the world; for props the ground point.
    pub pose: Isometry3<f64>,
}

/// A world.
#[derive(Debug, Clone)]
pub struct World {
    /// The name it was asked for by.
    pub name: String,
    /// Gravity, m/s2, world ENU.
    pub gravity: Vector3<f64>,
    /// What can be touched.
    pub solids: Solids,
    /// What can be seen. Instances carry the object id; class is the COCO index plus one, 0 for none.
    pub scene: Scene,
    /// What there is.
    pub things: Vec<Thing>,
    /// What moves along a script.
    pub actors: Vec<Walker>,
    /// Models whose links move by their joints, as they are at the start.
    pub mechanisms: Vec<Mechanism>,
    /// Groups of links that nothing holds, as they were made of.
    pub clumps: Vec<Clump>,
    /// Those groups as bodies; `None` in a world without any.
    pub loose: Option<Box<Loose>>,
    /// Surfaces of the solids, and the number of the collision that each is of.
    pub(super) grips: Vec<(Grip, u32)>,
    /// What a lidar gets back from a collision, by its number, where it is not 0 (`<laser_retro>`).
    retros: BTreeMap<u32, f32>,
    /// Free bodies have moved since they were shown.
    pub(crate) unseen: bool,
    /// Parts of things that have moved, in their things' frames.
    pub(super) locals: BTreeMap<u32, Locals>,
    /// Where a flight starts, metres.
    pub start: Point3<f64>,
    /// Heading at the start, radians from east, counter-clockwise.
    pub start_yaw: f64,
    /// Where it should go, metres.
    pub goal: Point3<f64>,
    /// What of the SDF file was not used; `None` for generated worlds.
    pub report: Option<Report>,
    /// The SDF world it was built from: sensors, plugins, wind, place on Earth; `None` for generated worlds.
    pub sdf: Option<Arc<SdfWorld>>,
    /// The model that flies, if the file brings one: its sensors, plugins and masses.
    pub craft: Option<Arc<SdfModel>>,
    /// Models that came after the start, as they were written.
    pub(crate) guests: Vec<Arc<SdfModel>>,
    /// The thing that each link of the SDF file belongs to, by scoped model and link; those of the ground are left out.
    pub(super) seats: BTreeMap<(String, String), u32>,
}

impl World {
    /// The object id of the thing that a link of the SDF file belongs to; `model` is its scoped name. None for the ground.
    pub(crate) fn seat(&self, model: &str, link: &str) -> Option<u32> {
        self.seats.get(&(model.to_string(), link.to_string())).copied()
    }

    /// Whether a lidar gets anything back from anything.
    pub fn is_retroreflective(&self) -> bool {
        !self.retros.is_empty()
    }

    /// What a lidar whose beam ends at `p` (world, metres) gets back: the `<laser_retro>` of the surface there, 0 where none is said.
    pub fn retro_at(&self, p: &Point3<f64>) -> f32 {
        let hits = [self.solids.nearest(p), self.solids.nearest_plane(p)].into_iter().flatten();
        let hit = hits.min_by(|a, b| a.near.distance.abs().total_cmp(&b.near.distance.abs()));
        let collision = hit.and_then(|hit| self.grips.get(hit.solid)).map(|grip| grip.1);
        collision.and_then(|number| self.retros.get(&number)).copied().unwrap_or(0.0)
    }

    /// The thing behind an object id.
    pub fn thing(&self, object: u32) -> Option<&Thing> {
        self.things.get((object as usize).checked_sub(1)?)
    }
}

/// Collects things.
#[derive(Debug, Clone, Default)]
pub struct Builder {
    solids: Vec<Solid>,
    /// Surface of each solid and its collision.
    grips: Vec<(Grip, u32)>,
    /// That of solids to come.
    grip: Grip,
    collisions: u32,
    retros: BTreeMap<u32, f32>,
    scene: Scene,
    things: Vec<Thing>,
    blind: bool,
    seats: BTreeMap<(String, String), u32>,
}

/// A prop of the render crate that this world knows.
#[derive(Debug, Clone)]
pub struct Known {
    /// None in worlds that nobody looks at.
    id: Option<PropId>,
    label: &'static str,
    colliders: Vec<(Isometry3<f64>, RenderShape)>,
}

impl Known {
    /// Its COCO class name, or empty.
    pub(super) fn label(&self) -> &'static str {
        self.label
    }
}

impl Builder {
    /// An empty world.
    pub fn new() -> Self {
        Self { scene: Scene::new(), ..Self::default() }
    }

    /// An empty world to touch alone: its scene stays empty, which makes it many times faster to build.
    pub fn blind() -> Self {
        Self { blind: true, ..Self::new() }
    }

    /// The contents of a world, to be added to; [`Builder::give_back`] puts them back.
    pub(super) fn of(world: &World) -> Self {
        Self {
            solids: world.solids.all().to_vec(),
            grips: world.grips.clone(),
            collisions: world.grips.last().map_or(0, |g| g.1 + 1),
            retros: world.retros.clone(),
            scene: world.scene.clone(),
            things: world.things.clone(),
            ..Self::new()
        }
    }

    /// Replaces a world's contents by what was built.
    pub(super) fn give_back(self, world: &mut World) {
        (world.solids, world.scene, world.things) = (Solids::new(self.solids), self.scene, self.things);
        (world.grips, world.retros) = (self.grips, self.retros);
    }

    /// The next solids are of another collision, with this surface, from which a lidar gets that much back.
    pub(super) fn grip(&mut self, grip: Grip, retro: f32) {
        self.grip = grip;
        self.collisions += 1;
        // The number may have been that of something that went.
        self.retros.remove(&self.collisions);
        if retro != 0.0 {
            self.retros.insert(self.collisions, retro);
        }
    }

    /// The scene, for light and sky.
    pub fn scene_mut(&mut self) -> &mut Scene {
        &mut self.scene
    }

    /// Adds a thing and answers with its object id.
    pub fn thing(&mut self, name: String, label: &str, kind: ThingKind, pose: Isometry3<f64>) -> u32 {
        self.things.push(Thing { name, label: label.to_string(), kind, pose });
        self.things.len() as u32
    }

    /// Makes a prop known; it may then be placed often.
    ///
    /// # Errors
    /// Those of the render crate.
    pub fn know(&mut self, prop: &Prop) -> Result<Known> {
        let id = if self.blind { None } else { Some(self.scene.add_prop(prop)?) };
        Ok(Known { id, label: prop.label, colliders: prop.colliders.clone() })
    }

    /// Places a prop as part of the ground, without an object id.
    ///
    /// # Errors
    /// Those of the render crate.
    pub fn ground(&mut self, known: &Known, pose: Isometry3<f64>) -> Result<()> {
        if let Some(id) = &known.id {
            self.scene.place(id, pose, 1.0, 0, 0)?;
        }
        self.collide(known, &pose, 1.0, 0);
        Ok(())
    }

    /// Places a prop as a thing.
    ///
    /// # Errors
    /// Those of the render crate.
    pub fn place(
        &mut self,
        known: &Known,
        name: String,
        kind: ThingKind,
        pose: Isometry3<f64>,
        scale: f64,
    ) -> Result<u32> {
        let object = self.thing(name, known.label, kind, pose);
        if let Some(id) = &known.id {
            self.scene.place(id, pose, scale, object, class_of(known.label))?;
        }
        self.collide(known, &pose, scale, object);
        Ok(object)
    }

    fn collide(&mut self, known: &Known, pose: &Isometry3<f64>, scale: f64, object: u32) {
        for (local, shape) in &known.colliders {
            let mut local = *local;
            local.translation.vector *= scale;
            self.collisions += 1;
            self.solid(pose * local, scaled(shape, scale), object);
        }
    }

    /// Adds a shape to touch.
    pub fn solid(&mut self, pose: Isometry3<f64>, shape: Shape, object: u32) {
        self.solids.push(Solid { pose, shape, object });
        self.grips.push((self.grip, self.collisions));
    }

    /// Says to which things the links of a model belong, in the order in which [`SdfModel::visit_links`] comes to them; 0 for the ground.
    pub(super) fn seat(&mut self, top: &SdfModel, objects: &[u32]) {
        let mut objects = objects.iter();
        top.visit_links(&mut |model, _, link| {
            if let Some(object) = objects.next().filter(|object| **object != 0) {
                self.seats.insert((model.to_string(), link.name.clone()), *object);
            }
        });
    }

    /// Adds a shape to look at.
    ///
    /// # Errors
    /// Those of the render crate.
    pub fn look(
        &mut self,
        pose: Isometry3<f64>,
        shape: &Shape,
        material: Material,
        object: u32,
        class: u16,
    ) -> Result<()> {
        let mesh: MeshId = self.scene.add_mesh(looks::mesh(shape));
        let material: MaterialId = self.scene.add_material(material)?;
        let pose = pose * looks::offset(shape);
        let instance = peregrine_render::Instance::new(mesh, material, pose).labelled(object, class);
        self.scene.add_instance(instance)?;
        Ok(())
    }

    /// The world, flown from `start` to `goal` (metres) with the heading towards the goal.
    pub fn finish(self, name: &str, gravity: Vector3<f64>, start: Point3<f64>, goal: Point3<f64>) -> World {
        let way = goal - start;
        World {
            name: name.to_string(),
            gravity,
            solids: Solids::new(self.solids),
            scene: self.scene,
            things: self.things,
            actors: Vec::new(),
            mechanisms: Vec::new(),
            clumps: Vec::new(),
            loose: None,
            grips: self.grips,
            retros: self.retros,
            unseen: false,
            locals: BTreeMap::new(),
            start,
            start_yaw: if way.x.hypot(way.y) > 1e-6 { way.y.atan2(way.x) } else { 0.0 },
            goal,
            report: None,
            sdf: None,
            craft: None,
            guests: Vec::new(),
            seats: self.seats,
        }
    }
}

/// COCO index plus one, or 0.
pub(super) fn class_of(label: &str) -> u16 {
    peregrine_render::props::coco_index(label).map_or(0, |i| i + 1)
}

fn scaled(shape: &RenderShape, k: f64) -> Shape {
    match *shape {
        RenderShape::Box { size } => Shape::Box { size: Vector3::from(size) * k },
        RenderShape::Sphere { radius } => Shape::Sphere { radius: radius * k },
        RenderShape::Cylinder { radius, length } => {
            Shape::Cylinder { radius: radius * k, length: length * k }
        }
        RenderShape::Capsule { radius, length } => Shape::Capsule { radius: radius * k, length: length * k },
        RenderShape::Cone { radius, length } => Shape::Cone { radius: radius * k, length: length * k },
        RenderShape::Plane => Shape::Plane { normal: Vector3::z_axis(), size: [200.0, 200.0] },
    }
}
