//! A publisher of bytes.

use std::sync::Arc;

use peregrine_core::Qos;
use r2r_rcl as ffi;

use super::{MessageSupport, Node, Pinned, bytes::lent, c_string, check, qos::profile, warn_on};
use crate::error::Result;
use crate::origins::Gid;

/// Publishes CDR on one topic.
pub(crate) struct Publisher {
    handle: Pinned<ffi::rcl_publisher_t>,
    topic: String,
    gid: Gid,
    node: Arc<Node>,
}

impl Publisher {
    pub fn new(node: &Arc<Node>, support: MessageSupport, topic: &str, qos: Qos) -> Result<Self> {
        let name = c_string(topic)?;
        // SAFETY: no precondition.
        let handle = Pinned::new(unsafe { ffi::rcl_get_zero_initialized_publisher() });
        // SAFETY: the handle is zero-initialized, the node initialized, the type support never freed.
        let code = unsafe {
            let mut options = ffi::rcl_publisher_get_default_options();
            options.qos = profile(qos);
            let (publisher, node) = (handle.get(), node.get());
            ffi::rcl_publisher_init(publisher, node, support.get(), name.as_ptr(), &raw const options)
        };
        check(code, "publish on", topic)?;
        let mut this = Self { handle, topic: topic.to_owned(), gid: Gid::default(), node: node.clone() };
        // SAFETY: initialized just now; the id is read out of a value of our own.
        unsafe {
            let mut gid: ffi::rmw_gid_t = std::mem::zeroed();
            let publisher = ffi::rcl_publisher_get_rmw_handle(this.handle.get());
            check(
                ffi::rmw_get_gid_for_publisher(publisher, &raw mut gid),
                "identify the publisher of",
                topic,
            )?;
            this.gid.iter_mut().zip(&gid.data).for_each(|(to, from)| *to = *from);
        }
        Ok(this)
    }

    /// Its id in the domain.
    pub fn gid(&self) -> Gid {
        self.gid
    }

    /// Publishes a whole message, CDR with its header.
    pub fn publish(&self, cdr: &[u8]) -> Result {
        let bytes = lent(cdr);
        // SAFETY: initialized, and `rcl` only reads the bytes.
        let code = unsafe {
            ffi::rcl_publish_serialized_message(self.handle.get(), &raw const bytes, std::ptr::null_mut())
        };
        check(code, "publish on", &self.topic)
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        // SAFETY: initialized with that node.
        let code = unsafe { ffi::rcl_publisher_fini(self.handle.get(), self.node.get()) };
        warn_on(code, "end the publisher of", &self.topic);
    }
}
