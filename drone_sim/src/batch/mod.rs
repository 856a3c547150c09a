//! Many flights in one process: a seed each, no cameras, as fast as the cores allow.
//!
//! Rows come out in the order of the seeds whatever finishes first, and what a row says depends on its seed and the
//! options alone. So a run that was cut off goes on after its last whole row, and the file ends the same.

mod file;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use nalgebra::{Point3, Vector3};

use crate::error::{Result, SimError};
use crate::flight::{Axes, Flight, Rules};
use crate::physics::{Command, Vehicle, WindSpec};
use crate::rng::Stream;
use crate::scenario::{ForestSpec, Nursery, World, build};

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
    /// What flies.
    pub vehicle: Vehicle,
    /// When a flight ends.
    pub rules: Rules,
    /// Wind; its gusts follow the seed.
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
            vehicle: Vehicle::x500(),
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

/// The stream of the gusts; the scenario uses those below 100.
const WIND_STREAM: u64 = 110;
/// From command to command, nanoseconds.
const COMMAND_NS: i64 = 50_000_000;

/// The worlds of a batch.
enum Worlds {
    /// A forest for every seed.
    Forests(Box<Nursery>),
    /// The same for all.
    One(Arc<World>),
}

impl Worlds {
    fn new(spec: &BatchSpec) -> Result<Self> {
        if spec.world == "forest" {
            return Ok(Self::Forests(Box::new(Nursery::new(&spec.forest)?)));
        }
        Ok(Self::One(Arc::new(build(&spec.world, &spec.forest)?)))
    }

    fn of(&self, spec: &BatchSpec, seed: u64) -> Result<Arc<World>> {
        match self {
            Self::Forests(nursery) => {
                Ok(Arc::new(nursery.blind(&ForestSpec { seed, ..spec.forest.clone() })?))
            }
            Self::One(world) => Ok(Arc::clone(world)),
        }
    }
}

/// Flies one seed in a world that is there already.
///
/// # Errors
/// Those of [`Flight`].
pub fn fly_in(spec: &BatchSpec, seed: u64, world: Arc<World>) -> Result<Row> {
    let flight = Flight::new(world, spec.vehicle.clone(), spec.rules)?;
    let mut flight = flight.in_wind(spec.wind, Stream::new(seed, WIND_STREAM));
    let mut pilot = TruthfulPilot { kind: spec.pilot, speed: spec.speed };
    while flight.outcome().is_none() {
        let now = flight.time_ns();
        let (command, axes) = pilot.command(&flight);
        flight.command(command, axes, now);
        flight.advance(now + COMMAND_NS)?;
    }
    Ok(row(seed, &flight))
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

/// Flies all `seeds` on `threads` threads and hands the rows to `take` in the order of the seeds, on the calling thread.
/// Setting `stop` ends it after the flights in the air; rows that were not taken are lost.
///
/// # Errors
/// The first error of a flight or of `take`; flights after it are given up.
pub fn run<E: From<SimError>>(
    spec: &BatchSpec,
    seeds: &[u64],
    threads: usize,
    stop: &AtomicBool,
    mut take: impl FnMut(Row) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let worlds = Worlds::new(spec)?;
    let next = AtomicUsize::new(0);
    let (to, from) = mpsc::channel::<(usize, Result<Row>)>();
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1).min(seeds.len()) {
            let (to, next, worlds) = (to.clone(), &next, &worlds);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(&seed) = seeds.get(at) else { return };
                    let row = worlds.of(spec, seed).and_then(|world| fly_in(spec, seed, world));
                    if to.send((at, row)).is_err() {
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

    #[test]
    fn an_error_ends_the_batch() {
        let bad = BatchSpec { world: "no such world".to_string(), ..short() };
        let result = run::<SimError>(&bad, &[1, 2, 3], 2, &AtomicBool::new(false), |_| Ok(()));
        assert!(result.unwrap_err().to_string().starts_with("PG-1020"));
    }
}
