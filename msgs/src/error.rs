//! What can be wrong with the bytes (or the JSON) of a message.

/// Why a message could not be read or written. Codes PG-0301 to PG-0309.
///
/// `field` is the path from the outermost message to the culprit, such as `detections[3].header.frame_id`; `offset`
/// counts bytes from the end of the 4-byte encapsulation header.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CdrError {
    /// Fewer than the 4 bytes of the encapsulation header.
    #[error(
        "PG-0301: a CDR message starts with 4 header bytes, but there are only {len}; the payload is cut off"
    )]
    NoHeader {
        /// Bytes that were there.
        len: usize,
    },
    /// An encapsulation other than plain CDR.
    #[error(
        "PG-0302: the CDR encapsulation is {kind:#06x}; only plain CDR (0x0001 little endian, 0x0000 big endian) is \
         read; let the publisher use XCDR1"
    )]
    Encapsulation {
        /// The first two bytes, big endian.
        kind: u16,
    },
    /// The bytes end inside a field.
    #[error(
        "PG-0303: {field} needs {needed} bytes at offset {offset}, but {left} are left; the payload is cut off or of \
         another type"
    )]
    Short {
        /// Path of the field.
        field: String,
        /// Where it starts.
        offset: usize,
        /// Bytes it needs at least.
        needed: usize,
        /// Bytes that are there.
        left: usize,
    },
    /// A bounded string or sequence is too long.
    #[error("PG-0304: {field} holds {len} elements, above its bound of {bound}; shorten it")]
    Bound {
        /// Path of the field.
        field: String,
        /// Its length.
        len: usize,
        /// The most that the definition allows.
        bound: usize,
    },
    /// A string is not UTF-8 or does not end in NUL.
    #[error(
        "PG-0305: {field} at offset {offset} is not a string: {problem}; the payload is damaged or of another type"
    )]
    Text {
        /// Path of the field.
        field: String,
        /// Where its bytes start.
        offset: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A bool that is neither 0 nor 1.
    #[error(
        "PG-0306: {field} at offset {offset} is {value:#04x}, and a bool is 0 or 1; the payload is damaged or of another type"
    )]
    Bool {
        /// Path of the field.
        field: String,
        /// Where it is.
        offset: usize,
        /// The byte.
        value: u8,
    },
    /// More bytes follow than padding explains.
    #[error(
        "PG-0307: {left} bytes follow the end of {type_name} at offset {offset}; the payload is of another type"
    )]
    Trailing {
        /// The type that was read.
        type_name: &'static str,
        /// Where it ended.
        offset: usize,
        /// Bytes that follow.
        left: usize,
    },
    /// JSON that does not describe the message.
    #[error("PG-0308: this JSON is no {type_name}: {cause}; see its fields with its definition")]
    Json {
        /// The type that was wanted.
        type_name: &'static str,
        /// What serde says.
        cause: String,
    },
}

impl CdrError {
    /// The same error, seen from the message that has `name` as a field.
    #[must_use]
    pub fn within(mut self, name: &str) -> Self {
        if let Self::Short { field, .. }
        | Self::Bound { field, .. }
        | Self::Text { field, .. }
        | Self::Bool { field, .. } = &mut self
        {
            let joint = if field.is_empty() || field.starts_with('[') { "" } else { "." };
            *field = format!("{name}{joint}{field}");
        }
        self
    }

    pub(crate) fn at_index(self, index: usize) -> Self {
        self.within(&format!("[{index}]"))
    }
}
