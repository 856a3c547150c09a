//! The flight report
mod record;
pub mod score;
pub use record::*;
