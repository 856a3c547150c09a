//! What the detector node adds to the errors of the models.

use thiserror::Error;

/// An error of the detector node.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A topic carries something that is not a colour or grey picture.
    #[error(
        "PG-0601: frames on '{topic}' are '{encoding}', which no detector reads: {source}; remap 'image_raw' to a camera"
    )]
    Picture {
        /// The topic as the node knows it.
        topic: &'static str,
        /// The encoding that came.
        encoding: &'static str,
        /// What the models say.
        source: peregrine_models::Error,
    },
    /// A list of cameras that cannot be.
    #[error("PG-0605: cameras are [{given}]; name 1 to {most} of them, each once, e.g. ['front', 'left']")]
    Cameras {
        /// The names.
        given: String,
        /// The most there can be.
        most: usize,
    },
    /// An entry of the ladder is none.
    #[error(
        "PG-0602: '{entry}' is no step of `ladder`; write a model, 'MODEL @ HZ' or '@ HZ' with a rate above 0"
    )]
    Ladder {
        /// The entry.
        entry: String,
    },
    /// The model store was not told where it is.
    #[error("PG-0603: `store` is empty; name the folder that the detector's parameter `store` names")]
    NoStore,
}
