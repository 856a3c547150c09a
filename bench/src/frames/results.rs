//! What came of all runs: medians of run medians, and ratios within each round.

use super::job::{Measured, Size};

/// One column of the plan: who was measured how.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cell {
    pub subject: &'static str,
    pub size: Size,
    pub hz: Option<f64>,
    pub readers: usize,
}

/// A cell with one measurement for each round.
#[derive(Debug)]
pub(crate) struct Row {
    pub cell: Cell,
    pub rounds: Vec<Measured>,
}

/// The figures of one row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    pub p50_us: f64,
    pub p99_us: f64,
    pub cpu_us: f64,
    /// Publisher's and reader's together, per frame.
    pub allocations: f64,
    /// Of all rounds, of the reader that lost most.
    pub lost: u64,
    pub failed_loans: u64,
    pub torn: u64,
    pub published_hz: f64,
    pub received_hz: f64,
}

/// Value at `fraction` of sorted samples.
pub(crate) fn quantile(sorted: &[u64], fraction: f64) -> f64 {
    if sorted.is_empty() {
        return f64::NAN;
    }
    let at = (fraction * (sorted.len() - 1) as f64).round() as usize;
    sorted[at.min(sorted.len() - 1)] as f64
}

pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => values[odd / 2],
        even => (values[even / 2 - 1] + values[even / 2]) / 2.0,
    }
}

impl Measured {
    /// Median latency of the slowest reader, us.
    pub fn p50_us(&self) -> f64 {
        self.read.iter().map(|read| quantile(&read.latencies_ns, 0.5) / 1e3).fold(f64::NAN, f64::max)
    }

    /// CPU time of the publisher and all readers for one published frame, us.
    pub fn cpu_us(&self) -> f64 {
        let all = self.published.cpu_ns + self.read.iter().map(|read| read.cpu_ns).sum::<u64>();
        all as f64 / 1e3 / self.published.frames.max(1) as f64
    }

    /// Allocations for one frame: the publisher's per frame published and a reader's per frame received.
    pub fn allocations(&self) -> f64 {
        let each = |count: u64, frames: u64| count as f64 / frames.max(1) as f64;
        let read = self.read.iter().map(|read| each(read.allocations, read.frames)).fold(0.0, f64::max);
        each(self.published.allocations, self.published.frames) + read
    }

    fn lost(&self) -> u64 {
        self.read.iter().map(|read| self.published.frames.saturating_sub(read.frames)).max().unwrap_or(0)
    }
}

impl Row {
    pub fn figures(&self) -> Figures {
        let over = |of: &dyn Fn(&Measured) -> f64| median(self.rounds.iter().map(of));
        let sum = |of: &dyn Fn(&Measured) -> u64| self.rounds.iter().map(of).sum();
        // A round's window is too short for a 99th percentile of its own.
        let mut pooled: Vec<u64> = self
            .rounds
            .iter()
            .flat_map(|round| round.read.iter().flat_map(|read| read.latencies_ns.iter().copied()))
            .collect();
        pooled.sort_unstable();
        let seconds = |round: &Measured| round.published.window_ns.max(1) as f64 / 1e9;
        Figures {
            p50_us: over(&Measured::p50_us),
            p99_us: quantile(&pooled, 0.99) / 1e3,
            cpu_us: over(&Measured::cpu_us),
            allocations: over(&Measured::allocations),
            lost: sum(&Measured::lost),
            failed_loans: sum(&|round| round.published.failed_loans),
            torn: sum(&|round| round.read.iter().map(|read| read.torn).sum()),
            published_hz: over(&|round| round.published.frames as f64 / seconds(round)),
            received_hz: over(&|round| {
                let frames = round.read.iter().map(|read| read.frames).min().unwrap_or(0);
                frames as f64 / seconds(round)
            }),
        }
    }
}

/// The median over the rounds of `of(a) / of(b)`, both of the same round.
pub(crate) fn ratio(a: &Row, b: &Row, of: fn(&Measured) -> f64) -> f64 {
    median(a.rounds.iter().zip(&b.rounds).map(|(a, b)| of(a) / of(b)))
}
