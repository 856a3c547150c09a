//! Sleeping on a word of memory, in this process or in one that several share.
//!
//! Nothing here decides: a wait may end for no reason, so every caller looks again.

use std::sync::atomic::AtomicU32;
use std::time::Instant;

use rustix::thread::futex::{self, Flags, Wait, WaitFlags, WaitPtr, WaitvFlags};
use rustix::time::{ClockId, Timespec};

/// Most words that [`wait_any`] takes: the kernel's limit.
pub(crate) const MAX_WORDS: usize = 128;

/// A word to sleep on, and the value that it had.
#[derive(Clone, Copy)]
pub(crate) struct Watched<'a> {
    pub word: &'a AtomicU32,
    pub value: u32,
    /// The word lies in memory that processes share.
    pub shared: bool,
}

/// Sleeps while the word has its value, until a wake or `deadline` (for ever, if `None`).
pub(crate) fn wait(on: Watched<'_>, deadline: Option<Instant>) {
    let left = deadline.map(|d| timespec(d.saturating_duration_since(Instant::now())));
    let flags = if on.shared { Flags::empty() } else { Flags::PRIVATE };
    // Whatever it answers, the caller looks again.
    let _ = futex::wait(on.word, flags, on.value, left.as_ref());
}

/// Wakes all who sleep on the word.
pub(crate) fn wake(word: &AtomicU32, shared: bool) {
    let flags = if shared { Flags::empty() } else { Flags::PRIVATE };
    let _ = futex::wake(word, flags, i32::MAX as u32);
}

/// Sleeps while all the words have their values. False if this kernel cannot do that (before Linux 5.16), or for more
/// than [`MAX_WORDS`].
pub(crate) fn wait_any(on: &[Watched<'_>], deadline: Option<Instant>) -> bool {
    let mut words = [Wait::new(); MAX_WORDS];
    let Some(words) = words.get_mut(..on.len()) else { return false };
    for (wait, on) in words.iter_mut().zip(on) {
        wait.val = u64::from(on.value);
        wait.uaddr = WaitPtr::new(on.word.as_ptr().cast());
        wait.flags = WaitFlags::SIZE_U32 | if on.shared { WaitFlags::empty() } else { WaitFlags::PRIVATE };
    }
    // The deadline of this call is absolute, on the clock that `Instant` uses but does not show.
    let until = deadline.map(|d| {
        let left = d.saturating_duration_since(Instant::now());
        timespec(std::time::Duration::from_nanos(crate::monotonic_ns()).saturating_add(left))
    });
    !matches!(
        futex::waitv(words, WaitvFlags::empty(), until.as_ref(), ClockId::Monotonic),
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM)
    )
}

fn timespec(d: std::time::Duration) -> Timespec {
    Timespec { tv_sec: i64::try_from(d.as_secs()).unwrap_or(i64::MAX), tv_nsec: d.subsec_nanos().into() }
}
