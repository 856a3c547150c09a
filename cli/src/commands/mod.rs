//! The commands, one file each.

mod bag;
mod demo;
mod detect;
mod launch;
mod new;
mod node;
mod run;
mod setup;
pub(crate) mod signals;
mod sim;
mod topic;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};
use crate::error::Result;
use crate::ros_args;

/// The whole `peregrine` command: reads the command line, runs, and prints one line when something is wrong.
pub fn main() -> ExitCode {
    let (own, ros) = ros_args::split(std::env::args());
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

fn dispatch(command: &Command, ros: &[String]) -> Result {
    match command {
        Command::Demo(args) => demo::run(args),
        Command::Detect(args) => detect::run(args),
        Command::Run(args) => run::run(args, ros),
        Command::Launch(args) => launch::run(args),
        Command::New(args) => new::run(args),
        Command::Sim(args) => sim::run(args),
        Command::Topic(args) => topic::run(args),
        Command::Bag(args) => bag::run(args),
        Command::Node(args) => node::run_node(args),
        Command::Param(args) => node::run_param(args),
        Command::Setup(args) => setup::run(args),
    }
}

/// Warnings to standard error; `PEREGRINE_LOG` (as in `info`, `peregrine_sim=debug`) or `--log-level` says more.
fn start_log(ros: &[String]) {
    use tracing_subscriber::EnvFilter;
    let level = ros.iter().position(|w| w == "--log-level").and_then(|i| ros.get(i + 1));
    let quiet = "warn,zenoh=error,tract=error,ort=error";
    let filter = std::env::var("PEREGRINE_LOG").ok().or_else(|| level.map(|l| l.to_lowercase()));
    let filter = filter
        .and_then(|text| EnvFilter::try_new(format!("{quiet},peregrine={text},{text}")).ok())
        .unwrap_or_else(|| EnvFilter::new(quiet));
    // A second subscriber in one process (tests) is no reason to fail.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .without_time()
        .try_init();
    // A panic of a node is contained and reported by the runtime in one line; the default hook's text would come twice.
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if std::env::var_os("RUST_BACKTRACE").is_some() {
            default(info);
        }
    }));
}
