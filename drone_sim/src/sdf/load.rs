//! The loader's front: where to look, how much to read, what to do with what is missing.

use std::path::{Path, PathBuf};

use super::audit;
use super::parse::Parser;
use super::report::Report;
use super::types::{Light, SdfModel, SdfWorld};
use crate::error::{Place, Result, SimError};

/// How `<mesh>` and `<heightmap>` are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MeshPolicy {
    /// Files are read; what cannot be is left out, with a warning.
    #[default]
    Load,
    /// No file is read; meshes are left out and listed in the report.
    Skip,
    /// Files are read; a box of the mesh's scale stands in for what cannot be, with a warning.
    Placeholder,
}

/// Bounds against hostile or runaway files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one file.
    pub bytes: u64,
    /// Elements of one file.
    pub elements: u64,
    /// Elements of all files together, as often as each is included.
    pub all_elements: u64,
    /// Depth of elements in one file.
    pub depth: usize,
    /// Depth of models inside models, across files.
    pub nested_models: usize,
    /// Includes in all.
    pub includes: u64,
    /// Files that include each other in a row.
    pub include_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 64 << 20,
            elements: 2_000_000,
            all_elements: 8_000_000,
            depth: 128,
            nested_models: 32,
            includes: 20_000,
            include_depth: 16,
        }
    }
}

/// Loads SDF files.
#[derive(Debug, Clone)]
pub struct Loader {
    /// Folders that hold models, searched in order.
    pub paths: Vec<PathBuf>,
    /// Folders of the local Fuel cache.
    pub fuel_cache: Vec<PathBuf>,
    /// What to do with meshes.
    pub mesh: MeshPolicy,
    /// Leave out includes that cannot be found, with a warning, instead of failing.
    pub placeholders: bool,
    /// Bounds.
    pub limits: Limits,
    /// Whether includes may read files at all.
    pub(super) files: bool,
}

/// What a file holds.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The first world of the file, if there is one.
    pub world: Option<SdfWorld>,
    /// Models outside of worlds.
    pub models: Vec<SdfModel>,
    /// Lights outside of worlds.
    pub lights: Vec<Light>,
    /// What was not used.
    pub report: Report,
}

impl Default for Loader {
    fn default() -> Self {
        Self::new()
    }
}

impl Loader {
    /// A loader that searches nothing but the including file's surroundings.
    pub fn new() -> Self {
        Self {
            paths: Vec::new(),
            fuel_cache: Vec::new(),
            mesh: MeshPolicy::default(),
            placeholders: false,
            limits: Limits::default(),
            files: true,
        }
    }

    /// A loader with the paths of `GZ_SIM_RESOURCE_PATH`, `IGN_GAZEBO_RESOURCE_PATH`, `SDF_PATH`,
    /// `GAZEBO_MODEL_PATH` and `GAZEBO_RESOURCE_PATH`, in this order, and the Fuel cache of
    /// `GZ_FUEL_CACHE_PATH` or the home folder.
    pub fn from_env() -> Self {
        let mut loader = Self::new();
        let names = [
            "GZ_SIM_RESOURCE_PATH",
            "IGN_GAZEBO_RESOURCE_PATH",
            "SDF_PATH",
            "SDF_RESOURCE_PATH",
            "GAZEBO_MODEL_PATH",
            "GAZEBO_RESOURCE_PATH",
        ];
        for value in names.iter().filter_map(std::env::var_os) {
            loader.paths.extend(std::env::split_paths(&value).filter(|p| !p.as_os_str().is_empty()));
        }
        let caches = ["GZ_FUEL_CACHE_PATH", "IGN_FUEL_CACHE_PATH"];
        loader.fuel_cache.extend(caches.iter().filter_map(std::env::var_os).map(PathBuf::from));
        if let Some(home) = std::env::var_os("HOME").map(PathBuf::from) {
            loader.fuel_cache.extend([home.join(".gz/fuel"), home.join(".ignition/fuel")]);
        }
        loader
    }

    /// A loader that reads no file whatever the text says; for fuzzing and untrusted texts.
    pub fn without_files() -> Self {
        Self { files: false, mesh: MeshPolicy::Skip, ..Self::new() }
    }

    /// Loads a file.
    ///
    /// # Errors
    /// PG-1001 to PG-1012, each naming file, line, element, value and remedy.
    pub fn load_file(&self, path: &Path) -> Result<Loaded> {
        let text = self.read(path)?;
        let key = path.canonicalize().unwrap_or_else(|_| path.to_path_buf()).display().to_string();
        let folder = path.parent().map(|p| if p.as_os_str().is_empty() { Path::new(".") } else { p });
        self.load(&text, &path.display().to_string(), folder.map(PathBuf::from), key)
    }

    /// Loads a text; `name` stands for the file in errors. Relative includes find nothing.
    ///
    /// # Errors
    /// As [`Loader::load_file`].
    pub fn load_str(&self, text: &str, name: &str) -> Result<Loaded> {
        self.load(text, name, None, name.to_string())
    }

    fn load(&self, text: &str, name: &str, folder: Option<PathBuf>, key: String) -> Result<Loaded> {
        let mut parser = Parser::new(self);
        let mut root = parser.root(text, name, folder, key)?;
        root.models.iter().for_each(|m| parser.list_joints(m));
        let (models, lights) = parser.resolve_loose(&mut root)?;
        let more = root.worlds.len().saturating_sub(1);
        if more > 0 {
            parser
                .report
                .warn(format!("{name}: {more} more worlds in this file are left out, the first is used"));
        }
        if !root.actors.is_empty() {
            parser.unread.extend(root.actors.iter().map(|_| "sdf/actor".to_string()));
        }
        let world = root.worlds.into_iter().next();
        let mut report = parser.finish();
        audit::audit(world.as_ref(), &models, &mut report);
        Ok(Loaded { world, models, lights, report })
    }

    /// The text of a file; bytes that are not UTF-8 become replacement characters, as no name needs them.
    pub(super) fn read(&self, path: &Path) -> Result<String> {
        Ok(match String::from_utf8(self.read_bytes(path)?) {
            Ok(text) => text,
            Err(e) => String::from_utf8_lossy(e.as_bytes()).into_owned(),
        })
    }

    /// The bytes of a file, if they are not too many.
    pub(super) fn read_bytes(&self, path: &Path) -> Result<Vec<u8>> {
        let fail = |cause| SimError::Read { path: path.to_path_buf(), cause };
        let size = std::fs::metadata(path).map_err(fail)?.len();
        if size > self.limits.bytes {
            let place = Place { file: path.display().to_string().into(), line: 1 };
            let (what, limit) = ("the size of the file in bytes", self.limits.bytes);
            return Err(SimError::Limit { place, what, limit });
        }
        std::fs::read(path).map_err(fail)
    }
}

/// Fuzz entry: whatever the bytes, this returns, without touching a file.
pub fn fuzz(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(loaded) = Loader::without_files().load_str(&text, "fuzz") {
        let _ = loaded.report.to_string();
    }
}
