//! The whole way from an image to named boxes in its own pixels.

use std::path::PathBuf;
use std::sync::Arc;

#[cfg(test)]
use crate::backend::Backend;
use crate::backend::{self, BackendChoice, EngineCache, Precision};
use crate::batch::BatchDetector;
use crate::image::ImageRef;
use crate::manifest::{BackendName, Golden, Manifest};
use crate::model::{DEFAULT_MODEL, Model, ModelSource};
use crate::trust::{Standing, Trust};
use crate::{Error, Result};

/// What to load and how to run it.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// The model.
    pub model: ModelSource,
    /// The engine.
    pub backend: BackendChoice,
    /// Execution provider, one of [`crate::backend::PROVIDERS`]: `tract` asks for that engine, anything else but `cpu`
    /// for the backend `ort`, and fails if it cannot be had.
    pub provider: String,
    /// Threads within one inference, 1 to 64. One (the default) gives the same bits on every run.
    pub threads: usize,
    /// Lowest score of a detection, 0 to 1; `None`: what the manifest says.
    pub score_threshold: Option<f32>,
    /// The ONNX Runtime library to load; `None`: searched for.
    pub ort_library: Option<PathBuf>,
    /// Whose models may be loaded.
    pub trust: Trust,
    /// In which numbers the provider computes.
    pub precision: Precision,
    /// Where engines that a provider compiles are kept; `None`: in the user's cache.
    pub engine_cache: Option<EngineCache>,
}

impl LoadOptions {
    /// A model by name or path, everything else by default.
    pub fn new(model: impl Into<ModelSource>) -> Self {
        Self {
            model: model.into(),
            backend: BackendChoice::Auto,
            provider: "cpu".to_owned(),
            threads: 1,
            score_threshold: None,
            ort_library: None,
            trust: Trust::default(),
            precision: Precision::Native,
            engine_cache: None,
        }
    }
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self::new(DEFAULT_MODEL)
    }
}

/// One thing seen. Lengths in pixels of the source image, origin at its top left corner, x to the right, y down.
#[derive(Clone, Debug, PartialEq)]
pub struct Detection {
    /// Class, an index into [`Detector::labels`].
    pub label_index: usize,
    /// Name of the class.
    pub label: Arc<str>,
    /// 0 to 1.
    pub score: f32,
    /// Left edge.
    pub x: f32,
    /// Top edge.
    pub y: f32,
    /// Width, above 0.
    pub width: f32,
    /// Height, above 0.
    pub height: f32,
}

/// How long each stage of one detection took, in nanoseconds of the clock handed in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StageTimes {
    /// Image to tensor.
    pub preprocess_ns: u64,
    /// Tensor to tensors.
    pub inference_ns: u64,
    /// Tensors to boxes.
    pub postprocess_ns: u64,
}

/// A loaded model. Reuses its buffers from image to image: what [`Detector::detect`] gives is valid until the next.
///
/// A [`BatchDetector`] of one image.
pub struct Detector {
    one: BatchDetector,
    backend_name: BackendName,
}

impl std::fmt::Debug for Detector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Detector")
            .field("model", &self.manifest().name)
            .field("backend", &self.backend_report())
            .finish()
    }
}

impl Detector {
    /// Loads a model, checks it and runs one real inference.
    ///
    /// # Errors
    /// Everything `PG-04xx` but the image errors.
    pub fn load(options: &LoadOptions) -> Result<Self> {
        let Opened { model, standing, backend, reason } = open(options)?;
        Self::start(model, standing, backend, &reason, options)
    }

    /// The same with a model at hand, whose origin is the caller's matter; `options.model` is not looked at.
    ///
    /// # Errors
    /// As [`Detector::load`].
    pub fn with_model(model: Model, options: &LoadOptions) -> Result<Self> {
        check(options)?;
        let (backend_name, reason) = choose(options)?;
        Self::start(model, Standing::Allowed("handed over in memory".into()), backend_name, &reason, options)
    }

    fn start(
        model: Model,
        standing: Standing,
        backend_name: BackendName,
        reason: &str,
        options: &LoadOptions,
    ) -> Result<Self> {
        let tract_uses_one = match options.threads {
            threads @ 2.. if backend_name == BackendName::Tract => {
                format!(" ({threads} were asked for; tract uses one)")
            }
            _ => String::new(),
        };
        let about = |_: usize| format!("{tract_uses_one}{reason}");
        let one = BatchDetector::start(model, standing, backend_name, options, 1, &about)?;
        Ok(Self { one, backend_name })
    }

    /// Finds what the image shows, best first.
    ///
    /// # Errors
    /// `PG-0440` for an image whose bytes do not hold what its header says; `PG-0425` if the engine fails, `PG-0426` if what it
    /// gives is no number.
    pub fn detect(&mut self, image: &ImageRef<'_>) -> Result<&[Detection]> {
        self.detect_timed(image, &mut || 0).map(|(detections, _)| detections)
    }

    /// The same, with the time of each stage read from `clock` (nanoseconds from any origin).
    ///
    /// # Errors
    /// As [`Detector::detect`].
    pub fn detect_timed(
        &mut self,
        image: &ImageRef<'_>,
        clock: &mut dyn FnMut() -> u64,
    ) -> Result<(&[Detection], StageTimes)> {
        let times = self.one.detect(std::slice::from_ref(image), clock)?;
        Ok((self.one.found(0), times))
    }

    /// What the last image showed, best first.
    pub fn found(&self) -> &[Detection] {
        self.one.found(0)
    }

    /// What the network answers to the test pattern on this engine: the golden values of its manifest.
    ///
    /// # Errors
    /// `PG-0425` if the engine fails.
    pub fn golden(&mut self) -> Result<Golden> {
        self.one.golden()
    }

    /// Names of the classes, in the order of the network.
    pub fn labels(&self) -> &[Arc<str>] {
        self.one.labels()
    }

    /// The manifest of the loaded variant.
    pub fn manifest(&self) -> &Manifest {
        self.one.manifest()
    }

    /// What is known of the model's origin.
    pub fn standing(&self) -> &Standing {
        self.one.standing()
    }

    /// Which engine runs.
    pub fn backend(&self) -> BackendName {
        self.backend_name
    }

    /// Model, engine, library, provider and threads, and why the engine was chosen: one line callers must say aloud.
    pub fn backend_report(&self) -> &str {
        self.one.backend_report()
    }

    /// Lowest score of a detection, 0 to 1.
    pub fn score_threshold(&self) -> f32 {
        self.one.score_threshold()
    }

    /// From the next image on, this is the lowest score of a detection, 0 to 1; `None`: what the manifest says.
    pub fn set_score_threshold(&mut self, score: Option<f32>) {
        self.one.set_score_threshold(score);
    }
}

#[cfg(test)]
impl Detector {
    /// From now on every inference fails.
    pub(crate) fn break_engine(&mut self) {
        self.one.replace_engine(Box::new(Broken));
    }
}

/// An engine as it is when its driver is gone.
#[cfg(test)]
struct Broken;

#[cfg(test)]
impl Broken {
    fn error<T>() -> Result<T> {
        let (model, detail) = ("the model".to_owned(), "the driver is gone".to_owned());
        Err(Error::Backend { backend: "broken", action: "run", model, detail })
    }
}

#[cfg(test)]
impl Backend for Broken {
    fn sizes(&self) -> &[usize] {
        &[1]
    }

    fn select(&mut self, _: usize) {}

    fn input(&mut self, _: usize) -> Result<crate::InputMut<'_>> {
        Self::error()
    }

    fn run(&mut self) -> Result<()> {
        Self::error()
    }

    fn outputs(&self, _: usize, _: &mut dyn FnMut(&[&[f32]])) -> Result<()> {
        Self::error()
    }

    fn describe(&self) -> String {
        "broken".to_owned()
    }
}

/// A model that was read and may be loaded, and what is to run it.
pub(crate) struct Opened {
    pub model: Model,
    pub standing: Standing,
    pub backend: BackendName,
    /// Why that one, in words.
    pub reason: String,
}

pub(crate) fn open(options: &LoadOptions) -> Result<Opened> {
    check(options)?;
    let (backend, reason) = choose(options)?;
    let model = Model::read(&options.model, backend)?;
    let standing = model.standing(&options.model, &options.trust)?;
    Ok(Opened { model, standing, backend, reason })
}

fn check(options: &LoadOptions) -> Result<()> {
    let bad = |option: &'static str, value: String, remedy: &str| {
        Err(Error::Option { option, value, remedy: remedy.to_owned() })
    };
    if !(1..=64).contains(&options.threads) {
        return bad("threads", options.threads.to_string(), "write 1 to 64");
    }
    if options.precision == Precision::Half && options.provider != "tensorrt" {
        let remedy = "write native, or ask for the provider `tensorrt`: no other is told";
        return bad("precision", "half".to_owned(), remedy);
    }
    match options.score_threshold {
        Some(score) if !(0.0..=1.0).contains(&score) => {
            bad("score_threshold", score.to_string(), "write 0 to 1")
        }
        _ => Ok(()),
    }
}

/// The engine to use and, for `auto`, the reason in words.
fn choose(options: &LoadOptions) -> Result<(BackendName, String)> {
    let library = options.ort_library.as_deref();
    if options.provider == "tract" && options.backend != BackendChoice::Ort {
        return Ok((BackendName::Tract, String::new()));
    }
    let must = options.provider != "cpu" || library.is_some();
    match options.backend {
        BackendChoice::Ort => Ok((BackendName::Ort, String::new())),
        BackendChoice::Tract => Ok((BackendName::Tract, String::new())),
        // A provider or a library that was asked for by name must be there: nothing falls back from it.
        BackendChoice::Auto if must => Ok((BackendName::Ort, String::new())),
        BackendChoice::Auto => match backend::ort_environment(None) {
            Ok(_) => Ok((BackendName::Ort, "; chosen because an ONNX Runtime library was found".to_owned())),
            Err(error) => Ok((BackendName::Tract, format!("; chosen because {}", why_not(&error)))),
        },
    }
}

fn why_not(error: &Error) -> String {
    match error {
        Error::LibraryMissing { .. } => {
            "no ONNX Runtime library was found: `peregrine setup` fetches one, and the int8 network then runs several \
             times faster"
                .to_owned()
        }
        other => format!("the ONNX Runtime library found cannot be used: {other}"),
    }
}
