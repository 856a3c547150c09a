//! A sealed bag, opened into a plain one.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::{ENDING, Identity, Unseal, bad};
use crate::error::{RecorderError, Result};

/// What came of opening a bag.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// Plain files that were written.
    pub files: Vec<PathBuf>,
    /// Bytes of them.
    pub bytes: u64,
    /// Those whose sealed file breaks off: `peregrine bag recover` completes them.
    pub cut: Vec<PathBuf>,
}

/// Opens the sealed files of the bag `from` (or one such file) into `to`, a directory that does not exist yet. What is not sealed is
/// copied.
///
/// # Errors
/// [`RecorderError::Exists`], [`RecorderError::Create`], [`RecorderError::Write`], [`RecorderError::Sealed`].
pub fn open_bag(from: &Path, to: &Path, identities: &[Identity]) -> Result<Opened> {
    let unreadable =
        |path: &Path, error: &io::Error| bad(format!("cannot read '{}': {error}", path.display()));
    let mut paths = vec![from.to_owned()];
    if from.is_dir() {
        let entries = fs::read_dir(from).map_err(|error| unreadable(from, &error))?;
        paths = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
        paths.sort();
    }
    if let Some(parent) = to.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent).map_err(|error| RecorderError::create(parent, &error))?;
    }
    fs::create_dir(to).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => RecorderError::Exists { path: to.to_owned() },
        _ => RecorderError::create(to, &error),
    })?;
    let mut opened = Opened::default();
    for path in &paths {
        let name = Path::new(path.file_name().unwrap_or_default());
        let sealed = name.extension().is_some_and(|end| end == ENDING);
        if name == Path::new("metadata.yaml") {
            let text = fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
            let plain = text.replace(&format!(".mcap.{ENDING}"), ".mcap");
            let target = to.join(name);
            fs::write(&target, plain).map_err(|error| RecorderError::write(&target, 0, &error))?;
            continue;
        }
        let target = if sealed { to.join(name.file_stem().unwrap_or_default()) } else { to.join(name) };
        let mut file = File::open(path).map_err(|error| unreadable(path, &error))?;
        let plain = OpenOptions::new().write(true).create_new(true).open(&target);
        let mut plain = plain.map_err(|error| RecorderError::create(&target, &error))?;
        let copied = if sealed {
            let mut file = Unseal::new(file, identities)
                .map_err(|error| bad(format!("'{}': {error}", path.display())))?;
            if !file.is_complete() {
                opened.cut.push(target.clone());
            }
            io::copy(&mut file, &mut plain)
        } else {
            io::copy(&mut file, &mut plain)
        };
        opened.bytes += copied.map_err(|error| unreadable(path, &error))?;
        opened.files.push(target);
    }
    Ok(opened)
}
