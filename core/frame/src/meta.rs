//! The 128 bytes at the front of a slot, which say what lies in it.
//!
//! Invariant: every bit pattern is a valid value of [`FrameMeta`] (integers only), so that a reader may look at memory
//! that another process wrote; what the numbers claim is checked against the slot's size before anything follows them.

use crate::cdr::HEADER_ROOM;

/// `PFRM`, little endian.
pub const META_MAGIC: u32 = u32::from_le_bytes(*b"PFRM");
/// Version of the slot layout.
pub const META_VERSION: u16 = 1;
/// Hops that a frame remembers.
pub const MAX_HOPS: usize = 4;
/// Offset of the pixels from the start of a slot, bytes; a multiple of 64.
pub const PIXEL_OFFSET: usize = size_of::<FrameMeta>() + HEADER_ROOM;

const _: () = assert!(size_of::<FrameMeta>() == 128 && PIXEL_OFFSET.is_multiple_of(64));

/// Where a frame's bytes lie. The discriminant is what lies in shared memory: never renumber.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[non_exhaustive]
pub enum MemKind {
    /// In host memory, in this slot or (for forwarded frames) in the slot of `origin_bus`.
    Host = 0,
    /// Reserved: in a DMA buffer whose descriptor travels beside the frame.
    DmaBuf = 1,
}

/// One station on a frame's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(C)]
pub struct Hop {
    /// Who marked it, see [`hop_id`]. Unitless.
    pub id: u32,
    /// Nanoseconds of `CLOCK_MONOTONIC` since [`FrameMeta::capture_mono_ns`]; held at `u32::MAX` (4.29 s).
    pub since_capture_ns: u32,
}

/// A stable id for a hop's name (32-bit FNV-1a).
pub const fn hop_id(name: &str) -> u32 {
    let bytes = name.as_bytes();
    let mut hash = 0x811c_9dc5_u32;
    let mut i = 0;
    while i < bytes.len() {
        hash = (hash ^ bytes[i] as u32).wrapping_mul(0x0100_0193);
        i += 1;
    }
    hash
}

/// Description of a frame, as it lies at the front of its slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct FrameMeta {
    /// [`META_MAGIC`].
    pub magic: u32,
    /// [`META_VERSION`].
    pub version: u16,
    /// A [`MemKind`].
    pub mem_kind: u8,
    /// 1 if multi-byte pixels are big endian, else 0.
    pub is_bigendian: u8,
    /// Number of the frame on its bus: 1, 2, 3, ...
    pub sequence: u64,
    /// When the photons were caught: node clock (system or simulated), ns since its epoch.
    pub capture_stamp_ns: i64,
    /// When the frame was published on this bus: `CLOCK_MONOTONIC`, ns.
    pub publish_mono_ns: u64,
    /// When the frame came into being: `CLOCK_MONOTONIC`, ns. Set by the loan, or by the driver if it knows better.
    pub capture_mono_ns: u64,
    /// Columns, pixels.
    pub width: u32,
    /// Rows, pixels.
    pub height: u32,
    /// Bytes from one row to the next.
    pub step: u32,
    /// Discriminant of an [`Encoding`](crate::Encoding).
    pub encoding: u32,
    /// Start of the CDR message, bytes from the start of the slot that holds the bytes.
    pub cdr_offset: u32,
    /// Length of the CDR message, header and pixels, bytes.
    pub cdr_len: u32,
    /// Start of the pixels, bytes from the start of the slot that holds them.
    pub pixel_offset: u32,
    /// Length of the pixels, bytes.
    pub pixel_len: u32,
    /// Id of the bus whose slot holds the bytes, if the frame was forwarded; 0 if they lie in this slot.
    pub origin_bus: u64,
    /// That bus's slot. Meaningless if `origin_bus` is 0.
    pub origin_slot: u32,
    /// Length of `frame_id`, bytes.
    pub frame_id_len: u16,
    /// Hops in use, 0 to [`MAX_HOPS`].
    pub hop_count: u8,
    /// Zero.
    pub reserved: u8,
    /// The hops, oldest first.
    pub hops: [Hop; MAX_HOPS],
    /// A number of the publisher's own, beside `sequence`; 0 if it gave none. The bus does not look at it.
    pub number: u64,
}

impl FrameMeta {
    /// The hops that were marked, oldest first.
    pub fn hops(&self) -> &[Hop] {
        &self.hops[..usize::from(self.hop_count).min(MAX_HOPS)]
    }

    /// Marks a hop at `now_mono_ns`. The first three and the latest are kept.
    pub(crate) fn mark_hop(&mut self, id: u32, now_mono_ns: u64) {
        let at = usize::from(self.hop_count).min(MAX_HOPS - 1);
        let since = now_mono_ns.saturating_sub(self.capture_mono_ns);
        self.hops[at] = Hop { id, since_capture_ns: u32::try_from(since).unwrap_or(u32::MAX) };
        self.hop_count = at as u8 + 1;
    }

    /// Whether the ranges lie inside a slot of `slot_len` bytes and the parts are as this version lays them out.
    pub(crate) fn fits(&self, slot_len: usize) -> bool {
        let inside = |at: u32, len: u32| at as usize + len as usize <= slot_len;
        self.magic == META_MAGIC
            && self.version == META_VERSION
            && inside(self.cdr_offset, self.cdr_len)
            && inside(self.pixel_offset, self.pixel_len)
            && (self.encoding == crate::Encoding::Message as u32
                || self.cdr_offset as usize + crate::cdr::FRAME_ID + usize::from(self.frame_id_len)
                    <= self.pixel_offset as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_three_hops_and_the_latest_are_kept() {
        let mut m = crate::slots::blank_meta();
        m.capture_mono_ns = 100;
        for i in 0..6 {
            m.mark_hop(i, 100 + u64::from(i));
        }
        let ids: Vec<u32> = m.hops().iter().map(|h| h.id).collect();
        assert_eq!(ids, [0, 1, 2, 5]);
        m.mark_hop(9, u64::MAX);
        assert_eq!(m.hops()[3].since_capture_ns, u32::MAX);
    }

    #[test]
    fn hop_ids_are_fnv1a() {
        assert_eq!(hop_id(""), 0x811c_9dc5);
        assert_eq!(hop_id("a"), 0xe40c_292c);
    }
}
