//! The reader's notebook.

use super::clock;
use super::job::Read;
use super::stamp::{self, Phase, Stamp};
use peregrine_counting::all as allocations;

/// Latencies that a reader keeps at most; reserved at once, so that noting one allocates nothing.
const MOST: usize = 1 << 20;
/// Latencies that it hands on.
const HANDED_ON: usize = 2000;

#[derive(Debug)]
pub(super) struct Recorder {
    latencies: Vec<u64>,
    frames: u64,
    torn: u64,
    start: Option<(u64, u64)>,
    over: Option<(u64, u64)>,
}

impl Recorder {
    pub fn new() -> Self {
        Self { latencies: Vec::with_capacity(MOST), frames: 0, torn: 0, start: None, over: None }
    }

    /// Notes a frame that has just come: the time is read before anything else.
    pub fn frame(&mut self, bytes: &[u8]) {
        let now = clock::now();
        if let Some(stamp) = stamp::read(bytes) {
            self.note(now, stamp);
        }
    }

    /// As [`frame`](Self::frame), for a stamp that was read already.
    pub fn note(&mut self, now: u64, stamp: Stamp) {
        match stamp.phase {
            Phase::Warm => {}
            Phase::Measured => {
                if self.start.is_none() {
                    self.start = Some((clock::cpu(), allocations()));
                }
                self.frames += 1;
                self.torn += u64::from(!stamp.whole);
                if self.latencies.len() < MOST {
                    self.latencies.push(now.saturating_sub(stamp.sent_ns));
                }
            }
            Phase::Over => {
                if self.over.is_none() {
                    self.over = Some((clock::cpu(), allocations()));
                }
            }
        }
    }

    /// Whether the window is over.
    pub fn is_over(&self) -> bool {
        self.over.is_some()
    }

    /// What came of it.
    pub fn finish(mut self) -> Read {
        let start = self.start.unwrap_or_default();
        let over = self.over.unwrap_or(start);
        self.latencies.sort_unstable();
        let every = self.latencies.len().div_ceil(HANDED_ON).max(1);
        Read {
            frames: self.frames,
            torn: self.torn,
            cpu_ns: over.0.saturating_sub(start.0),
            allocations: over.1.saturating_sub(start.1),
            latencies_ns: self.latencies.into_iter().skip(every / 2).step_by(every).collect(),
        }
    }
}
