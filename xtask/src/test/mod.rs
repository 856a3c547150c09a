//! `cargo xtask test`: installs what the tests need, runs them all, and says by name what was skipped.
//!
//! A test that cannot run prints `SKIP <name>: <reason>` and returns. libtest shows the output of tests that pass only
//! on request, so we ask for it, take the SKIP lines out of it and keep the rest for the log.

mod collect;
mod peers;
mod provide;

use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, ExitStatus},
};

use crate::{
    ros,
    shell::{Outcome, cargo, in_ci, locked, scratch, words},
};
use collect::{Collector, Rules};

/// What the command line asks for.
#[derive(Default)]
struct Options {
    quick: bool,
    packages: Vec<String>,
    filters: Vec<String>,
}

/// Runs the command.
pub fn run(arguments: &[String]) -> Outcome {
    let options = parse(arguments)?;
    let provided = provide::provide(options.quick)?;
    let log = scratch("logs")?.join("test.log");
    let mut command = build(&options);
    command.envs(provided.environment.iter().map(|(name, value)| (name, value)));
    println!("$ {}", words(&command));
    let mut collector = Collector::default();
    let mut success = stream(&mut command, &log, &mut collector)?.success();
    if options.wants_dds() {
        success &= with_ros(&ros::DISTROS, &mut collector)?;
    }
    if options.wants_gpu() {
        success &= with_gpu(&mut collector)?;
    }
    let rules = Rules { in_ci: in_ci(), has_shared: provided.has_shared };
    let verdict = collector.verdict(success, &rules);
    println!("\nlog: {}", log.display());
    for note in &provided.notes {
        println!("note: {note}");
    }
    print!("{verdict}");
    let closing = format!("{}\n", verdict.closing_line());
    let file = scratch("logs")?.join("closing-line");
    std::fs::write(&file, closing).map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    println!("{}", verdict.closing_line());
    if verdict.is_success() { Ok(()) } else { Err("the tests did not pass".to_owned()) }
}

/// `cargo xtask dds`: what the whole of `test` does for the DDS transport, alone.
pub fn dds(names: &[String]) -> Outcome {
    if let Some(unknown) = names.iter().find(|name| !ros::DISTROS.iter().any(|distro| distro.name == **name))
    {
        return Err(format!("the DDS transport is tested with jazzy and kilted, not with {unknown:?}"));
    }
    let wanted =
        ros::DISTROS.iter().filter(|distro| names.is_empty() || names.iter().any(|n| n == distro.name));
    let mut collector = Collector::default();
    let mut success = true;
    for distro in wanted {
        distro.install()?;
        success &= with_ros(std::slice::from_ref(distro), &mut collector)?;
    }
    let verdict = collector.verdict(success, &Rules { in_ci: in_ci(), has_shared: true });
    print!("{verdict}");
    println!("{}", verdict.closing_line());
    if verdict.is_success() { Ok(()) } else { Err("the tests did not pass".to_owned()) }
}

/// Builds the DDS transport against each distribution and tests it. What cannot be is a skip.
fn with_ros(distros: &[ros::Distro], collector: &mut Collector) -> Outcome<bool> {
    let mut success = true;
    for distro in distros {
        if let Some(lack) = distro.lack() {
            collector.line(&format!("SKIP dds_{}: {lack}", distro.name));
            continue;
        }
        let mut command = distro.cargo(&["test", "--no-fail-fast", "--workspace"])?;
        distro.tests.iter().for_each(|test| _ = command.args(["--test", test]));
        command.args(["--", "--show-output"]);
        println!("$ {} ({})", words(&command), distro.name);
        let log = scratch("logs")?.join(format!("dds-{}.log", distro.name));
        success &= stream(&mut command, &log, collector)?.success();
    }
    Ok(success)
}

/// Tests the drawing by a graphics processor. It is a run of its own, so that wgpu is built once and linked with nothing else.
fn with_gpu(collector: &mut Collector) -> Outcome<bool> {
    let features = "peregrine-render/gpu,peregrine-sim/gpu";
    let mut command = cargo(&["test", "--no-fail-fast", "--workspace", "--features", features]);
    command.args(locked()).args(["--test", "oracle", "--test", "gpu_node", "--", "--show-output"]);
    println!("$ {}", words(&command));
    let log = scratch("logs")?.join("gpu.log");
    Ok(stream(&mut command, &log, collector)?.success())
}

impl Options {
    /// As with DDS.
    fn wants_gpu(&self) -> bool {
        let named = self.packages.is_empty() || self.packages.iter().any(|name| name == "peregrine-render");
        named && !self.quick && self.filters.is_empty()
    }

    /// The DDS transport is built anew for each distribution: not for a quick look at something else.
    fn wants_dds(&self) -> bool {
        let named = self.packages.is_empty() || self.packages.iter().any(|name| name == "peregrine-dds");
        named && !self.quick && self.filters.is_empty()
    }
}

fn parse(arguments: &[String]) -> Outcome<Options> {
    let mut options = Options::default();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--quick" => options.quick = true,
            "-p" | "--package" => {
                let package = rest.next().ok_or("-p wants the name of a crate")?;
                options.packages.push(package.clone());
            }
            "--" => options.filters.extend(rest.by_ref().cloned()),
            other => {
                return Err(format!("`cargo xtask test` does not know {other:?}; see `cargo xtask help`"));
            }
        }
    }
    Ok(options)
}

fn build(options: &Options) -> Command {
    let mut command = cargo(&["test", "--no-fail-fast"]);
    command.args(locked());
    if options.packages.is_empty() {
        command.arg("--workspace");
    }
    for package in &options.packages {
        command.args(["--package", package]);
    }
    if options.quick {
        command.args(["--lib", "--bins", "--tests"]);
    }
    command.args(["--", "--show-output"]).args(&options.filters);
    command
}

/// Runs the tests; both of their streams go through one pipe, so that lines keep their order.
fn stream(command: &mut Command, log: &Path, collector: &mut Collector) -> Outcome<ExitStatus> {
    let fail = |what: &str, error: std::io::Error| format!("{what}: {error}");
    let mut log = File::create(log).map_err(|error| fail("cannot write the log", error))?;
    let (reader, writer) = std::io::pipe().map_err(|error| fail("no pipe", error))?;
    let second = writer.try_clone().map_err(|error| fail("no pipe", error))?;
    let mut child =
        command.stdout(writer).stderr(second).spawn().map_err(|error| fail("cannot start cargo", error))?;
    // Our ends of the pipe would keep it open for ever.
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut reader = BufReader::new(reader);
    let mut bytes = Vec::new();
    let mut out = std::io::stdout().lock();
    while reader.read_until(b'\n', &mut bytes).map_err(|error| fail("cannot read from cargo", error))? > 0 {
        log.write_all(&bytes).map_err(|error| fail("cannot write the log", error))?;
        let line = String::from_utf8_lossy(&bytes);
        if collector.line(line.trim_end_matches(['\n', '\r'])) {
            // A terminal that went away is no reason to stop testing.
            let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
        }
        bytes.clear();
    }
    child.wait().map_err(|error| fail("cannot wait for cargo", error))
}
