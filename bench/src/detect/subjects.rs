//! What is measured.

use std::error::Error;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Instant;

use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::Tensor;
use peregrine_models::backend::ort_environment;
use peregrine_models::{
    BackendChoice, BackendName, Detector, ImageRef, LoadOptions, Model, ModelSource, PixelFormat,
};

use peregrine_core::prelude::Encoding;

use super::frames::{self, HEIGHT, WIDTH};
use super::{Options, node, now, opencv};

/// Nanoseconds: the whole (0: whoever calls takes the time), and the three stages.
type Times = [u64; 4];

/// One thing to time.
pub(super) struct Subject {
    pub name: &'static str,
    /// Whether the stages are known.
    pub staged: bool,
    pub call: Box<dyn FnMut() -> Result<Times, Box<dyn Error>>>,
}

/// All subjects this machine can run, and a line about each engine.
pub(super) fn all(options: &Options) -> Result<(Vec<Subject>, Vec<String>), Box<dyn Error>> {
    let (mut subjects, mut report) = (Vec::new(), Vec::new());
    match ort_environment(options.ort_library.as_deref()) {
        Ok((environment, _)) => {
            let model = Model::read(&ModelSource::parse(&options.model), BackendName::Ort)?;
            subjects.push(bare("bare_ort", &environment, &model, options.threads)?);
            subjects.push(bare_woken("bare_ort_woken", &environment, &model, options.threads)?);
            let backend = BackendChoice::Ort;
            subjects.push(detector(
                "detector_rgb",
                &options.model,
                backend,
                PixelFormat::Rgb8,
                options,
                &mut report,
            )?);
            subjects.push(detector(
                "detector_nv12",
                &options.model,
                backend,
                PixelFormat::Nv12,
                options,
                &mut report,
            )?);
            subjects.push(node::subject("node", Encoding::Rgb8, false, options)?);
            subjects.push(node::subject("node_nv12", Encoding::Nv12, false, options)?);
            subjects.push(node::subject("node_one_lane", Encoding::Rgb8, true, options)?);
            if options.model == "nanodet_g" {
                // The same weights stored as int8 and computed in fp32.
                let fp32 = Model::read(&ModelSource::parse("nanodet_g_416_w8"), BackendName::Ort)?;
                subjects.push(bare("bare_ort_fp32", &environment, &fp32, options.threads)?);
            }
        }
        // Named or broken libraries are errors; none at all leaves tract to be measured.
        Err(error @ peregrine_models::Error::LibraryMissing { .. }) if options.ort_library.is_none() => {
            report.push(format!("not measured: ONNX Runtime: {error}"));
        }
        Err(error) => return Err(error.into()),
    }
    for (name, format) in [("opencv_rgb", "rgb"), ("opencv_nv12", "nv12")] {
        match opencv::python(options.python.as_deref()) {
            Some(python) => {
                let (subject, version) = opencv::subject(name, &python, format)?;
                subjects.push(subject);
                report.push(format!("{name}: {version}, pre-processing alone, 1 thread"));
            }
            None => report.push(format!(
                "not measured: {name}: `cargo xtask bench-python` installs OpenCV, or name an \
                                         interpreter that has cv2 with --python"
            )),
        }
    }
    let tract = BackendChoice::Tract;
    subjects.push(detector("tract_rgb", &options.model, tract, PixelFormat::Rgb8, options, &mut report)?);
    if options.model == "nanodet_g" {
        let larger = "nanodet_g_416_w8";
        subjects.push(detector("tract_rgb_416", larger, tract, PixelFormat::Rgb8, options, &mut report)?);
    }
    Ok((subjects, report))
}

fn detector(
    name: &'static str,
    model: &str,
    backend: BackendChoice,
    pixel: PixelFormat,
    options: &Options,
    report: &mut Vec<String>,
) -> Result<Subject, Box<dyn Error>> {
    let load = LoadOptions {
        backend,
        threads: options.threads,
        ort_library: options.ort_library.clone().filter(|_| backend == BackendChoice::Ort),
        ..LoadOptions::new(model)
    };
    let mut detector = Detector::load(&load)?;
    report.push(format!("{name}: {}", detector.backend_report()));
    let data = if pixel == PixelFormat::Nv12 { frames::nv12() } else { frames::rgb() };
    let origin = Instant::now();
    let call = Box::new(move || -> Result<Times, Box<dyn Error>> {
        let image = ImageRef::packed(&data, WIDTH, HEIGHT, pixel);
        let (found, times) = detector.detect_timed(&image, &mut || now(&origin))?;
        std::hint::black_box(found);
        Ok([0, times.preprocess_ns, times.inference_ns, times.postprocess_ns])
    });
    Ok(Subject { name, staged: true, call })
}

/// The library alone, called in a loop.
fn bare(
    name: &'static str,
    environment: &ort::environment::Environment,
    model: &Model,
    threads: usize,
) -> Result<Subject, Box<dyn Error>> {
    let mut run = session(environment, model, threads)?;
    let call = Box::new(move || -> Result<Times, Box<dyn Error>> {
        run()?;
        Ok([0; 4])
    });
    Ok(Subject { name, staged: false, call })
}

/// The library alone as a robot calls it: another thread writes a frame, a channel wakes the one that infers, and a
/// second channel tells that it is done. The frame is not looked at.
fn bare_woken(
    name: &'static str,
    environment: &ort::environment::Environment,
    model: &Model,
    threads: usize,
) -> Result<Subject, Box<dyn Error>> {
    let mut run = session(environment, model, threads)?;
    let (frame, frames) = channel::<(Arc<Vec<u8>>, Instant)>();
    let (done, finished) = channel();
    std::thread::spawn(move || {
        for (pixels, sent) in frames {
            let outcome = run().map(|()| now(&sent)).map_err(|error| error.to_string());
            std::hint::black_box(pixels);
            if done.send(outcome).is_err() {
                return;
            }
        }
    });
    let source = frames::rgb();
    let mut slots = [0; 3].map(|_| Arc::new(source.clone()));
    let mut next = 0;
    let call = Box::new(move || -> Result<Times, Box<dyn Error>> {
        let slot = &mut slots[next % 3];
        next += 1;
        Arc::get_mut(slot).ok_or("the frame before is still held")?.copy_from_slice(&source);
        frame.send((Arc::clone(slot), Instant::now()))?;
        Ok([finished.recv()??, 0, 0, 0])
    });
    Ok(Subject { name, staged: false, call })
}

/// One session with the same settings as the detector's, its input ready in memory.
fn session(
    environment: &ort::environment::Environment,
    model: &Model,
    threads: usize,
) -> Result<impl FnMut() -> ort::Result<()> + Send + use<>, Box<dyn Error>> {
    let plain = |error: ort::Error<_>| -> Box<dyn Error> { error.to_string().into() };
    let mut session = Session::builder(environment)?
        .with_optimization_level(GraphOptimizationLevel::All)
        .map_err(plain)?
        .with_intra_threads(threads)
        .map_err(plain)?
        .with_quant_qdq(!model.stored_int8)
        .map_err(plain)?
        .commit_from_memory(&model.weights)?;
    let input = &model.manifest.input;
    let pixels: Vec<f32> =
        (0..model.manifest.input_len()).map(|i| (i * 7919 % 997) as f32 / 249.0 - 2.0).collect();
    let tensor = Tensor::from_array(([1, 3, input.height, input.width], pixels))?;
    let input_name = input.name.clone();
    Ok(move || -> ort::Result<()> {
        let outputs = session.run(ort::inputs![input_name.as_str() => &tensor])?;
        std::hint::black_box(&outputs);
        Ok(())
    })
}
