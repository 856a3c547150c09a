//! Several images through one inference: each is answered as if it were alone, on every engine, whatever its size and format.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests; clippy sees only #[test] functions as such

mod common;

use std::path::{Path, PathBuf};

use common::network::{bright_model, overflowing_network, write_model};
use common::ort_library;
use peregrine_models::eval::Photo;
use peregrine_models::explain::explain;
use peregrine_models::{
    BackendChoice, BatchDetector, Detection, Detector, ImageRef, LoadOptions, PixelFormat, Trust,
};

const SIDE: usize = 64;

fn options(path: &Path, engine: &(BackendChoice, Option<PathBuf>)) -> LoadOptions {
    LoadOptions {
        backend: engine.0,
        ort_library: engine.1.clone(),
        trust: Trust::AllowUnsigned,
        ..LoadOptions::new(peregrine_models::ModelSource::Path(path.to_owned()))
    }
}

fn engines(test: &str) -> Vec<(BackendChoice, Option<PathBuf>)> {
    let mut all = vec![(BackendChoice::Tract, None)];
    all.extend(ort_library(test).map(|library| (BackendChoice::Ort, Some(library))));
    all
}

fn near(a: &[Detection], b: &[Detection], what: &str) {
    assert_eq!(a.len(), b.len(), "{what}");
    for (a, b) in a.iter().zip(b) {
        let numbers = |d: &Detection| [d.score, d.x, d.y, d.width, d.height];
        assert_eq!(a.label, b.label);
        for (x, y) in numbers(a).into_iter().zip(numbers(b)) {
            assert!((x - y).abs() < 1e-3, "{what}: {a:?} {b:?}");
        }
    }
}

#[test]
fn each_image_is_answered_as_if_it_were_alone() {
    for engine in engines("each_image_is_answered_as_if_it_were_alone") {
        for (first, max_batch) in [(None, 3), (Some(3), 3)] {
            let folder = tempfile::tempdir().unwrap();
            let path = bright_model(folder.path(), SIDE, first, max_batch);
            let mut alone = Detector::load(&options(&path, &engine)).unwrap();
            let mut together = BatchDetector::load(&options(&path, &engine), 9).unwrap();
            assert_eq!(together.capacity(), 3, "{}", together.backend_report());
            let bytes = [40_u8, 120, 250].map(|level| vec![level; 128 * 96 * 3]);
            let images = [
                ImageRef::packed(&bytes[0], 128, 96, PixelFormat::Rgb8),
                ImageRef::packed(&bytes[1], 64, 64, PixelFormat::Bgr8),
                ImageRef::packed(&bytes[2], 128, 112, PixelFormat::Mono8),
            ];
            // Fewer than there is room for, in changing places, and all.
            for which in [vec![0, 1, 2], vec![2], vec![1, 0], vec![2, 1, 0], vec![0, 1, 2], vec![]] {
                let some: Vec<ImageRef<'_>> = which.iter().map(|i| images[*i]).collect();
                let times = together.detect(&some, &mut || 0).unwrap();
                assert_eq!(times.inference_ns, 0);
                for (place, image) in some.iter().enumerate() {
                    let what = format!("{:?}, first {first:?}, {which:?} at {place}", engine.0);
                    near(together.found(place), alone.detect(image).unwrap(), &what);
                    assert!(!together.found(place).is_empty(), "{what}");
                }
                assert!(together.found(some.len()).is_empty(), "what was not asked is not answered");
            }
            let scores: Vec<f32> = [0, 1, 2].map(|i| alone.detect(&images[i]).unwrap()[0].score).to_vec();
            assert!(scores[0] + 0.1 < scores[1] && scores[1] + 0.1 < scores[2], "{scores:?}");
            // More than there is room for: the first ones.
            together.detect(&[images[0]; 5], &mut || 0).unwrap();
            assert!(!together.found(2).is_empty() && together.found(3).is_empty());
        }
    }
}

#[test]
fn a_batch_that_the_network_does_not_have_is_refused_with_the_line() {
    let tract = (BackendChoice::Tract, None);
    for (first, max_batch, says) in
        [(Some(3), 2, "max_batch = 3"), (Some(1), 4, "max_batch = 1"), (None, 17, "1 to 16")]
    {
        let folder = tempfile::tempdir().unwrap();
        let path = bright_model(folder.path(), SIDE, first, max_batch);
        let error = BatchDetector::load(&options(&path, &tract), 4).unwrap_err().to_string();
        assert!(error.contains(says) && error.contains("net.toml:15"), "{error}");
    }
}

#[test]
fn the_embedded_default_takes_one_image() {
    let options = LoadOptions { backend: BackendChoice::Tract, ..LoadOptions::default() };
    let mut one = BatchDetector::load(&options, 4).unwrap();
    assert_eq!(one.capacity(), 1);
    let grey = vec![127; 64 * 48 * 3];
    one.detect(&[ImageRef::packed(&grey, 64, 48, PixelFormat::Rgb8)], &mut || 0).unwrap();
    assert!(one.found(0).is_empty());
}

/// An engine that overflows is broken: its silence is no empty scene, neither for the image nor for the trial of a new model.
#[test]
fn outputs_that_are_no_number_are_an_error_of_the_engine() {
    for engine in engines("outputs_that_are_no_number_are_an_error_of_the_engine") {
        let folder = tempfile::tempdir().unwrap();
        let path = write_model(folder.path(), &overflowing_network(SIDE, Some(1)), SIDE, 1);
        let mut detector = Detector::load(&options(&path, &engine)).unwrap();
        let shown = [100_u8, 250].map(|level| vec![level; SIDE * SIDE * 3]);
        let [dim, glaring] = [0, 1].map(|at| ImageRef::packed(&shown[at], SIDE, SIDE, PixelFormat::Rgb8));
        assert_eq!(detector.detect(&dim).unwrap().len(), 1);
        let error = detector.detect(&glaring).unwrap_err();
        assert_eq!(error.code(), "PG-0426");
        assert!(
            error.to_string().contains("an inference of bright") && error.to_string().contains("`y`"),
            "{error}"
        );
        assert!(detector.found().is_empty());
        assert_eq!(detector.detect(&dim).unwrap().len(), 1, "the next image is another matter");
    }
}

/// A score of .40 that falls to .36 under a threshold of .38 has lost a tenth, not all.
#[test]
fn what_falls_below_the_threshold_has_not_lost_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = bright_model(folder.path(), SIDE, Some(1), 1);
    let load = LoadOptions { score_threshold: Some(0.8), ..options(&path, &(BackendChoice::Tract, None)) };
    let mut detector = Detector::load(&load).unwrap();
    let photo = Photo { rgb: vec![240; SIDE * SIDE * 3], width: SIDE, height: SIDE };
    let map = explain(&mut detector, &photo, None, 4, &mut |_, _| ()).unwrap().unwrap();
    assert!((map.detection.score - 0.9 * 240.0 / 255.0).abs() < 0.01, "{:?}", map.detection);
    // Each part is covered with grey 127, a sixteenth of the photo and half of its neighbours: up to a quarter of the photo.
    let (least, most) = map.loss.iter().fold((1.0_f32, 0.0_f32), |(a, b), l| (a.min(*l), b.max(*l)));
    assert!(0.02 < least && most < 0.2, "{:?}", map.loss);
    assert_eq!(detector.score_threshold(), 0.8, "as it was");
}
