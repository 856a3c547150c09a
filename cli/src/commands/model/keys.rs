//! `model sign` and `model keys`: who signs, and who is trusted.

use std::path::{Path, PathBuf};

use peregrine_models::trust::{Keyring, Purpose, SecretKey, Signature, signature_path, user_ring};
use peregrine_models::update::write_whole;
use peregrine_models::{BackendName, Model, ModelSource, sha256};

use super::args::Keys;
use crate::error::{Error, Result};

pub fn sign(manifest: &Path, key: &Path) -> Result {
    let key = SecretKey::read(key)?;
    // What is signed must be whole: hash, labels and shapes are checked first.
    let model = Model::read(&ModelSource::Path(manifest.to_owned()), BackendName::Ort)?;
    let Some((_, text)) = &model.signed else {
        return Err(Error::Argument {
            what: "manifest",
            value: manifest.display().to_string(),
            why: "a bare network has no manifest to sign; write one (.toml) beside it".into(),
        });
    };
    if model.manifest.labels_file.is_some() && model.manifest.labels_sha256.is_none() {
        return Err(Error::Argument {
            what: "manifest",
            value: manifest.display().to_string(),
            why: "write the labels file's hash into it first (`labels_sha256`), else anybody could change the labels".into(),
        });
    }
    let target = signature_path(manifest);
    write(&target, &key.sign(text, Purpose::Manifest).to_toml())?;
    println!("signed by {}: {}", key.id(), target.display());
    Ok(())
}

pub fn run(command: &Keys) -> Result {
    match command {
        Keys::New { file } => {
            let key = SecretKey::generate()?;
            key.write(file)?;
            println!("{}\nid {}", key.public(), key.id());
            eprintln!(
                "secret key in {}; trust it elsewhere with `peregrine model keys trust {} --name ...`",
                file.display(),
                key.public()
            );
            Ok(())
        }
        Keys::Show => show(),
        Keys::Trust { public, name } => change(|ring| Ok(ring.add(public, name)?)),
        Keys::Revoke { id, why } => change(|ring| Ok(ring.revoke(id, why)?)),
        Keys::Retire { model, why } => {
            let is_hash = model.len() == 64 && !Path::new(model).exists();
            let id = if is_hash {
                model.clone()
            } else {
                let path = Path::new(model);
                sha256(&std::fs::read(path).map_err(Error::file("read", path))?)
            };
            change(|ring| Ok(ring.retire(&id, why)?))
        }
        Keys::Publish { file, key } => {
            let text = read_ring()?.1.to_toml()?;
            let signature = SecretKey::read(key)?.sign(text.as_bytes(), Purpose::Keyring);
            write(file, &text)?;
            write(&signature_path(file), &signature.to_toml())?;
            println!("published {} and its signature", file.display());
            Ok(())
        }
        Keys::Take { file } => {
            let (path, ring) = read_ring()?;
            let text = std::fs::read_to_string(file).map_err(Error::file("read", file))?;
            let next = ring.follow(&text, &Signature::read(&signature_path(file))?, file)?;
            store(&path, &next)?;
            println!("the ring is now number {} with {} keys", next.serial, next.keys.len());
            Ok(())
        }
    }
}

fn read_ring() -> Result<(PathBuf, Keyring)> {
    let path = user_ring().ok_or_else(|| Error::Argument {
        what: "key ring",
        value: "unknown".into(),
        why: "neither XDG_CONFIG_HOME nor HOME is set; set one of them".into(),
    })?;
    let ring = if path.is_file() { Keyring::read(&path)? } else { Keyring::default() };
    Ok((path, ring))
}

fn show() -> Result {
    let (path, ring) = read_ring()?;
    println!("{} (number {})", path.display(), ring.serial);
    for key in &ring.keys {
        let state = key.revoked.as_ref().map(|why| format!("   REVOKED: {why}")).unwrap_or_default();
        println!("{}  {}  {}{state}", key.id, key.public, key.name);
    }
    for model in &ring.retired {
        println!("{}  RETIRED: {}", model.sha256, model.why);
    }
    if ring.keys.is_empty() {
        println!("no keys: only the embedded models are trusted");
    }
    Ok(())
}

fn change(edit: impl FnOnce(&mut Keyring) -> Result) -> Result {
    let (path, mut ring) = read_ring()?;
    edit(&mut ring)?;
    store(&path, &ring)?;
    show()
}

/// Whole or not at all, and on disk: a ring that is cut off would trust nobody.
fn store(path: &Path, ring: &Keyring) -> Result {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
    }
    Ok(write_whole(path, ring.to_toml()?.as_bytes())?)
}

fn write(path: &Path, text: &str) -> Result {
    std::fs::write(path, text).map_err(Error::file("write", path))
}
