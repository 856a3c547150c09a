//! Two slots on disk and one small file that says which is active.
//!
//! Invariant: at every instant, whatever was written or not, the state file names a slot whose files are whole and were
//! whole when it was named. It is replaced by rename alone, after everything it speaks of has been synced; the active slot
//! is never written to.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::bundle::{Bundle, MANIFEST};
use crate::model::sha256;
use crate::{Error, Result};

/// One of the two places for a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Slot {
    /// The first.
    A,
    /// The second.
    B,
}

impl Slot {
    /// The other one.
    pub fn other(self) -> Self {
        if self == Self::A { Self::B } else { Self::A }
    }

    pub(super) const fn folder(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
        }
    }
}

/// What ran before the active model, and can again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Before {
    /// The model in slot A.
    A,
    /// The model in slot B.
    B,
    /// None of the store's: the one that the robot was configured with.
    Configured,
}

impl Before {
    /// Its slot, if it has one.
    pub fn slot(self) -> Option<Slot> {
        match self {
            Self::A => Some(Slot::A),
            Self::B => Some(Slot::B),
            Self::Configured => None,
        }
    }
}

impl From<Option<Slot>> for Before {
    fn from(slot: Option<Slot>) -> Self {
        match slot {
            Some(Slot::A) => Self::A,
            Some(Slot::B) => Self::B,
            None => Self::Configured,
        }
    }
}

/// What a new model is held against: how the old one fared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Against {
    /// Mean time of the old model in the shadow, milliseconds; 0 where it is not known.
    pub old_ms: f64,
    /// Worst drift of what it found in one window (PSI), 0 where it is not known.
    pub drift: f64,
    /// How many windows that is the worst of.
    pub windows: u64,
    /// Fewest boxes per image that it found in one window, 0 where it is not known.
    #[serde(default)]
    pub found: f64,
}

/// What the state file says.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The slot to run; `None`: only the embedded model is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<Slot>,
    /// What was active before it, until its slot is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Before>,
    /// A slot on trial.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<Slot>,
    /// How often a start with the trial was begun and not confirmed.
    #[serde(default)]
    pub attempts: u32,
    /// Models that were rolled back, newest last: they are not tried again.
    #[serde(default)]
    pub bad: Vec<String>,
    /// What the trial is held against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<Against>,
}

impl State {
    /// From TOML called `path` in messages.
    ///
    /// # Errors
    /// `PG-1903`.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let bad = |detail: String| Error::StoreState { path: path.to_owned(), detail };
        let state: Self = toml::from_str(text).map_err(|error| bad(error.message().trim().to_owned()))?;
        let number = |value: f64| value.is_finite() && value >= 0.0;
        match state.against {
            Some(against) if ![against.old_ms, against.drift, against.found].into_iter().all(number) => {
                Err(bad("`against` holds what is no number from 0 on".to_owned()))
            }
            _ => Ok(state),
        }
    }

    /// As TOML.
    ///
    /// # Errors
    /// `PG-1903` for what TOML cannot write.
    pub fn to_toml(&self, path: &Path) -> Result<String> {
        toml::to_string(self)
            .map_err(|error| Error::StoreState { path: path.to_owned(), detail: error.to_string() })
    }
}

/// What to run after a start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Boot {
    /// The embedded model.
    Embedded,
    /// This manifest, which is proven.
    Active(PathBuf),
    /// This manifest, which is on trial; and what to fall back to.
    Trial(PathBuf, Option<PathBuf>),
}

/// Starts with a trial that did not live long enough to be confirmed, before it is given up.
const MOST_ATTEMPTS: u32 = 2;
/// Remembered bad models.
const MOST_BAD: usize = 64;
pub(super) const STATE: &str = "state.toml";

/// The store. One writes to it at a time: [`Store::hold`].
pub struct Store {
    root: PathBuf,
    state: State,
    /// The folder, locked.
    _held: Option<File>,
    /// Called before every step that touches the disk: tests cut the power there.
    step: Box<dyn FnMut(&'static str) + Send>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("root", &self.root).field("state", &self.state).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens a store, or makes an empty one.
    ///
    /// # Errors
    /// `PG-0401` when the disk says no, `PG-1903` for a state file that somebody else wrote.
    pub fn open(root: &Path) -> Result<Self> {
        Self::open_stepwise(root, Box::new(|_| {}))
    }

    /// The same, calling `step` before everything that touches the disk.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_stepwise(root: &Path, step: Box<dyn FnMut(&'static str) + Send>) -> Result<Self> {
        fs::create_dir_all(root).map_err(failed("create", root))?;
        let path = root.join(STATE);
        let state = if path.is_file() {
            let bytes = fs::read(&path).map_err(failed("read", &path))?;
            State::parse(&String::from_utf8_lossy(&bytes), &path)?
        } else {
            State::default()
        };
        Ok(Self { root: root.to_owned(), state, _held: None, step })
    }

    /// Keeps every other one that asks for it out, until this is dropped or its process ends: two that update one store would each
    /// clear the slot that the other one runs.
    ///
    /// # Errors
    /// `PG-1918` when another one has it, `PG-0401` on a file system that knows no locks.
    pub fn hold(&mut self) -> Result<()> {
        let folder = File::open(&self.root).map_err(failed("open", &self.root))?;
        for wait_ms in [50; 20].into_iter().map(Some).chain([None]) {
            match (folder.try_lock(), wait_ms) {
                (Ok(()), _) => break,
                // A process that ends, or a child that was just begun, has it for a moment longer.
                (Err(fs::TryLockError::WouldBlock), Some(ms)) => {
                    std::thread::sleep(std::time::Duration::from_millis(ms));
                }
                (Err(fs::TryLockError::WouldBlock), None) => {
                    return Err(Error::StoreHeld { path: self.root.clone() });
                }
                (Err(fs::TryLockError::Error(error)), _) => return Err(failed("lock", &self.root)(error)),
            }
        }
        self._held = Some(folder);
        Ok(())
    }

    /// What the state file says.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The manifest in a slot.
    pub fn manifest(&self, slot: Slot) -> PathBuf {
        self.root.join(slot.folder()).join(MANIFEST)
    }

    /// What to run now. A trial is counted as begun; one that was begun too often is rolled back first.
    ///
    /// # Errors
    /// `PG-0401`.
    pub fn boot(&mut self) -> Result<Boot> {
        if self.state.trial.is_some() && self.state.attempts >= MOST_ATTEMPTS {
            self.rollback()?;
        }
        let active = self.state.active.map(|slot| self.manifest(slot));
        match self.state.trial {
            Some(slot) => {
                let mut next = self.state.clone();
                next.attempts += 1;
                self.replace(next)?;
                Ok(Boot::Trial(self.manifest(slot), active))
            }
            None => Ok(active.map_or(Boot::Embedded, Boot::Active)),
        }
    }

    /// Writes a bundle into the idle slot and reads it back. The active slot is not touched, nothing runs differently yet.
    ///
    /// # Errors
    /// `PG-1904` for a model that was rolled back before, `PG-1905` when what was read is not what was written, `PG-0401`.
    pub fn stage(&mut self, bundle: &Bundle) -> Result<Slot> {
        if self.state.bad.iter().any(|id| id == bundle.id()) {
            return Err(Error::KnownBad { id: bundle.id().to_owned() });
        }
        let slot = self.state.active.map_or(Slot::A, Slot::other);
        // What is about to be written to is named by nothing.
        let previous = self.state.previous.filter(|before| before.slot() != Some(slot));
        if self.state.trial.is_some() || previous != self.state.previous {
            let next = State { trial: None, attempts: 0, against: None, previous, ..self.state.clone() };
            self.replace(next)?;
        }
        let folder = self.root.join(slot.folder());
        (self.step)("clear the slot");
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(failed("clear", &folder))?;
        }
        fs::create_dir_all(&folder).map_err(failed("create", &folder))?;
        for (name, bytes) in bundle.files() {
            let path = folder.join(name);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(failed("create", parent))?;
            }
            (self.step)("write a file");
            write_synced(&path, bytes, &mut self.step)?;
        }
        (self.step)("sync the slot");
        sync_folders(&folder, bundle.files().iter().map(|(name, _)| name.as_str()))?;
        for (name, bytes) in bundle.files() {
            let path = folder.join(name);
            let found = fs::read(&path).map_err(failed("read back", &path))?;
            if sha256(&found) != sha256(bytes) {
                return Err(Error::Storage { path });
            }
        }
        Ok(slot)
    }

    /// From the next start on the staged slot is tried.
    ///
    /// # Errors
    /// `PG-0401`.
    pub fn begin_trial(&mut self, slot: Slot) -> Result<()> {
        self.begin_watch(slot, None)
    }

    /// The same, with what the new model is held against: a start that goes on with the watch knows it too.
    ///
    /// # Errors
    /// `PG-0401`.
    pub fn begin_watch(&mut self, slot: Slot, against: Option<Against>) -> Result<()> {
        self.replace(State { trial: Some(slot), attempts: 0, against, ..self.state.clone() })
    }

    /// The trial ends without a verdict: the active one runs on, and this model may be tried again.
    ///
    /// # Errors
    /// `PG-0401`.
    pub fn cancel(&mut self) -> Result<()> {
        self.replace(State { trial: None, attempts: 0, against: None, ..self.state.clone() })
    }

    /// What was active before is given up: it is remembered as bad, and the way back leads to the configured model.
    ///
    /// # Errors
    /// `PG-0401`.
    pub fn forget_previous(&mut self) -> Result<()> {
        let Some(slot) = self.state.previous.and_then(Before::slot) else { return Ok(()) };
        let (bad, previous) = (self.bad_with(slot), Some(Before::Configured));
        self.replace(State { bad, previous, ..self.state.clone() })
    }

    /// The trial has proven itself: it is the active one from now on.
    ///
    /// # Errors
    /// `PG-0401`.
    pub fn commit(&mut self) -> Result<()> {
        let Some(slot) = self.state.trial else { return Ok(()) };
        let previous = Some(Before::from(self.state.active));
        let next = State {
            active: Some(slot),
            previous,
            trial: None,
            attempts: 0,
            against: None,
            bad: self.state.bad.clone(),
        };
        self.replace(next)
    }

    /// The trial has failed: the active one runs on, and this model is remembered as bad.
    ///
    /// # Errors
    /// `PG-0401`.
    pub fn rollback(&mut self) -> Result<()> {
        let Some(slot) = self.state.trial else { return Ok(()) };
        let bad = self.bad_with(slot);
        self.replace(State { trial: None, attempts: 0, against: None, bad, ..self.state.clone() })
    }

    /// What was staged in `slot` has failed before it ever ran: remembered as bad, in one step. (Through a trial and its rollback a
    /// cut between the two would start with it.)
    ///
    /// # Errors
    /// `PG-0401`.
    pub fn reject(&mut self, slot: Slot) -> Result<()> {
        self.replace(State { bad: self.bad_with(slot), ..self.state.clone() })
    }

    /// The active model is given up for the one before it, and remembered as bad.
    ///
    /// # Errors
    /// `PG-1911` when there is none before it (any more), `PG-0401`.
    pub fn revert(&mut self) -> Result<()> {
        let (Some(active), Some(before)) = (self.state.active, self.state.previous) else {
            return Err(Error::NothingBefore);
        };
        let bad = self.bad_with(active);
        self.replace(State { active: before.slot(), bad, ..State::default() })
    }

    /// The models to be avoided, with the one in `slot`. One that cannot be read needs no name to be avoided.
    fn bad_with(&self, slot: Slot) -> Vec<String> {
        let mut bad = self.state.bad.clone();
        if let Ok(text) = fs::read(self.manifest(slot)) {
            bad.push(sha256(&text));
            let extra = bad.len().saturating_sub(MOST_BAD);
            bad.drain(..extra);
        }
        bad
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The state file, whole or not at all.
    fn replace(&mut self, next: State) -> Result<()> {
        let (path, fresh) = (self.root.join(STATE), self.root.join("state.toml.new"));
        let text = next.to_toml(&path)?;
        (self.step)("write the state");
        write_synced(&fresh, text.as_bytes(), &mut self.step)?;
        (self.step)("rename the state");
        fs::rename(&fresh, &path).map_err(failed("replace", &path))?;
        (self.step)("sync the store");
        sync_folder(&self.root)?;
        self.state = next;
        Ok(())
    }
}

pub(crate) fn failed(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File { action, path, source }
}

pub(crate) fn write_synced(
    path: &Path,
    bytes: &[u8],
    step: &mut Box<dyn FnMut(&'static str) + Send>,
) -> Result<()> {
    let mut file = File::create(path).map_err(failed("create", path))?;
    // In two halves, so that a test can cut the power with half a file on disk.
    let (first, second) = bytes.split_at(bytes.len() / 2);
    file.write_all(first).map_err(failed("write", path))?;
    step("half of a file is written");
    file.write_all(second).map_err(failed("write", path))?;
    file.sync_all().map_err(failed("sync", path))
}

/// A rename is on disk only when its folder is.
pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|file| file.sync_all()).map_err(failed("sync", folder))
}

/// The folders of these files below `root`, the innermost first, and `root` itself: a file is on disk only when every folder
/// on the way to it is.
pub(crate) fn sync_folders<'a>(root: &Path, names: impl IntoIterator<Item = &'a str>) -> Result<()> {
    let parents = names.into_iter().flat_map(|name| Path::new(name).ancestors().skip(1));
    let folders: std::collections::BTreeSet<&Path> = parents.collect();
    // A folder sorts before what is in it, and the empty path, which is `root`, before all.
    folders
        .into_iter()
        .rev()
        .filter(|folder| !folder.as_os_str().is_empty())
        .try_for_each(|folder| sync_folder(&root.join(folder)))?;
    sync_folder(root)
}

/// Puts the folder `fresh` in the place of `place`, beside it. What was there is moved aside first and deleted last: a cut leaves
/// one of the two whole, if not under its name then as `.NAME.old`.
pub(crate) fn replace_folder(fresh: &Path, place: &Path) -> Result<()> {
    let aside = |name: &std::ffi::OsStr| place.with_file_name(format!(".{}.old", name.to_string_lossy()));
    let old = place.file_name().map(aside).unwrap_or_else(|| place.with_extension("old"));
    if place.exists() {
        if old.exists() {
            fs::remove_dir_all(&old).map_err(failed("clear", &old))?;
        }
        fs::rename(place, &old).map_err(failed("move aside", place))?;
    }
    fs::rename(fresh, place).map_err(failed("move the model to", place))?;
    sync_folder(folder_of(place))?;
    if old.exists() {
        fs::remove_dir_all(&old).map_err(failed("clear", &old))?;
    }
    Ok(())
}

/// Writes a file, whole or not at all, and on disk when this returns: beside it, synced, and moved to its place.
///
/// # Errors
/// `PG-0401`.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let fresh = path.with_file_name(name);
    write_synced(&fresh, bytes, &mut (Box::new(|_| {}) as Box<dyn FnMut(&'static str) + Send>))?;
    fs::rename(&fresh, path).map_err(failed("replace", path))?;
    sync_folder(folder_of(path))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_has_one_holder_and_folders_are_replaced_whole() {
        let root = tempfile::tempdir().unwrap();
        let mut first = Store::open(root.path()).unwrap();
        first.hold().unwrap();
        let mut second = Store::open(root.path()).unwrap();
        assert_eq!(second.hold().unwrap_err().code(), "PG-1918");
        drop(first);
        second.hold().unwrap();

        let (fresh, place, old) =
            (root.path().join("fresh"), root.path().join("model"), root.path().join(".model.old"));
        // As a cut between the two renames leaves it.
        fs::create_dir_all(&old).unwrap();
        for text in ["one", "two"] {
            fs::create_dir_all(fresh.join("deep/er")).unwrap();
            write_whole(&fresh.join("deep/er/file"), text.as_bytes()).unwrap();
            sync_folders(&fresh, ["deep/er/file", "deep/x", "y"]).unwrap();
            assert!(sync_folders(&fresh, ["no/such/file"]).is_err(), "each folder on the way is asked for");
            replace_folder(&fresh, &place).unwrap();
            assert_eq!(fs::read_to_string(place.join("deep/er/file")).unwrap(), text);
            assert!(!old.exists() && !fresh.exists());
        }
        assert!(!place.join("deep/er/file.new").exists());
    }
}
