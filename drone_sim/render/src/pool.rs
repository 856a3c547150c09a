//! A persistent pool of worker threads that runs one job at a time, the calling thread included.
//!
//! Invariant: `run` returns only when no worker is inside the job any more, so the caller may then change what the
//! job read. A worker that wakes too late finds the job closed and goes back to sleep; nobody waits for it.

use crate::error::{RenderError, Result};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Work that several threads do together, one call per thread. It must share itself out, e.g. by an atomic counter.
pub(crate) trait Job: Send + Sync + 'static {
    fn work(&self);
}

#[derive(Default)]
struct State {
    generation: u64,
    open: bool,
    active: usize,
    panicked: bool,
    stop: bool,
}

struct Shared<J> {
    job: J,
    state: Mutex<State>,
    wake: Condvar,
    done: Condvar,
}

impl<J> Shared<J> {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Leaves the job even when it panics.
struct Leave<'a, J>(&'a Shared<J>);

impl<J> Drop for Leave<'_, J> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.active -= 1;
        state.panicked |= std::thread::panicking();
        if state.active == 0 {
            self.0.done.notify_all();
        }
    }
}

pub(crate) struct Pool<J: Job> {
    shared: Arc<Shared<J>>,
    workers: Vec<JoinHandle<()>>,
}

impl<J: Job> Pool<J> {
    /// `threads` counts the calling thread: 1 starts none.
    pub(crate) fn new(threads: usize, job: J) -> Result<Self> {
        let shared =
            Arc::new(Shared { job, state: Mutex::default(), wake: Condvar::new(), done: Condvar::new() });
        let mut pool = Self { shared, workers: Vec::new() };
        for index in 1..threads.max(1) {
            let shared = Arc::clone(&pool.shared);
            let worker = std::thread::Builder::new()
                .name(format!("render-{index}"))
                .spawn(move || serve(&shared))
                .map_err(|e| RenderError::ThreadSpawn { index, reason: e.to_string() })?;
            pool.workers.push(worker);
        }
        Ok(pool)
    }

    pub(crate) fn job(&self) -> &J {
        &self.shared.job
    }

    /// Runs the job on all threads until each call has returned.
    pub(crate) fn run(&self) -> Result {
        if !self.workers.is_empty() {
            let mut state = self.shared.lock();
            state.generation += 1;
            state.open = true;
            drop(state);
            self.shared.wake.notify_all();
        }
        self.shared.job.work();
        let mut state = self.shared.lock();
        state.open = false;
        while state.active > 0 {
            state = self.shared.done.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.panicked { Err(RenderError::WorkerPanicked) } else { Ok(()) }
    }
}

fn serve<J: Job>(shared: &Shared<J>) {
    let mut seen = 0;
    loop {
        let mut state = shared.lock();
        while !state.stop && (!state.open || state.generation == seen) {
            state = shared.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.stop {
            return;
        }
        seen = state.generation;
        state.active += 1;
        drop(state);
        let _leave = Leave(shared);
        shared.job.work();
    }
}

impl<J: Job> Drop for Pool<J> {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.wake.notify_all();
        for worker in self.workers.drain(..) {
            // A worker that panicked was already reported by `run`.
            let _ = worker.join();
        }
    }
}
