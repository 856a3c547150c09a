//! Reading a topic of this host: all its publishers, whenever they come and go.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::service::{self, Command};
use super::watch::{News, Watch};
use crate::futex::{self, Watched};
use crate::protocol::Owner;
use crate::shared::{Shared, Waker};
use crate::{Frame, Reader, Result};

/// Events that are kept for whoever asks.
const EVENTS: usize = 64;
/// Between looks at several publishers where the kernel cannot sleep on all of them at once.
const SLICE: Duration = Duration::from_millis(1);

/// Something that happened to a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A publisher let this subscriber in.
    Attached {
        /// Its process.
        pid: u32,
        /// Who publishes, in the publisher's own words.
        label: String,
        /// One was lost before: this one takes its place.
        again: bool,
    },
    /// A publisher is gone; frames of it that are held stay as they are.
    Lost {
        /// Its process.
        pid: u32,
    },
    /// A publisher refused; it is asked again from time to time.
    Refused {
        /// Its process.
        pid: u32,
        /// Its reason, with its code.
        why: String,
    },
    /// Publishers may not be noticed.
    Trouble {
        /// What is wrong.
        why: String,
    },
}

impl std::fmt::Display for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Event::Attached { pid, label, again } => {
                let how = if *again { "attached again" } else { "attached" };
                let by = if label.is_empty() { String::new() } else { format!(" ({label})") };
                write!(f, "{how} to the publisher in process {pid}{by}")
            }
            Event::Lost { pid } => write!(f, "the publisher in process {pid} is gone; waiting for another"),
            Event::Refused { pid, why } => write!(f, "the publisher in process {pid} refused: {why}"),
            Event::Trouble { why } => f.write_str(why),
        }
    }
}

/// Reads a topic of this host. See [`Host::subscribe`](super::Host::subscribe).
pub struct Subscriber {
    watch: Arc<Watch>,
    readers: Vec<(Owner, Reader)>,
    /// Whose turn it is, so that one busy publisher does not silence another.
    turn: usize,
    seen: u32,
    /// A publisher is gone whose last frames may not have been taken.
    parting: bool,
    /// Publishers that were lost and not replaced yet.
    lost: i64,
    events: VecDeque<Event>,
    /// Frames missed of publishers that are gone.
    dropped: u64,
}

impl Subscriber {
    pub(super) fn new(watch: Watch) -> Result<Subscriber> {
        let watch = Arc::new(watch);
        service::tell(Command::Watch(Arc::clone(&watch)))?;
        Ok(Subscriber {
            watch,
            readers: Vec::new(),
            turn: 0,
            seen: 0,
            parting: false,
            lost: 0,
            events: VecDeque::new(),
            dropped: 0,
        })
    }

    /// The next frame by this subscriber's policy, or `None` if there is no new one. Never blocks; allocates only when a
    /// publisher came or went. Publishers take turns.
    ///
    /// # Errors
    /// As [`Reader::take`].
    pub fn take(&mut self) -> Result<Option<Frame>> {
        if self.has_news() {
            self.sync();
        }
        let count = self.readers.len();
        for i in 0..count {
            let at = (self.turn + i) % count;
            if let Some(frame) = self.readers[at].1.take()? {
                self.turn = (at + 1) % count;
                return Ok(Some(frame));
            }
        }
        if self.parting { self.drain() } else { Ok(None) }
    }

    /// Sleeps until a frame can be taken or `timeout` has passed, through whatever happens to the publishers meanwhile.
    /// Returns whether a frame can be taken.
    pub fn wait(&mut self, timeout: Duration) -> bool {
        let mut deadline = None;
        loop {
            if self.has_news() {
                self.sync();
            }
            if self.pending() > 0 {
                return true;
            }
            if self.parting {
                self.part();
            }
            let until = *deadline.get_or_insert_with(|| Instant::now().checked_add(timeout));
            if until.is_some_and(|d| d <= Instant::now()) {
                return false;
            }
            self.sleep(until);
        }
    }

    /// Sleeps until a publisher let this subscriber in, or `timeout` has passed. Returns whether one has.
    pub fn wait_attached(&mut self, timeout: Duration) -> bool {
        let until = Instant::now().checked_add(timeout);
        loop {
            if self.has_news() {
                self.sync();
            }
            if !self.readers.is_empty() {
                return true;
            }
            if until.is_some_and(|d| d <= Instant::now()) {
                return false;
            }
            self.sleep(until);
        }
    }

    /// What happened since the last call: publishers that came, went, or refused.
    pub fn events(&mut self) -> impl Iterator<Item = Event> + '_ {
        if self.has_news() {
            self.sync();
        }
        self.events.drain(..)
    }

    /// Publishers that this subscriber is attached to.
    pub fn publishers(&self) -> usize {
        self.readers.len()
    }

    /// What the publishers that this subscriber is attached to call themselves, for programs
    /// ([`PublishOptions::source`](crate::PublishOptions::source)).
    pub fn sources(&self) -> impl Iterator<Item = [u8; 16]> + '_ {
        self.readers.iter().map(|(_, r)| r.shared().source)
    }

    /// Frames that [`take`](Self::take) would return one after the other, if none were published meanwhile.
    pub fn pending(&self) -> u64 {
        self.readers.iter().fold(0, |sum: u64, (_, r)| sum.saturating_add(r.pending()))
    }

    /// Frames that were published while this subscriber was attached and that it will never get: exact.
    pub fn dropped(&self) -> u64 {
        self.readers.iter().fold(self.dropped, |sum, (_, r)| sum.saturating_add(r.dropped()))
    }

    /// Frames that are held now (clones count once).
    pub fn held(&self) -> usize {
        self.readers.iter().map(|(_, r)| r.held()).sum()
    }

    /// The topic's name.
    pub fn topic(&self) -> &str {
        &self.watch.topic
    }

    /// Calls `waker` when a publisher came or went, on the thread that noticed. Frames do not call it: to be woken by
    /// them, sleep in [`wait`](Self::wait).
    pub fn on_change(&self, waker: Waker) {
        self.watch.set_waker(Some(waker));
    }

    fn has_news(&self) -> bool {
        self.watch.version.load(Ordering::Acquire) != self.seen
    }

    /// Takes in what the service thread left.
    fn sync(&mut self) {
        self.seen = self.watch.version.load(Ordering::Acquire);
        self.part();
        for news in self.watch.news() {
            let event = match news {
                News::Attached { owner, label, reader } => {
                    // One that ended just now, and whose last frames wait, is replaced too.
                    let ended = self.readers.iter().filter(|(_, r)| r.is_closed()).count() as i64;
                    let again = self.lost + ended > 0;
                    self.lost -= i64::from(again);
                    self.readers.push((owner, reader));
                    Event::Attached { pid: owner.pid, label, again }
                }
                News::Refused { owner, why } => Event::Refused { pid: owner.pid, why },
                News::Trouble(why) => Event::Trouble { why },
            };
            self.note(event);
        }
    }

    /// Lets go of publishers that are gone and whose frames have all been taken.
    fn part(&mut self) {
        self.parting = false;
        for at in (0..self.readers.len()).rev() {
            let (owner, reader) = &self.readers[at];
            if !reader.is_closed() {
                continue;
            }
            if reader.pending() > 0 {
                self.parting = true;
                continue;
            }
            let pid = owner.pid;
            self.remove(at, pid);
        }
    }

    /// What is left of publishers that are gone. One that promises frames and has none (its control block was spoilt) is
    /// let go too.
    fn drain(&mut self) -> Result<Option<Frame>> {
        for at in (0..self.readers.len()).rev() {
            let (owner, reader) = &mut self.readers[at];
            // In this order: what is published before the end is there when the end is known.
            if reader.is_closed() {
                if let Some(frame) = reader.take()? {
                    return Ok(Some(frame));
                }
                let pid = owner.pid;
                self.remove(at, pid);
            }
        }
        self.parting = false;
        Ok(None)
    }

    fn remove(&mut self, at: usize, pid: u32) {
        let (_, reader) = self.readers.remove(at);
        self.dropped = self.dropped.saturating_add(reader.dropped());
        self.watch.forget(reader.shared());
        self.lost += 1;
        self.note(Event::Lost { pid });
    }

    fn note(&mut self, event: Event) {
        if self.events.len() == EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }

    /// Sleeps once: until a frame, a change, `until`, or for no reason.
    fn sleep(&mut self, until: Option<Instant>) {
        if let [(_, reader)] = self.readers.as_slice() {
            // The usual case. A change rings this bell too.
            let bell = reader.shared().doze(reader.row());
            if self.is_quiet() {
                futex::wait(bell, until);
            }
            reader.shared().control.awake(reader.row());
        } else {
            let seen = self.seen;
            let watch = Arc::clone(&self.watch);
            sleep_on(Watched { word: &watch.version, value: seen, shared: false }, &mut [self], until);
        }
    }

    fn version(&self) -> Watched<'_> {
        Watched { word: &self.watch.version, value: self.seen, shared: false }
    }

    /// Nothing to take and nothing to take in.
    fn is_quiet(&self) -> bool {
        !self.has_news() && self.readers.iter().all(|(_, r)| r.pending() == 0 && !r.is_closed())
    }
}

impl AsMut<Subscriber> for Subscriber {
    fn as_mut(&mut self) -> &mut Subscriber {
        self
    }
}

/// Sleeps while `word` has the value `value` and no subscriber has a frame or an event, at most for `timeout`; it may also
/// end for no reason. So a thread waits for other threads, who change the word and wake it ([`wake_word`]), and for
/// publishers in other processes, at once. Allocates nothing.
///
/// Before Linux 5.16, and with more than some sixty publishers, frames are looked for every millisecond.
pub fn wait_any<S: AsMut<Subscriber>>(
    word: &AtomicU32,
    value: u32,
    subscribers: &mut [S],
    timeout: Duration,
) {
    sleep_on(Watched { word, value, shared: false }, subscribers, Instant::now().checked_add(timeout));
}

/// Wakes the threads that sleep on `word` in [`wait_any`].
pub fn wake_word(word: &AtomicU32) {
    futex::wake(word, false);
}

fn sleep_on<S: AsMut<Subscriber>>(own: Watched<'_>, subscribers: &mut [S], until: Option<Instant>) {
    let mut words = [own; futex::MAX_WORDS];
    let mut rows: [Option<(&Shared, usize)>; futex::MAX_WORDS] = [None; futex::MAX_WORDS];
    let (mut count, mut quiet) = (1, true);
    for subscriber in subscribers.iter_mut() {
        let subscriber: &Subscriber = subscriber.as_mut();
        let bells = subscriber
            .readers
            .iter()
            .map(|(_, r)| (r.shared().doze(r.row()), Some((&**r.shared(), r.row()))));
        for (word, row) in bells.chain([(subscriber.version(), None)]) {
            if let (Some(w), Some(r)) = (words.get_mut(count), rows.get_mut(count)) {
                (*w, *r) = (word, row);
            }
            count += 1;
        }
        quiet &= subscriber.is_quiet();
    }
    if quiet {
        // One word is a plain futex. More than the kernel takes, or any on an old one: frames are looked for in slices.
        let slept = match words.get(..count) {
            Some([one]) => {
                futex::wait(*one, until);
                true
            }
            Some(all) => futex::wait_any(all, until),
            None => false,
        };
        if !slept {
            let slice = Instant::now() + SLICE;
            futex::wait(own, Some(until.map_or(slice, |u| u.min(slice))));
        }
    }
    for (bus, row) in rows.into_iter().flatten() {
        bus.control.awake(row);
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        // Readers first: their connections end as soon as their frames are gone.
        self.readers.clear();
        let _ = service::tell(Command::Unwatch(self.watch.id));
    }
}

impl std::fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscriber")
            .field("topic", &self.topic())
            .field("publishers", &self.publishers())
            .field("dropped", &self.dropped())
            .finish_non_exhaustive()
    }
}
