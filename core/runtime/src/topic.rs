//! Topics and their routes: who publishes, who reads, and what was lost on the way.
//!
//! Invariant: the routes of a topic change only while the graph is wired or a remote peer comes and goes; a publication
//! reads them under a shared lock that no one holds for long.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use crossbeam::queue::ArrayQueue;
use peregrine_frame::{Bus, Reader};

use crate::arrivals::{Arrivals, Source, Verdict};
use crate::hosted::Hosted;
use crate::lane::Lane;
use crate::message::{Envelope, TypeInfo};
use crate::qos::Qos;

/// A named stream of messages of one type.
#[derive(Debug)]
pub struct Topic {
    name: String,
    type_info: TypeInfo,
    qos: Qos,
    frames: bool,
    /// A picture that may leave this host, because its publisher says so.
    exported: AtomicBool,
    routes: RwLock<Vec<Route>>,
    buses: RwLock<Vec<Bus>>,
    published: AtomicU64,
    remote_readers: AtomicUsize,
    /// Publishers in other processes of this host that a reader of this process is attached to.
    host_publishers: AtomicUsize,
    /// One of the readers keeps that number.
    host_claimed: AtomicBool,
    /// Messages of other processes of this host that were overwritten before this one took them.
    missed: AtomicU64,
    arrivals: Mutex<Arrivals>,
    watchers: Watchers,
    /// Messages that a transport has sent.
    sent: AtomicU64,
    publishers: Mutex<Vec<String>>,
    latched: Mutex<Option<Envelope>>,
}

/// Called when something about publishers elsewhere changes.
pub(crate) type Watcher = Arc<dyn Fn() + Send + Sync>;

#[derive(Default)]
struct Watchers {
    /// The transport, when the slots of other publishers are read, or of others no more.
    attached: OnceLock<Watcher>,
    /// The reader of slots, when the network brought what one of them waited for.
    network: OnceLock<Watcher>,
}

impl std::fmt::Debug for Watchers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Watchers")
    }
}

impl std::fmt::Debug for Envelope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Envelope").field("topic", &self.topic.name).field("time", &self.time).finish()
    }
}

/// One subscription of a topic.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    pub inbox: Arc<Inbox>,
    /// Index of the topic's frame feed within the inbox, one for each bus.
    pub feeds: Vec<usize>,
    /// For each of them: a token for it waits in the lane.
    pub queued: Vec<Arc<AtomicBool>>,
    /// Frames of other processes that were missed.
    pub hosted_dropped: Arc<AtomicU64>,
    /// Delivered to only while a remote reader wants the topic.
    pub gated: bool,
}

/// Where a subscription's messages wait, and where its frame readers live.
#[derive(Debug)]
pub(crate) struct Inbox {
    pub node: usize,
    pub sub: usize,
    pub messages: ArrayQueue<Envelope>,
    pub feeds: Mutex<Vec<Feed>>,
    /// Subscriptions to publishers of other processes, until the lane takes them.
    pub hosted: Mutex<Vec<Hosted>>,
    pub dropped: AtomicU64,
    pub lane: Arc<Lane>,
}

/// The reader of one frame bus within an inbox.
#[derive(Debug)]
pub(crate) struct Feed {
    pub topic: Arc<Topic>,
    pub reader: Reader,
    /// A token for it waits in the lane.
    pub queued: Arc<AtomicBool>,
}

/// "Something waits in that inbox": what a lane's queue holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub node: usize,
    pub sub: usize,
    /// The frame feed to look at, or `None` for a message.
    pub feed: Option<usize>,
}

impl Inbox {
    pub fn feeds(&self) -> MutexGuard<'_, Vec<Feed>> {
        self.feeds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a message in; the oldest gives way when the queue is full, and then no new token is due.
    pub fn put(&self, envelope: Envelope) -> Option<Token> {
        if self.messages.force_push(envelope).is_some() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        Some(Token { node: self.node, sub: self.sub, feed: None })
    }
}

impl Topic {
    pub(crate) fn new(name: String, type_info: TypeInfo, qos: Qos, frames: bool) -> Self {
        Self {
            name,
            type_info,
            qos,
            frames,
            exported: AtomicBool::new(false),
            routes: RwLock::default(),
            buses: RwLock::default(),
            published: AtomicU64::new(0),
            remote_readers: AtomicUsize::new(0),
            host_publishers: AtomicUsize::new(0),
            host_claimed: AtomicBool::new(false),
            missed: AtomicU64::new(0),
            arrivals: Mutex::default(),
            watchers: Watchers::default(),
            sent: AtomicU64::new(0),
            publishers: Mutex::default(),
            latched: Mutex::default(),
        }
    }

    /// The full name, with its leading slash.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// The type it carries.
    pub fn type_info(&self) -> &TypeInfo {
        &self.type_info
    }
    /// The quality of service its first party asked for.
    pub fn qos(&self) -> Qos {
        self.qos
    }
    /// True when it carries frames in slots.
    pub fn carries_frames(&self) -> bool {
        self.frames
    }
    /// True when it carries pictures, raw or compressed: what a transport keeps on this host unless it is let out on purpose.
    pub fn carries_pictures(&self) -> bool {
        ["sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"].contains(&self.type_info.name)
    }
    /// True when its publisher lets it out on purpose ([`Setup::export`](crate::Setup::export)).
    pub fn is_exported(&self) -> bool {
        self.exported.load(Ordering::Relaxed)
    }
    pub(crate) fn export(&self) {
        self.exported.store(true, Ordering::Relaxed);
    }
    /// Messages published on it so far.
    pub fn published(&self) -> u64 {
        self.published.load(Ordering::Relaxed)
    }
    /// Full names of the nodes that publish it.
    pub fn publishers(&self) -> Vec<String> {
        self.publishers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
    /// How many subscriptions of this process read it.
    pub fn subscriptions(&self) -> usize {
        self.routes().iter().filter(|r| !r.gated).count()
    }
    /// Messages lost by slow readers of this process: exact.
    pub fn dropped(&self) -> u64 {
        let routes = self.routes();
        let missed = self.missed.load(Ordering::Relaxed);
        routes
            .iter()
            .filter(|r| !r.gated)
            .map(|r| {
                let feeds = r.inbox.feeds();
                let frames: u64 =
                    r.feeds.iter().filter_map(|i| feeds.get(*i)).map(|f| f.reader.dropped()).sum();
                let frames = frames + r.hosted_dropped.load(Ordering::Relaxed);
                frames + if self.frames { 0 } else { missed + r.inbox.dropped.load(Ordering::Relaxed) }
            })
            .sum()
    }
    /// Says how many remote readers there are; gated routes sleep while there are none.
    pub fn set_remote_readers(&self, count: usize) {
        self.remote_readers.store(count, Ordering::Relaxed);
    }
    /// How many remote readers there are.
    pub fn remote_readers(&self) -> usize {
        self.remote_readers.load(Ordering::Relaxed)
    }

    /// How many publishers in other processes of this host are read here, in place.
    pub fn host_publishers(&self) -> usize {
        self.host_publishers.load(Ordering::Relaxed)
    }
    pub(crate) fn set_host_publishers(&self, count: usize) {
        self.host_publishers.store(count, Ordering::Relaxed);
    }
    /// True for the first who asks.
    pub(crate) fn claim_host(&self) -> bool {
        !self.host_claimed.swap(true, Ordering::Relaxed)
    }
    pub(crate) fn count_hosted(&self) {
        self.published.fetch_add(1, Ordering::Relaxed);
    }

    /// Messages that a transport has sent to other processes.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
    /// Counts a message that a transport sends.
    pub fn count_sent(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }
    pub(crate) fn count_missed(&self, missed: u64) {
        self.missed.fetch_add(missed, Ordering::Relaxed);
    }

    fn arrivals(&self) -> MutexGuard<'_, Arrivals> {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Whether the slots of other processes of this host bring all that those publishers send, as far as they are known
    /// to a transport by `sources`: it need not bring anything then.
    pub fn is_served_by_slots(&self, sources: &BTreeSet<Source>) -> bool {
        let arrivals = self.arrivals();
        arrivals.serve_any(self.frames) && sources.iter().all(|source| arrivals.serves(source, self.frames))
    }
    /// Calls `watcher` when [`is_served_by_slots`](Self::is_served_by_slots) may have changed. The first one stays.
    pub fn on_slots_changed(&self, watcher: Arc<dyn Fn() + Send + Sync>) {
        let _ = self.watchers.attached.set(watcher);
    }
    pub(crate) fn on_network(&self, watcher: Watcher) {
        let _ = self.watchers.network.set(watcher);
    }
    fn slots_changed(&self) {
        if let Some(watcher) = self.watchers.attached.get() {
            watcher();
        }
    }
    /// Says whose slots a reader of this process reads.
    pub(crate) fn attach(&self, reader: (usize, usize), sources: BTreeSet<Source>) {
        if self.arrivals().attach(reader, sources) {
            self.slots_changed();
        }
    }
    /// Delivers a message out of a slot, if that is due.
    pub(crate) fn slot_brings(
        &self,
        source: Source,
        number: u64,
        sent_before: bool,
        late: bool,
        deliver: impl FnOnce(),
    ) -> Verdict {
        let mut arrivals = self.arrivals();
        let served = arrivals.serves(&source, self.frames);
        let verdict = arrivals.slot_brings(source, number, sent_before, late);
        if verdict == Verdict::Deliver {
            deliver();
        }
        let changed = served != arrivals.serves(&source, self.frames);
        drop(arrivals);
        if changed {
            self.slots_changed();
        }
        verdict
    }
    /// Delivers a message that the network brought, if slots do not bring it.
    pub(crate) fn network_brings<E>(
        &self,
        sent: Option<(Source, u64)>,
        deliver: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), E> {
        let mut arrivals = self.arrivals();
        let (due, waited_for) = arrivals.network_brings(sent);
        let outcome = if due { deliver() } else { Ok(()) };
        drop(arrivals);
        if waited_for && let Some(watcher) = self.watchers.network.get() {
            watcher();
        }
        outcome
    }
    /// Whether a frame that the network brings is to be shown.
    pub(crate) fn takes_frame_from_network(&self, sent: Option<(Source, u64)>) -> bool {
        self.arrivals().frame_from_network(sent)
    }
    pub(crate) fn is_old_frame(&self, source: &Source, number: u64) -> bool {
        self.arrivals().is_old_frame(source, number)
    }

    pub(crate) fn add_publisher(&self, node: &str) {
        self.publishers.lock().unwrap_or_else(PoisonError::into_inner).push(node.to_owned());
    }
    pub(crate) fn add_bus(&self, bus: Bus) {
        self.buses.write().unwrap_or_else(PoisonError::into_inner).push(bus);
    }
    pub(crate) fn buses(&self) -> Vec<Bus> {
        self.buses.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
    pub(crate) fn add_route(&self, route: Route) {
        self.routes.write().unwrap_or_else(PoisonError::into_inner).push(route);
    }
    pub(crate) fn routes(&self) -> std::sync::RwLockReadGuard<'_, Vec<Route>> {
        self.routes.read().unwrap_or_else(PoisonError::into_inner)
    }
    /// The last message of a latched topic as CDR, with its time: what a late joiner gets.
    pub fn latched(&self) -> Option<(Vec<u8>, crate::Time)> {
        let envelope = self.latched.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        let mut cdr = Vec::new();
        envelope.message.write_cdr(&mut cdr);
        Some((cdr, envelope.time))
    }

    /// Whether anybody would be told of a message published here.
    pub(crate) fn is_heard(&self) -> bool {
        self.qos.is_latched() || self.routes().iter().any(|r| self.is_open(r, false))
    }
    /// Counts a publication that nobody in this process is told of.
    pub(crate) fn count_unheard(&self) {
        self.published.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a publication and hands it to every open route; `wake` is told each token that came of it. Returns whether
    /// one of them leads out of the process.
    pub(crate) fn fan_out(
        &self,
        envelope: &Envelope,
        imported: bool,
        mut wake: impl FnMut(&Inbox, Token),
    ) -> bool {
        let mut out = false;
        self.published.fetch_add(1, Ordering::Relaxed);
        if self.qos.is_latched() {
            *self.latched.lock().unwrap_or_else(PoisonError::into_inner) = Some(envelope.clone());
        }
        for route in self.routes().iter().filter(|r| self.is_open(r, imported)) {
            out |= route.gated;
            if let Some(token) = route.inbox.put(envelope.clone()) {
                wake(&route.inbox, token);
            }
        }
        out
    }

    /// Counts a frame of bus `bus` and tells every open route to look at its reader. A route that is `queued` need not be
    /// told again before it has looked: its reader then finds both frames.
    pub(crate) fn fan_out_frame(
        &self,
        bus: usize,
        imported: bool,
        mut tell: impl FnMut(&Inbox, Token, &AtomicBool),
    ) {
        self.published.fetch_add(1, Ordering::Relaxed);
        for route in self.routes().iter().filter(|r| self.is_open(r, imported)) {
            if let (Some(feed), Some(queued)) = (route.feeds.get(bus), route.queued.get(bus)) {
                let token = Token { node: route.inbox.node, sub: route.inbox.sub, feed: Some(*feed) };
                tell(&route.inbox, token, queued);
            }
        }
    }

    /// Gated routes lead out of the process: what came in from there must not go back.
    fn is_open(&self, route: &Route, imported: bool) -> bool {
        // A transport keeps the last messages of a latched topic for those who are yet to come.
        let wanted = || self.qos.is_latched() || self.remote_readers.load(Ordering::Relaxed) > 0;
        !route.gated || !imported && wanted()
    }
}
