//! Reads .msg text and writes the Rust types of peregrine-msgs.
//!
//! Three steps, each a pure function over the one before: [`parse`](parse::parse) reads one definition,
//! [`library::read`] collects a folder of them and checks that every name resolves, [`emit::emit`] writes Rust.
//! [`hash::rihs01`] computes the type hash of REP-2011 on the way. The output depends on the text alone.

pub mod emit;
mod error;
pub mod hash;
pub mod library;
pub mod literal;
pub mod model;
pub mod parse;

use std::path::Path;

pub use error::CodegenError;

/// The Rust text for all definitions in `dir` (`<package>/msg/*.msg`, `<package>/srv/*.srv`).
///
/// # Errors
/// Any [`CodegenError`]; the first one found.
pub fn generate(dir: &Path) -> Result<String, CodegenError> {
    emit::emit(&library::read(dir)?)
}
