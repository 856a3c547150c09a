//! Zero allocations per image in our own stages after the first one. (Engines allocate inside their run; that is theirs, and
//! left out: the clock that is handed in says where the run begins and ends.)
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests; clippy sees only #[test] functions as such

mod common;

use common::network::bright_model;
use common::ort_library;
use peregrine_counting::{during, own};
use peregrine_models::decode::{decode, nms};
use peregrine_models::watch::{Recent, Watch, look};
use peregrine_models::{
    BackendChoice, BatchDetector, Detection, ImageRef, InputMut, LoadOptions, Manifest, ModelSource,
    PixelFormat, Preprocessor, Trust,
};

#[global_allocator]
static ALLOCATOR: peregrine_counting::Counting = peregrine_counting::Counting;

#[test]
fn no_allocation_after_the_first_image() {
    let manifest = Manifest::parse(include_str!("../weights/nanodet_g_416_int8.toml"), "test").unwrap();
    let mut preprocessor = Preprocessor::new(&manifest.input);
    let mut tensor = vec![0.0; manifest.input_len()];
    for pixel in PixelFormat::ALL {
        let (width, height) = (1280, 720);
        let data = vec![90u8; pixel.row_bytes(width) * height * 3 / 2];
        let image = ImageRef::packed(&data, width, height, pixel);
        preprocessor.run(&image, InputMut::F32(&mut tensor)).unwrap();
        let count = during(|| {
            for _ in 0..3 {
                preprocessor.run(&image, InputMut::F32(&mut tensor)).unwrap();
            }
        });
        assert_eq!(count, 0, "{pixel:?}");
    }
    // Outputs with many candidates, a little different each time.
    let cells = [2704usize, 676, 169];
    let scores: Vec<Vec<f32>> =
        cells.iter().map(|n| (0..n * 80).map(|i| (i * 7919 % 1000) as f32 / 1600.0).collect()).collect();
    let sides: Vec<Vec<f32>> =
        cells.iter().map(|n| (0..n * 44).map(|i| (i % 13) as f32 / 3.0).collect()).collect();
    let views: Vec<&[f32]> = scores.iter().chain(&sides).map(Vec::as_slice).collect();
    let mut candidates = Vec::new();
    decode(&manifest, 80, &views, 0.2, &mut candidates);
    nms::suppress(&mut candidates, 0.6, 100);
    assert!(!candidates.is_empty());
    let count = during(|| {
        for threshold in [0.2, 0.3, 0.5] {
            candidates.clear();
            decode(&manifest, 80, &views, threshold, &mut candidates);
            nms::suppress(&mut candidates, 0.6, 100);
        }
    });
    assert_eq!(count, 0);
}

#[test]
fn watching_an_image_allocates_nothing() {
    let (width, height) = (640, 480);
    let data = vec![90u8; 3 * width * height];
    let image = ImageRef::packed(&data, width, height, PixelFormat::Rgb8);
    let label: std::sync::Arc<str> = "person".into();
    let found = [0.4, 0.9].map(|score| Detection {
        label_index: 1,
        label: label.clone(),
        score,
        x: 1.0,
        y: 1.0,
        width: 9.0,
        height: 9.0,
    });
    let mut watch = Watch::new(80, 0.35, 100.0);
    (0..60).for_each(|_| (watch.saw(&found), watch.image(90.0, 50.0)).1);
    let reference = watch.reference();
    let mut recent = Recent::new(64);
    let mut drift = None;
    let count = during(|| {
        for n in 0..200 {
            let seen = look(&image).unwrap();
            watch.image(seen.brightness, seen.sharpness);
            watch.saw(&found);
            drift = watch.drift(&reference).found();
            recent.add(f64::from(n));
            recent.quantiles([0.5, 0.99]).unwrap();
        }
    });
    assert_eq!((count, drift.is_some()), (0, true));
}

#[test]
fn several_cameras_at_once_allocate_nothing_of_ours() {
    let folder = tempfile::tempdir().unwrap();
    let path = bright_model(folder.path(), 64, None, 3);
    let library = ort_library("several_cameras_at_once_allocate_nothing_of_ours (with ONNX Runtime)");
    let engines = std::iter::once((BackendChoice::Tract, None))
        .chain(library.map(|library| (BackendChoice::Ort, Some(library))));
    let bytes = vec![90u8; 128 * 96 * 4];
    let formats = [PixelFormat::Rgb8, PixelFormat::Nv12, PixelFormat::Yuyv];
    let images = formats.map(|pixel| ImageRef::packed(&bytes, 128, 96, pixel));
    for (backend, ort_library) in engines {
        let options = LoadOptions {
            backend,
            ort_library,
            trust: Trust::AllowUnsigned,
            ..LoadOptions::new(ModelSource::Path(path.clone()))
        };
        let mut detector = BatchDetector::load(&options, 3).unwrap();
        // Cameras come and go: every number of them, in every round.
        let mut ours = 0;
        for round in 0..20 {
            for count in [3, 1, 2] {
                // Before the pre-processing, behind it, behind the inference, at the end.
                let (mut at, mut calls) = ([0; 4], 0);
                let before = own();
                detector
                    .detect(&images[..count], &mut || {
                        at[calls] = own();
                        calls += 1;
                        0
                    })
                    .unwrap();
                let after = own();
                assert_eq!(calls, 4);
                assert!((0..count).all(|place| detector.found(place).len() == 1));
                if round > 1 {
                    ours += after - before - (at[2] - at[1]);
                }
            }
        }
        assert_eq!(ours, 0, "{}", detector.backend_report());
    }
}
