//! Accuracy on real photos: the Rust way from JPEG to boxes must score as the independent Python one does.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests; clippy sees only #[test] functions as such

mod common;

use std::path::Path;

use common::{golden, ort_library, shared};
use peregrine_models::eval::{Dataset, Photo, SCORE_THRESHOLD, evaluate, iou};
use peregrine_models::{BackendChoice, COCO_80, Detection, Detector, LoadOptions, Trust};

const TOLERANCE: f64 = 0.01;

fn read(folder: &Path) -> Dataset {
    Dataset::read(folder, &COCO_80.lines().collect::<Vec<_>>()).unwrap()
}

fn bbox(d: &Detection) -> [f64; 4] {
    [d.x, d.y, d.width, d.height].map(f64::from)
}

/// A model, the backend it runs on and the reference it must match.
fn accuracy(test: &str, model: &str, backend: BackendChoice, reference: &str) {
    let Some(folder) = shared(test, "images/coco/val") else { return };
    let model = match model.strip_prefix("shared:") {
        Some(path) => match shared(test, path) {
            Some(path) => path.display().to_string(),
            None => return,
        },
        None => model.to_owned(),
    };
    let ort = match backend {
        BackendChoice::Tract => None,
        _ => match ort_library(test) {
            Some(library) => Some(library),
            None => return,
        },
    };
    let set = read(&folder);
    let options = LoadOptions {
        backend,
        score_threshold: Some(SCORE_THRESHOLD),
        ort_library: ort,
        trust: Trust::AllowUnsigned,
        ..LoadOptions::new(model.as_str())
    };
    let mut detector = Detector::load(&options).unwrap();
    let scores = evaluate(&mut detector, &set, &mut |_, _| ()).unwrap().scores;
    let (found_ap, found_ap50) = (scores.ap.unwrap(), scores.ap50.unwrap());
    let golden = golden("coco_val64.json");
    assert_eq!(
        golden["photos"].as_u64().unwrap() as usize,
        set.items.len(),
        "the reference saw other photos"
    );
    let expected = &golden["models"][reference];
    let (ap, ap50) = (expected["ap"].as_f64().unwrap(), expected["ap50"].as_f64().unwrap());
    println!(
        "{reference} on {}: AP {found_ap:.4} AP50 {found_ap50:.4}; reference {ap:.4} {ap50:.4}",
        detector.backend_report(),
    );
    assert!((found_ap50 - ap50).abs() <= TOLERANCE, "AP50 {found_ap50} is not {ap50}");
    assert!((found_ap - ap).abs() <= TOLERANCE, "AP {found_ap} is not {ap}");
}

#[test]
fn nanodet_g_int8_on_ort() {
    accuracy("nanodet_g_int8_on_ort", "nanodet_g", BackendChoice::Ort, "nanodet_g_int8");
}

#[test]
fn nanodet_g_fp32_on_ort() {
    accuracy(
        "nanodet_g_fp32_on_ort",
        "shared:models/nanodet_g_416.fp32.onnx",
        BackendChoice::Ort,
        "nanodet_g_fp32",
    );
}

#[test]
fn yolox_nano_on_ort() {
    accuracy("yolox_nano_on_ort", "shared:models/yolox_nano_416.onnx", BackendChoice::Ort, "yolox_nano");
}

#[test]
fn fastestdet_on_ort() {
    accuracy("fastestdet_on_ort", "shared:models/fastestdet_352.onnx", BackendChoice::Ort, "fastestdet");
}

#[test]
fn nanodet_g_on_tract() {
    accuracy("nanodet_g_on_tract", "nanodet_g", BackendChoice::Tract, "nanodet_g_w8_320");
}

/// The same fp32 network gives the same boxes on both engines.
#[test]
fn both_backends_give_the_same_boxes() {
    let test = "both_backends_give_the_same_boxes";
    let Some(folder) = shared(test, "images/coco/val") else { return };
    let Some(library) = ort_library(test) else { return };
    let set = read(&folder);
    for (model, photos) in [("shared:models/yolox_nano_416.onnx", 16), ("nanodet_g_320_w8", 16)] {
        let model = match model.strip_prefix("shared:") {
            Some(path) => match shared(test, path) {
                Some(path) => path.display().to_string(),
                None => continue,
            },
            None => model.to_owned(),
        };
        let load = |backend, ort_library| {
            let options = LoadOptions {
                backend,
                ort_library,
                trust: Trust::AllowUnsigned,
                ..LoadOptions::new(model.as_str())
            };
            Detector::load(&options).unwrap()
        };
        let mut ort = load(BackendChoice::Ort, Some(library.clone()));
        let mut tract = load(BackendChoice::Tract, None);
        let mut boxes = 0;
        for item in &set.thinned(photos).items {
            let photo = Photo::read(&item.path).unwrap();
            let a = ort.detect(&photo.view()).unwrap();
            let b = tract.detect(&photo.view()).unwrap();
            // A box that scores just at the threshold may be on one side only.
            let sure = |d: &&Detection| d.score > 0.35 + 0.02;
            for (one, other) in [(a, b), (b, a)] {
                for d in one.iter().filter(sure) {
                    let twin = other.iter().find(|o| {
                        o.label_index == d.label_index
                            && (o.score - d.score).abs() <= 0.02
                            && iou(&bbox(o), &bbox(d)) >= 0.95
                    });
                    assert!(twin.is_some(), "{model}: {d:?} has no twin among {other:?}");
                    boxes += 1;
                }
            }
        }
        assert!(boxes > 40, "{model}: only {boxes} boxes were compared");
    }
}
