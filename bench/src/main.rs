//! `peregrine-bench`: what our parts cost, beside the bare libraries they stand on.

mod detect;
mod sim;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Side-by-side benchmarks")]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// One 1080p frame through the detector, beside the bare ONNX Runtime call of the same model.
    Detect(detect::Options),
    /// The simulator beside MuJoCo and PyBullet: pictures, lidar, steps, batches.
    Sim(sim::Options),
}

fn main() -> std::process::ExitCode {
    let result = match Arguments::parse().what {
        What::Detect(options) => detect::run(&options),
        What::Sim(options) => sim::run(&options),
    };
    match result {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}
