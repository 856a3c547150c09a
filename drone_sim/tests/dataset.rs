//! Labelled pictures: the same specification gives the same bytes, and the labels lie on what they name.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests; clippy sees only #[test] functions as such

use std::collections::BTreeMap;
use std::path::Path;

use peregrine_sim::dataset::{CLASSES, DatasetSpec, write};
use serde_json::Value;

fn spec() -> DatasetSpec {
    DatasetSpec { seeds: vec![1, 2, 3], per_seed: 6, width: 320, height: 240, ..DatasetSpec::default() }
}

fn bytes(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let images = std::fs::read_dir(folder.join("images")).unwrap().flatten().map(|e| e.path());
    let all = images.chain([folder.join("annotations.json")]);
    all.map(|p| (p.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(p).unwrap())).collect()
}

#[test]
fn labels_lie_on_what_they_name_and_repeat() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut heard = 0;
    let summary = write(&spec(), one.path(), |done, all| {
        heard += 1;
        assert_eq!((done, all), (heard, 18));
    })
    .unwrap();
    assert_eq!(summary.pictures, 18);
    assert!(summary.boxes.iter().all(|n| *n > 0), "every class is looked at: {:?}", summary.boxes);
    write(&DatasetSpec { threads: 2, ..spec() }, two.path(), |_, _| ()).unwrap();
    assert_eq!(bytes(one.path()), bytes(two.path()), "whatever the number of threads");

    let text = std::fs::read_to_string(one.path().join("annotations.json")).unwrap();
    let data: Value = serde_json::from_str(&text).unwrap();
    let names: Vec<&str> =
        data["categories"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert_eq!(names, CLASSES);
    let images = data["images"].as_array().unwrap();
    let (mut counted, mut standing) = ([0; CLASSES.len()], 0);
    for a in data["annotations"].as_array().unwrap() {
        let number = |v: &Value| v.as_u64().unwrap();
        let [x, y, w, h] = [0, 1, 2, 3].map(|i| number(&a["bbox"][i]));
        assert!(w > 0 && h > 0 && x + w <= 320 && y + h <= 240, "{a}");
        assert!(number(&a["area"]) <= w * h, "{a}");
        let image = &images[number(&a["image_id"]) as usize - 1];
        assert!(one.path().join("images").join(image["file_name"].as_str().unwrap()).is_file());
        let class = number(&a["category_id"]) as usize - 1;
        if number(&a["iscrowd"]) == 0 {
            counted[class] += 1;
            standing += usize::from(class == 0 && h > w);
        }
    }
    assert_eq!(counted, summary.boxes);
    assert!(standing * 2 > counted[0], "people stand: {standing} of {} boxes are tall", counted[0]);
    // Pictures are pictures: none is of one colour.
    for (name, bytes) in bytes(one.path()).into_iter().filter(|(name, _)| name.ends_with(".jpg")) {
        let picture = image::load_from_memory(&bytes).unwrap().to_luma8();
        let (low, high) = picture.iter().fold((255, 0), |(l, h), p| (*p.min(&l), *p.max(&h)));
        assert!(picture.dimensions() == (320, 240) && high - low > 10, "{name}");
    }
}

#[test]
fn any_world_can_be_labelled_and_nonsense_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let forest = DatasetSpec { world: "forest".into(), seeds: vec![4], per_seed: 3, ..spec() };
    let summary = write(&forest, folder.path(), |_, _| ()).unwrap();
    assert!(summary.pictures == 3 && summary.boxes[2] > 0, "{summary:?}");
    for (bad, what) in [
        (DatasetSpec { seeds: Vec::new(), ..spec() }, "seeds"),
        (DatasetSpec { per_seed: 0, ..spec() }, "per_seed"),
        (DatasetSpec { quality: 0, ..spec() }, "quality"),
        (DatasetSpec { width: 1, ..spec() }, "width"),
        (DatasetSpec { hfov: 3.0, ..spec() }, "hfov"),
    ] {
        let error = write(&bad, folder.path(), |_, _| ()).unwrap_err().to_string();
        assert!(error.starts_with("PG-1021") && error.contains(what), "{error}");
    }
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = write(&spec(), &file, |_, _| ()).unwrap_err().to_string();
    assert!(error.starts_with("PG-1027"), "{error}");
}
