//! Many flights in one process: a seed each, no cameras, as fast as the cores allow.
//!
//! Rows come out in the order of the seeds whatever finishes first, and what a row says depends on its seed, the world and the
//! options alone. So a run that was cut off goes on after its last whole row, and the file ends the same.
//!
//! A [`Batch`] has a pilot for each seed: one of [`Truthful`], or any [`Pilot`] of one's own ([`Batch::fly`]).

mod file;
mod pilot;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use crate::error::{Result, SimError};
use crate::flight::{Flight, Rules};
use crate::outfit::Outfit;
use crate::physics::WindSpec;
use crate::scenario::{ForestSpec, Nursery, World, build};
use crate::sdf::Report;

use pilot::TruthfulPilot;

pub use file::{Rows, seeds};
pub use pilot::{Pilot, Truthful};

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
mod tests;
