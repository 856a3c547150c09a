//! Frame topics whose publishers are in other processes of this host: read in place, on the lane of the node that reads.
//!
//! Invariant: a frame reaches a node once. Publishers of this process are read through the topic's own buses, those of
//! other processes here, and what a network transport brings of these is dropped.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use peregrine_frame::{Event, Frame, Host, SubscribeOptions, Subscriber};

use crate::error::Result;
use crate::message::Delivery;
use crate::topic::Topic;

/// A subscription to one frame topic of the host.
#[derive(Debug)]
pub(crate) struct Hosted {
    pub node: usize,
    pub sub: usize,
    topic: Arc<Topic>,
    subscriber: Subscriber,
    /// The topic's numbers are kept by its first reader in this process.
    counts: bool,
    dropped: Arc<AtomicU64>,
    /// Takes in a row that failed.
    errors: u64,
}

impl AsMut<Subscriber> for Hosted {
    fn as_mut(&mut self) -> &mut Subscriber {
        &mut self.subscriber
    }
}

/// What a look at a subscription came to.
pub(crate) enum Taken {
    Frame(Delivery),
    Nothing,
    /// The node holds all the frames it may; there is no use in looking again at once.
    Choked,
}

impl Hosted {
    pub fn open(
        host: &Host,
        topic: &Arc<Topic>,
        (node, sub): (usize, usize),
        options: &SubscribeOptions,
        dropped: Arc<AtomicU64>,
    ) -> Result<Self> {
        let subscriber = host.subscribe_with(topic.name(), options)?;
        let counts = topic.claim_host();
        topic.attach((node, sub), BTreeSet::new());
        Ok(Self { node, sub, topic: topic.clone(), subscriber, counts, dropped, errors: 0 })
    }

    pub fn take(&mut self) -> Taken {
        let mut taken = self.subscriber.take();
        // The network was faster, while the publisher was new here.
        while let Ok(Some(frame)) = &taken
            && self.topic.is_old_frame(&frame.source(), frame.sequence())
        {
            taken = self.subscriber.take();
        }
        self.tell();
        match taken {
            Ok(Some(frame)) => Taken::Frame(self.deliver(frame)),
            Ok(None) => Taken::Nothing,
            Err(error) => {
                self.errors += 1;
                if self.errors % 100 == 1 {
                    tracing::error!(topic = self.topic.name(), count = self.errors, "{error}");
                }
                Taken::Choked
            }
        }
    }

    fn deliver(&mut self, frame: Frame) -> Delivery {
        self.errors = 0;
        self.dropped.store(self.subscriber.dropped(), Ordering::Relaxed);
        if self.counts {
            self.topic.count_hosted();
        }
        Delivery::Frame { topic: self.topic.clone(), frame }
    }

    /// Says what became of the publishers.
    fn tell(&mut self) {
        let changed = tell_events(&mut self.subscriber, self.topic.name(), "frames");
        if changed {
            self.topic.attach((self.node, self.sub), self.subscriber.sources().collect());
            if self.counts {
                self.topic.set_host_publishers(self.subscriber.publishers());
            }
        }
    }
}

/// Says what became of the publishers of `topic`, whose `what` are read in place. True if anything did.
pub(crate) fn tell_events(subscriber: &mut Subscriber, topic: &str, what: &str) -> bool {
    let mut changed = false;
    for event in subscriber.events() {
        changed = true;
        match event {
            // The end of a publisher was a warning, so its return is heard by the same people.
            Event::Attached { again: false, .. } => tracing::info!(topic, "{what}: {event}"),
            _ => tracing::warn!(topic, "{what}: {event}"),
        }
    }
    changed
}
