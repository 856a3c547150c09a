//! Servers and clients whose requests and answers are CDR.

use std::sync::Arc;

use r2r_rcl as ffi;

use super::value::Value;
use super::{Bytes, Node, Pinned, ServiceSupport, c_string, check, forget_error, is, qos, warn_on};
use crate::error::Result;

/// Whose request it was.
#[derive(Clone, Copy)]
pub(crate) struct RequestId(ffi::rmw_request_id_t);

/// The profile of rclcpp's services.
fn profile() -> ffi::rmw_qos_profile_t {
    qos::profile(peregrine_core::Qos::Reliable)
}

/// Serves one service.
pub(crate) struct Service {
    handle: Pinned<ffi::rcl_service_t>,
    support: ServiceSupport,
    name: String,
    node: Arc<Node>,
}

impl Service {
    pub fn new(node: &Arc<Node>, support: ServiceSupport, name: &str) -> Result<Self> {
        let text = c_string(name)?;
        // SAFETY: no precondition.
        let handle = Pinned::new(unsafe { ffi::rcl_get_zero_initialized_service() });
        // SAFETY: the handle is zero-initialized, the node initialized, the type support never freed.
        let code = unsafe {
            let mut options = ffi::rcl_service_get_default_options();
            options.qos = profile();
            let (service, node) = (handle.get(), node.get());
            ffi::rcl_service_init(service, node, support.get(), text.as_ptr(), &raw const options)
        };
        check(code, "serve", name)?;
        Ok(Self { handle, support, name: name.to_owned(), node: node.clone() })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn get(&self) -> *const ffi::rcl_service_t {
        self.handle.get()
    }

    /// The next request that waits.
    pub fn take(&self) -> Result<Option<(RequestId, Bytes)>> {
        let request = Value::new(self.support.request, &self.name)?;
        // SAFETY: initialized; the request is of the service's type.
        let (code, id) = unsafe {
            let mut id: ffi::rmw_request_id_t = std::mem::zeroed();
            (ffi::rcl_take_request(self.get(), &raw mut id, request.get()), id)
        };
        if is(code, ffi::RCL_RET_SERVICE_TAKE_FAILED) {
            forget_error();
            return Ok(None);
        }
        check(code, "take a request of", &self.name)?;
        Ok(Some((RequestId(id), request.to_cdr(&self.name)?)))
    }

    /// Answers a request.
    pub fn answer(&self, id: RequestId, cdr: &[u8]) -> Result {
        let mut response = Value::new(self.support.response, &self.name)?;
        response.read_cdr(cdr, &self.name)?;
        let mut id = id.0;
        // SAFETY: initialized; the answer is of the service's type.
        let code = unsafe { ffi::rcl_send_response(self.get(), &raw mut id, response.get()) };
        check(code, "answer a request of", &self.name)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // SAFETY: initialized with that node.
        let code = unsafe { ffi::rcl_service_fini(self.handle.get(), self.node.get()) };
        warn_on(code, "end the server of", &self.name);
    }
}

/// Calls one service.
pub(crate) struct Client {
    handle: Pinned<ffi::rcl_client_t>,
    support: ServiceSupport,
    name: String,
    node: Arc<Node>,
}

impl Client {
    pub fn new(node: &Arc<Node>, support: ServiceSupport, name: &str) -> Result<Self> {
        let text = c_string(name)?;
        // SAFETY: no precondition.
        let handle = Pinned::new(unsafe { ffi::rcl_get_zero_initialized_client() });
        // SAFETY: the handle is zero-initialized, the node initialized, the type support never freed.
        let code = unsafe {
            let mut options = ffi::rcl_client_get_default_options();
            options.qos = profile();
            let (client, node) = (handle.get(), node.get());
            ffi::rcl_client_init(client, node, support.get(), text.as_ptr(), &raw const options)
        };
        check(code, "call", name)?;
        Ok(Self { handle, support, name: name.to_owned(), node: node.clone() })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn get(&self) -> *const ffi::rcl_client_t {
        self.handle.get()
    }

    /// Whether somebody serves it, as far as is known.
    pub fn is_served(&self) -> Result<bool> {
        let mut served = false;
        // SAFETY: initialized with that node.
        let code =
            unsafe { ffi::rcl_service_server_is_available(self.node.get(), self.get(), &raw mut served) };
        check(code, "look for a server of", &self.name)?;
        Ok(served)
    }

    /// Sends a request and returns the number that its answer will carry.
    pub fn send(&self, cdr: &[u8]) -> Result<i64> {
        let mut request = Value::new(self.support.request, &self.name)?;
        request.read_cdr(cdr, &self.name)?;
        let mut number = 0;
        // SAFETY: initialized; the request is of the service's type.
        let code = unsafe { ffi::rcl_send_request(self.get(), request.get(), &raw mut number) };
        check(code, "call", &self.name)?;
        Ok(number)
    }

    /// The next answer that waits, with its number.
    pub fn take(&self) -> Result<Option<(i64, Bytes)>> {
        let response = Value::new(self.support.response, &self.name)?;
        // SAFETY: initialized; the answer is of the service's type.
        let (code, id) = unsafe {
            let mut id: ffi::rmw_request_id_t = std::mem::zeroed();
            (ffi::rcl_take_response(self.get(), &raw mut id, response.get()), id)
        };
        if is(code, ffi::RCL_RET_CLIENT_TAKE_FAILED) {
            forget_error();
            return Ok(None);
        }
        check(code, "take an answer of", &self.name)?;
        Ok(Some((id.sequence_number, response.to_cdr(&self.name)?)))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // SAFETY: initialized with that node.
        let code = unsafe { ffi::rcl_client_fini(self.handle.get(), self.node.get()) };
        warn_on(code, "end the client of", &self.name);
    }
}
