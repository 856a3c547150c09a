//! Publishing frames: the writer of a bus.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::bus::Bus;
use crate::clock::monotonic_ns;
use crate::host::Publication;
use crate::meta::FrameMeta;
use crate::protocol::{Sound, bits};
use crate::shared::{Shared, WakerCache};
use crate::slots::OwnedSlot;
use crate::{Error, Frame, ImageSpec, Loan, Result};

/// The one publisher of a bus. See [`FrameBus::create`](crate::FrameBus::create).
pub struct Writer {
    shared: Arc<Shared>,
    /// Slots that stand for forwarded frames, one bit each.
    aliases: u64,
    wakers: WakerCache,
    copied: u64,
    /// Where other processes find the bus, if they can.
    publication: Option<Publication>,
}

/// Outcome of [`Writer::try_publish`].
#[derive(Debug)]
pub enum Published {
    /// The frame's sequence.
    Done(u64),
    /// A lossless reader has not taken the frame which would be overwritten. The loan, to try again.
    WouldBlock(Loan),
}

/// Outcome of [`Writer::try_forward`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forwarded {
    /// The frame's sequence on this bus.
    Done(u64),
    /// No slot was free; counted in [`Writer::failed_loans`].
    NoSlot,
    /// A lossless reader has not taken the frame which would be overwritten.
    WouldBlock,
}

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>, publication: Option<Publication>) -> Writer {
        Writer { shared, aliases: 0, wakers: WakerCache::default(), copied: 0, publication }
    }

    /// A slot for one image, or `None` if none is free, which is counted. Never blocks and never allocates.
    ///
    /// Several loans may be out at once; `keep + sum of pins + 2` slots leave room for two.
    ///
    /// # Errors
    /// `PG-0105` if the image is larger than a slot, `PG-0106` and `PG-0107` if the spec contradicts itself.
    pub fn loan(&mut self, spec: &ImageSpec<'_>) -> Result<Option<Loan>> {
        spec.check()?;
        // The message's length is 32 bits wide too.
        let header_room = crate::cdr::HEADER_ROOM;
        let capacity = self.shared.slots.pixel_capacity().min(u32::MAX as usize - header_room);
        let needed = spec.payload_len().unwrap_or(1);
        if needed > capacity as u64 {
            return Err(Error::FrameTooLarge {
                bus: self.shared.name.clone(),
                width: spec.width,
                height: spec.height,
                encoding: spec.encoding.as_str(),
                step: spec.step,
                needed,
                capacity,
            });
        }
        let len = spec.payload_len().map_or(capacity, |n| n as usize);
        Ok(self.free_slot().map(|slot| Loan::new(slot, spec, len)))
    }

    /// A slot for one message of any type, at most `len` bytes of CDR, or `None` if none is free, which is counted. The
    /// loan's bytes are all of the message, encapsulation header first; [`Loan::set_payload_len`] shortens it.
    ///
    /// # Errors
    /// `PG-0124` if it is larger than a slot.
    pub fn loan_message(&mut self, len: usize) -> Result<Option<Loan>> {
        let capacity = self.message_capacity();
        if len > capacity {
            return Err(Error::MessageTooLarge { bus: self.shared.name.clone(), needed: len, capacity });
        }
        Ok(self.free_slot().map(|slot| Loan::message(slot, len)))
    }

    /// Bytes of the largest message that a slot holds.
    pub fn message_capacity(&self) -> usize {
        self.shared.slots.pixel_capacity().min(u32::MAX as usize - crate::cdr::HEADER_ROOM)
    }

    /// Publishes a loan and returns its sequence: 1, 2, 3, ... Wakes whoever waits.
    ///
    /// Waits only for [`Policy::Lossless`](crate::Policy::Lossless) readers that have not taken the frame which is
    /// overwritten, at most as long as they asked for; see [`try_publish`](Self::try_publish).
    ///
    /// # Errors
    /// `PG-0109` if the loan is of another bus; its slot is given back.
    pub fn publish(&mut self, loan: Loan) -> Result<u64> {
        let mut loan = self.own(loan)?;
        self.shared.wait_for_lossless();
        Ok(self.commit(loan.slot_mut()))
    }

    /// As [`publish`](Self::publish), but hands the loan back instead of waiting.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    pub fn try_publish(&mut self, loan: Loan) -> Result<Published> {
        let mut loan = self.own(loan)?;
        if self.would_block() {
            return Ok(Published::WouldBlock(loan));
        }
        Ok(Published::Done(self.commit(loan.slot_mut())))
    }

    /// As [`publish`](Self::publish), but waits for nobody: a lossless reader that lags misses what is overwritten, counted.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    pub fn publish_now(&mut self, loan: Loan) -> Result<u64> {
        let mut loan = self.own(loan)?;
        Ok(self.commit(loan.slot_mut()))
    }

    /// Publishes a frame of another bus here, without copying: the new frame's slot stands for the old one, which stays
    /// held until the new slot is neither in the ring nor pinned. `None` if no slot is free, which is counted.
    ///
    /// The frame gets a sequence of this bus and the hop `hop` (see [`hop_id`](crate::hop_id)); stamp, `frame_id` and
    /// bytes are the old frame's. **A forwarded frame occupies a pin of the reader that it was taken by**: that reader
    /// needs up to `keep` of this bus + the pins of this bus's readers + 1.
    ///
    /// While another process reads this bus the bytes are copied, for it cannot see the other bus's slots; so they are
    /// if they fit into a slot. [`copied`](Self::copied) counts it. A frame that is not copied is not seen there.
    ///
    /// Waits as [`publish`](Self::publish) does.
    ///
    /// # Errors
    /// `PG-0110` if the frame came from this very bus.
    pub fn forward(&mut self, frame: &Frame, hop: u32) -> Result<Option<u64>> {
        let Some(mut slot) = self.stand_in(frame, hop)? else { return Ok(None) };
        self.shared.wait_for_lossless();
        Ok(Some(self.commit(&mut slot)))
    }

    /// As [`forward`](Self::forward), but says so instead of waiting.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    pub fn try_forward(&mut self, frame: &Frame, hop: u32) -> Result<Forwarded> {
        if self.would_block() {
            return Ok(Forwarded::WouldBlock);
        }
        let Some(mut slot) = self.stand_in(frame, hop)? else { return Ok(Forwarded::NoSlot) };
        Ok(Forwarded::Done(self.commit(&mut slot)))
    }

    /// Whether a publish now would wait for a lossless reader. An executor can run that reader first.
    pub fn would_block(&self) -> bool {
        self.shared.control.lossless_wait(self.shared.keep).is_some()
    }

    /// Loans and forwards that found no free slot.
    pub fn failed_loans(&self) -> u64 {
        self.shared.failed_loans.load(Ordering::Relaxed)
    }

    /// Forwarded frames that were copied, for the sake of readers in other processes.
    pub fn copied(&self) -> u64 {
        self.copied
    }

    /// Whether somebody in another process reads this bus.
    pub fn has_remote_readers(&self) -> bool {
        self.shared.control.has_remote_readers()
    }

    /// Frames published.
    pub fn published(&self) -> u64 {
        self.shared.control.head()
    }

    /// A handle to make readers from.
    pub fn bus(&self) -> Bus {
        Bus::new(&self.shared)
    }

    fn own(&self, mut loan: Loan) -> Result<Loan> {
        let from = loan.slot_mut().shared();
        if Arc::ptr_eq(from, &self.shared) {
            return Ok(loan);
        }
        Err(Error::ForeignLoan { bus: self.shared.name.clone(), loan: from.name.clone() })
    }

    /// A free slot that stands for `frame`.
    fn stand_in(&mut self, frame: &Frame, hop: u32) -> Result<Option<OwnedSlot>> {
        if frame.came_from(self.shared.id) {
            return Err(Error::ForwardLoop { bus: self.shared.name.clone() });
        }
        let Some(mut slot) = self.free_slot() else { return Ok(None) };
        let mut meta = FrameMeta {
            origin_bus: frame.shared().id,
            origin_slot: frame.slot_index() as u32,
            ..*frame.meta()
        };
        meta.mark_hop(hop, monotonic_ns());
        let (at, len) = (meta.cdr_offset as usize, frame.cdr().len());
        if self.shared.control.is_shared()
            && at + len <= self.shared.slots.stride()
            && self.shared.control.has_remote_readers()
        {
            slot.bytes_mut(at, len).copy_from_slice(frame.cdr());
            (meta.origin_bus, meta.origin_slot) = (0, 0);
            *slot.meta_mut() = meta;
            self.copied += 1;
            return Ok(Some(slot));
        }
        *slot.meta_mut() = meta;
        slot.set_alias(frame.clone());
        self.aliases |= 1 << slot.index();
        Ok(Some(slot))
    }

    /// Numbers, stamps and publishes a slot, lets go of what it pushed out, and wakes.
    fn commit(&mut self, slot: &mut OwnedSlot) -> u64 {
        let shared = &self.shared;
        let meta = slot.meta_mut();
        meta.sequence = shared.control.head().wrapping_add(1);
        meta.publish_mono_ns = monotonic_ns();
        let sequence = shared.control.publish::<Sound>(slot.index(), shared.keep);
        if self.aliases != 0 {
            self.busy();
        }
        self.shared.ring();
        self.wakers.wake(&self.shared);
        sequence
    }

    /// The lowest free slot: the one whose bytes are likeliest to be in a cache.
    fn free_slot(&mut self) -> Option<OwnedSlot> {
        let all = u64::MAX >> (64 - self.shared.slots.count().min(64));
        let free = !self.busy() & all;
        let tally = &self.shared.control.tally.0;
        if free == 0 {
            let failed = self.shared.failed_loans.fetch_add(1, Ordering::Relaxed) + 1;
            tally.failed_loans.store(failed, Ordering::Relaxed);
            return None;
        }
        let slot = free.trailing_zeros() as usize;
        let loaned = self.shared.loaned.fetch_or(1 << slot, Ordering::Relaxed);
        tally.loaned.store(loaned | 1 << slot, Ordering::Relaxed);
        // SAFETY: `busy` found the slot neither in the ring nor pinned, which can change only through this writer, nor
        // loaned; it is marked as loaned now.
        Some(unsafe { OwnedSlot::new(Arc::clone(&self.shared), slot) })
    }

    /// Slots in the ring, pinned or loaned. Lets go of the forwarded frames whose slots are none of these.
    fn busy(&mut self) -> u64 {
        let shared = &self.shared;
        let busy = shared.loaned.load(Ordering::Acquire) | shared.control.busy::<Sound>(shared.keep);
        for slot in bits(self.aliases & !busy) {
            self.aliases &= !(1 << slot);
            // SAFETY: this is the publisher, and the slot is neither in the ring nor pinned.
            drop(unsafe { shared.slots.take_alias(slot) });
        }
        busy
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Release);
        self.shared.alarm();
        // Other processes learn it from their connections, which end with the publication.
        drop(self.publication.take());
        self.wakers.wake(&self.shared);
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("bus", &self.bus()).finish()
    }
}
