//! The transport's thread: discovery, sockets, callbacks.
//!
//! One loop owns all state, so nothing is locked. Sockets that wait for the network have tasks of their own on the same
//! thread and talk to the loop through channels.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc as std_mpsc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use crate::error::Result;
use crate::links::{self, Links};
use crate::msgs::GzMessage;
use crate::msgs::core::Empty;
use crate::multicast::Channel;
use crate::names;
use crate::node::{Received, ServiceInfo, TopicInfo};
use crate::options::{Options, bare_type};
use crate::peers::{Change, HEARTBEAT, Peers};
use crate::wire::{
    self, DiscContents, MessagePublisher, PubType, Publisher, Scope, ServicePublisher, Subscriber, Type,
};

/// A callback of a subscription.
pub(crate) struct Listener(pub Box<dyn FnMut(&Received) + Send>);
/// A request's bytes into a reply's, or `None` for failure.
type Work = dyn FnMut(&[u8]) -> Option<Vec<u8>> + Send;
/// A service's work.
pub(crate) struct Handler(pub Box<Work>);

/// What the node asks of the thread.
pub(crate) enum Command {
    Advertise {
        full: Arc<str>,
        type_name: Arc<str>,
        listeners: Arc<AtomicUsize>,
    },
    Subscribe {
        full: String,
        listener: Listener,
    },
    Serve {
        full: String,
        request_type: String,
        response_type: String,
        handler: Handler,
    },
    Request {
        full: String,
        request_type: &'static str,
        response_type: &'static str,
        body: Bytes,
        timeout: Duration,
        answer: std_mpsc::Sender<Answer>,
    },
    Topics(std_mpsc::Sender<Vec<TopicInfo>>),
    Services(std_mpsc::Sender<Vec<ServiceInfo>>),
    Stop,
}

/// A message on its way out.
pub(crate) struct Sending {
    pub full: Arc<str>,
    pub type_name: Arc<str>,
    pub payload: Bytes,
}

/// What becomes of a request.
#[derive(Debug)]
pub(crate) enum Answer {
    Reply(Bytes),
    Refused,
    Silent,
    Nobody,
}

struct Asked {
    full: String,
    request_type: &'static str,
    response_type: &'static str,
    body: Bytes,
    until: Instant,
    answer: std_mpsc::Sender<Answer>,
    sent: bool,
}

struct Engine {
    options: Options,
    process: String,
    node: String,
    topics: Channel,
    services: Channel,
    topic_peers: Peers,
    service_peers: Peers,
    links: Links,
    /// Our topics: full name and type, and how many listen.
    own_topics: BTreeMap<(Arc<str>, Arc<str>), Arc<AtomicUsize>>,
    own_services: BTreeMap<String, (String, String, Handler)>,
    listeners: BTreeMap<String, Vec<Listener>>,
    asked: BTreeMap<String, Asked>,
    asked_count: u64,
}

/// Runs until it is told to stop, or every node is gone.
pub(crate) fn run(
    options: Options,
    commands: mpsc::UnboundedReceiver<Command>,
    messages: mpsc::Receiver<Sending>,
    ready: &std_mpsc::Sender<Result<()>>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(cause) => {
            let _ = ready.send(Err(crate::error::GzError::Thread { cause }));
            return;
        }
    };
    runtime.block_on(async {
        let (events, incoming) = mpsc::channel(1024);
        match Engine::open(options, events).await {
            Ok(mut engine) => {
                let _ = ready.send(Ok(()));
                engine.serve(commands, messages, incoming).await;
            }
            Err(error) => {
                let _ = ready.send(Err(error));
            }
        }
    });
    // What still waits for a slow peer does not hold the program back.
    runtime.shutdown_timeout(Duration::from_millis(200));
}

impl Engine {
    async fn open(options: Options, events: mpsc::Sender<links::Event>) -> Result<Self> {
        Ok(Self {
            topics: Channel::open(&options, options.topics_port)?,
            services: Channel::open(&options, options.services_port)?,
            links: Links::open(&options, events).await?,
            process: uuid(),
            node: uuid(),
            options,
            topic_peers: Peers::default(),
            service_peers: Peers::default(),
            own_topics: BTreeMap::new(),
            own_services: BTreeMap::new(),
            listeners: BTreeMap::new(),
            asked: BTreeMap::new(),
            asked_count: 0,
        })
    }

    async fn serve(
        &mut self,
        mut commands: mpsc::UnboundedReceiver<Command>,
        mut messages: mpsc::Receiver<Sending>,
        mut incoming: mpsc::Receiver<links::Event>,
    ) {
        let mut heart = tokio::time::interval(HEARTBEAT);
        let mut check = tokio::time::interval(Duration::from_millis(100));
        heart.set_missed_tick_behavior(MissedTickBehavior::Delay);
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut a, mut b) = (vec![0; 65_536], vec![0; 65_536]);
        loop {
            tokio::select! {
                command = commands.recv() => match command {
                    Some(Command::Stop) | None => break,
                    Some(command) => self.obey(command).await,
                },
                Some(sending) = messages.recv() => self.send(sending).await,
                Some(event) = incoming.recv() => self.take(event).await,
                length = self.topics.receive(&mut a) => self.heard(true, &a[..length]).await,
                length = self.services.receive(&mut b) => self.heard(false, &b[..length]).await,
                _ = heart.tick() => self.beat().await,
                _ = check.tick() => self.check(),
            }
        }
        // What was published before the end is sent before the goodbye.
        while let Ok(sending) = messages.try_recv() {
            self.send(sending).await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        for topics in [true, false] {
            self.tell(topics, Type::Bye, None).await;
        }
    }

    async fn tell(&self, topics: bool, kind: Type, contents: Option<DiscContents>) {
        let channel = if topics { &self.topics } else { &self.services };
        let packet = wire::packet(&self.process, kind, contents.clone(), false);
        channel.send(&packet, || wire::packet(&self.process, kind, contents, true)).await;
    }

    async fn beat(&self) {
        for topics in [true, false] {
            self.tell(topics, Type::Heartbeat, None).await;
        }
        for (full, type_name) in self.own_topics.keys() {
            self.tell(true, Type::Advertise, Some(self.topic_offer(full, type_name))).await;
        }
        for full in self.own_services.keys() {
            self.tell(false, Type::Advertise, self.service_offer(full)).await;
        }
    }

    fn topic_offer(&self, full: &str, type_name: &str) -> DiscContents {
        let message = MessagePublisher {
            ctrl: "unused".into(),
            msg_type: type_name.to_string(),
            throttled: false,
            msgs_per_sec: u64::MAX,
        };
        DiscContents::Pub(self.offer(full, &self.links.publisher_address, PubType::MsgPub(message)))
    }

    fn service_offer(&self, full: &str) -> Option<DiscContents> {
        let (request_type, response_type, _) = self.own_services.get(full)?;
        let service = ServicePublisher {
            socket_id: self.links.replier_id.clone(),
            request_type: request_type.clone(),
            response_type: response_type.clone(),
        };
        Some(DiscContents::Pub(self.offer(full, &self.links.replier_address, PubType::SrvPub(service))))
    }

    fn offer(&self, full: &str, address: &str, pub_type: PubType) -> Publisher {
        Publisher {
            topic: full.to_string(),
            address: address.to_string(),
            process_uuid: self.process.clone(),
            node_uuid: self.node.clone(),
            scope: Scope::All as i32,
            pub_type: Some(pub_type),
        }
    }

    async fn obey(&mut self, command: Command) {
        match command {
            Command::Advertise { full, type_name, listeners } => {
                let offer = self.topic_offer(&full, &type_name);
                let known =
                    self.topic_peers.listeners(&full) + usize::from(self.listeners.contains_key(&*full));
                listeners.store(known, Ordering::Relaxed);
                self.own_topics.insert((full, type_name), listeners);
                self.tell(true, Type::Advertise, Some(offer)).await;
            }
            Command::Subscribe { full, listener } => {
                self.listeners.entry(full.clone()).or_default().push(listener);
                self.count_listeners(&full);
                let known: Vec<Publisher> = self.topic_peers.offers_of(&full).cloned().collect();
                for offer in known {
                    self.connect(&offer).await;
                }
                self.tell(true, Type::Subscribe, Some(DiscContents::Sub(Subscriber { topic: full }))).await;
            }
            Command::Serve { full, request_type, response_type, handler } => {
                self.own_services.insert(full.clone(), (request_type, response_type, handler));
                self.tell(false, Type::Advertise, self.service_offer(&full)).await;
            }
            Command::Request { full, request_type, response_type, body, timeout, answer } => {
                self.asked_count += 1;
                let id = format!("{}-{}", self.process, self.asked_count);
                let until = Instant::now() + timeout;
                let asked = Asked {
                    full: full.clone(),
                    request_type,
                    response_type,
                    body,
                    until,
                    answer,
                    sent: false,
                };
                self.asked.insert(id.clone(), asked);
                if !self.ask(&id).await {
                    self.tell(false, Type::Subscribe, Some(DiscContents::Sub(Subscriber { topic: full })))
                        .await;
                }
            }
            Command::Topics(answer) => {
                let _ = answer.send(self.topic_infos());
            }
            Command::Services(answer) => {
                let _ = answer.send(self.service_infos());
            }
            Command::Stop => {}
        }
    }

    fn topic_infos(&self) -> Vec<TopicInfo> {
        let mut out: Vec<TopicInfo> = self
            .topic_peers
            .offers()
            .filter_map(|o| {
                let name = names::in_partition(&o.topic, &self.options.partition)?.to_string();
                let Some(PubType::MsgPub(m)) = &o.pub_type else { return None };
                Some(TopicInfo { name, type_name: m.msg_type.clone(), address: o.address.clone() })
            })
            .collect();
        out.sort();
        out.dedup();
        out
    }

    fn service_infos(&self) -> Vec<ServiceInfo> {
        let mut out: Vec<ServiceInfo> = self
            .service_peers
            .offers()
            .filter_map(|o| {
                let name = names::in_partition(&o.topic, &self.options.partition)?.to_string();
                let Some(PubType::SrvPub(s)) = &o.pub_type else { return None };
                let (request_type, response_type) = (s.request_type.clone(), s.response_type.clone());
                Some(ServiceInfo { name, request_type, response_type })
            })
            .collect();
        out.sort();
        out.dedup();
        out
    }

    async fn send(&mut self, sending: Sending) {
        if self.listeners.contains_key(&*sending.full) {
            let (payload, type_name) = (sending.payload.clone(), sending.type_name.to_string());
            self.deliver(&sending.full, type_name, payload);
        }
        if self.topic_peers.listeners(&sending.full) > 0 {
            self.links.publish(&sending.full, sending.payload, &sending.type_name).await;
        }
    }

    fn deliver(&mut self, full: &str, type_name: String, payload: Bytes) {
        let Some(listeners) = self.listeners.get_mut(full) else { return };
        let topic = names::split(full).map_or(full, |(_, topic)| topic).to_string();
        let received = Received { topic, type_name, payload };
        listeners.iter_mut().for_each(|l| (l.0)(&received));
    }

    async fn take(&mut self, event: links::Event) {
        match event {
            links::Event::Message { full, type_name, payload } => self.deliver(&full, type_name, payload),
            links::Event::Request(request) => {
                let types = (&request.request_type, &request.response_type);
                let served = self.own_services.get_mut(&request.full).filter(|(q, a, _)| {
                    (bare_type(q), bare_type(a)) == (bare_type(types.0), bare_type(types.1))
                });
                if let Some((.., handler)) = served {
                    let reply = (handler.0)(&request.body);
                    // Who asks for nothing waits for nothing.
                    if !one_way(&request.response_type) {
                        self.links.reply(request, reply).await;
                    }
                }
            }
            links::Event::Response { id, result } => {
                if let Some(asked) = self.asked.remove(&id) {
                    let _ = asked.answer.send(result.map_or(Answer::Refused, Answer::Reply));
                }
            }
        }
    }

    async fn heard(&mut self, topics: bool, bytes: &[u8]) {
        let Some(message) = wire::read(bytes) else { return };
        let peers = if topics { &mut self.topic_peers } else { &mut self.service_peers };
        for change in peers.hear(&self.process, message, Instant::now()) {
            match change {
                Change::Offered(offer) if topics => self.connect(&offer).await,
                Change::Offered(offer) => {
                    let waiting: Vec<String> = self
                        .asked
                        .iter()
                        .filter(|(_, a)| !a.sent && a.full == offer.topic)
                        .map(|(id, _)| id.clone())
                        .collect();
                    for id in waiting {
                        self.ask(&id).await;
                    }
                }
                Change::Asked(full) if topics => {
                    let ours: Vec<_> =
                        self.own_topics.keys().filter(|(f, _)| **f == *full).cloned().collect();
                    for (full, type_name) in ours {
                        self.tell(true, Type::Advertise, Some(self.topic_offer(&full, &type_name))).await;
                    }
                }
                Change::Asked(full) => {
                    if let Some(offer) = self.service_offer(&full) {
                        self.tell(false, Type::Advertise, Some(offer)).await;
                    }
                }
                Change::Listeners(full) => self.count_listeners(&full),
                Change::Gone(process) => self.links.forget(&process),
            }
        }
    }

    /// Listens to an offer that we have a subscription for, and says so: publishers send only to those who did.
    async fn connect(&mut self, offer: &Publisher) {
        if !self.listeners.contains_key(&offer.topic) {
            return;
        }
        let Some(PubType::MsgPub(message)) = &offer.pub_type else { return };
        self.links.listen(&offer.process_uuid, &offer.address, &offer.topic);
        // Ours are process and node; the publisher that is meant stands in `ctrl`.
        let message = MessagePublisher { ctrl: offer.process_uuid.clone(), ..message.clone() };
        let reply = self.offer(&offer.topic, &offer.address, PubType::MsgPub(message));
        self.tell(true, Type::NewConnection, Some(DiscContents::Pub(reply))).await;
    }

    fn count_listeners(&self, full: &str) {
        let count = self.topic_peers.listeners(full) + usize::from(self.listeners.contains_key(full));
        for (_, listeners) in self.own_topics.iter().filter(|((f, _), _)| **f == *full) {
            listeners.store(count, Ordering::Relaxed);
        }
    }

    /// Sends a request to the first who offers the service. False if nobody does yet.
    async fn ask(&mut self, id: &str) -> bool {
        let Some(asked) = self.asked.get_mut(id) else { return true };
        // Our own service needs no network.
        if let Some((.., handler)) = self.own_services.get_mut(&asked.full) {
            let reply = (handler.0)(&asked.body).map_or(Answer::Refused, |r| Answer::Reply(r.into()));
            let _ = asked.answer.send(reply);
            self.asked.remove(id);
            return true;
        }
        let fits = |offer: &&Publisher| match &offer.pub_type {
            Some(PubType::SrvPub(s)) => {
                bare_type(&s.request_type) == asked.request_type
                    && bare_type(&s.response_type) == asked.response_type
            }
            _ => false,
        };
        let Some(offer) = self.service_peers.offers_of(&asked.full).find(fits) else { return false };
        let Some(PubType::SrvPub(types)) = &offer.pub_type else { return false };
        asked.sent = true;
        self.links.request(offer, types, &self.node, id, asked.body.clone());
        if one_way(asked.response_type) {
            let _ = asked.answer.send(Answer::Reply(Bytes::new()));
            self.asked.remove(id);
        }
        true
    }

    fn check(&mut self) {
        let now = Instant::now();
        for change in self.topic_peers.expire(now).into_iter().chain(self.service_peers.expire(now)) {
            match change {
                Change::Gone(process) => self.links.forget(&process),
                Change::Listeners(full) => self.count_listeners(&full),
                _ => {}
            }
        }
        self.asked.retain(|_, asked| {
            if now < asked.until {
                return true;
            }
            let _ = asked.answer.send(if asked.sent { Answer::Silent } else { Answer::Nobody });
            false
        });
    }
}

/// Whether a service's response type says that nobody replies.
fn one_way(response_type: &str) -> bool {
    bare_type(response_type) == Empty::NAME
}

/// A random identity, in the usual form.
pub(crate) fn uuid() -> String {
    use std::io::Read;
    let mut b = [0_u8; 16];
    let read = std::fs::File::open("/dev/urandom").and_then(|mut f| f.read_exact(&mut b));
    if read.is_err() {
        // Without the device: process, and an address that differs from call to call.
        let here = Box::new(0_u8);
        let seed = u64::from(std::process::id()) << 32 ^ std::ptr::from_ref(&*here) as u64;
        b[..8].copy_from_slice(&seed.to_le_bytes());
    }
    let hex: String = b.iter().map(|x| format!("{x:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
