//! Memory with a descriptor, which other processes can map: made here, or checked when it came from elsewhere.
//!
//! Invariant: a descriptor that is mapped can never shrink (`F_SEAL_SHRINK`), or a reader would die of SIGBUS when its
//! publisher truncates it.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, fstat, ftruncate, memfd_create};

use crate::region::{PAGE, Region};
use crate::{Error, Result};

const NEVER_SHRINKS: SealFlags = SealFlags::SHRINK;

/// A descriptor and this process's own mapping of it, to read and write.
pub(crate) struct Memory {
    pub fd: OwnedFd,
    pub region: Region,
    /// The pages are huge ones.
    pub huge: bool,
}

/// Which memory is asked for.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// Everybody writes.
    Control,
    /// Only the maker writes: no other writable mapping can be made afterwards.
    Frames { huge: bool },
}

/// Makes `bytes` bytes. Nothing of them is present yet.
pub(crate) fn create(name: &str, bytes: usize, kind: Kind) -> Result<Memory> {
    let plain = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    if let Kind::Frames { huge: true } = kind
        && let Some(memory) = create_with(name, bytes, kind, plain | MemfdFlags::HUGETLB, HUGE)
    {
        return Ok(Memory { huge: true, ..memory });
    }
    create_with(name, bytes, kind, plain, PAGE).ok_or(Error::OutOfMemory { bytes })
}

/// The size of a huge page that is asked for: the usual one of x86-64 and of arm64 with 4 KiB pages.
const HUGE: usize = 2 << 20;

fn create_with(name: &str, bytes: usize, kind: Kind, flags: MemfdFlags, granule: usize) -> Option<Memory> {
    let size = bytes.max(1).checked_next_multiple_of(granule)?;
    // Longer names are refused.
    let end = name
        .char_indices()
        .map(|(at, c)| at + c.len_utf8())
        .take_while(|end| *end <= 240)
        .last()
        .unwrap_or(0);
    let fd = memfd_create(&name[..end], flags).ok()?;
    ftruncate(&fd, size as u64).ok()?;
    let region = Region::shared(fd.as_fd(), size, true).ok()?;
    let mut seals = NEVER_SHRINKS | SealFlags::GROW;
    if let Kind::Frames { .. } = kind {
        seals |= SealFlags::FUTURE_WRITE;
    }
    // Linux 5.1 is needed for FUTURE_WRITE. Before, readers still map read-only by their own choice.
    if fcntl_add_seals(&fd, seals | SealFlags::SEAL).is_err() {
        fcntl_add_seals(&fd, NEVER_SHRINKS | SealFlags::GROW | SealFlags::SEAL).ok()?;
    }
    Some(Memory { fd, region, huge: false })
}

/// Maps a descriptor that another process sent, if it holds `bytes` bytes for good.
pub(crate) fn adopt(fd: impl AsFd, bytes: usize, writable: bool) -> Result<Region> {
    let fd = fd.as_fd();
    let sealed = fcntl_get_seals(fd).is_ok_and(|seals| seals.contains(NEVER_SHRINKS));
    let size = fstat(fd).ok().and_then(|s| usize::try_from(s.st_size).ok()).unwrap_or(0);
    if !sealed || size < bytes {
        return Err(Error::Handshake {
            what: "the memory that a publisher sent",
            why: if sealed { "is too small" } else { "can shrink" },
        });
    }
    // All of it: a mapping of huge pages must be a whole number of them.
    Region::shared(fd, size, writable)
}
