//! Peers that we did not write, as programs: tests/peers has a workspace, a lock file and a target folder of its own, so that
//! what hiroz asks of Zenoh is asked of no crate of ours.

use std::path::PathBuf;

use crate::shell::{Outcome, cargo, locked, run, target_dir};

/// Where they are built.
fn folder() -> PathBuf {
    target_dir().join("peers")
}

/// Builds them; nothing is done when nothing has changed.
pub fn build() -> Outcome {
    let mut command = cargo(&["build", "--bins", "--manifest-path", "tests/peers/Cargo.toml"]);
    run(command.args(locked()).arg("--target-dir").arg(folder()))
}

/// The folder with the programs, if they were built.
pub fn built() -> Option<PathBuf> {
    let folder = folder().join("debug");
    folder.join("hiroz-peer").is_file().then_some(folder)
}
