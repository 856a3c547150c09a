//! ONNX Runtime, loaded at run time.
//!
//! Invariant: no function of `ort` is called before [`environment`] has loaded a library: `ort` would search for one by
//! itself and panic when there is none.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use ort::environment::Environment;
use ort::ep::{self, ExecutionProvider, ExecutionProviderDispatch};
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::session::{IoBinding, Session};
use ort::value::Tensor;

use super::library::{Places, check_file};
use super::{Backend, Engine, Precision, part, read_parts, size_for};
use crate::manifest::Element;
use crate::model::Model;
use crate::onnx::first_line;
use crate::preprocess::InputMut;
use crate::suggest::suggest;
use crate::{Error, Result};

/// The one library of this process and its environment.
struct Loaded {
    path: PathBuf,
    environment: Environment,
}

static LOADED: Mutex<Option<Loaded>> = Mutex::new(None);

/// The environment of the one ONNX Runtime of this process, loading the library on the first call, and its path.
///
/// With `library` that file or an error; without, the first usable one of [`Places::candidates`]. Public so that
/// benchmarks and other users of `ort` in the same process share it: a process can hold one environment only.
///
/// # Errors
/// `PG-0420` when none is found, `PG-0421` and `PG-0422` for broken and old ones, `PG-0423` when another is loaded.
pub fn environment(library: Option<&Path>) -> Result<(Environment, PathBuf)> {
    environment_for("cpu", library)
}

/// The same, with a look for a library that has the provider.
pub(super) fn environment_for(provider: &str, library: Option<&Path>) -> Result<(Environment, PathBuf)> {
    let mut loaded = LOADED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(loaded) = loaded.as_ref() {
        return match library {
            Some(wanted) if !same_file(wanted, &loaded.path) => {
                Err(Error::LibraryOther { loaded: loaded.path.clone(), wanted: wanted.to_owned() })
            }
            _ => Ok((loaded.environment.clone(), loaded.path.clone())),
        };
    }
    let places = Places::from_environment();
    let candidates = library.map_or_else(|| places.candidates_for(provider), |path| vec![path.to_owned()]);
    let mut first_failure = None;
    for path in &candidates {
        match open(path) {
            Ok(environment) => {
                *loaded = Some(Loaded { path: path.clone(), environment: environment.clone() });
                return Ok((environment, path.clone()));
            }
            Err(error) => {
                // What the user named must work; what was merely found may be passed over.
                if library.is_some() || places.env.as_ref() == Some(path) {
                    return Err(error);
                }
                first_failure.get_or_insert(error);
            }
        }
    }
    Err(first_failure.unwrap_or_else(|| Error::LibraryMissing { searched: places.describe() }))
}

fn same_file(a: &Path, b: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    real(a) == real(b)
}

fn open(path: &Path) -> Result<Environment> {
    check_file(path)?;
    let absolute = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let broken = |detail: String| Error::LibraryBroken { path: path.to_owned(), detail };
    let builder = ort::init_from(&absolute).map_err(|error| {
        let detail = first_line(&error);
        if let ort::LoadDynamicError::BadVersion { version_str, .. } = &error {
            return Error::LibraryTooOld {
                path: path.to_owned(),
                detail: format!("it is ONNX Runtime {version_str}"),
            };
        }
        broken(detail)
    })?;
    // A library that has the right name and version and lacks the functions makes `ort` panic.
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        builder.with_name("peregrine").with_telemetry(false).build()
    }))
    .map_err(|_| broken("it does not give the functions of its version".to_owned()))?
    .map_err(|error| broken(first_line(&error)))
}

/// A session with inputs and outputs bound to buffers we keep, for each size of batch.
pub(super) struct OrtBackend {
    session: Session,
    batches: Vec<Bound>,
    sizes: Vec<usize>,
    /// The batch that runs next or ran last.
    current: usize,
    input_name: String,
    /// On other devices the input is copied when it is bound, so it must be bound before each run.
    rebind: bool,
    model: String,
    about: String,
}

/// The buffers of one size of batch.
struct Bound {
    binding: IoBinding,
    input: BoundInput,
    outputs: Vec<Tensor<f32>>,
}

enum BoundInput {
    F32(Tensor<f32>),
    U8(Tensor<u8>),
}

impl OrtBackend {
    pub(super) fn load(model: &Model, engine: &Engine<'_>) -> Result<Self> {
        let (environment, path) = environment_for(engine.provider, engine.library)?;
        if let Some(oldest) = model.manifest.runtime.as_ref().and_then(|runtime| runtime.onnxruntime.as_ref())
        {
            let found = super::library::version_of(&path.canonicalize().unwrap_or_else(|_| path.clone()));
            let wanted = crate::manifest::parse_version(oldest).unwrap_or_default();
            // A library whose name tells no version is given the benefit of the doubt: the proof follows.
            if !found.is_empty() && found < wanted {
                return Err(Error::LibraryTooOld {
                    path: path.clone(),
                    detail: format!(
                        "{} asks for ONNX Runtime {oldest}, it is {}",
                        model.origin,
                        version(&path)
                    ),
                });
            }
        }
        let fail = |error: &dyn std::fmt::Display| Error::Backend {
            backend: "ONNX Runtime",
            action: "load",
            model: model.origin.clone(),
            detail: first_line(&error),
        };
        let on_cpu = engine.provider == "cpu";
        let folder = match engine.cache.as_ref().zip(engine.key(model)) {
            // Asked for before a folder is made: a provider that is not there leaves none behind.
            Some((cache, key))
                if provider(engine.provider, &Tuning::default())
                    .is_some_and(|(_, there)| there.unwrap_or(false)) =>
            {
                Some(cache.prepare(&key)?)
            }
            _ => None,
        };
        let session = |strict: bool| -> Result<Session> {
            let mut builder = base_builder(&environment, engine.threads, model.stored_int8)
                .map_err(|error| fail(&error))?;
            if !on_cpu {
                builder = with_provider(builder, engine, folder.as_deref(), &path)?;
                if strict {
                    builder = builder.with_disable_cpu_fallback().map_err(|error| fail(&error))?;
                }
            }
            builder.commit_from_memory(&model.weights).map_err(|error| fail(&error))
        };
        // First try to have every operator on the provider; if some cannot be, say so instead of hiding it.
        let (session, mixed) = match session(true) {
            Ok(session) => (session, false),
            Err(error) if on_cpu || error.code() == "PG-0424" => return Err(error),
            Err(_) => (session(false)?, true),
        };
        let manifest = &model.manifest;
        let sizes = engine.sizes(model);
        let batches = sizes.iter().map(|images| Bound::new(&session, model, *images));
        let batches = batches.collect::<ort::Result<Vec<_>>>().map_err(|error| fail(&error))?;
        let mixed = if mixed { ", some operators on the CPU" } else { "" };
        let about = format!(
            "ONNX Runtime {} ({}), provider {}{mixed}, {} thread{}",
            version(&path),
            path.display(),
            engine.provider,
            engine.threads,
            if engine.threads == 1 { "" } else { "s" }
        );
        let (input_name, model) = (manifest.input.name.clone(), model.origin.clone());
        Ok(Self { session, batches, sizes, current: 0, input_name, rebind: !on_cpu, model, about })
    }

    fn fail(&self, error: &ort::Error) -> Error {
        Error::Backend {
            backend: "ONNX Runtime",
            action: "run",
            model: self.model.clone(),
            detail: first_line(error),
        }
    }
}

impl Bound {
    fn new(session: &Session, model: &Model, images: usize) -> ort::Result<Self> {
        let manifest = &model.manifest;
        let mut shape = manifest.input_shape();
        shape[0] = images;
        let length = images * manifest.input_len();
        let input = match manifest.input.element {
            Element::F32 => BoundInput::F32(Tensor::from_array((shape, vec![0f32; length]))?),
            Element::U8 => BoundInput::U8(Tensor::from_array((shape, vec![0u8; length]))?),
        };
        let mut binding = session.create_binding()?;
        input.bind(&mut binding, &manifest.input.name)?;
        let mut outputs = Vec::new();
        let shapes = crate::decode::expected_shapes(manifest, model.labels.len());
        for (name, mut shape) in manifest.decoder.outputs.iter().zip(shapes) {
            if let Some(first) = shape.first_mut() {
                *first = images;
            }
            let allocator = ort::memory::Allocator::default();
            let mut tensor = Tensor::<f32>::new(&allocator, shape)?;
            binding.bind_output(name.as_str(), &mut tensor)?;
            outputs.push(tensor);
        }
        Ok(Self { binding, input, outputs })
    }
}

impl BoundInput {
    fn bind(&self, binding: &mut IoBinding, name: &str) -> ort::Result<()> {
        match self {
            Self::F32(tensor) => binding.bind_input(name, tensor),
            Self::U8(tensor) => binding.bind_input(name, tensor),
        }
    }
}

impl Backend for OrtBackend {
    fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    fn select(&mut self, images: usize) {
        self.current = size_for(&self.sizes, images);
    }

    fn input(&mut self, image: usize) -> Result<InputMut<'_>> {
        let images = self.sizes[self.current];
        let values = match &mut self.batches[self.current].input {
            BoundInput::F32(tensor) => part(tensor.extract_tensor_mut().1, image, images).map(InputMut::F32),
            BoundInput::U8(tensor) => part(tensor.extract_tensor_mut().1, image, images).map(InputMut::U8),
        };
        values.ok_or_else(|| Error::Backend {
            backend: "ONNX Runtime",
            action: "fill",
            model: self.model.clone(),
            detail: format!("its batch has no image {image}"),
        })
    }

    fn run(&mut self) -> Result<()> {
        let Self { session, batches, current, input_name, rebind, .. } = self;
        let batch = &mut batches[*current];
        let bound = if *rebind { batch.input.bind(&mut batch.binding, input_name) } else { Ok(()) };
        let result = bound.and_then(|()| session.run_binding(&batch.binding).map(|_| ()));
        result.map_err(|error| self.fail(&error))
    }

    fn outputs(&self, image: usize, read: &mut dyn FnMut(&[&[f32]])) -> Result<()> {
        let (batch, images) = (&self.batches[self.current], self.sizes[self.current]);
        read_parts(batch.outputs.iter().map(|tensor| tensor.extract_tensor().1), image, images, read);
        Ok(())
    }

    fn describe(&self) -> String {
        self.about.clone()
    }
}

/// Settings that make two runs agree: sequential execution, a fixed number of threads.
fn base_builder(
    environment: &Environment,
    threads: usize,
    fold_weights: bool,
) -> ort::Result<SessionBuilder> {
    fn plain<T>(result: Result<T, ort::Error<T>>) -> ort::Result<T> {
        result.map_err(|error| ort::Error::new(error.message()))
    }
    let builder = Session::builder(environment)?;
    let builder = plain(builder.with_optimization_level(GraphOptimizationLevel::All))?;
    let builder = plain(builder.with_intra_threads(threads))?;
    let builder = plain(builder.with_inter_threads(1))?;
    // Else weights that are only stored as int8 would be unpacked again in every run.
    let builder = if fold_weights { plain(builder.with_quant_qdq(false))? } else { builder };
    plain(builder.with_log_level(ort::logging::LogLevel::Error))
}

fn version(path: &Path) -> String {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let numbers: Vec<String> = super::library::version_of(&real).iter().map(u32::to_string).collect();
    if numbers.is_empty() { "of unknown version".to_owned() } else { numbers.join(".") }
}

/// Providers by the name users write; `tract` is the other engine.
pub const PROVIDERS: [&str; 11] = [
    "cpu", "cuda", "tensorrt", "openvino", "migraphx", "coreml", "xnnpack", "directml", "nnapi", "qnn",
    "tract",
];

/// What a provider is told.
#[derive(Default)]
struct Tuning<'a> {
    half: bool,
    /// Where it keeps what it compiles.
    folder: Option<&'a Path>,
}

fn tensorrt(tuning: &Tuning<'_>) -> ep::TensorRT {
    let provider = ep::TensorRT::default().with_fp16(tuning.half);
    let Some(folder) = tuning.folder.map(Path::display) else { return provider };
    let provider = provider.with_engine_cache(true).with_engine_cache_path(&folder);
    provider.with_timing_cache(true).with_timing_cache_path(&folder)
}

/// The library's version; the hash of its bytes where its name tells none.
pub(super) fn runtime_of(path: &Path) -> String {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let numbers: Vec<String> = super::library::version_of(&real).iter().map(u32::to_string).collect();
    if numbers.is_empty() {
        return std::fs::read(&real).map(|bytes| crate::model::sha256(&bytes)).unwrap_or_default();
    }
    numbers.join(".")
}

/// Whether the loaded library was built with a provider, and how to ask a session for it. `None`: no such provider.
fn provider(name: &str, tuning: &Tuning<'_>) -> Option<(ExecutionProviderDispatch, ort::Result<bool>)> {
    Some(match name {
        "cpu" => (ep::CPU::default().build(), Ok(true)),
        "cuda" => (ep::CUDA::default().build(), ep::CUDA::is_available()),
        "tensorrt" => (tensorrt(tuning).build(), ep::TensorRT::is_available()),
        "openvino" => (ep::OpenVINO::default().build(), ep::OpenVINO::is_available()),
        "migraphx" => (ep::MIGraphX::default().build(), ep::MIGraphX::is_available()),
        "coreml" => (ep::CoreML::default().build(), ep::CoreML::is_available()),
        "xnnpack" => (ep::XNNPACK::default().build(), ep::XNNPACK::is_available()),
        "directml" => (ep::DirectML::default().build(), ep::DirectML::is_available()),
        "nnapi" => (ep::NNAPI::default().build(), ep::NNAPI::is_available()),
        "qnn" => (ep::QNN::default().build(), ep::QNN::is_available()),
        _ => return None,
    })
}

/// The providers that the ONNX Runtime library found was built with; whether they run here only a load can tell. Empty
/// without a library.
pub fn available_providers(library: Option<&Path>) -> Vec<&'static str> {
    if environment(library).is_err() {
        return Vec::new();
    }
    PROVIDERS
        .into_iter()
        .filter(|name| provider(name, &Tuning::default()).is_some_and(|(_, there)| there.unwrap_or(false)))
        .collect()
}

fn with_provider(
    mut builder: SessionBuilder,
    engine: &Engine<'_>,
    folder: Option<&Path>,
    library: &Path,
) -> Result<SessionBuilder> {
    let name = engine.provider;
    let tuning = Tuning { half: engine.precision == Precision::Half, folder };
    let refuse = |detail: String| Error::Provider { provider: name.to_owned(), detail };
    let Some((dispatch, available)) = provider(name, &tuning) else {
        let near =
            suggest(name, PROVIDERS).map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default();
        return Err(refuse(format!("there is no such provider{near}; known: {}", PROVIDERS.join(", "))));
    };
    match available {
        Ok(true) => {}
        Ok(false) => {
            return Err(refuse(format!("this ONNX Runtime ({}) was built without it", library.display())));
        }
        Err(error) => return Err(refuse(first_line(&error))),
    }
    let there = |error: &ort::Error| refuse(format!("{} ({})", first_line(error), library.display()));
    dispatch.register(&mut builder).map_err(|error| there(&error))?;
    // What TensorRT does not take runs on CUDA then, and not on the CPU.
    if name == "tensorrt" && ep::CUDA::is_available().unwrap_or(false) {
        ep::CUDA::default().build().register(&mut builder).map_err(|error| there(&error))?;
    }
    Ok(builder)
}
