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

/// What the state file says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
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
}

impl State {
    /// From TOML called `path` in messages.
    ///
    /// # Errors
    /// `PG-1903`.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        toml::from_str(text).map_err(|error| Error::StoreState {
            path: path.to_owned(),
            detail: error.message().trim().to_owned(),
        })
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

/// The store. One process writes to it at a time.
pub struct Store {
    root: PathBuf,
    state: State,
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
            let text = fs::read_to_string(&path).map_err(failed("read", &path))?;
            State::parse(&text, &path)?
        } else {
            State::default()
        };
        Ok(Self { root: root.to_owned(), state, step })
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
            let next = State { trial: None, attempts: 0, previous, ..self.state.clone() };
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
        sync_folder(&folder)?;
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
        self.replace(State { trial: Some(slot), attempts: 0, ..self.state.clone() })
    }

    /// The trial has proven itself: it is the active one from now on.
    ///
    /// # Errors
    /// `PG-0401`.
    pub fn commit(&mut self) -> Result<()> {
        let Some(slot) = self.state.trial else { return Ok(()) };
        let previous = Some(Before::from(self.state.active));
        self.replace(State { active: Some(slot), previous, trial: None, attempts: 0, ..self.state.clone() })
    }

    /// The trial has failed: the active one runs on, and this model is remembered as bad.
    ///
    /// # Errors
    /// `PG-0401`.
    pub fn rollback(&mut self) -> Result<()> {
        let Some(slot) = self.state.trial else { return Ok(()) };
        let next = State { trial: None, attempts: 0, bad: self.bad_with(slot), ..self.state.clone() };
        self.replace(next)
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

pub(super) fn failed(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File { action, path, source }
}

pub(super) fn write_synced(
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
pub(super) fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|file| file.sync_all()).map_err(failed("sync", folder))
}
