//! Services: a server is a complete queryable on the service's key, a call is a query with the request as its payload.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use peregrine_core::service::{CallError, Done, RemoteCalls, ServiceEntry, ServiceName};
use peregrine_core::{Clock, Context};
use zenoh::Wait;
use zenoh::query::{ConsolidationMode, Query, QueryTarget, Queryable, Reply};
use zenoh::sample::Locality;

use crate::error::{Error, Result, zenoh as failed};
use crate::form::KeyForm;
use crate::keys::{self, Attachment, Endpoint};
use crate::link::Link;

/// How long a call waits for its answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Answers remote requests until dropped.
pub(crate) fn serve(link: &Link, entry: &ServiceEntry, ctx: &Context) -> Result<Queryable<()>> {
    let key = link.key(entry.name(), entry.type_name(), entry.hash());
    let server = Server { entry: entry.clone(), ctx: Mutex::new(ctx.for_imports()), key: key.clone() };
    link.session
        .declare_queryable(key.clone())
        .complete(true)
        .allowed_origin(Locality::Remote)
        .callback(move |query| server.take(&query))
        .wait()
        .map_err(failed("serve", &key))
}

struct Server {
    entry: ServiceEntry,
    ctx: Mutex<Context>,
    key: String,
}

impl Server {
    fn take(&self, query: &Query) {
        let request = query.payload().map(zenoh::bytes::ZBytes::to_bytes).unwrap_or_default();
        let asked = query.attachment().and_then(|bytes| Attachment::parse(&bytes.to_bytes()).ok());
        let (waiting, key) = (query.clone(), self.key.clone());
        let reply = Box::new(move |outcome: std::result::Result<&[u8], &str>| {
            let sent = match outcome {
                Ok(response) => {
                    // The client knows its request by number and id.
                    let (sequence, gid) = asked.map_or((0, [0; 16]), |a| (a.sequence, a.gid));
                    let attachment = Attachment { sequence, stamp_ns: Clock::System.now().0, gid };
                    waiting.reply(&key, response).attachment(attachment.to_bytes()).wait()
                }
                Err(reason) => waiting.reply_err(reason).wait(),
            };
            if let Err(error) = sent {
                tracing::warn!("{}", failed("answer on", &key)(error));
            }
        });
        let ctx = self.ctx.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = self.entry.call(&ctx, &request, reply) {
            tracing::warn!(service = self.entry.name(), "{error}");
            // Gone when the session closes meanwhile.
            let _ = query.reply_err(error.to_string()).wait();
        }
    }
}

/// Carries this process's calls to other processes.
pub(crate) struct Caller {
    link: Link,
    /// By service and node: the client's id and its last number.
    clients: BTreeMap<(String, Arc<str>), ([u8; 16], AtomicI64)>,
}

impl Caller {
    pub fn new(link: Link, clients: impl Iterator<Item = (Arc<str>, Endpoint)>) -> Self {
        let clients = clients
            .map(|(node, e)| ((e.name.clone(), node), (keys::gid(&e.token()), AtomicI64::new(0))))
            .collect();
        Self { link, clients }
    }
}

impl RemoteCalls for Caller {
    fn call(&self, node: &Arc<str>, service: &ServiceName, request: Vec<u8>, done: Done) {
        let key = self.link.key(&service.name, service.type_name, service.hash);
        let client = self.clients.get(&(service.name.clone(), node.clone()));
        let (gid, sequence) =
            client.map_or(([0; 16], 1), |(gid, last)| (*gid, last.fetch_add(1, Ordering::Relaxed) + 1));
        let attachment = Attachment { sequence, stamp_ns: Clock::System.now().0, gid };
        let pending = Pending::new(service.name.clone(), done);
        let answered = move |outcome: std::result::Result<&[u8], String>| pending.answer(outcome);
        if let Err(error) = query(&self.link, &key, request, attachment, PATIENCE, answered) {
            // `pending` was dropped with the closure, and has told the client that nobody answers.
            tracing::warn!("{}", failed("call", &key)(error));
        }
    }
}

/// What is to be done with the first answer; when none has come by the time it is dropped, there is no server.
struct Pending {
    service: String,
    done: Mutex<Option<Done>>,
}

impl Pending {
    fn new(service: String, done: Done) -> Self {
        Self { service, done: Mutex::new(Some(done)) }
    }

    fn take(&self) -> Option<Done> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn answer(&self, outcome: std::result::Result<&[u8], String>) {
        if let Some(done) = self.take() {
            done(outcome.map_err(|reason| CallError::Refused { service: self.service.clone(), reason }));
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(done) = self.take() {
            done(Err(CallError::NoServer { service: self.service.clone() }));
        }
    }
}

/// Sends a request; `answer` gets each reply, and is dropped when no more can come.
fn query(
    link: &Link,
    key: &str,
    request: Vec<u8>,
    attachment: Attachment,
    patience: Duration,
    answer: impl Fn(std::result::Result<&[u8], String>) + Send + Sync + 'static,
) -> zenoh::Result<()> {
    // A bridge's queryable is not complete, and what goes beside a request has another meaning there: without it the bridge
    // numbers the request itself.
    let (target, attachment) = match link.keys {
        KeyForm::RmwZenoh => (QueryTarget::AllComplete, Some(attachment.to_bytes())),
        KeyForm::Ros2Dds => (QueryTarget::BestMatching, None),
    };
    link.session
        .get(key)
        .payload(request)
        .attachment(attachment)
        .target(target)
        .consolidation(ConsolidationMode::None)
        .allowed_destination(Locality::Remote)
        .timeout(patience)
        .callback(move |reply: Reply| match reply.result() {
            Ok(sample) => answer(Ok(&sample.payload().to_bytes())),
            Err(error) => answer(Err(String::from_utf8_lossy(&error.payload().to_bytes()).into_owned())),
        })
        .wait()
}

/// Calls a service from outside of any node and waits for the answer: CDR in, CDR out, each with its header.
pub(crate) fn call_and_wait(
    link: &Link,
    service: &ServiceName,
    request: Vec<u8>,
    patience: Duration,
) -> Result<Vec<u8>> {
    let key = link.key(&service.name, service.type_name, service.hash);
    let attachment = Attachment { sequence: 1, stamp_ns: Clock::System.now().0, gid: keys::gid(&key) };
    let (sender, answers) = std::sync::mpsc::sync_channel(1);
    let answer = move |outcome: std::result::Result<&[u8], String>| {
        // Only the first is waited for.
        let _ = sender.try_send(outcome.map(<[u8]>::to_vec));
    };
    query(link, &key, request, attachment, patience, answer).map_err(failed("call", &key))?;
    match answers.recv_timeout(patience) {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(reason)) => Err(Error::Refused { service: service.name.clone(), reason }),
        Err(_) => Err(Error::NoAnswer { service: service.name.clone(), seconds: patience.as_secs_f64() }),
    }
}
