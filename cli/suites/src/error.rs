//! What can be wrong with a benchmark's input.

use std::path::PathBuf;

/// Errors of the suites. Codes PG-20xx.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SuiteError {
    /// A suite of others' worlds without their file.
    #[error(
        "PG-2001 suite `{suite}` flies worlds that others published and that are not part of this program. Give their file with --world, usually {usual}."
    )]
    NoFile {
        /// The suite.
        suite: &'static str,
        /// The file's usual name.
        usual: &'static str,
    },
    /// The file cannot be read.
    #[error("PG-2002 the world file {path} cannot be read: {cause}. Check the path.")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The file is not a list of worlds.
    #[error(
        "PG-2003 the world file {path} is not a list of worlds: {cause}. It should be {{\"worlds\": [{{\"cyl\": [[x, y, radius]], \"box\": [[x, y, z, length, width, height, yaw]]}}]}}, metres and radians."
    )]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: String,
    },
}
