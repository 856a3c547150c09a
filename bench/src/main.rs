//! `peregrine-bench`: what our parts cost, beside the bare libraries they stand on.

mod avoid;
mod detect;

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
    /// One 640x480 depth image to a command, stage by stage; and the safety filter.
    Avoid(avoid::Options),
}

fn main() -> std::process::ExitCode {
    let result = match Arguments::parse().what {
        What::Detect(options) => detect::run(&options),
        What::Avoid(options) => avoid::run(&options),
    };
    match result {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}
