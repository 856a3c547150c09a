//! Finding the ONNX Runtime library: explicit path, `ORT_DYLIB_PATH`, Peregrine's cache (where `peregrine setup` puts
//! it), Python's site-packages, the system's library folders. Only folders are listed; nothing is run.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// Where the library may lie: read from the environment once, or made up by a test.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// `ORT_DYLIB_PATH`: one file, or a folder that holds it.
    pub env: Option<PathBuf>,
    /// Peregrine's own cache folder for it.
    pub cache: Option<PathBuf>,
    /// `site-packages` folders to look below.
    pub python: Vec<PathBuf>,
    /// Library folders.
    pub system: Vec<PathBuf>,
}

impl Places {
    /// As this process sees them.
    pub fn from_environment() -> Self {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let home = variable("HOME").map(PathBuf::from);
        let mut python = Vec::new();
        let roots =
            [variable("VIRTUAL_ENV").map(PathBuf::from), home.as_ref().map(|home| home.join(".local"))];
        for root in roots.into_iter().flatten().chain([PathBuf::from("/usr/local"), PathBuf::from("/usr")]) {
            for folder in list(&root.join("lib")).filter(|folder| starts_with(folder, "python3")) {
                python.extend([folder.join("site-packages"), folder.join("dist-packages")]);
            }
        }
        let search = variable("LD_LIBRARY_PATH")
            .map(|paths: OsString| std::env::split_paths(&paths).collect::<Vec<_>>());
        let mut system: Vec<PathBuf> = search.unwrap_or_default();
        let triple = format!("{}-linux-gnu", std::env::consts::ARCH);
        for folder in
            ["/usr/local/lib", "/usr/lib", "/usr/lib64", "/opt/onnxruntime/lib", "/opt/homebrew/lib"]
        {
            system.extend([Path::new(folder).join(&triple), PathBuf::from(folder)]);
        }
        Self { env: variable("ORT_DYLIB_PATH").map(PathBuf::from), cache: cache_dir(), python, system }
    }

    /// Library files that exist, best first, without duplicates.
    pub fn candidates(&self) -> Vec<PathBuf> {
        let mut found: Vec<PathBuf> = Vec::new();
        let folders =
            self.cache.iter().cloned().chain(self.python.iter().map(|p| p.join("onnxruntime").join("capi")));
        if let Some(env) = &self.env {
            found.extend(if env.is_dir() { libraries_in(env) } else { vec![env.clone()] });
        }
        for folder in folders.chain(self.system.iter().cloned()) {
            for library in libraries_in(&folder) {
                if !found.contains(&library) {
                    found.push(library);
                }
            }
        }
        found
    }

    /// The same for an execution provider. Most lie in a library of their own beside the main one: where that is there, the main
    /// one comes first, but after what the user named.
    pub fn candidates_for(&self, provider: &str) -> Vec<PathBuf> {
        let mut found = self.candidates();
        let plugin = format!("libonnxruntime_providers_{provider}.so");
        let is_named = |path: &&PathBuf| self.env.as_ref().is_some_and(|env| path.starts_with(env));
        let named = found.iter().take_while(is_named).count();
        found[named..].sort_by_key(|path| !path.with_file_name(&plugin).is_file());
        found
    }

    /// The places in words, for messages.
    pub fn describe(&self) -> String {
        let env = self.env.as_ref().map_or("unset".to_owned(), |path| path.display().to_string());
        let cache = self.cache.as_ref().map_or("none".to_owned(), |path| path.display().to_string());
        format!(
            "ORT_DYLIB_PATH ({env}), the cache {cache}, onnxruntime/capi in {} Python folders, {} library folders",
            self.python.len(),
            self.system.len()
        )
    }
}

/// The folder `peregrine setup` installs into: `$XDG_CACHE_HOME/peregrine/onnxruntime`, or below `~/.cache`.
pub fn cache_dir() -> Option<PathBuf> {
    Some(cache_home()?.join("peregrine").join("onnxruntime"))
}

/// `$XDG_CACHE_HOME`, or `~/.cache`.
pub(super) fn cache_home() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    variable("XDG_CACHE_HOME").or_else(|| variable("HOME").map(|home| home.join(".cache")))
}

/// Libraries of a folder, the newest version first.
fn libraries_in(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = list(folder).filter(|path| is_library(path)).collect();
    found.sort_by_key(|path| std::cmp::Reverse((version_of(path), path.clone())));
    found
}

/// Whether a file name is one ONNX Runtime's main library has: not one of its provider plug-ins.
pub(crate) fn is_library(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    let numbers = |rest: &str| rest.split('.').skip(1).all(|part| part.bytes().all(|b| b.is_ascii_digit()));
    name.strip_prefix("libonnxruntime.so")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.') && numbers(rest))
        || name.starts_with("libonnxruntime.") && name.ends_with(".dylib")
        || name == "onnxruntime.dll"
}

/// The numbers in a library's file name: `libonnxruntime.so.1.32.0` gives [1, 32, 0].
pub(crate) fn version_of(path: &Path) -> Vec<u32> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.split('.').filter_map(|part| part.parse().ok()).collect()
}

fn starts_with(path: &Path, prefix: &str) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix))
}

fn list(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    entries.sort();
    entries.into_iter()
}

/// Refuses files the system's loader would crash on: mapping a library that is cut off ends in SIGBUS, not in an error.
///
/// # Errors
/// `PG-0401` if it cannot be read, `PG-0421` if it is no whole shared library.
pub fn check_file(path: &Path) -> Result<()> {
    use std::io::Read;
    let file_error = |source| Error::File { action: "read the library", path: path.to_owned(), source };
    let broken = |detail: String| Error::LibraryBroken { path: path.to_owned(), detail };
    let mut file = std::fs::File::open(path).map_err(file_error)?;
    let length = file.metadata().map_err(file_error)?.len();
    let mut header = [0u8; 64];
    let whole_header = file.read_exact(&mut header).is_ok();
    if !cfg!(target_os = "linux") {
        return if whole_header { Ok(()) } else { Err(broken(format!("it has only {length} bytes"))) };
    }
    if !whole_header || header[..4] != *b"\x7fELF" {
        return Err(broken(format!("it is no ELF shared library ({length} bytes)")));
    }
    if header[4] != 2 || header[5] != 1 {
        return Err(broken("it is not a 64 bit little-endian library".to_owned()));
    }
    let number = |at: usize, bytes: usize| {
        header[at..at + bytes].iter().rev().fold(0u64, |n, b| n << 8 | u64::from(*b))
    };
    let machine = match std::env::consts::ARCH {
        "x86_64" => Some(62),
        "aarch64" => Some(183),
        _ => None,
    };
    if machine.is_some_and(|machine| number(18, 2) != machine) {
        return Err(broken(format!("it is for another processor (ELF machine {})", number(18, 2))));
    }
    // The section table is the last thing a linker writes: if it is inside, the file is whole.
    let end = number(40, 8).saturating_add(number(58, 2) * number(60, 2));
    if end > length || number(40, 8) == 0 {
        return Err(broken(format!("it is cut off: {length} bytes of at least {end}")));
    }
    Ok(())
}

/// Whether a file is a whole shared library for this machine (see [`check_file`]).
pub fn is_usable(path: &Path) -> bool {
    check_file(path).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_and_versions() {
        let version = |name: &str| version_of(Path::new(name));
        assert!(is_library(Path::new("/x/libonnxruntime.so.1.32.0")));
        assert!(is_library(Path::new("libonnxruntime.so")));
        assert!(is_library(Path::new("libonnxruntime.1.20.1.dylib")));
        assert!(!is_library(Path::new("libonnxruntime_providers_shared.so")));
        assert!(!is_library(Path::new("libonnxruntime.so.bak")));
        assert!(version("libonnxruntime.so.1.9.0") < version("libonnxruntime.so.1.18.0"));
    }

    #[test]
    fn the_order_is_environment_cache_python_system() {
        let root = tempfile::tempdir().unwrap();
        let make = |path: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, b"x").unwrap();
            path
        };
        let env = make("env/mine.so");
        let old = make("cache/libonnxruntime.so.1.9.0");
        let new = make("cache/libonnxruntime.so.1.32.0");
        let python = make("site-packages/onnxruntime/capi/libonnxruntime.so.1.20.0");
        let system = make("lib/libonnxruntime.so.1");
        let places = Places {
            env: Some(env.clone()),
            cache: Some(root.path().join("cache")),
            python: vec![root.path().join("site-packages")],
            system: vec![root.path().join("lib")],
        };
        assert_eq!(places.candidates(), [env, new, old, python, system]);
        assert_eq!(Places::default().candidates(), Vec::<PathBuf>::new());
        // Python's has the provider asked for, the others have not.
        make("site-packages/onnxruntime/capi/libonnxruntime_providers_cuda.so");
        let [env, new, old, python, system] = <[PathBuf; 5]>::try_from(places.candidates()).unwrap();
        assert_eq!(places.candidates_for("cuda"), [&env, &python, &new, &old, &system].map(Clone::clone));
        assert_eq!(places.candidates_for("cpu"), [env, new, old, python, system]);
    }

    #[test]
    fn what_is_no_library_is_refused_before_it_is_loaded() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("libonnxruntime.so");
        assert_eq!(check_file(&path).unwrap_err().code(), "PG-0401");
        for bytes in [&b""[..], b"hello", &[0x7f; 4096]] {
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(check_file(&path).unwrap_err().code(), "PG-0421");
        }
        // A real shared library that is cut in half: our own executable.
        if cfg!(target_os = "linux") {
            let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
            std::fs::write(&path, &own).unwrap();
            check_file(&path).unwrap();
            std::fs::write(&path, &own[..own.len() / 2]).unwrap();
            assert!(check_file(&path).unwrap_err().to_string().contains("cut off"));
        }
    }
}
