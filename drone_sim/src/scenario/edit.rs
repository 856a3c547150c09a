//! Changes of a world that stands already: models that come, go and move.

use std::collections::btree_map::Entry;
use std::sync::Arc;

use nalgebra::Isometry3;
use peregrine_render::InstanceId;

use super::from_sdf::add;
use super::mechanism::Mechanism;
use super::meshes::Shelf;
use super::world::{Builder, World};
use crate::checkpoint::{Stateful, Tape};
use crate::error::{Place, Result, SimError};
use crate::sdf::{Loaded, Report};
use crate::solids::Solids;

impl World {
    /// The object id of the thing of that name.
    pub fn find(&self, name: &str) -> Option<u32> {
        let at = self.things.iter().position(|t| t.name == name && !name.is_empty())?;
        Some(at as u32 + 1)
    }

    /// Moves a thing with all that belongs to it, its moving links too. `pose` is its new frame in the world. A free body keeps its
    /// velocity, as in Gazebo.
    ///
    /// # Errors
    /// PG-1025 if there is no thing of that name; those of the renderer.
    pub fn move_thing(&mut self, name: &str, pose: &Isometry3<f64>) -> Result<()> {
        let object = self.find(name).ok_or_else(|| unknown(name))?;
        let mut moves = vec![(object, *pose)];
        if let Some(mechanism) = self.mechanisms.iter_mut().find(|m| m.object == object) {
            mechanism.place(*pose);
            moves.extend(mechanism.places());
        }
        // Links that are apart from the model go along.
        let way = self.thing(object).map(|t| pose * t.pose.inverse());
        for clump in self.clumps.iter().filter(|c| c.model == name && c.object != object) {
            if let (Some(way), Some(part)) = (&way, self.thing(clump.object)) {
                moves.push((clump.object, way * part.pose));
            }
        }
        self.move_objects(&moves)?;
        if let Some(loose) = &mut self.loose {
            moves.iter().for_each(|(object, pose)| loose.place(*object, pose));
        }
        Ok(())
    }

    /// Moves actors to where they are `seconds` after the start of the simulation, and links to where their joints have brought
    /// them; says whether any moved.
    ///
    /// # Errors
    /// Those of the renderer.
    pub fn move_all(&mut self, seconds: f64) -> Result<bool> {
        let here = |object: u32| self.thing(object).filter(|t| !t.name.is_empty()).map(|t| t.pose);
        let walks = self.actors.iter().map(|a| (a.object, a.pose(seconds)));
        let hangs = self.mechanisms.iter().flat_map(Mechanism::places);
        let moves = walks.chain(hangs).filter(|(object, pose)| here(*object).is_some_and(|old| old != *pose));
        let moves: Vec<_> = moves.collect();
        self.move_objects(&moves)?;
        Ok(!moves.is_empty())
    }

    /// Whether anything moves by itself.
    pub fn is_moving(&self) -> bool {
        !self.actors.is_empty() || !self.mechanisms.is_empty()
    }

    /// Object ids of what goes where it is told by itself, in an order that stays.
    pub(super) fn pushers(&self) -> Vec<u32> {
        let walks = self.actors.iter().map(|a| a.object);
        walks.chain(self.mechanisms.iter().flat_map(Mechanism::places).map(|(object, _)| object)).collect()
    }

    /// Object ids of things and their new frames. Where a thing's parts stand follows from its frame alone, not from the way it
    /// came: else a flight that is taken up would differ in the last bits.
    fn move_objects(&mut self, moves: &[(u32, Isometry3<f64>)]) -> Result<()> {
        if moves.is_empty() {
            return Ok(());
        }
        let mut still_too = false;
        for (object, pose) in moves {
            self.keep_locals(*object)?;
            let index = (*object as usize).wrapping_sub(1);
            let (Some(thing), Some(locals)) = (self.things.get_mut(index), self.locals.get(object)) else {
                continue;
            };
            thing.pose = *pose;
            for (i, local) in &locals.touch {
                still_too |= !self.solids.set_pose(*i, pose * local);
            }
            for (id, local) in &locals.looks {
                self.scene.set_pose(*id, pose * local)?;
            }
        }
        self.solids.renew(still_too);
        Ok(())
    }

    /// Notes where an object's parts stand in its frame, if it is not known yet.
    pub(super) fn keep_locals(&mut self, object: u32) -> Result<()> {
        let Some(thing) = self.things.get((object as usize).wrapping_sub(1)) else { return Ok(()) };
        let Entry::Vacant(new) = self.locals.entry(object) else { return Ok(()) };
        let into = thing.pose.inverse();
        let mut looks = Vec::new();
        for id in self.scene.instances_of(object) {
            looks.push((id, into * self.scene.instance(id)?.pose));
        }
        let own = self.solids.all().iter().enumerate().filter(|(_, s)| s.object == object);
        new.insert(Locals { touch: own.map(|(i, s)| (i, into * s.pose)).collect(), looks });
        Ok(())
    }

    /// Takes a thing away, with its looks. Its object id is not given to another.
    ///
    /// # Errors
    /// As [`World::move_thing`].
    pub fn remove_thing(&mut self, name: &str) -> Result<()> {
        let object = self.find(name).ok_or_else(|| unknown(name))?;
        let mut gone = vec![object];
        if let Some(at) = self.mechanisms.iter().position(|m| m.object == object) {
            gone.extend(self.mechanisms.remove(at).parts.iter().map(|part| part.object));
        }
        gone.extend(self.clumps.iter().filter(|c| c.model == name && c.object != object).map(|c| c.object));
        self.clumps.retain(|c| !gone.contains(&c.object));
        if let Some(loose) = &mut self.loose {
            gone.iter().for_each(|object| loose.remove(*object));
        }
        self.drop_solids(&gone);
        let looks = self.scene.remove(&gone);
        for locals in self.locals.values_mut() {
            locals.looks.retain_mut(|(id, _)| {
                let new = looks.instance(*id);
                *id = new.unwrap_or(*id);
                new.is_some()
            });
        }
        self.guests.retain(|model| model.name != name);
        // What is left of it is its number, under which masks and messages of before know it.
        gone.iter().for_each(|object| self.things[*object as usize - 1].name = String::new());
        Ok(())
    }

    /// Takes out solids, and keeps what is known of the others by their new numbers.
    fn drop_solids(&mut self, gone: &[u32]) {
        let all = self.solids.all();
        let mut kept = Vec::with_capacity(all.len());
        let mut numbers = Vec::with_capacity(all.len());
        let mut grips = Vec::with_capacity(all.len());
        for (i, solid) in all.iter().enumerate() {
            numbers.push(kept.len());
            if !gone.contains(&solid.object) {
                kept.push(*solid);
                grips.extend(self.grips.get(i));
            }
        }
        self.locals.retain(|object, _| !gone.contains(object));
        for locals in self.locals.values_mut() {
            locals.touch.iter_mut().for_each(|(i, _)| *i = numbers[*i]);
        }
        (self.solids, self.grips) = (Solids::new(kept), grips);
        self.sort_solids();
    }

    /// Puts the first model of `loaded` into the world, and says what it is called there.
    ///
    /// # Errors
    /// PG-1006 without a model, PG-1010 for a name that is taken and may not be changed; those of the renderer.
    pub fn insert(
        &mut self,
        loaded: Loaded,
        name: Option<&str>,
        pose: Option<Isometry3<f64>>,
        rename: bool,
    ) -> Result<(String, Report)> {
        let mut report = loaded.report;
        let place = Place { file: "create".into(), line: 1 };
        let model = loaded.models.into_iter().chain(loaded.world.into_iter().flat_map(|w| w.models)).next();
        let Some(mut model) = model else {
            return Err(SimError::Missing { place, element: "sdf".into(), missing: "a <model>".into() });
        };
        if let Some(name) = name {
            model.name = name.to_string();
        }
        if self.find(&model.name).is_some() {
            if !rename {
                return Err(SimError::Duplicate { place, kind: "model", name: model.name });
            }
            let fresh = (1..).map(|k| format!("{}_{k}", model.name)).find(|n| self.find(n).is_none());
            model.name = fresh.unwrap_or(model.name);
        }
        let called = model.name.clone();
        let here = model.pose;
        let mut builder = Builder::of(self);
        let before = self.things.len() as u32;
        let made = add(&mut builder, &model, &mut Shelf::default(), &mut report)?;
        builder.give_back(self);
        self.guests.push(Arc::new(model));
        self.mechanisms.extend(made.mechanism);
        self.let_loose(made.clumps, &made.hinges)?;
        let new: Vec<u32> = (before + 1..=self.things.len() as u32).collect();
        self.embody(&new)?;
        self.sort_solids();
        if let Some(pose) = pose.filter(|p| *p != here) {
            self.move_thing(&called, &pose)?;
        }
        Ok((called, report))
    }
}

/// Where a thing's parts stand in its frame: solids and instances, by their numbers.
#[derive(Debug, Clone)]
pub(super) struct Locals {
    pub touch: Vec<(usize, Isometry3<f64>)>,
    pub looks: Vec<(InstanceId, Isometry3<f64>)>,
}

impl Stateful for World {
    fn go_over(&mut self, tape: &mut Tape<'_>) {
        self.mechanisms.iter_mut().for_each(|m| m.go_over(tape));
        // Where things were brought last, which is not where they would be brought now.
        let mut moves = Vec::new();
        for object in self.pushers() {
            let mut pose = self.thing(object).map_or_else(Isometry3::identity, |t| t.pose);
            tape.pose(&mut pose);
            moves.push((object, pose));
        }
        if let Some(loose) = &mut self.loose {
            loose.go_over(tape);
            moves.extend(loose.places());
        }
        if tape.is_playing() && self.move_objects(&moves).is_err() {
            tape.blame("a thing of the world cannot be put back");
        }
    }
}

fn unknown(name: &str) -> SimError {
    SimError::UnknownModel { name: name.to_string() }
}

#[cfg(test)]
mod tests {
    use nalgebra::Point3;

    use super::*;
    use crate::scenario::{ForestSpec, build};
    use crate::sdf::Loader;

    const POST: &str = "<sdf version='1.9'><model name='post'><pose>5 0 1 0 0 0</pose><link name='l'>
        <collision name='c'><geometry><cylinder><radius>0.5</radius><length>2</length></cylinder></geometry></collision>
        <visual name='v'><geometry><cylinder><radius>0.5</radius><length>2</length></cylinder></geometry></visual>
        </link></model></sdf>";

    #[test]
    fn a_model_comes_moves_and_goes() {
        let mut world = build("empty", &ForestSpec::default()).unwrap();
        let here = Point3::new(0.0, 0.0, 1.0);
        let gap = |w: &World| w.solids.nearest(&here).map(|h| h.near.distance);
        assert_eq!(gap(&world), None);
        let load = || Loader::without_files().load_str(POST, "t").unwrap();
        let (name, _) = world.insert(load(), None, None, false).unwrap();
        assert_eq!((name.as_str(), gap(&world)), ("post", Some(4.5)));
        assert!(world.insert(load(), None, None, false).unwrap_err().to_string().starts_with("PG-1010"));
        let at = Isometry3::translation(0.0, 3.0, 1.0);
        let (second, _) = world.insert(load(), None, Some(at), true).unwrap();
        assert_eq!((second.as_str(), gap(&world)), ("post_1", Some(2.5)));
        world.move_thing("post_1", &Isometry3::translation(0.0, -9.0, 1.0)).unwrap();
        assert_eq!(gap(&world), Some(4.5));
        world.remove_thing("post").unwrap();
        assert_eq!(gap(&world), Some(8.5));
        assert!(world.remove_thing("post").unwrap_err().to_string().starts_with("PG-1025"));
        let shown = world.scene.instances_of(world.find("post_1").unwrap());
        assert_eq!(world.scene.instance(shown[0]).unwrap().pose.translation.y, -9.0);
        // It still moves by the handles that it has now.
        world.move_thing("post_1", &Isometry3::translation(0.0, -7.0, 1.0)).unwrap();
        let shown = world.scene.instances_of(world.find("post_1").unwrap());
        assert_eq!(world.scene.instance(shown[0]).unwrap().pose.translation.y, -7.0);
    }

    /// Who lets models come and go for hours does not fill the memory.
    #[test]
    fn who_goes_leaves_nothing_to_draw_or_to_touch() {
        let mut world = build("empty", &ForestSpec::default()).unwrap();
        let size = |w: &World| {
            (w.scene.instances().len(), w.solids.all().len(), w.grips.len(), w.locals.len(), w.guests.len())
        };
        let before = size(&world);
        for _ in 0..20 {
            let loaded = Loader::without_files().load_str(POST, "t").unwrap();
            world.insert(loaded, None, Some(Isometry3::translation(1.0, 2.0, 1.0)), false).unwrap();
            assert_eq!(size(&world).0, before.0 + 1);
            world.remove_thing("post").unwrap();
            assert_eq!(size(&world), before);
        }
    }
}
