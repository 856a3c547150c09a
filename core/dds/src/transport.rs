//! The transport as a node: it hears its process's topics while somebody elsewhere reads them, brings remote ones in, and
//! carries calls of services both ways.
//!
//! Invariant: nothing that came in goes out again, and nothing that went out comes in. Readers ignore their own
//! participant, and the runtime keeps imported messages away from routes that lead out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use peregrine_core::prelude::*;
use peregrine_core::{App, Endpoint, Exports, NodeFactory, NodeSpec, Role, Topics, is_hidden};

use crate::error;
use crate::graph::{Watch, Watched};
use crate::input::Inlet;
use crate::link::Link;
use crate::mismatch::Party;
use crate::nodes::Nodes;
use crate::origins::Gid;
use crate::rcl::{Client, Guard, MessageSupport, Publisher as Outlet, Service, ServiceSupport};
use crate::services::{Caller, Calling, Server};
use crate::spin::{Incoming, Worker, spin};

/// Carries the topics and services of its process over a [`Link`], which the application lends as an extension.
pub struct Transport {
    link: Arc<Link>,
    import: bool,
    outputs: BTreeMap<String, Vec<Output>>,
    workers: Vec<Worker>,
    nodes: Option<Nodes>,
    scratch: Vec<u8>,
}

/// A topic as one node publishes it.
struct Output {
    node: Arc<str>,
    /// In the graph, so that who reads it is seen and told; of pictures that stay on this host nothing is ever published.
    outlet: Outlet,
    stays: bool,
}

impl Node for Transport {
    /// Hidden in the graph, as all that begins with an underscore: it is a means, not a party.
    const NAME: &'static str = "_dds";
    type Params = ();

    fn configure(setup: &mut Setup<Self>, (): ()) -> Result<Self> {
        setup.subscribe_for_remote(Self::on_local)?;
        setup.subscribe_frames_for_remote(Self::on_local)?;
        let link = setup.extension::<Link>().ok_or_else(|| Error::node(error::Error::NoLink))?;
        Ok(Self {
            link,
            // In lockstep nothing may come in from outside: the run would not repeat.
            import: !setup.is_lockstep(),
            outputs: BTreeMap::new(),
            workers: Vec::new(),
            nodes: None,
            scratch: Vec::new(),
        })
    }

    fn activate(&mut self, ctx: &Context) -> Result {
        self.declare(ctx).or_node()
    }

    fn shutdown(&mut self, _: &Context) -> Result {
        self.workers.clear();
        self.outputs.clear();
        self.nodes = None;
        Ok(())
    }
}

/// Gives `app` this transport, over `link`.
///
/// # Errors
/// When the application has such a node already.
pub fn carry(app: &mut App, link: &Arc<Link>) -> Result {
    let imports = !app.mode().is_lockstep();
    app.extend(link.clone()).accept_remote_frames(imports);
    app.add(NodeFactory::of::<Transport>(), NodeSpec::new(Transport::NAME))?;
    Ok(())
}

impl Transport {
    fn declare(&mut self, ctx: &Context) -> error::Result {
        let topics = ctx.topics().clone();
        let domain = self.link.context.clone();
        let mut nodes = Nodes::announce(&domain, topics.endpoints().nodes())?;
        let mut types = Types::default();
        self.publish(&topics, &mut nodes, &mut types)?;
        if self.import {
            let guard = Guard::new(&domain)?;
            let incoming = Incoming {
                inlets: inlets(ctx, &topics, &mut nodes, &mut types)?,
                servers: servers(&topics, &mut nodes, &mut types)?,
                callers: Vec::new(),
                ctx: ctx.for_imports(),
            };
            let callers = callers(&topics, &mut nodes, &mut types)?;
            let incoming = Incoming { callers: callers.values().cloned().collect(), ..incoming };
            topics.carry_calls(Arc::new(Calling { callers, guard: guard.clone() }));
            self.workers.push(spin(&domain, guard, incoming)?);
        }
        let own: BTreeSet<Gid> = self.outputs.values().flatten().map(|output| output.outlet.gid()).collect();
        let watched = watched(&topics, self.import, &self.link.exports);
        self.workers.push(Watch::start(&domain, nodes.hidden()?, own, watched)?);
        self.nodes = Some(nodes);
        Ok(())
    }

    fn publish(&mut self, topics: &Topics, nodes: &mut Nodes, types: &mut Types) -> error::Result {
        for local in of(topics, Role::Publisher) {
            // What a hidden node publishes beside one that people see goes out in the name of that one.
            if is_hidden(&local.node) && is_published_openly(topics, &local.name) {
                continue;
            }
            let outputs = self.outputs.entry(local.name.clone()).or_default();
            if outputs.iter().any(|output| output.node == local.node) {
                continue;
            }
            let Some(support) = types.message(local.type_name, local.hash, &local.name) else { continue };
            let outlet = Outlet::new(&nodes.of(&local.node)?, support, &local.name, local.qos)?;
            let stays = topics.get(&local.name).is_some_and(|topic| self.link.exports.keep(topic));
            outputs.push(Output { node: local.node.clone(), outlet, stays });
        }
        Ok(())
    }

    fn on_local(&mut self, ctx: &Context, any: &AnyMessage<'_>) -> Result {
        let Some(outputs) = self.outputs.get(any.topic()) else { return Ok(()) };
        // A frame says nothing of its publisher, and what the runtime itself publishes goes out under a node's name.
        let output = outputs.iter().find(|o| any.publisher() == Some(&o.node)).or(outputs.first());
        let Some(output) = output.filter(|output| !output.stays) else { return Ok(()) };
        let sent = any.with_cdr(&mut self.scratch, |cdr| output.outlet.publish(cdr));
        if let Some(topic) = ctx.topics().get(any.topic()) {
            topic.count_sent();
        }
        sent.or_node()
    }
}

fn of(topics: &Topics, role: Role) -> impl Iterator<Item = &Endpoint> {
    topics.endpoints().iter().filter(move |endpoint| endpoint.role == role)
}

fn is_published_openly(topics: &Topics, topic: &str) -> bool {
    of(topics, Role::Publisher).any(|endpoint| endpoint.name == topic && !is_hidden(&endpoint.node))
}

fn inlets(
    ctx: &Context,
    topics: &Arc<Topics>,
    nodes: &mut Nodes,
    types: &mut Types,
) -> error::Result<Vec<Inlet>> {
    let mut inlets = Vec::new();
    for topic in topics.iter().filter(|topic| topic.subscriptions() > 0) {
        let info = topic.type_info();
        let Some(support) = types.message(info.name, info.hash, topic.name()) else { continue };
        let mut readers = BTreeMap::new();
        for local in of(topics, Role::Subscription).filter(|endpoint| endpoint.name == topic.name()) {
            let (node, qos) = (&local.node, local.qos);
            readers.entry((node, qos.is_latched(), qos.is_reliable())).or_insert(qos);
        }
        let mut nodes_of = Vec::new();
        for ((node, ..), qos) in readers {
            nodes_of.push((nodes.of(node)?, qos));
        }
        // A recorder reads all topics and is a party in none.
        if nodes_of.is_empty() {
            nodes_of.push((nodes.hidden()?, topic.qos()));
        }
        inlets.push(Inlet::open(topics, topic, ctx, support, nodes_of)?);
    }
    Ok(inlets)
}

fn servers(topics: &Topics, nodes: &mut Nodes, types: &mut Types) -> error::Result<Vec<Server>> {
    let mut servers = Vec::new();
    for entry in topics.services() {
        let Some(support) = types.service(entry.type_name(), entry.hash()) else { continue };
        let service = Arc::new(Service::new(&nodes.of(entry.node())?, support, entry.name())?);
        servers.push(Server { service, entry: entry.clone() });
    }
    Ok(servers)
}

type Callers = BTreeMap<(String, Arc<str>), Arc<Caller>>;

fn callers(topics: &Topics, nodes: &mut Nodes, types: &mut Types) -> error::Result<Callers> {
    let mut callers = Callers::new();
    for local in of(topics, Role::Client) {
        let Some(support) = types.service(local.type_name, local.hash) else { continue };
        let client = Client::new(&nodes.of(&local.node)?, support, &local.name)?;
        callers.insert((local.name.clone(), local.node.clone()), Arc::new(Caller::new(client)));
    }
    Ok(callers)
}

/// The topics of this process with their own ends.
fn watched(topics: &Topics, import: bool, exports: &Exports) -> Vec<Watched> {
    let ends = |topic: &str, role| -> Vec<Party> {
        of(topics, role).filter(|endpoint| endpoint.name == topic).map(party).collect()
    };
    let watched = topics.iter().map(|topic| Watched {
        publishers: ends(topic.name(), Role::Publisher),
        subscriptions: if import { ends(topic.name(), Role::Subscription) } else { Vec::new() },
        stays: exports.keep(topic),
        topic: topic.clone(),
    });
    watched.collect()
}

fn party(endpoint: &Endpoint) -> Party {
    Party {
        node: endpoint.node.to_string(),
        type_name: endpoint.type_name.to_owned(),
        hash: endpoint.hash.to_owned(),
        reliable: endpoint.qos.is_reliable(),
        transient_local: endpoint.qos.is_latched(),
    }
}

/// Type support by name; what the installed ROS 2 lacks is said once, and the rest goes on.
#[derive(Default)]
struct Types {
    messages: BTreeMap<&'static str, Option<MessageSupport>>,
    services: BTreeMap<&'static str, Option<ServiceSupport>>,
}

impl Types {
    fn message(&mut self, type_name: &'static str, hash: &str, topic: &str) -> Option<MessageSupport> {
        *self.messages.entry(type_name).or_insert_with(|| said(MessageSupport::find(type_name, hash), topic))
    }

    fn service(&mut self, type_name: &'static str, hash: &str) -> Option<ServiceSupport> {
        *self
            .services
            .entry(type_name)
            .or_insert_with(|| said(ServiceSupport::find(type_name, hash), "services of that type"))
    }
}

fn said<T>(found: error::Result<T>, first: &str) -> Option<T> {
    found.map_err(|error| tracing::warn!("{error}; without it '{first}' stays within this process")).ok()
}
