//! Many flights, on several threads, in the order of their seeds.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::flight::Outcome;

/// Calls `one` for every seed, on `jobs` threads. The result is in the order of the seeds, whatever ended first; a seed
/// for which `one` has no answer is left out.
pub fn run<F>(seeds: &[u64], jobs: usize, one: F) -> Vec<(Outcome, Option<f64>)>
where
    F: Fn(u64) -> Option<(Outcome, Option<f64>)> + Sync,
{
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(seeds.len()));
    std::thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, seeds.len().max(1)) {
            scope.spawn(|| {
                while let Some(&seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let Some(flown) = one(seed) else { continue };
                    done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(flown);
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_by_key(|(o, _)| o.seed);
    done
}
