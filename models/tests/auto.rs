//! Which engine `auto` takes, in processes of their own: the environment decides, and a process loads one library only.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests; clippy sees only #[test] functions as such

mod common;

use std::path::Path;
use std::process::Command;

use peregrine_models::backend::library::Places;
use peregrine_models::{BackendChoice, Detector, LoadOptions};

/// The variable that makes [`child`] act: the backend to ask for.
const BACKEND: &str = "PEREGRINE_TEST_BACKEND";

/// Not a test of its own: prints the report or the error of a load in the environment it is started with.
#[test]
fn child() {
    let Ok(backend) = std::env::var(BACKEND) else { return };
    let backend: BackendChoice = backend.parse().unwrap();
    match Detector::load(&LoadOptions { backend, ..LoadOptions::default() }) {
        Ok(detector) => println!("REPORT {}", detector.backend_report()),
        Err(error) => println!("REPORT {error}"),
    }
}

/// The report of a load with `ORT_DYLIB_PATH` set to `library` or unset, and a home without anything.
fn report(backend: &str, library: Option<&Path>) -> String {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["child", "--exact", "--nocapture"]).env(BACKEND, backend).env("HOME", home.path());
    for unset in ["ORT_DYLIB_PATH", "XDG_CACHE_HOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH"] {
        command.env_remove(unset);
    }
    if let Some(library) = library {
        command.env("ORT_DYLIB_PATH", library);
    }
    let output = command.output().unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(!text.contains("panicked"), "{text}");
    let line = text.lines().find_map(|line| line.split_once("REPORT ")).unwrap_or_else(|| panic!("{text}"));
    line.1.to_owned()
}

#[test]
fn without_a_library() {
    let system = Places { env: None, cache: None, ..Places::from_environment() };
    if !system.candidates().is_empty() {
        println!("SKIP without_a_library: this machine has an ONNX Runtime in {:?}", system.candidates());
        return;
    }
    let auto = report("auto", None);
    assert!(auto.starts_with("nanodet_g_320_w8 on tract"), "{auto}");
    assert!(auto.contains("no ONNX Runtime library was found") && auto.contains("peregrine setup"), "{auto}");
    let ort = report("ort", None);
    assert!(ort.starts_with("PG-0420") && ort.contains("ORT_DYLIB_PATH (unset)"), "{ort}");
    let tract = report("tract", None);
    assert!(tract.starts_with("nanodet_g_320_w8 on tract") && !tract.contains("chosen"), "{tract}");
}

#[test]
fn with_a_broken_library() {
    let root = tempfile::tempdir().unwrap();
    let library = root.path().join("libonnxruntime.so");
    std::fs::write(&library, b"no library").unwrap();
    let auto = report("auto", Some(&library));
    assert!(auto.starts_with("nanodet_g_320_w8 on tract"), "{auto}");
    assert!(auto.contains("cannot be used: PG-0421"), "{auto}");
    let ort = report("ort", Some(&library));
    assert!(ort.starts_with("PG-0421") && ort.contains("libonnxruntime.so"), "{ort}");
}

#[test]
fn with_a_working_library() {
    let Some(library) = common::ort_library("with_a_working_library") else { return };
    let auto = report("auto", Some(&library));
    assert!(auto.starts_with("nanodet_g_416_int8 on ONNX Runtime"), "{auto}");
    assert!(auto.contains("chosen because an ONNX Runtime library was found"), "{auto}");
    // The real library cut in half: the system's loader would crash on it.
    let root = tempfile::tempdir().unwrap();
    let half = root.path().join("libonnxruntime.so");
    let bytes = std::fs::read(&library).unwrap();
    std::fs::write(&half, &bytes[..bytes.len() / 2]).unwrap();
    let ort = report("ort", Some(&half));
    assert!(ort.starts_with("PG-0421") && ort.contains("cut off"), "{ort}");
}

/// A library that says it is ONNX Runtime 1.17, made with the system's C compiler.
#[test]
fn with_an_old_library() {
    let root = tempfile::tempdir().unwrap();
    let (source, library) = (root.path().join("old.c"), root.path().join("libonnxruntime.so.1.17.3"));
    let code = "static const void *api(unsigned version) { (void)version; return 0; }\n\
                static const char *version(void) { return \"1.17.3\"; }\n\
                static struct { const void *(*api)(unsigned); const char *(*version)(void); } base = {api, version};\n\
                void *OrtGetApiBase(void) { return &base; }\n";
    std::fs::write(&source, code).unwrap();
    let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status();
    if !built.is_ok_and(|status| status.success()) {
        println!("SKIP with_an_old_library: no C compiler `cc`");
        return;
    }
    let ort = report("ort", Some(&library));
    assert!(ort.starts_with("PG-0422") && ort.contains("1.17.3") && ort.contains("1.18"), "{ort}");
    let auto = report("auto", Some(&library));
    assert!(auto.starts_with("nanodet_g_320_w8 on tract") && auto.contains("PG-0422"), "{auto}");
}
