//! Engines built on a thread of their own while another one answers.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests; clippy sees only #[test] functions as such

mod common;

use std::time::{Duration, Instant};

use common::ort_library;
use peregrine_models::backend::{EngineCache, EngineKey, Precision};
use peregrine_models::{BackendChoice, Building, Detector, Error, ImageRef, LoadOptions, PixelFormat};

/// Answers images until the build is over; gives how many, and what came of it.
fn answer_until(old: &mut Detector, mut building: Building) -> (usize, Result<Detector, Error>) {
    let grey = vec![127; 64 * 48 * 3];
    let image = ImageRef::packed(&grey, 64, 48, PixelFormat::Rgb8);
    let (mut count, began) = (0, Instant::now());
    loop {
        old.detect(&image).unwrap();
        count += 1;
        let progress = building.progress();
        assert!(
            progress.before.is_none() && progress.to_string().starts_with("building an engine for"),
            "{progress}"
        );
        assert_eq!(progress.expected.is_some(), progress.share().is_some());
        if let Some(answer) = building.poll() {
            assert!(building.poll().is_none(), "it is said once");
            return (count, answer);
        }
        assert!(began.elapsed() < Duration::from_secs(60), "nothing came of it");
    }
}

fn tract() -> Detector {
    Detector::load(&LoadOptions { backend: BackendChoice::Tract, ..LoadOptions::default() }).unwrap()
}

#[test]
fn the_old_engine_answers_until_the_new_one_is_there() {
    let Some(library) = ort_library("the_old_engine_answers_until_the_new_one_is_there") else { return };
    let options =
        LoadOptions { backend: BackendChoice::Ort, ort_library: Some(library), ..LoadOptions::default() };
    let (count, answer) = answer_until(&mut tract(), Building::start(options).unwrap());
    assert!(count > 0 && answer.unwrap().backend_report().contains("ONNX Runtime"));
}

/// As far as the provider's own refusal: no GPU is asked for.
#[test]
fn tensorrt_is_refused_by_a_library_without_it_and_leaves_nothing_behind() {
    let test = "tensorrt_is_refused_by_a_library_without_it_and_leaves_nothing_behind";
    let Some(library) = ort_library(test) else { return };
    if peregrine_models::backend::available_providers(Some(&library)).contains(&"tensorrt") {
        println!("SKIP {test}: hardware: this ONNX Runtime has TensorRT");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let options = LoadOptions {
        provider: "tensorrt".into(),
        precision: Precision::Half,
        engine_cache: Some(EngineCache::at(&folder.path().join("engines"))),
        ort_library: Some(library),
        ..LoadOptions::default()
    };
    let (_, answer) = answer_until(&mut tract(), Building::start(options).unwrap());
    let error = answer.unwrap_err();
    assert_eq!(error.code(), "PG-0424", "{error}");
    assert!(error.to_string().contains("tensorrt"), "{error}");
    assert!(!folder.path().join("engines").exists());
}

/// What another engine of the provider took is what is said of this one, until the provider refuses.
#[test]
fn a_build_says_how_far_it_has_come() {
    let test = "a_build_says_how_far_it_has_come";
    let Some(library) = ort_library(test) else { return };
    if peregrine_models::backend::available_providers(Some(&library)).contains(&"tensorrt") {
        println!("SKIP {test}: hardware: this ONNX Runtime has TensorRT");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let cache = EngineCache::at(folder.path());
    let before = EngineKey {
        model: "ab".repeat(32),
        provider: "tensorrt".into(),
        runtime: "1.18.0".into(),
        precision: Precision::Native,
        batches: vec![1],
    };
    cache.note(&before, Duration::from_secs(200)).unwrap();
    let options = LoadOptions {
        provider: "tensorrt".into(),
        engine_cache: Some(cache),
        ort_library: Some(library),
        ..LoadOptions::default()
    };
    let building = Building::start(options).unwrap();
    let progress = building.progress();
    assert_eq!(progress.expected, Some(Duration::from_secs(200)));
    assert!(progress.to_string().contains("% of the 200 s"), "{progress}");
    assert_eq!(answer_until(&mut tract(), building).1.unwrap_err().code(), "PG-0424");
}

#[test]
fn half_precision_is_asked_of_tensorrt_alone() {
    let options = LoadOptions { precision: Precision::Half, ..LoadOptions::default() };
    assert_eq!(Detector::load(&options).unwrap_err().code(), "PG-0412");
    assert_eq!("half".parse::<Precision>().unwrap(), Precision::Half);
    assert_eq!("fp16".parse::<Precision>().unwrap_err().code(), "PG-0412");
}
