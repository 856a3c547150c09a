//! Looking at a control block without taking part: loads only, so that a read-only mapping will do.

use super::{Control, Owner, RING, ROWS, SLOTS, bits, sequence_of, slot_of};
use crate::sync::Ordering;

/// What an onlooker sees of a row. Every field was read by itself: together they need not be of one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowView {
    /// Index of the row.
    pub row: usize,
    /// Whose it is.
    pub owner: Owner,
    /// Frames that the reader may hold.
    pub limit: usize,
    /// Frames that its policy looks back.
    pub depth: u64,
    /// How long the publisher waits for it, ns.
    pub lossless_ns: Option<u64>,
    /// The sequence that it wants next.
    pub next: u64,
    /// Frames that it will never get.
    pub dropped: u64,
    /// The publisher gave up waiting for it.
    pub stalled: bool,
    /// It sleeps until a frame comes.
    pub sleeping: bool,
    /// Slots that it holds, one bit each.
    pub held: u64,
}

impl Control {
    /// The rows in use.
    pub fn rows(&self) -> impl Iterator<Item = RowView> + '_ {
        bits(self.head.0.active.load(Ordering::Acquire)).map(|index| {
            let row = &self.rows[index % ROWS];
            let held = row.pins.iter().map(|p| p.load(Ordering::Relaxed)).filter(|p| *p != 0);
            RowView {
                row: index,
                owner: Owner {
                    pid: row.pid.load(Ordering::Relaxed),
                    start_time: row.start_time.load(Ordering::Relaxed),
                    remote: row.remote.load(Ordering::Relaxed) != 0,
                },
                limit: row.limit.load(Ordering::Relaxed) as usize,
                depth: u64::from(row.depth.load(Ordering::Relaxed)),
                lossless_ns: (row.lossless.load(Ordering::Relaxed) != 0)
                    .then(|| row.wait_ns.load(Ordering::Relaxed)),
                next: row.cursor.load(Ordering::Relaxed),
                dropped: row.dropped.load(Ordering::Relaxed),
                stalled: row.stalled.load(Ordering::Relaxed) != 0,
                sleeping: row.sleeping.load(Ordering::Relaxed) != 0,
                held: held.fold(0, |mask, pin| mask | 1 << ((pin as usize - 1) % SLOTS)),
            }
        })
    }

    /// The frames in the ring: sequence and slot of each.
    pub fn cells(&self, keep: usize) -> impl Iterator<Item = (u64, usize)> + '_ {
        let cells = self.ring.0[..keep.min(RING)].iter().map(|c| c.load(Ordering::Acquire));
        cells.filter(|c| *c != 0).map(|c| (sequence_of(c), slot_of(c) % SLOTS))
    }

    /// Whether a reader in another process has a row.
    pub fn has_remote_readers(&self) -> bool {
        bits(self.head.0.active.load(Ordering::Relaxed))
            .any(|row| self.rows[row % ROWS].remote.load(Ordering::Relaxed) != 0)
    }
}
