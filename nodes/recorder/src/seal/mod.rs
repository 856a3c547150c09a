//! Sealed files: the age format, version 1 (<https://age-encryption.org/v1>), for X25519 recipients, so that a robot that is lost or
//! stolen gives nothing of its recordings away: it holds only public keys.
//!
//! Three nouns: a [`Recipient`] (`age1...`) can read what was sealed for it; an [`Identity`] (`AGE-SECRET-KEY-1...`) is its secret;
//! [`Seal`] writes, [`Unseal`] reads, from any place. The primitives are RustCrypto's; the format is written here in full because the
//! `age` crate brings some ninety more crates along (translations of messages above all). Files go both ways between this and the
//! stock `age` program: a test.
//!
//! Invariants: a file key and a nonce serve one file; no chunk is written twice, so that no key stream is used twice; nothing is given
//! out by reading whose tag was not verified.

mod bag;
mod header;
mod keys;
mod stream;

pub use bag::{Opened, open_bag};
pub use keys::{Identity, Recipient, read_identities, read_recipients};
pub use stream::{CHUNK, Seal, Unseal};

use crate::error::{RecorderError, Result};

/// The end of a sealed file's name.
pub const ENDING: &str = "age";

fn bad(reason: impl Into<String>) -> RecorderError {
    RecorderError::Sealed { reason: reason.into() }
}

/// Random bytes of the system.
fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| bad(format!("the system gives no random numbers ({error})")))?;
    Ok(bytes)
}

/// HKDF-SHA-256 (RFC 5869), 32 bytes.
fn derive(secret: &[u8], salt: &[u8], info: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    // The one error is of lengths beyond 8160 bytes.
    let _ = hkdf::Hkdf::<sha2::Sha256>::new(Some(salt), secret).expand(info, &mut key);
    key
}
