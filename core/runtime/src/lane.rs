//! A lane: one named thread and the queue of what its nodes have to look at.
//!
//! Invariant: a push is seen, and so is a wake. The producer pushes, fences, then looks whether the lane sleeps; the lane
//! says that it sleeps, fences, then looks into the queue. One of the two always sees the other. A wake is the same with a
//! flag in place of the queue, which is why a lane may sleep without a limit. No tool proves it, so it is kept in these
//! few functions alone.
//!
//! The queue is a ring made when the lane's readers are known, as large as all that can wait for them, so that a push
//! allocates nothing.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering, fence};
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
    /// It is to look around: at the stop, at the clock.
    woken: AtomicBool,
}

impl Lane {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            options: Mutex::default(),
            queue: OnceLock::new(),
            overflow: SegQueue::new(),
            sleeping: AtomicU32::new(0),
            woken: AtomicBool::new(false),
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

    /// Tokens that there is room for.
    pub(crate) fn room(&self) -> usize {
        self.queue.get().map_or(0, ArrayQueue::capacity)
    }

    /// Queues a token, and wakes the lane's thread if it sleeps.
    pub(crate) fn push(&self, token: Token) {
        let left = match self.queue.get() {
            Some(queue) => queue.push(token).err(),
            None => Some(token),
        };
        if let Some(token) = left {
            self.overflow.push(token);
        }
        fence(Ordering::SeqCst);
        self.rouse();
    }

    /// Has the lane look at the stop and at the clock, now if it sleeps, or else before it sleeps.
    pub(crate) fn wake(&self) {
        self.woken.store(true, Ordering::Release);
        fence(Ordering::SeqCst);
        self.rouse();
    }

    /// After a fence.
    fn rouse(&self) {
        if self.sleeping.load(Ordering::Relaxed) != 0 && self.sleeping.swap(0, Ordering::AcqRel) != 0 {
            wake_word(&self.sleeping);
        }
    }

    pub(crate) fn pop(&self) -> Option<Token> {
        self.queue.get().and_then(ArrayQueue::pop).or_else(|| self.overflow.pop())
    }

    fn is_empty(&self) -> bool {
        self.queue.get().is_none_or(ArrayQueue::is_empty) && self.overflow.is_empty()
    }

    /// Sleeps until a push, a wake, a frame from another process, or the end of `limit` ([`Duration::MAX`]: without one).
    /// It may end for no reason.
    pub(crate) fn sleep(&self, limit: Duration, hosted: &mut [Hosted]) {
        self.sleeping.store(1, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if self.is_empty() && !self.woken.load(Ordering::Relaxed) {
            wait_any(&self.sleeping, 1, hosted, limit);
        }
        self.sleeping.store(0, Ordering::Relaxed);
        // What the waker stored before is seen by whoever looks from here on.
        self.woken.swap(false, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicU64;
    use std::time::Instant;

    /// The lane sleeps without a limit each time: one wake that is lost, and it never says so again.
    #[test]
    fn no_wake_is_lost() {
        const TURNS: u64 = 5_000;
        let lane = Arc::new(Lane::new("lane"));
        let (told, heard) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let sleeper = {
            let (lane, told, heard) = (lane.clone(), told.clone(), heard.clone());
            std::thread::spawn(move || {
                let mut last = 0;
                while last < TURNS {
                    let now = told.load(Ordering::Acquire);
                    if now == last {
                        lane.sleep(Duration::MAX, &mut []);
                    } else {
                        last = now;
                        heard.store(last, Ordering::Release);
                    }
                }
            })
        };
        for turn in 1..=TURNS {
            told.store(turn, Ordering::Release);
            if turn % 2 == 0 {
                lane.wake()
            } else {
                lane.push(Token { node: 0, sub: 0, feed: None })
            }
            let deadline = Instant::now() + Duration::from_secs(20);
            while heard.load(Ordering::Acquire) != turn {
                assert!(Instant::now() < deadline, "wake {turn} was lost");
                std::thread::yield_now();
            }
            while lane.pop().is_some() {}
        }
        sleeper.join().unwrap();
    }
}
