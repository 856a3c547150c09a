//! `cargo xtask newcomer`: what the README promises of a node of one's own, done as a newcomer would: a crate outside of
//! the repository, built in release from nothing but the registry, flown in the demo. Compiles everything once more.

use std::process::Command;

use crate::shell::{Outcome, cargo, locked, root, run, scratch, target_dir};

/// Makes, builds and flies `sign_counter`.
pub fn newcomer() -> Outcome {
    run(cargo(&["build", "--release", "--package", "peregrine"]).args(locked()))?;
    let home = scratch("newcomer")?.join("sign_counter");
    if home.exists() {
        std::fs::remove_dir_all(&home).map_err(|error| format!("{}: {error}", home.display()))?;
    }
    let program = target_dir().join("release/peregrine");
    run(Command::new(program)
        .args(["new", "sign_counter", "--dir"])
        .arg(&home)
        .arg("--peregrine")
        .arg(root()))?;
    let mut flight =
        cargo(&["run", "--release", "--", "demo", "--no-report", "--launch", "launch/demo.launch.xml"]);
    run(flight.current_dir(&home).env("CARGO_TARGET_DIR", target_dir().join("newcomer")))
}
