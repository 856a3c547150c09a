//! The slots of one bus, and the two ways to touch one: owned by the publisher, or pinned by a reader.
//!
//! Invariant: an [`OwnedSlot`] exists only while its slot is neither in the ring, nor pinned, nor owned twice; a
//! [`PinnedSlot`] only while a validated pin names its slot. The protocol keeps the two apart; this file turns that into
//! `&mut` and `&`. The compiler cannot see it, which is why the constructors are `unsafe`.

use std::cell::UnsafeCell;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::meta::{FrameMeta, META_MAGIC, META_VERSION, PIXEL_OFFSET};
use crate::reader::Pins;
use crate::region::{PAGE, Region};
use crate::shared::Shared;
use crate::{Encoding, Error, Frame, Result};

/// A [`FrameMeta`] without a frame.
pub(crate) fn blank_meta() -> FrameMeta {
    FrameMeta {
        magic: META_MAGIC,
        version: META_VERSION,
        mem_kind: crate::MemKind::Host as u8,
        is_bigendian: crate::cdr::IS_BIGENDIAN,
        sequence: 0,
        capture_stamp_ns: 0,
        publish_mono_ns: 0,
        capture_mono_ns: 0,
        width: 0,
        height: 0,
        step: 0,
        encoding: 0,
        cdr_offset: 0,
        cdr_len: 0,
        pixel_offset: 0,
        pixel_len: 0,
        origin_bus: 0,
        origin_slot: 0,
        frame_id_len: 0,
        hop_count: 0,
        reserved: 0,
        hops: Default::default(),
        number: 0,
    }
}

/// `count` slots of `stride` bytes, and beside each the guard of the frame that it forwards, if it does.
pub(crate) struct Slots {
    region: Region,
    stride: usize,
    count: usize,
    /// Empty where the slots are another process's.
    aliases: Box<[UnsafeCell<Option<Frame>>]>,
    /// The first so many slots are present.
    present: AtomicUsize,
}

// SAFETY: the bytes and the alias of a slot are reached through OwnedSlot and PinnedSlot only, which the protocol keeps
// apart: one owner, or any number of readers. Frame itself is Send and Sync.
unsafe impl Sync for Slots {}

impl Slots {
    /// Slots in the heap, all present.
    pub(crate) fn heap(count: usize, pixel_capacity: usize) -> Result<Slots> {
        let stride = Self::stride_of(pixel_capacity)?;
        let bytes = stride.checked_mul(count).ok_or(Error::OutOfMemory { bytes: usize::MAX })?;
        Slots::own(Region::heap(bytes)?, stride, count, count)
    }

    /// Slots of this process in a region of at least `stride * count` bytes.
    pub(crate) fn own(region: Region, stride: usize, count: usize, present: usize) -> Result<Slots> {
        let aliases = (0..count).map(|_| UnsafeCell::new(None)).collect();
        Slots::over(region, stride, count, aliases, present)
    }

    /// Slots of another process, to read.
    pub(crate) fn foreign(region: Region, stride: usize, count: usize, present: usize) -> Result<Slots> {
        region.populate(0, stride.saturating_mul(present.min(count)));
        Slots::over(region, stride, count, Box::default(), present)
    }

    fn over(
        region: Region,
        stride: usize,
        count: usize,
        aliases: Box<[UnsafeCell<Option<Frame>>]>,
        present: usize,
    ) -> Result<Slots> {
        let fits = stride.checked_mul(count).is_some_and(|bytes| bytes <= region.len());
        if !fits || stride <= PIXEL_OFFSET || !stride.is_multiple_of(PAGE) || count == 0 {
            return Err(Error::Handshake { what: "the layout of the slots", why: "contradicts itself" });
        }
        Ok(Slots { region, stride, count, aliases, present: AtomicUsize::new(present) })
    }

    /// Bytes from one slot to the next for `pixel_capacity` bytes of pixels each: whole pages.
    pub(crate) fn stride_of(pixel_capacity: usize) -> Result<usize> {
        pixel_capacity
            .checked_add(PIXEL_OFFSET)
            .and_then(|n| n.checked_next_multiple_of(PAGE))
            .ok_or(Error::OutOfMemory { bytes: usize::MAX })
    }

    /// Makes the first `count` slots present, if they are not: the lowest free slot is always the next to be used, so
    /// that the others are never touched.
    pub(crate) fn prefault(&self, count: usize) {
        let count = count.min(self.count);
        let before = self.present.fetch_max(count, Ordering::Relaxed);
        if count > before {
            self.region.populate(before * self.stride, (count - before) * self.stride);
        }
    }

    /// How many slots are present.
    pub(crate) fn present(&self) -> usize {
        self.present.load(Ordering::Relaxed)
    }

    /// Bytes from one slot to the next.
    pub(crate) fn stride(&self) -> usize {
        self.stride
    }

    /// How many slots there are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Bytes of pixels that a slot holds.
    pub(crate) fn pixel_capacity(&self) -> usize {
        self.stride - PIXEL_OFFSET
    }

    fn base(&self, slot: usize) -> NonNull<u8> {
        assert!(slot < self.count, "slot index out of range");
        // SAFETY: slot < count, and the region is count * stride bytes.
        unsafe { self.region.base().add(slot * self.stride) }
    }

    /// The description in a slot that may be written meanwhile: whoever asks checks afterwards that it was not.
    pub(crate) fn peek(&self, slot: usize) -> FrameMeta {
        const WORDS: usize = size_of::<FrameMeta>() / 8;
        let words = self.base(slot).cast::<[AtomicU64; WORDS]>();
        // SAFETY: a slot starts with a FrameMeta, page-aligned. Atomics, for another process may write it now.
        let words = unsafe { words.as_ref() }.each_ref().map(|w| w.load(Ordering::Relaxed));
        // SAFETY: of one size, and every bit pattern is a FrameMeta.
        unsafe { std::mem::transmute::<[u64; WORDS], FrameMeta>(words) }
    }

    /// Takes the forwarded frame's guard out of a slot.
    ///
    /// # Safety
    /// The caller is the publisher's thread, and the slot is neither in the ring nor pinned.
    pub(crate) unsafe fn take_alias(&self, slot: usize) -> Option<Frame> {
        // SAFETY: no reader looks at a slot that is not pinned, and the publisher is one.
        self.aliases.get(slot).and_then(|alias| unsafe { (*alias.get()).take() })
    }

    /// The frame that a slot forwards, if it does, and if that can be known in this process.
    ///
    /// # Safety
    /// The slot stays pinned or owned by the caller while the reference lives.
    unsafe fn alias(&self, slot: usize) -> Option<&Frame> {
        // SAFETY: neither written nor taken while the slot is pinned or owned.
        self.aliases.get(slot).and_then(|alias| unsafe { (*alias.get()).as_ref() })
    }
}

/// A slot that its holder alone may write. Dropping it gives the slot back.
pub(crate) struct OwnedSlot {
    shared: Arc<Shared>,
    slot: usize,
}

impl OwnedSlot {
    /// # Safety
    /// The slot is neither in the ring nor pinned, and its bit in `shared.loaned` was clear and has been set for this call.
    pub(crate) unsafe fn new(shared: Arc<Shared>, slot: usize) -> OwnedSlot {
        OwnedSlot { shared, slot }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn index(&self) -> usize {
        self.slot
    }

    pub(crate) fn meta(&self) -> &FrameMeta {
        // SAFETY: the slot is owned; it starts with a FrameMeta, page-aligned, for which every bit pattern is valid.
        unsafe { self.shared.slots.base(self.slot).cast::<FrameMeta>().as_ref() }
    }

    pub(crate) fn meta_mut(&mut self) -> &mut FrameMeta {
        // SAFETY: as above, and `&mut self` makes the access exclusive.
        unsafe { self.shared.slots.base(self.slot).cast::<FrameMeta>().as_mut() }
    }

    /// `len` bytes from offset `at`, both inside the slot and behind its FrameMeta.
    pub(crate) fn bytes(&self, at: usize, len: usize) -> &[u8] {
        self.check(at, len);
        // SAFETY: inside the slot by the check, initialised (zeroed at first), owned.
        unsafe { std::slice::from_raw_parts(self.shared.slots.base(self.slot).add(at).as_ptr(), len) }
    }

    /// As [`bytes`](Self::bytes), to write.
    pub(crate) fn bytes_mut(&mut self, at: usize, len: usize) -> &mut [u8] {
        self.check(at, len);
        // SAFETY: as above, and `&mut self` makes the access exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.shared.slots.base(self.slot).add(at).as_ptr(), len) }
    }

    /// Lets the slot stand for `frame`, whose bytes its readers will see.
    pub(crate) fn set_alias(&mut self, frame: Frame) {
        if let Some(alias) = self.shared.slots.aliases.get(self.slot) {
            // SAFETY: the slot is owned, so no reader looks at its alias.
            unsafe { *alias.get() = Some(frame) };
        }
    }

    fn check(&self, at: usize, len: usize) {
        let end = at.checked_add(len);
        let inside = end.is_some_and(|end| end <= self.shared.slots.stride);
        assert!(at >= size_of::<FrameMeta>() && inside, "range outside the slot");
    }
}

impl Drop for OwnedSlot {
    fn drop(&mut self) {
        let loaned = self.shared.loaned.fetch_and(!(1 << self.slot), Ordering::Release);
        self.shared.control.tally.0.loaned.store(loaned & !(1 << self.slot), Ordering::Relaxed);
    }
}

/// A slot that a validated pin names. Clones share the pin; the last one clears it.
pub(crate) struct PinnedSlot {
    pins: Arc<Pins>,
    pin: usize,
    slot: usize,
    /// Start of the slot that holds the bytes: this one, or the forwarded frame's.
    base: NonNull<u8>,
    /// Offset from `base` and length, both inside that slot.
    cdr: (u32, u32),
    /// As `cdr`.
    pixels: (u32, u32),
    encoding: Encoding,
    /// It stands for a frame of a bus that this process cannot see; the ranges are empty.
    out_of_sight: bool,
}

// SAFETY: a PinnedSlot only reads, and what it reads is not written while it lives (the pin), from whatever thread.
unsafe impl Send for PinnedSlot {}
// SAFETY: as above.
unsafe impl Sync for PinnedSlot {}

impl PinnedSlot {
    /// Checks what lies in the slot, and wraps it.
    ///
    /// # Safety
    /// Pin `pin` of the row of `pins` names `slot`, has been validated, and is counted once for this call.
    pub(crate) unsafe fn new(pins: Arc<Pins>, pin: usize, slot: usize) -> Result<PinnedSlot> {
        if slot >= pins.shared().slots.count {
            // Only a control block that somebody spoilt says so. The pin is let go, as below.
            let bus = pins.shared().name.clone();
            pins.unpin(pin);
            return Err(Error::CorruptSlot { bus, slot, magic: 0, version: 0 });
        }
        let base = pins.shared().slots.base(slot);
        let (cdr, pixels) = ((0, 0), (0, 0));
        let encoding = Encoding::Mono8;
        let mut this = PinnedSlot { pins, pin, slot, base, cdr, pixels, encoding, out_of_sight: false };
        let shared = this.pins.shared();
        let mut stride = shared.slots.stride;
        let meta = *this.meta();
        if meta.origin_bus != 0 {
            // SAFETY: pinned, so the publisher does not touch the alias.
            match unsafe { shared.slots.alias(slot) } {
                Some(origin) => {
                    this.base = origin.pinned().base;
                    stride = origin.pinned().stride();
                }
                // Another process's bus: its bytes cannot be seen from here.
                None if shared.slots.aliases.is_empty() => {
                    this.out_of_sight = true;
                    return Ok(this);
                }
                None => stride = 0,
            }
        }
        match Encoding::from_u32(meta.encoding) {
            Some(encoding) if meta.fits(stride) => {
                this.encoding = encoding;
                this.cdr = (meta.cdr_offset, meta.cdr_len);
                this.pixels = (meta.pixel_offset, meta.pixel_len);
            }
            _ => {
                let bus = shared.name.clone();
                return Err(Error::CorruptSlot { bus, slot, magic: meta.magic, version: meta.version });
            }
        }
        Ok(this)
    }

    pub(crate) fn pins(&self) -> &Arc<Pins> {
        &self.pins
    }

    pub(crate) fn index(&self) -> usize {
        self.slot
    }

    pub(crate) fn encoding(&self) -> Encoding {
        self.encoding
    }

    pub(crate) fn is_out_of_sight(&self) -> bool {
        self.out_of_sight
    }

    pub(crate) fn meta(&self) -> &FrameMeta {
        // SAFETY: pinned, so nobody writes; page-aligned, and every bit pattern is valid.
        unsafe { self.pins.shared().slots.base(self.slot).cast::<FrameMeta>().as_ref() }
    }

    /// The frame that this slot forwards, if it does.
    pub(crate) fn origin(&self) -> Option<&Frame> {
        // SAFETY: pinned, so the publisher does not touch the alias.
        unsafe { self.pins.shared().slots.alias(self.slot) }
    }

    /// Bytes of the slot that holds the bytes.
    fn stride(&self) -> usize {
        match self.origin() {
            Some(origin) => origin.pinned().stride(),
            None => self.pins.shared().slots.stride,
        }
    }

    /// The CDR message, header and pixels.
    pub(crate) fn cdr(&self) -> &[u8] {
        self.range(self.cdr)
    }

    /// The pixels.
    pub(crate) fn pixels(&self) -> &[u8] {
        self.range(self.pixels)
    }

    fn range(&self, (at, len): (u32, u32)) -> &[u8] {
        // SAFETY: both ranges were checked by `new` against the slot that `base` starts, whose bytes do not change while
        // pinned. That slot is this one, or is held by the alias, which stays while this one is pinned.
        unsafe { std::slice::from_raw_parts(self.base.add(at as usize).as_ptr(), len as usize) }
    }
}

impl Clone for PinnedSlot {
    fn clone(&self) -> Self {
        self.pins.share(self.pin);
        PinnedSlot { pins: Arc::clone(&self.pins), ..*self }
    }
}

impl Drop for PinnedSlot {
    fn drop(&mut self) {
        self.pins.unpin(self.pin);
    }
}
