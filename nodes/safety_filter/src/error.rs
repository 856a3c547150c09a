//! What can be wrong with the parameters, and how to put it right.

/// Errors of the safety filter. Codes PG-17xx.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterError {
    /// A number lies outside of what the filter can work with.
    #[error(
        "PG-1701 parameter `{name}` is {value}, but must be {expected}. Change it in the parameter file of the safety filter."
    )]
    ParameterOutOfRange {
        /// Name of the parameter.
        name: &'static str,
        /// What it was set to.
        value: f64,
        /// What it may be, in words.
        expected: &'static str,
    },
    /// A list has the wrong number of entries.
    #[error(
        "PG-1702 parameter `{name}` has {count} numbers, but needs {expected}. Give all of them in the parameter file of the safety filter."
    )]
    ParameterLength {
        /// Name of the parameter.
        name: &'static str,
        /// How many numbers it has.
        count: usize,
        /// What it should hold, in words.
        expected: &'static str,
    },
    /// A choice by name that does not exist.
    #[error(
        "PG-1703 parameter `{name}` is `{value}`, which is none of: {choices}. Use one of these in the parameter file of the safety filter."
    )]
    UnknownChoice {
        /// Name of the parameter.
        name: &'static str,
        /// What it was set to.
        value: String,
        /// What it may be.
        choices: &'static str,
    },
    /// A cloud whose points cannot be read.
    #[error(
        "PG-1704 a cloud of {width} x {height} points of {step} bytes each, {bytes} bytes in all, cannot be read. Publish little-endian PointCloud2 with FLOAT32 fields x, y, z inside of each point."
    )]
    Cloud {
        /// Points in a row.
        width: u32,
        /// Rows.
        height: u32,
        /// Bytes from point to point.
        step: u32,
        /// Bytes that came.
        bytes: usize,
    },
}
