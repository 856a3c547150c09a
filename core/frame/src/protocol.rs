//! Publish, pin, reclaim: the lock-free core, over nothing but atomics.
//!
//! Invariant: **while a validated pin names a slot, the publisher writes no byte of that slot.** No tool proves it on the
//! real machine (a breach is a rare torn frame), so the loom model in `tests/loom.rs` does, and shows that each fence and
//! the re-read are needed by removing them one at a time ([`Strength`]).
//!
//! The publisher owns the ring and `head`; every reader owns one row. There are no shared reference counts: a reader that
//! dies corrupts nothing, its row is cleared and its slots are free. [`Control`] is `repr(C)` and all-zero at first, so it
//! may lie in memory shared by processes.
//!
//! Why it holds. The publisher stores the new cell over the oldest one (W1), fences, and reads the pins (R1). A reader
//! stores its pin (W2), fences, and reads the cell again (R2). The two fences are ordered: either R1 sees the pin and the
//! slot is busy, or R2 sees that the cell has moved on and the pin is void. What was read of a slot happens before it is
//! written again, because unpinning is a release store that R1 acquires.

use crate::sync::{AtomicU32, AtomicU64, Ordering, fence};

/// Cells of the ring: the deepest `keep`.
pub const RING: usize = if cfg!(loom) { 2 } else { 16 };
/// Reader rows of a control block.
pub const ROWS: usize = if cfg!(loom) { 2 } else { 64 };
/// Pins of a row: the frames that one reader can hold.
pub const PINS: usize = if cfg!(loom) { 2 } else { 16 };
/// Slots of a bus, limited by the bits of the busy mask.
pub const SLOTS: usize = 64;

/// Which orderings the protocol uses: [`Sound`], or a weakened variant in the model's tests.
pub trait Strength {
    /// The publisher fences between moving the ring on and scanning the pins.
    const WRITER_FENCE: bool = true;
    /// The reader fences between storing its pin and reading the cell again.
    const READER_FENCE: bool = true;
    /// The reader reads the cell again after pinning.
    const RECHECK: bool = true;
    /// How a cell is published.
    const PUBLISH: Ordering = Ordering::Release;
    /// How a pin is cleared.
    const UNPIN: Ordering = Ordering::Release;
    /// The last holder of a pin clears it before it is free for the next frame.
    const CLEAR_FIRST: bool = true;
}

/// The real protocol.
pub struct Sound;
impl Strength for Sound {}

/// Keeps what different threads write on different cache-line pairs.
#[repr(C, align(128))]
#[derive(Default)]
pub struct Line<T>(pub T);

/// A reader's row. Written by its reader, read by the publisher; `stalled` is written by both.
#[repr(C, align(128))]
#[derive(Default)]
pub struct Row {
    /// 0 free, 1 claimed.
    state: AtomicU32,
    /// 1 if the publisher waits for this reader.
    lossless: AtomicU32,
    /// Pins in use by this reader's declaration, 1 to [`PINS`].
    limit: AtomicU32,
    /// 1 once the publisher gave up waiting for this reader, until its next take.
    stalled: AtomicU32,
    /// The sequence that the reader wants next.
    cursor: AtomicU64,
    /// Longest time that the publisher waits for this reader, ns.
    wait_ns: AtomicU64,
    /// Reserved for the owner (process, start time, lease) once rows are shared between processes.
    owner: [AtomicU64; 4],
    /// Slot + 1, or 0.
    pins: [AtomicU32; PINS],
}

/// The publisher's line.
#[repr(C)]
#[derive(Default)]
pub struct Head {
    /// Sequence of the newest frame; 0 before the first.
    head: AtomicU64,
    /// Bit per row that is to be scanned. Written by readers as they come and go.
    active: AtomicU64,
}

/// The control block of one bus.
#[repr(C)]
pub struct Control {
    head: Line<Head>,
    /// `sequence << 16 | slot`, frame `s` in cell `s % keep`; 0 while empty.
    ring: Line<[AtomicU64; RING]>,
    rows: [Row; ROWS],
}

/// What a reader declares when it claims a row.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    /// Frames held at once.
    pub pins: usize,
    /// How long the publisher waits for this reader, ns; `None` if it never does.
    pub lossless_ns: Option<u64>,
}

/// A frame that a reader pinned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pinned {
    /// Its sequence.
    pub sequence: u64,
    /// Its slot.
    pub slot: usize,
}

const fn cell(sequence: u64, slot: usize) -> u64 {
    (sequence << 16) | slot as u64
}

const fn slot_of(cell: u64) -> usize {
    (cell & 0xffff) as usize
}

const fn sequence_of(cell: u64) -> u64 {
    cell >> 16
}

impl Default for Control {
    fn default() -> Self {
        Self {
            head: Line::default(),
            ring: Line(std::array::from_fn(|_| AtomicU64::default())),
            rows: std::array::from_fn(|_| Row::default()),
        }
    }
}

// The publisher's side. There is one publisher; its calls never overlap.
impl Control {
    /// Slots that are in the ring or pinned, one bit each.
    pub fn busy<S: Strength>(&self, keep: usize) -> u64 {
        if S::WRITER_FENCE {
            fence(Ordering::SeqCst);
        }
        let mut busy = 0u64;
        for c in &self.ring.0[..keep] {
            let c = c.load(Ordering::Relaxed);
            if c != 0 {
                busy |= 1 << (slot_of(c) % SLOTS);
            }
        }
        for row in bits(self.head.0.active.load(Ordering::Acquire)) {
            let row = &self.rows[row];
            let limit = (row.limit.load(Ordering::Relaxed) as usize).min(PINS);
            for pin in &row.pins[..limit] {
                let pin = pin.load(Ordering::Acquire);
                if pin != 0 {
                    busy |= 1 << ((pin as usize - 1) % SLOTS);
                }
            }
        }
        busy
    }

    /// Publishes `slot` over the oldest cell, and returns the frame's sequence.
    pub fn publish<S: Strength>(&self, slot: usize, keep: usize) -> u64 {
        let sequence = self.head.0.head.load(Ordering::Relaxed) + 1;
        self.ring.0[(sequence % keep as u64) as usize].store(cell(sequence, slot), S::PUBLISH);
        self.head.0.head.store(sequence, Ordering::Release);
        sequence
    }

    /// The longest wait, ns, among lossless readers that have not taken the frame which the next publish overwrites.
    /// `None` if there are none.
    pub fn lossless_wait(&self, keep: usize) -> Option<u64> {
        self.lagging(keep).map(|row| self.rows[row].wait_ns.load(Ordering::Relaxed)).max()
    }

    /// Gives up on the lossless readers that lag, until they take again. Returns how many.
    pub fn give_up(&self, keep: usize) -> u64 {
        self.lagging(keep).map(|row| self.rows[row].stalled.store(1, Ordering::Relaxed)).count() as u64
    }

    fn lagging(&self, keep: usize) -> impl Iterator<Item = usize> + '_ {
        let next = self.head.0.head.load(Ordering::Relaxed) + 1;
        let oldest = next.saturating_sub(keep as u64);
        let active = if oldest == 0 { 0 } else { self.head.0.active.load(Ordering::Acquire) };
        bits(active).filter(move |&row| {
            let row = &self.rows[row];
            row.lossless.load(Ordering::Relaxed) != 0
                && row.stalled.load(Ordering::Relaxed) == 0
                && row.cursor.load(Ordering::Acquire) <= oldest
        })
    }
}

// The readers' side. Each row has one owner; `take` calls of one row never overlap, `unpin` may come from any thread.
impl Control {
    /// Sequence of the newest frame; 0 before the first.
    pub fn head(&self) -> u64 {
        self.head.0.head.load(Ordering::Acquire)
    }

    /// Rows in use.
    pub fn readers(&self) -> u32 {
        self.head.0.active.load(Ordering::Relaxed).count_ones()
    }

    /// Claims one of the first `rows` rows. Returns it, and the sequence that its reader starts at: the newest frame, or
    /// the first to come.
    pub fn claim(&self, rows: usize, claim: Claim) -> Option<(usize, u64)> {
        let index = (0..rows.min(ROWS)).find(|&r| {
            self.rows[r].state.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed).is_ok()
        })?;
        let row = &self.rows[index];
        row.limit.store(claim.pins as u32, Ordering::Relaxed);
        row.stalled.store(0, Ordering::Relaxed);
        row.cursor.store(self.head().max(1), Ordering::Relaxed);
        row.wait_ns.store(claim.lossless_ns.unwrap_or(0), Ordering::Relaxed);
        row.lossless.store(u32::from(claim.lossless_ns.is_some()), Ordering::Relaxed);
        self.head.0.active.fetch_or(1 << index, Ordering::AcqRel);
        fence(Ordering::SeqCst);
        let start = self.head().max(1);
        row.cursor.store(start, Ordering::Release);
        Some((index, start))
    }

    /// No more frames will be taken by this row, though some may still be held.
    pub fn retire(&self, row: usize) {
        self.rows[row].lossless.store(0, Ordering::Release);
    }

    /// Gives a row back. No pin of it may be in use.
    pub fn release(&self, row: usize) {
        self.retire(row);
        self.head.0.active.fetch_and(!(1 << row), Ordering::Release);
        self.rows[row].state.store(0, Ordering::Release);
    }

    /// Pins, with pin number `pin` of `row`, the oldest of the newest `depth` frames that is not older than `next`.
    /// Lock-free: a retry means that the publisher has published meanwhile.
    pub fn take<S: Strength>(
        &self,
        row: usize,
        pin: usize,
        next: u64,
        depth: u64,
        keep: usize,
    ) -> Option<Pinned> {
        let row = &self.rows[row];
        let pin = &row.pins[pin];
        let mut head = self.head();
        loop {
            if head < next {
                return None;
            }
            let want = next.max((head + 1).saturating_sub(depth)).max(1);
            let ring = &self.ring.0[(want % keep as u64) as usize];
            let seen = ring.load(Ordering::Acquire);
            if sequence_of(seen) == want {
                // Release, for the pin's last holder may have been another thread.
                pin.store(slot_of(seen) as u32 + 1, Ordering::Release);
                if S::READER_FENCE {
                    fence(Ordering::SeqCst);
                }
                if !S::RECHECK || ring.load(Ordering::Acquire) == seen {
                    row.cursor.store(want + 1, Ordering::Release);
                    row.stalled.store(0, Ordering::Relaxed);
                    return Some(Pinned { sequence: want, slot: slot_of(seen) });
                }
                pin.store(0, Ordering::Release);
            } else if sequence_of(seen) < want {
                // Only a control block that breaks the protocol gets here: better no frame than an endless loop.
                return None;
            }
            // Overtaken. A cell newer than `head` is a publish between its two stores: count it, rather than wait.
            head = self.head().max(sequence_of(ring.load(Ordering::Acquire)));
        }
    }

    /// Clears a pin.
    pub fn unpin<S: Strength>(&self, row: usize, pin: usize) {
        self.rows[row].pins[pin].store(0, S::UNPIN);
    }
}

/// How many frames of this process hold each pin of a row, so that clones of a frame cost no slot.
///
/// Not in the control block: it is lost with the process, and nobody else needs it.
pub struct Holders([AtomicU32; PINS]);

/// In [`Holders`]: the last holder is clearing the pin.
const CLEARING: u32 = 1;

impl Default for Holders {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU32::default()))
    }
}

impl Holders {
    /// A free pin among the first `limit`. Only the row's reader asks, so it stays free until the reader uses it.
    pub fn free(&self, limit: usize) -> Option<usize> {
        self.0[..limit].iter().position(|h| h.load(Ordering::Acquire) == 0)
    }

    /// Pins in use among the first `limit`.
    pub fn held(&self, limit: usize) -> usize {
        self.0[..limit].iter().filter(|h| h.load(Ordering::Relaxed) != 0).count()
    }

    /// One frame holds `pin`, which was free and names its slot by now.
    pub fn hold(&self, pin: usize) {
        self.0[pin].store(CLEARING + 1, Ordering::Relaxed);
    }

    /// One more frame holds `pin`, which is held already.
    pub fn share(&self, pin: usize) {
        self.0[pin].fetch_add(1, Ordering::Relaxed);
    }

    /// One frame less holds `pin`; the last one clears it. The pin is free for its reader only once it is clear, or the
    /// reader's next pin could be cleared in its stead.
    pub fn drop_one<S: Strength>(&self, control: &Control, row: usize, pin: usize) {
        if self.0[pin].fetch_sub(1, Ordering::AcqRel) == CLEARING + 1 {
            if S::CLEAR_FIRST {
                control.unpin::<S>(row, pin);
                self.0[pin].store(0, Ordering::Release);
            } else {
                self.0[pin].store(0, Ordering::Release);
                control.unpin::<S>(row, pin);
            }
        }
    }
}

/// The indices of the bits that are set, lowest first.
pub fn bits(mut mask: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = mask.trailing_zeros() as usize;
        mask &= mask.wrapping_sub(1);
        (bit < 64).then_some(bit)
    })
}
