//! Watching a flight: a node that hears every topic, what it notes down, and the summary at the end.

mod monitor;
mod notes;
mod pictures;
mod progress;
mod summary;

pub use monitor::FlightMonitor;
pub use notes::{Notes, Watch};
pub use summary::Summary;
