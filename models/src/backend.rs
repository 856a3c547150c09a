//! The engines behind one seam: a tensor to fill, a run, tensors to read.

use std::time::Instant;

use crate::manifest::{BackendName, Golden};
use crate::model::Model;
use crate::preprocess::InputMut;
use crate::{Error, LoadOptions, Result};

mod cache;
pub mod library;
mod ort;
mod proof;
mod tract;

pub use cache::{EngineCache, EngineKey, Precision};
pub use ort::environment as ort_environment;
pub use ort::{PROVIDERS, available_providers};
pub(crate) use proof::not_finite;

/// One loaded network.
///
/// The input is filled in place through [`Backend::input`] and read in place through [`Backend::output`]: no tensor is
/// copied on the way.
pub trait Backend: Send {
    /// How many images one inference can take, ascending.
    fn sizes(&self) -> &[usize];

    /// The next run takes the smallest of [`Backend::sizes`] that holds `images`, or the largest. (What is not filled is
    /// computed all the same and means nothing.)
    fn select(&mut self, images: usize);

    /// Where the next run reads this image of its batch, planes x height x width.
    ///
    /// # Errors
    /// `PG-0425` when the engine does not give its buffer, or the batch is smaller.
    fn input(&mut self, image: usize) -> Result<InputMut<'_>>;

    /// One inference.
    ///
    /// # Errors
    /// `PG-0425` with what the engine said.
    fn run(&mut self) -> Result<()>;

    /// Calls `read` with what the last run gave for this image of its batch, in the order of the manifest.
    ///
    /// # Errors
    /// `PG-0425` before the first run, or when the batch was smaller.
    fn outputs(&self, image: usize, read: &mut dyn FnMut(&[&[f32]])) -> Result<()>;

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
    /// Most images of one inference; networks that fix their batch have no other.
    pub batch: usize,
    pub precision: Precision,
    /// Where compiled engines are kept.
    pub cache: Option<EngineCache>,
}

/// Providers that compile the network for the device, and can keep what came of it.
const COMPILING: [&str; 1] = ["tensorrt"];

impl<'a> Engine<'a> {
    /// As the options say.
    pub(crate) fn new(options: &'a LoadOptions, batch: usize) -> Self {
        Self {
            provider: &options.provider,
            threads: options.threads,
            library: options.ort_library.as_deref(),
            batch,
            precision: options.precision,
            cache: options.engine_cache.clone().or_else(EngineCache::of_user),
        }
    }

    /// What the compiled engine depends on; `None` where none is compiled, or no library is there.
    fn key(&self, model: &Model) -> Option<EngineKey> {
        if !COMPILING.contains(&self.provider) {
            return None;
        }
        let (_, library) = ort::environment_for(self.provider, self.library).ok()?;
        Some(EngineKey {
            model: model.manifest.sha256.to_ascii_lowercase(),
            provider: self.provider.to_owned(),
            runtime: ort::runtime_of(&library),
            precision: self.precision,
            batches: self.sizes(model),
        })
    }

    /// The batches to prepare for a model.
    fn sizes(&self, model: &Model) -> Vec<usize> {
        model.batch.map_or_else(|| (1..=self.batch.max(1)).collect(), |fixed| vec![fixed.max(1)])
    }
}

/// Which of `sizes` holds so many images.
fn size_for(sizes: &[usize], images: usize) -> usize {
    sizes.iter().position(|size| *size >= images).unwrap_or(sizes.len().saturating_sub(1))
}

/// The part of a tensor that belongs to one image.
fn part<T>(values: &mut [T], image: usize, images: usize) -> Option<&mut [T]> {
    let length = values.len() / images.max(1);
    values.get_mut(image * length..(image + 1) * length)
}

/// Gives `read` the parts of `outputs` that belong to one image.
fn read_parts<'a>(
    outputs: impl Iterator<Item = &'a [f32]>,
    image: usize,
    images: usize,
    read: &mut dyn FnMut(&[&[f32]]),
) {
    // The heads known have at most ten outputs; more would be read by none of them.
    let mut views: [&[f32]; 16] = [&[]; 16];
    let mut count = 0;
    for (view, output) in views.iter_mut().zip(outputs) {
        let length = output.len() / images.max(1);
        *view = output.get(image * length..(image + 1) * length).unwrap_or_default();
        count += 1;
    }
    read(&views[..count]);
}

/// Loads a model on one engine and proves it with a real inference.
pub(crate) fn load(model: &Model, backend: BackendName, engine: &Engine<'_>) -> Result<Box<dyn Backend>> {
    let began = Instant::now();
    let kept = engine.cache.clone().zip(engine.key(model));
    let mut loaded: Box<dyn Backend> = match backend {
        BackendName::Ort => Box::new(ort::OrtBackend::load(model, engine)?),
        BackendName::Tract => Box::new(tract::TractBackend::load(model, engine)?),
    };
    let proof = prove(loaded.as_mut(), backend, model);
    if let Some((cache, key)) = kept {
        // One that answers wrongly is not kept; one that cannot be noted runs all the same and is built anew next time.
        let _ = match &proof {
            Ok(()) if cache.built(&key).is_none() => cache.note(&key, began.elapsed()),
            Ok(()) => Ok(()),
            Err(_) => cache.forget(&key),
        };
    }
    proof?;
    Ok(loaded)
}

/// What the engine that these options ask for depends on; `None` where none is compiled.
pub(crate) fn engine_key(options: &LoadOptions) -> Option<EngineKey> {
    let engine = Engine::new(options, 1);
    if !COMPILING.contains(&engine.provider) {
        return None;
    }
    engine.key(&Model::read(&options.model, BackendName::Ort).ok()?)
}

/// One inference of each size on the test pattern, compared with the manifest's golden values.
fn prove(backend: &mut dyn Backend, name: BackendName, model: &Model) -> Result<()> {
    for index in 0..backend.sizes().len() {
        let images = backend.sizes()[index];
        backend.select(images);
        let mut verdict = Ok(());
        // Each image of a batch must be answered as if it were alone.
        answer(backend, model, images, &mut |backend, outputs| {
            if verdict.is_ok() {
                verdict = proof::judge(backend, model, name, outputs);
            }
        })?;
        verdict?;
    }
    Ok(())
}

/// Gets the engine and its outputs.
type Reader<'a> = dyn FnMut(&dyn Backend, &[&[f32]]) + 'a;

fn answer(backend: &mut dyn Backend, model: &Model, images: usize, read: &mut Reader<'_>) -> Result<()> {
    for image in 0..images {
        proof::write(model, backend.input(image)?);
    }
    backend.run()?;
    let backend = &*backend;
    (0..images).try_for_each(|image| backend.outputs(image, &mut |outputs| read(backend, outputs)))
}

/// What a loaded network answers to the test pattern, for its manifest.
pub(crate) fn golden(backend: &mut dyn Backend, model: &Model) -> Result<Golden> {
    let mut golden = Golden { tolerance: 1.0, outputs: Vec::new() };
    answer(backend, model, 1, &mut |_, outputs| golden = proof::golden(outputs))?;
    Ok(golden)
}

/// What reports call an engine.
pub(crate) fn name_of(backend: BackendName) -> &'static str {
    match backend {
        BackendName::Ort => "ONNX Runtime",
        BackendName::Tract => "tract",
    }
}
