//! `peregrine-bench`: what our parts cost, beside the bare libraries they stand on.

mod avoid;
mod detect;
mod frames;
mod ros2;

use clap::{Parser, Subcommand};

#[global_allocator]
static ALLOCATOR: peregrine_counting::Counting = peregrine_counting::Counting;

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
    /// A frame's way from one node to the next, beside the peers.
    Frames(frames::Options),
    /// A child of `frames`.
    #[command(hide = true)]
    FramesChild(frames::ChildOptions),
    /// A camera's picture to a ROS peer over Zenoh, beside hiroz and rclpy.
    Ros2(ros2::Options),
    /// The camera of `ros2`.
    #[command(hide = true)]
    Ros2Camera(ros2::CameraOptions),
    /// A listener of `ros2`.
    #[command(hide = true)]
    Ros2Listener(ros2::ListenerOptions),
    /// One 640x480 depth image to a command, stage by stage; and the safety filter.
    Avoid(avoid::Options),
    /// The simulator beside MuJoCo and PyBullet: pictures, lidar, steps, batches.
    Sim(peregrine_bench_sim::Options),
}

fn main() -> std::process::ExitCode {
    let result = match Arguments::parse().what {
        What::Detect(options) => detect::run(&options),
        What::Frames(options) => frames::run(&options),
        What::FramesChild(options) => frames::run_child(&options),
        What::Ros2(options) => ros2::run(&options),
        What::Ros2Camera(options) => ros2::run_camera(&options),
        What::Ros2Listener(options) => ros2::run_listener(&options),
        What::Avoid(options) => avoid::run(&options),
        What::Sim(options) => peregrine_bench_sim::run(&options),
    };
    match result {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}
