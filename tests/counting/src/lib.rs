//! A global allocator that hands everything to the system's and counts: [`own`] for the calling thread, [`all`] for all.
//!
//! Invariant: counting allocates nothing and never fails, also while a thread begins or ends.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

static ALL: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static OWN: Cell<u64> = const { Cell::new(0) };
}

/// Allocations of the process so far, growing ones included.
pub fn all() -> u64 {
    ALL.load(Ordering::Relaxed)
}

/// Those of the calling thread.
pub fn own() -> u64 {
    OWN.try_with(Cell::get).unwrap_or_default()
}

/// What `work` allocates on the calling thread.
pub fn during(work: impl FnOnce()) -> u64 {
    let before = own();
    work();
    own() - before
}

/// The allocator. Name it with `#[global_allocator]`.
#[derive(Debug)]
pub struct Counting;

fn count() {
    ALL.fetch_add(1, Ordering::Relaxed);
    // A thread that ends has no counter any more.
    let _ = OWN.try_with(|own| own.set(own.get() + 1));
}

// SAFETY: every call is handed to the system's allocator unchanged; counting touches no memory but its own.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[global_allocator]
    static ALLOCATOR: Counting = Counting;

    #[test]
    fn every_kind_of_allocation_is_counted_and_only_this_threads_are_its_own() {
        assert_eq!(during(|| drop(std::hint::black_box(Box::new(7_u64)))), 1);
        assert_eq!(during(|| drop(std::hint::black_box(vec![0_u8; 100]))), 1);
        assert_eq!(during(|| std::hint::black_box(Vec::with_capacity(10)).resize(1000, 1_u8)), 2);
        assert_eq!(during(|| ()), 0);
        let (own_before, all_before) = (own(), all());
        let foreign = std::thread::scope(|scope| {
            let thread =
                scope.spawn(|| during(|| (0..50).for_each(|i| drop(std::hint::black_box(Box::new(i))))));
            thread.join().unwrap_or_default()
        });
        assert_eq!(foreign, 50);
        assert!(all() - all_before >= 50 && own() - own_before < 50);
    }
}
