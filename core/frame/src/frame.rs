//! A frame that a reader holds.

use crate::clock::monotonic_ns;
use crate::shared::Shared;
use crate::slots::PinnedSlot;
use crate::{Encoding, FrameMeta, Hop};

/// A published frame, read in place. Its slot is not written again until it is dropped.
///
/// A clone shares the pin: it costs two counters of this process, no slot and no pin, and the slot stays held until the
/// last clone is gone. The bytes never change.
#[derive(Clone)]
pub struct Frame {
    slot: PinnedSlot,
    sequence: u64,
}

impl Frame {
    pub(crate) fn new(slot: PinnedSlot, sequence: u64) -> Frame {
        Frame { slot, sequence }
    }

    pub(crate) fn pinned(&self) -> &PinnedSlot {
        &self.slot
    }

    pub(crate) fn shared(&self) -> &Shared {
        self.slot.pins().shared()
    }

    /// Whether the bytes came, directly or through other buses, from `bus`.
    pub(crate) fn came_from(&self, bus: u64) -> bool {
        self.shared().id == bus || self.slot.origin().is_some_and(|origin| origin.came_from(bus))
    }

    pub(crate) fn is_out_of_sight(&self) -> bool {
        self.slot.is_out_of_sight()
    }

    pub(crate) fn slot_index(&self) -> usize {
        self.slot.index()
    }

    /// The pixels: `step * height` bytes (`nv12`: half as many again; `jpeg`: the payload), starting on a 64-byte boundary.
    pub fn bytes(&self) -> &[u8] {
        self.slot.pixels()
    }

    /// The whole frame as a CDR (XCDR1, little endian) message, encapsulation header included: a `sensor_msgs/msg/Image`,
    /// or, if its encoding is [`Encoding::Message`], whatever type its bus carries.
    pub fn cdr(&self) -> &[u8] {
        self.slot.cdr()
    }

    /// The frame's description.
    pub fn meta(&self) -> &FrameMeta {
        self.slot.meta()
    }

    /// Columns, pixels.
    pub fn width(&self) -> u32 {
        self.meta().width
    }

    /// Rows, pixels.
    pub fn height(&self) -> u32 {
        self.meta().height
    }

    /// Bytes from one row to the next.
    pub fn step(&self) -> u32 {
        self.meta().step
    }

    /// Meaning of the bytes.
    pub fn encoding(&self) -> Encoding {
        self.slot.encoding()
    }

    /// Capture stamp: node clock (system or simulated), ns.
    pub fn stamp_ns(&self) -> i64 {
        self.meta().capture_stamp_ns
    }

    /// tf2 frame of the camera; empty for a message that is no image.
    pub fn frame_id(&self) -> &str {
        if self.encoding() == Encoding::Message {
            return "";
        }
        let at = crate::cdr::FRAME_ID;
        let id = self.cdr().get(at..at + usize::from(self.meta().frame_id_len)).unwrap_or_default();
        std::str::from_utf8(id).unwrap_or_default()
    }

    /// Number of the frame on the bus it was taken from: 1, 2, 3, ...
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The stations on its way, oldest first.
    pub fn hops(&self) -> &[Hop] {
        self.meta().hops()
    }

    /// Nanoseconds of `CLOCK_MONOTONIC` since the frame came into being: how old its photons are.
    pub fn age_ns(&self) -> u64 {
        monotonic_ns().saturating_sub(self.meta().capture_mono_ns)
    }

    /// Whether the bytes lie in another bus's slot.
    pub fn is_forwarded(&self) -> bool {
        self.slot.origin().is_some()
    }

    /// Who published it, for programs: what [`PublishOptions::source`](crate::PublishOptions::source) said.
    pub fn source(&self) -> [u8; 16] {
        self.shared().source
    }

    /// Who published it, for people: what [`PublishOptions::label`](crate::PublishOptions::label) said.
    pub fn label(&self) -> &str {
        &self.shared().label
    }

    /// Name of the bus it was taken from.
    pub fn bus_name(&self) -> &str {
        &self.shared().name
    }
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let m = self.meta();
        f.debug_struct("Frame")
            .field("bus", &self.bus_name())
            .field("sequence", &self.sequence)
            .field("encoding", &self.encoding())
            .field("size", &(m.width, m.height))
            .field("stamp_ns", &m.capture_stamp_ns)
            .finish_non_exhaustive()
    }
}
