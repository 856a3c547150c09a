//! `peregrine launch FILE`: a launch file's nodes in one process or in several, from the very same file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use peregrine_core::{Mode, Registry, did_you_mean};
use peregrine_launch::supervisor::{self, SupervisorOptions, jobs};
use peregrine_launch::{
    LaunchOptions, LaunchPlan, NodeKind, Packages, PlannedNode, Share, Unit, parse_text, plan_file,
};

use crate::args::{Launch, Processes};
use crate::compose::{Composition, registry, spec};
use crate::error::{Error, Result};
use crate::ros_args::assignment;

/// The plan of a launch file with the user's arguments and environment.
pub fn plan(file: &str, arguments: &[(String, String)]) -> Result<LaunchPlan> {
    let share = share();
    let mut options = LaunchOptions::new(&share).with_process_environment();
    options.arguments = arguments.to_vec();
    let plan = plan_file(file, &options)?;
    for (level, text) in &plan.messages {
        eprintln!("[launch] {level}: {text}");
    }
    for warning in &plan.warnings {
        tracing::warn!("{warning}");
    }
    Ok(plan)
}

pub fn run(args: &Launch) -> Result {
    let share = share();
    let (file, arguments) = find_file(&share, &args.file, &args.arguments)?;
    if args.show_args {
        return show_args(&share, &file);
    }
    let arguments: Vec<_> = arguments.iter().map(|text| assignment(text)).collect::<Result<_>>()?;
    let mut plan = plan(&file, &arguments)?;
    if args.plan {
        println!("{}", serde_json::to_string_pretty(&plan).unwrap_or_default());
        return Ok(());
    }
    spread(&mut plan, args.processes);
    if let Some(only) = &args.only {
        return run_here(unit_nodes(&plan, only)?, args);
    }
    let known = registry();
    let units = plan.units();
    match units.as_slice() {
        [] => Ok(()),
        [unit] if unit.nodes.iter().all(|node| is_ours(node, &known)) => run_here(unit.nodes.clone(), args),
        _ if args.timing.lockstep => Err(Error::LockstepAcrossProcesses { count: units.len() }),
        _ => supervise(&plan, args, &known),
    }
}

/// Peregrine's own files, and those of the packages that AMENT_PREFIX_PATH names.
fn share() -> Share {
    match std::env::var("AMENT_PREFIX_PATH") {
        Ok(prefixes) => Share::embedded().with_prefix_path(&prefixes),
        Err(_) => Share::embedded(),
    }
}

/// The launch file, and what is left as its arguments. `PACKAGE FILE` means a file in the package's share directory, or in
/// `launch` below it; a file of the package's name that is there is meant first.
fn find_file<'a>(share: &Share, first: &Path, rest: &'a [String]) -> Result<(String, &'a [String])> {
    let shown = first.display().to_string();
    let Some((name, left)) = rest.split_first().filter(|(name, _)| !name.contains(":=") && !first.is_file())
    else {
        return Ok((shown, rest));
    };
    let wrong =
        |value: &str, why: String| Error::Argument { what: "launch file", value: value.to_owned(), why };
    let home = share.share(&shown).ok_or_else(|| {
        let known = share.known();
        let hint = did_you_mean(&shown, known.iter().map(String::as_str));
        wrong(&shown, format!("it is no file, and no package of that name is in AMENT_PREFIX_PATH{hint}"))
    })?;
    let places = [format!("{home}/launch/{name}"), format!("{home}/{name}")];
    let found = places
        .into_iter()
        .find(|file| share.read(file).is_ok())
        .ok_or_else(|| wrong(name, format!("the package {shown} has no such file in {home}/launch")))?;
    Ok((found, left))
}

fn show_args(share: &Share, file: &str) -> Result {
    let text = share.read(file).map_err(Error::file("read", file))?;
    for argument in parse_text(file, &text)?.arguments() {
        let default = argument.default.as_ref().map_or_else(|| "(required)".to_owned(), |d| format!("= {d}"));
        println!("{} {default}\n    {}", argument.name, argument.description);
    }
    Ok(())
}

/// Rewrites the plan's containers: all nodes in one, or each alone.
fn spread(plan: &mut LaunchPlan, processes: Processes) {
    match processes {
        Processes::AsWritten => {}
        Processes::Several => {
            plan.containers.clear();
            plan.nodes.iter_mut().for_each(|node| node.container = None);
        }
        Processes::One => {
            let known = registry();
            let mut containers = plan.containers.drain(..);
            if let Some(first) = containers.next() {
                let name = first.full_name();
                drop(containers);
                plan.containers.push(first);
                let ours = plan.nodes.iter_mut().filter(|node| is_ours(node, &known));
                ours.for_each(|node| node.container = Some(name.clone()));
            }
        }
    }
}

fn is_ours(node: &PlannedNode, known: &Registry) -> bool {
    !matches!(node.kind, NodeKind::Command { .. }) && known.find(node.kind_name()).is_ok()
}

fn unit_nodes<'p>(plan: &'p LaunchPlan, name: &str) -> Result<Vec<&'p PlannedNode>> {
    plan.units().into_iter().find(|unit| unit.name == name).map(|unit| unit.nodes).ok_or_else(|| {
        Error::Argument { what: "--only", value: name.to_owned(), why: "the plan has no such process".into() }
    })
}

fn run_here(nodes: Vec<&PlannedNode>, args: &Launch) -> Result {
    // A process without the simulator follows the clock of the process that has it.
    let simulates = nodes.iter().any(|node| node.kind_name() == "drone_sim");
    let wants_sim_time =
        nodes.iter().any(|n| n.params.iter().any(|(key, value)| key == "use_sim_time" && value == true));
    let mode = args.timing.mode(false, !simulates && wants_sim_time)?;
    let specs = nodes.into_iter().map(spec).collect::<Result<Vec<_>>>()?;
    let report = Composition::new(mode, specs, args.isolated)?.run()?;
    let lockstep = matches!(mode, Mode::Lockstep { .. });
    tracing::info!(
        "{} nodes ran, {:.2} s by the node clock, lockstep: {lockstep}",
        report.nodes.len(),
        report.time.as_secs_f64()
    );
    Ok(())
}

fn supervise(plan: &LaunchPlan, args: &Launch, known: &Registry) -> Result {
    let own = std::env::current_exe().map_err(Error::file("find", "the peregrine program"))?;
    let mut missing = BTreeMap::new();
    let jobs = jobs(plan, |unit: &Unit<'_>| {
        if unit.nodes.iter().all(|node| is_ours(node, known)) && !unit.nodes.is_empty() {
            return own_command(&own, args, &unit.name);
        }
        let Some(node) = unit.nodes.first() else { return Command::new("true") };
        let program = match &node.kind {
            NodeKind::Command { program, .. } => PathBuf::from(program),
            _ => find_program(node.package(), node.kind_name()).unwrap_or_else(|| {
                let why = registry().find(node.kind_name()).err().map_or_else(String::new, |e| e.to_string());
                missing.insert(node.full_name(), why);
                PathBuf::from(node.kind_name())
            }),
        };
        let mut command = Command::new(program);
        command.args(node.command_line());
        command
    });
    if let Some((node, why)) = missing.into_iter().next() {
        return Err(Error::Argument {
            what: "node",
            value: node,
            why: format!("no program of that name is on PATH or in AMENT_PREFIX_PATH, and {why}"),
        });
    }
    supervisor::run(jobs, SupervisorOptions::default())?;
    Ok(())
}

/// This program again, for one process of the same file.
fn own_command(own: &PathBuf, args: &Launch, unit: &str) -> Command {
    let mut command = Command::new(own);
    command.arg("launch").arg(&args.file).args(&args.arguments).args(["--only", unit]);
    let processes = match args.processes {
        Processes::AsWritten => "as-written",
        Processes::One => "one",
        Processes::Several => "several",
    };
    command.args(["--processes", processes]);
    command.args(["--realtime", "--realtime-factor", &args.timing.realtime_factor.to_string()]);
    if let Some(threads) = args.timing.threads {
        command.args(["--threads", &threads.to_string()]);
    }
    command
}

/// `lib/PACKAGE/PROGRAM` of an install prefix, or the program beside this one, or on PATH.
fn find_program(package: &str, program: &str) -> Option<PathBuf> {
    let prefixes = std::env::var("AMENT_PREFIX_PATH").unwrap_or_default();
    let installed =
        prefixes.split(':').filter(|p| !p.is_empty()).map(|p| PathBuf::from(p).join("lib").join(package));
    let beside = std::env::current_exe().ok().and_then(|own| own.parent().map(PathBuf::from));
    let path = std::env::var_os("PATH").unwrap_or_default();
    installed
        .chain(beside)
        .chain(std::env::split_paths(&path))
        .map(|dir| dir.join(program))
        .find(|file| file.is_file())
}
