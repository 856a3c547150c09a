//! `sensor_msgs/msg/Image` without its pixels.
//!
//! A frame slot holds a CDR header and then the pixels where the camera wrote them. The two together are a valid
//! message, so no reader has to copy the pixels, and none does: this module writes and reads only what stands
//! before them.

use crate::builtin_interfaces::Time;
use crate::cdr::{HEADER, Reader, Writer};
use crate::sensor_msgs::Image;
use crate::{CdrError, Message};

/// All fields of an image but `data`, and the number of its bytes. Borrows its texts, so that nothing allocates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageHeader<'a> {
    /// Capture time, nanoseconds (`header.stamp`).
    pub stamp: i64,
    /// The camera's optical frame (`header.frame_id`): x right, y down, z forward.
    pub frame_id: &'a str,
    /// Rows, pixels.
    pub height: u32,
    /// Columns, pixels.
    pub width: u32,
    /// `rgb8`, `mono8`, `32FC1`...
    pub encoding: &'a str,
    /// Whether pixels of more than one byte are big endian.
    pub is_bigendian: bool,
    /// Bytes from one row to the next.
    pub step: u32,
    /// Bytes of pixels.
    pub data_len: u32,
}

impl<'a> ImageHeader<'a> {
    /// Replaces what `out` holds by the CDR up to and with the length of `data`, and returns the number of bytes:
    /// there the pixels begin. Always a multiple of 4.
    pub fn encode(&self, out: &mut Vec<u8>) -> usize {
        out.clear();
        out.extend_from_slice(&HEADER);
        let mut w = Writer::new(out);
        Time::from_nanos(self.stamp).encode(&mut w);
        w.put_string(self.frame_id);
        w.put(self.height);
        w.put(self.width);
        w.put_string(self.encoding);
        w.put(u8::from(self.is_bigendian));
        w.put(self.step);
        w.put(self.data_len);
        out.len()
    }

    /// The bytes that [`ImageHeader::encode`] writes, without writing them.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        let stamp = 8;
        let frame_id = (stamp + 4 + self.frame_id.len() + 1).next_multiple_of(4);
        let encoding_and_flag = frame_id + 8 + 4 + self.encoding.len() + 1 + 1;
        HEADER.len() + encoding_and_flag.next_multiple_of(4) + 8
    }

    /// Reads the fields of an image's CDR and says where its pixels begin, counted from the start of `bytes`.
    ///
    /// The pixels themselves need not be there: compare `offset + data_len` with `bytes.len()`.
    ///
    /// # Errors
    /// PG-0301 to PG-0306, as for the whole image.
    pub fn decode(bytes: &'a [u8]) -> Result<(Self, usize), CdrError> {
        let mut r = Reader::new(bytes)?;
        let header = Self::fields(&mut r).map_err(|e| e.within(Image::TYPE_NAME))?;
        Ok((header, HEADER.len() + r.offset()))
    }

    fn fields(r: &mut Reader<'a>) -> Result<Self, CdrError> {
        const ANY: usize = usize::MAX;
        Ok(Self {
            stamp: Time::decode(r).map_err(|e| e.within("header.stamp"))?.to_nanos(),
            frame_id: r.get_str(ANY).map_err(|e| e.within("header.frame_id"))?,
            height: r.get().map_err(|e| e.within("height"))?,
            width: r.get().map_err(|e| e.within("width"))?,
            encoding: r.get_str(ANY).map_err(|e| e.within("encoding"))?,
            is_bigendian: r.get::<u8>().map_err(|e| e.within("is_bigendian"))? != 0,
            step: r.get().map_err(|e| e.within("step"))?,
            data_len: r.get().map_err(|e| e.within("data"))?,
        })
    }
}
