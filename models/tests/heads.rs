//! Heads whose weights cannot be shipped: networks made here that give known tensors, loaded through a manifest on every
//! engine there is, and compared with an independent reading of the same tensors (tests/reference/heads.py).
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests; clippy sees only #[test] functions as such

mod common;

use std::path::{Path, PathBuf};

use common::network::{Output, constant_network};
use common::{floats, golden, ort_library};
use peregrine_models::eval::iou;
use peregrine_models::{BackendChoice, Detection, Detector, ImageRef, LoadOptions, PixelFormat, Trust};

/// Manifest sections of each head of the golden file.
const HEADS: [(&str, &str); 6] = [
    ("yolov8", "kind = \"yolov8\"\nstrides = [8, 16, 32]\noutputs = [\"output0\"]"),
    ("centernet", "kind = \"centernet\"\nstrides = [4]\nlogits = true\noutputs = [\"hm\", \"wh\", \"reg\"]"),
    (
        "ssd",
        "kind = \"ssd\"\nrows = 20\nbox_order = \"yxyx\"\nrelative = true\nfirst_class = 1\n\
         outputs = [\"boxes\", \"scores\", \"classes\"]",
    ),
    ("end_to_end", "kind = \"ssd\"\nrows = 20\noutputs = [\"output0\"]"),
    ("detr", "kind = \"detr\"\nrows = 30\nlogits = true\noutputs = [\"pred_logits\", \"pred_boxes\"]"),
    ("detr_joint", "kind = \"detr\"\nrows = 30\noutputs = [\"output0\"]"),
];

fn write(folder: &Path, name: &str, decoder: &str, layout: &str) -> PathBuf {
    let golden = golden("heads.json");
    let side = golden["side"].as_u64().unwrap() as usize;
    let head = &golden["heads"][name];
    let outputs: Vec<Output> = head["outputs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|output| Output {
            name: output["name"].as_str().unwrap().to_owned(),
            shape: floats(&output["shape"]).into_iter().map(|d| d as usize).collect(),
            values: floats(&output["values"]),
        })
        .collect();
    let shape = if layout == "nchw" { [1, 3, side, side] } else { [1, side, side, 3] };
    let bytes = constant_network("images", &shape, &outputs);
    let sha256 = peregrine_models::sha256(&bytes);
    std::fs::write(folder.join("net.onnx"), &bytes).unwrap();
    let suppress = if decoder.contains("ssd") || decoder.contains("detr") { "1.0" } else { "0.6" };
    let manifest = format!(
        "name = \"{name}\"\nfile = \"net.onnx\"\nsha256 = \"{sha256}\"\ntask = \"detection\"\norigin = \"made up\"\n\
         score_threshold = {}\nnms_iou = {suppress}\nlabels = [\"a\", \"b\", \"c\", \"d\", \"e\"]\n\
         [input]\nname = \"images\"\nwidth = {side}\nheight = {side}\ncolour = \"rgb\"\nlayout = \"{layout}\"\n\
         [decoder]\n{decoder}\n[licence]\nspdx = \"CC0-1.0\"\n",
        golden["threshold"]
    );
    let path = folder.join("net.toml");
    std::fs::write(&path, manifest).unwrap();
    path
}

fn options(path: &Path, backend: BackendChoice, library: Option<PathBuf>) -> LoadOptions {
    LoadOptions {
        backend,
        ort_library: library,
        trust: Trust::AllowUnsigned,
        ..LoadOptions::new(path.to_str().unwrap())
    }
}

fn compare(name: &str, found: &[Detection]) {
    let golden = golden("heads.json");
    let expected: Vec<Vec<f32>> =
        golden["heads"][name]["expected"].as_array().unwrap().iter().map(floats).collect();
    assert_eq!(found.len(), expected.len(), "{name}: {found:?}");
    for row in &expected {
        let [x, y, w, h] = [row[2], row[3], row[4], row[5]].map(f64::from);
        let twin = found.iter().find(|d| {
            let bbox = [d.x, d.y, d.width, d.height].map(f64::from);
            d.label_index == row[0] as usize
                && (d.score - row[1]).abs() < 1e-4
                && iou(&bbox, &[x, y, w, h]) > 0.999
        });
        assert!(twin.is_some(), "{name}: {row:?} is not among {found:?}");
    }
}

fn check(backend: BackendChoice, library: Option<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let grey = vec![127; 64 * 64 * 3];
    for (name, decoder) in HEADS {
        for layout in ["nchw", "nhwc"] {
            let path = write(folder.path(), name, decoder, layout);
            let mut detector = Detector::load(&options(&path, backend, library.clone())).unwrap();
            let image = ImageRef::packed(&grey, 64, 64, PixelFormat::Rgb8);
            compare(name, detector.detect(&image).unwrap());
        }
    }
}

#[test]
fn every_head_on_tract() {
    check(BackendChoice::Tract, None);
}

#[test]
fn every_head_on_ort() {
    let Some(library) = ort_library("every_head_on_ort") else { return };
    check(BackendChoice::Ort, Some(library));
}

/// What does not fit is refused when it is loaded, with the line to mend.
#[test]
fn misfits_name_their_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "detr", HEADS[4].1, "nchw");
    let good = std::fs::read_to_string(&path).unwrap();
    for (from, to, code, line, words) in [
        ("rows = 30", "rows = 31", "PG-0408", "outputs =", "[1, 31, 5]"),
        ("width = 64", "width = 96", "PG-0408", "width =", "[1, 3, 64, 64]"),
        ("layout = \"nchw\"", "layout = \"nhwc\"", "PG-0408", "layout =", "`layout` of [input]"),
        (
            "\"d\", \"e\"]",
            "\"d\"]",
            "PG-0409",
            "labels =",
            "4 labels are given and the network has 5 classes",
        ),
        ("\"pred_boxes\"]", "\"pred_box\"]", "PG-0408", "outputs =", "did you mean `pred_boxes`?"),
        ("name = \"images\"", "name = \"image\"", "PG-0408", "name = \"image\"", "did you mean `images`?"),
        ("rows = 30", "", "PG-0404", "kind =", "this head needs it"),
        ("rows = 30", "rows = 30\nstrides = [8]", "PG-0404", "strides =", "this head has no grid"),
        ("rows = 30", "rows = 30\nreg_max = 7", "PG-0404", "reg_max =", "only NanoDet has"),
    ] {
        let text = good.replace(from, to);
        assert_ne!(text, good, "{from}");
        std::fs::write(&path, &text).unwrap();
        let error = Detector::load(&options(&path, BackendChoice::Tract, None)).unwrap_err();
        assert_eq!(error.code(), code, "{to}: {error}");
        let message = error.to_string();
        assert!(message.contains(words), "{to}: {message}");
        // A key that is missing has no line: the section's own is named.
        let number = text.lines().position(|l| l.starts_with(line)).unwrap() + 1;
        let section = text.lines().position(|l| l == "[decoder]").unwrap() + 1;
        let named = |number: usize| message.contains(&format!("net.toml:{number}"));
        assert!(
            named(number) || (to.is_empty() && named(section)),
            "{to}: line {number} is not in {message}"
        );
    }
}

#[test]
fn golden_values_are_compared_at_every_load() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "yolov8", HEADS[0].1, "nchw");
    let load = || Detector::load(&options(&path, BackendChoice::Tract, None));
    let golden = load().unwrap().golden().unwrap();
    let good = std::fs::read_to_string(&path).unwrap();
    let list: Vec<String> = golden.outputs[0].iter().map(|v| format!("{v:?}")).collect();
    let with = |list: &[String]| {
        let section = format!("\n[golden]\ntolerance = 0.01\noutputs = [[{}]]\n", list.join(", "));
        std::fs::write(&path, format!("{good}{section}")).unwrap();
    };
    with(&list);
    load().unwrap();
    let mut wrong = list.clone();
    wrong[3] = "100.0".into();
    with(&wrong);
    let error = load().unwrap_err();
    assert_eq!(error.code(), "PG-0427", "{error}");
    assert!(error.to_string().contains("tract") && error.to_string().contains("output0"), "{error}");
    with(&[]);
    assert_eq!(load().unwrap_err().code(), "PG-0404");
}
