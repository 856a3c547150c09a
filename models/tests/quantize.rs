//! The quantizer on real networks and few photos: it finds an int8 network that holds, and the gate closes on one that
//! does not. (`peregrine model quantize` on all photos is measured in docs/models.md.)
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests; clippy sees only #[test] functions as such

mod common;

use std::path::PathBuf;

use common::{ort_library, shared};
use peregrine_models::eval::Dataset;
use peregrine_models::quantize::{Method, Options, quantize};
use peregrine_models::{COCO_80, ModelSource};

struct Setup {
    model: ModelSource,
    val: Dataset,
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
    let val = Dataset::read(&val, &labels).unwrap().thinned(photos);
    Some(Setup { model: ModelSource::Path(model), val, options })
}

/// FastestDet: depthwise convolutions, shuffles, three heads, operator set 11.
#[test]
fn a_network_is_found_that_holds() {
    let Some(setup) = setup("a_network_is_found_that_holds", "models/fastestdet_352.onnx", 12) else {
        return;
    };
    let options = Options { max_drop: 0.03, ..setup.options };
    let outcome = quantize(&setup.model, &setup.val, &options, &mut |_| ()).unwrap();
    outcome.judge().unwrap();
    assert!(outcome.after.bytes < outcome.before.bytes * 6 / 10, "{} bytes", outcome.after.bytes);
    assert!(outcome.kept.len() <= outcome.layers / 2 + 3, "{:?}", outcome.kept);
    assert!(outcome.agreement > 0.6, "{}", outcome.agreement);
    assert_eq!(outcome.sensitivity.len(), outcome.layers);
    assert!(outcome.manifest.name.ends_with("_int8"));
    let text = outcome.manifest.to_toml().unwrap();
    let again = peregrine_models::Manifest::parse(&text, "again.toml").unwrap();
    assert_eq!(again, outcome.manifest);
    // Better than fp32 is more than anybody can ask for.
    let strict = peregrine_models::quantize::Outcome { max_drop: -1.0, ..outcome };
    assert_eq!(strict.judge().unwrap_err().code(), "PG-0481");
}

#[test]
fn what_is_quantized_already_is_refused() {
    let test = "what_is_quantized_already_is_refused";
    let Some(setup) = setup(test, "models/nanodet_g_416.int8.onnx", 2) else { return };
    let options = Options { method: Some(Method::MinMax), ..setup.options };
    let error = quantize(&setup.model, &setup.val, &options, &mut |_| ()).unwrap_err();
    assert_eq!(error.code(), "PG-0480", "{error}");
    let none = Options { calibration: Vec::<PathBuf>::new(), ..options };
    let source = shared(test, "models/fastestdet_352.onnx").unwrap();
    let error = quantize(&ModelSource::Path(source), &setup.val, &none, &mut |_| ()).unwrap_err();
    assert!(error.to_string().contains("no photos to calibrate"), "{error}");
}
