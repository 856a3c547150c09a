//! `peregrine model`: what it prints, what it writes, and what it refuses to write.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod common;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::{run, stderr, stdout};
use peregrine_models::backend::library::Places;
use peregrine_models::eval::{Dataset, Photo};
use peregrine_models::{BackendChoice, Detection, Detector, LoadOptions, Manifest, Trust};

fn json(output: &Output) -> serde_json::Value {
    assert!(output.status.success(), "{}", stderr(output));
    serde_json::from_str(&stdout(output)).unwrap()
}

/// Two photos that show nothing, and labels that say otherwise.
fn dataset(folder: &Path) {
    std::fs::create_dir_all(folder.join("images")).unwrap();
    std::fs::create_dir_all(folder.join("labels")).unwrap();
    for name in ["a", "b"] {
        let picture = image::RgbImage::from_pixel(64, 48, image::Rgb([90, 120, 90]));
        picture.save(folder.join(format!("images/{name}.png"))).unwrap();
        std::fs::write(folder.join(format!("labels/{name}.txt")), "0 0.5 0.5 0.4 0.6\n").unwrap();
    }
}

#[test]
fn the_embedded_models_are_listed_shown_and_proven() {
    let list = json(&run(&["model", "list", "--json"]));
    let names: Vec<&str> =
        list["models"].as_array().unwrap().iter().map(|m| m["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"nanodet_g") && names.contains(&"nanodet_g_416_int8"), "{names:?}");
    let shown = stdout(&run(&["model", "show", "nanodet_g_320_w8"]));
    for words in ["signature  embedded", "golden     compared", "Apache-2.0 AND MIT", "stop sign"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let verified = run(&["model", "verify", "nanodet_g_320_w8", "--backend", "tract"]);
    assert!(verified.status.success(), "{}", stderr(&verified));
    assert!(stdout(&verified).contains("gives the golden values"), "{}", stdout(&verified));
}

#[test]
fn accuracy_and_weakness_of_what_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    dataset(folder.path());
    let data = folder.path().to_str().unwrap();
    let engine = ["--backend", "tract", "--data", data, "--json"];
    let scores = json(&run(&[&["model", "eval", "nanodet_g_320_w8"], &engine[..]].concat()));
    assert_eq!(scores["photos"], 2);
    assert!(scores["ap"].as_f64().unwrap() < 0.01, "{scores}");
    assert_eq!(scores["classes"][0]["label"], "person");
    let report = json(&run(&[&["model", "explain", "nanodet_g_320_w8"], &engine[..]].concat()));
    let person = &report["groups"]["class"][0];
    assert_eq!((person["truths"].as_u64(), person["found"].as_u64()), (Some(2), Some(0)), "{report}");
}

/// Each provider asked for and each number of threads has its row; one that is not there is an error.
#[test]
fn times_are_told_by_provider_and_number_of_threads() {
    let bench = |more: &[&str]| {
        run(&[&["model", "bench", "drone_sim_320_w8", "--rounds", "2", "--json"], more].concat())
    };
    let check = |table: &serde_json::Value, expected: &[(&str, u64)]| {
        let rows = table["rows"].as_array().unwrap();
        let which =
            rows.iter().map(|row| (row["provider"].as_str().unwrap(), row["threads"].as_u64().unwrap()));
        assert_eq!(which.collect::<Vec<_>>(), expected, "{table}");
        for row in rows {
            let ms = |key: &str| row[key].as_f64().unwrap();
            assert!(0.0 < ms("p50_ms") && ms("p50_ms") <= ms("p99_ms"), "{row}");
            assert!(0.0 < ms("inference_p50_ms") && ms("inference_p50_ms") <= ms("p50_ms"), "{row}");
            // What ships says what it may cost, and keeps to its memory.
            assert!(ms("budget_ms") > 0.0 && 0.0 < ms("memory_mb"), "{row}");
            assert!(!row["over"].to_string().contains("MB"), "{row}");
        }
    };
    // tract uses one thread, however many are asked for.
    check(&json(&bench(&["--providers", "tract", "--threads", "1,2"])), &[("tract", 1)]);
    if peregrine_models::backend::ort_environment(None).is_err() {
        println!("SKIP the rest: no ONNX Runtime library (run `cargo xtask test`, or set ORT_DYLIB_PATH)");
        return;
    }
    check(
        &json(&bench(&["--providers", "cpu,tract", "--threads", "1,2"])),
        &[("cpu", 1), ("cpu", 2), ("tract", 1)],
    );
    let absent = bench(&["--providers", "cpu,rocket"]);
    assert!(!absent.status.success() && stderr(&absent).contains("PG-0424"), "{}", stderr(&absent));
}

/// The picture is the photo's size, the hotter the more of the detection rests there.
#[test]
fn what_a_detection_rests_on_is_drawn() {
    let test = "what_a_detection_rests_on_is_drawn";
    let shared = std::env::var_os("PEREGRINE_SHARED")
        .map(PathBuf::from)
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"));
    let photo = shared.join("images/coco/val/images/000000000285.jpg");
    if !photo.is_file() {
        println!("SKIP {test}: needs ../shared/images/coco (or set PEREGRINE_SHARED)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("map.png");
    let explain = |class: &str| {
        run(&[
            "model",
            "explain",
            "nanodet_g_320_w8",
            photo.to_str().unwrap(),
            "--backend",
            "tract",
            "--parts",
            "4",
            "--class",
            class,
            "--out",
            out.to_str().unwrap(),
        ])
    };
    let said = explain("bear");
    assert!(
        said.status.success() && stdout(&said).starts_with("bear 0."),
        "{}{}",
        stdout(&said),
        stderr(&said)
    );
    let (map, photo) = (image::open(&out).unwrap().to_rgb8(), image::open(&photo).unwrap());
    assert_eq!((map.width(), map.height()), (photo.width(), photo.height()));
    // The bear fills the photo: every part carries something, some much more than others.
    let heat = |p: &image::Rgb<u8>| i32::from(p[0]) - i32::from(p[2]);
    let (cool, hot) = (map.pixels().map(heat).min().unwrap(), map.pixels().map(heat).max().unwrap());
    assert!(hot - cool > 80, "{cool} to {hot}");
    let unknown = explain("beer");
    assert!(!unknown.status.success() && stderr(&unknown).contains("did you mean"), "{}", stderr(&unknown));
}

fn peregrine(config: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_peregrine")).args(args).env("XDG_CONFIG_HOME", config).output().unwrap()
}

/// The embedded fp32 weights beside a manifest of one's own.
fn own_model(folder: &Path) -> PathBuf {
    let weights = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/weights");
    std::fs::create_dir_all(folder.join("LICENSES")).unwrap();
    for notice in std::fs::read_dir(weights.join("LICENSES")).unwrap() {
        let notice = notice.unwrap();
        std::fs::copy(notice.path(), folder.join("LICENSES").join(notice.file_name())).unwrap();
    }
    for file in ["nanodet_g_w8.onnx", "coco80.txt"] {
        std::fs::copy(weights.join(file), folder.join(file)).unwrap();
    }
    let path = folder.join("own.toml");
    std::fs::copy(weights.join("nanodet_g_320_w8.toml"), &path).unwrap();
    path
}

#[test]
fn a_model_of_ones_own_is_signed_and_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path();
    let manifest = own_model(config);
    let (manifest, secret) = (manifest.to_str().unwrap(), config.join("secret.key"));
    let secret = secret.to_str().unwrap();
    let verify = || peregrine(config, &["model", "verify", manifest, "--backend", "tract"]);
    assert!(stderr(&verify()).contains("PG-0460"), "{}", stderr(&verify()));
    let made = peregrine(config, &["model", "keys", "new", secret]);
    let text = stdout(&made);
    let (public, id) = text.trim().split_once("\nid ").unwrap();
    assert!(peregrine(config, &["model", "sign", manifest, "--key", secret]).status.success());
    assert!(stderr(&verify()).contains("PG-0462"), "nobody trusts that key yet");
    assert!(peregrine(config, &["model", "keys", "trust", public, "--name", "fleet"]).status.success());
    let verified = verify();
    assert!(stdout(&verified).contains("signed by fleet"), "{}{}", stdout(&verified), stderr(&verified));
    let store = config.join("store");
    let push = |more: &[&str]| {
        peregrine(config, &[&["model", "push", store.to_str().unwrap(), manifest], more].concat())
    };
    assert!(stderr(&push(&[])).contains("no such folder"), "{}", stderr(&push(&[])));
    std::fs::create_dir(&store).unwrap();
    assert!(stdout(&push(&[])).contains("signed by fleet"), "{}", stderr(&push(&[])));
    // What lies there is whole, signature and notices included.
    let waiting = peregrine_models::update::waiting(&store).unwrap();
    let arrived = peregrine(config, &["model", "verify", waiting.to_str().unwrap(), "--backend", "tract"]);
    assert!(stdout(&arrived).contains("signed by fleet"), "{}{}", stdout(&arrived), stderr(&arrived));
    assert!(peregrine_models::update::Bundle::read(&waiting).is_ok());
    assert!(peregrine(config, &["model", "keys", "revoke", id, "--why", "lost"]).status.success());
    assert!(stderr(&verify()).contains("lost"));
    assert!(stderr(&push(&[])).contains("PG-0462") && push(&["--allow-unsigned"]).status.success());
    let allowed = peregrine(config, &["model", "verify", manifest, "--backend", "tract", "--allow-unsigned"]);
    assert!(stdout(&allowed).contains("NOT SIGNED"), "{}", stdout(&allowed));
}

/// The first photos of COCO's two sets, with their labels.
fn some_photos(shared: &Path, folder: &Path, count: usize) {
    for set in ["train", "val"] {
        for part in ["images", "labels"] {
            let target = folder.join(set).join(part);
            std::fs::create_dir_all(&target).unwrap();
            let mut files: Vec<_> = std::fs::read_dir(shared.join("images/coco").join(set).join(part))
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .collect();
            files.sort();
            for file in files.iter().take(count) {
                std::fs::copy(file, target.join(file.file_name().unwrap())).unwrap();
            }
        }
    }
}

/// What pip would download: the library of this machine in a wheel, with a provider's own beside it.
fn wheel(folder: &Path, library: &Path) -> PathBuf {
    let mut plugin = vec![0_u8; 64];
    plugin[..6].copy_from_slice(b"\x7fELF\x02\x01");
    plugin[18] = if cfg!(target_arch = "aarch64") { 183 } else { 62 };
    // Its section table would begin where the file ends.
    plugin[40] = 64;
    let name = library.file_name().unwrap().to_str().unwrap();
    let files = [
        (format!("onnxruntime/capi/{name}"), std::fs::read(library).unwrap()),
        ("onnxruntime/capi/libonnxruntime_providers_shared.so".to_owned(), plugin),
        ("onnxruntime/capi/onnxruntime_pybind11_state.so".to_owned(), b"of Python".to_vec()),
    ];
    let path =
        folder.join(format!("onnxruntime-1.32.0-cp311-cp311-manylinux_2_28_{}.whl", std::env::consts::ARCH));
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let mut record = String::new();
    for (name, bytes) in &files {
        zip.start_file(name.as_str(), stored).unwrap();
        zip.write_all(bytes).unwrap();
        record.push_str(&format!(
            "{name},sha256={},{}\n",
            url_safe(&peregrine_models::sha256(bytes)),
            bytes.len()
        ));
    }
    zip.start_file("onnxruntime-1.32.0.dist-info/RECORD", stored).unwrap();
    zip.write_all(record.as_bytes()).unwrap();
    zip.finish().unwrap();
    path
}

/// Base64 with `-` and `_`, from hexadecimal digits.
fn url_safe(hex: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bits: Vec<u8> = hex
        .chars()
        .flat_map(|digit| (0..4).rev().map(move |bit| (digit.to_digit(16).unwrap() >> bit & 1) as u8))
        .collect();
    let six = |bits: &[u8]| (0..6).fold(0, |n, at| n << 1 | usize::from(*bits.get(at).unwrap_or(&0)));
    bits.chunks(6).map(|bits| char::from(DIGITS[six(bits)])).collect()
}

/// On a machine without ONNX Runtime one command fetches it, makes an int8 network that holds, and writes it with a manifest that
/// loads as it promises. (pip is played: it copies a wheel that was made of this machine's library.)
#[test]
fn one_command_installs_what_it_needs_and_writes_a_model_that_holds() {
    let test = "one_command_installs_what_it_needs_and_writes_a_model_that_holds";
    let shared = std::env::var_os("PEREGRINE_SHARED")
        .map(PathBuf::from)
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"));
    let model = shared.join("models/fastestdet_352.onnx");
    if !model.is_file() {
        println!("SKIP {test}: needs ../shared/models/fastestdet_352.onnx (or set PEREGRINE_SHARED)");
        return;
    }
    let Ok((_, library)) = peregrine_models::backend::ort_environment(None) else {
        println!("SKIP {test}: no ONNX Runtime library (run `cargo xtask test`, or set ORT_DYLIB_PATH)");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    some_photos(&shared, root, 6);
    // What the fp32 network finds is the truth: it scores as well as can be.
    let load = LoadOptions {
        backend: BackendChoice::Ort,
        score_threshold: Some(0.3),
        trust: Trust::AllowUnsigned,
        ..LoadOptions::new(model.to_str().unwrap())
    };
    let mut fp32 = Detector::load(&load).unwrap();
    for path in Dataset::photos(&root.join("val")).unwrap() {
        let photo = Photo::read(&path).unwrap();
        let (w, h) = (photo.width as f32, photo.height as f32);
        let line = |d: &Detection| {
            let (x, y) = ((d.x + d.width / 2.0) / w, (d.y + d.height / 2.0) / h);
            format!("{} {x} {y} {} {}\n", d.label_index, d.width / w, d.height / h)
        };
        let labels: String = fp32.detect(&photo.view()).unwrap().iter().map(line).collect();
        std::fs::write(root.join("val/labels").join(path.with_extension("txt").file_name().unwrap()), labels)
            .unwrap();
    }
    let made = wheel(root, &library.canonicalize().unwrap());
    let bin = root.join("bin");
    std::fs::create_dir(&bin).unwrap();
    let pip = format!(
        "#!/bin/sh\nwhile [ $# -gt 0 ]; do [ \"$1\" = --dest ] && to=$2; shift; done\nexec cp '{}' \"$to\"\n",
        made.display()
    );
    std::fs::write(bin.join("python3"), pip).unwrap();
    assert!(Command::new("chmod").arg("755").arg(bin.join("python3")).status().unwrap().success());
    let cache = root.join("cache");
    let bare = |args: &[&str]| {
        let mut command = common::peregrine();
        command.args(args).env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
        command.env("XDG_CACHE_HOME", &cache).env("HOME", root).env_remove("ORT_DYLIB_PATH");
        command.env_remove("VIRTUAL_ENV").env_remove("LD_LIBRARY_PATH").output().unwrap()
    };
    let path = |name: &str| root.join(name).to_str().unwrap().to_owned();
    let (calib, val, out) = (path("train"), path("val"), path("out"));
    let quantize = |more: &[&str]| {
        let own =
            ["model", "quantize", model.to_str().unwrap(), "--calib", &calib, "--val", &val, "--out", &out];
        let small = [
            "--method",
            "percentile",
            "--max-drop",
            "0.49",
            "--search-photos",
            "2",
            "--sensitivity-photos",
            "1",
        ];
        bare(&[&own[..], &small, more].concat())
    };
    // Unless the system has one, which nothing here can hide.
    let all = Places::from_environment();
    let of_system = |mut folders: Vec<PathBuf>| {
        folders.retain(|folder| folder.starts_with("/usr") || folder.starts_with("/opt"));
        folders
    };
    let (python, system) = (of_system(all.python), of_system(all.system));
    let lacking = Places { env: None, cache: None, python, system }.candidates().is_empty();
    if lacking {
        let refused = quantize(&["--no-install"]);
        assert!(stderr(&refused).contains("PG-0420") && !Path::new(&out).exists(), "{}", stderr(&refused));
    }
    // Of a wheel that was there before.
    let stale = cache.join("peregrine/onnxruntime/libonnxruntime_providers_cuda.so");
    std::fs::create_dir_all(stale.parent().unwrap()).unwrap();
    std::fs::write(&stale, b"old").unwrap();
    let done = quantize(&[]);
    let (said, table) = (stderr(&done), stdout(&done));
    assert!(done.status.success(), "{said}{table}");
    assert!(!lacking || said.contains("none was found here") && said.contains("installed "), "{said}");
    let installed = |name: &str| cache.join("peregrine/onnxruntime").join(name).is_file();
    assert!(
        !lacking || installed("libonnxruntime_providers_shared.so"),
        "a provider's library goes with the main one"
    );
    assert!(!installed("onnxruntime_pybind11_state.so"));
    assert!(!lacking || !stale.exists());
    for words in ["AP50", "3 held out", "by other photos of this kind", "agreement", "layers stay in fp32"] {
        assert!(table.contains(words), "{words}: {table}");
    }
    let (network, manifest) = (path("out/fastestdet_352_int8.onnx"), path("out/fastestdet_352_int8.toml"));
    let size = |path: &str| std::fs::metadata(path).unwrap().len();
    assert!(size(&network) < 7 * size(model.to_str().unwrap()) / 10, "{}", size(&network));
    let read = Manifest::parse(&std::fs::read_to_string(&manifest).unwrap(), "written").unwrap();
    assert!(
        read.golden.is_some() && read.measured.len() == 1 && read.measured[0].ap > 0.4,
        "{:?}",
        read.measured
    );
    assert!(read.origin.contains("model quantize"), "{}", read.origin);
    let verified = bare(&["model", "verify", &manifest, "--backend", "ort", "--allow-unsigned"]);
    assert!(
        stdout(&verified).contains("gives the golden values"),
        "{}{}",
        stdout(&verified),
        stderr(&verified)
    );
}

/// The gate is not asked where it could only say yes: labels that name nothing, and a drop that is everything.
#[test]
fn a_gate_that_could_only_open_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    dataset(folder.path());
    for name in ["a", "b"] {
        std::fs::write(folder.path().join(format!("labels/{name}.txt")), "").unwrap();
    }
    let (data, out) = (folder.path().to_str().unwrap(), folder.path().join("out"));
    let quantize = |more: &str| {
        let own = ["model", "quantize", "nanodet_g_416_w8", "--calib", data, "--val", data, more, "--out"];
        let said = run(&[&own[..], &[out.to_str().unwrap()]].concat());
        assert!(!said.status.success() && !out.exists());
        stderr(&said)
    };
    let blank = quantize("--max-drop=0.01");
    assert!(blank.contains("PG-0483") && blank.contains("1 photos of the verdict"), "{blank}");
    for drop in ["--max-drop=1", "--max-drop=nan", "--max-drop=-2"] {
        assert!(quantize(drop).contains("0.01 for one hundredth"), "{drop}");
    }
}

/// The gate: more accuracy than fp32 has is asked for, so nothing may be written.
#[test]
fn nothing_is_written_when_too_much_is_lost() {
    let test = "nothing_is_written_when_too_much_is_lost";
    let shared = std::env::var_os("PEREGRINE_SHARED")
        .map(PathBuf::from)
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"));
    if !shared.join("models/fastestdet_352.onnx").is_file() {
        println!("SKIP {test}: needs ../shared/models/fastestdet_352.onnx (or set PEREGRINE_SHARED)");
        return;
    }
    if peregrine_models::backend::ort_environment(None).is_err() {
        println!("SKIP {test}: no ONNX Runtime library (run `cargo xtask test`, or set ORT_DYLIB_PATH)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // Four photos are enough for a refusal.
    some_photos(&shared, folder.path(), 4);
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (model, calib, val, out) =
        (shared.join("models/fastestdet_352.onnx"), path("train"), path("val"), path("out"));
    let refused = run(&[
        "model",
        "quantize",
        model.to_str().unwrap(),
        "--calib",
        &calib,
        "--val",
        &val,
        "--out",
        &out,
        "--method",
        "percentile",
        "--max-drop=-1",
        "--search-photos",
        "2",
        "--sensitivity-photos",
        "1",
    ]);
    assert!(!refused.status.success());
    assert!(stderr(&refused).contains("PG-0481"), "{}", stderr(&refused));
    assert!(!Path::new(&out).exists(), "something was written");
    let table = stdout(&refused);
    assert!(
        table.contains("AP50") && table.contains("by other photos of this kind"),
        "the table is shown all the same"
    );
    assert!(table.contains("WARNING") && table.contains("true boxes are few"), "{table}");
}
