//! Accuracy on real photos: the Rust way from JPEG to boxes must score as the independent Python one does.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests; clippy sees only #[test] functions as such

mod common;
#[path = "common/scorer.rs"]
mod scorer;

use std::path::Path;

use common::{Photo, golden, ort_library, shared};
use peregrine_models::{BackendChoice, Detection, Detector, LoadOptions};
use scorer::{Found, Truth, Verdict, iou, score};

/// The settings of the reference: tests/reference/coco_ap.py.
const SCORE_THRESHOLD: f32 = 0.01;
const TOLERANCE: f64 = 0.01;

struct Photos {
    photos: Vec<Photo>,
    truths: Vec<Truth>,
}

fn read_photos(folder: &Path) -> Photos {
    let mut paths: Vec<_> =
        std::fs::read_dir(folder.join("images")).unwrap().map(|e| e.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "jpg"));
    paths.sort();
    let (mut photos, mut truths) = (Vec::new(), Vec::new());
    for (image, path) in paths.iter().enumerate() {
        let photo = Photo::read(path);
        let labels = folder.join("labels").join(path.file_stem().unwrap()).with_extension("txt");
        for line in std::fs::read_to_string(labels).unwrap_or_default().lines() {
            let numbers: Vec<f64> = line.split_whitespace().map(|n| n.parse().unwrap()).collect();
            let [class, cx, cy, w, h] = numbers[..5] else { continue };
            let (w, h) = (w * photo.width as f64, h * photo.height as f64);
            let (x, y) = (cx * photo.width as f64 - w / 2.0, cy * photo.height as f64 - h / 2.0);
            truths.push(Truth { image, class: class as usize, bbox: [x, y, w, h] });
        }
        photos.push(photo);
    }
    Photos { photos, truths }
}

fn bbox(d: &Detection) -> [f64; 4] {
    [d.x, d.y, d.width, d.height].map(f64::from)
}

fn evaluate(set: &Photos, detector: &mut Detector) -> Verdict {
    let mut found = Vec::new();
    for (image, photo) in set.photos.iter().enumerate() {
        found.extend(detector.detect(&photo.view()).unwrap().iter().map(|d| Found {
            image,
            class: d.label_index,
            score: f64::from(d.score),
            bbox: bbox(d),
        }));
    }
    score(set.photos.len(), detector.labels().len(), &set.truths, &found)
}

#[test]
fn scorer_agrees_with_pycocotools() {
    let golden = golden("scorer.json");
    let row = |value: &serde_json::Value| -> Vec<f64> {
        value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
    };
    let truths: Vec<Truth> = golden["truth"]
        .as_array()
        .unwrap()
        .iter()
        .map(row)
        .map(|t| Truth { image: t[0] as usize, class: t[1] as usize, bbox: [t[2], t[3], t[4], t[5]] })
        .collect();
    let found: Vec<Found> = golden["detections"]
        .as_array()
        .unwrap()
        .iter()
        .map(row)
        .map(|f| Found {
            image: f[0] as usize,
            class: f[1] as usize,
            score: f[2],
            bbox: [f[3], f[4], f[5], f[6]],
        })
        .collect();
    let verdict = score(golden["images"].as_u64().unwrap() as usize, 6, &truths, &found);
    let (ap, ap50) = (golden["ap"].as_f64().unwrap(), golden["ap50"].as_f64().unwrap());
    println!("Rust AP {:.6} AP50 {:.6}; pycocotools {ap:.6} {ap50:.6}", verdict.ap, verdict.ap50);
    assert!((verdict.ap - ap).abs() < 1e-4 && (verdict.ap50 - ap50).abs() < 1e-4);
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
    let set = read_photos(&folder);
    let options = LoadOptions {
        backend,
        score_threshold: Some(SCORE_THRESHOLD),
        ort_library: ort,
        ..LoadOptions::new(model.as_str())
    };
    let mut detector = Detector::load(&options).unwrap();
    let verdict = evaluate(&set, &mut detector);
    let golden = golden("coco_val64.json");
    assert_eq!(
        golden["photos"].as_u64().unwrap() as usize,
        set.photos.len(),
        "the reference saw other photos"
    );
    let expected = &golden["models"][reference];
    let (ap, ap50) = (expected["ap"].as_f64().unwrap(), expected["ap50"].as_f64().unwrap());
    println!(
        "{reference} on {}: AP {:.4} AP50 {:.4}; reference {ap:.4} {ap50:.4}",
        detector.backend_report(),
        verdict.ap,
        verdict.ap50
    );
    assert!((verdict.ap50 - ap50).abs() <= TOLERANCE, "AP50 {} is not {ap50}", verdict.ap50);
    assert!((verdict.ap - ap).abs() <= TOLERANCE, "AP {} is not {ap}", verdict.ap);
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
    let set = read_photos(&folder);
    for (model, photos) in [("shared:models/yolox_nano_416.onnx", 16), ("nanodet_g_320_w8", 16)] {
        let model = match model.strip_prefix("shared:") {
            Some(path) => match shared(test, path) {
                Some(path) => path.display().to_string(),
                None => continue,
            },
            None => model.to_owned(),
        };
        let load = |backend, ort_library| {
            let options = LoadOptions { backend, ort_library, ..LoadOptions::new(model.as_str()) };
            Detector::load(&options).unwrap()
        };
        let mut ort = load(BackendChoice::Ort, Some(library.clone()));
        let mut tract = load(BackendChoice::Tract, None);
        let mut boxes = 0;
        for photo in &set.photos[..photos.min(set.photos.len())] {
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
