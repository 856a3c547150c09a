//! Waiting for whichever of many things comes first.

use std::sync::Arc;
use std::time::Duration;

use r2r_rcl as ffi;

use super::{Client, Context, Guard, Node, Pinned, Service, Subscription, check, forget_error, is, warn_on};
use crate::error::Result;

/// What can be waited for.
#[derive(Clone, Copy)]
pub(crate) struct Waited<'a> {
    pub subscriptions: &'a [Arc<Subscription>],
    pub services: &'a [Arc<Service>],
    pub clients: &'a [Arc<Client>],
    pub guard: &'a Guard,
    /// The graph of this node, if that is of interest.
    pub graph: Option<&'a Node>,
}

/// A wait set of fixed size.
pub(crate) struct WaitSet {
    handle: Pinned<ffi::rcl_wait_set_t>,
    _context: Arc<Context>,
}

impl WaitSet {
    /// With room for so many.
    pub fn new(
        context: &Arc<Context>,
        subscriptions: usize,
        services: usize,
        clients: usize,
    ) -> Result<Self> {
        // SAFETY: no precondition.
        let handle = Pinned::new(unsafe { ffi::rcl_get_zero_initialized_wait_set() });
        // SAFETY: the handle is zero-initialized, the context initialized.
        let code = unsafe {
            let (set, context) = (handle.get(), context.get());
            ffi::rcl_wait_set_init(
                set,
                subscriptions,
                2,
                0,
                clients,
                services,
                0,
                context,
                super::allocator(),
            )
        };
        check(code, "make", "a wait set")?;
        Ok(Self { handle, _context: context.clone() })
    }

    /// Waits until something is there, at most so long; for ever without a limit. What is ready is then asked for by its
    /// place in `waited`.
    pub fn wait(&mut self, waited: &Waited<'_>, limit: Option<Duration>) -> Result {
        let limit = limit.map_or(-1, |limit| i64::try_from(limit.as_nanos()).unwrap_or(i64::MAX));
        let (set, none) = (self.handle.get(), std::ptr::null_mut::<usize>());
        // SAFETY: all are initialized, and there is room for all that `new` was told of.
        unsafe {
            check(ffi::rcl_wait_set_clear(set), "clear", "a wait set")?;
            for subscription in waited.subscriptions {
                let code = ffi::rcl_wait_set_add_subscription(set, subscription.get(), none);
                check(code, "wait for", "a subscription")?;
            }
            for service in waited.services {
                check(ffi::rcl_wait_set_add_service(set, service.get(), none), "wait for", service.name())?;
            }
            for client in waited.clients {
                check(ffi::rcl_wait_set_add_client(set, client.get(), none), "wait for", client.name())?;
            }
            let guard = ffi::rcl_wait_set_add_guard_condition(set, waited.guard.get(), none);
            check(guard, "wait for", "a guard condition")?;
            if let Some(node) = waited.graph {
                let graph = ffi::rcl_wait_set_add_guard_condition(set, node.graph_guard(), none);
                check(graph, "wait for", "the graph")?;
            }
            let code = ffi::rcl_wait(set, limit);
            if is(code, ffi::RCL_RET_TIMEOUT) {
                forget_error();
                return Ok(());
            }
            check(code, "wait in", "a wait set")
        }
    }

    /// Whether the subscription in that place has something.
    pub fn has_message(&self, place: usize) -> bool {
        // SAFETY: `rcl` keeps array and size together.
        unsafe {
            ready((*self.handle.get()).subscriptions, (*self.handle.get()).size_of_subscriptions, place)
        }
    }

    /// Whether the service in that place has a request.
    pub fn has_request(&self, place: usize) -> bool {
        // SAFETY: as above.
        unsafe { ready((*self.handle.get()).services, (*self.handle.get()).size_of_services, place) }
    }

    /// Whether the client in that place has an answer.
    pub fn has_answer(&self, place: usize) -> bool {
        // SAFETY: as above.
        unsafe { ready((*self.handle.get()).clients, (*self.handle.get()).size_of_clients, place) }
    }
}

/// What is not ready was set to null by `rcl_wait`.
///
/// # Safety
/// `array` holds `size` pointers.
unsafe fn ready<T>(array: *mut *const T, size: usize, place: usize) -> bool {
    // SAFETY: within the array.
    place < size && !array.is_null() && unsafe { !(*array.add(place)).is_null() }
}

impl Drop for WaitSet {
    fn drop(&mut self) {
        // SAFETY: initialized by `new`.
        warn_on(unsafe { ffi::rcl_wait_set_fini(self.handle.get()) }, "end", "a wait set");
    }
}
