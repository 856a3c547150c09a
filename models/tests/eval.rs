//! The scorer against pycocotools, and the readers of datasets against what people write.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests; clippy sees only #[test] functions as such

mod common;

use std::path::Path;

use common::{floats, golden};
use peregrine_models::eval::{Dataset, Found, Photo, PhotoResult, Truth, agreement, score};

/// Crowds, masks smaller than their boxes, and more than 100 detections on one photo are among them.
#[test]
fn scorer_agrees_with_pycocotools() {
    let golden = golden("scorer.json");
    let numbers = |key: &str| -> Vec<Vec<f64>> {
        let rows = golden[key].as_array().unwrap().iter();
        rows.map(|row| row.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()).collect()
    };
    let truth = |t: &Vec<f64>| Truth {
        image: t[0] as usize,
        class: t[1] as usize,
        bbox: [t[2], t[3], t[4], t[5]],
        area: t[6],
        crowd: t[7] != 0.0,
    };
    let found = |f: &Vec<f64>| Found {
        image: f[0] as usize,
        class: f[1] as usize,
        score: f[2],
        bbox: [f[3], f[4], f[5], f[6]],
    };
    let truths: Vec<Truth> = numbers("truth").iter().map(truth).collect();
    assert!(truths.iter().filter(|t| t.crowd).count() >= 5);
    let found: Vec<Found> = numbers("detections").iter().map(found).collect();
    let scores = score(golden["classes"].as_u64().unwrap() as usize, &truths, &found);
    let expected = &golden["expected"];
    let ours = [scores.ap, scores.ap50, scores.ap75, scores.small, scores.medium, scores.large];
    for (key, ours) in ["ap", "ap50", "ap75", "small", "medium", "large"].iter().zip(ours) {
        let theirs = expected[key].as_f64().unwrap();
        assert!((ours.unwrap() - theirs).abs() < 1e-6, "{key}: {ours:?}, pycocotools {theirs}");
    }
    let theirs = expected["classes"].as_array().unwrap();
    assert_eq!(scores.classes.len(), theirs.len());
    for (ours, theirs) in scores.classes.iter().zip(theirs) {
        let theirs = floats(theirs);
        assert_eq!(ours.class, theirs[0] as usize);
        assert!((ours.ap as f32 - theirs[1]).abs() < 1e-5 && (ours.ap50 as f32 - theirs[2]).abs() < 1e-5);
    }
}

#[test]
fn nothing_true_means_no_score() {
    let scores = score(3, &[], &[Found { image: 0, class: 1, score: 0.5, bbox: [0.0, 0.0, 9.0, 9.0] }]);
    assert_eq!((scores.ap, scores.ap50, scores.small), (None, None, None));
    assert!(scores.classes.is_empty());
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn photo(folder: &Path, name: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    image::RgbImage::from_pixel(40, 20, image::Rgb([9, 90, 200])).save(path).unwrap();
}

#[test]
fn coco_and_yolo_say_the_same() {
    let (yolo, coco) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let labels = ["person", "stop sign"];
    for folder in [yolo.path(), coco.path()] {
        photo(folder, "images/b.png");
        photo(folder, "images/a.png");
    }
    write(yolo.path(), "labels/b.txt", "1 0.5 0.5 0.5 0.5\n\n0 0.25 0.5 0.1 0.2\n");
    let json = r#"{"images": [{"id": 7, "file_name": "b.png"}, {"id": 3, "file_name": "a.png"}],
        "categories": [{"id": 90, "name": "stop sign"}, {"id": 4, "name": "person"}],
        "annotations": [
          {"image_id": 7, "category_id": 90, "bbox": [10, 5, 20, 10], "area": 200, "iscrowd": 0},
          {"image_id": 7, "category_id": 4, "bbox": [8, 8, 4, 4], "iscrowd": 0}]}"#;
    write(coco.path(), "annotations/instances.json", json);
    let read = |folder: &Path| {
        let data = Dataset::read(folder, &labels).unwrap();
        assert_eq!(data.items.len(), 2);
        assert!(data.items[0].boxes.is_empty() && data.items[0].path.ends_with("a.png"));
        Dataset::open(&data.items[1]).unwrap().1
    };
    let (a, b) = (read(yolo.path()), read(coco.path()));
    for (a, b) in a.iter().zip(&b) {
        assert_eq!(a.class, b.class);
        assert!(a.bbox.iter().zip(b.bbox).all(|(a, b)| (a - b).abs() < 1e-9), "{a:?} {b:?}");
    }
    assert_eq!((b[0].area, b[1].area), (Some(200.0), None));
}

/// Segmentation's label files are outlines: read as boxes they would be a lie that nobody notices.
#[test]
fn an_outline_is_read_as_the_box_around_it() {
    let folder = tempfile::tempdir().unwrap();
    photo(folder.path(), "images/b.png");
    let text = "1 0.5 0.5 0.5 0.5 0.87\n0 0.10 0.20 0.30 0.15 0.25 0.60\n0 0.1 0.2 0.3 0.2 0.3 0.6 0.1 0.6\n";
    write(folder.path(), "labels/b.txt", text);
    let items = Dataset::read(folder.path(), &["person", "car"]).unwrap().items;
    let expected = [(1, [0.25, 0.25, 0.5, 0.5]), (0, [0.1, 0.15, 0.2, 0.45]), (0, [0.1, 0.2, 0.2, 0.4])];
    assert_eq!(items[0].boxes.len(), 3);
    for (found, (class, bbox)) in items[0].boxes.iter().zip(expected) {
        let near = found.bbox.iter().zip(bbox).all(|(a, b)| (a - b).abs() < 1e-9);
        assert!(near && found.class == class && found.relative, "{found:?}");
    }
}

/// COCO as it is unpacked: `annotations/` with files of other kinds, photos in a folder called after the set.
#[test]
fn cocos_own_layout_is_read() {
    let labels = ["person"];
    let json = r#"{"images": [{"id": 1, "file_name": "a.png"}], "categories": [{"id": 1, "name": "person"}],
        "annotations": [{"image_id": 1, "category_id": 1, "bbox": [0, 0, 9, 9]}]}"#;
    for photos in ["val2017", "images/val2017", "images"] {
        let folder = tempfile::tempdir().unwrap();
        photo(folder.path(), &format!("{photos}/a.png"));
        write(folder.path(), "annotations/captions_val2017.json", "{}");
        write(folder.path(), "annotations/person_keypoints_val2017.json", "{}");
        write(folder.path(), "annotations/instances_val2017.json", json);
        let file = folder.path().join("annotations/instances_val2017.json");
        for place in [folder.path(), &file] {
            let data = Dataset::read(place, &labels).unwrap();
            assert!(
                data.items[0].path.ends_with(format!("{photos}/a.png")) && data.items[0].boxes.len() == 1
            );
        }
        // Two sets: which one is meant is not guessed.
        write(folder.path(), "annotations/instances_train2017.json", json);
        let error = Dataset::read(folder.path(), &labels).unwrap_err().to_string();
        assert!(
            error.contains("PG-0470") && error.contains("instances_train2017.json, instances_val2017.json"),
            "{error}"
        );
        assert_eq!(Dataset::read(&file, &labels).unwrap().items.len(), 1);
    }
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "instances.json", json);
    let error = Dataset::read(folder.path(), &labels).unwrap_err().to_string();
    assert!(error.contains("the photo `a.png` is in none of"), "{error}");
}

/// A photo of a telephone held upright: its pixels lie on their side, and EXIF says how to turn them.
#[test]
fn photos_are_turned_upright() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jpg");
    // Red on the left, blue on the right.
    let half = |x: u32, _| image::Rgb(if x < 16 { [250, 10, 10] } else { [10, 10, 250] });
    image::RgbImage::from_fn(32, 16, half).save(&path).unwrap();
    let plain = std::fs::read(&path).unwrap();
    assert_eq!((Photo::read(&path).unwrap().width, Photo::read(&path).unwrap().height), (32, 16));
    for (orientation, size, top_left_is_red) in
        [(1, (32, 16), true), (3, (32, 16), false), (6, (16, 32), true), (8, (16, 32), false)]
    {
        // APP1: Exif, little-endian TIFF, one entry: tag 0x112 (orientation), SHORT, one of it.
        let mut exif = b"Exif\0\0II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
        exif.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
        let mut bytes = plain[..2].to_vec();
        bytes.extend([0xff, 0xe1]);
        bytes.extend((exif.len() as u16 + 2).to_be_bytes());
        bytes.extend(&exif);
        bytes.extend(&plain[2..]);
        std::fs::write(&path, bytes).unwrap();
        let photo = Photo::read(&path).unwrap();
        assert_eq!((photo.width, photo.height), size, "orientation {orientation}");
        let pixel = &photo.rgb[3 * (2 * photo.width + 2)..][..3];
        assert_eq!(pixel[0] > 128, top_left_is_red, "orientation {orientation}: {pixel:?}");
    }
}

#[test]
fn datasets_that_cannot_be_meant_name_the_line() {
    let labels = ["person", "stop sign"];
    for (text, expected) in [
        ("0 0.5 0.5 0.1", "b.txt:1: `0 0.5 0.5 0.1` is not `class cx cy w h`"),
        (
            "0 0.5 0.5 0.1 0.1\n2 0.5 0.5 0.1 0.1",
            "b.txt:2: `2 0.5 0.5 0.1 0.1` has a class that is none of the model's 2",
        ),
        ("0 320 0.5 0.1 0.1", "no shares from 0 to 1"),
        ("0 0.1 0.1 0.9 0.1 32 0.5", "no shares from 0 to 1"),
        ("0 0.5 0.5 0.1 0.1 0.2 0.3 2", "is not `class cx cy w h`"),
        ("zero 0 0 0 0", "is not numbers"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        photo(folder.path(), "b.png");
        write(folder.path(), "labels/b.txt", text);
        let error = Dataset::read(folder.path(), &labels).unwrap_err();
        assert_eq!(error.code(), "PG-0470");
        assert!(error.to_string().contains(expected), "{error}");
    }
    let folder = tempfile::tempdir().unwrap();
    assert!(Dataset::read(folder.path(), &labels).unwrap_err().to_string().contains("holds no photos"));
    photo(folder.path(), "b.png");
    assert!(Dataset::read(folder.path(), &labels).unwrap_err().to_string().contains("no labels"));
    let json = r#"{"images": [{"id": 1, "file_name": "b.png"}], "categories": [{"id": 1, "name": "persom"}],
        "annotations": [{"image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 1]}]}"#;
    write(folder.path(), "x.json", json);
    let error = Dataset::read(folder.path(), &labels).unwrap_err().to_string();
    assert!(error.contains("`persom`") && error.contains("did you mean `person`"), "{error}");
}

#[test]
fn agreement_pairs_boxes_of_both_sides() {
    let found = |class, score, x| Found { image: 0, class, score, bbox: [x, 0.0, 10.0, 10.0] };
    let photo = |found: &[Found]| vec![PhotoResult { found: found.to_vec(), ..PhotoResult::default() }];
    let a = photo(&[found(0, 0.9, 0.0), found(1, 0.8, 50.0)]);
    let same = agreement(&a, &a, 0.3);
    assert_eq!((same.share, same.boxes, same.iou, same.score_gap), (1.0, 4, 1.0, 0.0));
    // One of three boxes has no twin of its class.
    let b = agreement(&a, &photo(&[found(0, 0.7, 1.0)]), 0.3);
    assert!((b.share - 2.0 / 3.0).abs() < 1e-9 && b.boxes == 3);
    assert!((b.iou - 90.0 / 110.0).abs() < 1e-9 && (b.score_gap - 0.2).abs() < 1e-9, "{b:?}");
    // Two boxes on one thing are not both found by a single one: a box is nobody's twin twice.
    let double = photo(&[found(0, 0.9, 0.0), found(0, 0.8, 2.0)]);
    let c = agreement(&double, &photo(&[found(0, 0.9, 0.0)]), 0.3);
    assert!((c.share - 2.0 / 3.0).abs() < 1e-9 && c.boxes == 3, "{c:?}");
    // What lies about the threshold was seen; what lies far below it was not.
    let low = |score| agreement(&photo(&[found(0, 0.31, 0.0)]), &photo(&[found(0, score, 0.0)]), 0.3);
    assert_eq!((low(0.29).share, low(0.29).boxes, low(0.1).share), (1.0, 1, 0.0));
    assert_eq!(agreement(&photo(&[]), &photo(&[]), 0.3).share, 1.0);
}
