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
use super::{Backend, Engine};
use crate::error::suggest;
use crate::manifest::Element;
use crate::model::Model;
use crate::onnx::first_line;
use crate::preprocess::InputMut;
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
    let candidates = library.map_or_else(|| places.candidates(), |path| vec![path.to_owned()]);
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

/// A session with its input and outputs bound to buffers we keep.
pub(super) struct OrtBackend {
    session: Session,
    binding: IoBinding,
    input: BoundInput,
    input_name: String,
    outputs: Vec<Tensor<f32>>,
    /// On other devices the input is copied when it is bound, so it must be bound before each run.
    rebind: bool,
    model: String,
    about: String,
}

enum BoundInput {
    F32(Tensor<f32>),
    U8(Tensor<u8>),
}

impl OrtBackend {
    pub(super) fn load(model: &Model, engine: &Engine<'_>) -> Result<Self> {
        let (environment, path) = environment(engine.library)?;
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
        let session = |strict: bool| -> Result<Session> {
            let mut builder = base_builder(&environment, engine.threads, model.stored_int8)
                .map_err(|error| fail(&error))?;
            if !on_cpu {
                builder = with_provider(builder, engine.provider)?;
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
        let shape = manifest.input_shape();
        let input = match manifest.input.element {
            Element::F32 => BoundInput::F32(
                Tensor::from_array((shape, vec![0f32; manifest.input_len()])).map_err(|e| fail(&e))?,
            ),
            Element::U8 => BoundInput::U8(
                Tensor::from_array((shape, vec![0u8; manifest.input_len()])).map_err(|e| fail(&e))?,
            ),
        };
        let mut binding = session.create_binding().map_err(|error| fail(&error))?;
        input.bind(&mut binding, &manifest.input.name).map_err(|error| fail(&error))?;
        let mut outputs = Vec::new();
        let shapes = crate::decode::expected_shapes(manifest, model.labels.len());
        for (name, shape) in manifest.decoder.outputs.iter().zip(shapes) {
            let allocator = ort::memory::Allocator::default();
            let mut tensor = Tensor::<f32>::new(&allocator, shape).map_err(|error| fail(&error))?;
            binding.bind_output(name.as_str(), &mut tensor).map_err(|error| fail(&error))?;
            outputs.push(tensor);
        }
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
        Ok(Self { session, binding, input, input_name, outputs, rebind: !on_cpu, model, about })
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

impl BoundInput {
    fn bind(&self, binding: &mut IoBinding, name: &str) -> ort::Result<()> {
        match self {
            Self::F32(tensor) => binding.bind_input(name, tensor),
            Self::U8(tensor) => binding.bind_input(name, tensor),
        }
    }
}

impl Backend for OrtBackend {
    fn input(&mut self) -> Result<InputMut<'_>> {
        Ok(match &mut self.input {
            BoundInput::F32(tensor) => InputMut::F32(tensor.extract_tensor_mut().1),
            BoundInput::U8(tensor) => InputMut::U8(tensor.extract_tensor_mut().1),
        })
    }

    fn run(&mut self) -> Result<()> {
        if self.rebind {
            self.input.bind(&mut self.binding, &self.input_name).map_err(|error| self.fail(&error))?;
        }
        let result = self.session.run_binding(&self.binding).map(|_| ());
        result.map_err(|error| self.fail(&error))
    }

    fn outputs(&self, read: &mut dyn FnMut(&[&[f32]])) -> Result<()> {
        // The heads known have at most ten outputs; more would be read by none of them.
        let mut views: [&[f32]; 16] = [&[]; 16];
        let count = self.outputs.len().min(views.len());
        for (view, tensor) in views.iter_mut().zip(&self.outputs) {
            *view = tensor.extract_tensor().1;
        }
        read(&views[..count]);
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

/// Whether the loaded library was built with a provider, and how to ask a session for it. `None`: no such provider.
fn provider(name: &str) -> Option<(ExecutionProviderDispatch, ort::Result<bool>)> {
    Some(match name {
        "cpu" => (ep::CPU::default().build(), Ok(true)),
        "cuda" => (ep::CUDA::default().build(), ep::CUDA::is_available()),
        "tensorrt" => (ep::TensorRT::default().build(), ep::TensorRT::is_available()),
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
        .filter(|name| provider(name).is_some_and(|(_, there)| there.unwrap_or(false)))
        .collect()
}

fn with_provider(mut builder: SessionBuilder, name: &str) -> Result<SessionBuilder> {
    let refuse = |detail: String| Error::Provider { provider: name.to_owned(), detail };
    let Some((dispatch, available)) = provider(name) else {
        let near =
            suggest(name, PROVIDERS).map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default();
        return Err(refuse(format!("there is no such provider{near}; known: {}", PROVIDERS.join(", "))));
    };
    match available {
        Ok(true) => {}
        Ok(false) => return Err(refuse("this ONNX Runtime was built without it".to_owned())),
        Err(error) => return Err(refuse(first_line(&error))),
    }
    dispatch.register(&mut builder).map_err(|error| refuse(first_line(&error)))?;
    Ok(builder)
}
