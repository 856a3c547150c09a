//! Peregrine's topics between processes, over Zenoh, on the keys and liveliness tokens of `rmw_zenoh`.
//!
//! - [`keys`]: data keys, liveliness tokens, the attachment. Pure.
//! - [`Link`]: one Zenoh session, found without a daemon: the first process on a host becomes the meeting point.
//! - [`Transport`]: a node that carries the topics of its process out to remote readers and in from remote writers.
//! - [`Inspector`]: what `peregrine topic list|echo|hz` looks with.
//!
//! Tested against: itself across processes. Against other implementations: see docs/ros2.md when it is there; until
//! then treat interoperability as designed, not proven.

mod error;
mod inspect;
pub mod keys;
mod link;
mod transport;

pub use error::{Error, Result};
pub use inspect::{Inspector, Stream, TopicEntry, Update};
pub use link::{Link, LinkOptions};
pub use transport::Transport;
