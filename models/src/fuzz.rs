//! What the fuzz targets call: every reader of a stranger's bytes in this crate besides the manifest's.
//!
//! Each takes any bytes, touches no file and returns what is wrong with them; a panic, a hang or a huge allocation is a
//! defect.

use std::path::Path;

use crate::onnx::Ports;
use crate::trust::{Keyring, Signature};
use crate::update::{Bundle, State};
use crate::{Result, profile, quantize};

/// An ONNX file: its inputs and outputs, its family, and its graph as the quantizer reads it.
///
/// # Errors
/// What the readers say.
pub fn onnx(data: &[u8]) -> Result<()> {
    let ports = Ports::read(data, "fuzz.onnx")?;
    let _ = ports.describe();
    let _ = profile::recognise("fuzz", "fuzz.onnx", &"0".repeat(64), &ports);
    quantize::inspect(data)
}

/// What an update brings: the bytes as a store's state, a key ring, a signature, and as a bundle whose names and contents
/// are separated by record separators (0x1e).
///
/// # Errors
/// What the last reader says.
pub fn update(data: &[u8]) -> Result<()> {
    let text = String::from_utf8_lossy(data);
    let path = Path::new("fuzz");
    if let Ok(state) = State::parse(&text, path) {
        let again = State::parse(&state.to_toml(path)?, path)?;
        assert_eq!(state, again, "a state reads back as it was written");
    }
    if let Ok(ring) = Keyring::parse(&text, path) {
        assert_eq!(Keyring::parse(&ring.to_toml()?, path)?, ring, "a ring reads back as it was written");
    }
    if let Ok(signature) = Signature::parse(&text, path) {
        let _ = Keyring::default().check(data, crate::trust::Purpose::Manifest, &signature, path);
    }
    let mut parts = data.split(|byte| *byte == 0x1e);
    let mut files = Vec::new();
    while let (Some(name), Some(bytes)) = (parts.next(), parts.next()) {
        files.push((String::from_utf8_lossy(name).into_owned(), bytes.to_vec()));
    }
    let bundle = Bundle::new(files)?;
    for (name, _) in bundle.files() {
        let mut parts = Path::new(name).components();
        assert!(
            parts.all(|part| matches!(part, std::path::Component::Normal(_))),
            "`{name}` leaves its folder"
        );
    }
    Ok(())
}
