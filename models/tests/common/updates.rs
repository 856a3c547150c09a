//! Signed models that find one person whatever they see, and a robot that trusts their key.

use std::path::{Path, PathBuf};
use std::time::Duration;

use peregrine_models::trust::{Keyring, Purpose, SecretKey, signature_path};
use peregrine_models::update::{Limits, UpdateOptions};
use peregrine_models::{BackendChoice, LoadOptions, Trust, sha256};

use super::network::{Output, constant_network};

pub fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

/// A signed model that finds one person whatever it sees.
pub fn model(folder: &Path, name: &str, score: f32, key: &SecretKey) -> PathBuf {
    model_at(folder, name, score, 32.0, key)
}

/// The same, with the person `x` network pixels from the left.
pub fn model_at(folder: &Path, name: &str, score: f32, x: f32, key: &SecretKey) -> PathBuf {
    let folder = folder.join(name);
    std::fs::create_dir_all(&folder).unwrap();
    let mut values = vec![0.0; 6 * 64];
    for (plane, value) in [x, 32.0, 16.0, 24.0, score].into_iter().enumerate() {
        values[plane * 64] = value;
    }
    let output = Output { name: "y".into(), shape: vec![1, 6, 64], values };
    let bytes = constant_network("x", &[1, 3, 64, 64], &[output]);
    std::fs::write(folder.join("net.onnx"), &bytes).unwrap();
    let path = folder.join("net.toml");
    let text = format!(
        "name = \"{name}\"\nfile = \"net.onnx\"\nsha256 = \"{}\"\ntask = \"detection\"\norigin = \"made up\"\n\
         score_threshold = 0.3\nlabels = [\"person\", \"car\"]\n[input]\nname = \"x\"\nwidth = 64\nheight = 64\n\
         colour = \"rgb\"\n[decoder]\nkind = \"yolov8\"\nstrides = [8]\noutputs = [\"y\"]\n[licence]\nspdx = \"CC0-1.0\"\n",
        sha256(&bytes)
    );
    std::fs::write(&path, &text).unwrap();
    std::fs::write(signature_path(&path), key.sign(text.as_bytes(), Purpose::Manifest).to_toml()).unwrap();
    path
}

/// Where the models, the store and the stick lie, and whose key is trusted.
pub fn options(folder: &Path) -> UpdateOptions {
    let mut ring = Keyring::default();
    ring.add(&key(1).public(), "fleet").unwrap();
    std::fs::write(folder.join("keys.toml"), ring.to_toml().unwrap()).unwrap();
    std::fs::create_dir_all(folder.join("stick")).unwrap();
    let own = model(folder, "v1", 0.9, &key(1));
    let load = LoadOptions {
        backend: BackendChoice::Tract,
        trust: Trust::Ring(folder.join("keys.toml")),
        ..LoadOptions::new(own.to_str().unwrap())
    };
    UpdateOptions {
        store: folder.join("store"),
        inbox: Some(folder.join("stick")),
        load,
        // Networks of microseconds: their times are chance.
        limits: Limits { shadow_images: 30, watch_images: 60, slowdown: 1000.0, ..Limits::default() },
        poll: Duration::from_millis(5),
    }
}
