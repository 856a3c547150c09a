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

/// Extracts the libraries of the newest wheel in `wheel_dir` that suits this machine into `cache_dir` (usually
/// [`crate::backend::library::cache_dir`]), checks their hashes against the wheel's RECORD, and runs one inference of the
/// default model with them.
///
/// A wheel with more providers (`onnxruntime-gpu`, `onnxruntime-openvino`) has them in libraries of their own, which ONNX Runtime loads
/// from its own folder: they are extracted before it. It appears in the cache under its final name last, when all is whole, and takes
/// the place of the one that was there: of two versions the newer would be chosen whatever was installed last. If this process has
/// loaded another ONNX Runtime already, the inference cannot be run: that is an error, and the library stays installed.
///
/// # Errors
/// `PG-0450` without a suitable wheel, `PG-0451` for a damaged one, `PG-0401` when the cache cannot be written, and
/// everything [`Detector::load`] gives.
pub fn install_onnxruntime(wheel_dir: &Path, cache_dir: &Path) -> Result<Installed> {
    let path = newest_wheel(wheel_dir)?;
    let mut wheel = Wheel::open(&path)?;
    let (main, others) = wheel.libraries()?;
    let mut written = Written { files: Vec::new(), whole: false };
    for entry in others.iter().chain([&main]) {
        let bytes = wheel.checked(entry)?;
        let place = cache_dir.join(file_name(entry));
        std::fs::create_dir_all(cache_dir).map_err(|source| failed(cache_dir, source))?;
        let partial = place.with_extension(format!("partial-{}", std::process::id()));
        let hash = sha256(&bytes);
        written.files.push((partial.clone(), place.clone(), hash));
        std::fs::write(&partial, &bytes)
            .and_then(|()| check_written(&partial, &bytes))
            .map_err(|source| failed(&place, source))?;
        check_file(&partial)?;
    }
    let (library, hash) = written.place(cache_dir)?;
    let options = LoadOptions {
        backend: BackendChoice::Ort,
        ort_library: Some(library.clone()),
        ..LoadOptions::default()
    };
    let report = Detector::load(&options)?.backend_report().to_owned();
    let wheel = file_name(&path.to_string_lossy());
    Ok(Installed { library, sha256: hash, wheel, report })
}

fn failed(path: &Path, source: std::io::Error) -> Error {
    Error::File { action: "write the library", path: path.to_owned(), source }
}

fn file_name(entry: &str) -> String {
    Path::new(entry).file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Files on their way into the cache: partial name, final name, SHA-256. What does not arrive whole leaves nothing behind.
struct Written {
    files: Vec<(PathBuf, PathBuf, String)>,
    whole: bool,
}

impl Written {
    /// Gives each its final name, the main library's last, once those of another wheel are gone; its place and hash.
    fn place(mut self, cache_dir: &Path) -> Result<(PathBuf, String)> {
        let own: Vec<&PathBuf> = self.files.iter().flat_map(|(partial, place, _)| [partial, place]).collect();
        for entry in std::fs::read_dir(cache_dir).map_err(|source| failed(cache_dir, source))?.flatten() {
            let old = entry.path();
            if old.is_file() && is_shared(&old) && !own.contains(&&old) {
                std::fs::remove_file(&old).map_err(|source| failed(&old, source))?;
            }
        }
        for (partial, place, _) in &self.files {
            std::fs::rename(partial, place).map_err(|source| failed(place, source))?;
        }
        self.whole = true;
        let (_, library, hash) = self.files.last().cloned().unwrap_or_default();
        Ok((library, hash))
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        for (partial, ..) in self.files.iter().filter(|_| !self.whole) {
            // Best effort: the error that matters is the one reported.
            let _ = std::fs::remove_file(partial);
        }
    }
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

/// Whether a file is a shared library: ONNX Runtime's, one of its providers', or what those bring along. (Python's own module of the
/// wheel is none of them.)
fn is_shared(path: &Path) -> bool {
    let name = file_name(&path.to_string_lossy());
    let ends = name.ends_with(".so") || name.contains(".so.") || name.ends_with(".dylib");
    !name.contains(".partial-") && (name.starts_with("lib") && ends || name.ends_with(".dll"))
}

/// A wheel and its list of hashes.
struct Wheel {
    path: PathBuf,
    archive: zip::ZipArchive<std::fs::File>,
    record: String,
}

impl Wheel {
    fn open(path: &Path) -> Result<Self> {
        let file = std::fs::File::open(path).map_err(|source| Error::File {
            action: "read the wheel",
            path: path.to_owned(),
            source,
        })?;
        let bad = |detail: String| Error::Wheel { path: path.to_owned(), detail };
        let archive = zip::ZipArchive::new(file).map_err(|error| bad(error.to_string()))?;
        Ok(Self { path: path.to_owned(), archive, record: String::new() })
    }

    fn bad(&self, detail: String) -> Error {
        Error::Wheel { path: self.path.clone(), detail }
    }

    /// Entries of the main library and of the others; reads RECORD.
    fn libraries(&mut self) -> Result<(String, Vec<String>)> {
        let names: Vec<String> = self.archive.file_names().map(str::to_owned).collect();
        let inside = names.iter().filter(|name| name.contains("/capi/"));
        let mut all: Vec<String> = inside.filter(|name| is_shared(Path::new(name))).cloned().collect();
        all.sort();
        let main = all.iter().filter(|name| is_library(Path::new(name))).max().cloned();
        let main = main.ok_or_else(|| self.bad("it holds no capi/libonnxruntime".to_owned()))?;
        let record = names.iter().find(|name| name.ends_with(".dist-info/RECORD"));
        let record = record.ok_or_else(|| self.bad("it holds no RECORD".to_owned()))?;
        self.record = String::from_utf8_lossy(&self.extract(record, 1 << 22)?).into_owned();
        all.retain(|name| !is_library(Path::new(name)));
        Ok((main, all))
    }

    fn extract(&mut self, name: &str, limit: u64) -> Result<Vec<u8>> {
        let path = self.path.clone();
        let bad = |detail: String| Error::Wheel { path: path.clone(), detail };
        let entry = self.archive.by_name(name).map_err(|error| bad(error.to_string()))?;
        let mut bytes = Vec::new();
        entry.take(limit).read_to_end(&mut bytes).map_err(|error| bad(format!("{name}: {error}")))?;
        Ok(bytes)
    }

    /// The bytes of an entry, if they are those that RECORD lists.
    fn checked(&mut self, entry: &str) -> Result<Vec<u8>> {
        let bytes = self.extract(entry, 1 << 31)?;
        let listed = |line: &str| {
            line.strip_prefix(entry)?.strip_prefix(",sha256=")?.split(',').next().map(str::to_owned)
        };
        let expected = self.record.lines().find_map(listed);
        let expected = expected.ok_or_else(|| self.bad(format!("its RECORD lists no SHA-256 of {entry}")))?;
        let found = base64_of_hash(&bytes);
        if expected.trim_end_matches('=') != found {
            return Err(
                self.bad(format!("{entry} has SHA-256 {found} (base64), its RECORD lists {expected}"))
            );
        }
        Ok(bytes)
    }
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
