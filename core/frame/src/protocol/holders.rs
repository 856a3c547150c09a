//! Clones of one frame: how many hold each pin.

use super::{Control, PINS, Strength};
use crate::sync::{AtomicU32, Ordering};

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
