//! Taking frames: a reader, its policy, and the pins it holds.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::bus::Bus;
use crate::protocol::{Holders, PINS, Sound};
use crate::shared::{Place, Shared, Waker};
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

impl Policy {
    /// The depth, and how long the publisher waits, ns; if the ring of `keep` frames can serve it.
    pub(crate) fn resolve(self, bus: &str, keep: usize, pins: usize) -> Result<(usize, Option<u64>)> {
        if pins == 0 || pins > PINS {
            return Err(Error::PinCount { bus: bus.to_owned(), pins, max: PINS });
        }
        match self {
            Policy::Latest => Ok((1, None)),
            Policy::KeepLast(k) if k == 0 || k > keep => {
                Err(Error::PolicyDepth { bus: bus.to_owned(), k, keep })
            }
            Policy::KeepLast(k) => Ok((k, None)),
            Policy::Lossless { wait } => Ok((keep, Some(u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX)))),
        }
    }
}

/// A reader's row and the holders of its pins. Lives until the reader and all its frames are gone.
pub(crate) struct Pins {
    shared: Arc<Shared>,
    row: usize,
    limit: usize,
    holders: Holders,
    /// The connection to the process that publishes: its end gives the row back.
    link: Option<OwnedFd>,
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
        match &self.link {
            None => self.shared.dismiss(&Place { row: self.row, next: 0, pins: self.limit }),
            // The publisher keeps the books. It hears of the end when all frames are gone, for this is the last of them.
            Some(link) => drop(rustix::net::shutdown(link, rustix::net::Shutdown::Both)),
        }
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
        let place = shared.admit(policy, pins, crate::process::own(), false)?;
        Ok(Reader::at(Arc::clone(shared), policy, &place, None))
    }

    /// A reader whose row has been claimed for it: over `link`, if the bus is another process's.
    pub(crate) fn at(shared: Arc<Shared>, policy: Policy, place: &Place, link: Option<OwnedFd>) -> Reader {
        let depth = match policy {
            Policy::Latest => 1,
            Policy::KeepLast(k) => k,
            Policy::Lossless { .. } => shared.keep,
        };
        let pins = Pins { shared, row: place.row, limit: place.pins, holders: Holders::default(), link };
        Reader {
            pins: Arc::new(pins),
            depth: depth as u64,
            lossless: matches!(policy, Policy::Lossless { .. }),
            next: place.next,
            dropped: 0,
            wakers: Vec::new(),
        }
    }

    /// The next frame by this reader's policy, or `None` if there is no new one. Never blocks and never allocates.
    ///
    /// # Errors
    /// `PG-0108` if the reader holds as many frames as it has pins (no frame is lost by that call); `PG-0113` if the
    /// slot is of another version.
    pub fn take(&mut self) -> Result<Option<Frame>> {
        loop {
            match self.take_any()? {
                // Its bytes lie in another process's bus, which cannot be seen from here.
                Some(frame) if frame.is_out_of_sight() => {
                    self.dropped += 1;
                }
                other => return Ok(other),
            }
        }
    }

    fn take_any(&mut self) -> Result<Option<Frame>> {
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
        self.dropped = self.dropped.wrapping_add(found.sequence - self.next);
        self.next = found.sequence.saturating_add(1);
        if self.lossless {
            shared.space_made();
        }
        // SAFETY: `take` validated the pin for this slot, and it is counted once, for this frame.
        let slot = unsafe { PinnedSlot::new(Arc::clone(&self.pins), pin, found.slot) }?;
        Ok(Some(Frame::new(slot, found.sequence)))
    }

    /// Sleeps until a frame can be taken, the writer is gone, or `timeout` has passed. Returns whether a frame can be taken.
    pub fn wait(&mut self, timeout: Duration) -> bool {
        // A frame that is there costs no look at the clock.
        if self.pending() == 0 {
            let deadline = Instant::now().checked_add(timeout);
            self.pins.shared.sleep(self.pins.row, deadline, || self.pending() > 0 || self.is_closed());
        }
        self.pending() > 0
    }

    /// Frames that [`take`](Self::take) would return one after the other, if none were published meanwhile.
    pub fn pending(&self) -> u64 {
        self.pins.shared.control.head().saturating_add(1).saturating_sub(self.next).min(self.depth)
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

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.pins.shared
    }

    pub(crate) fn row(&self) -> usize {
        self.pins.row
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
        shared.space_made();
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
