//! The server's side: [`Setup::service`], and the way in for a transport.

use std::sync::Arc;

use peregrine_msgs::{Service, cdr};

use super::call::{Answer, Call, ReplyTo};
use super::{CallError, DEPTH, request_topic};
use crate::context::Context;
use crate::endpoints::Role;
use crate::error::{Error, Result};
use crate::host::{Callback, Subscribed, What};
use crate::message::{Delivery, TypeInfo};
use crate::node::{Node, Setup};
use crate::qos::Qos;
use crate::topic::Topic;

/// Takes the answer, as CDR with its header, out of the process; or the server's reason for having none. Dropped
/// uncalled when the request was lost.
pub type RemoteReply = Box<dyn FnOnce(Result<&[u8], &str>) + Send>;

/// A service of this process, for transports.
#[derive(Clone)]
pub struct ServiceEntry {
    name: String,
    node: Arc<str>,
    type_name: &'static str,
    hash: &'static str,
    requests: Arc<Topic>,
    inject: fn(&Self, &Context, &[u8], RemoteReply) -> Result,
}

impl std::fmt::Debug for ServiceEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ServiceEntry({} of {})", self.name, self.node)
    }
}

impl ServiceEntry {
    /// Full name.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// Full name of the node that serves it.
    pub fn node(&self) -> &Arc<str> {
        &self.node
    }
    /// `std_srvs/srv/Trigger`
    pub fn type_name(&self) -> &'static str {
        self.type_name
    }
    /// `RIHS01_...` of the pair.
    pub fn hash(&self) -> &'static str {
        self.hash
    }

    /// Hands a request from another process to the server; `reply` is called on the server's lane.
    ///
    /// # Errors
    /// When the bytes are not a request of the service's type.
    pub fn call(&self, ctx: &Context, request: &[u8], reply: RemoteReply) -> Result {
        (self.inject)(self, ctx, request, reply)
    }
}

fn inject<S: Service>(entry: &ServiceEntry, ctx: &Context, request: &[u8], reply: RemoteReply) -> Result {
    let request = cdr::from_slice::<S::Request>(request).map_err(|source| Error::Decode {
        topic: entry.name.clone(),
        type_name: S::TYPE_NAME,
        source,
    })?;
    ctx.emit(&entry.requests, Arc::new(Call::new(request, ReplyTo::Remote(reply))));
    Ok(())
}

impl<N: Node> Setup<'_, N> {
    /// Serves `name`: `callback` gets each request on the node's lane and returns the answer. An error is logged, and
    /// the client is told that the server refused.
    ///
    /// # Errors
    /// When the name is not valid, or another node of this process serves it.
    pub fn service<S: Service>(
        &mut self,
        name: &str,
        callback: impl Fn(&mut N, &Context, &S::Request) -> Result<S::Response> + Send + 'static,
    ) -> Result {
        let name = self.resolve(name)?;
        if let Some(first) = self.graph.services.iter().find(|s| s.name == name) {
            return Err(Error::ServiceTaken {
                service: name,
                first: first.node.to_string(),
                second: self.full_name.to_string(),
            });
        }
        let qos = Qos::KeepLast(DEPTH);
        let wire_name = request_topic(&name);
        let info = TypeInfo::of::<S::Request>();
        let requests = self.graph.topic(&wire_name, info, qos, false, &self.full_name)?;
        self.graph.endpoints.add(&self.full_name, &name, Role::Server, (S::TYPE_NAME, S::TYPE_HASH), qos);
        self.graph.services.push(ServiceEntry {
            name: name.clone(),
            node: self.full_name.clone(),
            type_name: S::TYPE_NAME,
            hash: S::TYPE_HASH,
            requests,
            inject: inject::<S>,
        });
        let call: Callback<N> = Box::new(move |node, ctx, delivery| {
            let Delivery::Message(envelope) = delivery else { return Ok(()) };
            let Some(call) = envelope.message.as_any().downcast_ref::<Call<S::Request>>() else {
                return Ok(());
            };
            let Some(reply) = call.take_reply() else { return Ok(()) };
            match callback(node, ctx, &call.request) {
                Ok(response) => {
                    answer::<S>(ctx, reply, Ok(response));
                    Ok(())
                }
                Err(error) => {
                    let refused = CallError::Refused { service: name.clone(), reason: error.to_string() };
                    answer::<S>(ctx, reply, Err(refused));
                    Err(error)
                }
            }
        });
        let what = What::Topic(wire_name);
        self.declared.subscriptions.push(Subscribed { what, depth: DEPTH, policy: None, call });
        Ok(())
    }
}

fn answer<S: Service>(ctx: &Context, reply: ReplyTo, outcome: Result<S::Response, CallError>) {
    match reply {
        ReplyTo::Local { replies, sequence } => ctx.emit(&replies, Arc::new(Answer { sequence, outcome })),
        ReplyTo::Remote(reply) => match outcome {
            Ok(response) => reply(Ok(&cdr::to_vec(&response))),
            Err(CallError::Refused { reason, .. }) => reply(Err(&reason)),
            Err(error) => reply(Err(&error.to_string())),
        },
    }
}
