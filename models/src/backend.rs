//! The engines behind one seam: a tensor to fill, a run, tensors to read.

use crate::manifest::{BackendName, Golden};
use crate::model::Model;
use crate::preprocess::InputMut;
use crate::{Error, Result};

pub mod library;
mod ort;
mod proof;
mod tract;

pub use ort::environment as ort_environment;
pub use ort::{PROVIDERS, available_providers};

/// One loaded network.
///
/// The input is filled in place through [`Backend::input`] and read in place through [`Backend::output`]: no tensor is
/// copied on the way.
pub trait Backend: Send {
    /// The tensor that the next run reads, planes x height x width.
    ///
    /// # Errors
    /// `PG-0425` when the engine does not give its buffer.
    fn input(&mut self) -> Result<InputMut<'_>>;

    /// One inference.
    ///
    /// # Errors
    /// `PG-0425` with what the engine said.
    fn run(&mut self) -> Result<()>;

    /// Calls `read` with the outputs of the last run, in the order of the manifest.
    ///
    /// # Errors
    /// `PG-0425` before the first run.
    fn outputs(&self, read: &mut dyn FnMut(&[&[f32]])) -> Result<()>;

    /// Engine, version, provider and threads in a few words.
    fn describe(&self) -> String;
}

/// Which engine to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BackendChoice {
    /// ONNX Runtime when a library is found, else tract; the report says which and why.
    #[default]
    Auto,
    /// ONNX Runtime or an error.
    Ort,
    /// tract.
    Tract,
}

impl std::str::FromStr for BackendChoice {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "auto" => Ok(Self::Auto),
            "ort" => Ok(Self::Ort),
            "tract" => Ok(Self::Tract),
            _ => Err(Error::Option {
                option: "backend",
                value: format!("`{text}`"),
                remedy: "write auto, ort or tract".to_owned(),
            }),
        }
    }
}

/// What a backend needs to know besides the model.
#[derive(Clone, Debug)]
pub(crate) struct Engine<'a> {
    pub provider: &'a str,
    pub threads: usize,
    pub library: Option<&'a std::path::Path>,
}

/// Loads a model on one engine and proves it with a real inference.
pub(crate) fn load(model: &Model, backend: BackendName, engine: &Engine<'_>) -> Result<Box<dyn Backend>> {
    let mut loaded: Box<dyn Backend> = match backend {
        BackendName::Ort => Box::new(ort::OrtBackend::load(model, engine)?),
        BackendName::Tract => Box::new(tract::TractBackend::load(model, engine)?),
    };
    prove(loaded.as_mut(), backend, model)?;
    Ok(loaded)
}

/// One inference on the test pattern, compared with the manifest's golden values.
fn prove(backend: &mut dyn Backend, name: BackendName, model: &Model) -> Result<()> {
    let mut verdict = Ok(());
    answer(backend, model, &mut |backend, outputs| verdict = proof::judge(backend, model, name, outputs))?;
    verdict
}

/// Gets the engine and its outputs.
type Reader<'a> = dyn FnMut(&dyn Backend, &[&[f32]]) + 'a;

fn answer(backend: &mut dyn Backend, model: &Model, read: &mut Reader<'_>) -> Result<()> {
    proof::write(model, backend.input()?);
    backend.run()?;
    let backend = &*backend;
    backend.outputs(&mut |outputs| read(backend, outputs))
}

/// What a loaded network answers to the test pattern, for its manifest.
pub(crate) fn golden(backend: &mut dyn Backend, model: &Model) -> Result<Golden> {
    let mut golden = Golden { tolerance: 1.0, outputs: Vec::new() };
    answer(backend, model, &mut |_, outputs| golden = proof::golden(outputs))?;
    Ok(golden)
}

/// What reports call an engine.
pub(crate) fn name_of(backend: BackendName) -> &'static str {
    match backend {
        BackendName::Ort => "ONNX Runtime",
        BackendName::Tract => "tract",
    }
}
