//! The `[reference]` of a manifest: near to nothing drifts on the photos it was measured on, much does when they are darkened or
//! blurred.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests; clippy sees only #[test] functions as such

mod common;

use std::path::{Path, PathBuf};

use common::shared;
use peregrine_models::eval::{Dataset, Photo, reference};
use peregrine_models::manifest::Reference;
use peregrine_models::watch::{Drift, Level, Watch, look};
use peregrine_models::{BackendChoice, Detector, LoadOptions};

fn detector() -> Detector {
    let options = LoadOptions { backend: BackendChoice::Tract, ..LoadOptions::new("nanodet_g_320_w8") };
    Detector::load(&options).unwrap()
}

/// As at dusk: a quarter of the light.
fn darkened(photo: &Photo) -> Photo {
    Photo { rgb: photo.rgb.iter().map(|v| v / 4).collect(), ..*photo }
}

/// As out of focus: the mean of 13 x 13 pixels.
fn blurred(photo: &Photo) -> Photo {
    let (w, h, reach) = (photo.width, photo.height, 6_usize);
    let along = |from: &[u8], count: usize, step: usize, start: usize, to: &mut [u8]| {
        for i in 0..count {
            let (a, b) = (i.saturating_sub(reach), (i + reach).min(count - 1));
            let sum: usize = (a..=b).map(|k| usize::from(from[start + k * step])).sum();
            to[start + i * step] = (sum / (b - a + 1)) as u8;
        }
    };
    let (mut rows, mut all) = (photo.rgb.clone(), photo.rgb.clone());
    (0..h * 3).for_each(|i| along(&photo.rgb, w, 3, i / 3 * 3 * w + i % 3, &mut rows));
    (0..w * 3).for_each(|i| along(&rows, h, 3 * w, i, &mut all));
    Photo { rgb: all, ..*photo }
}

fn drift(
    model: &mut Detector,
    reference: &Reference,
    paths: &[PathBuf],
    change: fn(&Photo) -> Photo,
) -> Drift {
    let mut watch = Watch::new(model.labels().len(), model.score_threshold(), 2000.0);
    for path in paths {
        let photo = change(&Photo::read(path).unwrap());
        let seen = look(&photo.view()).unwrap();
        watch.image(seen.brightness, seen.sharpness);
        watch.saw(model.detect(&photo.view()).unwrap());
    }
    watch.drift(reference)
}

/// Against the reference that ships with the model: it is this one, and no other, that the field is held against.
#[test]
fn the_shipped_reference_knows_its_photos_and_notices_night_and_blur() {
    let test = "the_shipped_reference_knows_its_photos_and_notices_night_and_blur";
    let Some(folder) = shared(test, "images/coco/val") else { return };
    let paths = Dataset::photos(&folder).unwrap();
    let mut model = detector();
    let shipped = model.manifest().reference.clone().expect("it ships with one");
    assert_eq!(shipped.images, paths.len() as u64);
    let same = drift(&mut model, &shipped, &paths, Photo::clone);
    println!("same photos {same:?}");
    for psi in [same.scores, same.classes, same.brightness, same.sharpness] {
        assert!(psi.unwrap() < 0.02, "{same:?}");
    }
    let night = drift(&mut model, &shipped, &paths, darkened);
    println!("darkened {night:?}");
    assert!(night.level() == Level::Drifted && night.brightness.unwrap() > 1.0, "{night:?}");
    let blur = drift(&mut model, &shipped, &paths, blurred);
    println!("blurred {blur:?}");
    assert!(blur.level() == Level::Drifted && blur.sharpness.unwrap() > 1.0, "{blur:?}");
}

fn picture(folder: &Path, name: usize) -> PathBuf {
    let path = folder.join(format!("{name:03}.png"));
    let noise = |x: u32, y: u32| ((x * 7 + y * 13 + name as u32 * 3) % 200) as u8;
    image::RgbImage::from_fn(64, 48, |x, y| image::Rgb([noise(x, y); 3])).save(&path).unwrap();
    path
}

#[test]
fn too_few_photos_or_findings_are_no_reference() {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = (0..4).map(|n| picture(folder.path(), n)).collect();
    let error = reference(&mut detector(), &paths, "noise", &mut |_, _| ()).unwrap_err();
    let text = error.to_string();
    assert!(
        error.code() == "PG-0482" && text.contains("noise gives 4 photos") && text.contains("needs 50"),
        "{text}"
    );
}
