//! What a program sees of the transport: a node that publishes, subscribes, offers and asks for services.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc as std_mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::engine::{self, Command, Handler, Listener, Sending};
use crate::error::{GzError, Result};
use crate::msgs::GzMessage;
use crate::names;
use crate::options::{Options, bare_type};

/// Bytes that wait for slow subscribers, all topics together; beyond it new messages are dropped and counted.
pub const MAX_WAITING: usize = 256 << 20;
/// What a message counts at the least, bytes: a socket keeps 100,000 messages for a subscriber and loses more of them without a word,
/// and small ones shall not get there. So at most 65,536 wait.
const LEAST_COUNTED: usize = 4096;
/// Messages that wait for the transport's thread.
const QUEUE: usize = 1024;

/// A topic that somebody offers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TopicInfo {
    /// Without the partition.
    pub name: String,
    /// With its package.
    pub type_name: String,
    /// Where it is published.
    pub address: String,
}

/// A service that somebody offers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServiceInfo {
    /// Without the partition.
    pub name: String,
    /// With its package.
    pub request_type: String,
    /// With its package.
    pub response_type: String,
}

/// A message as it came.
#[derive(Debug, Clone)]
pub struct Received {
    /// Topic, without the partition.
    pub topic: String,
    /// Type, with its package.
    pub type_name: String,
    /// Protobuf.
    pub payload: Bytes,
}

/// A member of the graph. Clones are the same member; with the last one it says goodbye.
#[derive(Debug, Clone)]
pub struct GzNode {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    options: Options,
    commands: mpsc::UnboundedSender<Command>,
    messages: mpsc::Sender<Sending>,
    waiting: Arc<AtomicUsize>,
    dropped: AtomicUsize,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        let _ = self.commands.send(Command::Stop);
        if let Some(thread) = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take()
            && thread.thread().id() != std::thread::current().id()
        {
            let _ = thread.join();
        }
    }
}

impl GzNode {
    /// Joins the graph; one thread is started.
    ///
    /// # Errors
    /// PG-1602 to PG-1604 when a socket or the thread cannot be had.
    pub fn new(options: Options) -> Result<Self> {
        names::check_partition(&options.partition)?;
        let (commands, commands_in) = mpsc::unbounded_channel();
        let (messages, messages_in) = mpsc::channel(QUEUE);
        let (ready, is_ready) = std_mpsc::channel();
        let own = options.clone();
        let thread = std::thread::Builder::new()
            .name("gz-transport".into())
            .spawn(move || engine::run(own, commands_in, messages_in, &ready))
            .map_err(|cause| GzError::Thread { cause })?;
        is_ready.recv().map_err(|_| GzError::Ended)??;
        let (waiting, dropped) = (Arc::default(), AtomicUsize::new(0));
        let thread = Mutex::new(Some(thread));
        Ok(Self { shared: Arc::new(Shared { options, commands, messages, waiting, dropped, thread }) })
    }

    /// What it was started with.
    pub fn options(&self) -> &Options {
        &self.shared.options
    }

    /// Messages that slow subscribers have cost so far.
    pub fn dropped(&self) -> usize {
        self.shared.dropped.load(Ordering::Relaxed)
    }

    /// Offers a topic.
    ///
    /// # Errors
    /// PG-1601 for a bad name, PG-1609.
    pub fn advertise<M: GzMessage>(&self, topic: &str) -> Result<Publisher<M>> {
        let type_name = self.shared.options.flavour.type_name(M::NAME);
        Ok(Publisher { raw: self.advertise_raw(topic, &type_name)?, message: PhantomData })
    }

    /// Offers a topic whose messages are encoded already; `type_name` with its package.
    ///
    /// # Errors
    /// As [`GzNode::advertise`].
    pub fn advertise_raw(&self, topic: &str, type_name: &str) -> Result<RawPublisher> {
        names::check("topic", topic)?;
        let full: Arc<str> = names::full(&self.shared.options.partition, topic).into();
        let listeners = Arc::new(AtomicUsize::new(0));
        let type_name: Arc<str> = type_name.into();
        self.tell(Command::Advertise {
            full: full.clone(),
            type_name: type_name.clone(),
            listeners: listeners.clone(),
        })?;
        Ok(RawPublisher { node: self.clone(), full, type_name, listeners })
    }

    /// Calls `callback` for every message of type `M` on the topic, whichever package its type is in. It is called on
    /// the transport's thread and must be quick.
    ///
    /// # Errors
    /// PG-1601 for a bad name, PG-1609.
    pub fn subscribe<M: GzMessage>(
        &self,
        topic: &str,
        mut callback: impl FnMut(M) + Send + 'static,
    ) -> Result<()> {
        self.subscribe_raw(topic, move |received| {
            if bare_type(&received.type_name) != M::NAME {
                return;
            }
            match M::decode(received.payload.clone()) {
                Ok(message) => callback(message),
                Err(cause) => {
                    let (topic, type_name) = (received.topic.clone(), received.type_name.clone());
                    tracing::warn!("{}", GzError::Decode { topic, type_name, cause });
                }
            }
        })
    }

    /// Calls `callback` for every message on the topic, as it came.
    ///
    /// # Errors
    /// As [`GzNode::subscribe`].
    pub fn subscribe_raw(&self, topic: &str, callback: impl FnMut(&Received) + Send + 'static) -> Result<()> {
        names::check("topic", topic)?;
        let full = names::full(&self.shared.options.partition, topic);
        self.tell(Command::Subscribe { full, listener: Listener(Box::new(callback)) })
    }

    /// Offers a service. `answer` gives the reply, or `None` for the result "false". It is called on the transport's
    /// thread and must be quick.
    ///
    /// # Errors
    /// PG-1601 for a bad name, PG-1609.
    pub fn advertise_service<Q: GzMessage, A: GzMessage>(
        &self,
        service: &str,
        mut answer: impl FnMut(Q) -> Option<A> + Send + 'static,
    ) -> Result<()> {
        names::check("service", service)?;
        let full = names::full(&self.shared.options.partition, service);
        let flavour = self.shared.options.flavour;
        let handler = Handler(Box::new(move |body: &[u8]| {
            let request = Q::decode(body).ok()?;
            answer(request).map(|reply| reply.encode_to_vec())
        }));
        let (request_type, response_type) = (flavour.type_name(Q::NAME), flavour.type_name(A::NAME));
        self.tell(Command::Serve { full, request_type, response_type, handler })
    }

    /// Asks a service and waits for its answer, `timeout` at the most. Not to be called on the transport's thread.
    ///
    /// # Errors
    /// PG-1605 if nobody offers it, PG-1606 if it is silent, PG-1607 if it refuses, PG-1608 for a reply of another type.
    pub fn request<Q: GzMessage, A: GzMessage>(
        &self,
        service: &str,
        request: &Q,
        timeout: Duration,
    ) -> Result<A> {
        names::check("service", service)?;
        let full = names::full(&self.shared.options.partition, service);
        let (answer, answered) = std_mpsc::channel();
        let body = request.encode_to_vec().into();
        let (request_type, response_type) = (Q::NAME, A::NAME);
        self.tell(Command::Request { full, request_type, response_type, body, timeout, answer })?;
        let milliseconds = timeout.as_millis() as u64;
        let service = service.to_string();
        // The engine keeps the time; the margin is for a machine under load.
        match answered.recv_timeout(timeout + Duration::from_secs(5)) {
            Ok(engine::Answer::Reply(bytes)) => A::decode(bytes).map_err(|cause| GzError::Decode {
                topic: service,
                type_name: A::NAME.to_string(),
                cause,
            }),
            Ok(engine::Answer::Refused) => Err(GzError::Refused { service }),
            Ok(engine::Answer::Silent) => Err(GzError::NoAnswer { service, milliseconds }),
            Ok(engine::Answer::Nobody) => {
                let partition = self.shared.options.partition.clone();
                Err(GzError::NoService { service, milliseconds, partition })
            }
            Err(_) => Err(GzError::Ended),
        }
    }

    /// Every topic that other processes offer now, in order.
    ///
    /// # Errors
    /// PG-1609.
    pub fn topics(&self) -> Result<Vec<TopicInfo>> {
        let (answer, answered) = std_mpsc::channel();
        self.tell(Command::Topics(answer))?;
        answered.recv().map_err(|_| GzError::Ended)
    }

    /// Every service that other processes offer now, in order.
    ///
    /// # Errors
    /// PG-1609.
    pub fn services(&self) -> Result<Vec<ServiceInfo>> {
        let (answer, answered) = std_mpsc::channel();
        self.tell(Command::Services(answer))?;
        answered.recv().map_err(|_| GzError::Ended)
    }

    fn tell(&self, command: Command) -> Result<()> {
        self.shared.commands.send(command).map_err(|_| GzError::Ended)
    }
}

/// A topic that this node offers.
#[derive(Debug, Clone)]
pub struct Publisher<M> {
    raw: RawPublisher,
    message: PhantomData<fn(M)>,
}

impl<M: GzMessage> Publisher<M> {
    /// Whether anybody listens; a message that nobody wants need not be made.
    pub fn has_listeners(&self) -> bool {
        self.raw.has_listeners()
    }

    /// Sends a message to everybody who listens. False if it was dropped because they are too slow.
    pub fn publish(&self, message: &M) -> bool {
        !self.has_listeners() || self.raw.publish(message.encode_to_vec())
    }
}

/// A topic whose messages are encoded already.
#[derive(Debug, Clone)]
pub struct RawPublisher {
    node: GzNode,
    full: Arc<str>,
    type_name: Arc<str>,
    listeners: Arc<AtomicUsize>,
}

/// Bytes that count as waiting until the last socket has let go of them.
struct Counted {
    bytes: Vec<u8>,
    waiting: Arc<AtomicUsize>,
}

impl Counted {
    /// What a message of so many bytes counts.
    fn size(bytes: usize) -> usize {
        bytes.max(LEAST_COUNTED)
    }
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.waiting.fetch_sub(Self::size(self.bytes.len()), Ordering::Relaxed);
    }
}

impl RawPublisher {
    /// Whether anybody listens.
    pub fn has_listeners(&self) -> bool {
        self.listeners.load(Ordering::Relaxed) > 0
    }

    /// Sends an encoded message. False if it was dropped.
    pub fn publish(&self, payload: Vec<u8>) -> bool {
        let shared = &self.node.shared;
        let size = Counted::size(payload.len());
        let sent = shared.waiting.load(Ordering::Relaxed) + size <= MAX_WAITING && {
            shared.waiting.fetch_add(size, Ordering::Relaxed);
            let payload = Bytes::from_owner(Counted { bytes: payload, waiting: shared.waiting.clone() });
            let sending = Sending { full: self.full.clone(), type_name: self.type_name.clone(), payload };
            shared.messages.try_send(sending).is_ok()
        };
        if !sent {
            let dropped = shared.dropped.fetch_add(1, Ordering::Relaxed) + 1;
            if dropped.is_power_of_two() {
                tracing::warn!("{dropped} messages to Gazebo clients were dropped: a subscriber is too slow");
            }
        }
        sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A socket loses what is beyond 100,000 messages without a word: the count of those that wait must end before.
    #[test]
    fn small_messages_count_enough_to_be_bounded() {
        assert!(MAX_WAITING / Counted::size(1) < 100_000 && Counted::size(10_000) == 10_000);
        let waiting = Arc::new(AtomicUsize::new(Counted::size(7) + 1));
        drop(Counted { bytes: vec![0; 7], waiting: waiting.clone() });
        assert_eq!(waiting.load(Ordering::Relaxed), 1);
    }
}
