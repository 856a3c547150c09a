//! What can go wrong in the exporter.

use thiserror::Error;

/// An error of the exporter.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A picture that this node cannot make fit to be seen.
    #[error(
        "PG-2201: pictures in '{encoding}' are not exported; give rgb8, bgr8, rgba8, bgra8, mono8, nv12 or yuv422_yuy2"
    )]
    Encoding {
        /// The encoding that came.
        encoding: String,
    },
    /// The way of hiding is none.
    #[error("PG-2202: `hide` is '{value}'; write 'mosaic' or 'fill'")]
    Hide {
        /// What was written.
        value: String,
    },
    /// Nothing would be hidden.
    #[error(
        "PG-2203: `classes` is empty, so nothing would be hidden; name classes, or export the camera's topic itself with PEREGRINE_EXPORT"
    )]
    NoClasses,
}
