//! `peregrine demo`: the demo's launch file with a monitor beside it, a summary, and a report.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use peregrine_core::{Mode, NodeFactory, NodeSpec, ParamValue};
use peregrine_launch::{DEMO_XML, LaunchOptions, LaunchPlan, Share, plan_file};

use crate::args::Demo;
use crate::compose::{Composition, spec};
use crate::error::{Error, Result};
use crate::flight::{FlightMonitor, Notes, Summary, Watch};

pub fn run(args: &Demo) -> Result {
    let mode = args.timing.mode(true, false)?;
    let plan = plan(args)?;
    let mut specs = plan.nodes.iter().map(spec).collect::<Result<Vec<_>>>()?;
    for simulator in specs.iter_mut().filter(|spec| args.gz && spec.kind == "drone_sim") {
        simulator.params.insert("gz".to_owned(), ParamValue::Bool(true));
        // Clients look on; it is the demo's own nodes that fly, and they need a picture from the air first.
        let hover = || ParamValue::String("hover".to_owned());
        simulator.params.entry("start".to_owned()).or_insert_with(hover);
    }
    let notes =
        Arc::new(Mutex::new(Notes::new(Watch { progress: !args.json, keep_frames: !args.no_report })));
    let mut flight = Composition::new(mode, specs, args.isolated)?;
    flight.app.log_topics(mode.is_lockstep());
    flight.app.extend(notes.clone());
    flight.app.add(NodeFactory::of::<FlightMonitor>(), NodeSpec::new("flight_monitor"))?;

    let start = Instant::now();
    let outcome = flight.run();
    let wall = start.elapsed().as_secs_f64();
    let mut notes = notes.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    notes.end_progress();
    let run = outcome?;
    let summary = Summary::new(&mut notes, &run, wall, args.seed, &args.world);
    if args.json {
        println!("{:#}", summary.to_json());
    } else {
        print!("{}", summary.to_text());
    }
    if !args.no_report {
        let record = notes.record(&summary, &run, facts(args, mode));
        let file = args.out.join("index.html");
        crate::report::write(&record, &file)?;
        if !args.json {
            println!("report: {}", absolute(&file).display());
        }
    }
    for node in run.nodes.iter().filter(|node| node.errors > 0) {
        eprintln!(
            "{}: {} errors; the last: {}",
            node.name,
            node.errors,
            node.last_error.as_deref().unwrap_or("")
        );
    }
    if summary.reached_goal && summary.collisions == 0 {
        return Ok(());
    }
    let why = match (summary.reached_goal, summary.collisions) {
        (false, 0) => "the goal was not reached".to_owned(),
        (reached, n) => {
            format!("{n} collisions{}", if reached { "" } else { ", and the goal was not reached" })
        }
    };
    Err(Error::Flight(why))
}

/// The demo's launch file, or the user's, with the command line as its arguments.
fn plan(args: &Demo) -> Result<LaunchPlan> {
    let mut arguments: Vec<(String, String)> = [
        ("seed", args.seed.to_string()),
        ("world", args.world.clone()),
        ("model", args.model.clone()),
        ("backend", args.backend.clone()),
        ("cruise_mps", format!("{:?}", args.cruise)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec();
    if args.allow_unsigned {
        arguments.push(("allow_unsigned".into(), "true".into()));
    }
    if args.record {
        arguments.push(("record".into(), "true".into()));
        arguments.push(("bag".into(), absolute(&args.out.join("bag")).display().to_string()));
        std::fs::create_dir_all(&args.out).map_err(Error::file("create", &args.out))?;
    }
    if let Some(file) = &args.launch {
        return super::launch::plan(&file.display().to_string(), &arguments);
    }
    let share = Share::embedded();
    let mut options = LaunchOptions::new(&share).with_process_environment();
    options.arguments = arguments;
    let plan = plan_file(DEMO_XML, &options)?;
    plan.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    Ok(plan)
}

/// How the flight can be flown again.
fn facts(args: &Demo, mode: Mode) -> crate::report::RunFacts {
    let clock = if mode.is_lockstep() { "lockstep" } else { "realtime" };
    let words: Vec<String> = std::env::args().skip(1).map(|word| shell_word(&word)).collect();
    crate::report::RunFacts {
        world: args.world.clone(),
        seed: args.seed,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        clock: clock.to_owned(),
        command_line: format!("peregrine {}", words.join(" ")),
        ..crate::report::RunFacts::default()
    }
}

fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,".contains(c);
    if word.chars().all(plain) && !word.is_empty() {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}
