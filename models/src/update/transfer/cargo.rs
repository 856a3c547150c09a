//! A model on disk, as it is offered: everything but the bytes.

use std::path::{Path, PathBuf};

use super::parts::{hash_file, read_at};
use super::{CHUNK, FileInfo, LARGEST_MANIFEST, LARGEST_SIGNATURE, Request, Verb, check_listing, offered};
use crate::trust::signature_path;
use crate::update::bundle::read_at_most;
use crate::update::store::failed;
use crate::{Manifest, Result};

/// Manifest, signature, and where the files lie.
#[derive(Clone, Debug)]
pub struct Cargo {
    /// The manifest's bytes.
    pub(super) text: Vec<u8>,
    /// Text of its signature, empty for none.
    pub(super) signature: String,
    /// SHA-256 of the manifest.
    pub(super) id: String,
    /// The model's name.
    pub(super) name: String,
    pub(super) files: Vec<FileInfo>,
    folder: PathBuf,
}

impl Cargo {
    /// Reads a manifest and looks at what it names; the files stay on disk.
    ///
    /// # Errors
    /// `PG-0401` to `PG-0404`, and `PG-1906` for what no host would take.
    pub fn read(manifest: &Path) -> Result<Self> {
        let text = read_at_most(manifest, LARGEST_MANIFEST as u64)?;
        let beside = signature_path(manifest);
        let signature = if beside.is_file() {
            String::from_utf8_lossy(&read_at_most(&beside, LARGEST_SIGNATURE as u64)?).into_owned()
        } else {
            String::new()
        };
        let folder = manifest.parent().unwrap_or(Path::new("")).to_owned();
        let parsed = Manifest::parse(&String::from_utf8_lossy(&text), &manifest.display().to_string())?;
        let mut files = Vec::new();
        for name in parsed.names() {
            let path = folder.join(name);
            let meta = std::fs::metadata(&path).map_err(failed("read", &path))?;
            // Looked at before it is hashed: a device has no end.
            if !meta.is_file() || meta.len() > parsed.largest(name) {
                let most = parsed.largest(name);
                return Err(offered(format!("{} is no file of at most {most} bytes", path.display())));
            }
            files.push(FileInfo { sha256: hash_file(&path)?, size: meta.len(), name: name.to_owned() });
        }
        let (manifest, id) = check_listing(&text, !signature.is_empty(), &files)?;
        Ok(Self { text, signature, id, name: manifest.name, files, folder })
    }

    /// SHA-256 of the manifest: the name of this exact model.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What the manifest calls the model.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Bytes of all files, the manifest not counted.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }

    /// The first step.
    pub fn offer(&self) -> Request {
        Request {
            data: self.text.clone(),
            signature: self.signature.clone(),
            files: self.files.clone(),
            ..Request::new(Verb::Offer)
        }
    }

    /// One chunk of a file.
    pub(super) fn chunk(&self, index: usize, offset: u64) -> Result<Request> {
        let file = &self.files[index];
        let most = (file.size - offset).min(CHUNK as u64) as usize;
        let data = read_at(&self.folder.join(&file.name), offset, most)?;
        if data.len() != most {
            return Err(offered(format!("its file `{}` has become shorter while it is sent", file.name)));
        }
        Ok(Request {
            model: self.id.clone(),
            name: file.name.clone(),
            offset,
            sha256: crate::model::sha256(&data),
            data,
            ..Request::new(Verb::Chunk)
        })
    }
}
