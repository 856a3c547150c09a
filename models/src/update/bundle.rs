//! What travels: a manifest, its signature, and every file it names.

use std::path::Path;

use crate::model::sha256;
use crate::trust::signature_path;
use crate::{Error, Manifest, Result};

/// Larger files are no model for a robot.
pub const LARGEST_FILE: u64 = 1 << 30;

/// Name of the manifest in a slot.
pub(super) const MANIFEST: &str = "manifest.toml";

/// A model's files in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// Relative name and content; the manifest and its signature first.
    files: Vec<(String, Vec<u8>)>,
    /// SHA-256 of the manifest: the name of this exact model.
    id: String,
}

impl Bundle {
    /// Reads a manifest and what it names. The hashes are checked.
    ///
    /// # Errors
    /// `PG-0401` to `PG-0406` as for loading a model, `PG-1901` for a file that is too large.
    pub fn read(manifest: &Path) -> Result<Self> {
        let text = load(manifest)?;
        let name = manifest.display().to_string();
        let parsed = Manifest::parse(&String::from_utf8_lossy(&text), &name)?;
        let folder = manifest.parent().unwrap_or(Path::new(""));
        let mut files = vec![(MANIFEST.to_owned(), text)];
        let signature = signature_path(manifest);
        if signature.is_file() {
            files.push((format!("{MANIFEST}.sig"), load(&signature)?));
        }
        let named = std::iter::once(&parsed.file).chain(&parsed.labels_file).chain(&parsed.licence.notices);
        for file in named {
            files.push((file.clone(), load(&folder.join(file))?));
        }
        Self::new(files)
    }

    /// From files that came from elsewhere. The manifest must be among them, and everything it names; nothing else may be.
    ///
    /// # Errors
    /// `PG-1902` for a file too few, too many or under a name that leaves the folder, `PG-0402` to `PG-0406` otherwise.
    pub fn new(files: Vec<(String, Vec<u8>)>) -> Result<Self> {
        let bad = |detail: String| Error::Bundle { detail };
        let find = |name: &str| files.iter().find(|(own, _)| own == name).map(|(_, bytes)| bytes);
        let text = find(MANIFEST).ok_or_else(|| bad(format!("it has no {MANIFEST}")))?;
        let manifest = Manifest::parse(&String::from_utf8_lossy(text), MANIFEST)?;
        let signature = format!("{MANIFEST}.sig");
        let mut named: Vec<&str> = vec![MANIFEST, &signature, &manifest.file];
        named.extend(manifest.labels_file.as_deref());
        // A manifest's notices are not checked by parsing: they are paths of a stranger.
        let inside = |name: &str| {
            let mut parts = Path::new(name).components();
            !name.is_empty() && parts.all(|part| matches!(part, std::path::Component::Normal(_)))
        };
        named.extend(manifest.licence.notices.iter().map(String::as_str));
        for (index, (name, _)) in files.iter().enumerate() {
            if !inside(name) || !named.contains(&name.as_str()) {
                return Err(bad(format!("the manifest does not name its file `{name}`")));
            }
            if files[..index].iter().any(|(other, _)| other == name) {
                return Err(bad(format!("its file `{name}` is there twice")));
            }
        }
        if let Some(missing) = named.iter().find(|name| **name != signature && find(name).is_none()) {
            return Err(bad(format!("its file `{missing}` is missing")));
        }
        let hashes = [
            (Some(&manifest.file), Some(&manifest.sha256)),
            (manifest.labels_file.as_ref(), manifest.labels_sha256.as_ref()),
        ];
        for (name, expected) in hashes {
            let (Some(name), Some(expected)) = (name, expected) else { continue };
            let found = find(name).map(|bytes| sha256(bytes)).unwrap_or_default();
            if !found.eq_ignore_ascii_case(expected) {
                return Err(bad(format!(
                    "its file `{name}` has SHA-256 {found}, the manifest says {expected}"
                )));
            }
        }
        let id = sha256(text);
        Ok(Self { files, id })
    }

    /// Relative names and contents.
    pub fn files(&self) -> &[(String, Vec<u8>)] {
        &self.files
    }

    /// SHA-256 of the manifest.
    pub fn id(&self) -> &str {
        &self.id
    }
}

fn load(path: &Path) -> Result<Vec<u8>> {
    let fail = |source| Error::File { action: "read", path: path.to_owned(), source };
    let size = std::fs::metadata(path).map_err(fail)?.len();
    if size > LARGEST_FILE {
        return Err(Error::BundleTooLarge { path: path.to_owned(), bytes: size, most: LARGEST_FILE });
    }
    std::fs::read(path).map_err(fail)
}
