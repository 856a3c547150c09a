//! Installing ONNX Runtime from a wheel: what is no wheel is refused and leaves nothing behind; a real one works.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests; clippy sees only #[test] functions as such

use std::io::Write;
use std::path::{Path, PathBuf};

use peregrine_models::setup::install_onnxruntime;

/// The file name pip gives a wheel for this machine.
fn wheel_name() -> Option<String> {
    match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", arch) => Some(format!("onnxruntime-1.32.0-cp311-cp311-manylinux_2_28_{arch}.whl")),
        _ => None,
    }
}

fn wheel(folder: &Path, files: &[(&str, &[u8])]) -> Option<PathBuf> {
    let path = folder.join(wheel_name()?);
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
    for (name, bytes) in files {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
    Some(path)
}

const LIBRARY: &str = "onnxruntime/capi/libonnxruntime.so.1.32.0";
const RECORD: &str = "onnxruntime-1.32.0.dist-info/RECORD";

#[track_caller]
fn refused(folder: &Path, code: &str, part: &str) {
    let cache = folder.join("cache");
    let error = install_onnxruntime(folder, &cache).unwrap_err();
    assert_eq!(error.code(), code, "{error}");
    assert!(error.to_string().contains(part), "`{part}` is missing in: {error}");
    let left: Vec<_> = std::fs::read_dir(&cache).into_iter().flatten().collect();
    assert!(left.is_empty(), "the cache holds {left:?}");
}

#[test]
fn what_is_no_wheel_is_refused_and_leaves_nothing() {
    if wheel_name().is_none() {
        println!("SKIP what_is_no_wheel_is_refused_and_leaves_nothing: wheels are made for Linux here");
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let folder = root.path();
    refused(&folder.join("nowhere"), "PG-0401", "nowhere");
    refused(folder, "PG-0450", "pip download");
    std::fs::write(folder.join("onnxruntime-1.32.0-cp311-cp311-win_amd64.whl"), b"x").unwrap();
    refused(folder, "PG-0450", "pip download");
    let record = |hash: &str| format!("other.py,sha256=x,1\n{LIBRARY},sha256={hash},10\n");
    wheel(folder, &[("onnxruntime/x.py", b""), (RECORD, b"")]).unwrap();
    refused(folder, "PG-0451", "capi/libonnxruntime");
    wheel(folder, &[(LIBRARY, b"not a library")]);
    refused(folder, "PG-0451", "RECORD");
    wheel(folder, &[(LIBRARY, b"not a library"), (RECORD, b"")]);
    refused(folder, "PG-0451", "lists no SHA-256");
    wheel(folder, &[(LIBRARY, b"not a library"), (RECORD, record("AAAA").as_bytes())]);
    refused(folder, "PG-0451", "AAAA");
    // python3: base64.urlsafe_b64encode(hashlib.sha256(b"not a library").digest())
    let right = record("9rsDTs3WUjmXHPL7xJy27O8NwKGS5AwohOaOM0ZQPmk");
    wheel(folder, &[(LIBRARY, b"not a library"), (RECORD, right.as_bytes())]);
    refused(folder, "PG-0421", "no ELF");
    // A provider's library is held to the list like the main one, and comes before it.
    let plugin = "onnxruntime/capi/libonnxruntime_providers_cuda.so";
    wheel(folder, &[(LIBRARY, b"not a library"), (plugin, b"x"), (RECORD, right.as_bytes())]);
    refused(folder, "PG-0451", &format!("lists no SHA-256 of {plugin}"));
    let path = wheel(folder, &[(LIBRARY, b"not a library"), (RECORD, right.as_bytes())]).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for length in [0, 10, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&path, &whole[..length]).unwrap();
        refused(folder, "PG-0451", "fetch it again");
    }
}

/// With `PEREGRINE_WHEELS` naming a folder into which pip downloaded onnxruntime.
#[test]
fn a_real_wheel_installs_and_runs() {
    let Some(folder) = std::env::var_os("PEREGRINE_WHEELS").map(PathBuf::from) else {
        println!(
            "SKIP a_real_wheel_installs_and_runs: PEREGRINE_WHEELS names no folder with an onnxruntime wheel"
        );
        return;
    };
    let cache = tempfile::tempdir().unwrap();
    let installed = install_onnxruntime(&folder, cache.path()).unwrap();
    assert!(installed.library.starts_with(cache.path()) && installed.library.is_file());
    assert_eq!(installed.sha256.len(), 64);
    assert!(installed.report.starts_with("nanodet_g_416_int8 on ONNX Runtime"), "{}", installed.report);
    println!("{installed:?}");
    // A second time is harmless: the same library under the same name.
    assert_eq!(install_onnxruntime(&folder, cache.path()).unwrap(), installed);
}
