//! The engines behind one seam: a tensor to fill, a run, tensors to read.

use crate::manifest::{BackendName, Manifest};
use crate::model::Model;
use crate::preprocess::InputMut;
use crate::{Error, Result, decode};

pub mod library;
mod ort;
mod tract;

pub use ort::environment as ort_environment;

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

/// One inference on mid grey: a library may list a provider whose kernels do not run on this device, and a network may
/// load and yet give outputs of another size.
fn prove(backend: &mut dyn Backend, name: BackendName, model: &Model) -> Result<()> {
    let mid = |plane: usize| {
        let input = &model.manifest.input;
        (127.0 * input.scale - input.mean[plane]) / input.std[plane]
    };
    let plane_len = model.manifest.input.width * model.manifest.input.height;
    match backend.input()? {
        InputMut::F32(values) => {
            for (plane, values) in values.chunks_exact_mut(plane_len).enumerate() {
                values.fill(mid(plane));
            }
        }
        InputMut::U8(values) => values.fill(127),
    }
    backend.run()?;
    let mut verdict = Ok(());
    backend.outputs(&mut |outputs| verdict = judge(&model.manifest, model, name, outputs))?;
    verdict
}

fn judge(manifest: &Manifest, model: &Model, backend: BackendName, outputs: &[&[f32]]) -> Result<()> {
    let expected = decode::expected_shapes(manifest, model.labels.len());
    for ((name, output), shape) in manifest.decoder.outputs.iter().zip(outputs).zip(expected) {
        let length: usize = shape.iter().product();
        if output.len() != length {
            return Err(Error::Shape {
                model: model.origin.clone(),
                what: format!("output `{name}`"),
                found: format!("{} values", output.len()),
                expected: format!("{shape:?}, {length} values"),
                remedy: "mend [decoder] or [input] of the manifest".into(),
            });
        }
        if output.iter().any(|value| !value.is_finite()) {
            return Err(Error::NotFinite {
                model: model.origin.clone(),
                backend: name_of(backend),
                output: name.clone(),
            });
        }
    }
    Ok(())
}

/// What reports call an engine.
pub(crate) fn name_of(backend: BackendName) -> &'static str {
    match backend {
        BackendName::Ort => "ONNX Runtime",
        BackendName::Tract => "tract",
    }
}
