//! Many flights, on several threads, in the order of their seeds.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::flight::{Outcome, fly};
use crate::suite::Course;

/// Flies every seed. `tell` hears of each flight as it ends, in any order. The result is in the order of `seeds`; a seed
/// whose settings are not valid is left out.
pub fn run(course: &Course, seeds: &[u64], jobs: usize, tell: impl Fn(&Outcome) + Sync) -> Vec<(Outcome, Option<f64>)> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(seeds.len()));
    std::thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, seeds.len().max(1)) {
            scope.spawn(|| {
                while let Some(&seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let world = course.world(seed);
                    let Some(outcome) = fly(&world, &course.setup(&world), seed) else { continue };
                    tell(&outcome);
                    let mut done = done.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    done.push((outcome, world.reference_m));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_by_key(|(o, _)| o.seed);
    done
}
