//! Keys that sign, and signatures.

use std::path::Path;

use ed25519_dalek::{Signer, SigningKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::model::hex;
use crate::update::{LARGEST_SIGNATURE, read_at_most};
use crate::{Error, Result};

/// What a signature is for. A signature of one kind never passes for another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Purpose {
    /// A model's manifest.
    Manifest,
    /// A key ring.
    Keyring,
    /// An order to a host.
    Order,
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Manifest => b"peregrine model manifest, version 1\n",
            Self::Keyring => b"peregrine key ring, version 1\n",
            Self::Order => b"peregrine model order, version 1\n",
        }
    }

    /// What is signed: the label, then the bytes.
    pub(super) fn message(self, bytes: &[u8]) -> Vec<u8> {
        [self.label(), bytes].concat()
    }
}

/// A key that signs. Keep its file off the robots.
pub struct SecretKey(SigningKey);

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SecretKey({})", self.id())
    }
}

impl SecretKey {
    /// A new one, from the system's source of randomness.
    ///
    /// # Errors
    /// `PG-0463` when that source fails.
    pub fn generate() -> Result<Self> {
        let mut seed = [0u8; 32];
        getrandom::fill(&mut seed).map_err(|error| Error::KeyFile {
            path: "the system's randomness".into(),
            detail: error.to_string(),
        })?;
        Ok(Self::from_seed(&seed))
    }

    /// From its 32 secret bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// Reads a file of 64 hexadecimal digits.
    ///
    /// # Errors
    /// `PG-0401` and `PG-0463`.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::File {
            action: "read the secret key",
            path: path.to_owned(),
            source,
        })?;
        let bad = || Error::KeyFile {
            path: path.to_owned(),
            detail: "a secret key is 64 hexadecimal digits; `peregrine model keys new` makes one".to_owned(),
        };
        let seed: [u8; 32] = unhex(text.trim()).and_then(|bytes| bytes.try_into().ok()).ok_or_else(bad)?;
        Ok(Self::from_seed(&seed))
    }

    /// Writes it, for nobody else to read. An existing file stays.
    ///
    /// # Errors
    /// `PG-0401`.
    pub fn write(&self, path: &Path) -> Result<()> {
        use std::io::Write;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(path).and_then(|mut file| writeln!(file, "{}", hex(self.0.as_bytes())));
        written.map_err(|source| Error::File {
            action: "write the secret key",
            path: path.to_owned(),
            source,
        })
    }

    /// Its public half, 64 hexadecimal digits.
    pub fn public(&self) -> String {
        hex(self.0.verifying_key().as_bytes())
    }

    /// What its public half is called: the first 16 digits of that half's SHA-256.
    pub fn id(&self) -> String {
        id_of(self.0.verifying_key().as_bytes())
    }

    /// Signs bytes.
    pub fn sign(&self, bytes: &[u8], purpose: Purpose) -> Signature {
        let signature = self.0.sign(&purpose.message(bytes));
        Signature { key: self.id(), signature: hex(&signature.to_bytes()) }
    }
}

/// A signature, as it lies in a `.sig` file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// Which key made it.
    pub key: String,
    /// 128 hexadecimal digits.
    pub signature: String,
}

impl Signature {
    /// From TOML called `path` in messages.
    ///
    /// # Errors
    /// `PG-0463`.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        toml::from_str(text).map_err(|error| Error::KeyFile {
            path: path.to_owned(),
            detail: format!("no signature file ({})", error.message().trim()),
        })
    }

    /// From a file.
    ///
    /// # Errors
    /// `PG-0401`, `PG-1901` for a file too long to be one, and `PG-0463`.
    pub fn read(path: &Path) -> Result<Self> {
        // A stranger's, and read before anything of his is believed.
        let text = read_at_most(path, LARGEST_SIGNATURE as u64)?;
        Self::parse(&String::from_utf8_lossy(&text), path)
    }

    /// As TOML.
    pub fn to_toml(&self) -> String {
        format!("key = \"{}\"\nsignature = \"{}\"\n", self.key, self.signature)
    }
}

pub(super) fn id_of(public: &[u8]) -> String {
    hex(&Sha256::digest(public)[..8])
}

pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}
