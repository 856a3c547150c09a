//! What the publisher and the readers of one bus share in this process.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::control::ControlRef;
use crate::futex::{self, Watched};
use crate::protocol::{Claim, Owner, Sound};
use crate::slots::Slots;
use crate::{Error, Policy, Result};

/// Called after each publish, on the publisher's thread.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

/// Longest time that a publisher waits for a lossless reader of another process, whatever that one asks for.
const LONGEST_REMOTE_WAIT: Duration = Duration::from_secs(1);

pub(crate) struct Shared {
    pub(crate) name: String,
    /// Unique in this process; never 0.
    pub(crate) id: u64,
    pub(crate) keep: usize,
    /// Slots that readers may count on.
    pub(crate) count: usize,
    pub(crate) max_readers: usize,
    pub(crate) control: ControlRef,
    pub(crate) slots: Slots,
    /// Who publishes, for programs and for people, where the publisher said so.
    pub(crate) source: [u8; 16],
    pub(crate) label: String,
    /// The slots lie in huge pages.
    pub(crate) huge: bool,
    /// Slots are made present by their first use only.
    pub(crate) lazy: bool,
    /// Slots that are in the publisher's hands, one bit each. Not part of the protocol: no reader looks at it.
    pub(crate) loaned: AtomicU64,
    pub(crate) failed_loans: AtomicU64,
    pub(crate) lossless_timeouts: AtomicU64,
    pub(crate) closed: AtomicBool,
    wakers_version: AtomicU64,
    registry: Mutex<Registry>,
}

/// What changes only when readers come and go.
#[derive(Default)]
pub(crate) struct Registry {
    /// Sum of the pins of all readers.
    pub(crate) pins: usize,
    next_waker: u64,
    wakers: Vec<(u64, Waker)>,
}

/// A row that a reader got, and where it starts.
pub(crate) struct Place {
    pub row: usize,
    /// Sequence of the first frame that it gets.
    pub next: u64,
    pub pins: usize,
}

/// The numbers of a bus.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub keep: usize,
    pub count: usize,
    pub max_readers: usize,
}

impl Shared {
    pub(crate) fn new(name: &str, shape: Shape, control: ControlRef, slots: Slots) -> Shared {
        static NEXT_ID: AtomicU64 = AtomicU64::new(1);
        Shared {
            name: name.to_owned(),
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            keep: shape.keep,
            count: shape.count,
            max_readers: shape.max_readers,
            control,
            slots,
            source: [0; 16],
            label: String::new(),
            huge: false,
            lazy: false,
            loaned: AtomicU64::new(0),
            failed_loans: AtomicU64::new(0),
            lossless_timeouts: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            wakers_version: AtomicU64::new(0),
            registry: Mutex::default(),
        }
    }

    /// A row for a reader, if the slots and the rows suffice. A tool may have the slot and the row that are kept for it.
    pub(crate) fn admit(&self, policy: Policy, pins: usize, owner: Owner, tool: bool) -> Result<Place> {
        let (slots, rows) =
            if tool { (self.slots.count(), self.max_readers + 1) } else { (self.count, self.max_readers) };
        let (depth, lossless_ns) = policy.resolve(&self.name, self.keep, pins)?;
        let mut registry = self.registry();
        let sum = registry.pins + pins;
        let needed = self.keep + sum + 2;
        if needed > slots {
            return Err(Error::NotEnoughSlots {
                bus: self.name.clone(),
                slots,
                needed,
                keep: self.keep,
                pins: sum,
            });
        }
        // Before the row is claimed: what is published until then is not the reader's loss.
        if !self.lazy {
            self.slots.prefault(needed);
        }
        let claim = Claim { pins, depth, lossless_ns, owner };
        let Some((row, next)) = self.control.claim(rows, claim) else {
            return Err(Error::TooManyReaders { bus: self.name.clone(), max: self.max_readers });
        };
        registry.pins = sum;
        drop(registry);
        Ok(Place { row, next, pins })
    }

    /// Takes a row back whose reader is gone, with whatever it still held.
    pub(crate) fn dismiss(&self, place: &Place) {
        let mut registry = self.registry();
        self.control.expel::<Sound>(place.row);
        registry.pins = registry.pins.saturating_sub(place.pins);
        drop(registry);
        self.space_made();
    }

    /// Wakes the readers that sleep. A fence and a load for each reader if none does.
    pub(crate) fn ring(&self) {
        if self.control.ring::<Sound>() {
            futex::wake(self.control.bell(), self.control.is_shared());
        }
    }

    /// Wakes all readers of the bus, whatever for: they look again.
    pub(crate) fn alarm(&self) {
        self.control.alarm();
        futex::wake(self.control.bell(), self.control.is_shared());
    }

    /// Sleeps, as the reader of `row`, until `ready` or `deadline` (never, if `None`). Returns what `ready` said last.
    pub(crate) fn sleep(&self, row: usize, deadline: Option<Instant>, ready: impl Fn() -> bool) -> bool {
        if ready() {
            return true;
        }
        loop {
            let bell = self.doze(row);
            let answer = ready();
            let late = deadline.is_some_and(|d| d <= Instant::now());
            if answer || late {
                self.control.awake(row);
                return answer;
            }
            futex::wait(bell, deadline);
        }
    }

    /// Says that the reader of `row` is about to sleep, and on what.
    pub(crate) fn doze(&self, row: usize) -> Watched<'_> {
        let value = self.control.doze::<Sound>(row);
        Watched { word: self.control.bell(), value, shared: self.control.is_shared() }
    }

    /// A lossless reader took a frame, or went.
    pub(crate) fn space_made(&self) {
        if self.control.make_space() {
            futex::wake(self.control.space(), self.control.is_shared());
        }
    }

    /// Waits for the lossless readers that have not taken the frame which the next publish overwrites.
    pub(crate) fn wait_for_lossless(&self) {
        let Some(ns) = self.control.lossless_wait(self.keep) else { return };
        let mut wait = Duration::from_nanos(ns);
        if self.control.is_shared() {
            wait = wait.min(LONGEST_REMOTE_WAIT);
        }
        let deadline = Instant::now().checked_add(wait);
        loop {
            let value = self.control.await_space();
            if self.control.lossless_wait(self.keep).is_none() {
                break;
            }
            if deadline.is_some_and(|d| d <= Instant::now()) {
                let given_up = self.control.give_up(self.keep);
                let before = self.lossless_timeouts.fetch_add(given_up, Ordering::Relaxed);
                self.control.tally.0.lossless_timeouts.store(before + given_up, Ordering::Relaxed);
                break;
            }
            let on = Watched { word: self.control.space(), value, shared: self.control.is_shared() };
            futex::wait(on, deadline);
        }
        self.control.has_space();
    }

    pub(crate) fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add_waker(&self, waker: Waker) -> u64 {
        let mut registry = self.registry();
        registry.next_waker += 1;
        let id = registry.next_waker;
        registry.wakers.push((id, waker));
        self.wakers_version.fetch_add(1, Ordering::Release);
        id
    }

    pub(crate) fn remove_waker(&self, id: u64) {
        let mut registry = self.registry();
        let found = registry.wakers.iter().position(|(i, _)| *i == id);
        // Dropped after the lock: a waker may own a reader's last handle.
        let _waker = found.map(|at| registry.wakers.remove(at));
        self.wakers_version.fetch_add(1, Ordering::Release);
        drop(registry);
    }
}

/// The publisher's own copy of the wakers, so that calling them takes no lock and allocates nothing.
#[derive(Default)]
pub(crate) struct WakerCache {
    version: u64,
    wakers: Vec<(u64, Waker)>,
}

impl WakerCache {
    pub(crate) fn wake(&mut self, shared: &Shared) {
        if shared.wakers_version.load(Ordering::Acquire) != self.version {
            let fresh = {
                let registry = shared.registry();
                self.version = shared.wakers_version.load(Ordering::Relaxed);
                registry.wakers.clone()
            };
            self.wakers = fresh;
        }
        for (_, waker) in &self.wakers {
            waker();
        }
    }
}
