//! The objects of `rcl` (by way of `r2r_rcl`), each with its owner and its end.
//!
//! Invariant: an object of `rcl` lies where it was made until it is finished, and it is finished before the node and the
//! context that it was made with: each holds the one below it. No tool checks that; every `Drop` here does its part.
//!
//! Threads: publications, answers and calls come from any thread, as from a multi-threaded executor of rclcpp; what is taken
//! is taken by the one thread that waits for it.

mod bytes;
mod context;
mod node;
mod publisher;
mod qos;
mod service;
mod subscription;
mod support;
mod value;
mod wait;

use std::ffi::{CStr, CString};
use std::ptr::NonNull;

use r2r_rcl as ffi;

pub(crate) use bytes::Bytes;
pub(crate) use context::{Context, Guard};
pub(crate) use node::{End, Node};
pub(crate) use publisher::Publisher;
pub(crate) use service::{Client, Service};
pub(crate) use subscription::Subscription;
pub(crate) use support::{MessageSupport, ServiceSupport};
pub(crate) use wait::{WaitSet, Waited};

use crate::error::{Error, Result};

/// An object of `rcl` at an address that never changes.
struct Pinned<T>(NonNull<T>);

// SAFETY: see the threads above; `rcl` has no thread-local state in its objects.
unsafe impl<T> Send for Pinned<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Pinned<T> {}

impl<T> Pinned<T> {
    fn new(value: T) -> Self {
        Self(NonNull::from(Box::leak(Box::new(value))))
    }
    fn get(&self) -> *mut T {
        self.0.as_ptr()
    }
}

impl<T> Drop for Pinned<T> {
    fn drop(&mut self) {
        // SAFETY: made by `new` from a box, and dropped once.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

/// The outcome of a call of `rcl`.
fn check(code: ffi::rcl_ret_t, what: &'static str, name: &str) -> Result {
    if is(code, ffi::RCL_RET_OK) {
        return Ok(());
    }
    Err(Error::Rcl { what, name: name.to_owned(), reason: last_error(), code })
}

fn is(code: ffi::rcl_ret_t, expected: u32) -> bool {
    u32::try_from(code) == Ok(expected)
}

/// What `rcl` says of its last failure on this thread; asked once.
fn last_error() -> String {
    // SAFETY: the state is the thread's own, and the text ends with a zero byte.
    unsafe {
        let text = ffi::rcutils_get_error_string();
        let owned = CStr::from_ptr(text.str_.as_ptr()).to_string_lossy().into_owned();
        ffi::rcutils_reset_error();
        owned
    }
}

/// Drops what `rcl` says of a failure that is none: it had nothing to take.
fn forget_error() {
    // SAFETY: the state is the thread's own.
    unsafe { ffi::rcutils_reset_error() };
}

/// As [`check`], where there is nobody to hand the error to.
fn warn_on(code: ffi::rcl_ret_t, what: &'static str, name: &str) {
    if let Err(error) = check(code, what, name) {
        tracing::warn!("{error}");
    }
}

fn c_string(text: &str) -> Result<CString> {
    CString::new(text).map_err(|_| Error::Name { name: text.to_owned() })
}

fn allocator() -> ffi::rcutils_allocator_t {
    // SAFETY: no precondition.
    unsafe { ffi::rcutils_get_default_allocator() }
}
