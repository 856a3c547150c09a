//! Signatures: who may hand a robot a model, and what happens to what was altered.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests; clippy sees only #[test] functions as such

mod common;

use std::path::{Path, PathBuf};

use common::network::{Output, constant_network};
use peregrine_models::trust::{Keyring, Purpose, SecretKey, Signature, signature_path};
use peregrine_models::{BackendChoice, Detector, LoadOptions, Standing, Trust, sha256};

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

fn model(folder: &Path) -> PathBuf {
    let shape = [1, 6, 8 * 8];
    let output = Output { name: "y".into(), shape: shape.to_vec(), values: vec![0.1; 6 * 64] };
    let bytes = constant_network("x", &[1, 3, 64, 64], &[output]);
    std::fs::write(folder.join("net.onnx"), &bytes).unwrap();
    let labels = "person\ncar\n";
    std::fs::write(folder.join("labels.txt"), labels).unwrap();
    let path = folder.join("net.toml");
    let text = format!(
        "name = \"net\"\nfile = \"net.onnx\"\nsha256 = \"{}\"\ntask = \"detection\"\norigin = \"made up\"\n\
         labels_file = \"labels.txt\"\nlabels_sha256 = \"{}\"\n[input]\nname = \"x\"\nwidth = 64\nheight = 64\n\
         colour = \"rgb\"\n[decoder]\nkind = \"yolov8\"\nstrides = [8]\noutputs = [\"y\"]\n[licence]\nspdx = \"CC0-1.0\"\n",
        sha256(&bytes),
        sha256(labels.as_bytes())
    );
    std::fs::write(&path, text).unwrap();
    path
}

fn sign(path: &Path, key: &SecretKey) {
    let signature = key.sign(&std::fs::read(path).unwrap(), Purpose::Manifest);
    std::fs::write(signature_path(path), signature.to_toml()).unwrap();
}

fn ring(folder: &Path, edit: impl FnOnce(&mut Keyring)) -> Trust {
    let mut ring = Keyring::default();
    edit(&mut ring);
    let path = folder.join("keys.toml");
    std::fs::write(&path, ring.to_toml().unwrap()).unwrap();
    Trust::Ring(path)
}

fn load(path: &Path, trust: &Trust) -> Result<Standing, String> {
    let options = LoadOptions {
        backend: BackendChoice::Tract,
        trust: trust.clone(),
        ..LoadOptions::new(path.to_str().unwrap())
    };
    match Detector::load(&options) {
        Ok(detector) => Ok(detector.standing().clone()),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn only_what_a_trusted_key_signed_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let path = model(folder.path());
    let trust = ring(folder.path(), |ring| ring.add(&key(1).public(), "fleet").unwrap());
    let refused = |code: &str| {
        let error = load(&path, &trust).unwrap_err();
        assert!(error.starts_with(code), "{error}");
        // On demand it runs all the same, and says so.
        let allowed = load(&path, &Trust::AllowUnsigned).unwrap();
        assert!(allowed.describe().starts_with("NOT SIGNED"), "{allowed:?}");
    };
    refused("PG-0460");
    sign(&path, &key(2));
    refused("PG-0462");
    sign(&path, &key(1));
    let standing = load(&path, &trust).unwrap();
    assert_eq!(standing, Standing::Signed { key: key(1).id(), name: "fleet".into() });
    // One character of the manifest.
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("made up", "made-up")).unwrap();
    refused("PG-0461");
    std::fs::write(&path, &text).unwrap();
    // Labels and weights are covered by their hashes; no demand lets those through.
    std::fs::write(folder.path().join("labels.txt"), "car\nperson\n").unwrap();
    assert!(load(&path, &trust).unwrap_err().starts_with("PG-0406"));
    assert!(load(&path, &Trust::AllowUnsigned).unwrap_err().starts_with("PG-0406"));
    // A signature of labels that are not covered is not enough.
    let open = text.lines().filter(|l| !l.starts_with("labels_sha256")).collect::<Vec<_>>().join("\n");
    std::fs::write(&path, open).unwrap();
    sign(&path, &key(1));
    assert!(load(&path, &trust).unwrap_err().contains("labels_sha256"));
    // Nothing can be signed for a bare network; embedded models need no signature.
    assert!(load(&folder.path().join("net.onnx"), &trust).unwrap_err().starts_with("PG-04"));
    assert_eq!(load(Path::new("nanodet_g"), &trust), Ok(Standing::Embedded));
}

#[test]
fn keys_rotate_and_are_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let path = model(folder.path());
    let (old, new) = (key(1), key(2));
    let mut first = Keyring::default();
    first.add(&old.public(), "2025").unwrap();
    // The old key vouches for the new one, and is then revoked by it.
    let mut second = first.clone();
    second.add(&new.public(), "2026").unwrap();
    let mut third = second.clone();
    third.revoke(&old.id(), "laptop stolen").unwrap();
    let publish = |ring: &Keyring, by: &SecretKey| {
        let text = ring.to_toml().unwrap();
        let signature = by.sign(text.as_bytes(), Purpose::Keyring);
        (text, signature)
    };
    let follow = |from: &Keyring, (text, signature): &(String, Signature)| {
        from.follow(text, signature, Path::new("ring.toml")).map_err(|error| error.code())
    };
    assert_eq!(follow(&first, &publish(&second, &old)).unwrap(), second);
    assert_eq!(follow(&second, &publish(&third, &new)).unwrap(), third);
    // Nobody unknown, nothing older, nothing altered, and no revoked key's word.
    assert_eq!(follow(&first, &publish(&second, &new)).unwrap_err(), "PG-0462");
    assert_eq!(follow(&third, &publish(&second, &new)).unwrap_err(), "PG-0463");
    assert_eq!(follow(&third, &publish(&third, &old)).unwrap_err(), "PG-0462");
    let (text, signature) = publish(&second, &old);
    assert_eq!(follow(&first, &(text.replace("2026", "2027"), signature)).unwrap_err(), "PG-0461");
    // A signature of a ring is none of a manifest, whatever the bytes.
    let bytes = std::fs::read(&path).unwrap();
    let confused = old.sign(&bytes, Purpose::Keyring);
    assert_eq!(first.check(&bytes, Purpose::Manifest, &confused, &path).unwrap_err().code(), "PG-0461");
    sign(&path, &old);
    let store = |ring: &Keyring| {
        let file = folder.path().join("ring.toml");
        std::fs::write(&file, ring.to_toml().unwrap()).unwrap();
        Trust::Ring(file)
    };
    assert!(load(&path, &store(&second)).is_ok());
    let error = load(&path, &store(&third)).unwrap_err();
    assert!(error.starts_with("PG-0462") && error.contains("laptop stolen"), "{error}");
    // One model must not come back, whoever has signed it; what else the key has signed may.
    let mut fourth = second.clone();
    fourth.retire(&sha256(&bytes).to_uppercase(), "it misses children").unwrap();
    assert_eq!(follow(&second, &publish(&fourth, &old)).unwrap(), fourth);
    let error = load(&path, &store(&fourth)).unwrap_err();
    assert!(error.starts_with("PG-0464") && error.contains("it misses children"), "{error}");
    std::fs::write(&path, [&bytes[..], b"\n"].concat()).unwrap();
    sign(&path, &old);
    assert!(load(&path, &store(&fourth)).is_ok());
    assert_eq!(fourth.retire("what", "").unwrap_err().code(), "PG-0463");
}

#[test]
fn files_of_keys_are_read_with_suspicion() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret.key");
    let key = SecretKey::generate().unwrap();
    key.write(&path).unwrap();
    assert_eq!(SecretKey::read(&path).unwrap().public(), key.public());
    assert_ne!(SecretKey::generate().unwrap().public(), key.public());
    assert!(key.write(&path).is_err(), "an existing key must stay");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0);
    }
    assert!(!format!("{key:?}").contains(std::fs::read_to_string(&path).unwrap().trim()));
    let mut ring = Keyring::default();
    ring.add(&key.public(), "a").unwrap();
    let good = ring.to_toml().unwrap();
    for bad in [
        good.replace("serial = 1", "serial = -1"),
        good.replace("name =", "nmae ="),
        good.replace(&key.public()[..8], "00000000"),
        good.replace(&key.id(), &SecretKey::from_seed(&[7; 32]).id()),
        format!("{good}{}", &good[good.find("[[key]]").unwrap()..]),
        // The neutral element: every message has a signature under it.
        good.replace(&key.public(), &format!("01{}", "0".repeat(62))),
    ] {
        assert_ne!(bad, good);
        let error = Keyring::parse(&bad, Path::new("keys.toml")).unwrap_err();
        assert_eq!(error.code(), "PG-0463", "{error}");
    }
    assert_eq!(Keyring::parse(&good, Path::new("keys.toml")).unwrap(), ring);
}
