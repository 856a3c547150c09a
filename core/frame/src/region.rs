//! Memory for the slots and the control block: the heap of this process, or a mapping that processes share.
//!
//! Everything above this file sees a page-aligned range of bytes.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::os::fd::BorrowedFd;
use std::ptr::NonNull;

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap, munmap};

use crate::{Error, Result};

/// Alignment and granule of slots, bytes.
pub(crate) const PAGE: usize = 4096;

/// A page-aligned, zeroed (when new) range of bytes.
pub(crate) struct Region {
    base: NonNull<u8>,
    len: usize,
    origin: Origin,
}

enum Origin {
    Heap(Layout),
    Mapping { writable: bool },
}

// SAFETY: a region is plain memory, owned by this value. It hands out a raw pointer only; those who follow it answer for
// the threads they do so from (see slots.rs).
unsafe impl Send for Region {}
// SAFETY: as above; `&Region` gives no access to the bytes by itself.
unsafe impl Sync for Region {}

impl Region {
    /// Allocates at least `bytes` bytes, at least one page, all present.
    pub(crate) fn heap(bytes: usize) -> Result<Region> {
        let fail = || Error::OutOfMemory { bytes };
        let size = bytes.max(1).checked_next_multiple_of(PAGE).ok_or_else(fail)?;
        let layout = Layout::from_size_align(size, PAGE).map_err(|_| fail())?;
        // SAFETY: the layout's size is not zero.
        let base = NonNull::new(unsafe { alloc_zeroed(layout) }).ok_or_else(fail)?;
        for page in (0..size).step_by(PAGE) {
            // SAFETY: inside the allocation. Volatile, so that the page is present before the first frame needs it.
            unsafe { base.add(page).write_volatile(0) };
        }
        Ok(Region { base, len: size, origin: Origin::Heap(layout) })
    }

    /// Maps `bytes` bytes of a descriptor, to be shared. The descriptor may be closed afterwards. It must never shrink:
    /// `memfd.rs` sees to that.
    pub(crate) fn shared(fd: BorrowedFd<'_>, bytes: usize, writable: bool) -> Result<Region> {
        let prot = if writable { ProtFlags::READ | ProtFlags::WRITE } else { ProtFlags::READ };
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory that Rust knows of.
        let base = unsafe { mmap(std::ptr::null_mut(), bytes, prot, MapFlags::SHARED, fd, 0) };
        let base = base.ok().and_then(|p| NonNull::new(p.cast())).ok_or(Error::OutOfMemory { bytes })?;
        Ok(Region { base, len: bytes, origin: Origin::Mapping { writable } })
    }

    /// Makes the pages of a range present in this mapping, so that no frame waits for one; where it may write, they are
    /// allocated. A kernel that cannot (before Linux 5.14) leaves them to the first use.
    pub(crate) fn populate(&self, at: usize, len: usize) {
        let Origin::Mapping { writable } = self.origin else { return };
        let len = len.min(self.len.saturating_sub(at));
        if len == 0 {
            return;
        }
        let advice = if writable { Advice::LinuxPopulateWrite } else { Advice::LinuxPopulateRead };
        // SAFETY: inside the mapping, and this advice changes no content.
        let _ = unsafe { madvise(self.base.add(at).as_ptr().cast(), len, advice) };
    }

    /// Asks for transparent huge pages, which a kernel may or may not grant.
    pub(crate) fn prefer_huge_pages(&self) {
        // SAFETY: the whole mapping, and this advice changes no content.
        let _ = unsafe { madvise(self.base.as_ptr().cast(), self.len, Advice::LinuxHugepage) };
    }

    /// First byte.
    pub(crate) fn base(&self) -> NonNull<u8> {
        self.base
    }

    /// Length, bytes.
    pub(crate) fn len(&self) -> usize {
        self.len
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        match self.origin {
            // SAFETY: allocated with this layout, and dropped once.
            Origin::Heap(layout) => unsafe { dealloc(self.base.as_ptr(), layout) },
            // SAFETY: mapped with this length, unmapped once; whoever looks at the memory holds the region.
            Origin::Mapping { .. } => drop(unsafe { munmap(self.base.as_ptr().cast(), self.len) }),
        }
    }
}
