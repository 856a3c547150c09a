//! A node, as the graph shows it.

use std::ffi::CStr;
use std::sync::Arc;

use r2r_rcl as ffi;

use super::{Context, Pinned, allocator, c_string, check, warn_on};
use crate::error::Result;
use crate::mismatch::Party;
use crate::origins::Gid;

/// A node of the graph, without endpoints of its own.
pub(crate) struct Node {
    handle: Pinned<ffi::rcl_node_t>,
    name: String,
    _context: Arc<Context>,
}

/// One end of a topic, somewhere in the domain.
pub(crate) struct End {
    pub party: Party,
    pub gid: Gid,
    /// Its node is known: DDS tells of an endpoint first and ROS 2 a little later whose it is.
    pub named: bool,
}

/// What `rmw` calls the node of an endpoint while it does not know it.
const UNKNOWN: &str = "_NODE_NAME_UNKNOWN_";
/// What we call it then.
const NO_NODE: &str = "a DDS program without ROS nodes";

/// Asks for the endpoints of a topic.
type Ask = unsafe extern "C" fn(
    *const ffi::rcl_node_t,
    *mut ffi::rcutils_allocator_t,
    *const std::ffi::c_char,
    bool,
    *mut ffi::rcl_topic_endpoint_info_array_t,
) -> ffi::rcl_ret_t;

impl Node {
    /// Announces a node. `/rosout` and the rest are the runtime's, for every transport alike.
    pub fn new(context: &Arc<Context>, full_name: &str) -> Result<Arc<Self>> {
        let (namespace, name) = full_name.rsplit_once('/').unwrap_or(("", full_name));
        let namespace = c_string(if namespace.is_empty() { "/" } else { namespace })?;
        let name = c_string(name)?;
        // SAFETY: no precondition.
        let handle = Pinned::new(unsafe { ffi::rcl_get_zero_initialized_node() });
        // SAFETY: the handle is zero-initialized, the names outlive the call, which copies them.
        let code = unsafe {
            let mut options = ffi::rcl_node_get_default_options();
            options.enable_rosout = false;
            ffi::rcl_node_init(
                handle.get(),
                name.as_ptr(),
                namespace.as_ptr(),
                context.get(),
                &raw const options,
            )
        };
        check(code, "make the node", full_name)?;
        Ok(Arc::new(Self { handle, name: full_name.to_owned(), _context: context.clone() }))
    }

    pub(super) fn get(&self) -> *mut ffi::rcl_node_t {
        self.handle.get()
    }

    /// The condition that is triggered when the graph changes; it lives as long as the node.
    pub(super) fn graph_guard(&self) -> *const ffi::rcl_guard_condition_t {
        // SAFETY: the node is initialized.
        unsafe { ffi::rcl_node_get_graph_guard_condition(self.get()) }
    }

    /// Who publishes `topic`, as far as is known.
    pub fn publishers(&self, topic: &str) -> Result<Vec<End>> {
        self.ask(topic, ffi::rcl_get_publishers_info_by_topic)
    }

    /// Who reads `topic`, as far as is known.
    pub fn subscriptions(&self, topic: &str) -> Result<Vec<End>> {
        self.ask(topic, ffi::rcl_get_subscriptions_info_by_topic)
    }

    fn ask(&self, topic: &str, ask: Ask) -> Result<Vec<End>> {
        let name = c_string(topic)?;
        let mut allocator = allocator();
        // SAFETY: the node is initialized, the array zero-initialized; it is read before it is freed.
        unsafe {
            let mut found = ffi::rmw_get_zero_initialized_topic_endpoint_info_array();
            let code = ask(self.get(), &raw mut allocator, name.as_ptr(), false, &raw mut found);
            check(code, "look at", topic)?;
            let infos = if found.info_array.is_null() {
                &[][..]
            } else {
                std::slice::from_raw_parts(found.info_array, found.size)
            };
            let ends = infos.iter().map(|info| end(info)).collect();
            warn_on(
                ffi::rmw_topic_endpoint_info_array_fini(&raw mut found, &raw mut allocator),
                "free",
                "endpoints",
            );
            Ok(ends)
        }
    }
}

/// # Safety
/// The texts in `info` are null or end with a zero byte.
unsafe fn end(info: &ffi::rmw_topic_endpoint_info_t) -> End {
    let text = |at: *const std::ffi::c_char| {
        if at.is_null() {
            String::new()
        } else {
            // SAFETY: not null, so it ends with a zero byte, as the caller says.
            unsafe { CStr::from_ptr(at) }.to_string_lossy().into_owned()
        }
    };
    let (namespace, name) = (text(info.node_namespace), text(info.node_name));
    let named = !name.is_empty() && name != UNKNOWN;
    let mut gid = Gid::default();
    gid.iter_mut().zip(&info.endpoint_gid).for_each(|(to, from)| *to = *from);
    let qos = &info.qos_profile;
    End {
        party: Party {
            node: if named { format!("{}/{name}", namespace.trim_end_matches('/')) } else { NO_NODE.into() },
            type_name: text(info.topic_type),
            hash: super::support::hash_text(&info.topic_type_hash),
            reliable: super::qos::is_reliable(qos),
            transient_local: super::qos::is_transient_local(qos),
        },
        gid,
        named,
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // SAFETY: initialized, and its endpoints are gone: each held this.
        warn_on(unsafe { ffi::rcl_node_fini(self.get()) }, "end the node", &self.name);
    }
}
