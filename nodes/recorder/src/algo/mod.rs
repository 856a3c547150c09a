//! The parts that know nothing of nodes or threads.

pub(crate) mod bag;
pub(crate) mod file;
pub(crate) mod metadata;
pub(crate) mod recover;
pub(crate) mod select;
