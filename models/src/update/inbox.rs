//! The one place in which a model waits to be taken: `incoming/` in a store, on a USB stick, or in any folder.
//!
//! There is at most one model in it, whole or not at all: it is written beside and moved there.

use std::fs;
use std::path::{Path, PathBuf};

use super::bundle::{Bundle, MANIFEST};
use super::store::{failed, sync_folder, sync_folders, write_synced};
use crate::Result;

/// Name of the folder.
pub const INCOMING: &str = "incoming";

/// Puts a bundle into `folder`; one that waits there already is replaced. Gives the manifest's place.
///
/// # Errors
/// `PG-0401` when the disk says no.
pub fn offer(folder: &Path, bundle: &Bundle) -> Result<PathBuf> {
    let (fresh, place) = (folder.join(".incoming.new"), folder.join(INCOMING));
    let clear = |path: &Path| match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed("clear", path)(error)),
        _ => Ok(()),
    };
    clear(&fresh)?;
    for (name, bytes) in bundle.files() {
        let path = fresh.join(name);
        let parent = path.parent().unwrap_or(&fresh);
        fs::create_dir_all(parent).map_err(failed("create", parent))?;
        write_synced(&path, bytes, &mut (Box::new(|_| {}) as Box<dyn FnMut(&'static str) + Send>))?;
    }
    sync_folders(&fresh, bundle.files().iter().map(|(name, _)| name.as_str()))?;
    clear(&place)?;
    fs::rename(&fresh, &place).map_err(failed("move the model to", &place))?;
    sync_folder(folder)?;
    Ok(place.join(MANIFEST))
}

/// The manifest of the model that waits in `folder`, if there is one.
pub fn waiting(folder: &Path) -> Option<PathBuf> {
    Some(folder.join(INCOMING).join(MANIFEST)).filter(|path| path.is_file())
}
