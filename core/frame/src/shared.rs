//! What the publisher and the readers of one bus share in this process.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::doorbell::Doorbell;
use crate::protocol::Control;
use crate::slots::Slots;

/// Called after each publish, on the publisher's thread.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

pub(crate) struct Shared {
    pub(crate) name: String,
    /// Unique in this process; never 0.
    pub(crate) id: u64,
    pub(crate) keep: usize,
    pub(crate) count: usize,
    pub(crate) max_readers: usize,
    /// Boxed, so that a mapping can take its place.
    pub(crate) control: Box<Control>,
    pub(crate) slots: Slots,
    /// Slots that are in the publisher's hands, one bit each. Not part of the protocol: no reader looks at it.
    pub(crate) loaned: AtomicU64,
    pub(crate) failed_loans: AtomicU64,
    pub(crate) lossless_timeouts: AtomicU64,
    pub(crate) closed: AtomicBool,
    /// Rung when a frame was published, or the writer went.
    pub(crate) frames: Doorbell,
    /// Rung when a lossless reader took a frame, or went.
    pub(crate) space: Doorbell,
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

impl Shared {
    pub(crate) fn new(name: &str, keep: usize, count: usize, max_readers: usize, slots: Slots) -> Shared {
        static NEXT_ID: AtomicU64 = AtomicU64::new(1);
        Shared {
            name: name.to_owned(),
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            keep,
            count,
            max_readers,
            control: Box::default(),
            slots,
            loaned: AtomicU64::new(0),
            failed_loans: AtomicU64::new(0),
            lossless_timeouts: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            frames: Doorbell::default(),
            space: Doorbell::default(),
            wakers_version: AtomicU64::new(0),
            registry: Mutex::default(),
        }
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
