//! `cargo xtask fuzz`: libFuzzer on the stable toolchain, without cargo-fuzz and without nightly.
//!
//! Coverage counters come from LLVM's own pass, asked for by codegen flags. `--target` keeps them away from build scripts
//! and macros. There is no AddressSanitizer (nightly only), which costs little: what is fuzzed is safe Rust.

use std::{fs, path::PathBuf, process::Command};

use crate::shell::{Outcome, cargo, output, root, run as execute, target_dir};

const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Cdebug-assertions -Ccodegen-units=1";

/// Runs the command.
pub fn run(arguments: &[String]) -> Outcome {
    let known = targets()?;
    let (mut wanted, mut seconds) = (Vec::new(), 30u32);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "list" => {
                println!("{}", known.join("\n"));
                return Ok(());
            }
            "--seconds" => {
                let text = rest.next().ok_or("--seconds wants a number")?;
                seconds =
                    text.parse().map_err(|_| format!("--seconds wants a whole number, not {text:?}"))?;
            }
            name if known.iter().any(|target| target == name) => wanted.push(name.to_owned()),
            other => {
                return Err(format!("there is no fuzz target {other:?}; there are {}", known.join(", ")));
            }
        }
    }
    if wanted.is_empty() {
        wanted = known;
    }
    let folder = build()?;
    let mut crashed = Vec::new();
    for target in &wanted {
        if let Err(cause) = one(&folder, target, seconds) {
            println!("fuzz {target}: {cause}");
            crashed.push(target.as_str());
        }
    }
    let hint = "the input lies in fuzz/artifacts; put it into fuzz/seeds when it is mended";
    if crashed.is_empty() {
        Ok(())
    } else {
        Err(format!("fuzz targets failed: {}; {hint}", crashed.join(", ")))
    }
}

/// The targets: one file each.
fn targets() -> Outcome<Vec<String>> {
    let folder = root().join("fuzz/fuzz_targets");
    let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let names = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "rs"));
    let mut names: Vec<String> =
        names.filter_map(|path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned())).collect();
    names.sort();
    Ok(names)
}

/// Builds all targets and gives the folder of the programs.
fn build() -> Outcome<PathBuf> {
    let mut rustc = Command::new("rustc");
    let (_, version) = output(rustc.arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("rustc names no host")?;
    let target_dir = target_dir().join("fuzz");
    // The versions that ship; cargo adds what only the targets need.
    let lock = root().join("fuzz/Cargo.lock");
    fs::copy(root().join("Cargo.lock"), &lock)
        .map_err(|error| format!("cannot write {}: {error}", lock.display()))?;
    let mut command =
        cargo(&["build", "--release", "--bins", "--target", host, "--manifest-path", "fuzz/Cargo.toml"]);
    execute(command.env("RUSTFLAGS", COVERAGE).env("CARGO_TARGET_DIR", &target_dir))?;
    Ok(target_dir.join(host).join("release"))
}

fn one(programs: &std::path::Path, target: &str, seconds: u32) -> Outcome {
    let fuzz = root().join("fuzz");
    let (corpus, artifacts) = (fuzz.join("corpus").join(target), fuzz.join("artifacts").join(target));
    for folder in [&corpus, &artifacts] {
        fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    }
    let mut command = Command::new(programs.join(target));
    command.arg(format!("-max_total_time={seconds}")).args([
        "-timeout=10",
        "-rss_limit_mb=3000",
        "-print_final_stats=1",
    ]);
    command
        .args(["-verbosity=1", "-close_fd_mask=0"])
        .arg(format!("-artifact_prefix={}/", artifacts.display()));
    let seeds = fuzz.join("seeds").join(target);
    execute(command.arg(corpus).args(seeds.is_dir().then_some(seeds)))
}
