//! The CDR header of `sensor_msgs/msg/Image`, written in front of the pixels.
//!
//! Layout (XCDR1, little endian; every offset but the first is relative to the end of the 4-byte encapsulation header):
//!
//! ```text
//! 00 01 00 00 | i32 sec | u32 nanosec | u32 n+1, frame_id, 0 | pad 4 | u32 height | u32 width
//!             | u32 m+1, encoding, 0 | u8 is_bigendian | pad 4 | u32 step | u32 data length | pixels
//! ```
//!
//! The pixels' offset from the start is always a multiple of 4, so the start can be placed such that the pixels fall on
//! a 64-byte boundary. Source: OMG DDS-XTypes 1.3, 7.4.1 (PLAIN_CDR), and `sensor_msgs/msg/Image.msg`.

use crate::ImageSpec;

/// Longest `frame_id`, bytes without the closing NUL.
pub const FRAME_ID_MAX: usize = 200;
/// Room reserved in front of the pixels; at least the longest header (`FRAME_ID_MAX`, longest encoding name).
pub(crate) const HEADER_ROOM: usize = 320;
/// Offset of the stamp (i32 seconds, u32 nanoseconds) from the start of the message.
const STAMP: usize = 4;
/// Offset of the first byte of `frame_id` from the start of the message.
pub(crate) const FRAME_ID: usize = 16;
/// Written for the pixels of this host.
pub(crate) const IS_BIGENDIAN: u8 = cfg!(target_endian = "big") as u8;

const fn align4(n: usize) -> usize {
    (n + 3) & !3
}

/// Bytes from the start of the message to its first pixel. Always a multiple of 4.
pub(crate) fn header_len(spec: &ImageSpec<'_>) -> usize {
    let sizes = align4(FRAME_ID + spec.frame_id.len() + 1);
    let encoding = sizes + 12;
    align4(encoding + spec.encoding.as_str().len() + 1 + 1) + 8
}

/// Writes the header into `out`, which is exactly [`header_len`] long. The stamp is left at zero.
pub(crate) fn write_header(out: &mut [u8], spec: &ImageSpec<'_>, data_len: u32) {
    debug_assert_eq!(out.len(), header_len(spec));
    let mut w = Cursor { out, at: 0 };
    w.bytes(&[0x00, 0x01, 0x00, 0x00]);
    w.u32(0);
    w.u32(0);
    w.string(spec.frame_id);
    w.align4();
    w.u32(spec.height);
    w.u32(spec.width);
    w.string(spec.encoding.as_str());
    w.bytes(&[IS_BIGENDIAN]);
    w.align4();
    w.u32(spec.step);
    w.u32(data_len);
}

/// Writes a stamp into a header. Seconds outside `i32` (beyond 1901 to 2038) are held at its ends, as the message has no more.
pub(crate) fn write_stamp(header: &mut [u8], stamp_ns: i64) {
    const SECOND: i64 = 1_000_000_000;
    let wide = stamp_ns.div_euclid(SECOND);
    let sec = wide.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32;
    let nanosec = if wide == i64::from(sec) { stamp_ns.rem_euclid(SECOND) as u32 } else { 999_999_999 };
    header[STAMP..STAMP + 4].copy_from_slice(&sec.to_le_bytes());
    header[STAMP + 4..STAMP + 8].copy_from_slice(&nanosec.to_le_bytes());
}

/// Writes the length of the data, the last field of a header.
pub(crate) fn write_data_len(header: &mut [u8], data_len: u32) {
    let at = header.len() - 4;
    header[at..].copy_from_slice(&data_len.to_le_bytes());
}

struct Cursor<'a> {
    out: &'a mut [u8],
    at: usize,
}

impl Cursor<'_> {
    fn bytes(&mut self, bytes: &[u8]) {
        self.out[self.at..self.at + bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }
    fn u32(&mut self, v: u32) {
        self.bytes(&v.to_le_bytes());
    }
    fn string(&mut self, s: &str) {
        self.u32(s.len() as u32 + 1);
        self.bytes(s.as_bytes());
        self.bytes(&[0]);
    }
    /// The header starts 4 bytes in, so alignment to 4 is the same from either origin.
    fn align4(&mut self) {
        while !self.at.is_multiple_of(4) {
            self.bytes(&[0]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Encoding;

    #[test]
    fn the_longest_header_fits_its_room() {
        let id = "x".repeat(FRAME_ID_MAX);
        for e in Encoding::ALL {
            let n = header_len(&ImageSpec { width: 2, height: 2, encoding: e, step: 8, frame_id: &id });
            assert!(n <= HEADER_ROOM && n.is_multiple_of(4), "{e}: {n}");
        }
    }

    #[test]
    fn stamps_before_1970_and_after_2038_stay_in_range() {
        let mut h = [0u8; 16];
        write_stamp(&mut h, -1);
        assert_eq!(i32::from_le_bytes(h[4..8].try_into().unwrap()), -1);
        assert_eq!(u32::from_le_bytes(h[8..12].try_into().unwrap()), 999_999_999);
        write_stamp(&mut h, i64::MAX);
        assert_eq!(i32::from_le_bytes(h[4..8].try_into().unwrap()), i32::MAX);
    }
}
