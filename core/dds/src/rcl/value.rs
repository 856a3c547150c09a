//! A message as the C structure that `rcl`'s services want, and its way from and to CDR.
//!
//! `rcl` has no calls that take a request as bytes, so it is taken as a structure, by the layout that the type's library
//! tells, and written as CDR by the middleware itself.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ffi::c_void;
use std::ptr::NonNull;

use r2r_rcl as ffi;

use super::{Bytes, MessageSupport, bytes::lent, check};
use crate::error::{Error, Result};

/// One message of a type that is known at run time.
pub(super) struct Value {
    memory: NonNull<c_void>,
    layout: Layout,
    members: &'static ffi::rosidl_typesupport_introspection_c__MessageMembers,
    support: MessageSupport,
}

impl Value {
    /// With the defaults of its type. `name` is whose it is, for errors.
    pub fn new(support: MessageSupport, name: &str) -> Result<Self> {
        let unknown = || Error::Rcl {
            what: "lay out a message of",
            name: name.to_owned(),
            reason: "the package has no rosidl_typesupport_introspection_c library".into(),
            code: 0,
        };
        let members = support.members().ok_or_else(unknown)?;
        let init = members.init_function.ok_or_else(unknown)?;
        let layout = Layout::from_size_align(members.size_of_.max(1), 16).map_err(|_| unknown())?;
        // SAFETY: the size is not 0.
        let memory = unsafe { alloc_zeroed(layout) };
        let memory = NonNull::new(memory.cast::<c_void>()).unwrap_or_else(|| handle_alloc_error(layout));
        let all = ffi::rosidl_runtime_c__message_initialization::ROSIDL_RUNTIME_C_MSG_INIT_ALL;
        // SAFETY: the memory is as large as the type's library says.
        unsafe { init(memory.as_ptr(), all) };
        Ok(Self { memory, layout, members, support })
    }

    pub fn get(&self) -> *mut c_void {
        self.memory.as_ptr()
    }

    /// As CDR with its header.
    pub fn to_cdr(&self, name: &str) -> Result<Bytes> {
        let mut bytes = Bytes::new()?;
        // SAFETY: value and support are of one type.
        let code = unsafe { ffi::rmw_serialize(self.get(), self.support.get(), &raw mut bytes.0) };
        check(code, "write a message of", name)?;
        Ok(bytes)
    }

    /// Becomes what `cdr` says.
    pub fn read_cdr(&mut self, cdr: &[u8], name: &str) -> Result {
        let bytes = lent(cdr);
        // SAFETY: as above; the bytes are only read.
        let code = unsafe { ffi::rmw_deserialize(&raw const bytes, self.support.get(), self.get()) };
        check(code, "read a message of", name)
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        // SAFETY: initialized and allocated by `new`.
        unsafe {
            if let Some(fini) = self.members.fini_function {
                fini(self.get());
            }
            dealloc(self.memory.as_ptr().cast(), self.layout);
        }
    }
}
