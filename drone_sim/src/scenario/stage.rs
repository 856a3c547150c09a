//! Worlds to learn from: people, vehicles, trees, poles and drones at random, among things that are none of these, in
//! changing light.

use nalgebra::{Isometry3, Point3, UnitQuaternion, Vector3};
use peregrine_render::props::{self, Prop};
use peregrine_render::raycast::Shape as RenderShape;
use peregrine_render::{Fog, Sky, Sun};

use super::craft_props::{drone, pole};
use super::poisson::{Area, scatter};
use super::world::{Builder, Known, ThingKind, World};
use crate::error::Result;
use crate::rng::Stream;

/// Half the side of the square that things stand in, metres.
const HALF: f64 = 24.0;

/// The cast: made once, since making it is most of the work of a stage.
#[derive(Debug, Clone)]
pub struct Stage {
    /// A world that knows all props and holds nothing.
    empty: Builder,
    grounds: Vec<Known>,
    people: Vec<Known>,
    vehicles: Vec<Known>,
    /// Trees with the radius of the trunk, metres.
    trees: Vec<(Known, f64)>,
    pines: Vec<Known>,
    poles: Vec<Known>,
    drones: Vec<Known>,
    /// What is none of the classes.
    others: Vec<Known>,
}

/// Radius of the trunk of a prop, metres.
fn trunk(prop: &Prop) -> Option<f64> {
    prop.colliders.iter().find_map(|(_, shape)| match shape {
        RenderShape::Cylinder { radius, .. } => Some(*radius),
        _ => None,
    })
}

impl Stage {
    /// Makes the cast. `looks` shifts what its members look like, so that training and test can have different ones.
    ///
    /// # Errors
    /// Those of the render crate.
    pub fn new(looks: u32) -> Result<Self> {
        let mut empty = Builder::new();
        let mut know = |props: Vec<Prop>| props.iter().map(|p| empty.know(p)).collect::<Result<Vec<_>>>();
        let numbers = |n: u32| (0..n).map(move |i| looks.wrapping_mul(100).wrapping_add(i));
        let grounds =
            know(vec![props::grass(300.0, 11), props::grass(300.0, looks + 5), props::gravel(300.0, looks)])?;
        let people = know(numbers(10).map(props::person).collect())?;
        let vehicles = know(numbers(6).map(props::car).collect())?;
        let shapes = [1_u32, 48, 53, 30, 32, 18, 27].map(props::tree);
        let trunks: Vec<f64> = shapes.iter().map(|p| trunk(p).unwrap_or(0.2)).collect();
        let trees = know(shapes.to_vec())?.into_iter().zip(trunks).collect();
        let pines = know((0..3).map(props::pine).collect())?;
        let poles = know(vec![
            pole(4.0, 0.06, [0x8A8D8C, 0x8A8D8C], true),
            pole(6.5, 0.09, [0x4B4F52, 0x4B4F52], true),
            pole(5.0, 0.15, [0x6B4E33, 0x6B4E33], false),
            pole(3.0, 0.08, [0xB81422, 0xECECE8], false),
            pole(2.4, 0.05, [0xE0B020, 0x202020], false),
            pole(7.0, 0.12, [0xC9C9C2, 0xC9C9C2], false),
        ])?;
        let drones = know(vec![
            drone(0.50, 0x202224, 0x303236),
            drone(0.36, 0xE6E6E2, 0xC0C0BC),
            drone(0.65, 0x1C1E22, 0xC8541E),
            drone(0.80, 0x9A9C9E, 0x26282A),
        ])?;
        let others = know(vec![
            props::stop_sign(),
            props::soccer_ball(0.35),
            props::ball(0.3, 0xC8541E),
            props::fire_hydrant(),
            props::bench(),
            props::potted_plant(looks),
            props::bush(looks),
            props::bush(looks + 1),
            props::rock(0.9, looks),
            props::rock(1.6, looks + 1),
        ])?;
        Ok(Self { empty, grounds, people, vehicles, trees, pines, poles, drones, others })
    }

    /// The world of a seed.
    ///
    /// # Errors
    /// Those of the render crate.
    pub fn set(&self, seed: u64) -> Result<World> {
        let mut builder = self.empty.clone();
        let mut dice = Dice { stream: Stream::new(seed, 40), next: 0 };
        light(&mut builder, &mut dice)?;
        let ground = dice.pick(&self.grounds);
        builder.ground(ground, Isometry3::identity())?;
        let mut stands = Stands { taken: Vec::new(), places: Stream::new(seed, 41), next: 0 };
        for (cast, least, most, room) in [
            (&self.vehicles, 1, 4, 2.6),
            (&self.people, 3, 9, 0.6),
            (&self.poles, 2, 6, 0.6),
            (&self.others, 3, 9, 0.9),
        ] {
            for _ in 0..dice.between(f64::from(least), f64::from(most) + 1.0) as u32 {
                let Some(at) = stands.find(room) else { continue };
                let known = dice.pick(cast);
                let scale = dice.between(0.92, 1.08);
                let pose = standing(at, 0.0, dice.turn());
                let name = format!("{}_{}", known.label().replace(' ', "_"), stands.taken.len());
                builder.place(known, name, ThingKind::Prop, pose, scale)?;
            }
        }
        for i in 0..dice.between(3.0, 9.0) as u32 {
            let [x, y] = [dice.between(-HALF, HALF), dice.between(-HALF, HALF)];
            let (height, turn, tilt) = (dice.between(0.6, 7.0), dice.turn(), dice.between(-0.35, 0.35));
            let turn = UnitQuaternion::from_euler_angles(tilt, dice.between(-0.35, 0.35), turn);
            let pose = Isometry3::from_parts(Vector3::new(x, y, height).into(), turn);
            let known = dice.pick(&self.drones);
            builder.place(known, format!("drone_{i}"), ThingKind::Prop, pose, dice.between(0.85, 1.2))?;
        }
        self.plant(seed, &mut builder, &mut dice, &stands)?;
        let (start, goal) = (Point3::new(-HALF, 0.0, 2.0), Point3::new(HALF, 0.0, 2.0));
        Ok(builder.finish("stage", Vector3::new(0.0, 0.0, -9.8), start, goal))
    }

    fn plant(&self, seed: u64, builder: &mut Builder, dice: &mut Dice, stands: &Stands) -> Result<()> {
        let area = Area { low: [-HALF - 8.0; 2], high: [HALF + 8.0; 2] };
        // From a clearing to the densest forest that is flown in.
        let density = dice.between(0.0, 0.05);
        let wanted = (density * area.size()) as usize;
        let free = |p: [f64; 2]| stands.taken.iter().all(|(q, room)| far(p, *q) > room + 0.8);
        for (i, p) in scatter(&Stream::new(seed, 42), &area, wanted, 2.2, free).into_iter().enumerate() {
            let turn = dice.turn();
            let name = format!("tree_{i}");
            if dice.unit() < 0.15 {
                let pine = dice.pick(&self.pines);
                builder.place(pine, name, ThingKind::Tree, standing(p, 0.0, turn), dice.between(0.7, 1.3))?;
            } else {
                let (tree, trunk) = dice.pick(&self.trees);
                let scale = dice.between(0.16, 0.36) / trunk;
                builder.place(tree, name, ThingKind::Tree, standing(p, 0.0, turn), scale)?;
            }
        }
        // A wood all around, so that the horizon is not bare; some stages have none.
        let rim = Area { low: [-HALF - 30.0; 2], high: [HALF + 30.0; 2] };
        let count = (dice.unit() * 130.0) as usize;
        let outside = |p: [f64; 2]| p[0].abs().max(p[1].abs()) > HALF + 10.0;
        for (i, p) in scatter(&Stream::new(seed, 43), &rim, count, 3.5, outside).into_iter().enumerate() {
            let pine = dice.pick(&self.pines);
            let pose = standing(p, 0.0, dice.turn());
            builder.place(pine, format!("pine_{i}"), ThingKind::Tree, pose, dice.between(0.8, 1.4))?;
        }
        Ok(())
    }
}

fn light(builder: &mut Builder, dice: &mut Dice) -> Result<()> {
    let (height, around) = (dice.between(0.25, 1.3), dice.turn());
    let direction = Vector3::new(around.cos(), around.sin(), -height);
    let strength = dice.between(0.35, 1.25) as f32;
    let sun = Sun::default();
    let warm = [1.0, dice.between(0.88, 1.0) as f32, dice.between(0.75, 1.0) as f32];
    let colour = [0, 1, 2].map(|i| sun.colour[i] * strength * warm[i]);
    let ambient = dice.between(0.7, 1.6) as f32;
    let scene = builder.scene_mut();
    scene.set_sun(Sun { direction, colour, ambient: sun.ambient.map(|c| c * ambient) })?;
    let grey = dice.unit() as f32;
    let sky = Sky::default();
    let mix = |blue: [f32; 3], to: f32| [0, 1, 2].map(|i| blue[i] + (to - blue[i]) * grey);
    scene.set_sky(Sky {
        zenith: mix(sky.zenith, 0.6),
        horizon: mix(sky.horizon, 0.8),
        clouds: dice.unit() as f32,
        ..sky
    })?;
    let fog = Fog::default();
    Ok(scene.set_fog(Fog { density: dice.between(0.0, 0.012) as f32, ..fog })?)
}

fn standing(at: [f64; 2], height: f64, yaw: f64) -> Isometry3<f64> {
    let turn = UnitQuaternion::from_euler_angles(0.0, 0.0, yaw);
    Isometry3::from_parts(Vector3::new(at[0], at[1], height).into(), turn)
}

fn far(p: [f64; 2], q: [f64; 2]) -> f64 {
    (p[0] - q[0]).hypot(p[1] - q[1])
}

/// Places on the ground that keep their distance.
struct Stands {
    /// Where, and how much room it takes around, metres.
    taken: Vec<([f64; 2], f64)>,
    places: Stream,
    next: u64,
}

impl Stands {
    fn find(&mut self, room: f64) -> Option<[f64; 2]> {
        for _ in 0..40 {
            let [u, v] = self.places.pair(self.next);
            self.next += 1;
            let p = [(2.0 * u - 1.0) * HALF, (2.0 * v - 1.0) * HALF];
            if self.taken.iter().all(|(q, other)| far(p, *q) > room + other + 0.2) {
                self.taken.push((p, room));
                return Some(p);
            }
        }
        None
    }
}

/// One random number after the other.
struct Dice {
    stream: Stream,
    next: u64,
}

impl Dice {
    fn unit(&mut self) -> f64 {
        self.next += 1;
        self.stream.unit(self.next)
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    fn turn(&mut self) -> f64 {
        self.between(0.0, std::f64::consts::TAU)
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[((self.unit() * from.len() as f64) as usize).min(from.len() - 1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_shows_all_classes_and_follows_its_seed() {
        let stage = Stage::new(0).unwrap();
        let worlds = [3, 3, 4].map(|seed| stage.set(seed).unwrap());
        assert_eq!(worlds[0].things, worlds[1].things);
        assert_ne!(worlds[0].things, worlds[2].things);
        for world in &worlds {
            let has = |label: &str| world.things.iter().any(|t| t.label == label);
            assert!(["person", "car", "pole", "drone"].iter().all(|l| has(l)), "{}", world.things.len());
        }
    }
}
