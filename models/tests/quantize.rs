//! The quantizer on real networks and few photos: it finds an int8 network that holds, and the gate closes on one that
//! does not. (`peregrine model quantize` on all photos is measured in docs/models.md.)
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests; clippy sees only #[test] functions as such

mod common;

use std::path::PathBuf;

use common::{ort_library, shared};
use peregrine_models::eval::{Dataset, TrueBox};
use peregrine_models::quantize::{Method, Options, Validation, quantize};
use peregrine_models::{BackendChoice, COCO_80, Detector, LoadOptions, ModelSource, Trust};

struct Setup {
    model: ModelSource,
    sets: Validation,
    options: Options,
}

/// A network of the shared data, some photos of COCO val, and as many others to calibrate with.
fn setup(test: &str, model: &str, photos: usize) -> Option<Setup> {
    let model = shared(test, model)?;
    let (train, val) = (shared(test, "images/coco/train")?, shared(test, "images/coco/val")?);
    let library = ort_library(test)?;
    let labels: Vec<&str> = COCO_80.lines().collect();
    let options = Options {
        calibration: Dataset::photos(&train).unwrap(),
        calibration_photos: photos,
        sensitivity_photos: 1,
        search_photos: photos,
        ort_library: Some(library),
        ..Options::default()
    };
    let val = Dataset::read(&val, &labels).unwrap().thinned(2 * photos);
    Some(Setup { model: ModelSource::Path(model), sets: Validation::split(&val).unwrap(), options })
}

/// FastestDet: depthwise convolutions, shuffles, three heads, operator set 11.
#[test]
fn a_network_is_found_that_holds() {
    let Some(setup) = setup("a_network_is_found_that_holds", "models/fastestdet_352.onnx", 12) else {
        return;
    };
    let options = Options { max_drop: 0.03, ..setup.options };
    let outcome = quantize(&setup.model, &setup.sets, &options, &mut |_| ()).unwrap();
    outcome.judge().unwrap();
    assert!(outcome.after.bytes < outcome.before.bytes * 6 / 10, "{} bytes", outcome.after.bytes);
    assert!(outcome.kept.len() <= outcome.layers / 2 + 3, "{:?}", outcome.kept);
    let twins = outcome.agreement;
    // Both networks see mostly the same, and never quite: a perfect agreement would mean that one was held against itself.
    assert!(twins.share > 0.6 && twins.boxes > 20, "{twins:?}");
    assert!(twins.iou < 1.0 && twins.score_gap > 0.0, "{twins:?}");
    assert_eq!(outcome.photos, setup.sets.held_out.items.len());
    assert_eq!(outcome.sensitivity.len(), outcome.layers);
    assert!(outcome.manifest.name.ends_with("_int8"));
    let text = outcome.manifest.to_toml().unwrap();
    let again = peregrine_models::Manifest::parse(&text, "again.toml").unwrap();
    assert_eq!(again, outcome.manifest);
    // How far the loss is to be believed: it lies about what was measured, and twelve photos are said to be few.
    let interval = outcome.interval.unwrap();
    assert!(
        interval.low <= outcome.drop() && outcome.drop() <= interval.high,
        "{interval:?} {}",
        outcome.drop()
    );
    assert_eq!(interval.truths, setup.sets.truths());
    assert!(outcome.doubt().unwrap().contains("mostly chance") && (1..=3).contains(&outcome.judged));
    // Better than fp32 is more than anybody can ask for.
    let strict = peregrine_models::quantize::Outcome { max_drop: -1.0, ..outcome };
    assert_eq!(strict.judge().unwrap_err().code(), "PG-0481");
}

/// The photos that choose find nothing wrong with any candidate, for they show nothing; those held out do.
#[test]
fn the_verdict_is_that_of_the_photos_held_out() {
    let test = "the_verdict_is_that_of_the_photos_held_out";
    let Some(setup) = setup(test, "models/fastestdet_352.onnx", 2) else { return };
    let Some(library) = ort_library(test) else { return };
    let mut sets = setup.sets;
    sets.search.items.iter_mut().for_each(|item| item.boxes.clear());
    // What the fp32 network finds is the truth, so that it scores as well as can be, and every int8 one worse.
    let load = LoadOptions {
        backend: BackendChoice::Ort,
        ort_library: Some(library),
        score_threshold: Some(0.3),
        trust: Trust::AllowUnsigned,
        ..LoadOptions::new(setup.model.clone())
    };
    let mut fp32 = Detector::load(&load).unwrap();
    for item in &mut sets.held_out.items {
        let (photo, _) = Dataset::open(item).unwrap();
        let found = fp32.detect(&photo.view()).unwrap().iter().map(|d| TrueBox {
            class: d.label_index,
            bbox: [d.x, d.y, d.width, d.height].map(f64::from),
            relative: false,
            area: None,
            crowd: false,
        });
        item.boxes = found.collect();
    }
    assert!(sets.held_out.items.iter().any(|item| !item.boxes.is_empty()));
    let options = Options { max_drop: 1e-6, method: Some(Method::MinMax), ..setup.options };
    let outcome = quantize(&setup.model, &sets, &options, &mut |_| ()).unwrap();
    assert!(outcome.candidates.iter().all(|c| c.ap == 0.0), "{:?}", outcome.candidates);
    assert!(outcome.before.ap() > 0.99, "{}", outcome.before.ap());
    assert_eq!(
        outcome.judge().unwrap_err().code(),
        "PG-0481",
        "{} {}",
        outcome.before.ap(),
        outcome.after.ap()
    );
    // A photo that calibrated cannot judge.
    let options = Options { calibration: vec![sets.held_out.items[0].path.clone()], ..options };
    let error = quantize(&setup.model, &sets, &options, &mut |_| ()).unwrap_err();
    assert!(error.code() == "PG-0470" && error.to_string().contains("held out"), "{error}");
}

#[test]
fn what_is_quantized_already_is_refused() {
    let test = "what_is_quantized_already_is_refused";
    let Some(setup) = setup(test, "models/nanodet_g_416.int8.onnx", 2) else { return };
    let options = Options { method: Some(Method::MinMax), ..setup.options };
    let error = quantize(&setup.model, &setup.sets, &options, &mut |_| ()).unwrap_err();
    assert_eq!(error.code(), "PG-0480", "{error}");
    let none = Options { calibration: Vec::<PathBuf>::new(), ..options };
    let source = shared(test, "models/fastestdet_352.onnx").unwrap();
    let error = quantize(&ModelSource::Path(source), &setup.sets, &none, &mut |_| ()).unwrap_err();
    assert!(error.to_string().contains("no photos to calibrate"), "{error}");
}
