//! Worlds that a seed draws, and courts.

pub mod court;
pub mod maze;
pub mod moving;
pub mod poisson;
