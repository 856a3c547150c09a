//! Typed parameters: a node declares a struct, and everything else about a parameter follows from it.

mod reader;
mod value;

pub use reader::{ParamField, ParamReader, ParamType, Params};
pub use value::{ParamMap, ParamValue};
