//! The commands, one file each.

pub(crate) mod bag;
mod bench;
mod bench_sdf;
mod container;
mod demo;
mod detect;
mod doctor;
mod launch;
pub(crate) mod model;
mod new;
mod node;
mod run;
mod service;
pub(crate) mod setup;
pub(crate) mod signals;
pub(crate) mod sim;
mod topic;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};
use crate::compose::registry;
use crate::error::Result;
use crate::ros_args;
use crate::rosout::{RosoutLayer, rosout_filter};

/// The whole `peregrine` command: reads the command line, runs, and prints one line when something is wrong.
pub fn main() -> ExitCode {
    let (own, ros) = ros_args::split(as_node(std::env::args().collect()));
    let cli = Cli::parse_from(own);
    start_log(&ros);
    match dispatch(&cli.command, &ros) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Under the name of a node (`lib/peregrine/camera`), started as `ros2 run` and `ros2 launch` do, the program is that node, and
/// under that of a container it is one. A program may be called as its node and still have all commands: what ROS 2 starts
/// is told by its arguments, or by lying in `lib/PACKAGE` when it has none.
fn as_node(argv: Vec<String>) -> Vec<String> {
    let path = argv.first().map(Path::new);
    let installed = || path.and_then(|p| p.parent()?.parent()?.file_name()).is_some_and(|name| name == "lib");
    if !argv.get(1).map_or_else(installed, |first| first == "--ros-args") {
        return argv;
    }
    let insert = match path.and_then(|path| path.file_stem()).and_then(|name| name.to_str()) {
        Some("component_container" | "component_container_mt") => vec!["container"],
        Some(kind) if registry().find(kind).is_ok() => vec!["run", kind],
        _ => return argv,
    };
    let program = std::iter::once("peregrine").chain(insert).map(str::to_owned);
    program.chain(argv.iter().skip(1).cloned()).collect()
}

fn dispatch(command: &Command, ros: &[String]) -> Result {
    match command {
        Command::Demo(args) => demo::run(args),
        Command::Detect(args) => detect::run(args),
        Command::Run(args) => run::run(args, ros),
        Command::Launch(args) => launch::run(args),
        Command::New(args) => new::run(args),
        Command::Sim(args) => sim::run(args),
        Command::Topic(args) => topic::run(args),
        Command::Service(args) => service::run(args),
        Command::Lifecycle(args) => service::run_lifecycle(args),
        Command::Container(args) => container::run(args, ros),
        Command::Bag(args) => bag::run(args, ros),
        Command::Node(args) => node::run_node(args),
        Command::Param(args) => node::run_param(args),
        Command::Bench(args) => bench::run(args),
        Command::Setup(args) => setup::run(args),
        Command::Doctor(args) => doctor::run(args),
        Command::Model(args) => model::run(args),
    }
}

/// Warnings to standard error; `PEREGRINE_LOG` (as in `info`, `peregrine_sim=debug`) or `--log-level` says more.
fn start_log(ros: &[String]) {
    use tracing_subscriber::{
        EnvFilter, Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _,
    };
    let level = ros.iter().rposition(|w| w == "--log-level").and_then(|i| ros.get(i + 1));
    let level = level.map(|text| ros_args::log_level(text));
    let quiet = "warn,zenoh=error,tract=error,ort=error";
    let filter = std::env::var("PEREGRINE_LOG").ok().or_else(|| level.clone());
    let filter = filter
        .and_then(|text| EnvFilter::try_new(format!("{quiet},peregrine={text},{text}")).ok())
        .unwrap_or_else(|| EnvFilter::new(quiet));
    let to_people =
        tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false).without_time();
    // A second subscriber in one process (tests) is no reason to fail.
    let _ = tracing_subscriber::registry()
        .with(to_people.with_filter(filter))
        .with(RosoutLayer.with_filter(rosout_filter(level.as_deref())))
        .try_init();
    // A panic of a node is contained and reported by the runtime in one line; the default hook's text would come twice.
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if std::env::var_os("RUST_BACKTRACE").is_some() {
            default(info);
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::as_node;

    #[test]
    fn a_node_is_started_under_its_name() {
        let called = |text: &str| as_node(text.split(' ').map(str::to_owned).collect()).join(" ");
        assert_eq!(
            called("/ws/lib/peregrine/camera --ros-args -r a:=b"),
            "peregrine run camera --ros-args -r a:=b"
        );
        assert_eq!(called("/ws/lib/peregrine/camera"), "peregrine run camera");
        assert_eq!(called("./camera"), "./camera");
        assert_eq!(called("camera demo --ros-args"), "camera demo --ros-args");
        assert_eq!(
            called("component_container --ros-args -r __ns:=/x"),
            "peregrine container --ros-args -r __ns:=/x"
        );
        assert_eq!(called("target/debug/peregrine demo"), "target/debug/peregrine demo");
        assert_eq!(called("other --ros-args"), "other --ros-args");
    }
}
