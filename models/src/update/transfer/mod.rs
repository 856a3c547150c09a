//! Bringing a model to a host and fetching one from it, a step at a time: what is said, and who may say it.
//!
//! Pure of any network: a [`Request`] goes in, a [`Reply`] comes out, whoever carries them. Four nouns: a [`Dock`] is the
//! host's side; a [`Cargo`] is a model on disk with its sizes and hashes; a [`Courier`] brings it; a [`Fetch`] fetches one.
//!
//! Invariants: the manifest comes first, and not a byte of anything it names is taken before its signature was checked;
//! memory is bounded by [`CHUNK`] whatever the size of the model; every step may be repeated, and a cut of the link or a
//! `kill -9` of either side costs at most one chunk; what a stranger says (version, sizes, names, order) is believed only
//! within the limits below. What arrives is looked at by the detector like a model from a USB stick: nothing runs for having
//! been transferred.

mod cargo;
mod courier;
mod dock;
mod fetch;
mod order;
mod parts;

use std::path::{Component, Path};

pub use cargo::Cargo;
pub use courier::{Courier, Next};
pub use dock::{Dock, DockOptions};
pub use fetch::{Fetch, Fetched};
pub use order::{Order, host_of_service};

pub use super::bundle::{LARGEST_MANIFEST, LARGEST_SIGNATURE};

use super::bundle::MANIFEST;
use crate::model::sha256;
use crate::{Error, Manifest, Result};

/// The protocol. Another version is refused.
pub const VERSION: u16 = 1;
/// Bytes of one step at most.
pub const CHUNK: usize = 256 * 1024;
/// Licence texts and labels are shorter.
pub const MOST_FILES: usize = 32;
/// Longest relative name of a file, bytes.
pub const LONGEST_NAME: usize = 200;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verb {
    /// What runs, and how it fares.
    Info,
    /// A manifest, its signature, and the files it names.
    Offer,
    /// Bytes of a file.
    Chunk,
    /// All is there.
    Commit,
    /// Give a model up for the one before it: an [`Order`].
    Revert,
    /// The model that runs.
    List,
    /// Bytes of a file of the model that runs.
    Read,
}

impl Verb {
    const ALL: [Self; 7] =
        [Self::Info, Self::Offer, Self::Chunk, Self::Commit, Self::Revert, Self::List, Self::Read];

    /// From its number on the wire.
    pub fn from_wire(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.to_wire() == number)
    }

    /// Its number on the wire.
    pub const fn to_wire(self) -> u8 {
        self as u8
    }
}

/// A file that a manifest names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileInfo {
    /// Relative to the manifest.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// 64 hexadecimal digits.
    pub sha256: String,
}

/// One step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// [`VERSION`].
    pub version: u16,
    /// See [`Verb`].
    pub verb: u8,
    /// SHA-256 of the manifest in question; empty for `Info`, `Offer` and `List`.
    pub model: String,
    /// A file.
    pub name: String,
    /// Where in it, bytes.
    pub offset: u64,
    /// Of `data`.
    pub sha256: String,
    /// Bytes of the file, the manifest that is offered, or the [`Order`].
    pub data: Vec<u8>,
    /// `Offer` and `Revert`: the text of the signature; empty for none.
    pub signature: String,
    /// `Offer`: what the manifest names.
    pub files: Vec<FileInfo>,
}

impl Request {
    fn new(verb: Verb) -> Self {
        Self { version: VERSION, verb: verb.to_wire(), ..Self::default() }
    }

    /// Asks what runs there.
    pub fn info() -> Self {
        Self::new(Verb::Info)
    }
}

/// How a step went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// Done.
    Ok,
    /// Nothing was taken; the detail says why.
    #[default]
    Refused,
    /// Go on with the file and offset given.
    Resend,
    /// No such transfer is known (any more): offer first.
    Unknown,
}

impl Status {
    const ALL: [Self; 4] = [Self::Ok, Self::Refused, Self::Resend, Self::Unknown];

    /// From its number on the wire.
    pub fn from_wire(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.to_wire() == number)
    }

    /// Its number on the wire.
    pub const fn to_wire(self) -> u8 {
        self as u8
    }
}

/// The answer to one step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// [`VERSION`] of the host.
    pub version: u16,
    /// How it went.
    pub status: Status,
    /// One line, for people.
    pub detail: String,
    /// The manifest in question.
    pub model: String,
    /// A file.
    pub name: String,
    /// Where in it, bytes.
    pub offset: u64,
    /// Of `data`.
    pub sha256: String,
    /// Bytes of the file, or the manifest.
    pub data: Vec<u8>,
    /// `List`: the text of the signature.
    pub signature: String,
    /// `Offer` and `List`: the files.
    pub files: Vec<FileInfo>,
    /// `Offer`: how many bytes of each are there.
    pub have: Vec<u64>,
    /// `Info`: by name.
    pub values: Vec<(String, String)>,
}

impl Reply {
    fn new(status: Status) -> Self {
        Self { version: VERSION, status, ..Self::default() }
    }

    /// A value of `Info`.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.values.iter().find(|(own, _)| own == key).map(|(_, value)| value.as_str())
    }

    /// Whether the two sides speak one language and the step went through.
    ///
    /// # Errors
    /// `PG-1907` for another version, `PG-1908` for a refusal, whose words are the host's.
    pub fn accepted(&self) -> Result<&Self> {
        if self.version != VERSION {
            return Err(Error::TransferVersion { found: self.version, own: VERSION });
        }
        match self.status {
            Status::Refused => Err(Error::TransferRefused { detail: one_line(&self.detail) }),
            _ => Ok(self),
        }
    }
}

/// A stranger's words, fit for a terminal.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(600).collect()
}

fn offered(detail: impl Into<String>) -> Error {
    Error::Offer { detail: detail.into() }
}

/// Whether `name` stays below the manifest's folder and is no name of the protocol's own.
fn is_inside(name: &str) -> bool {
    let plain = |part: Component<'_>| matches!(part, Component::Normal(_));
    // Path would read `a//b` and `a/./b` as `a/b`: one file, one name.
    let odd = name.split('/').any(|part| part.is_empty() || part == ".") || name.contains('\\');
    let own = [MANIFEST, "manifest.toml.sig"].contains(&name);
    !odd && !own
        && name.len() <= LONGEST_NAME
        && !name.chars().any(char::is_control)
        && Path::new(name).components().all(plain)
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// A manifest that came with a list of files: whether the list is exactly what it names, in sizes that can be meant and with
/// the hashes it gives. Its name in the world: the SHA-256.
fn check_listing(text: &[u8], signed: bool, files: &[FileInfo]) -> Result<(Manifest, String)> {
    if text.len() > LARGEST_MANIFEST {
        return Err(offered(format!(
            "its manifest has {} bytes, {LARGEST_MANIFEST} are allowed",
            text.len()
        )));
    }
    let manifest = Manifest::parse(&String::from_utf8_lossy(text), MANIFEST)?;
    if signed && manifest.labels_file.is_some() && manifest.labels_sha256.is_none() {
        return Err(offered(
            "its signature does not cover the labels file; write `labels_sha256`, then sign",
        ));
    }
    if files.len() > MOST_FILES {
        return Err(offered(format!("it has {} files, {MOST_FILES} are allowed", files.len())));
    }
    let named = manifest.names();
    for (index, file) in files.iter().enumerate() {
        let name = one_line(&file.name);
        if !is_inside(&file.name) || !named.contains(&file.name.as_str()) {
            return Err(offered(format!("the manifest does not name its file `{name}`")));
        }
        if files[..index].iter().any(|other| other.name == file.name) {
            return Err(offered(format!("its file `{name}` is there twice")));
        }
        let most = manifest.largest(&file.name);
        if file.size > most {
            return Err(offered(format!("its file `{name}` has {} bytes, {most} are allowed", file.size)));
        }
        if !is_sha256(&file.sha256) {
            return Err(offered(format!("its file `{name}` comes with no SHA-256")));
        }
        let expected = if file.name == manifest.file {
            Some(&manifest.sha256)
        } else if Some(&file.name) == manifest.labels_file.as_ref() {
            manifest.labels_sha256.as_ref()
        } else {
            None
        };
        if expected.is_some_and(|expected| !expected.eq_ignore_ascii_case(&file.sha256)) {
            return Err(offered(format!("its file `{name}` has another SHA-256 than the manifest says")));
        }
    }
    if let Some(missing) = named.iter().find(|name| files.iter().all(|file| file.name != **name)) {
        return Err(offered(format!("its file `{}` is missing", one_line(missing))));
    }
    Ok((manifest, sha256(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_leave_the_folder_or_take_the_protocols_own_are_none() {
        for name in ["net.onnx", "LICENSES/a.txt", "a/b/c", "..a", "名前.txt"] {
            assert!(is_inside(name), "{name}");
        }
        let long = "x".repeat(LONGEST_NAME + 1);
        for name in [
            "",
            "/",
            "/etc/passwd",
            "..",
            "../a",
            "a/../b",
            "a//b",
            "a/./b",
            "./a",
            "a/",
            "a\\b",
            "a\0b",
            "a\nb",
            "manifest.toml",
            "manifest.toml.sig",
            &long,
        ] {
            assert!(!is_inside(name), "{name:?}");
        }
    }

    #[test]
    fn numbers_on_the_wire_are_those_of_the_definition() {
        let text = include_str!("../../../../msgs/defs/peregrine_msgs/srv/ModelTransfer.srv");
        for (index, name) in ["INFO", "OFFER", "CHUNK", "COMMIT", "REVERT", "LIST", "READ"].iter().enumerate()
        {
            assert!(text.contains(&format!("uint8 {name}={index}\n")), "{name}");
            assert_eq!(Verb::from_wire(index as u8).unwrap().to_wire(), index as u8);
        }
        for (index, name) in ["OK", "REFUSED", "RESEND", "UNKNOWN"].iter().enumerate() {
            assert!(text.contains(&format!("uint8 {name}={index}\n")), "{name}");
            assert_eq!(Status::from_wire(index as u8).unwrap().to_wire(), index as u8);
        }
        assert!(Verb::from_wire(7).is_none() && Status::from_wire(4).is_none());
    }
}
