//! `peregrine-bench sim` as a program of its own: built without Zenoh and tract, cold in about six minutes of processor time.

use clap::Parser;
use peregrine_bench_sim::{Options, run};

#[derive(Parser)]
#[command(about = "The simulator beside MuJoCo, PyBullet and wgpu")]
struct Arguments {
    #[command(flatten)]
    options: Options,
}

fn main() -> std::process::ExitCode {
    match run(&Arguments::parse().options) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}
