//! The transport as a node: it hears its process's topics while remote readers want them, brings remote ones in, and
//! carries calls of services both ways.
//!
//! Invariant: nothing that came in goes out again. Zenoh entities are declared for remote peers only, and the runtime
//! keeps imported messages away from routes that lead out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use peregrine_core::prelude::*;
use peregrine_core::{App, Endpoint as LocalEndpoint, NodeFactory, NodeSpec, Role, Topic, is_hidden};
use zenoh::Wait;
use zenoh::liveliness::LivelinessToken;
use zenoh::query::Queryable;

use crate::bridge::routes;
use crate::error::{self, zenoh as failed};
use crate::form::KeyForm;
use crate::gates::Gates;
use crate::graph::GraphWatch;
use crate::input::{Inlet, Input};
use crate::keys::{self, Endpoint, Kind, NodeName, WireQos};
use crate::link::Link;
use crate::outlets::Outlets;
use crate::services::{Caller, serve};

/// Carries the topics and services of its process over a [`Link`], which the application lends as an extension.
pub struct Transport {
    link: Arc<Link>,
    import: bool,
    outlets: Outlets,
    inputs: Vec<Input>,
    gates: Option<Gates>,
    servers: Vec<Queryable<()>>,
    tokens: Vec<LivelinessToken>,
    watch: Option<GraphWatch>,
}

impl Node for Transport {
    /// Hidden in the graph, as all that begins with an underscore: it is a means, not a party.
    const NAME: &'static str = "_zenoh";
    type Params = ();

    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.subscribe_for_remote(Self::on_local)?;
        Ok(Self {
            link: lent_link(setup)?,
            // In lockstep nothing may come in from outside: the run would not repeat.
            import: !setup.is_lockstep(),
            outlets: Outlets::default(),
            inputs: Vec::new(),
            gates: None,
            servers: Vec::new(),
            tokens: Vec::new(),
            watch: None,
        })
    }

    fn activate(&mut self, ctx: &Context) -> Result {
        self.declare(ctx).or_node()
    }

    fn shutdown(&mut self, _: &Context) -> Result {
        self.watch = None;
        self.gates = None;
        self.inputs.clear();
        self.servers.clear();
        self.tokens.clear();
        self.outlets = Outlets::default();
        Ok(())
    }
}

impl Transport {
    fn declare(&mut self, ctx: &Context) -> error::Result {
        let topics = ctx.topics().clone();
        let parties = parties(&self.link, topics.endpoints().nodes(), topics.endpoints().iter());
        for node in parties.nodes.values().filter(|node| !is_hidden(&node.full())) {
            self.announce(self.link.keys.outside(&node.token()))?;
        }
        for (local, endpoint) in &parties.endpoints {
            if !is_hidden(&local.node) {
                self.announce(self.link.keys.outside(&endpoint.token()))?;
            }
        }
        self.outlets = Outlets::declare(&self.link, &topics, &parties, |topic| !topic.carries_frames())?;
        let mut gated = Vec::new();
        if self.import {
            let own: BTreeSet<_> =
                parties.spoken_for().map(|(_, endpoint)| keys::gid(&endpoint.token())).collect();
            let own = Arc::new(own);
            for topic in topics.iter().filter(|topic| topic.subscriptions() > 0) {
                let of = |role| {
                    topics.endpoints().iter().filter(move |e| e.role == role && e.name == topic.name())
                };
                let asked = of(Role::Subscription).filter(|e| e.qos.is_latched());
                let latched = asked.map(|e| e.qos.depth()).max();
                let inlet = Inlet::new(&self.link, topic, &topics, ctx, latched, &own);
                let input = inlet.open()?;
                // What hidden nodes publish has no token: who knows that nobody elsewhere does?
                if latched.is_some() || of(Role::Publisher).any(|e| is_hidden(&e.node)) {
                    self.inputs.push(input);
                } else {
                    gated.push((inlet, Some(input)));
                }
            }
            for entry in topics.services() {
                self.servers.push(serve(&self.link, entry, ctx)?);
            }
            let clients = parties.endpoints.iter().filter(|(local, _)| local.role == Role::Client);
            let clients = clients.map(|(local, endpoint)| (local.node.clone(), endpoint.clone()));
            topics.carry_calls(Arc::new(Caller::new((*self.link).clone(), clients)));
        }
        let gates = Gates::start(gated)?;
        let visible = parties.endpoints.into_iter().filter(|(local, _)| !is_hidden(&local.node));
        let visible: Vec<_> = visible.map(|(_, endpoint)| endpoint).collect();
        if self.link.keys == KeyForm::Ros2Dds {
            // After the publishers and subscriptions: a bridge looks for them as soon as it hears of them.
            for route in routes(&visible) {
                self.announce(route.token())?;
            }
        }
        self.watch = Some(GraphWatch::start(&self.link, visible, gates.publishers())?);
        self.gates = Some(gates);
        Ok(())
    }

    fn announce(&mut self, token: String) -> error::Result {
        let declared = self.link.session.liveliness().declare_token(token.clone());
        self.tokens.push(declared.wait().map_err(failed("announce", &token))?);
        Ok(())
    }

    fn on_local(&mut self, ctx: &Context, any: &AnyMessage<'_>) -> Result {
        self.outlets.send(ctx, any)
    }
}

/// Carries the frames of its process out. A node and a lane of its own: to send a picture to another machine takes
/// milliseconds, and small messages are not to wait for that.
///
/// Invariant: it never takes the processor from the thread that has just published. A camera's thread that wakes this one
/// would otherwise often stand still on the spot until the picture has been copied, for the system puts the two on one
/// processor (measured: 0.7 ms in place of 20 us). So the thread is of the class for batches, which preempts nobody.
pub struct FrameTransport {
    link: Arc<Link>,
    outlets: Outlets,
    /// The thread is the node's own, and has yet to step back.
    is_to_step_back: bool,
}

impl Node for FrameTransport {
    const NAME: &'static str = "_zenoh_frames";
    type Params = ();

    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.subscribe_frames_for_remote(|node: &mut Self, ctx, any| {
            if std::mem::take(&mut node.is_to_step_back) {
                step_back();
            }
            node.outlets.send(ctx, any)
        })?;
        // In lockstep nodes share threads.
        let is_to_step_back = !setup.is_lockstep();
        Ok(Self { link: lent_link(setup)?, outlets: Outlets::default(), is_to_step_back })
    }

    fn activate(&mut self, ctx: &Context) -> Result {
        let topics = ctx.topics();
        let parties = parties(&self.link, topics.endpoints().nodes(), topics.endpoints().iter());
        self.outlets = Outlets::declare(&self.link, topics, &parties, Topic::carries_frames).or_node()?;
        Ok(())
    }

    fn shutdown(&mut self, _: &Context) -> Result {
        self.outlets = Outlets::default();
        Ok(())
    }
}

/// Has this thread preempt nobody when it is woken.
fn step_back() {
    let normal = libc::sched_param { sched_priority: 0 };
    // SAFETY: 0 is the calling thread, and the parameters outlive the call. Nobody needs a privilege for this.
    if unsafe { libc::sched_setscheduler(0, libc::SCHED_BATCH, &raw const normal) } != 0 {
        let error = std::io::Error::last_os_error();
        tracing::debug!("the thread of pictures stays in its scheduling class: {error}");
    }
}

fn lent_link<N: Node>(setup: &Setup<'_, N>) -> Result<Arc<Link>> {
    setup.extension::<Link>().ok_or_else(|| {
        Error::node(error::Error::Malformed {
            text: "no link".into(),
            expected: "an application with a Zenoh link",
            why: "App::extend was not given a Link",
        })
    })
}

/// Carries the topics and services of `app` over `link`. In lockstep nothing comes in.
///
/// # Errors
/// When the application has nodes of these names already.
pub fn carry(app: &mut App, link: &Arc<Link>) -> Result {
    let imports = !app.mode().is_lockstep();
    app.extend(link.clone()).accept_remote_frames(imports).identify(identify(link));
    // In this order: the other one tells of all publishers, and then they are there.
    app.add(NodeFactory::of::<FrameTransport>(), NodeSpec::new(FrameTransport::NAME))?;
    app.add(NodeFactory::of::<Transport>(), NodeSpec::new(Transport::NAME))?;
    Ok(())
}

/// The ids under which the publishers of a process are known over `link`: for
/// [`App::identify`](peregrine_core::App::identify), so that what comes both over Zenoh and in slots is known to be one.
#[must_use]
pub fn identify(link: &Link) -> peregrine_core::Identify {
    let link = link.clone();
    Box::new(move |endpoints| {
        let parties = parties(&link, endpoints.nodes(), endpoints.iter());
        parties.endpoints.iter().map(|(_, endpoint)| keys::gid(&endpoint.token())).collect()
    })
}

/// The nodes and endpoints of this process as others are told of them.
pub(crate) struct Parties {
    nodes: BTreeMap<Arc<str>, NodeName>,
    endpoints: Vec<(LocalEndpoint, Endpoint)>,
}

impl Parties {
    /// Whether a node that people see publishes `topic`: then a hidden one publishes in its name.
    fn is_published_openly(&self, topic: &str) -> bool {
        self.endpoints
            .iter()
            .any(|(e, _)| e.role == Role::Publisher && e.name == topic && !is_hidden(&e.node))
    }

    /// The publishers that have an output each: what a hidden node says in the name of another goes out as that one's.
    pub fn spoken_for(&self) -> impl Iterator<Item = &(LocalEndpoint, Endpoint)> {
        let hidden = |local: &LocalEndpoint| is_hidden(&local.node) && self.is_published_openly(&local.name);
        self.endpoints.iter().filter(move |(local, _)| local.role == Role::Publisher && !hidden(local))
    }
}

fn parties<'e>(
    link: &Link,
    nodes: impl Iterator<Item = &'e Arc<str>>,
    endpoints: impl Iterator<Item = &'e LocalEndpoint>,
) -> Parties {
    let session = link.session.zid().to_string();
    let mut next = 0;
    let mut number = || {
        next += 1;
        next - 1
    };
    let mut known = BTreeMap::new();
    for full in nodes {
        let (namespace, node) = full.rsplit_once('/').unwrap_or(("", full));
        let name = NodeName {
            domain: link.domain,
            session: session.clone(),
            node_id: number(),
            enclave: link.enclave.clone(),
            namespace: if namespace.is_empty() { "/".into() } else { namespace.into() },
            node: node.into(),
        };
        known.insert(full.clone(), name);
    }
    let mut all = Vec::new();
    for local in endpoints {
        let Some(node) = known.get(&local.node) else { continue };
        let endpoint = Endpoint {
            node: node.clone(),
            entity_id: number(),
            kind: match local.role {
                Role::Publisher => Kind::Publisher,
                Role::Subscription => Kind::Subscription,
                Role::Server => Kind::Service,
                Role::Client => Kind::Client,
            },
            name: local.name.clone(),
            type_name: local.type_name.to_owned(),
            hash: link.distro.hash(local.hash).to_owned(),
            qos: WireQos::from(local.qos).encode(),
        };
        all.push((local.clone(), endpoint));
    }
    Parties { nodes: known, endpoints: all }
}
