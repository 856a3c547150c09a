//! A lane: one named thread and the queue of what its nodes have to look at.
//!
//! Invariant: a push is seen. The producer pushes, fences, then looks whether the lane sleeps; the lane says that it
//! sleeps, fences, then looks into the queue. One of the two always sees the other; no tool proves it, so it is kept
//! in these two functions alone.

use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::{self, Thread, ThreadId};
use std::time::Duration;

use crossbeam::queue::SegQueue;

use crate::topic::Token;

/// How a lane's thread is to run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LaneOptions {
    /// The CPU it stays on, if any.
    pub cpu: Option<usize>,
    /// `SCHED_FIFO` priority 1 to 99, if any.
    pub priority: Option<u8>,
}

/// The queue and the sleeper of one lane.
#[derive(Debug)]
pub struct Lane {
    name: String,
    options: Mutex<LaneOptions>,
    queue: SegQueue<Token>,
    sleeping: AtomicBool,
    thread: OnceLock<Thread>,
}

impl Lane {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            options: Mutex::default(),
            queue: SegQueue::new(),
            sleeping: AtomicBool::new(false),
            thread: OnceLock::new(),
        }
    }

    /// Its name, also the thread's.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn set_options(&self, options: LaneOptions) {
        *self.options.lock().unwrap_or_else(PoisonError::into_inner) = options;
    }

    pub(crate) fn options(&self) -> LaneOptions {
        self.options.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The calling thread is this lane from now on.
    pub(crate) fn adopt_current_thread(&self) {
        let _ = self.thread.set(thread::current());
    }

    fn is_current(&self, id: ThreadId) -> bool {
        self.thread.get().is_some_and(|t| t.id() == id)
    }

    /// Queues a token, and wakes the lane's thread if it sleeps. On the lane's own thread nothing needs waking: the
    /// next node runs as soon as the present callback returns.
    pub(crate) fn push(&self, token: Token) {
        self.queue.push(token);
        fence(Ordering::SeqCst);
        if self.sleeping.load(Ordering::Relaxed) && !self.is_current(thread::current().id()) {
            self.wake();
        }
    }

    pub(crate) fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    pub(crate) fn pop(&self) -> Option<Token> {
        self.queue.pop()
    }

    /// Sleeps until a push, a wake, or the end of `limit`.
    pub(crate) fn sleep(&self, limit: Duration) {
        self.sleeping.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if self.queue.is_empty() {
            thread::park_timeout(limit);
        }
        self.sleeping.store(false, Ordering::Relaxed);
    }
}
