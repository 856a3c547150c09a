//! A slot in the publisher's hands.

use crate::cdr;
use crate::clock::monotonic_ns;
use crate::meta::{FrameMeta, PIXEL_OFFSET};
use crate::slots::{OwnedSlot, blank_meta};
use crate::{Encoding, Error, ImageSpec, Result};

/// Offset of a message's CDR: its body, behind the encapsulation header of 4 bytes, lies on a 64-byte boundary.
pub(crate) const MESSAGE_OFFSET: usize = PIXEL_OFFSET - 4;

/// A slot to write one frame into. Publish it with its [`Writer`](crate::Writer); dropping it gives the slot back.
///
/// It may be filled on another thread. The bytes are what the slot's last frame left there.
pub struct Loan {
    slot: OwnedSlot,
    header_len: usize,
    capacity: usize,
}

impl Loan {
    /// Lays the header of `spec` out in the slot. `spec` has been checked, and `capacity` bytes of pixels fit.
    pub(crate) fn new(mut slot: OwnedSlot, spec: &ImageSpec<'_>, capacity: usize) -> Loan {
        let header_len = cdr::header_len(spec);
        let cdr_offset = PIXEL_OFFSET - header_len;
        *slot.meta_mut() = FrameMeta {
            capture_mono_ns: monotonic_ns(),
            width: spec.width,
            height: spec.height,
            step: spec.step,
            encoding: spec.encoding as u32,
            cdr_offset: cdr_offset as u32,
            cdr_len: (header_len + capacity) as u32,
            pixel_offset: PIXEL_OFFSET as u32,
            pixel_len: capacity as u32,
            frame_id_len: spec.frame_id.len() as u16,
            ..blank_meta()
        };
        cdr::write_header(slot.bytes_mut(cdr_offset, header_len), spec, capacity as u32);
        Loan { slot, header_len, capacity }
    }

    /// A slot for a message of at most `capacity` bytes of CDR, which fit.
    pub(crate) fn message(mut slot: OwnedSlot, capacity: usize) -> Loan {
        *slot.meta_mut() = FrameMeta {
            capture_mono_ns: monotonic_ns(),
            encoding: Encoding::Message as u32,
            cdr_offset: MESSAGE_OFFSET as u32,
            cdr_len: capacity as u32,
            pixel_offset: MESSAGE_OFFSET as u32,
            pixel_len: capacity as u32,
            ..blank_meta()
        };
        Loan { slot, header_len: 0, capacity }
    }

    /// The pixels, to write: `step * height` bytes (`nv12`: half as many again; `jpeg`: all that the slot holds, or what
    /// [`set_payload_len`](Self::set_payload_len) said), starting on a 64-byte boundary. Of a message: all its CDR, whose
    /// body, 4 bytes in, starts on a 64-byte boundary.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        let (at, len) = self.range();
        self.slot.bytes_mut(at, len)
    }

    /// The pixels, as written so far.
    pub fn bytes(&self) -> &[u8] {
        let (at, len) = self.range();
        self.slot.bytes(at, len)
    }

    /// Where the bytes lie: what `new` or `message` said, not what the memory says by now.
    fn range(&self) -> (usize, usize) {
        let at = if self.header_len == 0 { MESSAGE_OFFSET } else { PIXEL_OFFSET };
        (at, (self.slot.meta().pixel_len as usize).min(self.capacity))
    }

    /// What the slot says of the frame so far.
    pub fn meta(&self) -> &FrameMeta {
        self.slot.meta()
    }

    /// Capture stamp: node clock (system or simulated), ns. 0 unless set. Seconds outside `i32` are held at its ends in
    /// the message's header.
    pub fn set_stamp(&mut self, stamp_ns: i64) {
        self.slot.meta_mut().capture_stamp_ns = stamp_ns;
        if self.header_len != 0 {
            cdr::write_stamp(self.header_mut(), stamp_ns);
        }
    }

    /// When the frame came into being, `CLOCK_MONOTONIC`, ns, if the driver knows better than the time of the loan. To be
    /// called before the first hop is marked.
    pub fn set_capture_mono(&mut self, mono_ns: u64) {
        self.slot.meta_mut().capture_mono_ns = mono_ns;
    }

    /// Marks a station on the frame's way, now. The first three and the latest are kept.
    pub fn mark_hop(&mut self, id: u32) {
        self.slot.meta_mut().mark_hop(id, monotonic_ns());
    }

    /// Gives the frame a number of the publisher's own, see [`FrameMeta::number`].
    pub fn set_number(&mut self, number: u64) {
        self.slot.meta_mut().number = number;
    }

    /// Sets the length of a compressed payload, or of a message, bytes.
    ///
    /// # Errors
    /// `PG-0115` if it is longer than the loan, `PG-0107` if it is an image and its encoding is not `jpeg`.
    pub fn set_payload_len(&mut self, len: usize) -> Result {
        let meta = *self.slot.meta();
        if self.header_len != 0 && meta.encoding != Encoding::Jpeg as u32 {
            let encoding = Encoding::from_u32(meta.encoding).map_or("unknown", Encoding::as_str);
            let reason = "only a jpeg payload has a length of its own";
            let FrameMeta { width, height, step, .. } = meta;
            return Err(Error::ImageSpec { width, height, encoding, step, reason });
        }
        if len > self.capacity {
            return Err(Error::PayloadLength { len, capacity: self.capacity });
        }
        let meta = self.slot.meta_mut();
        meta.pixel_len = len as u32;
        meta.cdr_len = (self.header_len + len) as u32;
        if self.header_len != 0 {
            cdr::write_data_len(self.header_mut(), len as u32);
        }
        Ok(())
    }

    pub(crate) fn slot_mut(&mut self) -> &mut OwnedSlot {
        &mut self.slot
    }

    fn header_mut(&mut self) -> &mut [u8] {
        self.slot.bytes_mut(PIXEL_OFFSET - self.header_len, self.header_len)
    }
}

impl std::fmt::Debug for Loan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shared = self.slot.shared();
        f.debug_struct("Loan")
            .field("bus", &shared.name)
            .field("slot", &self.slot.index())
            .finish_non_exhaustive()
    }
}
