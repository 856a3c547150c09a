//! What a camera's picture costs on its way to a ROS node in another process, and what that costs the camera.
//!
//! Ours publishes as it always does, on the keys of rmw_zenoh; it is read by hiroz, a ROS 2 node of others, and by
//! `eclipse-zenoh` in Python. Beside it hiroz publishes for hiroz, and rclpy on Fast DDS for rclpy. Every round measures each
//! subject once, in turn. The publisher writes `CLOCK_MONOTONIC` into the pixels just before it publishes; the reader reads
//! the clock when it has the decoded picture in its callback.

mod camera;
mod listener;
mod peers;
mod ratios;
mod report;
mod run;
mod subjects;

use std::error::Error;

use crate::frames::job::{CAMERA_HZ, Job, Size};
use crate::frames::python;
pub use camera::Options as CameraOptions;
pub use camera::run as run_camera;
pub use listener::Options as ListenerOptions;
pub use listener::run as run_listener;
use report::Report;
use subjects::Subject;

/// Options of `ros2`.
#[derive(clap::Args)]
pub struct Options {
    /// Print JSON only.
    #[arg(long)]
    json: bool,
    /// Rounds; the result is their median.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Length of one measurement, s.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Measure only subjects whose name contains this.
    #[arg(long)]
    only: Option<String>,
    /// A `hiroz-peer` that is there already; otherwise tests/peers is built.
    #[arg(long)]
    hiroz: Option<std::path::PathBuf>,
}

fn job(subject: &str, readers: usize, seconds: f64, folder: &std::path::Path) -> Job {
    Job {
        subject: subject.into(),
        size: Size::FULL_HD,
        hz: Some(CAMERA_HZ),
        seconds,
        readers,
        topic: "/bench/image".into(),
        folder: folder.to_owned(),
    }
}

/// Runs the benchmark and prints it.
pub fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    if options.rounds == 0 || !(0.5..=60.0).contains(&options.seconds) {
        return Err("--rounds must be at least 1, --seconds between 0.5 and 60".into());
    }
    let asked = |name: &str| options.only.as_deref().is_none_or(|only| name.contains(only));
    let subjects: Vec<Subject> = subjects::ALL.into_iter().filter(|subject| asked(subject.name)).collect();
    let small: Vec<_> = subjects::SMALL.into_iter().filter(|(name, _)| asked(name)).collect();
    if subjects.iter().any(Subject::needs_python) {
        python::install()?;
    }
    let hiroz = match &options.hiroz {
        Some(program) => program.clone(),
        None if subjects.iter().any(Subject::needs_hiroz) => peers::build_hiroz()?,
        None => Default::default(),
    };
    let folder = tempfile::tempdir()?;
    let mut report = Report::new(options.rounds, options.seconds, &subjects, &small);
    for round in 0..options.rounds {
        let progress = |name: &str| {
            if !options.json {
                eprint!("\r\x1b[Kround {} of {}: {name}", round + 1, options.rounds);
            }
        };
        for (row, (name, way)) in report.small.iter_mut().zip(&small) {
            progress(name);
            // Who wants no pictures would be waited for in vain.
            let readers = usize::from(*way != "alone");
            row.rounds.push(run::small(&job(name, readers, options.seconds, folder.path()), way)?);
        }
        for (row, subject) in report.rows.iter_mut().zip(&subjects) {
            // A peer that failed once is not waited for again.
            if round > 0 && row.rounds.is_empty() {
                continue;
            }
            progress(subject.name);
            let readers = usize::from(subject.reader.is_some());
            match run::measure(subject, &job(subject.name, readers, options.seconds, folder.path()), &hiroz) {
                Ok(measured) => row.rounds.push(measured),
                // What is not ours can fail in ways that are not ours.
                Err(error) if subject.is_guest() => eprintln!("\nnot measured: {}: {error}", subject.name),
                Err(error) => return Err(error),
            }
        }
    }
    report.print(options.json)
}
