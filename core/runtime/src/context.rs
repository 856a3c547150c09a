//! What a callback may ask of the runtime: the time, and a way to stop everything.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::graph::Topics;
use crate::health::Health;
use crate::lane::Lane;
use crate::lifecycle::Lifecycle;
use crate::message::{Envelope, ErasedMessage, Origin};
use crate::time::{Clock, Time, monotonic_ns};
use crate::topic::{Inbox, Token, Topic};

/// Handed to every callback of a node. One for each node; never shared between threads at once.
#[derive(Debug)]
pub struct Context {
    pub(crate) node: Arc<str>,
    pub(crate) clock: Clock,
    /// The time of the round in lockstep; `None` reads the clock.
    pub(crate) frozen: Cell<Option<Time>>,
    /// Where the message being handled came from; outputs inherit it.
    pub(crate) origin: Cell<Option<Origin>>,
    /// In lockstep publications wait here for the end of the round.
    pub(crate) outbox: Option<RefCell<Vec<Publication>>>,
    /// In real time: the lane that the node runs on. `None` on a thread of a transport.
    pub(crate) lane: Option<Arc<Lane>>,
    /// What was published for nodes of the same lane. The lane takes it as soon as the callback returns, on the same
    /// thread: no queue, no lock, nobody to wake.
    pub(crate) near: RefCell<VecDeque<Token>>,
    pub(crate) stop: Stop,
    pub(crate) topics: Arc<Topics>,
    /// What is published here came from another process.
    pub(crate) imports: bool,
    /// The node drives the clock.
    pub(crate) simulates: bool,
    /// Whether the node works at present.
    pub(crate) lifecycle: Arc<Lifecycle>,
    /// How the node fares.
    pub(crate) health: Arc<Health>,
}

/// A publication that waits for the end of its round.
#[derive(Debug)]
pub(crate) enum Publication {
    Message(Envelope),
    Frame { topic: Arc<Topic>, bus: usize, time: Time },
}

/// Asks a running application to stop; shared with signal handlers.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<StopState>);

#[derive(Debug, Default)]
struct StopState {
    asked: AtomicBool,
    reason: Mutex<Option<StopReason>>,
    lanes: Mutex<Vec<Arc<Lane>>>,
}

/// Why an application stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopReason {
    /// A node or the user asked for it.
    Asked(String),
    /// A node could not go on.
    Failed {
        /// The node's full name.
        node: String,
        /// Its reason.
        reason: String,
    },
    /// The simulation came to its end, or nothing was left to do.
    Finished,
}

impl Stop {
    /// Asks for an orderly stop. The first reason stays, but a failure outranks a mere request.
    pub fn ask(&self, reason: StopReason) {
        {
            let mut slot = self.0.reason.lock().unwrap_or_else(PoisonError::into_inner);
            let outranks = matches!(reason, StopReason::Failed { .. })
                && !matches!(*slot, Some(StopReason::Failed { .. }));
            if slot.is_none() || outranks {
                *slot = Some(reason);
            }
        }
        self.0.asked.store(true, Ordering::Release);
        for lane in self.0.lanes.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            lane.wake();
        }
    }

    /// True once somebody asked.
    pub fn is_asked(&self) -> bool {
        self.0.asked.load(Ordering::Acquire)
    }

    /// The reason, once there is one.
    pub fn reason(&self) -> Option<StopReason> {
        self.0.reason.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Wakes every lane, so that it looks at its timers.
    pub(crate) fn wake_lanes(&self) {
        self.0.lanes.lock().unwrap_or_else(PoisonError::into_inner).iter().for_each(|lane| lane.wake());
    }

    pub(crate) fn watch(&self, lane: Arc<Lane>) {
        self.0.lanes.lock().unwrap_or_else(PoisonError::into_inner).push(lane);
    }
}

impl Context {
    /// The time of the node clock: simulated or system.
    pub fn now(&self) -> Time {
        self.frozen.get().unwrap_or_else(|| self.clock.now())
    }

    /// The node's full name, for messages to people.
    pub fn node_name(&self) -> &str {
        &self.node
    }

    /// Asks the whole application to stop in good order.
    pub fn shutdown(&self, reason: impl Into<String>) {
        self.stop.ask(StopReason::Asked(reason.into()));
    }

    /// Asks the whole application to stop because this node cannot go on; the program's exit code will say so.
    pub fn fail(&self, reason: impl std::fmt::Display) {
        let reason = reason.to_string();
        tracing::error!(node = %self.node, "{reason}");
        self.stop.ask(StopReason::Failed { node: self.node.to_string(), reason });
    }

    /// True when the simulator waits for every node.
    pub fn is_lockstep(&self) -> bool {
        self.outbox.is_some()
    }

    /// True once the application is asked to stop; long loops should look.
    pub fn is_stopping(&self) -> bool {
        self.stop.is_asked()
    }

    /// All topics of the process, once it is wired: for transports and monitors.
    pub fn topics(&self) -> &Arc<Topics> {
        &self.topics
    }

    /// A context for a thread of a transport, on which what comes from other processes is published.
    pub fn for_imports(&self) -> Self {
        Self {
            node: self.node.clone(),
            clock: self.clock.clone(),
            frozen: None.into(),
            origin: None.into(),
            outbox: None,
            lane: None,
            near: RefCell::default(),
            stop: self.stop.clone(),
            topics: self.topics.clone(),
            imports: true,
            simulates: false,
            lifecycle: self.lifecycle.clone(),
            health: self.health.clone(),
        }
    }

    pub(crate) fn emit(&self, topic: &Arc<Topic>, message: Arc<dyn ErasedMessage>) {
        self.emit_numbered(topic, message, 0);
    }

    /// As [`emit`](Self::emit), with the message's number among its publisher's. Returns whether it leads out of the process.
    pub(crate) fn emit_numbered(
        &self,
        topic: &Arc<Topic>,
        message: Arc<dyn ErasedMessage>,
        number: u64,
    ) -> bool {
        let published_ns = monotonic_ns();
        let origin = self.origin.get();
        let (topic, node) = (topic.clone(), self.node.clone());
        let envelope = Envelope { topic, node, message, origin, published_ns, time: self.now(), number };
        match &self.outbox {
            Some(outbox) => {
                outbox.borrow_mut().push(Publication::Message(envelope));
                false
            }
            None => envelope.topic.fan_out(&envelope, self.imports, |inbox, token| {
                if self.is_near(inbox) {
                    self.near.borrow_mut().push_back(token);
                } else {
                    inbox.lane.push(token);
                }
            }),
        }
    }

    pub(crate) fn emit_frame(&self, topic: &Arc<Topic>, bus: usize) {
        match &self.outbox {
            Some(outbox) => {
                let time = self.now();
                outbox.borrow_mut().push(Publication::Frame { topic: topic.clone(), bus, time });
            }
            None => topic.fan_out_frame(bus, self.imports, |inbox, token, queued| {
                if self.is_near(inbox) {
                    let mut near = self.near.borrow_mut();
                    if !near.contains(&token) {
                        near.push_back(token);
                    }
                } else if !queued.swap(true, Ordering::AcqRel) {
                    inbox.lane.push(token);
                }
            }),
        }
    }

    /// Whether the inbox is one of the lane whose thread this is.
    fn is_near(&self, inbox: &Inbox) -> bool {
        self.lane.as_ref().is_some_and(|lane| Arc::ptr_eq(lane, &inbox.lane))
    }
}
