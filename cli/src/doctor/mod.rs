//! `peregrine doctor`: what of this machine stands in the way, and what an error code means.

pub(crate) mod bus;
pub(crate) mod codes;
mod finding;
pub(crate) mod frames;
mod inference;
mod machine;
mod network;
#[cfg(test)]
mod scan;

pub use finding::{Finding, Level};

/// Looks at everything. The order is that of a person who wonders why nothing runs.
pub fn all() -> Vec<Finding> {
    let mut findings = machine::all();
    findings.push(inference::onnx_runtime());
    findings.extend(network::all());
    findings.push(frames::summary());
    findings
}
