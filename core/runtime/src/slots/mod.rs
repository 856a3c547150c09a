//! Messages of any type between the processes of a host: one that is large rides in a slot.
//!
//! [`MessagePort`] is the publisher's side, [`Imports`] the readers'. Between them lies a frame bus for each publisher,
//! made when it first publishes a message above the threshold. From then on everything that it publishes on the topic
//! goes through the bus to the processes that are attached to it, so that there is one order; and over the network to
//! whoever else listens, with the same number, so that the readers can tell ([`crate::arrivals`]).

mod import;
mod port;

pub(crate) use import::Imports;
pub(crate) use port::MessagePort;

/// CDR larger than this rides in a slot, bytes.
pub const SLOT_THRESHOLD: usize = 16 * 1024;

/// Messages that a ring keeps: the readers' threads take them at once, and their nodes' queues are elsewhere.
const KEEP: usize = 4;
