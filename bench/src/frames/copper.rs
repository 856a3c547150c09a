//! copper-rs, only with `--with-copper`: a program of its own (`bench/copper`), built when it is asked for, since it brings
//! a hundred crates and wants a newer Rust than the house.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::job::{Job, Measured, Outcome};
use super::spawn::Played;

fn root() -> PathBuf {
    let bench = Path::new(env!("CARGO_MANIFEST_DIR"));
    bench.parent().unwrap_or(bench).to_owned()
}

fn target() -> PathBuf {
    root().join("target/bench-copper")
}

/// Builds the program, unless that was done.
pub(super) fn build() -> Outcome {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--release", "--locked", "--quiet", "--manifest-path"])
        .arg(root().join("bench/copper/Cargo.toml"))
        .arg("--target-dir")
        .arg(target())
        .status()?;
    if status.success() { Ok(()) } else { Err(format!("bench/copper could not be built: {status}").into()) }
}

/// A source and a sink of one graph.
pub(super) fn fused(job: &Job) -> Outcome<Measured> {
    let mut command = Command::new(target().join("release/peregrine-bench-copper"));
    command.arg(serde_json::to_string(job)?);
    let mut whole = Played::spawn(command, job.subject.clone())?;
    whole.hear("ready")?;
    let measured = whole.result()?;
    whole.end()?;
    Ok(measured)
}
