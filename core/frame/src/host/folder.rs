//! The folder where buses are found: one socket for each publisher, named after its topic and its process.
//!
//! Invariant: folder and parent belong to this user and nobody else may enter (0700). That, and the credentials that
//! each connection is asked for, keep other users out.

use std::fs::{DirBuilder, symlink_metadata};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::net::SocketAddrUnix;

use crate::protocol::Owner;
use crate::{Error, Result};

/// `BASE/d<domain>`.
pub(super) struct Folder {
    path: PathBuf,
    /// Paths of sockets are short: a long folder is named through its descriptor.
    fd: OwnedFd,
}

/// A socket's name, read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// [`hash`] of the topic.
    pub topic: u64,
    /// The publisher's process.
    pub owner: Owner,
}

impl Folder {
    pub(super) fn open(base: &Path, domain: u32) -> Result<Folder> {
        make_private(base)?;
        let path = base.join(format!("d{domain}"));
        make_private(&path)?;
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDONLY;
        let fd = rustix::fs::open(&path, flags, Mode::empty())
            .map_err(|e| unusable(&path, format!("cannot be opened: {e}")))?;
        Ok(Folder { path, fd })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What to bind or connect to.
    pub(super) fn address(&self, name: &str) -> rustix::io::Result<SocketAddrUnix> {
        SocketAddrUnix::new(self.path.join(name).as_path()).or_else(|_| {
            SocketAddrUnix::new(format!("/proc/self/fd/{}/{name}", self.fd.as_raw_fd()).as_str())
        })
    }

    /// The sockets in the folder.
    pub(super) fn entries(&self) -> Vec<(String, Entry)> {
        let Ok(dir) = std::fs::read_dir(&self.path) else { return Vec::new() };
        let mut entries: Vec<_> = dir
            .flatten()
            .filter_map(|file| file.file_name().into_string().ok())
            .filter_map(|name| Entry::parse(&name).map(|entry| (name, entry)))
            .collect();
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        entries
    }

    pub(super) fn rename(&self, from: &str, to: &str) -> rustix::io::Result<()> {
        rustix::fs::renameat(&self.fd, from, &self.fd, to)
    }

    pub(super) fn remove(&self, name: &str) -> bool {
        rustix::fs::unlinkat(&self.fd, name, rustix::fs::AtFlags::empty()).is_ok()
    }
}

impl Entry {
    pub(super) fn name(topic: &str, owner: Owner, number: u32) -> String {
        format!("{:016x}.{}.{}.{number}.sock", hash(topic), owner.pid, owner.start_time)
    }

    pub(super) fn parse(name: &str) -> Option<Entry> {
        let mut parts = name.strip_suffix(".sock")?.split('.');
        let topic = u64::from_str_radix(parts.next().filter(|t| t.len() == 16)?, 16).ok()?;
        let (pid, start_time) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let _: u32 = parts.next()?.parse().ok()?;
        parts.next().is_none().then_some(Entry { topic, owner: Owner { pid, start_time, remote: true } })
    }
}

/// 64-bit FNV-1a. Two topics of one hash are told apart by the publisher, who is asked for the full name.
pub(super) fn hash(topic: &str) -> u64 {
    topic.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3))
}

/// `$XDG_RUNTIME_DIR/peregrine` if that folder is this user's own, else `/tmp/peregrine-UID`.
pub(super) fn default_base() -> PathBuf {
    let uid = rustix::process::geteuid().as_raw();
    let runtime = std::env::var_os("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|dir| dir.is_absolute() && symlink_metadata(dir).is_ok_and(|m| m.is_dir() && m.uid() == uid));
    match runtime {
        Some(dir) => dir.join("peregrine"),
        None => PathBuf::from(format!("/tmp/peregrine-{uid}")),
    }
}

/// Makes a folder that only this user may enter, or checks that it is one.
fn make_private(path: &Path) -> Result {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(unusable(path, format!("cannot be made: {e}")));
        }
        _ => {}
    }
    let meta = symlink_metadata(path).map_err(|e| unusable(path, format!("cannot be looked at: {e}")))?;
    let uid = rustix::process::geteuid().as_raw();
    if !meta.is_dir() {
        Err(unusable(path, "is no folder".into()))
    } else if meta.uid() != uid {
        Err(unusable(path, format!("belongs to user {}, not to user {uid}", meta.uid())))
    } else if meta.mode() & 0o077 != 0 {
        Err(unusable(path, format!("may be entered by others (mode {:o})", meta.mode() & 0o777)))
    } else {
        Ok(())
    }
}

fn unusable(path: &Path, why: String) -> Error {
    let remedy = "remove it, or set XDG_RUNTIME_DIR to a folder of yours with mode 0700";
    Error::RegistryFolder { path: path.display().to_string(), why, remedy }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_others_are_left_alone() {
        let owner = Owner { pid: 12, start_time: 345, remote: true };
        let name = Entry::name("/camera/image_raw", owner, 3);
        assert_eq!(Entry::parse(&name), Some(Entry { topic: hash("/camera/image_raw"), owner }));
        for other in
            ["", "x", "0.1.2.3.sock", "00000000000000zz.1.2.3.sock", &name[1..], &format!("{name}.new")]
        {
            assert_eq!(Entry::parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_folder_that_others_may_enter_is_refused() {
        let base = std::env::temp_dir().join(format!("peregrine-folder-test-{}", std::process::id()));
        DirBuilder::new().mode(0o755).create(&base).unwrap();
        let refused = Folder::open(&base, 0).err().unwrap().to_string();
        std::fs::remove_dir_all(&base).unwrap();
        assert!(refused.starts_with("PG-0118") && refused.contains("755"), "{refused}");
        let link = base.with_extension("link");
        std::os::unix::fs::symlink("/tmp", &link).unwrap();
        let refused = Folder::open(&link, 0).err().unwrap().to_string();
        std::fs::remove_file(&link).unwrap();
        assert!(refused.contains("no folder"), "{refused}");
    }
}
