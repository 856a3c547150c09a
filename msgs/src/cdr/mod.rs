//! CDR, as ROS 2 writes it: XCDR version 1, plain.
//!
//! A 4-byte header (`00 01 00 00`: little endian), then the fields in order, each aligned to its own size counted
//! from the end of the header. A string is its length with the final NUL, the UTF-8 bytes, NUL. A sequence is its
//! length and its elements. Reading checks every length against the bytes that are left *before* it allocates, so
//! that bytes from a stranger can cost no more memory than a small multiple of their own number.
//!
//! Source: OMG DDSI-RTPS 2.5, chapter 10; OMG CDR in CORBA 3.3, 9.3.

mod primitive;
mod reader;
mod writer;

pub use primitive::Primitive;
pub use reader::Reader;
pub use writer::Writer;

use crate::{CdrError, Message};

/// The header that we write: plain CDR, little endian, no options.
pub const HEADER: [u8; 4] = [0x00, 0x01, 0x00, 0x00];

/// Padding at the end, up to the largest alignment.
const MOST_PADDING: usize = 7;

/// The message as CDR, header included.
#[must_use]
pub fn to_vec<M: Message>(message: &M) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER.len() + M::LEAST_SIZE + 64);
    to_buf(message, &mut bytes);
    bytes
}

/// As [`to_vec`], into a buffer that is cleared first and keeps its memory.
pub fn to_buf<M: Message>(message: &M, buffer: &mut Vec<u8>) {
    buffer.clear();
    buffer.extend_from_slice(&HEADER);
    message.encode(&mut Writer::new(buffer));
}

/// The message as CDR, header included, written into `buffer` from its start. Returns the bytes that it takes: more than
/// `buffer` has say that it does not fit, and then what was written of it means nothing.
#[must_use]
pub fn to_slice<M: Message>(message: &M, buffer: &mut [u8]) -> usize {
    let Some((header, body)) = buffer.split_first_chunk_mut::<{ HEADER.len() }>() else {
        return encoded_len(message);
    };
    *header = HEADER;
    let mut writer = Writer::into_slice(body);
    message.encode(&mut writer);
    HEADER.len().saturating_add(writer.offset())
}

/// Bytes of the message as CDR, header included. Costs a look at each field, not at each element of an array of numbers.
#[must_use]
pub fn encoded_len<M: Message>(message: &M) -> usize {
    let mut writer = Writer::into_slice(&mut []);
    message.encode(&mut writer);
    HEADER.len().saturating_add(writer.offset())
}

/// Reads a message from CDR, header included. Either byte order.
///
/// # Errors
/// [`CdrError`] PG-0301 to PG-0307 name the field and the offset.
///
/// Bytes may follow the message, up to 7 more than the message has itself. ROS's own `rmw_serialize` (and so every
/// bag that rclpy writes) leaves some there: it sizes its buffer as if an empty sequence were aligned like a full one,
/// which costs up to 4 bytes for each. More than that belongs to another type.
pub fn from_slice<M: Message>(bytes: &[u8]) -> Result<M, CdrError> {
    let mut reader = Reader::new(bytes)?;
    let message = M::decode(&mut reader).map_err(|e| e.within(M::TYPE_NAME))?;
    if reader.left() > reader.offset() + MOST_PADDING {
        let (offset, left) = (reader.offset(), reader.left());
        return Err(CdrError::Trailing { type_name: M::TYPE_NAME, offset, left });
    }
    Ok(message)
}

/// Refuses a length above the bound that a definition sets.
///
/// # Errors
/// PG-0304.
pub fn check_bound(field: &str, len: usize, bound: usize) -> Result<(), CdrError> {
    if len > bound { Err(CdrError::Bound { field: field.into(), len, bound }) } else { Ok(()) }
}
