//! Memory for the slots: today the heap of this process.
//!
//! Everything above this file sees a page-aligned range of bytes. A shared mapping can take its place without a change to
//! the protocol or the interface.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;

use crate::{Error, Result};

/// Alignment and granule of slots, bytes.
pub(crate) const PAGE: usize = 4096;

/// A page-aligned, zeroed range of bytes whose pages are all present.
pub(crate) struct Region {
    base: NonNull<u8>,
    layout: Layout,
}

// SAFETY: a region is plain memory, owned by this value. It hands out a raw pointer only; those who follow it answer for
// the threads they do so from (see slots.rs).
unsafe impl Send for Region {}
// SAFETY: as above; `&Region` gives no access to the bytes by itself.
unsafe impl Sync for Region {}

impl Region {
    /// Allocates at least `bytes` bytes, at least one page.
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
        Ok(Region { base, layout })
    }

    /// First byte.
    pub(crate) fn base(&self) -> NonNull<u8> {
        self.base
    }

    /// Length, bytes: a multiple of [`PAGE`].
    pub(crate) fn len(&self) -> usize {
        self.layout.size()
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout, and dropped once.
        unsafe { dealloc(self.base.as_ptr(), self.layout) };
    }
}
