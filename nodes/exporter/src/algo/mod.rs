//! Pure: pixels and times in, pixels out.

mod hide;
mod picture;
mod waiting;

pub use hide::{Hide, Region, Spot, hide};
pub use picture::Picture;
pub use waiting::{Found, Waiting};
