//! Pure: pixels and times in, pixels out.

mod hide;
mod picture;
mod waiting;

pub use hide::{Hide, Region, hide};
pub use picture::Picture;
pub use waiting::{Found, Waiting};
