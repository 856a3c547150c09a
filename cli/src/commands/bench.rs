//! `peregrine bench avoid SUITE`: many seeded flights of the avoidance planner.

use std::path::Path;

use peregrine_suites::file::WorldFile;
use peregrine_suites::flight::{Outcome, Setup, fly};
use peregrine_suites::suite::{Course, Sensors, Suite, add_scanner};
use peregrine_suites::world::World;
use peregrine_suites::{replay, run, stats};

use super::bench_sdf;
use crate::args::{Bench, BenchAvoid};
use crate::error::{Error, Result};

/// Seeds of one call, at most.
const MOST: u64 = 100_000;

pub fn run(command: &Bench) -> Result {
    match command {
        Bench::Avoid(args) => avoid(args),
    }
}

fn wrong(what: &'static str, value: impl ToString, why: &str) -> Error {
    Error::Argument { what, value: value.to_string(), why: why.to_owned() }
}

fn seeds(text: &str) -> Result<Vec<u64>> {
    let read = |t: &str| t.trim().parse::<u64>().ok();
    let range = match text.split_once("..") {
        Some((a, b)) => read(a).zip(read(b.trim_start_matches('='))),
        None => read(text).map(|one| (one, one)),
    };
    match range {
        Some((a, b)) if a <= b && b - a < MOST => Ok((a..=b).collect()),
        _ => Err(wrong(
            "--seeds",
            text,
            "write A..B with A not above B, at most 100000 of them, or one number",
        )),
    }
}

fn course(args: &BenchAvoid) -> Result<Course> {
    let suite =
        Suite::named(&args.suite).ok_or_else(|| wrong("suite", &args.suite, "there is none of this name"))?;
    if args.speed.is_some_and(|s| !(0.2..=15.0).contains(&s)) {
        return Err(wrong("--speed", args.speed.unwrap_or(f64::NAN), "give 0.2 to 15 m/s"));
    }
    if !(0.0..=500.0).contains(&args.latency_ms) {
        return Err(wrong("--latency-ms", args.latency_ms, "give 0 to 500 ms"));
    }
    if !(0.0..=50.0).contains(&args.mismatch) {
        return Err(wrong("--mismatch", args.mismatch, "give 0 to 50 percent"));
    }
    match &args.world {
        Some(file) if file.extension().is_some_and(|e| e == "sdf" || e == "world") => {
            let worlds = WorldFile::from_world(bench_sdf::read(file)?);
            Ok(Course::with_worlds(suite, args.speed, worlds))
        }
        file => Ok(Course::new(suite, args.speed, file.clone())?),
    }
}

fn setup(args: &BenchAvoid, course: &Course, world: &World) -> Setup {
    let mut setup = course.setup(world);
    setup.command_latency = args.latency_ms * 1e-3;
    // The planner is told the worst that the mismatch allows.
    setup.config.command_delay = setup.command_latency * (1.0 + 0.01 * args.mismatch);
    setup.mismatch = 0.01 * args.mismatch;
    setup.rays = args.rays as usize;
    if sensors(args, course) == Sensors::DepthAndScan {
        add_scanner(&mut setup);
    }
    setup
}

fn sensors(args: &BenchAvoid, course: &Course) -> Sensors {
    args.sensors.as_deref().and_then(Sensors::named).unwrap_or(course.suite.sensors())
}

fn page(args: &BenchAvoid, course: &Course, seed: u64, path: &Path) -> Result<Outcome> {
    let world = course.world(seed);
    let mut setup = setup(args, course, &world);
    setup.record = true;
    let outcome = fly(&world, &setup, seed)
        .ok_or_else(|| wrong("--speed", course.speed, "the planner refuses these settings"))?;
    let title = format!("{} at {} m/s, seed {seed}", course.suite.name(), course.speed);
    std::fs::write(path, replay::page(&title, &world, &outcome)).map_err(|source| Error::File {
        what: "write",
        path: path.to_owned(),
        source,
    })?;
    Ok(outcome)
}

fn show(args: &BenchAvoid, summary: &serde_json::Value) {
    if args.json {
        println!("{summary:#}");
    } else {
        print!("{}", stats::table(summary));
    }
}

fn avoid(args: &BenchAvoid) -> Result {
    let course = course(args)?;
    if let Some(seed) = args.replay {
        let outcome = page(args, &course, seed, &args.out)?;
        let references = [course.world(seed).reference_m];
        show(args, &stats::summary(&course, sensors(args, &course), &[outcome], &references));
        eprintln!("wrote {}", args.out.display());
        return Ok(());
    }
    let seeds = seeds(&args.seeds)?;
    let before = std::time::Instant::now();
    let done = run::run(&seeds, args.jobs, |seed| {
        let world = course.world(seed);
        let outcome = fly(&world, &setup(args, &course, &world), seed)?;
        if !args.json && !outcome.success {
            let what = if outcome.collided { "touched something" } else { "did not arrive" };
            eprintln!("seed {seed}: {what} after {:.1} s, {}", outcome.seconds, outcome.last.name());
        }
        Some((outcome, world.reference_m))
    });
    let flown: f64 = done.iter().map(|(o, _)| o.seconds).sum();
    let (outcomes, references): (Vec<_>, Vec<_>) = done.into_iter().unzip();
    if outcomes.len() != seeds.len() {
        return Err(wrong("--speed", course.speed, "the planner refuses these settings"));
    }
    show(args, &stats::summary(&course, sensors(args, &course), &outcomes, &references));
    if !args.json {
        let wall = before.elapsed().as_secs_f64();
        eprintln!("{flown:.0} s flown in {wall:.1} s, {:.1} x real time", flown / wall.max(1e-9));
    }
    if let Some(dir) = &args.failures {
        std::fs::create_dir_all(dir).map_err(|source| Error::File {
            what: "create",
            path: dir.clone(),
            source,
        })?;
        for outcome in outcomes.iter().filter(|o| !o.success) {
            page(args, &course, outcome.seed, &dir.join(format!("{}-{}.html", args.suite, outcome.seed)))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_ranges_or_one() {
        assert_eq!(seeds("3..5").unwrap(), [3, 4, 5]);
        assert_eq!(seeds("7").unwrap(), [7]);
        for bad in ["5..3", "a..b", "", "1..1000000", "-1..2"] {
            assert!(seeds(bad).is_err(), "{bad}");
        }
    }
}
