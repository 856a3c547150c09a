//! What travels: a manifest, its signature, and every file it names.

use std::path::Path;

use crate::model::sha256;
use crate::trust::signature_path;
use crate::{Error, Manifest, Result};

/// Larger files are no model for a robot.
pub const LARGEST_FILE: u64 = 1 << 30;

/// A longer manifest is none.
pub const LARGEST_MANIFEST: usize = 1 << 20;
/// A longer signature is none.
pub const LARGEST_SIGNATURE: usize = 4096;
/// A longer licence text is none. No signature covers it, so its length is all that binds it.
pub const LARGEST_NOTICE: u64 = 1 << 20;

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
        let text = read_at_most(manifest, LARGEST_MANIFEST as u64)?;
        let name = manifest.display().to_string();
        let parsed = Manifest::parse(&String::from_utf8_lossy(&text), &name)?;
        let folder = manifest.parent().unwrap_or(Path::new(""));
        let mut files = vec![(MANIFEST.to_owned(), text)];
        let signature = signature_path(manifest);
        if signature.is_file() {
            files.push((format!("{MANIFEST}.sig"), read_at_most(&signature, LARGEST_SIGNATURE as u64)?));
        }
        for file in parsed.names() {
            let bytes = read_at_most(&folder.join(file), parsed.largest(file))?;
            files.push((file.to_owned(), bytes));
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
        // Parsing leaves `./x` through, which is another name of a file that may be there already.
        let inside = |name: &str| {
            let mut parts = Path::new(name).components();
            !name.is_empty() && parts.all(|part| matches!(part, std::path::Component::Normal(_)))
        };
        named.extend(manifest.licence.notices.iter().map(String::as_str));
        for (index, (name, bytes)) in files.iter().enumerate() {
            if !inside(name) || !named.contains(&name.as_str()) {
                return Err(bad(format!("the manifest does not name its file `{name}`")));
            }
            if bytes.len() as u64 > manifest.largest(name) && name != MANIFEST {
                return Err(bad(format!(
                    "its file `{name}` has {} bytes, {} are allowed",
                    bytes.len(),
                    manifest.largest(name)
                )));
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

impl Manifest {
    /// The files that it names, each once.
    pub(crate) fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        let all = std::iter::once(&self.file).chain(&self.labels_file).chain(&self.licence.notices);
        for name in all {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        names
    }

    /// How long a file that it names may be, bytes.
    pub(crate) fn largest(&self, name: &str) -> u64 {
        let has_hash = self.file == name || self.labels_file.as_deref() == Some(name);
        if has_hash { LARGEST_FILE } else { LARGEST_NOTICE }
    }
}

/// A file of a stranger: never more than `most` bytes of it, and nothing that is no file.
///
/// # Errors
/// `PG-1901` for a longer one, `PG-0401`.
pub(crate) fn read_at_most(path: &Path, most: u64) -> Result<Vec<u8>> {
    use std::io::Read;
    let fail = |source| Error::File { action: "read", path: path.to_owned(), source };
    let meta = std::fs::metadata(path).map_err(fail)?;
    // A pipe or a device may never end, or never begin.
    if !meta.is_file() {
        return Err(fail(std::io::Error::new(std::io::ErrorKind::InvalidInput, "it is no regular file")));
    }
    let mut bytes = Vec::new();
    // It may grow while it is read.
    std::fs::File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes)).map_err(fail)?;
    if bytes.len() as u64 > most {
        let bytes = meta.len().max(most + 1);
        return Err(Error::BundleTooLarge { path: path.to_owned(), bytes, most });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_endless_or_too_long_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.toml");
        // Twenty gigabytes that take no room.
        std::fs::File::create(&path).unwrap().set_len(20 << 30).unwrap();
        assert_eq!(Bundle::read(&path).unwrap_err().code(), "PG-1901");
        assert_eq!(read_at_most(Path::new("/dev/zero"), 10).unwrap_err().code(), "PG-0401");
        // A licence text that is none of its own.
        let stranger = "name = \"x\"\nfile = \"net.onnx\"\nsha256 = \"00\"\ntask = \"detection\"\norigin = \"made up\"\n\
             labels = [\"person\"]\n[input]\nname = \"x\"\nwidth = 64\nheight = 64\ncolour = \"rgb\"\n[decoder]\n\
             kind = \"yolov8\"\nstrides = [8]\noutputs = [\"y\"]\n[licence]\nspdx = \"MIT\"\nnotices = [\"/dev/zero\"]\n";
        std::fs::write(&path, stranger).unwrap();
        let error = Bundle::read(&path).unwrap_err().to_string();
        assert!(error.starts_with("PG-0404") && error.contains("/dev/zero"), "{error}");
        std::fs::write(&path, "0123456789").unwrap();
        assert_eq!(read_at_most(&path, 10).unwrap(), b"0123456789");
        assert_eq!(read_at_most(&path, 9).unwrap_err().code(), "PG-1901");
    }
}
