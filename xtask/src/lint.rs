//! `cargo xtask lint`: what is wrong without running anything.

use serde_json::Value;

use crate::{
    arrows, deny, ros,
    shell::{Outcome, cargo, locked, run as execute},
};

type Check = fn() -> Outcome;

/// The parts, quick ones first.
const PARTS: [(&str, Check); 5] =
    [("fmt", fmt), ("arrows", arrows::run), ("deny", deny::run), ("clippy", clippy), ("aarch64", aarch64)];

/// What flies on an aarch64 computer and has loops that must become its SIMD: the frame path, avoidance and its filter.
const ON_BOARD: [&str; 3] = ["peregrine-frame", "peregrine-avoidance", "peregrine-safety-filter"];

/// Runs the parts named, or all; every one is run, whatever the others say.
pub fn run(arguments: &[String]) -> Outcome {
    if let Some(unknown) = arguments.iter().find(|name| !PARTS.iter().any(|(part, _)| part == name)) {
        return Err(format!("there is no lint {unknown:?}: fmt, arrows, deny, clippy, aarch64"));
    }
    let mut failed = Vec::new();
    for (part, check) in PARTS {
        if !arguments.is_empty() && !arguments.iter().any(|name| name == part) {
            continue;
        }
        if let Err(cause) = check() {
            println!("lint {part}: {cause}");
            failed.push(part);
        } else {
            println!("lint {part}: ok");
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("lint failed: {}", failed.join(", "))) }
}

fn fmt() -> Outcome {
    execute(&mut cargo(&["fmt", "--all", "--", "--check", "--color", "never"]))
}

/// All targets as they are, then each crate that has optional features with all of them: what nobody builds rots.
fn clippy() -> Outcome {
    let flags = ["--", "--deny", "warnings"];
    execute(cargo(&["clippy", "--workspace", "--all-targets"]).args(locked()).args(flags))?;
    for package in with_features()?.iter().filter(|name| !ros::PACKAGES.contains(&name.as_str())) {
        let mut command = cargo(&["clippy", "--all-targets", "--all-features", "--package", package]);
        execute(command.args(locked()).args(flags))?;
    }
    // Their feature wants an installed ROS 2.
    match ros::DISTROS.iter().find(|distro| distro.lack().is_none()) {
        Some(distro) => {
            // The whole workspace, so that what is compiled is shared.
            execute(distro.cargo(&["clippy", "--workspace", "--all-targets"])?.args(flags))
        }
        None => {
            println!(
                "NOT checked with DDS: {}; `cargo xtask dds` gets the wheels",
                ros::PACKAGES.join(" and ")
            );
            Ok(())
        }
    }
}

/// The crates of [`ON_BOARD`] type-checked for aarch64: pure Rust needs no linker and no emulator for that.
fn aarch64() -> Outcome {
    const TARGET: &str = "aarch64-unknown-linux-gnu";
    let mut add = std::process::Command::new("rustup");
    if let Err(cause) = execute(add.args(["target", "add", TARGET]).current_dir(crate::shell::root())) {
        // It is no fault of the code, and not every machine may fetch it.
        println!("NOT checked for {TARGET}: {cause}; its standard library comes with rustup");
        return Ok(());
    }
    let mut command = cargo(&["check", "--target", TARGET]);
    command.args(locked());
    ON_BOARD.iter().for_each(|package| _ = command.args(["--package", package]));
    execute(&mut command)
}

fn with_features() -> Outcome<Vec<String>> {
    let mut command = cargo(&["metadata", "--no-deps", "--format-version", "1"]);
    let output = command.output().map_err(|error| format!("cargo metadata cannot be started: {error}"))?;
    let metadata: Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("cargo metadata printed no JSON: {error}"))?;
    let packages = metadata["packages"].as_array().cloned().unwrap_or_default();
    let optional = packages.iter().filter(|package| {
        package["features"].as_object().is_some_and(|features| features.keys().any(|name| name != "default"))
    });
    Ok(optional.filter_map(|package| package["name"].as_str().map(str::to_owned)).collect())
}
