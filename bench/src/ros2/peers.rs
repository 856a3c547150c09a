//! Programs that are not ours: hiroz (`tests/peers`) and eclipse-zenoh in Python.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use super::subjects::Reader;
use crate::frames::job::{Job, Outcome};
use crate::frames::python;
use crate::frames::spawn::Played;

/// Bytes of shared memory that hiroz is given: eight pictures.
const SHM: usize = 64 * 1024 * 1024;

fn root() -> PathBuf {
    let bench = Path::new(env!("CARGO_MANIFEST_DIR"));
    bench.parent().unwrap_or(bench).to_owned()
}

/// Builds `hiroz-peer`, unless that was done.
pub(super) fn build_hiroz() -> Outcome<PathBuf> {
    let target = root().join("target/peers");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--release", "--locked", "--quiet", "--bin", "hiroz-peer", "--manifest-path"])
        .arg(root().join("tests/peers/Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .status()?;
    if status.success() {
        Ok(target.join("release/hiroz-peer"))
    } else {
        Err(format!("tests/peers could not be built: {status}").into())
    }
}

/// A line of a reader: when the picture was stamped and when it came, ns.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Came {
    pub sent: u64,
    pub came: u64,
    /// Of the pixels.
    pub bytes: Option<usize>,
}

fn hiroz(program: &Path, job: &Job, port: u16, name: &str, shared_memory: bool) -> Command {
    let mut command = Command::new(program);
    command.args(["--endpoint", &format!("tcp/127.0.0.1:{port}"), "--name", name]);
    if shared_memory {
        command.args(["--shm", &SHM.to_string()]);
    }
    command.env_remove("RUST_LOG").current_dir(&job.folder);
    command
}

/// Starts a reader; it prints one [`Came`] for each picture.
pub(super) fn read(reader: Reader, job: &Job, port: u16, program: &Path) -> Outcome<Played> {
    let what = format!("the reader of {}", job.subject);
    match reader {
        Reader::Hiroz { shared_memory } => {
            let mut command = hiroz(program, job, port, "bench_reader", shared_memory);
            command.args(["image-sub", &job.topic, "best-effort"]);
            let mut reader = Played::spawn(command, what)?;
            reader.hear("{\"ready\":true}")?;
            Ok(reader)
        }
        Reader::Python => {
            let mut command = Command::new(python::program("python"));
            command.arg(root().join("bench/python/zenoh_reader.py")).args([&port.to_string(), &job.topic]);
            let mut reader = Played::spawn(command, what)?;
            reader.hear("ready")?;
            Ok(reader)
        }
        Reader::Rclpy => Err("rclpy reads only what rclpy publishes here".into()),
    }
}

/// Starts hiroz's publisher, which publishes `frames` pictures at once and then says so.
pub(super) fn publish(
    program: &Path,
    job: &Job,
    port: u16,
    frames: u64,
    ways: (bool, bool),
) -> Outcome<Played> {
    let (shared_memory, loan) = ways;
    let mut command = hiroz(program, job, port, "bench_camera", shared_memory);
    let size = job.size;
    let numbers = [f64::from(size.width), f64::from(size.height), job.hz.unwrap_or(30.0), frames as f64];
    command.args(["image-pub", &job.topic]).args(numbers.map(|number| number.to_string())).arg("best-effort");
    if loan {
        command.arg("loan");
    }
    Played::spawn(command, format!("the publisher of {}", job.subject))
}
