//! The models of this machine's user, each in a folder called after it: what `peregrine model add` and `pull` put there goes by
//! its name wherever a model is named.

use std::fs;
use std::path::PathBuf;

use crate::update::Bundle;
use crate::update::store::{failed, replace_folder, sync_folders, write_synced};
use crate::{Error, Result};

const MANIFEST: &str = "manifest.toml";

/// Where they lie: `$XDG_DATA_HOME/peregrine/models`, else below the home folder, if there is one.
pub fn folder() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let data = set("XDG_DATA_HOME").or_else(|| set("HOME").map(|home| home.join(".local/share")))?;
    Some(data.join("peregrine/models"))
}

/// The manifest of the model called `name`, if it is there.
pub fn find(name: &str) -> Option<PathBuf> {
    is_plain(name).then_some(())?;
    Some(folder()?.join(name).join(MANIFEST)).filter(|path| path.is_file())
}

/// Names and manifests, by name.
pub fn all() -> Vec<(String, PathBuf)> {
    let entries = folder().and_then(|folder| fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    let named = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok().filter(|name| is_plain(name))?;
        Some((name, entry.path().join(MANIFEST))).filter(|(_, path)| path.is_file())
    });
    let mut all: Vec<_> = named.collect();
    all.sort();
    all
}

/// Whether a folder may be called so, and nothing else is meant by it.
fn is_plain(name: &str) -> bool {
    let letters = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !name.is_empty() && !name.starts_with('.') && name.chars().all(letters)
}

/// Puts a bundle there; one of the same name is replaced. Its manifest's place.
///
/// # Errors
/// `PG-0401` when the disk says no, `PG-1906` for a name that no folder can have, or without a home folder.
pub fn add(bundle: &Bundle, name: &str) -> Result<PathBuf> {
    let refused = |detail: String| Error::Offer { detail };
    if !is_plain(name) {
        return Err(refused(format!("its name `{name}` is not of letters, digits, `-`, `_` and `.`")));
    }
    let root = folder().ok_or_else(|| refused("neither XDG_DATA_HOME nor HOME is set".to_owned()))?;
    let (fresh, place) = (root.join(format!(".{name}.new")), root.join(name));
    if fresh.exists() {
        fs::remove_dir_all(&fresh).map_err(failed("clear", &fresh))?;
    }
    for (file, bytes) in bundle.files() {
        let path = fresh.join(file);
        let parent = path.parent().unwrap_or(&fresh);
        fs::create_dir_all(parent).map_err(failed("create", parent))?;
        write_synced(&path, bytes, &mut (Box::new(|_| {}) as Box<dyn FnMut(&'static str) + Send>))?;
    }
    sync_folders(&fresh, bundle.files().iter().map(|(name, _)| name.as_str()))?;
    replace_folder(&fresh, &place)?;
    Ok(place.join(MANIFEST))
}
