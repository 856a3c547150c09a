//! Running the real program. Each test file uses a part of this.

#![allow(dead_code, reason = "each test file uses a part")]

use std::path::PathBuf;
use std::process::{Command, Output};

/// The program under test, alone in its ROS domain and without the user's ONNX Runtime unless the test asks for it.
pub fn peregrine() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_peregrine"));
    command.env("PEREGRINE_ZENOH_PORT", "17447").env_remove("PEREGRINE_LOG").env_remove("RUST_BACKTRACE");
    command
}

/// Runs to the end.
pub fn run(args: &[&str]) -> Output {
    peregrine().args(args).output().unwrap()
}

/// Standard output as text.
pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Standard error as text.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The repository's root.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}
