//! The environment of the peers that come from PyPI.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.venv/bench-sim")
}

/// Where a peer's script lies.
pub(crate) fn script(peer: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("peers/{peer}_peer.py"))
}

/// The interpreter that is asked for, named by the environment, or of the environment that this makes: once, some 300 MB.
pub(crate) fn interpreter(given: Option<&Path>) -> Outcome<PathBuf> {
    let named = std::env::var_os("PEREGRINE_SIM_PYTHON").filter(|v| !v.is_empty()).map(PathBuf::from);
    if let Some(python) = given.map(Path::to_path_buf).or(named) {
        return Ok(python);
    }
    let python = folder().join("bin/python");
    let wanted =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/requirements.txt"))?;
    let stamp = folder().join(".peregrine-stamp");
    if !std::fs::read_to_string(&stamp).is_ok_and(|there| there == wanted) {
        eprintln!("installing MuJoCo and PyBullet into .venv/bench-sim (once, some 300 MB)");
        run(Command::new("python3").args(["-m", "venv"]).arg(folder()))?;
        let pip =
            ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--requirement"];
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/requirements.txt");
        run(Command::new(&python).args(pip).arg(file))?;
        std::fs::write(stamp, wanted)?;
    }
    Ok(python)
}

fn run(command: &mut Command) -> Outcome<()> {
    let status = command.status()?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} ended with {status}").into()) }
}
