//! The graph of one process while it is built: topics by name, frame ports, the owner of the clock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crossbeam::queue::ArrayQueue;
use peregrine_frame::{
    BusConfig, DEFAULT_PINS, FrameBus, Host as FrameHost, Policy, PublishOptions, SubscribeOptions,
};

use crate::app::Identify;
use crate::arrivals::{NOBODY, Source};
use crate::context::Context;
use crate::endpoints::{Endpoints, Role, is_hidden};
use crate::error::{Error, Result};
use crate::health::Health;
use crate::host::{Host, What};
use crate::hosted::Hosted;
use crate::lane::Lane;
use crate::lifecycle::Lifecycle;
use crate::message::TypeInfo;
use crate::names::RemapUse;
use crate::publisher::{FramePort, FramePublisher, FrameSlots, IMPORT};
use crate::qos::{FramePolicy, Qos};
use crate::service::{RemoteCalls, ServiceEntry};
use crate::slots::{Imports, MessagePort};
use crate::suggest::did_you_mean;
use crate::time::Clock;
use crate::topic::{Feed, Inbox, Route, Topic};

/// Frames of a topic that stay in its ring for readers that keep more than the latest.
const RING: usize = 4;

/// Pins of a reader whose node may forward.
const FORWARD_PINS: usize = 12;

/// Room for a frame from another machine: 1080p in RGB.
const IMPORT_BYTES: usize = 1920 * 1080 * 3;

/// Slots of a topic that other processes can read: as many as there can be, for those that are not needed cost nothing.
const SHARED_SLOTS: usize = 63;

/// Readers of such a topic.
const SHARED_READERS: usize = 48;

const IMAGE: &str = "sensor_msgs/msg/Image";

/// A port whose slots are smaller only forwards (PG-0105 would refuse any picture).
const FORWARDS_ONLY: usize = 4096;

/// Room for a forwarded frame that a reader elsewhere needs copied: 4K in RGB. Not touched until then.
const FORWARD_BYTES: usize = 3840 * 2160 * 3;

/// How the process shares what it publishes with the others of its host.
#[derive(Debug)]
pub(crate) struct Sharing {
    pub host: FrameHost,
    /// CDR above which a message rides in a slot, bytes.
    pub threshold: usize,
    /// Publishers by node and topic, with the ids that they have on the network.
    pub sources: BTreeMap<(Arc<str>, String), Source>,
}

impl Sharing {
    fn source(&self, node: &Arc<str>, topic: &str) -> Source {
        self.sources.get(&(node.clone(), topic.to_owned())).copied().unwrap_or(NOBODY)
    }
}

/// Topics and their parties.
#[derive(Debug, Default)]
pub struct Graph {
    topics: BTreeMap<String, Arc<Topic>>,
    ports: Vec<Arc<FramePort>>,
    message_ports: Vec<Arc<MessagePort>>,
    clock_owner: Option<Arc<str>>,
    imports: BTreeMap<String, Arc<FramePort>>,
    pub(crate) endpoints: Endpoints,
    pub(crate) services: Vec<ServiceEntry>,
    /// Remap rules, and whether a name of a node matched them.
    pub(crate) remaps: RemapUse,
    /// Every node with its state and its counters.
    pub(crate) nodes: Vec<NodeEntry>,
    /// Subscriptions, by node and topic, that serve also while nobody publishes.
    pub(crate) optional: BTreeSet<(Arc<str>, String)>,
}

/// A node's full name, its state and its counters.
pub(crate) type NodeEntry = (Arc<str>, Arc<Lifecycle>, Arc<Health>);

/// The topics of a wired process, and the ways into it for transports.
#[derive(Debug, Default)]
pub struct Topics {
    topics: BTreeMap<String, Arc<Topic>>,
    imports: BTreeMap<String, Arc<FramePort>>,
    endpoints: Endpoints,
    services: Vec<ServiceEntry>,
    remote_calls: OnceLock<Arc<dyn RemoteCalls>>,
    nodes: Vec<NodeEntry>,
}

impl std::fmt::Debug for dyn RemoteCalls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RemoteCalls")
    }
}

impl Topics {
    /// All topics, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Topic>> {
        self.topics.values().filter(|topic| is_topic(topic.name()))
    }

    /// Every node's part in every topic and service.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// The services of this process.
    pub fn services(&self) -> &[ServiceEntry] {
        &self.services
    }

    /// Names the transport that carries calls to other processes; the first one stays.
    pub fn carry_calls(&self, transport: Arc<dyn RemoteCalls>) {
        let _ = self.remote_calls.set(transport);
    }

    pub(crate) fn nodes(&self) -> impl Iterator<Item = &NodeEntry> {
        self.nodes.iter()
    }

    pub(crate) fn remote_calls(&self) -> Option<&Arc<dyn RemoteCalls>> {
        self.remote_calls.get()
    }

    /// The topic of that full name.
    pub fn get(&self, name: &str) -> Option<&Arc<Topic>> {
        self.topics.get(name)
    }

    /// The publisher for frames of `topic` that come from other processes; the first caller gets the writer.
    pub fn import_frames(&self, topic: &str) -> Option<FramePublisher> {
        self.imports.get(topic).cloned().map(FramePublisher::new)
    }

    /// Delivers a message from another process to the subscribers of this one, unless slots bring it. `sent` is its
    /// publisher, by the id that [`App::identify`](crate::App::identify) gives it where it is one of ours, and its number.
    ///
    /// # Errors
    /// When the bytes are not a message of the topic's type.
    pub fn import(
        &self,
        ctx: &Context,
        topic: &Arc<Topic>,
        cdr: &[u8],
        sent: Option<(Source, u64)>,
    ) -> Result {
        topic.network_brings(sent, || {
            let info = topic.type_info();
            let message = (info.decode)(cdr).map_err(|source| Error::Decode {
                topic: topic.name().into(),
                type_name: info.name,
                source,
            })?;
            ctx.emit(topic, message);
            Ok(())
        })
    }

    /// Whether a frame of `topic` that comes from another process is to be shown: not if slots bring what its publisher
    /// sends.
    pub fn takes_frame(&self, topic: &Topic, sent: Option<(Source, u64)>) -> bool {
        topic.takes_frame_from_network(sent)
    }
}

impl Graph {
    /// A topic that somebody has asked for already.
    pub(crate) fn find(&self, name: &str) -> Option<&Arc<Topic>> {
        self.topics.get(name)
    }

    /// The topic `name`, made when it is not there.
    pub(crate) fn topic(
        &mut self,
        name: &str,
        info: TypeInfo,
        qos: Qos,
        frames: bool,
        node: &str,
    ) -> Result<Arc<Topic>> {
        if let Some(topic) = self.topics.get(name) {
            let existing = topic.type_info();
            if existing.hash != info.hash || topic.carries_frames() != frames {
                let shape = |frames| if frames { " in frame slots" } else { "" };
                return Err(Error::TopicType {
                    topic: name.into(),
                    existing: format!("{}{}", existing.name, shape(topic.carries_frames())),
                    wanted: format!("{}{}", info.name, shape(frames)),
                    node: node.into(),
                });
            }
            return Ok(topic.clone());
        }
        let topic = Arc::new(Topic::new(name.to_owned(), info, qos, frames));
        self.topics.insert(name.to_owned(), topic.clone());
        Ok(topic)
    }

    pub(crate) fn frame_port(
        &mut self,
        topic: Arc<Topic>,
        owner: Arc<str>,
        slots: FrameSlots,
    ) -> Arc<FramePort> {
        let port = Arc::new(FramePort {
            topic,
            owner,
            slots,
            writer: Mutex::default(),
            bus: OnceLock::new(),
            failed_loans: AtomicU64::new(0),
        });
        self.ports.push(port.clone());
        port
    }

    /// One port for each topic and node, which has one id on the network and counts with one number.
    pub(crate) fn message_port(&mut self, topic: Arc<Topic>, owner: Arc<str>, qos: Qos) -> Arc<MessagePort> {
        let known = self.message_ports.iter().find(|p| Arc::ptr_eq(&p.topic, &topic) && p.owner == owner);
        if let Some(port) = known {
            return port.clone();
        }
        let port = Arc::new(MessagePort::new(topic, owner, qos));
        self.message_ports.push(port.clone());
        port
    }

    pub(crate) fn claim_clock(&mut self, node: &Arc<str>) -> Result {
        match &self.clock_owner {
            Some(first) => Err(Error::TwoClocks { first: first.to_string(), second: node.to_string() }),
            None => {
                self.clock_owner = Some(node.clone());
                Ok(())
            }
        }
    }

    /// All topics by name.
    pub fn topics(&self) -> &BTreeMap<String, Arc<Topic>> {
        &self.topics
    }

    /// The topics for those who come after the wiring.
    pub(crate) fn handle(&self) -> Topics {
        Topics {
            topics: self.topics.clone(),
            imports: self.imports.clone(),
            endpoints: self.endpoints.clone(),
            services: self.services.clone(),
            remote_calls: OnceLock::new(),
            nodes: self.nodes.clone(),
        }
    }

    /// Publishers by node and topic, with the ids that a transport gives them.
    pub(crate) fn identified(&self, identify: &Identify) -> BTreeMap<(Arc<str>, String), Source> {
        let ids = identify(&self.endpoints);
        let publishers = self.endpoints.iter().zip(ids).filter(|(e, _)| e.role == Role::Publisher);
        // A transport publishes all that a node says on a topic as its first publisher.
        let mut sources = BTreeMap::new();
        for (endpoint, id) in publishers {
            sources.entry((endpoint.node.clone(), endpoint.name.clone())).or_insert(id);
        }
        sources
    }

    /// A port on every frame topic that is read here and published nowhere here.
    pub(crate) fn make_import_ports(&mut self) {
        let orphans: Vec<Arc<Topic>> = self
            .topics
            .values()
            .filter(|t| t.carries_frames() && t.publishers().is_empty())
            .cloned()
            .collect();
        for topic in orphans {
            let name = topic.name().to_owned();
            let port = self.frame_port(topic, IMPORT.into(), FrameSlots { slots: 8, bytes: IMPORT_BYTES });
            self.imports.insert(name, port);
        }
    }

    /// Frames that were lost because no slot was free.
    pub fn failed_loans(&self) -> u64 {
        let frames = self.ports.iter().map(|p| p.failed_loans.load(std::sync::atomic::Ordering::Relaxed));
        frames.chain(self.message_ports.iter().map(|p| p.failed_loans())).sum()
    }

    /// Shows the publishers of messages the way to other processes of the host, and reads theirs.
    pub(crate) fn share_messages(&self, sharing: &Sharing, clock: &Clock) -> Result<Imports> {
        // Pictures have ports of their own, and a reader of frames can make nothing of a message. What hidden nodes
        // publish is said in the name of others.
        let shares = |port: &&Arc<MessagePort>| {
            port.topic.type_info().name != IMAGE && is_topic(port.topic.name()) && !is_hidden(&port.owner)
        };
        for port in self.message_ports.iter().filter(shares) {
            port.open(&sharing.host, sharing.source(&port.owner, port.topic.name()), sharing.threshold);
        }
        let asked = |topic: &Topic, what: fn(Qos) -> bool| {
            let mut all = self.endpoints.iter();
            all.any(|e| e.role == Role::Subscription && e.name == topic.name() && what(e.qos))
        };
        let read = self.topics.values().filter(|topic| {
            let latched = topic.qos().is_latched() || asked(topic, Qos::is_latched);
            is_topic(topic.name()) && !topic.carries_frames() && !latched && topic.subscriptions() > 0
        });
        // A camera waits for nobody.
        let read = read
            .map(|topic| (topic.clone(), asked(topic, Qos::is_reliable) && topic.type_info().name != IMAGE));
        Imports::start(&sharing.host, read, clock)
    }

    /// Makes the buses, now that their readers are known, and connects every subscription. `extra_readers` is how many
    /// more readers each frame topic needs room for (a topic log, say).
    pub(crate) fn wire(
        &self,
        hosts: &[Host],
        lanes: &[Arc<Lane>],
        extra_readers: usize,
        sharing: Option<&Sharing>,
    ) -> Result<Vec<Vec<Arc<Inbox>>>> {
        let frames = sharing.map(|sharing| &sharing.host);
        for port in &self.ports {
            self.make_bus(port, hosts, extra_readers, sharing)?;
        }
        let mut inboxes = Vec::with_capacity(hosts.len());
        for (node, host) in hosts.iter().enumerate() {
            let mut own = Vec::with_capacity(host.subscriptions.len());
            for (sub, info) in host.subscriptions.iter().enumerate() {
                let inbox = Arc::new(Inbox {
                    node,
                    sub,
                    messages: ArrayQueue::new(info.depth.max(1)),
                    feeds: Mutex::default(),
                    hosted: Mutex::default(),
                    dropped: AtomicU64::new(0),
                    lane: lanes[node].clone(),
                });
                match &info.what {
                    What::Topic(name) => {
                        if let Some(topic) = self.topics.get(name) {
                            connect(topic, &inbox, info.policy, self.pins_of(&host.name), false, frames)?;
                        }
                    }
                    What::All { gated, messages } => {
                        let wanted = |topic: &&Arc<Topic>| {
                            is_topic(topic.name()) && (*messages || topic.carries_frames())
                        };
                        for topic in self.topics.values().filter(wanted) {
                            connect(topic, &inbox, info.policy, self.pins_of(&host.name), *gated, frames)?;
                        }
                    }
                }
                own.push(inbox);
            }
            inboxes.push(own);
        }
        for lane in lanes {
            // A message takes the place of an older one when its inbox is full, a feed has one token and perhaps the next.
            let own = inboxes.iter().flatten().filter(|inbox| Arc::ptr_eq(&inbox.lane, lane));
            lane.make_room(
                own.map(|inbox| inbox.messages.capacity() + 2 * inbox.feeds().len()).sum::<usize>() + 8,
            );
        }
        Ok(inboxes)
    }

    fn make_bus(
        &self,
        port: &Arc<FramePort>,
        hosts: &[Host],
        extra_readers: usize,
        sharing: Option<&Sharing>,
    ) -> Result {
        let pins: Vec<usize> = hosts
            .iter()
            .flat_map(|host| host.subscriptions.iter().map(move |s| (host, s)))
            .filter(|(_, s)| s.policy.is_some())
            .filter(|(_, s)| match &s.what {
                What::Topic(name) => name == port.topic.name(),
                What::All { .. } => true,
            })
            .map(|(host, _)| self.pins_of(&host.name))
            .chain(std::iter::repeat_n(DEFAULT_PINS, extra_readers))
            .collect();
        let slots = port.slots.slots.max(BusConfig::slots_for(RING, 1, pins.iter().sum())).min(64);
        let config =
            BusConfig { slots, slot_bytes: port.slots.bytes, keep: RING, max_readers: pins.len().max(1) };
        let writer = match sharing.filter(|_| !port.is_import()) {
            Some(sharing) => {
                let source = sharing.source(&port.owner, port.topic.name());
                sharing.host.publish_with(port.topic.name(), &shared_options(port, config, source))?
            }
            None => FrameBus::create(port.topic.name(), config)?,
        };
        let _ = port.bus.set(port.topic.buses().len());
        port.topic.add_bus(writer.bus());
        *port.writer.lock().unwrap_or_else(PoisonError::into_inner) = Some(writer);
        Ok(())
    }

    /// Pins that a node's readers need: a node that publishes frames may forward what it reads, and then holds as many
    /// frames as its own topic's ring and readers do.
    fn pins_of(&self, node: &Arc<str>) -> usize {
        if self.ports.iter().any(|p| p.owner == *node) { FORWARD_PINS } else { DEFAULT_PINS }
    }

    /// One warning for every subscription of this process that nobody here publishes.
    pub(crate) fn warn_unmatched(&self, hosts: &[Host]) {
        for host in hosts {
            for info in &host.subscriptions {
                let What::Topic(name) = &info.what else { continue };
                if self.optional.contains(&(host.name.clone(), name.clone())) {
                    continue;
                }
                let unmatched =
                    is_topic(name) && self.topics.get(name).is_some_and(|t| t.publishers().is_empty());
                if unmatched {
                    let published =
                        self.topics.values().filter(|t| !t.publishers().is_empty()).map(|t| t.name());
                    let hint = did_you_mean(name, published);
                    tracing::warn!(
                        node = %host.name,
                        "PG-0215: nobody in this process publishes '{name}'{hint}; remap it, or start its publisher"
                    );
                }
            }
        }
    }
}

/// False for what carries the calls of services.
pub(crate) fn is_topic(name: &str) -> bool {
    name.starts_with('/')
}

/// How a port's bus is made when other processes may read it.
fn shared_options(port: &FramePort, local: BusConfig, source: Source) -> PublishOptions {
    let forwards = local.slot_bytes < FORWARDS_ONLY;
    PublishOptions {
        config: BusConfig {
            slots: SHARED_SLOTS.max(local.slots).min(64),
            slot_bytes: if forwards { FORWARD_BYTES } else { local.slot_bytes },
            max_readers: SHARED_READERS.max(local.max_readers),
            ..local
        },
        message_type: port.topic.type_info().name.to_owned(),
        label: port.owner.to_string(),
        source,
        lazy: forwards,
        ..PublishOptions::default()
    }
}

/// Connects an inbox to a topic: a message route, or a reader for each of its buses.
fn connect(
    topic: &Arc<Topic>,
    inbox: &Arc<Inbox>,
    policy: Option<FramePolicy>,
    pins: usize,
    gated: bool,
    frames: Option<&FrameHost>,
) -> Result {
    let (mut feeds, mut queued) = (Vec::new(), Vec::new());
    let hosted_dropped = Arc::<AtomicU64>::default();
    if topic.carries_frames() {
        let policy = match policy {
            None => return Ok(()),
            Some(FramePolicy::Latest) => Policy::Latest,
            Some(FramePolicy::KeepLast(k)) => Policy::KeepLast(k.min(RING)),
            Some(FramePolicy::Lossless(wait)) => Policy::Lossless { wait },
        };
        let mut all = inbox.feeds();
        for bus in topic.buses() {
            feeds.push(all.len());
            let token = Arc::<AtomicBool>::default();
            queued.push(token.clone());
            all.push(Feed { topic: topic.clone(), reader: bus.reader_with(policy, pins)?, queued: token });
        }
        drop(all);
        // What came in from elsewhere does not lead out again.
        if let Some(host) = frames.filter(|_| !gated) {
            let message_type = topic.type_info().name.to_owned();
            let options = SubscribeOptions {
                policy,
                pins,
                skip_own: true,
                message_type,
                ..SubscribeOptions::default()
            };
            let seat = (inbox.node, inbox.sub);
            let hosted = Hosted::open(host, topic, seat, &options, hosted_dropped.clone())?;
            inbox.hosted.lock().unwrap_or_else(PoisonError::into_inner).push(hosted);
        }
    }
    topic.add_route(Route { inbox: inbox.clone(), feeds, queued, hosted_dropped, gated });
    Ok(())
}
