//! `peregrine sim batch`: many seeds without cameras, a row each, as fast as the cores allow.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use peregrine_sim::batch::{Batch, BatchSpec, Row, Rows, Truthful, seeds};
use serde_json::{Value, json};
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::args::SimBatch;
use crate::error::{Error, Result};

/// From one drawing of the bar to the next.
const REDRAW: Duration = Duration::from_millis(100);

pub(super) fn batch(args: &SimBatch) -> Result {
    let spec = spec(args)?;
    let all = seeds(&args.seeds)?;
    let batch = Batch::new(&spec)?;
    batch.check_seeds(&all)?;
    tell(&batch);
    let mut rows = Rows::open(&args.out, &batch, &all)?;
    let before = rows.done();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let stop = watch_signals();
    let mut tally = Tally { all: all.len(), before, start: Instant::now(), ..Tally::default() };
    let mut bar = Bar::new(!args.json && std::io::stderr().is_terminal());
    batch.run::<Error>(&all[before..], args.threads.unwrap_or(cores), &stop, |row| {
        rows.add(&row)?;
        tally.add(&row);
        bar.draw(&tally, false);
        Ok(())
    })?;
    bar.draw(&tally, true);
    if args.json {
        println!("{}", tally.json(args, &batch));
    } else {
        println!("{}", tally.text(args));
    }
    Ok(())
}

/// What of the world's file is not simulated, as `sim run` says it.
fn tell(batch: &Batch) {
    let Some(report) = batch.report() else { return };
    let world = &batch.spec().world;
    for (name, count) in &report.ignored {
        tracing::warn!("world {world}: {count} x {name} is not simulated");
    }
    for warning in &report.warnings {
        tracing::warn!("world {world}: {warning}");
    }
}

fn spec(args: &SimBatch) -> Result<BatchSpec> {
    let bad = |what, value: String, why: &str| Error::Argument { what, value, why: why.to_owned() };
    let pilot = Truthful::by_name(&args.pilot)
        .ok_or_else(|| bad("pilot", args.pilot.clone(), "pilots are hover, straight and slide"))?;
    let within = |what, value: f64, least: f64, most: f64| {
        let why = format!("write a number from {least} to {most}");
        if (least..=most).contains(&value) { Ok(value) } else { Err(bad(what, value.to_string(), &why)) }
    };
    let mut spec = BatchSpec {
        world: args.world.clone(),
        vehicle: args.vehicle.clone().unwrap_or_default(),
        pilot,
        ..BatchSpec::default()
    };
    spec.speed = within("speed", args.speed, 0.1, 30.0)?;
    spec.forest.density = within("density", args.density, 0.0, 1.0)?;
    spec.rules.time_limit_ns = (within("time-limit", args.time_limit, 0.1, 86_400.0)? * 1e9) as i64;
    spec.rules.stop_on_collision = args.stop_on_collision;
    spec.wind.turbulence = within("turbulence", args.turbulence, 0.0, 40.0)?;
    match args.threads {
        Some(threads) if !(1..=1024).contains(&threads) => {
            Err(bad("threads", threads.to_string(), "write 1 to 1024"))
        }
        _ => Ok(spec),
    }
}

/// The first signal lets the flights in the air end, and their rows be written; the second ends the program.
fn watch_signals() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        let armed = signal_hook::flag::register_conditional_default(signal, stop.clone())
            .and_then(|_| signal_hook::flag::register(signal, stop.clone()));
        if let Err(error) = armed {
            tracing::warn!("PG-1309: signals cannot be watched: {error}; Ctrl-C ends the program at once");
        }
    }
    stop
}

/// What came of the flights so far.
#[derive(Debug)]
struct Tally {
    all: usize,
    /// Rows that were there before.
    before: usize,
    flown: usize,
    outcomes: BTreeMap<&'static str, usize>,
    contacts: u64,
    simulated: f64,
    start: Instant,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            all: 0,
            before: 0,
            flown: 0,
            outcomes: BTreeMap::new(),
            contacts: 0,
            simulated: 0.0,
            start: Instant::now(),
        }
    }
}

impl Tally {
    fn add(&mut self, row: &Row) {
        self.flown += 1;
        *self.outcomes.entry(row.outcome).or_insert(0) += 1;
        self.contacts += u64::from(row.contacts);
        self.simulated += row.seconds;
    }

    fn done(&self) -> usize {
        self.before + self.flown
    }

    /// Simulated seconds, of all worlds together, per second of the wall.
    fn factor(&self) -> f64 {
        self.simulated / self.start.elapsed().as_secs_f64().max(1e-9)
    }

    fn json(&self, args: &SimBatch, batch: &Batch) -> Value {
        json!({
            "out": args.out,
            "world": args.world,
            "pilot": args.pilot,
            "seeds": self.all,
            "ignored": batch.report().map(|r| r.ignored.clone()).unwrap_or_default(),
            "rows": self.done(),
            "flown_now": self.flown,
            "outcomes": self.outcomes,
            "contacts": self.contacts,
            "sim_seconds": self.simulated,
            "wall_seconds": self.start.elapsed().as_secs_f64(),
            "real_time_factor": self.factor(),
        })
    }

    fn text(&self, args: &SimBatch) -> String {
        let outcomes: Vec<String> = self.outcomes.iter().map(|(what, n)| format!("{n} {what}")).collect();
        let outcomes = if outcomes.is_empty() { "none now".to_owned() } else { outcomes.join(", ") };
        let left = self.all - self.done();
        let more = match left {
            0 => String::new(),
            _ => format!("\n  {left} seeds are left: the same command goes on"),
        };
        format!(
            "{} of {} rows in {}\n  flights  {outcomes}, {} contacts\n  time     {:.0} s simulated, {:.0} times real time{more}",
            self.done(),
            self.all,
            args.out.display(),
            self.contacts,
            self.simulated,
            self.factor(),
        )
    }
}

/// A bar on the terminal.
struct Bar {
    shown: bool,
    last: Option<Instant>,
}

impl Bar {
    fn new(shown: bool) -> Self {
        Self { shown, last: None }
    }

    fn draw(&mut self, tally: &Tally, end: bool) {
        let due = self.last.is_none_or(|last| last.elapsed() >= REDRAW);
        if !self.shown || !(due || end) {
            return;
        }
        self.last = Some(Instant::now());
        let cells = tally.done() * 40 / tally.all.max(1);
        let end = if end { "\n" } else { "" };
        let (done, all, factor) = (tally.done(), tally.all, tally.factor());
        eprint!("\r[{:40}] {done}/{all}  {factor:.0}x real time {end}", "#".repeat(cells));
        let _ = std::io::stderr().flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_counts_what_is_new_apart() {
        let row = Row {
            seed: 4,
            outcome: "reached",
            seconds: 2.0,
            path: 1.0,
            clearance: 0.5,
            contacts: 1,
            battery_used: 0.1,
            state: 0,
        };
        let mut tally = Tally { all: 5, before: 3, ..Tally::default() };
        tally.add(&row);
        assert_eq!((tally.done(), tally.flown, tally.contacts), (4, 1, 1));
        assert_eq!(tally.outcomes["reached"], 1);
    }
}
