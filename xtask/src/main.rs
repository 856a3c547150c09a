//! Developer commands, the same on a laptop and in CI: `cargo xtask help`.

mod arrows;
mod concurrency;
mod deny;
mod fuzz;
mod lint;
mod newcomer;
mod python;
mod ros;
mod shell;
mod test;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask COMMAND

  test [--quick] [-p CRATE]... [-- FILTER...]
               install what the tests need (Python packages into .venv, Debian packages when root), run every test,
               list what was skipped, close with `N passed, M failed, K skipped`;
               --quick installs nothing and leaves documentation tests out
  lint [fmt] [arrows] [deny] [clippy] [aarch64]
               formatting, dependency arrows, licences and advisories, clippy with warnings denied, what flies on board
               checked for aarch64 (adds the target with rustup); all five by default
  arrows       only the dependency arrows and the rules that every crate keeps
  deny         only licences, banned crates, sources, yanked versions and advisories
  fuzz [TARGET] [--seconds N]
               libFuzzer on one target or on all of them, N seconds each (30); `fuzz list` names them
  loom         the model checker on the frame bus: every interleaving of publish and pin
  shuttle      random schedules of the frame bus: more readers and more deaths than `loom` can go through
  tsan         ThreadSanitizer on the frame bus
  chaos [--minutes N]
               readers and publishers of a frame bus killed and stopped at random, N minutes (2): nothing may leak
  bench-python OpenCV into .venv/opencv: the peer of `peregrine-bench detect`
  dds [jazzy] [kilted]
               the DDS transport built against the ROS 2 of the wheels and tested with their rclpy; both by default, and part
               of `test`
  newcomer     a node's crate outside of the repository, made by `peregrine new`, built in release and flown
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", [].as_slice()),
    };
    let done = match command {
        "test" => test::run(rest),
        "lint" => lint::run(rest),
        "arrows" => lint::run(&["arrows".to_owned()]),
        "deny" => lint::run(&["deny".to_owned()]),
        "fuzz" => fuzz::run(rest),
        "loom" => concurrency::loom(),
        "shuttle" => concurrency::shuttle(),
        "tsan" => concurrency::tsan(),
        "chaos" => concurrency::chaos(rest),
        "dds" => test::dds(rest),
        "newcomer" => newcomer::newcomer(),
        "bench-python" => python::OPENCV.install(),
        "help" | "--help" | "-h" => {
            print!("{USAGE}");
            Ok(())
        }
        unknown => Err(format!("there is no `cargo xtask {unknown}`\n\n{USAGE}")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            eprintln!("xtask: {cause}");
            ExitCode::FAILURE
        }
    }
}
