//! `cargo xtask loom` and `cargo xtask tsan`: the frame bus under a model checker and under ThreadSanitizer. Each has a
//! target directory of its own, for its flags would make cargo build everything anew.

use crate::shell::{Outcome, cargo, locked, output, run, target_dir};

/// Every interleaving of publish and pin, up to the bound that the test names.
pub fn loom() -> Outcome {
    let mut command = cargo(&["test", "--package", "peregrine-frame", "--release", "--test", "loom"]);
    run(command
        .args(locked())
        .env("RUSTFLAGS", "--cfg loom")
        .env("CARGO_TARGET_DIR", target_dir().join("loom")))
}

/// Real threads, every access watched. ThreadSanitizer wants a standard library that is watched too.
pub fn tsan() -> Outcome {
    let (_, sysroot) = output(std::process::Command::new("rustc").args(["--print", "sysroot"]))?;
    let sources = std::path::Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library");
    if !sources.is_dir() {
        return Err(
            "ThreadSanitizer builds the standard library: `rustup component add rust-src` first".to_owned()
        );
    }
    let mut command =
        cargo(&["test", "--package", "peregrine-frame", "--test", "stress", "--test", "policies"]);
    command.args(["-Zbuild-std", "--target", "x86_64-unknown-linux-gnu"]).args(locked());
    command.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", "-Zsanitizer=thread");
    run(command.env("CARGO_TARGET_DIR", target_dir().join("tsan")))
}
