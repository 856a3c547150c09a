//! Engines that a provider compiles for this device, kept on disk: TensorRT takes minutes for what it then loads in a second.
//!
//! A cached engine that no longer fits gives wrong boxes or none, and nobody notices. So the folder's name is the hash of
//! everything that the engine depends on: the network, the provider, the library, the precision and the batch; change one,
//! and another engine is built. The GPU and its driver are the provider's own matter: it writes them into its files and
//! refuses others'.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::library::cache_home;
use crate::model::sha256;
use crate::{Error, Result};

/// In which numbers an engine computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Precision {
    /// In those of the network: 32 bit floats, and 8 bit integers where it says so.
    #[default]
    Native,
    /// 16 bit floats where the provider has faster kernels for them. TensorRT only.
    Half,
}

impl Precision {
    /// As users write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Half => "half",
        }
    }
}

impl std::str::FromStr for Precision {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        [Self::Native, Self::Half].into_iter().find(|p| p.as_str() == text).ok_or_else(|| Error::Option {
            option: "precision",
            value: format!("`{text}`"),
            remedy: "write native or half".to_owned(),
        })
    }
}

/// Everything that a compiled engine depends on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct EngineKey {
    /// SHA-256 of the network.
    pub model: String,
    /// The provider.
    pub provider: String,
    /// The library's version, or its file's hash where its name tells none.
    pub runtime: String,
    /// In which numbers it computes.
    pub precision: Precision,
    /// Sizes of batch it was built for.
    pub batches: Vec<usize>,
}

impl EngineKey {
    /// 32 hexadecimal digits.
    pub fn digest(&self) -> String {
        // Lengths first, so that no two keys read alike.
        let parts = [&self.model, &self.provider, &self.runtime, &self.precision.as_str().to_owned()];
        let mut text: String = parts.iter().map(|part| format!("{}:{part};", part.len())).collect();
        text.extend(self.batches.iter().map(|batch| format!("{batch},")));
        sha256(text.as_bytes())[..32].to_owned()
    }
}

/// What is known of an engine that was built.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Note {
    seconds: f64,
    key: EngineKey,
}

/// The folder of all engines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineCache {
    root: PathBuf,
}

const NOTE: &str = "engine.toml";

impl EngineCache {
    /// `$XDG_CACHE_HOME/peregrine/engines`, or below `~/.cache`; `None` where neither is known.
    pub fn of_user() -> Option<Self> {
        cache_home().map(|home| Self { root: home.join("peregrine").join("engines") })
    }

    /// Another folder.
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Where the engine of a key lies or will lie.
    pub fn folder(&self, key: &EngineKey) -> PathBuf {
        self.root.join(format!("{}-{}", key.provider, key.digest()))
    }

    /// The same folder, made if it is not there.
    ///
    /// # Errors
    /// `PG-0401` when it cannot be made.
    pub fn prepare(&self, key: &EngineKey) -> Result<PathBuf> {
        let folder = self.folder(key);
        let failed = |source| Error::File { action: "create", path: folder.clone(), source };
        std::fs::create_dir_all(&folder).map_err(failed)?;
        Ok(folder)
    }

    /// How long the engine took to be built, if it is there whole. A folder of a build that never ended has no note, and one
    /// whose note is of another key is not believed.
    pub fn built(&self, key: &EngineKey) -> Option<Duration> {
        let text = std::fs::read_to_string(self.folder(key).join(NOTE)).ok()?;
        let note: Note = toml::from_str(&text).ok()?;
        (note.key == *key).then(|| Duration::try_from_secs_f64(note.seconds).ok()).flatten()
    }

    /// How long an engine that is not there yet will take to be built: as long as the slowest of its provider that was built here,
    /// of the same network if there is one. `None` where none was.
    pub fn expected(&self, key: &EngineKey) -> Option<Duration> {
        let notes = std::fs::read_dir(&self.root).ok()?.flatten().filter_map(|entry| {
            let text = std::fs::read_to_string(entry.path().join(NOTE)).ok()?;
            toml::from_str::<Note>(&text).ok().filter(|note| note.key.provider == key.provider)
        });
        let likeness = |note: &Note| (note.key.model == key.model, note.seconds);
        let nearest =
            notes.map(|note| likeness(&note)).max_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)))?;
        Duration::try_from_secs_f64(nearest.1).ok()
    }

    /// Remembers that the engine is there, and how long it took. The note appears whole or not at all.
    ///
    /// # Errors
    /// `PG-0401` when it cannot be written.
    pub fn note(&self, key: &EngineKey, took: Duration) -> Result<()> {
        let folder = self.prepare(key)?;
        let (fresh, path) = (folder.join("engine.new"), folder.join(NOTE));
        let note = Note { seconds: took.as_secs_f64(), key: key.clone() };
        let text = toml::to_string(&note).unwrap_or_default();
        let failed = |source| Error::File { action: "write", path: path.clone(), source };
        std::fs::write(&fresh, text).and_then(|()| std::fs::rename(&fresh, &path)).map_err(failed)
    }

    /// Throws an engine away: the next load builds it anew.
    ///
    /// # Errors
    /// `PG-0401` when it cannot be removed.
    pub fn forget(&self, key: &EngineKey) -> Result<()> {
        let folder = self.folder(key);
        match std::fs::remove_dir_all(&folder) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::File { action: "remove", path: folder, source })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> EngineKey {
        EngineKey {
            model: "ab".repeat(32),
            provider: "tensorrt".into(),
            runtime: "1.32.0".into(),
            precision: Precision::Native,
            batches: vec![1],
        }
    }

    #[test]
    fn whatever_the_engine_depends_on_changes_its_folder() {
        let all = [
            key(),
            EngineKey { model: "cd".repeat(32), ..key() },
            EngineKey { provider: "migraphx".into(), ..key() },
            EngineKey { runtime: "1.33.0".into(), ..key() },
            EngineKey { precision: Precision::Half, ..key() },
            EngineKey { batches: vec![1, 2], ..key() },
            EngineKey { batches: vec![12], ..key() },
            // Moved between two parts.
            EngineKey { provider: "tensorrt1".into(), runtime: ".32.0".into(), ..key() },
        ];
        let folders: std::collections::BTreeSet<PathBuf> =
            all.iter().map(|key| EngineCache::at(Path::new("/c")).folder(key)).collect();
        assert_eq!(folders.len(), all.len());
        assert_eq!(key().digest(), key().digest());
        assert!(folders.iter().all(|f| f.starts_with("/c") && f.to_string_lossy().len() < 60), "{folders:?}");
    }

    #[test]
    fn only_what_was_built_to_the_end_is_there() {
        let root = tempfile::tempdir().unwrap();
        let cache = EngineCache::at(root.path());
        assert_eq!(cache.built(&key()), None);
        cache.prepare(&key()).unwrap();
        assert_eq!(cache.built(&key()), None, "a build that never ended");
        cache.note(&key(), Duration::from_millis(1500)).unwrap();
        assert_eq!(cache.built(&key()), Some(Duration::from_millis(1500)));
        assert_eq!(cache.built(&EngineKey { precision: Precision::Half, ..key() }), None);
        // A note that was moved there from elsewhere, and one that was cut off.
        let other = EngineKey { model: "ef".repeat(32), ..key() };
        std::fs::create_dir_all(cache.folder(&other)).unwrap();
        std::fs::copy(cache.folder(&key()).join(NOTE), cache.folder(&other).join(NOTE)).unwrap();
        assert_eq!(cache.built(&other), None);
        std::fs::write(cache.folder(&key()).join(NOTE), "seconds = 1.").unwrap();
        assert_eq!(cache.built(&key()), None);
        cache.forget(&key()).unwrap();
        cache.forget(&key()).unwrap();
        assert!(!cache.folder(&key()).exists() && cache.folder(&other).exists());
    }

    #[test]
    fn what_others_took_is_what_one_will_take() {
        let root = tempfile::tempdir().unwrap();
        let cache = EngineCache::at(root.path());
        assert_eq!(cache.expected(&key()), None);
        let seconds = Duration::from_secs;
        let half = EngineKey { precision: Precision::Half, ..key() };
        let foreign = EngineKey { provider: "migraphx".into(), ..key() };
        let other = EngineKey { model: "ef".repeat(32), ..key() };
        cache.note(&foreign, seconds(900)).unwrap();
        assert_eq!(cache.expected(&key()), None, "another provider's time says nothing");
        cache.note(&other, seconds(300)).unwrap();
        assert_eq!(cache.expected(&key()), Some(seconds(300)));
        cache.note(&half, seconds(100)).unwrap();
        cache.note(&EngineKey { runtime: "1.31.0".into(), ..key() }, seconds(120)).unwrap();
        assert_eq!(cache.expected(&key()), Some(seconds(120)), "the same network's tell more");
        std::fs::write(cache.folder(&half).join(NOTE), "seconds = nan").unwrap();
        assert_eq!(cache.expected(&key()), Some(seconds(120)));
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_one_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = EngineCache::at(file.path()).note(&key(), Duration::ZERO).unwrap_err();
        assert_eq!(error.code(), "PG-0401", "{error}");
    }
}
