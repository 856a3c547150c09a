//! What tests that cross crates share: finding what they need, saying that they are skipped, and the fuzz entries.
//!
//! A test that cannot run calls [`skip`] and returns; it never passes in silence. `cargo xtask test` names all that were
//! skipped, and in CI a skip is a failure unless its reason begins with `hardware:`, or with `needs ../shared` where that
//! folder is absent.

pub mod fuzz;

use std::path::{Path, PathBuf};

/// Says that `test` does not run, and why. The line is what `cargo xtask test` looks for.
pub fn skip(test: &str, reason: &str) {
    println!("SKIP {test}: {reason}");
}

/// The root of the repository.
pub fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// A file or folder of the data that is not in the repository (`PEREGRINE_SHARED`, or `../shared`), or `None` after
/// saying that `test` is skipped.
pub fn shared(test: &str, path: &str) -> Option<PathBuf> {
    let beside = || repository().join("../shared");
    let file = variable("PEREGRINE_SHARED").unwrap_or_else(beside).join(path);
    found(test, file.exists().then_some(file), &format!("needs ../shared/{path} (or set PEREGRINE_SHARED)"))
}

/// The Python of the tests, with the packages of `xtask/requirements/tests.txt`, or `None` after saying SKIP.
pub fn python(test: &str) -> Option<PathBuf> {
    let python = variable("PEREGRINE_TEST_PYTHON").filter(|path| path.is_file());
    found(test, python, "PEREGRINE_TEST_PYTHON names no Python (`cargo xtask test` makes one)")
}

/// A virtual environment with rclpy, or `None` after saying SKIP.
pub fn ros(test: &str) -> Option<PathBuf> {
    let venv = variable("PEREGRINE_ROS_VENV").filter(|path| path.is_dir());
    found(
        test,
        venv,
        "PEREGRINE_ROS_VENV names no virtual environment with rclpy (`cargo xtask test` makes one)",
    )
}

/// The ONNX Runtime library of `ORT_DYLIB_PATH`, or `None` after saying SKIP.
pub fn onnxruntime(test: &str) -> Option<PathBuf> {
    let library = variable("ORT_DYLIB_PATH").filter(|path| path.exists());
    found(test, library, "ORT_DYLIB_PATH names no ONNX Runtime library (`cargo xtask test` installs one)")
}

/// A program in `PATH`, such as `chromium`, or `None` after saying SKIP.
pub fn program(test: &str, name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let file = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    found(test, file, &format!("the program `{name}` is not installed"))
}

fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn found(test: &str, path: Option<PathBuf>, reason: &str) -> Option<PathBuf> {
    if path.is_none() {
        skip(test, reason);
    }
    path
}
