//! The other process of the tests: a reader, a holder, a writer or a stranger, to be killed and stopped.
//!
//! `frame-peer ROLE FOLDER TOPIC [ARGUMENT...]`. It says on its standard output what the test waits for, and ends with
//! exit code 3 if it ever sees a torn frame.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[cfg(not(any(loom, shuttle)))]
mod chaos;
#[cfg(not(any(loom, shuttle)))]
mod pattern;
#[cfg(not(any(loom, shuttle)))]
mod roles;

/// Under a model checker there is nothing to play with.
#[cfg(any(loom, shuttle))]
fn main() {}

#[cfg(not(any(loom, shuttle)))]
fn main() {
    roles::main();
}
