//! The bus: how it is made, and the handle that readers come from.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::control::ControlRef;
use crate::protocol::{RING, ROWS, RowView, SLOTS};
use crate::shared::{Shape, Shared, Waker};
use crate::slots::Slots;
use crate::{Error, Policy, Reader, Result, Writer};

/// Pins of a reader that does not say how many it needs: the frame in hand, and one before it.
pub const DEFAULT_PINS: usize = 2;

/// Size of a bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BusConfig {
    /// Slots, 4 to 64. At least `keep` + the pins of all readers + 2; see [`BusConfig::slots_for`].
    pub slots: usize,
    /// Bytes of pixels that a slot holds; 0 for a bus that only forwards. Rounded up to whole pages.
    pub slot_bytes: usize,
    /// Depth of the ring, 1 to 16: how many of the newest frames stay available to be taken.
    pub keep: usize,
    /// Most readers at a time, 1 to 64.
    pub max_readers: usize,
}

impl Default for BusConfig {
    fn default() -> Self {
        Self { slots: 16, slot_bytes: 640 * 480 * 3, keep: 2, max_readers: 16 }
    }
}

impl BusConfig {
    /// Slots that a bus needs for `readers` readers of `pins` pins each: enough that no loan ever fails.
    pub const fn slots_for(keep: usize, readers: usize, pins: usize) -> usize {
        keep + readers * pins + 2
    }

    pub(crate) fn shape(&self) -> Shape {
        Shape { keep: self.keep, count: self.slots, max_readers: self.max_readers }
    }

    pub(crate) fn check(&self, bus: &str) -> Result {
        let bus = || bus.to_owned();
        if !(1..=RING).contains(&self.keep) {
            return Err(Error::KeepDepth { bus: bus(), keep: self.keep, max: RING });
        }
        if !(4..=SLOTS).contains(&self.slots) {
            return Err(Error::SlotCount { bus: bus(), slots: self.slots, max: SLOTS });
        }
        if !(1..=ROWS).contains(&self.max_readers) {
            return Err(Error::ReaderCount { bus: bus(), max_readers: self.max_readers, max: ROWS });
        }
        let needed = Self::slots_for(self.keep, 1, 1);
        if self.slots < needed {
            let (slots, keep) = (self.slots, self.keep);
            return Err(Error::NotEnoughSlots { bus: bus(), slots, needed, keep, pins: 1 });
        }
        Ok(())
    }
}

/// Makes buses.
pub struct FrameBus;

impl FrameBus {
    /// Makes a bus within this process, of pre-allocated, prefaulted slots, and returns its one writer. `name` is for
    /// messages to people. For a bus that other processes can read see [`Host::publish`](crate::Host::publish).
    ///
    /// # Errors
    /// `PG-0101`, `PG-0102`, `PG-0103`, `PG-0117` if the numbers of `config` do not go together, `PG-0112` if the memory
    /// cannot be had.
    pub fn create(name: &str, config: BusConfig) -> Result<Writer> {
        config.check(name)?;
        let slots = Slots::heap(config.slots, config.slot_bytes)?;
        let shared = Shared::new(name, config.shape(), ControlRef::Own(Box::default()), slots);
        Ok(Writer::new(Arc::new(shared), None))
    }
}

/// A handle to a bus, to make readers from and to look at it. Clones are of the same bus.
#[derive(Clone)]
pub struct Bus {
    shared: Arc<Shared>,
}

impl Bus {
    pub(crate) fn new(shared: &Arc<Shared>) -> Bus {
        Bus { shared: Arc::clone(shared) }
    }

    /// A reader that may hold [`DEFAULT_PINS`] frames at once. It starts at the newest frame, if there is one: a late
    /// joiner sees the present at once and nothing of the past.
    ///
    /// # Errors
    /// As [`reader_with`](Self::reader_with).
    pub fn reader(&self, policy: Policy) -> Result<Reader> {
        self.reader_with(policy, DEFAULT_PINS)
    }

    /// A reader that may hold `pins` frames at once (1 to 16). Frames it has forwarded count as held.
    ///
    /// # Errors
    /// `PG-0103` if the bus has too few slots, `PG-0104` if it has its readers, `PG-0111` for a `KeepLast(k)` that the
    /// ring cannot serve, `PG-0116` for the number of pins.
    pub fn reader_with(&self, policy: Policy, pins: usize) -> Result<Reader> {
        Reader::new(&self.shared, policy, pins)
    }

    /// Calls `waker` after each publish, on the publisher's thread, until the guard is dropped (at most once more after
    /// that). It should do no more than set a flag and unpark a thread. Calling it allocates nothing and takes no lock.
    pub fn on_publish(&self, waker: Waker) -> WakerGuard {
        WakerGuard { id: self.shared.add_waker(waker), shared: Arc::clone(&self.shared) }
    }

    /// Name of the bus.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Number of the bus, unique in this process; what [`FrameMeta::origin_bus`](crate::FrameMeta::origin_bus) holds.
    pub fn id(&self) -> u64 {
        self.shared.id
    }

    /// Whether the writer is gone.
    pub fn is_closed(&self) -> bool {
        self.shared.closed.load(Ordering::Acquire)
    }

    /// The readers of now, those of other processes included.
    pub fn readers(&self) -> Vec<ReaderStats> {
        self.shared.control.rows().map(|row| ReaderStats::of(&row)).collect()
    }

    /// What has happened so far.
    pub fn stats(&self) -> BusStats {
        BusStats::of(&self.shared)
    }
}

impl std::fmt::Debug for Bus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bus").field("name", &self.name()).field("stats", &self.stats()).finish()
    }
}

/// Counters of a bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BusStats {
    /// Slots.
    pub slots: usize,
    /// Bytes of pixels that a slot holds.
    pub slot_bytes: usize,
    /// Depth of the ring.
    pub keep: usize,
    /// The slots lie in huge pages that were reserved for that.
    pub huge_pages: bool,
    /// Readers, those included that are gone but whose frames are held.
    pub readers: usize,
    /// Frames that all readers together may hold.
    pub pins: usize,
    /// Slots in the publisher's hands.
    pub loaned: usize,
    /// Frames published.
    pub published: u64,
    /// Loans and forwards that found no free slot.
    pub failed_loans: u64,
    /// Times that the publisher waited for a lossless reader in vain.
    pub lossless_timeouts: u64,
}

impl BusStats {
    /// From the control block, so that a bus of another process can be asked as well as one's own.
    pub(crate) fn of(s: &Shared) -> BusStats {
        let tally = &s.control.tally.0;
        BusStats {
            slots: s.count,
            slot_bytes: s.slots.pixel_capacity(),
            keep: s.keep,
            huge_pages: s.huge,
            readers: s.control.readers() as usize,
            pins: s.control.rows().map(|row| row.limit).sum(),
            loaned: tally.loaned.load(Ordering::Relaxed).count_ones() as usize,
            published: s.control.head(),
            failed_loans: tally.failed_loans.load(Ordering::Relaxed),
            lossless_timeouts: tally.lossless_timeouts.load(Ordering::Relaxed),
        }
    }
}

/// A reader, as the control block shows it. The numbers were read one by one: together they need not be of one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReaderStats {
    /// Index of its row.
    pub row: usize,
    /// Its process.
    pub pid: u32,
    /// When that process started, clock ticks since boot.
    pub start_time: u64,
    /// What it asked for. `KeepLast(1)` is shown as `Latest`.
    pub policy: Policy,
    /// Frames that it may hold.
    pub pins: usize,
    /// Slots that it holds, one bit each.
    pub held: u64,
    /// Sequence that it wants next.
    pub next: u64,
    /// Frames that it missed.
    pub dropped: u64,
    /// It sleeps until a frame comes.
    pub sleeping: bool,
    /// The publisher gave up waiting for it.
    pub stalled: bool,
}

impl ReaderStats {
    pub(crate) fn of(row: &RowView) -> ReaderStats {
        ReaderStats {
            row: row.row,
            pid: row.owner.pid,
            start_time: row.owner.start_time,
            policy: match (row.lossless_ns, row.depth) {
                (Some(ns), _) => Policy::Lossless { wait: std::time::Duration::from_nanos(ns) },
                (None, 0 | 1) => Policy::Latest,
                (None, k) => Policy::KeepLast(k as usize),
            },
            pins: row.limit,
            held: row.held,
            next: row.next,
            dropped: row.dropped,
            sleeping: row.sleeping,
            stalled: row.stalled,
        }
    }
}

/// Keeps a waker registered; see [`Bus::on_publish`].
#[must_use = "the waker is gone when the guard is dropped"]
pub struct WakerGuard {
    shared: Arc<Shared>,
    id: u64,
}

impl Drop for WakerGuard {
    fn drop(&mut self) {
        self.shared.remove_waker(self.id);
    }
}
