//! A seat: one node's host with everything the executors need to find its work.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Inboxes;
use crate::host::Host;
use crate::lane::Lane;
use crate::message::Delivery;
use crate::period::Period;
use crate::topic::{Feed, Token};

#[derive(Debug)]
pub(super) struct Seat {
    host: Mutex<Host>,
    pub inboxes: Inboxes,
    pub lane: Arc<Lane>,
    /// In lockstep: how long the node is taken to need for a frame, in simulated time.
    pub latency: Duration,
    pub drives_clock: bool,
    pub timers: Vec<Period>,
}

impl Seat {
    pub fn new(host: Host, inboxes: Inboxes, lane: Arc<Lane>, latency: Duration) -> Self {
        let (drives_clock, timers) = (host.drives_clock, host.timers.clone());
        Self { host: Mutex::new(host), inboxes, lane, latency, drives_clock, timers }
    }

    pub fn host(&self) -> MutexGuard<'_, Host> {
        self.host.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As [`take`](Self::take), for a lane: a frame's token stands for all that its reader finds, so that a fast camera
    /// does not pile tokens up. What is left is queued again.
    pub fn take_and_requeue(&self, token: Token) -> Option<Delivery> {
        let inbox = self.inboxes.get(token.sub)?;
        let Some(at) = token.feed else { return inbox.messages.pop().map(Delivery::Message) };
        let mut feeds = inbox.feeds();
        let feed = feeds.get_mut(at)?;
        // Before the look, or a frame that comes meanwhile would have no token.
        feed.queued.swap(false, Ordering::AcqRel);
        let delivery = take_frame(feed)?;
        if feed.reader.pending() > 0 && !feed.queued.swap(true, Ordering::AcqRel) {
            self.lane.push(token);
        }
        Some(delivery)
    }

    /// As [`take`](Self::take), for what a node of the same lane left: also whether the token stands for more.
    pub fn take_near(&self, token: Token) -> Option<(Delivery, bool)> {
        let inbox = self.inboxes.get(token.sub)?;
        let Some(at) = token.feed else { return inbox.messages.pop().map(|m| (Delivery::Message(m), false)) };
        let mut feeds = inbox.feeds();
        let feed = feeds.get_mut(at)?;
        let delivery = take_frame(feed)?;
        Some((delivery, feed.reader.pending() > 0))
    }

    /// What a token stands for; `None` when a newer frame has taken its place or nothing is left.
    pub fn take(&self, token: Token) -> Option<Delivery> {
        let inbox = self.inboxes.get(token.sub)?;
        match token.feed {
            None => inbox.messages.pop().map(Delivery::Message),
            Some(feed) => take_frame(inbox.feeds().get_mut(feed)?),
        }
    }
}

fn take_frame(feed: &mut Feed) -> Option<Delivery> {
    match feed.reader.take() {
        Ok(frame) => frame.map(|frame| Delivery::Frame { topic: feed.topic.clone(), frame }),
        Err(error) => {
            tracing::error!(topic = feed.topic.name(), "{error}");
            None
        }
    }
}
