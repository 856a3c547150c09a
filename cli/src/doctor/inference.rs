//! The engine of the networks.

use peregrine_models::backend::ort_environment;

use super::{Finding, Level};

const WHAT: &str = "ONNX Runtime";

/// Whether ONNX Runtime is found and opens. What the detector would use is what is looked at.
pub(super) fn onnx_runtime() -> Finding {
    match ort_environment(None) {
        Ok((_, path)) => Finding::good(WHAT, path.display().to_string()),
        Err(error @ peregrine_models::Error::LibraryMissing { .. }) => Finding::new(
            Level::Note,
            WHAT,
            error.to_string(),
            "until it is there tract runs the networks, several times slower",
        ),
        Err(error) => Finding::new(
            Level::Bad,
            WHAT,
            error.to_string(),
            "`peregrine setup` fetches a library that works; ORT_DYLIB_PATH names another one",
        ),
    }
}
