//! Appends fields to a buffer.

use super::Primitive;
use crate::Message;

/// Writes little endian CDR. Alignment counts from where the buffer ended when the writer was made.
#[derive(Debug)]
pub struct Writer<'a> {
    out: Out<'a>,
}

/// Where it writes.
#[derive(Debug)]
enum Out<'a> {
    Growing {
        buffer: &'a mut Vec<u8>,
        origin: usize,
    },
    /// What does not fit is counted and not written.
    Fixed {
        buffer: &'a mut [u8],
        at: usize,
    },
}

impl<'a> Writer<'a> {
    /// Writes behind what `out` holds already: the 4-byte header, as a rule.
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        let origin = out.len();
        Self { out: Out::Growing { buffer: out, origin } }
    }

    /// Writes into memory of a fixed size, from its start. [`Writer::offset`] goes on counting where it ends: more than
    /// there is room for says that the message does not fit.
    pub fn into_slice(out: &'a mut [u8]) -> Self {
        Self { out: Out::Fixed { buffer: out, at: 0 } }
    }

    /// Bytes written so far, padding included.
    #[must_use]
    pub fn offset(&self) -> usize {
        match &self.out {
            Out::Growing { buffer, origin } => buffer.len() - origin,
            Out::Fixed { at, .. } => *at,
        }
    }

    /// Appends `len` bytes: `grow` to a buffer that grows, `fill` into so many bytes of one that does not.
    fn append(&mut self, len: usize, grow: impl FnOnce(&mut Vec<u8>), fill: impl FnOnce(&mut [u8])) {
        match &mut self.out {
            Out::Growing { buffer, .. } => grow(buffer),
            Out::Fixed { buffer, at } => {
                let end = at.saturating_add(len);
                if let Some(room) = buffer.get_mut(*at..end) {
                    fill(room);
                }
                *at = end;
            }
        }
    }

    fn align(&mut self, size: usize) {
        let padding = self.offset().next_multiple_of(size) - self.offset();
        self.append(padding, |out| out.resize(out.len() + padding, 0), |room| room.fill(0));
    }

    fn put_values<T: Primitive>(&mut self, values: &[T]) {
        self.append(size_of_val(values), |out| T::append(values, out), |room| T::fill(values, room));
    }

    /// One number or bool.
    pub fn put<T: Primitive>(&mut self, value: T) {
        self.align(T::SIZE);
        self.put_values(&[value]);
    }

    /// A fixed array: the elements alone.
    pub fn put_slice<T: Primitive>(&mut self, values: &[T]) {
        // No element, no alignment: an empty sequence is its length alone.
        if !values.is_empty() {
            self.align(T::SIZE);
            self.put_values(values);
        }
    }

    /// A sequence: the count, then the elements.
    pub fn put_seq<T: Primitive>(&mut self, values: &[T]) {
        self.put_len(values.len());
        self.put_slice(values);
    }

    /// A count. CDR counts in 32 bits; more elements than that do not fit into any message.
    #[allow(clippy::cast_possible_truncation)]
    pub fn put_len(&mut self, len: usize) {
        debug_assert!(u32::try_from(len).is_ok(), "CDR cannot count {len} elements");
        self.put(len as u32);
    }

    /// A string with its count and its final NUL.
    pub fn put_string(&mut self, value: &str) {
        self.put_len(value.len() + 1);
        self.put_values(value.as_bytes());
        self.put_values(&[0_u8]);
    }

    /// A fixed array of strings.
    pub fn put_string_slice(&mut self, values: &[String]) {
        for value in values {
            self.put_string(value);
        }
    }

    /// A sequence of strings.
    pub fn put_string_seq(&mut self, values: &[String]) {
        self.put_len(values.len());
        self.put_string_slice(values);
    }

    /// A fixed array of messages.
    pub fn put_message_slice<M: Message>(&mut self, values: &[M]) {
        for value in values {
            value.encode(self);
        }
    }

    /// A sequence of messages.
    pub fn put_message_seq<M: Message>(&mut self, values: &[M]) {
        self.put_len(values.len());
        self.put_message_slice(values);
    }
}
