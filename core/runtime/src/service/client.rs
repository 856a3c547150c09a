//! The client's side: [`Setup::client`], and the way out for a transport.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use peregrine_msgs::{Service, cdr};

use super::call::{Answer, Call, ReplyTo};
use super::{CallError, DEPTH, reply_topic, request_topic};
use crate::context::Context;
use crate::endpoints::Role;
use crate::error::Result;
use crate::host::{Callback, Subscribed, What};
use crate::message::{Delivery, TypeInfo};
use crate::node::{Node, Setup};
use crate::qos::Qos;
use crate::topic::Topic;

/// The service a call goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceName {
    /// Full name.
    pub name: String,
    /// `std_srvs/srv/Trigger`
    pub type_name: &'static str,
    /// `RIHS01_...` of the pair.
    pub hash: &'static str,
}

/// What takes a call's outcome; called once, on any thread.
pub type Done = Box<dyn FnOnce(Result<&[u8], CallError>) + Send>;

/// A transport that carries calls to servers of other processes. It always calls `done`, if need be after its time limit.
pub trait RemoteCalls: Send + Sync {
    /// Sends `request`, CDR with its header, from the node called `node`.
    fn call(&self, node: &Arc<str>, service: &ServiceName, request: Vec<u8>, done: Done);
}

/// Calls one service. The answer comes to the callback given to [`Setup::client`].
#[derive(Debug)]
pub struct Client<S: Service> {
    service: ServiceName,
    node: Arc<str>,
    requests: Arc<Topic>,
    replies: Arc<Topic>,
    sequence: AtomicI64,
    kind: std::marker::PhantomData<fn(S)>,
}

impl<S: Service> Client<S> {
    /// Sends a request and returns its number, from 1; the answer carries it. A server in this process is called
    /// directly; else the transport looks for one in other processes, except in lockstep, where nothing leaves.
    pub fn call(&self, ctx: &Context, request: S::Request) -> i64 {
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed) + 1;
        let replies = self.replies.clone();
        if self.requests.subscriptions() > 0 {
            ctx.emit(&self.requests, Arc::new(Call::new(request, ReplyTo::Local { replies, sequence })));
            return sequence;
        }
        let service = self.service.name.clone();
        match ctx.topics().remote_calls() {
            Some(remote) if !ctx.is_lockstep() => {
                let ctx = ctx.for_imports();
                let done: Done = Box::new(move |outcome| {
                    let outcome = outcome.and_then(|bytes| {
                        cdr::from_slice::<S::Response>(bytes)
                            .map_err(|e| CallError::Malformed { service, reason: e.to_string() })
                    });
                    ctx.emit(&replies, Arc::new(Answer { sequence, outcome }));
                });
                remote.call(&self.node, &self.service, cdr::to_vec(&request), done);
            }
            _ => {
                let outcome = Err::<S::Response, _>(CallError::NoServer { service });
                ctx.emit(&replies, Arc::new(Answer { sequence, outcome }));
            }
        }
        sequence
    }

    /// The service's full name.
    pub fn name(&self) -> &str {
        &self.service.name
    }
}

impl<N: Node> Setup<'_, N> {
    /// A client of the service `name`. `callback` gets the number of the request and what came of it, on the node's lane.
    ///
    /// # Errors
    /// When the name is not valid, or the service has another type.
    pub fn client<S: Service>(
        &mut self,
        name: &str,
        callback: impl Fn(&mut N, &Context, i64, Result<&S::Response, &CallError>) -> Result + Send + 'static,
    ) -> Result<Client<S>> {
        let name = self.resolve(name)?;
        let qos = Qos::KeepLast(DEPTH);
        let requests = self.graph.topic(
            &request_topic(&name),
            TypeInfo::of::<S::Request>(),
            qos,
            false,
            &self.full_name,
        )?;
        let nth = self.declared.subscriptions.len();
        let wire_name = reply_topic(&name, &self.full_name, nth);
        let replies =
            self.graph.topic(&wire_name, TypeInfo::of::<S::Response>(), qos, false, &self.full_name)?;
        self.graph.endpoints.add(&self.full_name, &name, Role::Client, (S::TYPE_NAME, S::TYPE_HASH), qos);
        let call: Callback<N> = Box::new(move |node, ctx, delivery| {
            let Delivery::Message(envelope) = delivery else { return Ok(()) };
            match envelope.message.as_any().downcast_ref::<Answer<S::Response>>() {
                Some(answer) => callback(node, ctx, answer.sequence, answer.outcome.as_ref()),
                None => Ok(()),
            }
        });
        let what = What::Topic(wire_name);
        self.declared.subscriptions.push(Subscribed { what, depth: DEPTH, policy: None, call });
        let service = ServiceName { name, type_name: S::TYPE_NAME, hash: S::TYPE_HASH };
        Ok(Client {
            service,
            node: self.full_name.clone(),
            requests,
            replies,
            sequence: AtomicI64::new(0),
            kind: std::marker::PhantomData,
        })
    }
}
