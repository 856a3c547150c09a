//! Worlds that a seed draws.

pub mod maze;
pub mod moving;
pub mod poisson;
