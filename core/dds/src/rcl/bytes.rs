//! A buffer that ROS 2 fills.

use r2r_rcl as ffi;

use super::{allocator, check, warn_on};
use crate::error::Result;

/// Serialized bytes, reused from message to message.
pub(crate) struct Bytes(pub(super) ffi::rcl_serialized_message_t);

// SAFETY: it owns its memory, from an allocator that any thread may use.
unsafe impl Send for Bytes {}

impl Bytes {
    /// An empty buffer.
    pub fn new() -> Result<Self> {
        // SAFETY: no precondition.
        let mut bytes = unsafe { ffi::rcutils_get_zero_initialized_uint8_array() };
        let allocator = allocator();
        // SAFETY: `bytes` is zero-initialized.
        let code = unsafe { ffi::rcutils_uint8_array_init(&raw mut bytes, 0, &raw const allocator) };
        check(code, "make", "a buffer")?;
        Ok(Self(bytes))
    }

    pub fn as_slice(&self) -> &[u8] {
        if self.0.buffer.is_null() {
            return &[];
        }
        // SAFETY: ROS 2 keeps length and buffer together.
        unsafe { std::slice::from_raw_parts(self.0.buffer, self.0.buffer_length) }
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        // SAFETY: initialized by `new`.
        warn_on(unsafe { ffi::rcutils_uint8_array_fini(&raw mut self.0) }, "free", "a buffer");
    }
}

/// Lends `bytes` as ROS 2 wants them: for calls that only read.
pub(super) fn lent(bytes: &[u8]) -> ffi::rcl_serialized_message_t {
    ffi::rcl_serialized_message_t {
        buffer: bytes.as_ptr().cast_mut(),
        buffer_length: bytes.len(),
        buffer_capacity: bytes.len(),
        allocator: allocator(),
    }
}
