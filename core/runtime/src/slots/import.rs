//! The readers' side: one thread for each process takes messages out of the slots of other processes, decodes each once,
//! and hands it to all nodes that read the topic.
//!
//! It sleeps while there is nothing to take. No node ever holds a slot, so a slow one costs its own queue only.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use peregrine_frame::host::{wait_any, wake_word};
use peregrine_frame::{Frame, Host as FrameHost, Policy, SubscribeOptions, Subscriber};

use super::KEEP;
use super::port::SENT_BEFORE;
use crate::arrivals::{Source, Verdict};
use crate::error::{Error, Result};
use crate::hosted::tell_events;
use crate::message::{Envelope, Origin};
use crate::time::{Clock, Time, monotonic_ns};
use crate::topic::Topic;

/// How long a publisher waits for this process when it publishes and reads reliably: what DDS calls the blocking time.
const RELIABLE_WAIT: Duration = Duration::from_millis(100);

/// How long the first message out of a slot waits for what the network has yet to bring.
const PATIENCE: Duration = Duration::from_secs(1);

/// Messages of one topic before the others have their turn.
const TURN: usize = 8;

/// The reader of a topic's slots, among those of [`Topic::arrivals`].
const READER: (usize, usize) = (usize::MAX, 0);

/// The thread. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Imports {
    bell: Arc<Bell>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread sleeps on, beside its publishers.
#[derive(Debug, Default)]
struct Bell {
    word: AtomicU32,
    stop: AtomicBool,
}

impl Bell {
    fn ring(&self) {
        self.word.fetch_add(1, Ordering::Release);
        wake_word(&self.word);
    }
}

impl Imports {
    /// Reads `topics` of `host`, each reliably or not.
    pub fn start(
        host: &FrameHost,
        topics: impl Iterator<Item = (Arc<Topic>, bool)>,
        clock: &Clock,
    ) -> Result<Self> {
        let bell = Arc::<Bell>::default();
        let mut feeds = Vec::new();
        for (topic, reliable) in topics {
            let waker = bell.clone();
            topic.on_network(Arc::new(move || waker.ring()));
            feeds.push(Feed::open(host, topic, reliable, &bell)?);
        }
        if feeds.is_empty() {
            return Ok(Self { bell, thread: None });
        }
        let (own, clock) = (bell.clone(), clock.clone());
        let thread = std::thread::Builder::new()
            .name("slots".into())
            .spawn(move || run(&mut feeds, &own, &clock))
            .map_err(|source| Error::Lane { lane: "slots".into(), source })?;
        Ok(Self { bell, thread: Some(thread) })
    }
}

impl Drop for Imports {
    fn drop(&mut self) {
        self.bell.stop.store(true, Ordering::Release);
        self.bell.ring();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("PG-0214: the thread that reads slots panicked; this is a bug");
        }
    }
}

fn run(feeds: &mut [Feed], bell: &Bell, clock: &Clock) {
    loop {
        // Before the look: what comes after it ends the sleep.
        let word = bell.word.load(Ordering::Acquire);
        if bell.stop.load(Ordering::Acquire) {
            return;
        }
        let mut limit = Duration::MAX;
        let mut more = false;
        for feed in feeds.iter_mut() {
            more |= feed.turn(clock);
            if let Some((_, until)) = &feed.held {
                limit = limit.min(until.saturating_duration_since(Instant::now()));
            }
        }
        if more {
            continue;
        }
        // Those without a publisher ring the bell when they get one; those that wait for the network would not sleep.
        feeds.sort_by_key(|feed| !feed.listens());
        let listening = feeds.partition_point(Feed::listens);
        wait_any(&bell.word, word, &mut feeds[..listening], limit);
    }
}

/// One topic.
struct Feed {
    topic: Arc<Topic>,
    reliable: bool,
    subscriber: Subscriber,
    /// A message that waits for the network, at most until then.
    held: Option<(Frame, Instant)>,
    /// Who publishes, as a name that messages can share.
    names: Vec<(Source, Arc<str>)>,
    /// When it began to read, monotonic ns.
    since: u64,
    dropped: u64,
    errors: u64,
}

impl AsMut<Subscriber> for Feed {
    fn as_mut(&mut self) -> &mut Subscriber {
        &mut self.subscriber
    }
}

impl Feed {
    fn open(host: &FrameHost, topic: Arc<Topic>, reliable: bool, bell: &Arc<Bell>) -> Result<Self> {
        let policy = if reliable { Policy::Lossless { wait: RELIABLE_WAIT } } else { Policy::KeepLast(KEEP) };
        let message_type = topic.type_info().name.to_owned();
        let options =
            SubscribeOptions { policy, pins: 1, skip_own: true, message_type, ..SubscribeOptions::default() };
        let since = u64::try_from(monotonic_ns()).unwrap_or(0);
        let subscriber = host.subscribe_with(topic.name(), &options)?;
        let waker = bell.clone();
        subscriber.on_change(Arc::new(move || waker.ring()));
        topic.attach(READER, BTreeSet::new());
        Ok(Self { topic, reliable, subscriber, held: None, names: Vec::new(), since, dropped: 0, errors: 0 })
    }

    fn listens(&self) -> bool {
        self.held.is_none() && self.subscriber.publishers() > 0
    }

    /// Takes and delivers. True if there may be more.
    fn turn(&mut self, clock: &Clock) -> bool {
        self.tell();
        if let Some((frame, until)) = self.held.take()
            && let Some(frame) = self.offer(frame, until <= Instant::now(), clock)
        {
            self.held = Some((frame, until));
            return false;
        }
        for _ in 0..TURN {
            match self.subscriber.take() {
                Ok(Some(frame)) => {
                    self.errors = 0;
                    if let Some(frame) = self.offer(frame, false, clock) {
                        self.held = Some((frame, Instant::now() + PATIENCE));
                        return false;
                    }
                }
                Ok(None) => {
                    self.count();
                    return false;
                }
                Err(error) => {
                    self.complain(&error.into());
                    return false;
                }
            }
        }
        self.count();
        true
    }

    /// Delivers a message if it is its turn; hands it back if it has to wait.
    fn offer(&mut self, frame: Frame, late: bool, clock: &Clock) -> Option<Frame> {
        let meta = frame.meta();
        // The newest of a ring may be from long before anybody here listened.
        if meta.publish_mono_ns < self.since {
            return None;
        }
        let sent_before = meta.number & SENT_BEFORE != 0;
        // A camera's picture has the bus's own number, over the network too.
        let number = if meta.number == 0 { frame.sequence() } else { meta.number & !SENT_BEFORE };
        let source = frame.source();
        let topic = self.topic.clone();
        let verdict = topic.slot_brings(source, number, sent_before, late, || {
            let message = (topic.type_info().decode)(frame.cdr()).map_err(|source| Error::Decode {
                topic: topic.name().into(),
                type_name: topic.type_info().name,
                source,
            });
            match message {
                Ok(message) => {
                    let signed = |ns: u64| i64::try_from(ns).unwrap_or(i64::MAX);
                    let entered = Some(meta.capture_mono_ns).filter(|ns| *ns != 0);
                    let origin = entered
                        .map(|ns| Origin { capture: Time(meta.capture_stamp_ns), entered_ns: signed(ns) });
                    let envelope = Envelope {
                        topic: topic.clone(),
                        node: self.name_of(&frame),
                        message,
                        origin,
                        published_ns: signed(meta.publish_mono_ns),
                        time: clock.now(),
                        number,
                    };
                    topic.fan_out(&envelope, true, |inbox, token| inbox.lane.push(token));
                }
                Err(error) => self.complain(&error),
            }
        });
        (verdict == Verdict::Wait).then_some(frame)
    }

    fn name_of(&mut self, frame: &Frame) -> Arc<str> {
        let source = frame.source();
        if let Some((_, name)) =
            self.names.iter().find(|(known, name)| *known == source && **name == *frame.label())
        {
            return name.clone();
        }
        let name: Arc<str> = frame.label().into();
        self.names.push((source, name.clone()));
        name
    }

    /// Says what became of the publishers.
    fn tell(&mut self) {
        let changed = tell_events(&mut self.subscriber, self.topic.name(), "slots");
        if changed {
            self.settle();
        }
    }

    fn settle(&mut self) {
        let sources: BTreeSet<Source> = self.subscriber.sources().collect();
        self.names.retain(|(source, _)| sources.contains(source));
        self.topic.set_host_publishers(self.subscriber.publishers());
        self.topic.attach(READER, sources);
    }

    /// Counts what was missed; of a topic that is read reliably it is said, too.
    fn count(&mut self) {
        let dropped = self.subscriber.dropped();
        let missed = dropped.saturating_sub(self.dropped);
        if missed == 0 {
            return;
        }
        self.topic.count_missed(missed);
        if self.reliable && (self.dropped == 0 || dropped / 100 > self.dropped / 100) {
            tracing::warn!(
                topic = self.topic.name(),
                "PG-0235: {dropped} messages so far were overwritten before this process took them, although it reads \
                 reliably: it was stopped or overloaded, or the publisher is best effort"
            );
        }
        self.dropped = dropped;
    }

    fn complain(&mut self, error: &Error) {
        self.errors += 1;
        if self.errors % 100 == 1 {
            tracing::error!(topic = self.topic.name(), count = self.errors, "{error}");
        }
    }
}
