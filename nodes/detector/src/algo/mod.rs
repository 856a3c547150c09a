//! Between frames, detections and messages: pure functions.

mod message;
mod view;

pub use message::to_message;
pub use view::view;
