//! Publish, pin, reclaim: the lock-free core, over nothing but atomics.
//!
//! Invariant: **while a validated pin names a slot, the publisher writes no byte of that slot.** No tool proves it on the
//! real machine (a breach is a rare torn frame), so the loom model in `tests/loom.rs` does, and shows that each fence and
//! the re-read are needed by removing them one at a time ([`Strength`]).
//!
//! The publisher owns the ring and `head`; every reader owns one row. There are no shared reference counts: a reader that
//! dies corrupts nothing, its row is cleared ([`Control::expel`]) and its slots are free. [`Control`] is `repr(C)` and
//! all-zero at first, so it may lie in memory shared by processes. What is read there is masked or compared before it
//! is an index, and no loop's length depends on it: a control block that another process spoilt costs frames, not a
//! panic and not a hang.
//!
//! Why it holds. The publisher stores the new cell over the oldest one (W1), fences, and reads the pins (R1). A reader
//! stores its pin (W2), fences, and reads the cell again (R2). The two fences are ordered: either R1 sees the pin and the
//! slot is busy, or R2 sees that the cell has moved on and the pin is void. What was read of a slot happens before it is
//! written again, because unpinning is a release store that R1 acquires.
//!
//! Sleeping is the same handshake once more: a reader says that it sleeps, fences, and looks whether a frame came; the
//! publisher publishes, fences, and looks who sleeps. One of the two sees the other.

mod holders;
mod view;

pub use holders::Holders;
pub use view::RowView;

use crate::sync::{AtomicU32, AtomicU64, Ordering, fence};

/// Cells of the ring: the deepest `keep`.
pub const RING: usize = if cfg!(loom) { 2 } else { 16 };
/// Reader rows of a control block.
pub const ROWS: usize = if cfg!(loom) { 2 } else { 64 };
/// Pins of a row: the frames that one reader can hold.
pub const PINS: usize = if cfg!(loom) { 2 } else { 16 };
/// Slots of a bus, limited by the bits of the busy mask.
pub const SLOTS: usize = 64;
/// Times that a reader tries again because the publisher overtook it. Each is a lap of the ring: nobody gets there, but
/// with a control block that contradicts itself.
const ATTEMPTS: usize = 1000;

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
    /// The pins of a dead reader's row are cleared before the row is free for the next reader.
    const EXPEL_FIRST: bool = true;
    /// The publisher fences between publishing and looking for sleepers.
    const RING_FENCE: bool = true;
    /// The reader fences between saying that it sleeps and looking for a frame.
    const DOZE_FENCE: bool = true;
}

/// The real protocol.
pub struct Sound;
impl Strength for Sound {}

/// Keeps what different threads write on different cache-line pairs.
#[repr(C, align(128))]
#[derive(Default)]
pub struct Line<T>(pub T);

/// A reader's row: what its reader says of itself, and the slots that it reads. Written by its reader, read by the
/// publisher; `stalled` and `sleeping` are written by both.
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
    /// Frames that this reader will never get.
    dropped: AtomicU64,
    /// 1 while the reader sleeps until the bell rings.
    sleeping: AtomicU32,
    /// Frames that the reader's policy looks back.
    depth: AtomicU32,
    /// Process of the reader.
    pid: AtomicU32,
    /// 1 if the row was claimed over a socket.
    remote: AtomicU32,
    /// Start time of that process, clock ticks since boot: with `pid`, unique until the next boot.
    start_time: AtomicU64,
    /// Slot + 1, or 0.
    pins: [AtomicU32; PINS],
}

/// The publisher's line.
#[repr(C)]
#[derive(Default)]
pub struct Head {
    /// Sequence of the newest frame; 0 before the first.
    head: AtomicU64,
    /// Bit per row that is to be scanned. Written as readers come and go.
    active: AtomicU64,
    /// Futex of the sleeping readers: goes up when it rings.
    bell: AtomicU32,
    /// Futex of the publisher while it waits for a lossless reader: goes up when one has taken a frame.
    space: AtomicU32,
    /// 1 while the publisher sleeps on `space`.
    waiting: AtomicU32,
}

/// Counters of the publisher, for onlookers: nothing of the protocol reads them.
#[repr(C)]
#[derive(Default)]
pub struct Tally {
    /// Loans and forwards that found no free slot.
    pub failed_loans: AtomicU64,
    /// Times that the publisher waited for a lossless reader in vain.
    pub lossless_timeouts: AtomicU64,
    /// Slots in the publisher's hands, one bit each.
    pub loaned: AtomicU64,
}

/// The control block of one bus.
#[repr(C)]
pub struct Control {
    head: Line<Head>,
    /// For onlookers.
    pub tally: Line<Tally>,
    /// `sequence << 16 | slot`, frame `s` in cell `s % keep`; 0 while empty.
    ring: Line<[AtomicU64; RING]>,
    rows: [Row; ROWS],
}

/// What a reader declares when it claims a row.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    /// Frames held at once.
    pub pins: usize,
    /// Frames that its policy looks back.
    pub depth: usize,
    /// How long the publisher waits for this reader, ns; `None` if it never does.
    pub lossless_ns: Option<u64>,
    /// Its process.
    pub owner: Owner,
}

/// A process: its id, and when it started, so that an id that is used again is not taken for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Owner {
    /// Process id.
    pub pid: u32,
    /// Clock ticks since boot.
    pub start_time: u64,
    /// It claimed its row over a socket.
    pub remote: bool,
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
            tally: Line::default(),
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
            let row = &self.rows[row % ROWS];
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
        let sequence = self.head.0.head.load(Ordering::Relaxed).wrapping_add(1);
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

    /// Takes note of the sleepers, who are to be woken: `true` says that the caller must wake the [`bell`](Self::bell).
    /// A sleeper is told once: one that does not get up (a stopped process) costs no second system call.
    pub fn ring<S: Strength>(&self) -> bool {
        if S::RING_FENCE {
            fence(Ordering::SeqCst);
        }
        let mut any = false;
        for row in bits(self.head.0.active.load(Ordering::Acquire)) {
            let sleeping = &self.rows[row % ROWS].sleeping;
            if sleeping.load(Ordering::Relaxed) != 0 {
                any |= sleeping.swap(0, Ordering::Relaxed) != 0;
            }
        }
        if any {
            self.head.0.bell.fetch_add(1, Ordering::Release);
        }
        any
    }

    /// Says that the publisher is about to sleep until a lossless reader takes. The value to sleep on, in
    /// [`space`](Self::space), unless a second look at [`lossless_wait`](Self::lossless_wait) says otherwise.
    pub fn await_space(&self) -> u32 {
        let space = self.head.0.space.load(Ordering::Acquire);
        self.head.0.waiting.store(1, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        space
    }

    /// The publisher sleeps no more.
    pub fn has_space(&self) {
        self.head.0.waiting.store(0, Ordering::Relaxed);
    }

    fn lagging(&self, keep: usize) -> impl Iterator<Item = usize> + '_ {
        let next = self.head.0.head.load(Ordering::Relaxed).wrapping_add(1);
        let oldest = next.saturating_sub(keep as u64);
        let active = if oldest == 0 { 0 } else { self.head.0.active.load(Ordering::Acquire) };
        bits(active).map(|row| row % ROWS).filter(move |&row| {
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
        row.dropped.store(0, Ordering::Relaxed);
        row.sleeping.store(0, Ordering::Relaxed);
        row.depth.store(claim.depth as u32, Ordering::Relaxed);
        row.pid.store(claim.owner.pid, Ordering::Relaxed);
        row.remote.store(u32::from(claim.owner.remote), Ordering::Relaxed);
        row.start_time.store(claim.owner.start_time, Ordering::Relaxed);
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

    /// Clears the row of a reader that is dead, with whatever it held, and frees it. The caller knows that the reader
    /// touches neither the row nor a slot any more: its process is gone, or has said that it is done.
    pub fn expel<S: Strength>(&self, row: usize) {
        let clear = || self.rows[row].pins.iter().for_each(|pin| pin.store(0, S::UNPIN));
        if S::EXPEL_FIRST {
            clear();
        }
        self.release(row);
        if !S::EXPEL_FIRST {
            clear();
        }
    }

    /// Says that the reader of `row` is about to sleep. The value to sleep on, in [`bell`](Self::bell), unless a second
    /// look finds a frame.
    pub fn doze<S: Strength>(&self, row: usize) -> u32 {
        let bell = self.head.0.bell.load(Ordering::Acquire);
        self.rows[row].sleeping.store(1, Ordering::Relaxed);
        if S::DOZE_FENCE {
            fence(Ordering::SeqCst);
        }
        bell
    }

    /// The reader of `row` sleeps no more.
    pub fn awake(&self, row: usize) {
        self.rows[row].sleeping.store(0, Ordering::Relaxed);
    }

    /// Gets every sleeper up, whoever calls. The caller must wake the [`bell`](Self::bell).
    pub fn alarm(&self) {
        self.head.0.bell.fetch_add(1, Ordering::SeqCst);
    }

    /// What sleeping readers sleep on.
    pub fn bell(&self) -> &AtomicU32 {
        &self.head.0.bell
    }

    /// A lossless reader has taken a frame, or is gone: `true` says that the caller must wake [`space`](Self::space).
    pub fn make_space(&self) -> bool {
        fence(Ordering::SeqCst);
        let waits = self.head.0.waiting.load(Ordering::Relaxed) != 0
            && self.head.0.waiting.swap(0, Ordering::Relaxed) != 0;
        if waits {
            self.head.0.space.fetch_add(1, Ordering::Release);
        }
        waits
    }

    /// What a waiting publisher sleeps on.
    pub fn space(&self) -> &AtomicU32 {
        &self.head.0.space
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
        for _ in 0..ATTEMPTS {
            if head < next {
                return None;
            }
            let want = next.max(head.saturating_add(1).saturating_sub(depth)).max(1);
            let ring = &self.ring.0[(want % keep as u64) as usize];
            let seen = ring.load(Ordering::Acquire);
            if sequence_of(seen) == want {
                // Release, for the pin's last holder may have been another thread.
                pin.store(slot_of(seen) as u32 + 1, Ordering::Release);
                if S::READER_FENCE {
                    fence(Ordering::SeqCst);
                }
                if !S::RECHECK || ring.load(Ordering::Acquire) == seen {
                    row.cursor.store(want.saturating_add(1), Ordering::Release);
                    row.stalled.store(0, Ordering::Relaxed);
                    if want != next {
                        // This row's reader alone writes it.
                        let dropped = row.dropped.load(Ordering::Relaxed);
                        row.dropped.store(dropped.wrapping_add(want - next), Ordering::Relaxed);
                    }
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
        None
    }

    /// Clears a pin.
    pub fn unpin<S: Strength>(&self, row: usize, pin: usize) {
        self.rows[row].pins[pin].store(0, S::UNPIN);
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
