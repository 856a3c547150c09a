//! Sleeping until something happened; free for the one who rings while nobody sleeps.
//!
//! Invariant: whoever sleeps either saw the event or is seen by its ringer. The sleeper counts itself and fences before it
//! looks; the ringer acts and fences before it reads the count.

use std::sync::atomic::{AtomicU32, Ordering, fence};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

#[derive(Default)]
pub(crate) struct Doorbell {
    sleepers: AtomicU32,
    lock: Mutex<()>,
    bell: Condvar,
}

impl Doorbell {
    /// Wakes the sleepers, who look again. One fence and one load if there are none.
    pub(crate) fn ring(&self) {
        fence(Ordering::SeqCst);
        if self.sleepers.load(Ordering::Relaxed) != 0 {
            drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner));
            self.bell.notify_all();
        }
    }

    /// Sleeps until `ready`, or until `deadline` (never, if `None`). Returns what `ready` said last.
    pub(crate) fn wait(&self, deadline: Option<Instant>, ready: impl Fn() -> bool) -> bool {
        if ready() {
            return true;
        }
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        let mut guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = loop {
            if ready() {
                break true;
            }
            guard = match deadline.map(|d| d.saturating_duration_since(Instant::now())) {
                None => self.bell.wait(guard).unwrap_or_else(PoisonError::into_inner),
                Some(left) if left.is_zero() => break false,
                Some(left) => self.bell.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        };
        drop(guard);
        self.sleepers.fetch_sub(1, Ordering::SeqCst);
        answer
    }
}
