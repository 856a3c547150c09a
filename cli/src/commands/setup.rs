//! `peregrine setup`: fetch ONNX Runtime with pip, check it, and run one inference on it.

use std::path::{Path, PathBuf};
use std::process::Command;

use peregrine_models::backend::ort_environment;
use peregrine_models::setup::{Installed, install_onnxruntime};

use crate::args::Setup;
use crate::error::{Error, Result};

/// The version that is fetched unless another one is asked for.
pub const VERSION: &str = "1.32.0";

pub fn run(args: &Setup) -> Result {
    let installed = install(&args.version, args.wheel_dir.as_deref())?;
    println!("{}", said(&installed));
    Ok(())
}

/// For a command that cannot do without ONNX Runtime: fetches it where none is found, and says so.
pub fn provide() -> Result {
    let Err(peregrine_models::Error::LibraryMissing { .. }) = ort_environment(None) else { return Ok(()) };
    eprintln!("ONNX Runtime is needed and none was found here: it is fetched as by `peregrine setup`");
    eprintln!("{}", said(&install(VERSION, None)?));
    Ok(())
}

fn said(installed: &Installed) -> String {
    let Installed { library, wheel, sha256, report } = installed;
    format!("installed {}\n  from {wheel}\n  sha256 {sha256}\n  {report}", library.display())
}

fn install(version: &str, wheel_dir: Option<&Path>) -> Result<Installed> {
    let cache = peregrine_models::backend::library::cache_dir().ok_or_else(|| Error::Argument {
        what: "cache",
        value: "unknown".into(),
        why: "neither XDG_CACHE_HOME nor HOME is set; set one of them".into(),
    })?;
    let wheels = match wheel_dir {
        Some(dir) => dir.to_owned(),
        None => download(version, &cache)?,
    };
    Ok(install_onnxruntime(&wheels, &cache)?)
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
