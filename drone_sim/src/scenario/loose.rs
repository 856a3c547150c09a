//! The bodies of a world that nothing holds, among everything that stands and everything that pushes.
//!
//! Each object of the world is one body of the solver. Those of free [`Clump`]s move by themselves; links that hang by joints, models
//! on wheels and actors go where they are told and push; the rest stands. A world without free bodies has none of this.
//!
//! Invariant: a free thing's pose in the world is that of its body, bit for bit, after every step.

use std::collections::BTreeMap;

use nalgebra::{Isometry3, Point3, Vector3};
use serde::{Deserialize, Serialize};

use super::clump::{Clump, Hinge};
use super::world::World;
use crate::checkpoint::{Stateful, Tape};
use crate::error::Result;
use crate::physics::bodies::{BodyId, CraftId, Form, Part, Role, Space};
use crate::shape::Shape;
use crate::solids::Solid;

/// A free body farther than this from the origin has fallen out of the world, metres: it is left where it is.
const LOST: f64 = 10_000.0;

/// Within this distance, metres, of a body the vehicle is among the solver's bodies.
const NEAR: f64 = 0.1;

/// Bodies by object.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Loose {
    space: Space,
    /// Of every object that has a body.
    bodies: BTreeMap<u32, BodyId>,
    free: Vec<Free>,
    craft: Option<CraftId>,
    /// How many free bodies are awake.
    awake: usize,
    /// Where the vehicle was when its distance to the nearest free body was measured, and that distance, metres.
    looked: Option<([f64; 3], f64)>,
}

/// A free body.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Free {
    object: u32,
    body: BodyId,
    lost: bool,
}

/// The vehicle in one step of the bodies.
#[derive(Debug, Clone, Copy)]
pub struct Passer {
    /// Where the step begins, metres.
    pub position: Vector3<f64>,
    /// How fast it goes through it, m/s.
    pub velocity: Vector3<f64>,
    /// kg.
    pub mass: f64,
    /// Radius of its sphere, metres.
    pub radius: f64,
}

/// What a step of the bodies did.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Stir {
    /// Whether any body moved.
    pub moved: bool,
    /// What it did to the vehicle: a way (m), a change of velocity (m/s), and the object it touches.
    pub jolt: Option<(Vector3<f64>, Vector3<f64>, u32)>,
}

impl World {
    /// Makes bodies of these groups of links, hung on each other by these joints, and of everything around them.
    ///
    /// # Errors
    /// Those of the renderer.
    pub(super) fn let_loose(&mut self, clumps: Vec<Clump>, hinges: &[Hinge]) -> Result<()> {
        if clumps.is_empty() {
            return Ok(());
        }
        let new: Vec<u32> = clumps.iter().map(|c| c.object).collect();
        self.clumps.extend(clumps);
        let objects: Vec<u32> = match &self.loose {
            Some(_) => new,
            None => (0..=self.things.len() as u32).collect(),
        };
        self.embody(&objects)?;
        if let Some(loose) = &mut self.loose {
            for Hinge { objects: [parent, child], hold } in hinges {
                if let (Some(a), Some(b)) = (loose.bodies.get(parent), loose.bodies.get(child)) {
                    loose.space.join(*a, *b, hold);
                }
            }
        }
        Ok(())
    }

    /// Gives bodies to objects that have none yet, if this world has free ones.
    ///
    /// # Errors
    /// Those of the renderer.
    pub(super) fn embody(&mut self, objects: &[u32]) -> Result<()> {
        if self.clumps.is_empty() && self.loose.is_none() {
            return Ok(());
        }
        let mut loose = self.loose.take().unwrap_or_else(|| Box::new(Loose::new(&self.gravity)));
        let mut solids: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (i, solid) in self.solids.all().iter().enumerate() {
            solids.entry(solid.object).or_default().push(i);
        }
        let pushers = self.pushers();
        for object in objects {
            if loose.bodies.contains_key(object) || self.thing(*object).is_some_and(|t| t.name.is_empty()) {
                continue;
            }
            let frame = self.thing(*object).map_or_else(Isometry3::identity, |t| t.pose);
            let parts = self.parts(&frame, solids.get(object).map_or(&[][..], Vec::as_slice));
            let clump = self.clumps.iter().find(|c| c.object == *object);
            let role = match clump {
                Some(clump) => Role::Free(clump.matter, clump.habits),
                None if pushers.contains(object) => Role::Pusher,
                None => Role::Fixed,
            };
            if parts.is_empty() && clump.is_none() {
                continue;
            }
            let (body, untouchable) = loose.space.add(&frame, role, &parts);
            if !untouchable.is_empty() {
                let name = self.thing(*object).map_or("the ground", |t| t.name.as_str());
                let text = format!(
                    "{name}: {} of its collisions are passed through by movable things: meshes that enclose nothing",
                    untouchable.len()
                );
                if let Some(report) = &mut self.report {
                    report.warn(text);
                }
            }
            loose.bodies.insert(*object, body);
            if clump.is_some() {
                loose.free.push(Free { object: *object, body, lost: false });
                loose.rouse();
                self.keep_locals(*object)?;
            }
        }
        self.loose = Some(loose);
        self.sort_solids();
        Ok(())
    }

    /// Solids of what moves by itself into a tree of their own.
    pub(super) fn sort_solids(&mut self) {
        let mut movers = self.pushers();
        movers.extend(self.free_objects());
        if movers.is_empty() {
            return;
        }
        movers.sort_unstable();
        let solids = std::mem::take(&mut self.solids);
        self.solids = solids.sorted_anew(|object| movers.binary_search(&object).is_ok());
    }

    /// Object ids of free bodies.
    pub fn free_objects(&self) -> impl Iterator<Item = u32> + '_ {
        self.loose.iter().flat_map(|loose| loose.free.iter().map(|f| f.object))
    }

    /// Whether an object is a free body.
    pub fn is_free(&self, object: u32) -> bool {
        self.loose.as_ref().is_some_and(|loose| loose.is_free(object))
    }

    /// The parts of an object, from its solids; triangles of one collision are one part.
    fn parts(&self, frame: &Isometry3<f64>, solids: &[usize]) -> Vec<Part> {
        let into = frame.inverse();
        let mut out: Vec<Part> = Vec::new();
        let mut last = None;
        for &i in solids {
            let Solid { pose, shape, .. } = self.solids.all()[i];
            let (grip, collision) = self.grips.get(i).copied().unwrap_or_default();
            let Shape::Triangle { corners } = shape else {
                out.push(Part { place: into * pose, form: Form::Shape(shape), grip });
                last = None;
                continue;
            };
            match out.last_mut() {
                Some(Part { form: Form::Mesh(all), .. }) if last == Some(collision) => all.push(corners),
                _ => out.push(Part { place: into * pose, form: Form::Mesh(vec![corners]), grip }),
            }
            last = Some(collision);
        }
        out
    }

    /// Lets one step of the vehicle pass for the bodies, which ends `seconds` after the start. The vehicle's way is not done here.
    pub(crate) fn stir(&mut self, passer: &Passer, seconds: f64) -> Stir {
        let Some(mut loose) = self.loose.take() else { return Stir::default() };
        let mut out = Stir::default();
        let pushed = self.push(&mut loose, seconds);
        let near = loose.awake > 0 || self.is_near(&mut loose, passer);
        if pushed || near {
            out = loose.step(passer);
        }
        if out.moved {
            for f in loose.free.iter_mut().filter(|f| !f.lost) {
                let pose = loose.space.pose(f.body);
                let Some(thing) = self.things.get_mut((f.object as usize).wrapping_sub(1)) else { continue };
                if pose == thing.pose {
                    continue;
                }
                let here = pose.translation.vector.iter().all(|x| x.abs() < LOST);
                if !here || loose.space.is_retired(f.body) {
                    tracing::warn!(
                        "PG-1034 {} has fallen out of the world and is left where it is: give it ground to fall on, or <static>",
                        thing.name
                    );
                    loose.space.place(f.body, &thing.pose);
                    loose.space.retire(f.body);
                    f.lost = true;
                    continue;
                }
                thing.pose = pose;
                self.unseen = true;
                if let Some(locals) = self.locals.get(&f.object) {
                    locals.touch.iter().for_each(|(i, local)| {
                        self.solids.set_pose(*i, pose * local);
                    });
                }
            }
            self.solids.renew(false);
        }
        self.loose = Some(loose);
        out
    }

    /// Sends pushers to where they are at that moment; says whether any moves.
    fn push(&self, loose: &mut Loose, seconds: f64) -> bool {
        let mut moved = false;
        for walker in &self.actors {
            if let Some(body) = loose.bodies.get(&walker.object).copied() {
                moved |= loose.space.push(body, &walker.pose(seconds));
            }
        }
        for mechanism in &self.mechanisms {
            for (object, pose) in mechanism.places() {
                if let Some(body) = loose.bodies.get(&object).copied() {
                    moved |= loose.space.push(body, &pose);
                }
            }
        }
        moved
    }

    /// Whether the vehicle is near a body that sleeps. They stay where they are, so the distance changes by no more than the way
    /// flown.
    fn is_near(&self, loose: &mut Loose, passer: &Passer) -> bool {
        let margin = NEAR + passer.radius;
        if let Some((there, gap)) = loose.looked
            && gap - (passer.position - Vector3::from(there)).norm() > margin
        {
            return false;
        }
        let at = Point3::from(passer.position);
        let gap = self.solids.nearest_mover(&at, |object| loose.is_free(object));
        let gap = gap.map_or(f64::INFINITY, |hit| hit.near.distance);
        loose.looked = Some((passer.position.into(), gap));
        gap <= margin
    }

    /// Brings what is seen of free bodies to where they are.
    ///
    /// # Errors
    /// Those of the renderer.
    pub(crate) fn show(&mut self) -> Result<()> {
        if !std::mem::take(&mut self.unseen) {
            return Ok(());
        }
        let Some(loose) = &self.loose else { return Ok(()) };
        for f in &loose.free {
            let Some(thing) = self.things.get((f.object as usize).wrapping_sub(1)) else { continue };
            let Some(locals) = self.locals.get(&f.object) else { continue };
            for (id, local) in &locals.looks {
                self.scene.set_pose(*id, thing.pose * local)?;
            }
        }
        Ok(())
    }
}

impl Loose {
    fn new(gravity: &Vector3<f64>) -> Self {
        let space = Space::new(gravity);
        Self { space, bodies: BTreeMap::new(), free: Vec::new(), craft: None, awake: 0, looked: None }
    }

    fn is_free(&self, object: u32) -> bool {
        self.number(object).is_some()
    }

    /// The number of a free object: they stand in the order of their ids, for later ones have larger ids.
    fn number(&self, object: u32) -> Option<usize> {
        self.free.binary_search_by_key(&object, |f| f.object).ok()
    }

    fn step(&mut self, passer: &Passer) -> Stir {
        let space = &mut self.space;
        let craft = *self.craft.get_or_insert_with(|| space.add_craft(passer.mass, passer.radius));
        space.meet(craft, &passer.position, &passer.velocity);
        space.step();
        let jolt = space.jolt(craft, &passer.position, &passer.velocity);
        let awake = self.free.iter().filter(|f| space.is_awake(f.body)).count();
        // What fell asleep in this step may have moved in it.
        let moved = awake > 0 || self.awake > 0;
        self.awake = awake;
        if moved {
            self.looked = None;
        }
        let object =
            |met: BodyId| self.bodies.iter().find(|(_, body)| **body == met).map(|(object, _)| *object);
        Stir { moved, jolt: jolt.and_then(|j| Some((j.shift, j.kick, object(j.met)?))) }
    }

    /// Puts an object's body somewhere.
    pub(super) fn place(&mut self, object: u32, pose: &Isometry3<f64>) {
        if let Some(body) = self.bodies.get(&object) {
            self.space.place(*body, pose);
            if let Some(free) = self.number(object).and_then(|i| self.free.get_mut(i)) {
                free.lost = false;
            }
            self.rouse();
        }
    }

    /// Takes an object's body away.
    pub(super) fn remove(&mut self, object: u32) {
        if let Some(body) = self.bodies.remove(&object) {
            // What lay on it wakes.
            let here = self.space.pose(body);
            self.space.place(body, &here);
            self.space.remove(body);
            self.free.retain(|f| f.object != object);
            self.rouse();
        }
    }

    /// The next step is taken in any case: only then is it known what sleeps.
    fn rouse(&mut self) {
        self.awake = self.awake.max(1);
        self.looked = None;
    }

    /// Velocity of the centre of mass (m/s) and rates (rad/s) of a free object, in the world.
    pub fn velocity(&self, object: u32) -> Option<[Vector3<f64>; 2]> {
        Some(self.space.velocity(self.free.get(self.number(object)?)?.body))
    }

    /// Sets a free object in motion; false if there is none.
    pub fn launch(&mut self, object: u32, velocity: &Vector3<f64>, rates: &Vector3<f64>) -> bool {
        let Some(free) = self.number(object).and_then(|i| self.free.get(i)) else { return false };
        self.space.launch(free.body, velocity, rates);
        self.awake = self.awake.max(1);
        true
    }

    /// How many free bodies are awake.
    pub fn awake(&self) -> usize {
        self.awake
    }

    /// Free objects and where their bodies are.
    pub(super) fn places(&self) -> Vec<(u32, Isometry3<f64>)> {
        self.free.iter().map(|f| (f.object, self.space.pose(f.body))).collect()
    }
}

impl Stateful for Loose {
    fn go_over(&mut self, tape: &mut Tape<'_>) {
        let mut bytes = Vec::new();
        if !tape.is_playing() {
            match postcard::to_allocvec(self) {
                Ok(told) => bytes = told,
                // Memory alone could be short of.
                Err(cause) => tracing::error!("the state of bodies cannot be told: {cause}"),
            }
        }
        tape.bytes(&mut bytes);
        if tape.is_playing() {
            match postcard::from_bytes::<Self>(&bytes) {
                Ok(heard) => *self = heard,
                Err(_) => tape.blame("the state of its bodies cannot be read"),
            }
        }
    }
}
