//! Changes of a world that stands already: models that come, go and move.

use nalgebra::Isometry3;

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

    /// Moves a thing with all that belongs to it, its moving links too. `pose` is its new frame in the world.
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
        self.move_objects(&moves)
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

    /// Object ids of what moves by itself, in an order that stays.
    fn movers(&self) -> Vec<u32> {
        let walks = self.actors.iter().map(|a| a.object);
        walks.chain(self.mechanisms.iter().flat_map(Mechanism::places).map(|(object, _)| object)).collect()
    }

    /// Object ids of things and their new frames. Where a thing's parts stand follows from its frame alone, not from the way it
    /// came: else a flight that is taken up would differ in the last bits.
    fn move_objects(&mut self, moves: &[(u32, Isometry3<f64>)]) -> Result<()> {
        if moves.is_empty() {
            return Ok(());
        }
        let mut solids = self.solids.all().to_vec();
        for (object, pose) in moves {
            let Some(thing) = self.things.get_mut((*object as usize).wrapping_sub(1)) else { continue };
            let instances = self.scene.instances_of(*object);
            if !self.locals.contains_key(object) {
                let into = thing.pose.inverse();
                let mut looks = Vec::with_capacity(instances.len());
                for id in &instances {
                    looks.push(into * self.scene.instance(*id)?.pose);
                }
                let touch = solids.iter().filter(|s| s.object == *object).map(|s| into * s.pose).collect();
                self.locals.insert(*object, Locals { touch, looks });
            }
            let Some(locals) = self.locals.get(object) else { continue };
            thing.pose = *pose;
            let own = solids.iter_mut().filter(|s| s.object == *object);
            own.zip(&locals.touch).for_each(|(solid, local)| solid.pose = pose * local);
            for (id, local) in instances.iter().zip(&locals.looks) {
                self.scene.set_pose(*id, pose * local)?;
            }
        }
        self.solids = Solids::new(solids);
        Ok(())
    }

    /// Takes a thing away. Its object id is not given to another.
    ///
    /// # Errors
    /// As [`World::move_thing`].
    pub fn remove_thing(&mut self, name: &str) -> Result<()> {
        let object = self.find(name).ok_or_else(|| unknown(name))?;
        let mut gone = vec![object];
        if let Some(at) = self.mechanisms.iter().position(|m| m.object == object) {
            gone.extend(self.mechanisms.remove(at).parts.iter().map(|part| part.object));
        }
        let solids = self.solids.all().iter().copied().filter(|s| !gone.contains(&s.object)).collect();
        self.solids = Solids::new(solids);
        for object in gone {
            for id in self.scene.instances_of(object) {
                self.scene.set_visible(id, false)?;
            }
            self.things[object as usize - 1].name.clear();
        }
        Ok(())
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
        let mechanism = add(&mut builder, &model, &mut Shelf::default(), &mut report)?;
        builder.give_back(self);
        self.mechanisms.extend(mechanism);
        if let Some(pose) = pose.filter(|p| *p != here) {
            self.move_thing(&called, &pose)?;
        }
        Ok((called, report))
    }
}

/// Where a thing's parts stand in its frame: solids and instances in their orders.
#[derive(Debug, Clone)]
pub(super) struct Locals {
    touch: Vec<Isometry3<f64>>,
    looks: Vec<Isometry3<f64>>,
}

impl Stateful for World {
    fn go_over(&mut self, tape: &mut Tape<'_>) {
        self.mechanisms.iter_mut().for_each(|m| m.go_over(tape));
        // Where things were brought last, which is not where they would be brought now.
        let mut moves = Vec::new();
        for object in self.movers() {
            let mut pose = self.thing(object).map_or_else(Isometry3::identity, |t| t.pose);
            tape.pose(&mut pose);
            moves.push((object, pose));
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
    }
}
