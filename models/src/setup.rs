//! Installing the ONNX Runtime library from a wheel somebody else fetched. No network is touched here: the caller runs
//! `python3 -m pip download --no-deps onnxruntime` into a folder and hands the folder over.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::backend::library::{check_file, is_library};
use crate::model::sha256;
use crate::{BackendChoice, Detector, Error, LoadOptions, Result};

/// What was installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// The library in the cache.
    pub library: PathBuf,
    /// Its SHA-256, 64 hexadecimal digits, equal to the one the wheel's own RECORD lists.
    pub sha256: String,
    /// File name of the wheel it came from.
    pub wheel: String,
    /// [`Detector::backend_report`] of the test inference.
    pub report: String,
}

/// Extracts the library of the newest wheel in `wheel_dir` that suits this machine into `cache_dir` (usually
/// [`crate::backend::library::cache_dir`]), checks its hash against the wheel's RECORD, and runs one inference of the
/// default model with it.
///
/// The library appears in the cache under its final name only when it is whole. If this process has loaded another
/// ONNX Runtime already, the inference cannot be run: that is an error, and the library stays installed.
///
/// # Errors
/// `PG-0450` without a suitable wheel, `PG-0451` for a damaged one, `PG-0401` when the cache cannot be written, and
/// everything [`Detector::load`] gives.
pub fn install_onnxruntime(wheel_dir: &Path, cache_dir: &Path) -> Result<Installed> {
    let wheel = newest_wheel(wheel_dir)?;
    let (name, bytes) = library_of(&wheel)?;
    let hash = sha256(&bytes);
    let write =
        |path: &Path, source| Error::File { action: "write the library", path: path.to_owned(), source };
    std::fs::create_dir_all(cache_dir).map_err(|source| write(cache_dir, source))?;
    let library = cache_dir.join(name);
    let partial = library.with_extension(format!("partial-{}", std::process::id()));
    let moved = std::fs::write(&partial, &bytes)
        .and_then(|()| check_written(&partial, &bytes))
        .map_err(|source| write(&library, source))
        .and_then(|()| check_file(&partial))
        .and_then(|()| std::fs::rename(&partial, &library).map_err(|source| write(&library, source)));
    if let Err(error) = moved {
        // Best effort: the error that matters is the one reported.
        let _ = std::fs::remove_file(&partial);
        return Err(error);
    }
    let options = LoadOptions {
        backend: BackendChoice::Ort,
        ort_library: Some(library.clone()),
        ..LoadOptions::default()
    };
    let report = Detector::load(&options)?.backend_report().to_owned();
    let wheel = wheel.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Installed { library, sha256: hash, wheel, report })
}

/// A full disk may show only when the file is read back.
fn check_written(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if std::fs::metadata(path)?.len() == bytes.len() as u64 {
        return Ok(());
    }
    Err(std::io::Error::other("the file is shorter than what was written; is the disk full?"))
}

/// What the end of a wheel's name says about the machines it is for, on this one.
fn platform() -> String {
    format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)
}

fn suits(name: &str) -> bool {
    let Some(tags) = name.strip_suffix(".whl").and_then(|stem| stem.rsplit('-').next()) else { return false };
    let arch = match std::env::consts::ARCH {
        "aarch64" if cfg!(target_os = "macos") => "arm64",
        "x86_64" if cfg!(target_os = "windows") => "amd64",
        arch => arch,
    };
    let system = match std::env::consts::OS {
        "linux" => "linux",
        "macos" => "macosx",
        "windows" => "win",
        other => other,
    };
    tags.contains(system) && (tags.contains(arch) || tags.contains("universal2"))
}

fn newest_wheel(folder: &Path) -> Result<PathBuf> {
    let entries = std::fs::read_dir(folder).map_err(|source| Error::File {
        action: "list the folder with the wheel",
        path: folder.to_owned(),
        source,
    })?;
    let version = |name: &str| -> Vec<u32> {
        name.split('-').nth(1).unwrap_or_default().split('.').map(|part| part.parse().unwrap_or(0)).collect()
    };
    entries
        .flatten()
        .map(|entry| entry.path())
        .filter_map(|path| Some((path.file_name()?.to_str()?.to_owned(), path)))
        .filter(|(name, _)| name.starts_with("onnxruntime") && suits(name))
        .max_by_key(|(name, _)| (version(name), name.clone()))
        .map(|(_, path)| path)
        .ok_or_else(|| Error::WheelMissing { folder: folder.to_owned(), platform: platform() })
}

/// Name and bytes of the library in a wheel, checked against the wheel's RECORD.
fn library_of(wheel: &Path) -> Result<(String, Vec<u8>)> {
    let bad = |detail: String| Error::Wheel { path: wheel.to_owned(), detail };
    let file = std::fs::File::open(wheel).map_err(|source| Error::File {
        action: "read the wheel",
        path: wheel.to_owned(),
        source,
    })?;
    let mut archive = zip::ZipArchive::new(file).map_err(|error| bad(error.to_string()))?;
    let names: Vec<String> = archive.file_names().map(str::to_owned).collect();
    let entry = names.iter().filter(|name| name.contains("/capi/") && is_library(Path::new(name))).max();
    let entry = entry.ok_or_else(|| bad("it holds no capi/libonnxruntime".to_owned()))?;
    let record = names.iter().find(|name| name.ends_with(".dist-info/RECORD"));
    let record = record.ok_or_else(|| bad("it holds no RECORD".to_owned()))?;
    let mut extract = |name: &str, limit: u64| -> Result<Vec<u8>> {
        let entry = archive.by_name(name).map_err(|error| bad(error.to_string()))?;
        let mut bytes = Vec::new();
        entry.take(limit).read_to_end(&mut bytes).map_err(|error| bad(format!("{name}: {error}")))?;
        Ok(bytes)
    };
    let record = String::from_utf8_lossy(&extract(record, 1 << 22)?).into_owned();
    let bytes = extract(entry, 1 << 30)?;
    let expected = record
        .lines()
        .filter_map(|line| line.strip_prefix(entry.as_str())?.strip_prefix(",sha256=")?.split(',').next())
        .next()
        .ok_or_else(|| bad(format!("its RECORD lists no SHA-256 of {entry}")))?;
    let found = base64_of_hash(&bytes);
    if expected.trim_end_matches('=') != found {
        return Err(bad(format!("{entry} has SHA-256 {found} (base64), its RECORD lists {expected}")));
    }
    let name = Path::new(entry).file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok((name, bytes))
}

/// SHA-256 in URL-safe base64 without padding, as RECORD files write it.
fn base64_of_hash(bytes: &[u8]) -> String {
    use sha2::Digest;
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let hash = sha2::Sha256::digest(bytes);
    let mut text = String::with_capacity(43);
    for group in hash.chunks(3) {
        let bits =
            group.iter().enumerate().fold(0u32, |bits, (i, byte)| bits | u32::from(*byte) << (16 - 8 * i));
        for digit in 0..=group.len() {
            text.push(char::from(DIGITS[(bits >> (18 - 6 * digit)) as usize & 63]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_as_pip_writes_it() {
        // python3: base64.urlsafe_b64encode(hashlib.sha256(b"").digest()).rstrip(b"=")
        assert_eq!(base64_of_hash(b""), "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU");
    }

    #[test]
    fn wheels_for_other_machines_are_passed_over() {
        let here = match (std::env::consts::OS, std::env::consts::ARCH) {
            ("linux", arch) => format!("manylinux_2_28_{arch}"),
            _ => return,
        };
        assert!(suits(&format!("onnxruntime-1.32.0-cp311-cp311-{here}.whl")));
        assert!(!suits("onnxruntime-1.32.0-cp311-cp311-win_amd64.whl"));
        assert!(!suits("onnxruntime-1.32.0-cp311-cp311-manylinux_2_28_riscv64.whl"));
        assert!(!suits("onnxruntime-1.32.0.tar.gz"));
    }
}
