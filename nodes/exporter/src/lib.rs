//! The exporter node: pictures out of the robot, with the people in them made unrecognisable.
//!
//! Three nouns: a [`algo::Picture`] is colour pixels in memory of our own; [`algo::hide`] makes a region of it say no more than a
//! few mean colours; a [`algo::Waiting`] holds pictures until what was found in exactly that picture is known, and gives none out
//! without.
//!
//! Invariant: no pixel leaves whose picture was not looked at by a detector that knows what is to be hidden.

pub mod algo;
mod error;
mod node;

pub use error::Error;
pub use node::{Config, ExporterNode, PEREGRINE_NODE};
