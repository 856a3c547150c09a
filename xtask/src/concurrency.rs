//! `cargo xtask loom` and `cargo xtask tsan`: the frame bus under a model checker and under ThreadSanitizer. Each has a
//! target directory of its own, for its flags would make cargo build everything anew.

use std::process::Command;

use crate::shell::{Outcome, cargo, locked, output, root, run, target_dir};

/// Every interleaving of publish and pin, up to the bound that the test names.
pub fn loom() -> Outcome {
    let mut command = cargo(&["test", "--package", "peregrine-frame", "--release", "--test", "loom"]);
    run(command
        .args(locked())
        .env("RUSTFLAGS", "--cfg loom")
        .env("CARGO_TARGET_DIR", target_dir().join("loom")))
}

/// Real threads, every access watched. The standard library is not (that needs the rust-src component), hence the
/// suppressions beside the crate.
pub fn tsan() -> Outcome {
    let (_, version) = output(Command::new("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("rustc names no host")?;
    let suppressions = root().join("core/frame/tsan.supp");
    let mut command = cargo(&["test", "--package", "peregrine-frame", "--target", host]);
    command.args(["--test", "stress", "--test", "policies", "--test", "forward"]).args(locked());
    command.env("TSAN_OPTIONS", format!("suppressions={}", suppressions.display()));
    command.env("RUSTC_BOOTSTRAP", "1");
    command.env("RUSTFLAGS", "-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer");
    run(command.env("CARGO_TARGET_DIR", target_dir().join("tsan")))
}
