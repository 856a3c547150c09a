//! A lane: one named thread and the queue of what its nodes have to look at.
//!
//! Invariant: a push is seen. The producer pushes, fences, then looks whether the lane sleeps; the lane says that it
//! sleeps, fences, then looks into the queue. One of the two always sees the other; no tool proves it, so it is kept
//! in these two functions alone.
//!
//! The queue is a ring made when the lane's readers are known, as large as all that can wait for them, so that a push
//! allocates nothing.

use std::sync::atomic::{AtomicU32, Ordering, fence};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use crossbeam::queue::{ArrayQueue, SegQueue};
use peregrine_frame::host::{wait_any, wake_word};

use crate::hosted::Hosted;
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
    queue: OnceLock<ArrayQueue<Token>>,
    /// What does not fit, should the sums ever be wrong: late is better than lost.
    overflow: SegQueue<Token>,
    /// 1 while the lane's thread sleeps; a futex.
    sleeping: AtomicU32,
}

impl Lane {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            options: Mutex::default(),
            queue: OnceLock::new(),
            overflow: SegQueue::new(),
            sleeping: AtomicU32::new(0),
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

    /// Makes room for `tokens` tokens. Called once, when the readers are known.
    pub(crate) fn make_room(&self, tokens: usize) {
        let _ = self.queue.set(ArrayQueue::new(tokens.max(1)));
    }

    /// Queues a token, and wakes the lane's thread if it sleeps. On the lane's own thread nothing needs waking: the
    /// next node runs as soon as the present callback returns.
    pub(crate) fn push(&self, token: Token) {
        let left = match self.queue.get() {
            Some(queue) => queue.push(token).err(),
            None => Some(token),
        };
        if let Some(token) = left {
            self.overflow.push(token);
        }
        fence(Ordering::SeqCst);
        if self.sleeping.load(Ordering::Relaxed) != 0 {
            self.wake();
        }
    }

    pub(crate) fn wake(&self) {
        if self.sleeping.swap(0, Ordering::AcqRel) != 0 {
            wake_word(&self.sleeping);
        }
    }

    pub(crate) fn pop(&self) -> Option<Token> {
        self.queue.get().and_then(ArrayQueue::pop).or_else(|| self.overflow.pop())
    }

    fn is_empty(&self) -> bool {
        self.queue.get().is_none_or(ArrayQueue::is_empty) && self.overflow.is_empty()
    }

    /// Sleeps until a push, a wake, a frame from another process, or the end of `limit`.
    pub(crate) fn sleep(&self, limit: Duration, hosted: &mut [Hosted]) {
        self.sleeping.store(1, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if self.is_empty() {
            wait_any(&self.sleeping, 1, hosted, limit);
        }
        self.sleeping.store(0, Ordering::Relaxed);
    }
}
