//! Ctrl-C and SIGTERM: first an orderly stop, then an end at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use peregrine_core::{Stop, StopReason};
use signal_hook::consts::{SIGINT, SIGTERM};

/// Ends the watching when dropped.
#[derive(Debug)]
pub struct Watch(Arc<AtomicBool>);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Asks `stop` at the first signal; the second ends the program as if nothing had been caught.
pub fn stop_on_ctrl_c(stop: Stop) -> Watch {
    let over = Arc::new(AtomicBool::new(false));
    let caught = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        let armed = signal_hook::flag::register_conditional_default(signal, caught.clone())
            .and_then(|_| signal_hook::flag::register(signal, caught.clone()));
        if let Err(error) = armed {
            tracing::warn!("PG-1309: signals cannot be watched: {error}; Ctrl-C ends the program at once");
        }
    }
    let done = over.clone();
    std::thread::spawn(move || {
        while !done.load(Ordering::Relaxed) {
            if caught.load(Ordering::Relaxed) {
                stop.ask(StopReason::Asked("interrupted".into()));
                return;
            }
            std::thread::sleep(Duration::from_millis(30));
        }
    });
    Watch(over)
}
