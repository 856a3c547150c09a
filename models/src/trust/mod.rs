//! Who made a model: Ed25519 signatures over manifests, which hold the hashes of everything else.
//!
//! Three nouns: a [`SecretKey`] signs; a [`Keyring`] holds the public keys a robot trusts, and takes a newer ring only from
//! one of them; a [`Standing`] says what is known of a model. Invariant: a model that is not embedded is loaded without a
//! word only when a key of the ring that is not revoked has signed its manifest byte by byte.
//!
//! Signed is a label in front (so that a signature of one kind of file can never pass for another's) and the file's bytes.

mod keyring;
mod signature;

use std::path::{Path, PathBuf};

pub use keyring::{Key, Keyring, Retired};
pub use signature::{Purpose, SecretKey, Signature};

use crate::{Error, Result};

/// Which models may be loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// Embedded ones, and those signed by a key of the user's ring (`$XDG_CONFIG_HOME/peregrine/keys.toml`).
    #[default]
    UserRing,
    /// Embedded ones, and those signed by a key of this ring.
    Ring(PathBuf),
    /// Every one. What is not signed is said in the report.
    AllowUnsigned,
}

/// What is known of a model's origin.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// Compiled into this program.
    Embedded,
    /// Signed by a key of the ring.
    Signed {
        /// The key.
        key: String,
        /// Its name in the ring.
        name: String,
    },
    /// Not signed by anybody trusted, and let through on demand; the reason.
    Allowed(String),
}

impl Standing {
    /// In a few words, for reports.
    pub fn describe(&self) -> String {
        match self {
            Self::Embedded => "embedded".to_owned(),
            Self::Signed { key, name } => format!("signed by {name} ({key})"),
            Self::Allowed(why) => format!("NOT SIGNED, allowed on demand: {why}"),
        }
    }
}

/// Where the user's ring lies, if there is a home folder.
pub fn user_ring() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let config = set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")))?;
    Some(config.join("peregrine/keys.toml"))
}

/// The file beside a manifest (or a ring) that holds its signature.
pub fn signature_path(signed: &Path) -> PathBuf {
    let mut name = signed.file_name().unwrap_or_default().to_owned();
    name.push(".sig");
    signed.with_file_name(name)
}

/// What is known of the manifest at `path`, whose bytes are at hand.
///
/// # Errors
/// `PG-0460` for one without a signature, `PG-0461` for one whose signature does not fit, `PG-0462` for a key that is
/// unknown or revoked, `PG-0464` for one that is retired; none of them under [`Trust::AllowUnsigned`]. `PG-0463` for a ring or signature that cannot be read.
pub fn standing(path: &Path, text: &[u8], trust: &Trust) -> Result<Standing> {
    match (verify(path, text, trust), trust) {
        (Err(error), Trust::AllowUnsigned) => Ok(Standing::Allowed(reason(&error))),
        (other, _) => other,
    }
}

/// For models without a manifest, which nothing can be signed for.
pub(crate) fn without_manifest(path: &Path, trust: &Trust) -> Result<Standing> {
    match trust {
        Trust::AllowUnsigned => Ok(Standing::Allowed("it has no manifest".to_owned())),
        _ => Err(Error::Unsigned {
            path: path.to_owned(),
            detail: "it has no manifest that could be signed".to_owned(),
        }),
    }
}

fn reason(error: &Error) -> String {
    match error {
        Error::Unsigned { detail, .. } | Error::BadSignature { detail, .. } => detail.clone(),
        other => other.to_string(),
    }
}

/// The same for a manifest that is not on disk: it and the text of its signature came from elsewhere. `path` is what messages
/// call it.
///
/// # Errors
/// As [`standing`].
pub fn standing_of(path: &Path, text: &[u8], signature: Option<&str>, trust: &Trust) -> Result<Standing> {
    standing_for(Purpose::Manifest, path, text, signature, trust)
}

/// The same for bytes of another purpose.
///
/// # Errors
/// As [`standing`].
pub fn standing_for(
    purpose: Purpose,
    path: &Path,
    text: &[u8],
    signature: Option<&str>,
    trust: &Trust,
) -> Result<Standing> {
    let checked = match signature {
        Some(signature) => {
            Signature::parse(signature, path).and_then(|s| check(purpose, path, text, &s, trust))
        }
        None => {
            Err(Error::Unsigned { path: path.to_owned(), detail: "no signature came with it".to_owned() })
        }
    };
    match (checked, trust) {
        (Err(error), Trust::AllowUnsigned) => Ok(Standing::Allowed(reason(&error))),
        (other, _) => other,
    }
}

fn verify(path: &Path, text: &[u8], trust: &Trust) -> Result<Standing> {
    let beside = signature_path(path);
    if !beside.is_file() {
        let detail = format!("there is no {}", beside.file_name().unwrap_or_default().display());
        return Err(Error::Unsigned { path: path.to_owned(), detail });
    }
    check(Purpose::Manifest, path, text, &Signature::read(&beside)?, trust)
}

fn check(
    purpose: Purpose,
    path: &Path,
    text: &[u8],
    signature: &Signature,
    trust: &Trust,
) -> Result<Standing> {
    let ring_path = match trust {
        Trust::Ring(path) => Some(path.clone()),
        _ => user_ring().filter(|path| path.is_file()),
    };
    let ring = match ring_path {
        Some(path) => Keyring::read(&path)?,
        None => Keyring::default(),
    };
    let key = ring.check(text, purpose, signature, path)?;
    Ok(Standing::Signed { key: key.id.clone(), name: key.name.clone() })
}
