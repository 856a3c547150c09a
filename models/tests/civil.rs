//! Killing, corrupting and starving the loader: one clear error each, with its code, and no panic.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests; clippy sees only #[test] functions as such

mod common;

use std::path::{Path, PathBuf};

use common::ort_library;
use peregrine_models::backend::{PROVIDERS, available_providers};
use peregrine_models::{BackendChoice, Detector, Error, LoadOptions, Manifest, ModelSource, Trust};

const MANIFEST: &str = include_str!("../weights/nanodet_g_320_w8.toml");
const WEIGHTS: &[u8] = include_bytes!("../weights/nanodet_g_w8.onnx");
const LABELS: &str = include_str!("../weights/coco80.txt");

/// A folder with the shipped tract model, changed by `mend`.
struct Folder {
    root: tempfile::TempDir,
    manifest: String,
    weights: Vec<u8>,
    labels: String,
}

impl Folder {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        Self { root, manifest: MANIFEST.to_owned(), weights: WEIGHTS.to_vec(), labels: LABELS.to_owned() }
    }

    fn write(&self) -> PathBuf {
        let path = self.root.path().join("model.toml");
        std::fs::write(&path, &self.manifest).unwrap();
        std::fs::write(self.root.path().join("nanodet_g_w8.onnx"), &self.weights).unwrap();
        std::fs::write(self.root.path().join("coco80.txt"), &self.labels).unwrap();
        path
    }

    /// The manifest follows the weights, as if they were changed on purpose.
    fn hash_follows(mut self) -> Self {
        use sha2::Digest;
        let hash: String = sha2::Sha256::digest(&self.weights).iter().map(|b| format!("{b:02x}")).collect();
        let old = MANIFEST.lines().find(|l| l.starts_with("sha256")).unwrap();
        self.manifest = self.manifest.replace(old, &format!("sha256 = \"{hash}\""));
        self
    }

    fn error(&self) -> Error {
        load(&self.write()).map(|_| ()).unwrap_err()
    }
}

fn load(path: &Path) -> peregrine_models::Result<Detector> {
    let options = LoadOptions {
        backend: BackendChoice::Tract,
        trust: Trust::AllowUnsigned,
        ..LoadOptions::new(ModelSource::Path(path.to_owned()))
    };
    Detector::load(&options)
}

#[track_caller]
fn expect(error: &Error, code: &str, parts: &[&str]) {
    let text = error.to_string();
    assert_eq!(error.code(), code, "{text}");
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing in: {text}");
    }
}

fn line_of(part: &str) -> String {
    format!(":{}:", MANIFEST.lines().position(|line| line.contains(part)).unwrap() + 1)
}

#[test]
fn an_unchanged_folder_loads() {
    let folder = Folder::new();
    let detector = load(&folder.write()).unwrap();
    assert_eq!(detector.manifest().name, "nanodet_g_320_w8");
    assert_eq!(detector.labels().len(), 80);
}

#[test]
fn missing_files() {
    expect(&load(Path::new("/nowhere/model.toml")).unwrap_err(), "PG-0401", &["/nowhere/model.toml"]);
    expect(&load(Path::new("/nowhere/model.onnx")).unwrap_err(), "PG-0401", &["/nowhere/model.onnx"]);
    let folder = Folder::new();
    let path = folder.write();
    std::fs::remove_file(folder.root.path().join("nanodet_g_w8.onnx")).unwrap();
    expect(&load(&path).unwrap_err(), "PG-0405", &["nanodet_g_w8.onnx", &line_of("file =")]);
    folder.write();
    std::fs::remove_file(folder.root.path().join("coco80.txt")).unwrap();
    expect(&load(&path).unwrap_err(), "PG-0405", &["coco80.txt", &line_of("labels_file")]);
}

#[test]
fn another_files_hash() {
    let mut folder = Folder::new();
    folder.weights[1_000_000] ^= 1;
    expect(&folder.error(), "PG-0406", &["nanodet_g_w8.onnx", &line_of("sha256"), "expects"]);
}

#[test]
fn networks_that_are_cut_off_or_garbled() {
    for length in [0, 1, 100, 5_000, WEIGHTS.len() / 2, WEIGHTS.len() - 1] {
        let mut folder = Folder::new();
        folder.weights.truncate(length);
        expect(&folder.hash_follows().error(), "PG-0407", &["fetch or export"]);
    }
    let mut folder = Folder::new();
    folder.weights = b"not a network at all\n".repeat(100);
    expect(&folder.hash_follows().error(), "PG-0407", &[]);
    // Bytes turned over at places all through the file: whatever the damage, an error or boxes, never a panic.
    for step in 0..12 {
        let mut folder = Folder::new();
        let at = WEIGHTS.len() * step / 12 + 37;
        folder.weights[at..at + 16].iter_mut().for_each(|byte| *byte ^= 0x5a);
        let folder = folder.hash_follows();
        if let Err(error) = load(&folder.write()) {
            assert!(error.code().starts_with("PG-04"), "{error}");
        }
    }
}

#[test]
fn shapes_and_names_that_do_not_fit() {
    let changed = |from: &str, to: &str| {
        assert!(MANIFEST.contains(from), "{from}");
        let mut folder = Folder::new();
        folder.manifest = MANIFEST.replace(from, to);
        folder.error()
    };
    expect(&changed("\"images\"", "\"image\""), "PG-0408", &["input", "`images`", "did you mean"]);
    expect(&changed("\"cls_32\"", "\"cls_64\""), "PG-0408", &["output", "did you mean"]);
    expect(&changed("reg_max = 10", "reg_max = 7"), "PG-0408", &["dis_8", "44", "32"]);
    expect(&changed("element = \"f32\"", "element = \"u8\""), "PG-0404", &["element"]);
    let classes = MANIFEST.lines().find(|line| line.starts_with("classes = [")).unwrap();
    let error = changed(classes, "classes = [0.5, 0.5]");
    expect(&error, "PG-0404", &["a list of 2", "not one share per label", &line_of("classes = [")]);
    let mut folder = Folder::new();
    folder.labels = LABELS.lines().take(79).collect::<Vec<_>>().join("\n");
    expect(&folder.error(), "PG-0406", &["coco80.txt", &line_of("labels_sha256")]);
    folder.manifest =
        MANIFEST.lines().filter(|l| !l.starts_with("labels_sha256")).collect::<Vec<_>>().join("\n");
    expect(&folder.error(), "PG-0409", &["79", "80", &line_of("labels_file")]);
    // The int8 network has fixed dimensions: another input size is refused by name.
    let mut folder = Folder::new();
    folder.weights = include_bytes!("../weights/nanodet_g_416_int8.onnx").to_vec();
    let mut folder = folder.hash_follows();
    expect(&folder.error(), "PG-0408", &["`images`", "416", "320", &line_of("width =")]);
    // A layout that is not the network's is told from a wrong size.
    folder.manifest = folder.manifest.replace("layout = \"nchw\"", "layout = \"nhwc\"");
    expect(&folder.error(), "PG-0408", &["`layout` of [input]", &line_of("layout =")]);
}

/// What an engine answers to the test pattern is held against what the manifest promises, at every load.
#[test]
fn another_answer_than_the_golden_one_is_no_load() {
    let mut folder = Folder::new();
    let list = MANIFEST.lines().find(|line| line.starts_with("  [")).unwrap();
    let other: String = list.replace("0.00", "0.90");
    assert_ne!(list, other);
    folder.manifest = MANIFEST.replace(list, &other);
    expect(&folder.error(), "PG-0427", &["cls_8", "tract"]);
}

#[test]
fn manifests_say_the_line_to_mend() {
    let parse = |text: &str| Manifest::parse(text, "m.toml").unwrap_err();
    let changed = |from: &str, to: &str| {
        assert!(MANIFEST.contains(from), "{from}");
        parse(&MANIFEST.replacen(from, to, 1))
    };
    let at = |part: &str| format!("m.toml{}", line_of(part));
    expect(
        &changed("width = 320", "widht = 320"),
        "PG-0403",
        &[&at("width ="), "`widht`", "did you mean `width`"],
    );
    expect(&changed("kind = \"nanodet\"", "kind = \"nanodett\""), "PG-0403", &["did you mean `nanodet`"]);
    expect(&changed("colour = \"bgr\"", "colour = \"grb\""), "PG-0403", &["value", "did you mean"]);
    expect(&changed("width = 320", "width = \"wide\""), "PG-0402", &[&at("width =")]);
    expect(&changed("width = 320\n", ""), "PG-0402", &["width"]);
    expect(&parse("name = "), "PG-0402", &["m.toml:1"]);
    expect(&parse(""), "PG-0402", &["name"]);
    expect(&changed("width = 320", "width = 0"), "PG-0404", &[&at("width ="), "`width` is 0"]);
    expect(&changed("width = 320", "width = 1000000"), "PG-0404", &[]);
    expect(&changed("[8, 16, 32]", "[0]"), "PG-0404", &["strides"]);
    expect(&changed("[8, 16, 32]", "[8, 16]"), "PG-0404", &["outputs"]);
    expect(&changed("std = [57.375", "std = [0.0"), "PG-0404", &[&at("std ="), "`std`"]);
    expect(
        &changed("score_threshold = 0.35", "score_threshold = 35.0"),
        "PG-0404",
        &[&at("score_threshold")],
    );
    expect(&changed("score_threshold = 0.35", "score_threshold = nan"), "PG-0404", &[]);
    expect(&changed("file = \"", "file = \"../../etc/"), "PG-0404", &["`file`"]);
    expect(&changed("labels_file = \"coco80.txt\"", "labels = []"), "PG-0404", &["`labels`"]);
    expect(&changed("reg_max = 10\n", ""), "PG-0404", &["`reg_max`"]);
}

/// Every prefix and many garbled copies of a real manifest: an answer, never a panic.
#[test]
fn the_manifest_reader_takes_any_text() {
    for length in (0..MANIFEST.len()).filter(|length| MANIFEST.is_char_boundary(*length)) {
        let _ = Manifest::parse(&MANIFEST[..length], "m.toml");
    }
    let junk = ["\"", "[", "]", "=", "\n", "-1", "1e999", "nan", "\u{0}", "ü", "[[", "99999999999999999999"];
    for (index, at) in (0..MANIFEST.len()).step_by(7).enumerate() {
        let (before, after) = MANIFEST.split_at(at);
        let _ = Manifest::parse(&format!("{before}{}{after}", junk[index % junk.len()]), "m.toml");
    }
}

#[test]
fn names_and_options() {
    let load = |options: &LoadOptions| Detector::load(options).map(|_| ()).unwrap_err();
    expect(
        &load(&LoadOptions::new("nanodet_h")),
        "PG-0410",
        &["did you mean `nanodet_g`", "nanodet_g_416_int8"],
    );
    expect(&load(&LoadOptions { threads: 0, ..LoadOptions::default() }), "PG-0412", &["threads"]);
    let high = LoadOptions { score_threshold: Some(1.5), ..LoadOptions::default() };
    expect(&load(&high), "PG-0412", &["score_threshold", "1.5"]);
    let on_tract =
        LoadOptions { backend: BackendChoice::Tract, provider: "cuda".to_owned(), ..LoadOptions::default() };
    expect(&load(&on_tract), "PG-0424", &["cuda", "CPU only"]);
    assert_eq!("orrt".parse::<BackendChoice>().unwrap_err().code(), "PG-0412");
}

#[test]
fn bare_networks_of_no_known_family_are_refused() {
    let folder = Folder::new();
    folder.write();
    // Dynamic input dimensions: its size cannot be known without a manifest.
    let error = load(&folder.root.path().join("nanodet_g_w8.onnx")).unwrap_err();
    expect(&error, "PG-0411", &["images", "?", "manifest"]);
}

#[test]
fn libraries_that_are_none() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("libonnxruntime.so.1.32.0");
    let options = LoadOptions {
        backend: BackendChoice::Ort,
        ort_library: Some(path.clone()),
        ..LoadOptions::default()
    };
    let load = || Detector::load(&options).map(|_| ()).unwrap_err();
    // Another test of this process may have loaded the real library: then the refusal comes first.
    let known =
        |error: Error, code: &str| assert!([code, "PG-0423"].contains(&error.code().as_str()), "{error}");
    known(load(), "PG-0401");
    std::fs::write(&path, b"no library").unwrap();
    known(load(), "PG-0421");
    // A whole shared library (our own test executable) without ONNX Runtime's functions.
    std::fs::copy(std::env::current_exe().unwrap(), &path).unwrap();
    known(load(), "PG-0421");
}

#[test]
fn providers_are_never_replaced_silently() {
    let Some(library) = ort_library("providers_are_never_replaced_silently") else { return };
    let load = |provider: &str| {
        let provider = provider.to_owned();
        Detector::load(&LoadOptions {
            provider,
            ort_library: Some(library.clone()),
            ..LoadOptions::default()
        })
        .map(|d| d.backend_report().to_owned())
    };
    expect(&load("cudda").unwrap_err(), "PG-0424", &["did you mean `cuda`"]);
    // Every provider by its name: it runs and says so, or it is one error that names it. None runs as another.
    let here = available_providers(Some(&library));
    for provider in PROVIDERS {
        match load(provider) {
            Ok(report) if provider == "tract" => assert!(report.contains("on tract"), "{report}"),
            Ok(report) => {
                assert!(here.contains(&provider), "{report}");
                assert!(report.contains(&format!("provider {provider}")), "{report}");
            }
            // Absent, or built in and refused by a machine without the hardware.
            Err(error) if here.contains(&provider) => {
                assert!(error.to_string().starts_with("PG-042"), "{error}")
            }
            Err(error) => expect(&error, "PG-0424", &[provider, "built without it"]),
        }
    }
    assert!(load("cpu").unwrap().contains("provider cpu"));
}
