//! A request, laid into the store, to give a model up that runs: what a staged rollout asks of hosts that have kept a model
//! which failed elsewhere.

use std::fs;
use std::path::Path;

use super::store::{failed, sync_folder, write_synced};
use crate::Result;

const REVERT: &str = "revert";

/// Asks for it, whole or not at all.
pub(super) fn ask(store: &Path, model: &str, step: &mut Box<dyn FnMut(&'static str) + Send>) -> Result<()> {
    let (path, fresh) = (store.join(REVERT), store.join("revert.new"));
    step("ask for the way back");
    write_synced(&fresh, model.as_bytes(), step)?;
    step("rename the request for the way back");
    fs::rename(&fresh, &path).map_err(failed("replace", &path))?;
    sync_folder(store)
}

/// Which model is to be given up.
pub fn asked(store: &Path) -> Option<String> {
    // A name and a line feed: a longer file is not ours.
    let path = store.join(REVERT);
    if fs::metadata(&path).ok()?.len() > 80 {
        return None;
    }
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

/// It has been seen to.
pub fn settled(store: &Path) {
    // What cannot be removed names a model that does not run any more.
    let _ = fs::remove_file(store.join(REVERT));
}
