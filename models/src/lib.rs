//! Detection models: from an image's bytes to named boxes in its own pixels.
//!
//! Three nouns, in this order:
//!
//! A [`Manifest`] says what must be known about a network to run it: file and hash, input layout, normalisation,
//! letterbox, outputs and how they decode, labels, licence, measured accuracy. It is one TOML file beside the weights.
//!
//! ```
//! let text = include_str!("../weights/nanodet_g_416_int8.toml");
//! let manifest = peregrine_models::Manifest::parse(text, "nanodet_g_416_int8.toml")?;
//! assert_eq!((manifest.input.width, manifest.input.height), (416, 416));
//! # Ok::<(), peregrine_models::Error>(())
//! ```
//!
//! A [`Detector`] is a model loaded on an engine: ONNX Runtime if a library is found, else tract, and it says which.
//!
//! ```
//! use peregrine_models::{BackendChoice, Detector, LoadOptions};
//! let mut detector = Detector::load(&LoadOptions { backend: BackendChoice::Tract, ..LoadOptions::default() })?;
//! assert!(detector.backend_report().starts_with("nanodet_g_320_w8 on tract"));
//! # Ok::<(), peregrine_models::Error>(())
//! ```
//!
//! A [`Detection`] is a class, a score and a box, made from an [`ImageRef`], a view of anybody's pixels.
//!
//! ```
//! # use peregrine_models::{BackendChoice, Detector, LoadOptions};
//! # let mut detector = Detector::load(&LoadOptions { backend: BackendChoice::Tract, ..LoadOptions::default() })?;
//! use peregrine_models::{ImageRef, PixelFormat};
//! let grey = vec![127; 640 * 480 * 3];
//! let detections = detector.detect(&ImageRef::packed(&grey, 640, 480, PixelFormat::Rgb8))?;
//! assert!(detections.is_empty());
//! # Ok::<(), peregrine_models::Error>(())
//! ```

pub mod backend;
mod batch;
mod building;
pub mod decode;
mod detector;
mod error;
pub mod eval;
pub mod explain;
#[doc(hidden)]
pub mod fuzz;
mod image;
mod letterbox;
pub mod library;
pub mod manifest;
mod model;
mod onnx;
mod post;
mod preprocess;
mod profile;
pub mod quantize;
pub mod setup;
mod suggest;
pub mod trust;
pub mod update;
pub mod watch;

pub use backend::{Backend, BackendChoice};
pub use batch::BatchDetector;
pub use building::{Building, Progress};
pub use detector::{Detection, Detector, LoadOptions, StageTimes};
pub use error::{Error, Result};
pub use image::{ImageRef, PixelFormat};
pub use letterbox::Letterbox;
pub use manifest::{BackendName, Manifest};
pub use model::{COCO_80, DEFAULT_MODEL, Model, ModelSource, embedded_names, sha256};
pub use preprocess::{InputMut, Preprocessor};
pub use trust::{Standing, Trust};
