//! What the tests share: where the photos and the ONNX Runtime library lie, and reading JPEG.
#![allow(dead_code)] // each test binary uses its own part

pub mod network;
pub mod power;
pub mod updates;

use std::path::{Path, PathBuf};

use peregrine_models::backend::library::{Places, is_usable};

/// A file of the test data beside the repository, or `None` after saying which test is skipped and why.
pub fn shared(test: &str, path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("PEREGRINE_SHARED")
        .map(PathBuf::from)
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"));
    let file = root.join(path);
    if file.exists() {
        return Some(file);
    }
    println!("SKIP {test}: needs ../shared/{path} (or set PEREGRINE_SHARED)");
    None
}

/// The ONNX Runtime library of `ORT_DYLIB_PATH` or of Peregrine's cache, or `None` after saying that the test is skipped.
pub fn ort_library(test: &str) -> Option<PathBuf> {
    let all = Places::from_environment();
    let found = Places { env: all.env, cache: all.cache, ..Places::default() }.candidates();
    let usable = found.into_iter().find(|path| is_usable(path));
    if usable.is_none() {
        println!("SKIP {test}: no ONNX Runtime library (run `cargo xtask test`, or set ORT_DYLIB_PATH)");
    }
    usable
}

/// A golden file made by tests/reference.
pub fn golden(name: &str) -> serde_json::Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A JSON list of numbers.
pub fn floats(value: &serde_json::Value) -> Vec<f32> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap() as f32).collect()
}

/// Bytes from their hexadecimal digits.
pub fn unhex(value: &serde_json::Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}
