//! The keys a robot trusts, how the set changes, and what that means for signatures.
//!
//! A ring has a serial number and is signed by a key of the ring before it: rotation is a ring with the new key added,
//! revocation one where a key says why it is revoked. A ring with a lower serial is refused, so an old ring cannot bring a
//! revoked key back.

use std::path::Path;

use ed25519_dalek::VerifyingKey;
use serde::{Deserialize, Serialize};

use super::signature::{Purpose, Signature, id_of, unhex};
use crate::model::sha256;
use crate::{Error, Result};

/// One public key.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// The first 16 digits of the SHA-256 of the public key.
    pub id: String,
    /// Whose it is.
    pub name: String,
    /// 64 hexadecimal digits.
    pub public: String,
    /// Why it must not be trusted any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<String>,
}

/// A model that must not be used any more, though who signed it is trusted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Retired {
    /// SHA-256 of its manifest.
    pub sha256: String,
    /// Why.
    pub why: String,
}

/// All keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Keyring {
    /// Rises with every change.
    pub serial: u64,
    /// The keys, oldest first; revoked ones stay.
    #[serde(default, rename = "key", skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<Key>,
    /// Models that must not come back, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retired: Vec<Retired>,
}

impl Keyring {
    /// From TOML called `path` in messages.
    ///
    /// # Errors
    /// `PG-0463` for anything that is no ring, a key whose id is not its own, or one key twice.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let bad = |detail: String| Error::KeyFile { path: path.to_owned(), detail };
        let ring: Self =
            toml::from_str(text).map_err(|error| bad(format!("no key ring ({})", error.message().trim())))?;
        for (index, key) in ring.keys.iter().enumerate() {
            let bytes = unhex(&key.public).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
            let valid = bytes.filter(|bytes| VerifyingKey::from_bytes(bytes).is_ok_and(|key| !key.is_weak()));
            match valid {
                Some(bytes) if id_of(&bytes) == key.id => {}
                Some(bytes) => return Err(bad(format!("the key `{}` has the id {}", key.id, id_of(&bytes)))),
                None => return Err(bad(format!("the key `{}` is no Ed25519 public key", key.id))),
            }
            if ring.keys[..index].iter().any(|other| other.id == key.id) {
                return Err(bad(format!("the key `{}` is there twice", key.id)));
            }
        }
        Ok(ring)
    }

    /// From a file.
    ///
    /// # Errors
    /// `PG-0401` and `PG-0463`.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::File {
            action: "read the key ring",
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text, path)
    }

    /// As TOML.
    ///
    /// # Errors
    /// `PG-0463` for what TOML cannot write.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self)
            .map_err(|error| Error::KeyFile { path: "key ring".into(), detail: error.to_string() })
    }

    /// With a key added and the serial raised. A key that is there already keeps its place.
    pub fn add(&mut self, public: &str, name: &str) -> Result<()> {
        let bytes = unhex(public).filter(|bytes| bytes.len() == 32).ok_or_else(|| Error::KeyFile {
            path: "key ring".into(),
            detail: format!("`{public}` is no Ed25519 public key of 64 hexadecimal digits"),
        })?;
        let id = id_of(&bytes);
        if self.keys.iter().all(|key| key.id != id) {
            self.keys.push(Key {
                id,
                name: name.to_owned(),
                public: public.to_ascii_lowercase(),
                revoked: None,
            });
        }
        self.serial += 1;
        Ok(())
    }

    /// Marks a key as not to be trusted any more, and raises the serial.
    ///
    /// # Errors
    /// `PG-0462` when there is no such key.
    pub fn revoke(&mut self, id: &str, why: &str) -> Result<()> {
        let key = self.keys.iter_mut().find(|key| key.id == id).ok_or_else(|| Error::UntrustedKey {
            key: id.to_owned(),
            signed: "the key ring".into(),
            detail: "it is not in this ring".to_owned(),
        })?;
        key.revoked = Some(why.to_owned());
        self.serial += 1;
        Ok(())
    }

    /// Adds a model that must not be used any more, by the SHA-256 of its manifest, and raises the serial. For one that is there
    /// already the reason changes.
    ///
    /// # Errors
    /// `PG-0463` for what is no SHA-256.
    pub fn retire(&mut self, sha256: &str, why: &str) -> Result<()> {
        let sha256 = sha256.to_ascii_lowercase();
        if unhex(&sha256).is_none_or(|bytes| bytes.len() != 32) {
            let detail = format!("`{sha256}` is no SHA-256 of 64 hexadecimal digits");
            return Err(Error::KeyFile { path: "key ring".into(), detail });
        }
        self.retired.retain(|model| model.sha256 != sha256);
        self.retired.push(Retired { sha256, why: why.to_owned() });
        self.serial += 1;
        Ok(())
    }

    /// The key that made this signature over `bytes`, if it may be trusted. `signed` is how messages call the file.
    ///
    /// # Errors
    /// `PG-0462` for a key that is unknown or revoked, `PG-0461` when the bytes are not the ones that were signed, `PG-0464` for a
    /// manifest that is retired.
    pub fn check(
        &self,
        bytes: &[u8],
        purpose: Purpose,
        signature: &Signature,
        signed: &Path,
    ) -> Result<&Key> {
        let untrusted = |detail: String| Error::UntrustedKey {
            key: signature.key.clone(),
            signed: signed.to_owned(),
            detail,
        };
        let key = self.keys.iter().find(|key| key.id == signature.key);
        let key = key.ok_or_else(|| untrusted("it is not in the key ring".to_owned()))?;
        if let Some(why) = &key.revoked {
            return Err(untrusted(format!("{} was revoked: {why}", key.name)));
        }
        let altered =
            |detail: &str| Error::BadSignature { path: signed.to_owned(), detail: detail.to_owned() };
        let public = unhex(&key.public).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let public = public.and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok());
        let made = unhex(&signature.signature).and_then(|bytes| <[u8; 64]>::try_from(bytes).ok());
        let (Some(public), Some(made)) = (public, made) else {
            return Err(altered("the signature is no Ed25519 signature of 128 hexadecimal digits"));
        };
        let made = ed25519_dalek::Signature::from_bytes(&made);
        // Strict: one message, one signature.
        public
            .verify_strict(&purpose.message(bytes), &made)
            .map_err(|_| altered("the signature does not fit: the file was altered after it was signed"))?;
        let id = sha256(bytes);
        match self
            .retired
            .iter()
            .find(|model| purpose == Purpose::Manifest && model.sha256.eq_ignore_ascii_case(&id))
        {
            Some(model) => Err(Error::Retired { path: signed.to_owned(), why: model.why.clone() }),
            None => Ok(key),
        }
    }

    /// The ring that follows this one.
    ///
    /// # Errors
    /// As [`Keyring::check`] and [`Keyring::parse`]; `PG-0463` for a serial that does not rise.
    pub fn follow(&self, text: &str, signature: &Signature, path: &Path) -> Result<Self> {
        self.check(text.as_bytes(), Purpose::Keyring, signature, path)?;
        let next = Self::parse(text, path)?;
        if next.serial <= self.serial {
            let detail = format!("its serial {} does not follow {}", next.serial, self.serial);
            return Err(Error::KeyFile { path: path.to_owned(), detail });
        }
        Ok(next)
    }
}
