//! Taking frames: a reader, its policy, and the pins it holds.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::bus::Bus;
use crate::protocol::{Claim, Holders, PINS, Sound};
use crate::shared::{Shared, Waker};
use crate::slots::PinnedSlot;
use crate::{Error, Frame, Result};

/// Which frames a reader that is slower than its publisher gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// The newest only. The others are dropped and counted.
    Latest,
    /// The newest `k`, oldest first; `k` is at most the bus's `keep`. Older ones are dropped and counted.
    KeepLast(usize),
    /// All of them: the publisher waits for this reader, at most `wait` per frame. After one wait in vain the reader
    /// counts as stalled and is not waited for until it takes again, so that a dead one costs one wait, not one per
    /// frame; what it misses meanwhile is counted.
    Lossless {
        /// Longest wait of the publisher.
        wait: Duration,
    },
}

/// A reader's row and the holders of its pins. Lives until the reader and all its frames are gone.
pub(crate) struct Pins {
    shared: Arc<Shared>,
    row: usize,
    limit: usize,
    holders: Holders,
}

impl Pins {
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// One more frame holds `pin`, which is held already.
    pub(crate) fn share(&self, pin: usize) {
        self.holders.share(pin);
    }

    /// One frame less holds `pin`.
    pub(crate) fn unpin(&self, pin: usize) {
        self.holders.drop_one::<Sound>(&self.shared.control, self.row, pin);
    }
}

impl Drop for Pins {
    fn drop(&mut self) {
        let mut registry = self.shared.registry();
        self.shared.control.release(self.row);
        registry.pins -= self.limit;
    }
}

/// Takes frames from a bus, by its policy. See [`Bus::reader`].
pub struct Reader {
    pins: Arc<Pins>,
    /// Frames the policy looks back.
    depth: u64,
    lossless: bool,
    /// Sequence wanted next.
    next: u64,
    dropped: u64,
    wakers: Vec<u64>,
}

impl Reader {
    pub(crate) fn new(shared: &Arc<Shared>, policy: Policy, pins: usize) -> Result<Reader> {
        let bus = || shared.name.clone();
        if pins == 0 || pins > PINS {
            return Err(Error::PinCount { bus: bus(), pins, max: PINS });
        }
        let (depth, lossless_ns) = match policy {
            Policy::Latest => (1, None),
            Policy::KeepLast(k) if k == 0 || k > shared.keep => {
                return Err(Error::PolicyDepth { bus: bus(), k, keep: shared.keep });
            }
            Policy::KeepLast(k) => (k, None),
            Policy::Lossless { wait } => {
                (shared.keep, Some(u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX)))
            }
        };
        let mut registry = shared.registry();
        let sum = registry.pins + pins;
        let needed = shared.keep + sum + 2;
        if needed > shared.count {
            return Err(Error::NotEnoughSlots {
                bus: bus(),
                slots: shared.count,
                needed,
                keep: shared.keep,
                pins: sum,
            });
        }
        let claim = Claim { pins, lossless_ns };
        let Some((row, next)) = shared.control.claim(shared.max_readers, claim) else {
            return Err(Error::TooManyReaders { bus: bus(), max: shared.max_readers });
        };
        registry.pins = sum;
        drop(registry);
        let pins =
            Arc::new(Pins { shared: Arc::clone(shared), row, limit: pins, holders: Holders::default() });
        Ok(Reader {
            pins,
            depth: depth as u64,
            lossless: lossless_ns.is_some(),
            next,
            dropped: 0,
            wakers: Vec::new(),
        })
    }

    /// The next frame by this reader's policy, or `None` if there is no new one. Never blocks and never allocates.
    ///
    /// # Errors
    /// `PG-0108` if the reader holds as many frames as it has pins (no frame is lost by that call); `PG-0113` if the
    /// slot is of another version.
    pub fn take(&mut self) -> Result<Option<Frame>> {
        let shared = &self.pins.shared;
        let Some(pin) = self.pins.holders.free(self.pins.limit) else {
            return if self.pending() == 0 {
                Ok(None)
            } else {
                Err(Error::PinsExhausted { bus: shared.name.clone(), pins: self.pins.limit })
            };
        };
        let control = &shared.control;
        let Some(found) = control.take::<Sound>(self.pins.row, pin, self.next, self.depth, shared.keep)
        else {
            return Ok(None);
        };
        self.pins.holders.hold(pin);
        self.dropped += found.sequence - self.next;
        self.next = found.sequence + 1;
        if self.lossless {
            shared.space.ring();
        }
        // SAFETY: `take` validated the pin for this slot, and it is counted once, for this frame.
        let slot = unsafe { PinnedSlot::new(Arc::clone(&self.pins), pin, found.slot) }?;
        Ok(Some(Frame::new(slot, found.sequence)))
    }

    /// Sleeps until a frame can be taken, the writer is gone, or `timeout` has passed. Returns whether a frame can be taken.
    pub fn wait(&self, timeout: Duration) -> bool {
        let deadline = Instant::now().checked_add(timeout);
        self.pins.shared.frames.wait(deadline, || self.pending() > 0 || self.is_closed());
        self.pending() > 0
    }

    /// Frames that [`take`](Self::take) would return one after the other, if none were published meanwhile.
    pub fn pending(&self) -> u64 {
        (self.pins.shared.control.head() + 1).saturating_sub(self.next).min(self.depth)
    }

    /// Frames that were published since this reader came and that it will never get: exact, from the gaps in the
    /// sequence up to the last frame taken.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Frames of this reader that are held now (clones count once).
    pub fn held(&self) -> usize {
        self.pins.holders.held(self.pins.limit)
    }

    /// Whether the writer is gone. Frames that it published can still be taken.
    pub fn is_closed(&self) -> bool {
        self.pins.shared.closed.load(Ordering::Acquire)
    }

    /// Calls `waker` after each publish, on the publisher's thread, until this reader is dropped. It should do no more
    /// than set a flag and unpark a thread. It may be called once more after the reader is gone.
    pub fn on_publish(&mut self, waker: Waker) {
        self.wakers.push(self.pins.shared.add_waker(waker));
    }

    /// The bus that this reader reads.
    pub fn bus(&self) -> Bus {
        Bus::new(&self.pins.shared)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let shared = &self.pins.shared;
        for id in self.wakers.drain(..) {
            shared.remove_waker(id);
        }
        shared.control.retire(self.pins.row);
        shared.space.ring();
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader")
            .field("bus", &self.pins.shared.name)
            .field("next", &self.next)
            .field("dropped", &self.dropped)
            .finish_non_exhaustive()
    }
}
