//! Peregrine in one crate: the prelude for authors of nodes, and the command that runs them.
//!
//! A crate with a node of its own depends on this one, ends the node's file with `export_node!`, and calls
//! [`main`]: its binary is then the whole `peregrine` command with one more node. `peregrine new my_node` writes such a
//! crate.

mod args;
mod commands;
mod compose;
mod doctor;
pub mod draw;
mod error;
pub mod flight;
pub mod report;
mod ros_args;
mod rosout;
mod way;

pub use commands::main;
pub use compose::{Composition, registry};
pub use error::{Error, Result as CliResult};
pub use peregrine_core::{
    __private, App, Clock, Context, Error as NodeError, Extensions, FramePublisher, FrameSlots, Mode, Node,
    NodeFactory, NodeSpec, OrNode, ParamField, ParamMap, ParamReader, ParamType, ParamValue, Params,
    Publisher, Qos, Registry, Result, RunReport, Setup, Stop, StopReason, Time, export_node, prelude,
};
pub use peregrine_msgs as msgs;
