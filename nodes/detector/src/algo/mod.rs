//! Between frames, detections and messages, and what is counted on the way: no topic, no clock.

mod message;
mod rungs;
pub mod transfer;
mod view;
mod vitals;
mod waiting;

pub use message::{Boxes, label_info, status};
pub use rungs::{is_due, rungs};
pub use view::view;
pub use vitals::{Around, MEMORY, Vitals, against_reference, counted, drifted, drifts, histograms};
pub use waiting::Waiting;
