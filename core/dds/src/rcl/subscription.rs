//! A subscription that takes bytes.

use std::sync::Arc;

use peregrine_core::Qos;
use r2r_rcl as ffi;

use super::{Bytes, MessageSupport, Node, Pinned, c_string, check, forget_error, is, qos::profile, warn_on};
use crate::error::Result;
use crate::origins::Gid;

/// Reads CDR on one topic, but not what its own process publishes.
pub(crate) struct Subscription {
    handle: Pinned<ffi::rcl_subscription_t>,
    topic: String,
    node: Arc<Node>,
}

impl Subscription {
    pub fn new(node: &Arc<Node>, support: MessageSupport, topic: &str, qos: Qos) -> Result<Self> {
        let name = c_string(topic)?;
        // SAFETY: no precondition.
        let handle = Pinned::new(unsafe { ffi::rcl_get_zero_initialized_subscription() });
        // SAFETY: the handle is zero-initialized, the node initialized, the type support never freed.
        let code = unsafe {
            let mut options = ffi::rcl_subscription_get_default_options();
            options.qos = profile(qos);
            options.rmw_subscription_options.ignore_local_publications = true;
            let (subscription, node) = (handle.get(), node.get());
            ffi::rcl_subscription_init(subscription, node, support.get(), name.as_ptr(), &raw const options)
        };
        check(code, "subscribe to", topic)?;
        Ok(Self { handle, topic: topic.to_owned(), node: node.clone() })
    }

    pub(super) fn get(&self) -> *const ffi::rcl_subscription_t {
        self.handle.get()
    }

    /// Takes the next message into `bytes` and says who sent it under which number.
    pub fn take(&self, bytes: &mut Bytes) -> Result<Option<(Gid, u64)>> {
        // SAFETY: initialized; `rcl` lets `bytes` grow by its own allocator.
        let (code, info) = unsafe {
            let mut info = ffi::rmw_get_zero_initialized_message_info();
            let (own, into) = (self.handle.get(), &raw mut bytes.0);
            let code = ffi::rcl_take_serialized_message(own, into, &raw mut info, std::ptr::null_mut());
            (code, info)
        };
        if is(code, ffi::RCL_RET_SUBSCRIPTION_TAKE_FAILED) {
            forget_error();
            return Ok(None);
        }
        check(code, "read", &self.topic)?;
        let mut gid = Gid::default();
        gid.iter_mut().zip(&info.publisher_gid.data).for_each(|(to, from)| *to = *from);
        Ok(Some((gid, info.publication_sequence_number)))
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        // SAFETY: initialized with that node.
        let code = unsafe { ffi::rcl_subscription_fini(self.handle.get(), self.node.get()) };
        warn_on(code, "end the subscription of", &self.topic);
    }
}
