//! Appends fields to a buffer.

use super::Primitive;
use crate::Message;

/// Writes little endian CDR. Alignment counts from where the buffer ended when the writer was made.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut Vec<u8>,
    origin: usize,
}

impl<'a> Writer<'a> {
    /// Writes behind what `out` holds already: the 4-byte header, as a rule.
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        let origin = out.len();
        Self { out, origin }
    }

    /// Bytes written so far, padding included.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.out.len() - self.origin
    }

    fn align(&mut self, size: usize) {
        let padded = self.offset().next_multiple_of(size);
        self.out.resize(self.origin + padded, 0);
    }

    /// One number or bool.
    pub fn put<T: Primitive>(&mut self, value: T) {
        self.align(T::SIZE);
        T::append(&[value], self.out);
    }

    /// A fixed array: the elements alone.
    pub fn put_slice<T: Primitive>(&mut self, values: &[T]) {
        // No element, no alignment: an empty sequence is its length alone.
        if !values.is_empty() {
            self.align(T::SIZE);
            T::append(values, self.out);
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
        self.out.extend_from_slice(value.as_bytes());
        self.out.push(0);
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
