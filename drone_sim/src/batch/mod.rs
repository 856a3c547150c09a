//! Many flights in one process: a seed each, no cameras, as fast as the cores allow.
//!
//! Rows come out in the order of the seeds whatever finishes first, and what a row says depends on its seed, the world and the
//! options alone. So a run that was cut off goes on after its last whole row, and the file ends the same.
//!
//! A [`Batch`] has a pilot for each seed: one of [`Truthful`], or any [`Pilot`] of one's own ([`Batch::fly`]).

mod file;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use nalgebra::{Point3, Vector3};

use crate::error::{Result, SimError};
use crate::flight::{Axes, Flight, Rules};
use crate::outfit::Outfit;
use crate::physics::{Command, WindSpec};
use crate::scenario::{ForestSpec, Nursery, World, build};
use crate::sdf::Report;

pub use file::{Rows, seeds};

/// Who flies: asked for a velocity at a fixed rate, knows the whole world.
pub trait Pilot: Send {
    /// The command for now.
    fn command(&mut self, flight: &Flight) -> (Command, Axes);
}

/// The pilots that need nothing but the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truthful {
    /// Stays where it starts.
    Hover,
    /// Straight to the goal, whatever stands there.
    Straight,
    /// To the goal, along the surfaces of what stands before it.
    Slide,
}

impl Truthful {
    /// The pilot of that name.
    pub fn by_name(name: &str) -> Option<Self> {
        match name {
            "hover" => Some(Self::Hover),
            "straight" => Some(Self::Straight),
            "slide" => Some(Self::Slide),
            _ => None,
        }
    }
}

/// What all flights of a batch have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchSpec {
    /// A world as [`build`] knows it; forests follow the seed.
    pub world: String,
    /// The forest but for its seed.
    pub forest: ForestSpec,
    /// What flies, by name; empty for the vehicle of the world's file, and the x500 where it brings none.
    pub vehicle: String,
    /// When a flight ends.
    pub rules: Rules,
    /// Wind, on top of that of the world's file; its gusts follow the seed.
    pub wind: WindSpec,
    /// Who flies.
    pub pilot: Truthful,
    /// Speed of the pilot, m/s.
    pub speed: f64,
}

impl Default for BatchSpec {
    fn default() -> Self {
        Self {
            world: "forest".to_string(),
            forest: ForestSpec::default(),
            vehicle: String::new(),
            rules: Rules::default(),
            wind: WindSpec::default(),
            pilot: Truthful::Slide,
            speed: 4.0,
        }
    }
}

/// How one flight went.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its seed.
    pub seed: u64,
    /// `reached`, `collided`, `time_limit`.
    pub outcome: &'static str,
    /// Simulated seconds.
    pub seconds: f64,
    /// Metres flown.
    pub path: f64,
    /// Smallest distance to a thing, metres; below zero it touched.
    pub clearance: f64,
    /// Contact episodes.
    pub contacts: u32,
    /// Share of the battery used, 0 to 1.
    pub battery_used: f64,
    /// Hash of the final state's bits: two runs of one seed agree in it or differ.
    pub state: u64,
}

/// The first line of the file.
pub const HEADER: &str = "seed,outcome,sim_seconds,path_m,min_clearance_m,contacts,battery_used,state_hash";

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{},{},{:.3},{:.4},{:.4},{},{:.5},{:016x}",
            self.seed,
            self.outcome,
            self.seconds,
            self.path,
            self.clearance,
            self.contacts,
            self.battery_used,
            self.state
        )
    }
}

/// From command to command, nanoseconds.
const COMMAND_NS: i64 = 50_000_000;

/// The worlds of a batch.
enum Worlds {
    /// A forest for every seed.
    Forests(Box<Nursery>),
    /// The same for all, with what flies in it.
    One(Arc<World>, Box<Outfit>),
}

/// Flights by one specification, ready to be flown.
pub struct Batch {
    spec: BatchSpec,
    worlds: Worlds,
}

impl Batch {
    /// Builds what all flights share.
    ///
    /// # Errors
    /// Those of [`build`], and PG-1021 for a vehicle that is none.
    pub fn new(spec: &BatchSpec) -> Result<Self> {
        let worlds = if spec.world == "forest" {
            Worlds::Forests(Box::new(Nursery::new(&spec.forest)?))
        } else {
            let world = build(&spec.world, &spec.forest)?;
            let outfit = Outfit::of(&world, &spec.vehicle)?;
            Worlds::One(Arc::new(world), Box::new(outfit))
        };
        Ok(Self { spec: spec.clone(), worlds })
    }

    /// By what it was made.
    pub fn spec(&self) -> &BatchSpec {
        &self.spec
    }

    /// What of the world's file is not simulated; `None` for worlds of ours.
    pub fn report(&self) -> Option<&Report> {
        match &self.worlds {
            Worlds::Forests(_) => None,
            Worlds::One(world, _) => world.report.as_ref(),
        }
    }

    /// A number that tells the world of a file from what it is after an edit; 0 for forests, which follow the specification.
    pub fn world_number(&self) -> u64 {
        match &self.worlds {
            Worlds::Forests(_) => 0,
            Worlds::One(world, _) => world.number(),
        }
    }

    /// Whether a seed changes anything: forests follow it, and gusts.
    ///
    /// # Errors
    /// PG-1021 if several seeds are asked for and all their rows would be the same.
    pub fn check_seeds(&self, seeds: &[u64]) -> Result<()> {
        match &self.worlds {
            Worlds::One(world, _) if seeds.len() > 1 && self.spec.wind.turbulence <= 0.0 => {
                Err(SimError::Parameter {
                    name: "seeds",
                    value: format!("{} seeds in {}", seeds.len(), world.name),
                    reason: "where nothing follows the seed, so that all rows would be the same; ask for gusts (turbulence, 7.7 is \
                             light), or fly one seed"
                        .to_string(),
                })
            }
            _ => Ok(()),
        }
    }

    /// The flight of a seed at its start.
    ///
    /// # Errors
    /// Those of the forest and of [`Flight`].
    pub fn start(&self, seed: u64) -> Result<Flight> {
        let spec = &self.spec;
        match &self.worlds {
            Worlds::Forests(nursery) => {
                let world = nursery.blind(&ForestSpec { seed, ..spec.forest.clone() })?;
                let outfit = Outfit::of(&world, &spec.vehicle)?;
                let flight = Flight::new(Arc::new(world), outfit.vehicle.clone(), spec.rules)?;
                Ok(outfit.put_on(flight, spec.wind, seed))
            }
            Worlds::One(world, outfit) => {
                let flight = Flight::new(Arc::clone(world), outfit.vehicle.clone(), spec.rules)?;
                Ok(outfit.put_on(flight, spec.wind, seed))
            }
        }
    }

    /// Flies one seed with a pilot of one's own, who is asked for a command twenty times a second.
    ///
    /// # Errors
    /// Those of [`Batch::start`], and PG-1023.
    pub fn fly(&self, seed: u64, pilot: &mut dyn Pilot) -> Result<Row> {
        let mut flight = self.start(seed)?;
        while flight.outcome().is_none() {
            let now = flight.time_ns();
            let (command, axes) = pilot.command(&flight);
            flight.command(command, axes, now);
            flight.advance(now + COMMAND_NS)?;
        }
        Ok(row(seed, &flight))
    }
}

/// The row of a flight that has ended.
pub fn row(seed: u64, flight: &Flight) -> Row {
    // FNV-1a over the bits.
    let hash = |h: u64, word: u64| {
        word.to_le_bytes().iter().fold(h, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3))
    };
    Row {
        seed,
        outcome: flight.outcome().map_or("flying", |o| o.as_str()),
        seconds: flight.time_ns() as f64 * 1e-9,
        path: flight.path_length(),
        clearance: flight.least_clearance(),
        contacts: flight.contacts().episodes(),
        battery_used: 1.0 - flight.battery().charge(),
        state: flight.quad().state().bits().into_iter().fold(0xcbf2_9ce4_8422_2325, hash),
    }
}

#[derive(Clone, Copy)]
struct TruthfulPilot {
    kind: Truthful,
    speed: f64,
}

impl Pilot for TruthfulPilot {
    fn command(&mut self, flight: &Flight) -> (Command, Axes) {
        let state = flight.quad().state();
        let here = Point3::from(state.position);
        let way = flight.world().goal - here;
        let far = way.norm();
        let mut velocity = match self.kind {
            Truthful::Hover => return (Command::default(), Axes::World),
            _ if far < 1e-6 => Vector3::zeros(),
            _ => way / far * self.speed.min(far),
        };
        if self.kind == Truthful::Slide {
            // What would be met first within a second and a half.
            let eye = here + velocity * 0.5;
            for p in [here, eye, here + velocity] {
                let Some(hit) = flight.world().solids.nearest(&p) else { break };
                let (gap, n) = (hit.near.distance - 1.2, hit.near.normal);
                let towards = velocity.dot(&n);
                if gap < 0.8 && towards < 0.0 {
                    velocity -= n * towards * (1.0 - gap.max(0.0) / 0.8);
                    // Head on there is no way along the surface: take the left one.
                    let left = Vector3::z().cross(&n);
                    if velocity.norm() < 0.3 * self.speed {
                        velocity += left * self.speed * 0.6;
                    }
                }
                if gap < 0.0 {
                    velocity += n * (-gap).min(1.0) * self.speed;
                }
            }
            let most = velocity.norm();
            if most > self.speed {
                velocity *= self.speed / most;
            }
            velocity.z += (flight.world().goal.z - here.z).clamp(-0.5, 0.5);
        }
        (Command { velocity, yaw_rate: 0.0, steady: true }, Axes::World)
    }
}

impl Batch {
    /// Flies all `seeds` on `threads` threads with the pilot of the specification, and hands the rows to `take` in the order of the
    /// seeds, on the calling thread. Setting `stop` ends it after the flights in the air; rows that were not taken are lost.
    ///
    /// # Errors
    /// The first error of a flight or of `take`; flights after it are given up.
    pub fn run<E: From<SimError>>(
        &self,
        seeds: &[u64],
        threads: usize,
        stop: &AtomicBool,
        take: impl FnMut(Row) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let pilot = TruthfulPilot { kind: self.spec.pilot, speed: self.spec.speed };
        self.run_by(|_| pilot, seeds, threads, stop, take)
    }

    /// The same with a pilot of one's own for each seed.
    ///
    /// # Errors
    /// As [`Batch::run`].
    pub fn run_by<P: Pilot, E: From<SimError>>(
        &self,
        pilots: impl Fn(u64) -> P + Sync,
        seeds: &[u64],
        threads: usize,
        stop: &AtomicBool,
        mut take: impl FnMut(Row) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let next = AtomicUsize::new(0);
        let (to, from) = mpsc::channel::<(usize, Result<Row>)>();
        std::thread::scope(|scope| {
            for _ in 0..threads.max(1).min(seeds.len()) {
                let (to, next, pilots) = (to.clone(), &next, &pilots);
                scope.spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        let Some(&seed) = seeds.get(at) else { return };
                        if to.send((at, self.fly(seed, &mut pilots(seed)))).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(to);
            let mut waiting = std::collections::BTreeMap::new();
            let mut due = 0;
            let mut outcome = Ok(());
            for (at, row) in from.iter() {
                waiting.insert(at, row);
                while let Some(row) = waiting.remove(&due) {
                    due += 1;
                    if outcome.is_ok() {
                        outcome = row.map_err(E::from).and_then(&mut take);
                        if outcome.is_err() {
                            stop.store(true, Ordering::Relaxed);
                        }
                    }
                }
            }
            outcome
        })
    }
}

/// Builds a batch and flies it: [`Batch::new`], [`Batch::check_seeds`] and [`Batch::run`].
///
/// # Errors
/// Theirs.
pub fn run<E: From<SimError>>(
    spec: &BatchSpec,
    seeds: &[u64],
    threads: usize,
    stop: &AtomicBool,
    take: impl FnMut(Row) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let batch = Batch::new(spec)?;
    batch.check_seeds(seeds)?;
    batch.run(seeds, threads, stop, take)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short() -> BatchSpec {
        let rules = Rules { time_limit_ns: 40_000_000_000, ..Rules::default() };
        let forest = ForestSpec { goal_distance: 30.0, ..ForestSpec::default() };
        BatchSpec { rules, forest, ..BatchSpec::default() }
    }

    fn rows(spec: &BatchSpec, seeds: &[u64], threads: usize) -> Vec<String> {
        let mut out = Vec::new();
        run::<SimError>(spec, seeds, threads, &AtomicBool::new(false), |row| {
            out.push(row.to_string());
            Ok(())
        })
        .unwrap();
        out
    }

    #[test]
    fn rows_come_in_order_and_do_not_depend_on_the_threads() {
        let seeds: Vec<u64> = (1..=6).collect();
        let one = rows(&short(), &seeds, 1);
        assert_eq!(one, rows(&short(), &seeds, 3));
        assert_eq!(one[2..4], rows(&short(), &[3, 4], 2)[..]);
        assert!(one.iter().zip(1..).all(|(row, k): (&String, u64)| row.starts_with(&format!("{k},"))));
        assert!(one.iter().filter(|r| r.contains("reached")).count() >= 5, "{one:#?}");
        assert_eq!(one[0].split(',').count(), HEADER.split(',').count());
    }

    #[test]
    fn gusts_change_the_flight_and_repeat() {
        let windy =
            BatchSpec { wind: WindSpec { mean: Vector3::new(0.0, 3.0, 0.0), turbulence: 12.0 }, ..short() };
        let calm = rows(&short(), &[1], 1);
        let a = rows(&windy, &[1], 1);
        assert_ne!(a, calm);
        assert_eq!(a, rows(&windy, &[1], 1));
    }

    /// A pilot of somebody's own, who climbs.
    struct Climber;

    impl Pilot for Climber {
        fn command(&mut self, _: &Flight) -> (Command, Axes) {
            (Command { velocity: Vector3::new(0.0, 0.0, 2.0), ..Command::default() }, Axes::World)
        }
    }

    #[test]
    fn anybody_may_fly() {
        let rules = Rules { time_limit_ns: 2_000_000_000, ..Rules::default() };
        let batch = Batch::new(&BatchSpec { rules, ..short() }).unwrap();
        let row = batch.fly(3, &mut Climber).unwrap();
        assert!((row.seed, row.outcome) == (3, "time_limit") && (3.0..4.2).contains(&row.path), "{row}");
        let mut rows = Vec::new();
        let stop = AtomicBool::new(false);
        batch.run_by::<_, SimError>(|_| Climber, &[3, 4], 2, &stop, |row| Ok(rows.push(row))).unwrap();
        assert!(rows[0] == row && rows[1].seed == 4, "{rows:?}");
    }

    /// A hexacopter with an empty battery in wind, written down.
    fn file(folder: &std::path::Path, mass: f64, wind: f64) -> String {
        let mut parts = String::new();
        for i in 0..6 {
            let at = std::f64::consts::FRAC_PI_3 * f64::from(i);
            let turn = if i % 2 == 0 { "ccw" } else { "cw" };
            parts += &format!(
                "<link name='l{i}'><pose>{} {} 0 0 0 0</pose><inertial><mass>0.01</mass><inertia><ixx>1e-5</ixx><iyy>1e-5</iyy>
                 <izz>1e-5</izz></inertia></inertial></link><plugin filename='gz-sim-multicopter-motor-model-system'
                 name='gz::sim::systems::MulticopterMotorModel'><linkName>l{i}</linkName><turningDirection>{turn}</turningDirection>
                 <motorNumber>{i}</motorNumber></plugin>",
                0.3 * at.cos(),
                0.3 * at.sin()
            );
        }
        let battery = "<plugin filename='gz-sim-linearbatteryplugin-system' name='gz::sim::systems::LinearBatteryPlugin'>
            <battery_name>b</battery_name><voltage>12</voltage><capacity>1</capacity><initial_charge>0.5</initial_charge>
            <power_load>360</power_load><start_draining>true</start_draining></plugin>";
        let sdf = format!(
            "<sdf version='1.9'><world name='w'><wind><linear_velocity>{wind} 0 0</linear_velocity></wind>
             <frame name='goal'><pose>40 0 3 0 0 0</pose></frame><model name='hexa'><pose>0 0 3 0 0 0</pose><link name='body'>
             <inertial><mass>{mass}</mass><inertia><ixx>0.03</ixx><iyy>0.03</iyy><izz>0.05</izz></inertia></inertial></link>{parts}
             {battery}</model></world></sdf>"
        );
        let path = folder.join("w.sdf");
        std::fs::write(&path, sdf).unwrap();
        path.display().to_string()
    }

    /// The file's own vehicle, wind and battery fly, as they do in the node.
    #[test]
    fn a_world_of_a_file_is_flown_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let rules = Rules { time_limit_ns: 2_000_000_000, ..Rules::default() };
        let spec = |world: String| BatchSpec { world, rules, pilot: Truthful::Hover, ..BatchSpec::default() };
        let batch = Batch::new(&spec(file(folder.path(), 1.5, 3.0))).unwrap();
        let flight = batch.start(1).unwrap();
        let vehicle = flight.quad().vehicle();
        assert!(vehicle.rotors.len() == 6 && (vehicle.mass - 1.56).abs() < 1e-9, "{vehicle:?}");
        assert!((flight.battery().charge() - 0.5).abs() < 1e-12 && flight.battery().spec().full == 12.0);
        assert_eq!(flight.quad().wind, Vector3::new(3.0, 0.0, 0.0));
        assert!(batch.report().unwrap().ignored.is_empty(), "{:?}", batch.report());
        // 30 A for two seconds of one ampere hour.
        let row = batch.fly(1, &mut TruthfulPilot { kind: Truthful::Hover, speed: 1.0 }).unwrap();
        assert!((row.battery_used - 0.5 - 30.0 * 2.0 / 3600.0).abs() < 1e-4, "{row}");
        // Nothing follows the seed, until gusts do.
        let said = batch.check_seeds(&[1, 2]).unwrap_err().to_string();
        assert!(said.starts_with("PG-1021") && said.contains("turbulence"), "{said}");
        batch.check_seeds(&[1]).unwrap();
        let wind = WindSpec { turbulence: 10.0, ..WindSpec::default() };
        let gusty = BatchSpec { wind, ..batch.spec().clone() };
        let rows = rows(&gusty, &[1, 2], 1);
        assert_ne!(rows[0].split_once(',').unwrap().1, rows[1].split_once(',').unwrap().1);
        // Another state of the file is another world.
        let number = batch.world_number();
        let heavier = Batch::new(&spec(file(folder.path(), 1.6, 3.0))).unwrap().world_number();
        let windier = Batch::new(&spec(file(folder.path(), 1.5, 4.0))).unwrap().world_number();
        let same = Batch::new(&spec(file(folder.path(), 1.5, 3.0))).unwrap().world_number();
        assert!(number != heavier && number != windier && number == same);
    }

    #[test]
    fn an_error_ends_the_batch() {
        let bad = BatchSpec { world: "no such world".to_string(), ..short() };
        let result = run::<SimError>(&bad, &[1, 2, 3], 2, &AtomicBool::new(false), |_| Ok(()));
        assert!(result.unwrap_err().to_string().starts_with("PG-1020"));
    }
}
