//! The context: one participant of the domain.

use std::sync::{Arc, Mutex, PoisonError};

use r2r_rcl as ffi;

use super::{Pinned, allocator, c_string, check, warn_on};
use crate::error::Result;

/// Contexts are made and ended one at a time: `rcl` sets up its logging meanwhile.
static ONE: Mutex<()> = Mutex::new(());

/// An initialized `rcl` context.
pub(crate) struct Context(Pinned<ffi::rcl_context_t>);

impl Context {
    /// Joins the domain of `ROS_DOMAIN_ID` with the middleware of `RMW_IMPLEMENTATION`.
    pub fn new(enclave: Option<&str>) -> Result<Arc<Self>> {
        let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let arguments = match enclave {
            Some(enclave) => vec!["--ros-args", "--enclave", enclave],
            None => Vec::new(),
        };
        let arguments = arguments.into_iter().map(c_string).collect::<Result<Vec<_>>>()?;
        let pointers: Vec<_> = arguments.iter().map(|text| text.as_ptr()).collect();
        let count = i32::try_from(pointers.len()).unwrap_or(0);
        // SAFETY: no precondition.
        let context = Pinned::new(unsafe { ffi::rcl_get_zero_initialized_context() });
        // SAFETY: options and context are zero-initialized; the arguments outlive the call, which copies them.
        let code = unsafe {
            let mut options = ffi::rcl_get_zero_initialized_init_options();
            check(ffi::rcl_init_options_init(&raw mut options, allocator()), "prepare", "rcl")?;
            let argv = if count == 0 { std::ptr::null() } else { pointers.as_ptr() };
            let code = ffi::rcl_init(count, argv, &raw const options, context.get());
            let outcome = check(code, "join", "the domain");
            warn_on(ffi::rcl_init_options_fini(&raw mut options), "free", "options");
            outcome
        };
        code?;
        Ok(Arc::new(Self(context)))
    }

    pub(super) fn get(&self) -> *mut ffi::rcl_context_t {
        self.0.get()
    }

    /// The domain that was joined.
    pub fn domain(&self) -> usize {
        let mut domain = 0;
        // SAFETY: the context is initialized.
        warn_on(
            unsafe { ffi::rcl_context_get_domain_id(self.get(), &raw mut domain) },
            "ask for",
            "the domain",
        );
        domain
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: initialized, and all that was made with it is gone: it held this.
        unsafe {
            warn_on(ffi::rcl_shutdown(self.get()), "leave", "the domain");
            warn_on(ffi::rcl_context_fini(self.get()), "end", "the context");
        }
    }
}

/// Wakes a thread that waits.
pub(crate) struct Guard {
    handle: Pinned<ffi::rcl_guard_condition_t>,
    _context: Arc<Context>,
}

impl Guard {
    pub fn new(context: &Arc<Context>) -> Result<Arc<Self>> {
        // SAFETY: no precondition.
        let handle = Pinned::new(unsafe { ffi::rcl_get_zero_initialized_guard_condition() });
        // SAFETY: the handle is zero-initialized, the context is initialized.
        let code = unsafe {
            let options = ffi::rcl_guard_condition_get_default_options();
            ffi::rcl_guard_condition_init(handle.get(), context.get(), options)
        };
        check(code, "make", "a guard condition")?;
        Ok(Arc::new(Self { handle, _context: context.clone() }))
    }

    pub fn wake(&self) {
        // SAFETY: initialized.
        warn_on(unsafe { ffi::rcl_trigger_guard_condition(self.handle.get()) }, "wake", "a thread");
    }

    pub(super) fn get(&self) -> *const ffi::rcl_guard_condition_t {
        self.handle.get()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // SAFETY: initialized by `new`, and nobody waits for it any more.
        warn_on(unsafe { ffi::rcl_guard_condition_fini(self.handle.get()) }, "end", "a guard condition");
    }
}
