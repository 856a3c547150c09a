//! How a node fares, for those who look from outside while it runs.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Counters of one node: its host writes them, anybody reads them.
#[derive(Debug, Default)]
pub(crate) struct Health {
    callbacks: AtomicU64,
    errors: AtomicU64,
    failed: AtomicBool,
    last_error: Mutex<Option<Arc<str>>>,
}

/// The counters at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Reading {
    /// Callbacks run.
    pub callbacks: u64,
    /// Errors and panics.
    pub errors: u64,
    /// It panicked and is stopped.
    pub failed: bool,
    /// The last error.
    pub last_error: Option<Arc<str>>,
}

impl Health {
    /// Says how many callbacks have run. The node's host alone counts them.
    pub fn ran(&self, callbacks: u64) {
        self.callbacks.store(callbacks, Ordering::Relaxed);
    }

    pub fn erred(&self, error: &str, failed: bool) {
        self.errors.fetch_add(1, Ordering::Relaxed);
        if failed {
            self.failed.store(true, Ordering::Relaxed);
        }
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.into());
    }

    pub fn read(&self) -> Reading {
        Reading {
            callbacks: self.callbacks.load(Ordering::Relaxed),
            errors: self.errors.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            last_error: self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}
