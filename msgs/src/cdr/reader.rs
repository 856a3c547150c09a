//! Takes fields from a payload.

use super::{HEADER, Primitive, check_bound};
use crate::{CdrError, Message};

/// Reads CDR of either byte order. Never panics, whatever the bytes.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    body: &'a [u8],
    at: usize,
    big_endian: bool,
}

impl<'a> Reader<'a> {
    /// Checks the header of `bytes` and stands behind it.
    ///
    /// # Errors
    /// PG-0301 and PG-0302.
    pub fn new(bytes: &'a [u8]) -> Result<Self, CdrError> {
        let Some((header, body)) = bytes.split_first_chunk::<{ HEADER.len() }>() else {
            return Err(CdrError::NoHeader { len: bytes.len() });
        };
        // The last two bytes are options, which plain CDR does not use.
        match u16::from_be_bytes([header[0], header[1]]) {
            0x0000 => Ok(Self { body, at: 0, big_endian: true }),
            0x0001 => Ok(Self { body, at: 0, big_endian: false }),
            kind => Err(CdrError::Encapsulation { kind }),
        }
    }

    /// Bytes read so far, padding included, header not.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.at
    }

    /// Bytes that are left.
    #[must_use]
    pub fn left(&self) -> usize {
        self.body.len() - self.at
    }

    /// Whether the payload is big endian.
    #[must_use]
    pub fn is_big_endian(&self) -> bool {
        self.big_endian
    }

    /// `count` elements of `size` bytes each, after alignment to `size`.
    fn take(&mut self, count: usize, size: usize) -> Result<&'a [u8], CdrError> {
        let start = self.at.next_multiple_of(size);
        let needed = count.saturating_mul(size);
        let rest = self.body.get(start..).unwrap_or_default();
        let Some(bytes) = rest.get(..needed) else {
            return Err(CdrError::Short { field: String::new(), offset: start, needed, left: rest.len() });
        };
        self.at = start + needed;
        Ok(bytes)
    }

    fn no_bool(&self, len: usize, (index, value): (usize, u8)) -> CdrError {
        CdrError::Bool { field: String::new(), offset: self.at - len + index, value }
    }

    /// One number or bool.
    ///
    /// # Errors
    /// PG-0303, PG-0306.
    pub fn get<T: Primitive>(&mut self) -> Result<T, CdrError> {
        let bytes = self.take(1, T::SIZE)?;
        T::read(bytes, self.big_endian).map_err(|e| self.no_bool(bytes.len(), e))
    }

    /// A fixed array.
    ///
    /// # Errors
    /// PG-0303, PG-0306.
    pub fn get_array<T: Primitive, const N: usize>(&mut self) -> Result<[T; N], CdrError> {
        let bytes = self.take(N, T::SIZE)?;
        let mut out = [T::default(); N];
        for (index, (slot, chunk)) in out.iter_mut().zip(bytes.chunks_exact(T::SIZE)).enumerate() {
            *slot =
                T::read(chunk, self.big_endian).map_err(|(_, v)| self.no_bool(bytes.len(), (index, v)))?;
        }
        Ok(out)
    }

    /// A sequence of at most `bound` elements.
    ///
    /// # Errors
    /// PG-0303, PG-0304, PG-0306.
    pub fn get_seq<T: Primitive>(&mut self, bound: usize) -> Result<Vec<T>, CdrError> {
        let count = self.get_len(bound)?;
        if count == 0 {
            return Ok(Vec::new());
        }
        let bytes = self.take(count, T::SIZE)?;
        T::collect(bytes, self.big_endian).map_err(|e| self.no_bool(bytes.len(), e))
    }

    /// The count before a sequence, at most `bound`. Compare it with [`Reader::left`] before allocating.
    ///
    /// # Errors
    /// PG-0303, PG-0304.
    pub fn get_len(&mut self, bound: usize) -> Result<usize, CdrError> {
        let count = usize::try_from(self.get::<u32>()?).unwrap_or(usize::MAX);
        check_bound("", count, bound)?;
        Ok(count)
    }

    /// `count` bytes as they stand.
    ///
    /// # Errors
    /// PG-0303.
    pub fn get_bytes(&mut self, count: usize) -> Result<&'a [u8], CdrError> {
        self.take(count, 1)
    }

    /// A string of at most `bound` bytes, borrowed from the payload.
    ///
    /// # Errors
    /// PG-0303, PG-0304, PG-0305. A count of zero is read as the empty string, as other readers do.
    pub fn get_str(&mut self, bound: usize) -> Result<&'a str, CdrError> {
        let count = self.get_len(usize::MAX)?;
        let offset = self.at;
        let wrong = |problem| CdrError::Text { field: String::new(), offset, problem };
        let text = match self.take(count, 1)? {
            [] => &[],
            [text @ .., 0] => text,
            _ => return Err(wrong("it does not end in NUL")),
        };
        check_bound("", text.len(), bound)?;
        std::str::from_utf8(text).map_err(|_| wrong("it is not UTF-8"))
    }

    /// A string of at most `bound` bytes.
    ///
    /// # Errors
    /// As [`Reader::get_str`].
    pub fn get_string(&mut self, bound: usize) -> Result<String, CdrError> {
        self.get_str(bound).map(str::to_owned)
    }

    /// A fixed array of strings of at most `bound` bytes each.
    ///
    /// # Errors
    /// As [`Reader::get_str`].
    pub fn get_string_array<const N: usize>(&mut self, bound: usize) -> Result<[String; N], CdrError> {
        let mut out = std::array::from_fn(|_| String::new());
        for (index, slot) in out.iter_mut().enumerate() {
            *slot = self.get_string(bound).map_err(|e| e.at_index(index))?;
        }
        Ok(out)
    }

    /// A sequence of at most `count` strings of at most `bound` bytes each.
    ///
    /// # Errors
    /// As [`Reader::get_str`].
    pub fn get_string_seq(&mut self, count: usize, bound: usize) -> Result<Vec<String>, CdrError> {
        let count = self.count_of(count, 4)?;
        (0..count).map(|index| self.get_string(bound).map_err(|e| e.at_index(index))).collect()
    }

    /// A fixed array of messages.
    ///
    /// # Errors
    /// Those of the message.
    pub fn get_message_array<M: Message, const N: usize>(&mut self) -> Result<[M; N], CdrError> {
        let mut out = std::array::from_fn(|_| M::default());
        for (index, slot) in out.iter_mut().enumerate() {
            *slot = M::decode(self).map_err(|e| e.at_index(index))?;
        }
        Ok(out)
    }

    /// A sequence of at most `bound` messages.
    ///
    /// # Errors
    /// PG-0303, PG-0304 and those of the message.
    pub fn get_message_seq<M: Message>(&mut self, bound: usize) -> Result<Vec<M>, CdrError> {
        let count = self.count_of(bound, M::LEAST_SIZE)?;
        (0..count).map(|index| M::decode(self).map_err(|e| e.at_index(index))).collect()
    }

    /// A count of elements that take at least `least` bytes each, refused when so many cannot follow.
    fn count_of(&mut self, bound: usize, least: usize) -> Result<usize, CdrError> {
        let count = self.get_len(bound)?;
        let needed = count.saturating_mul(least);
        if needed > self.left() {
            return Err(CdrError::Short { field: String::new(), offset: self.at, needed, left: self.left() });
        }
        Ok(count)
    }
}
