//! `cargo xtask loom`, `shuttle`, `tsan` and `chaos`: the frame bus under model checkers, under ThreadSanitizer, and with
//! its processes killed. The first three have target directories of their own, for their flags would make cargo build
//! everything anew.

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

/// Random schedules of more readers, slots and deaths than the model checker can go through.
pub fn shuttle() -> Outcome {
    let mut command = cargo(&["test", "--package", "peregrine-frame", "--release", "--test", "shuttle"]);
    run(command
        .args(locked())
        .env("RUSTFLAGS", "--cfg shuttle")
        .env("CARGO_TARGET_DIR", target_dir().join("shuttle")))
}

/// Random kills and stops of real processes, for some minutes: nothing may be lost for good.
pub fn chaos(rest: &[String]) -> Outcome {
    let minutes = match rest {
        [] => "2",
        [flag, minutes] if flag == "--minutes" && minutes.parse::<f64>().is_ok_and(|m| m > 0.0) => minutes,
        _ => return Err(format!("cargo xtask chaos [--minutes N], not `{}`", rest.join(" "))),
    };
    let folder = std::env::temp_dir().join(format!("peregrine-chaos-{}", std::process::id()));
    let seed = std::process::id().to_string();
    let mut command = cargo(&["run", "--package", "peregrine-frame", "--release", "--bin", "frame-peer"]);
    let done = run(command.args(locked()).args(["--", "chaos"]).arg(&folder).args([minutes, &seed]));
    let _ = std::fs::remove_dir_all(folder);
    done
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
