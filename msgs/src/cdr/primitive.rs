//! Numbers and bools, one at a time and by the slice.

mod sealed {
    pub trait Sealed {}
}

/// A type that CDR writes as its own bytes. Implemented for bool, the integers and the floats; closed to others.
pub trait Primitive: sealed::Sealed + Copy + Default + 'static {
    /// Bytes on the wire, which is also the alignment.
    const SIZE: usize;

    /// Appends the little endian bytes of all `values`.
    #[doc(hidden)]
    fn append(values: &[Self], out: &mut Vec<u8>);

    /// Writes the little endian bytes of all `values` into `out`, which is exactly as long.
    #[doc(hidden)]
    fn fill(values: &[Self], out: &mut [u8]);

    /// Reads as many values as `bytes` holds.
    ///
    /// # Errors
    /// The index and value of the first byte that is no bool.
    #[doc(hidden)]
    fn collect(bytes: &[u8], big_endian: bool) -> Result<Vec<Self>, (usize, u8)>;

    /// Reads one value. `bytes` holds exactly `SIZE` bytes.
    ///
    /// # Errors
    /// As [`Primitive::collect`].
    #[doc(hidden)]
    fn read(bytes: &[u8], big_endian: bool) -> Result<Self, (usize, u8)>;
}

macro_rules! number {
    ($($t:ty),*) => { $(
        impl sealed::Sealed for $t {}
        impl Primitive for $t {
            const SIZE: usize = size_of::<$t>();

            fn append(values: &[Self], out: &mut Vec<u8>) {
                // One resize and exact chunks, not a push per value: this compiles to a block copy.
                let start = out.len();
                out.resize(start + size_of_val(values), 0);
                Self::fill(values, &mut out[start..]);
            }

            fn fill(values: &[Self], out: &mut [u8]) {
                for (chunk, value) in out.chunks_exact_mut(Self::SIZE).zip(values) {
                    chunk.copy_from_slice(&value.to_le_bytes());
                }
            }

            fn collect(bytes: &[u8], big_endian: bool) -> Result<Vec<Self>, (usize, u8)> {
                let chunks = bytes.as_chunks::<{ size_of::<$t>() }>().0.iter();
                Ok(if big_endian {
                    chunks.map(|c| <$t>::from_be_bytes(*c)).collect()
                } else {
                    chunks.map(|c| <$t>::from_le_bytes(*c)).collect()
                })
            }

            fn read(bytes: &[u8], big_endian: bool) -> Result<Self, (usize, u8)> {
                let mut raw = [0; size_of::<$t>()];
                raw.copy_from_slice(bytes);
                Ok(if big_endian { <$t>::from_be_bytes(raw) } else { <$t>::from_le_bytes(raw) })
            }
        }
    )* };
}

number!(i8, i16, u16, i32, u32, i64, u64, f32, f64);

impl sealed::Sealed for u8 {}
impl Primitive for u8 {
    const SIZE: usize = 1;

    fn append(values: &[Self], out: &mut Vec<u8>) {
        out.extend_from_slice(values);
    }

    fn fill(values: &[Self], out: &mut [u8]) {
        out.copy_from_slice(values);
    }

    fn collect(bytes: &[u8], _: bool) -> Result<Vec<Self>, (usize, u8)> {
        Ok(bytes.to_vec())
    }

    fn read(bytes: &[u8], _: bool) -> Result<Self, (usize, u8)> {
        Ok(bytes.first().copied().unwrap_or_default())
    }
}

impl sealed::Sealed for bool {}
impl Primitive for bool {
    const SIZE: usize = 1;

    fn append(values: &[Self], out: &mut Vec<u8>) {
        out.extend(values.iter().map(|v| u8::from(*v)));
    }

    fn fill(values: &[Self], out: &mut [u8]) {
        for (byte, value) in out.iter_mut().zip(values) {
            *byte = u8::from(*value);
        }
    }

    fn collect(bytes: &[u8], _: bool) -> Result<Vec<Self>, (usize, u8)> {
        let one = |(index, byte): (usize, &u8)| match byte {
            0 => Ok(false),
            1 => Ok(true),
            other => Err((index, *other)),
        };
        bytes.iter().enumerate().map(one).collect()
    }

    fn read(bytes: &[u8], big_endian: bool) -> Result<Self, (usize, u8)> {
        Ok(Self::collect(bytes, big_endian)?.first().copied().unwrap_or_default())
    }
}
