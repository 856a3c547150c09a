//! `peregrine setup`: fetch ONNX Runtime with pip, check it, and run one inference on it.

use std::path::{Path, PathBuf};
use std::process::Command;

use peregrine_models::setup::install_onnxruntime;

use crate::args::Setup;
use crate::error::{Error, Result};

pub fn run(args: &Setup) -> Result {
    let cache = peregrine_models::backend::library::cache_dir().ok_or_else(|| Error::Argument {
        what: "cache",
        value: "unknown".into(),
        why: "neither XDG_CACHE_HOME nor HOME is set; set one of them".into(),
    })?;
    let wheels = match &args.wheel_dir {
        Some(dir) => dir.clone(),
        None => download(&args.version, &cache)?,
    };
    let installed = install_onnxruntime(&wheels, &cache)?;
    println!(
        "installed {}\n  from {}\n  sha256 {}\n  {}",
        installed.library.display(),
        installed.wheel,
        installed.sha256,
        installed.report
    );
    Ok(())
}

/// pip knows the package index, its mirrors and proxies, and checks the hashes that the index publishes.
fn download(version: &str, cache: &Path) -> Result<PathBuf> {
    let dir = cache.join("download");
    std::fs::create_dir_all(&dir).map_err(Error::file("create", &dir))?;
    let package = format!("onnxruntime=={version}");
    eprintln!("fetching {package} with pip (about 20 MB) ...");
    let mut command = Command::new("python3");
    command.args([
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
        "--disable-pip-version-check",
        "--dest",
    ]);
    command.arg(&dir).arg(&package);
    let program = format!("python3 -m pip download {package}");
    let output = command.output().map_err(|source| Error::Program {
        program: program.clone(),
        why: format!(
            "{source}; install python3 with pip, or give a folder that holds the wheel with --wheel-dir"
        ),
    })?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        let why =
            words.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no reason given").to_owned();
        return Err(Error::Program {
            program,
            why: format!("{why}; or give a folder that holds the wheel with --wheel-dir"),
        });
    }
    Ok(dir)
}
