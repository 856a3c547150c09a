//! URIs of includes into files.

use std::path::{Path, PathBuf};

use super::load::Loader;
use super::xml;

/// Where the text of an include lies.
pub(super) enum Found {
    /// In a file.
    File(PathBuf),
    /// In this crate: text and name.
    BuiltIn(&'static str, &'static str),
}

/// The two models that nearly every world of Gazebo classic includes, for machines without Gazebo's model folder.
const BUILT_IN: &[(&str, &str)] = &[
    ("ground_plane", include_str!("../../worlds/models/ground_plane.sdf")),
    ("sun", include_str!("../../worlds/models/sun.sdf")),
];

impl Loader {
    /// The file that `uri` means, seen from a file in `folder`; else the places that were tried.
    ///
    /// `model://NAME` and bare names are looked up below each resource path, then beside the including file;
    /// `file://` and plain paths are taken as they are; Fuel URIs are looked up in the local cache only.
    pub(super) fn find(&self, uri: &str, folder: Option<&Path>) -> Result<Found, String> {
        let uri = uri.trim();
        let mut tried = Vec::new();
        if self.files {
            for candidate in self.candidates(uri, folder) {
                if let Some(file) = model_file(&candidate) {
                    return Ok(Found::File(file));
                }
                tried.push(candidate.display().to_string());
            }
        }
        let name = uri.strip_prefix("model://").map(|n| n.trim_end_matches('/'));
        if let Some((name, text)) = BUILT_IN.iter().find(|(n, _)| Some(*n) == name) {
            return Ok(Found::BuiltIn(text, name));
        }
        if !self.files {
            return Err("no files, as this text was loaded without a file system".to_string());
        }
        tried.truncate(8);
        Err(if tried.is_empty() { "nowhere, no resource path is set".to_string() } else { tried.join(", ") })
    }

    /// The file that a mesh's or texture's `uri` means; else the places that were tried.
    pub(super) fn resource(&self, uri: &str, folder: Option<&Path>) -> Result<PathBuf, String> {
        let uri = uri.trim();
        if !self.files {
            return Err("no files, as this text was loaded without a file system".to_string());
        }
        if uri.is_empty() {
            return Err("nowhere, the URI is empty".to_string());
        }
        let candidates = self.candidates(uri, folder);
        if let Some(found) = candidates.iter().find(|c| c.is_file()) {
            return Ok(found.clone());
        }
        let mut tried: Vec<String> = candidates.iter().map(|c| c.display().to_string()).collect();
        tried.truncate(8);
        Err(if tried.is_empty() { "nowhere, no resource path is set".to_string() } else { tried.join(", ") })
    }

    fn candidates(&self, uri: &str, folder: Option<&Path>) -> Vec<PathBuf> {
        if let Some(rest) = uri.strip_prefix("https://").or_else(|| uri.strip_prefix("http://")) {
            return fuel(rest, &self.fuel_cache);
        }
        if let Some(path) = uri.strip_prefix("file://") {
            let path = Path::new(path);
            if path.is_absolute() {
                return vec![path.to_path_buf()];
            }
            return folder.iter().map(|f| f.join(path)).collect();
        }
        let name = uri.strip_prefix("model://").or_else(|| uri.strip_prefix("package://"));
        let name = Path::new(name.unwrap_or(uri).trim_start_matches('/'));
        let is_model = uri.starts_with("model://") || uri.starts_with("package://");
        let mut out = Vec::new();
        if Path::new(uri).is_absolute() {
            out.push(PathBuf::from(uri));
        }
        if !is_model {
            out.extend(folder.map(|f| f.join(name)));
        }
        for path in &self.paths {
            out.push(path.join(name));
            if is_model {
                out.push(path.join("models").join(name));
            }
        }
        if let (true, Some(f)) = (is_model, folder) {
            out.extend([f.join(name), f.join("models").join(name)]);
            if let Some(parent) = f.parent() {
                out.extend([parent.join(name), parent.join("models").join(name)]);
            }
        }
        out
    }
}

/// Names that one Fuel server has had; a model that was fetched by one of them is found by the other.
const SERVERS: [&str; 4] =
    ["fuel.gazebosim.org", "fuel.ignitionrobotics.org", "api.ignitionfuel.org", "staging-fuel.gazebosim.org"];

/// Places of a Fuel URI in the local cache, the asked version first, else the newest.
fn fuel(rest: &str, cache: &[PathBuf]) -> Vec<PathBuf> {
    // server/1.0/owner/models/name[/version][/files/path...]
    let rest = rest.replace("%20", " ");
    let parts: Vec<&str> = rest.split('/').filter(|p| !p.is_empty() && *p != "..").collect();
    let [server, _, owner, kind, name, tail @ ..] = parts.as_slice() else { return Vec::new() };
    let (version, tail) = match tail {
        ["tip", tail @ ..] => (None, tail),
        [v, tail @ ..] if v.parse::<u32>().is_ok() => (Some(*v), tail),
        tail => (None, tail),
    };
    let inner = match tail {
        ["files", inner @ ..] => inner,
        other => other,
    };
    let lower = |s: &str| s.to_lowercase();
    let mut servers = vec![lower(server)];
    if SERVERS.contains(&servers[0].as_str()) {
        servers.extend(
            SERVERS.iter().filter(|s| **s != servers[0]).map(|s| (*s).to_string()).collect::<Vec<_>>(),
        );
    }
    let mut out = Vec::new();
    for root in cache {
        for server in &servers {
            let base = root.join(server).join(lower(owner)).join(lower(kind)).join(lower(name));
            let version = version.map(str::to_string).or_else(|| newest(&base));
            let place = version.map_or(base.clone(), |v| base.join(v));
            out.push(inner.iter().fold(place, |p, part| p.join(part)));
        }
    }
    // Places that exist first, so that an error names the usual server.
    out.sort_by_key(|p| !p.exists());
    out
}

/// The highest version below a model's folder in the cache.
fn newest(base: &Path) -> Option<String> {
    let entries = std::fs::read_dir(base).into_iter().flatten().flatten();
    let versions = entries.filter_map(|e| e.file_name().to_str().and_then(|n| n.parse::<u32>().ok()));
    versions.max().map(|v| v.to_string())
}

/// The largest `model.config` that is read, bytes.
const LARGEST_CONFIG: u64 = 1 << 20;

/// A file as it is; of a model's folder the file that its `model.config` names for the newest version we read.
fn model_file(path: &Path) -> Option<PathBuf> {
    if path.is_file() {
        return Some(path.to_path_buf());
    }
    if !path.is_dir() {
        return None;
    }
    let config = path.join("model.config");
    let small = std::fs::metadata(&config).is_ok_and(|m| m.is_file() && m.len() <= LARGEST_CONFIG);
    if small
        && let Ok(text) = std::fs::read_to_string(&config)
        && let Ok(tree) = xml::parse(&text, "model.config", &super::Limits::default())
    {
        let mut best: Option<(u32, &str)> = None;
        for sdf in tree.all().iter().filter(|c| c.name() == "sdf") {
            let minor =
                sdf.attr("version").and_then(|v| v.trim().strip_prefix("1.")).and_then(|m| m.parse().ok());
            let minor = minor.unwrap_or(0);
            if minor <= 12 && best.is_none_or(|(m, _)| minor >= m) {
                best = Some((minor, sdf.text()));
            }
        }
        if let Some(file) = best.map(|(_, name)| path.join(name)).filter(|f| f.is_file()) {
            return Some(file);
        }
    }
    Some(path.join("model.sdf")).filter(|f| f.is_file())
}
