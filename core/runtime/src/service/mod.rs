//! Services: a request goes to the one node that serves the name, its answer to the one that asked.
//!
//! A request travels as a message does, on a topic whose name no node can have, so that it waits in the server's inbox,
//! runs on the server's lane, and in lockstep takes its turn in the same rounds: a call between nodes of one process
//! repeats bit for bit. A transport brings requests of other processes in ([`ServiceEntry::call`]) and takes ours out
//! ([`RemoteCalls`]).

mod call;
mod client;
mod server;

use std::sync::Arc;

use thiserror::Error;

pub use client::{Client, Done, RemoteCalls, ServiceName};
pub use server::{RemoteReply, ServiceEntry};

/// Requests that wait for a server before the oldest is dropped: the default of rclcpp's services.
const DEPTH: usize = 10;

/// Why a call has no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CallError {
    /// Nobody serves the name.
    #[error("PG-0220: nobody serves '{service}'; start its server, or remap the name")]
    NoServer {
        /// The service's full name.
        service: String,
    },
    /// The server answered with an error.
    #[error("PG-0221: the server of '{service}' refused: {reason}")]
    Refused {
        /// The service's full name.
        service: String,
        /// Its own words.
        reason: String,
    },
    /// The answer does not decode.
    #[error("PG-0222: the answer of '{service}' does not decode: {reason}; client and server differ in type")]
    Malformed {
        /// The service's full name.
        service: String,
        /// What CDR says.
        reason: String,
    },
}

/// The name of the topic that carries a service's requests: no topic's, for it has no slash in front.
fn request_topic(service: &str) -> String {
    format!("rq{service}")
}

/// The name of the topic that carries one client's answers.
fn reply_topic(service: &str, node: &Arc<str>, nth: usize) -> String {
    format!("rr{service} {node} {nth}")
}
