//! Everything that can go wrong on the way to Gazebo, as sentences with a stable code.

use std::net::SocketAddr;

/// The result of every fallible function of this crate.
pub type Result<T, E = GzError> = std::result::Result<T, E>;

/// Every fault of the transport: cause, offending value, remedy, and a code `PG-16xx` at the front.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GzError {
    /// A name breaks the rules of gz-transport.
    #[error(
        "PG-1601 \"{name}\" is no name of a {kind}: {reason}. Use letters, digits and / _ - : with no blanks, @ or :=."
    )]
    Name {
        /// topic, service or partition.
        kind: &'static str,
        /// The name.
        name: String,
        /// Why not.
        reason: &'static str,
    },
    /// The discovery socket cannot be opened.
    #[error(
        "PG-1602 discovery cannot listen on {address}: {cause}. Is the port open and multicast allowed? \
         GZ_IP=127.0.0.1 stays on this machine; GZ_DISCOVERY_MSG_PORT and GZ_DISCOVERY_SRV_PORT change the ports."
    )]
    Discovery {
        /// Port and group.
        address: SocketAddr,
        /// What the operating system said.
        cause: std::io::Error,
    },
    /// The thread of the transport cannot be started.
    #[error("PG-1603 the thread of gz-transport cannot start: {cause}. Free threads or memory.")]
    Thread {
        /// What the operating system said.
        cause: std::io::Error,
    },
    /// A socket for messages or services cannot be opened.
    #[error("PG-1604 cannot listen at {address}: {cause}. GZ_IP must be an address of this machine.")]
    Bind {
        /// The address.
        address: String,
        /// What ZeroMQ said.
        cause: String,
    },
    /// Nobody offers a service.
    #[error(
        "PG-1605 service {service} was not found within {milliseconds} ms. Is the world running, in the same \
         partition ({partition})?"
    )]
    NoService {
        /// The service.
        service: String,
        /// How long was waited.
        milliseconds: u64,
        /// The partition that was looked in.
        partition: String,
    },
    /// A service does not answer.
    #[error("PG-1606 service {service} did not answer within {milliseconds} ms.")]
    NoAnswer {
        /// The service.
        service: String,
        /// How long was waited.
        milliseconds: u64,
    },
    /// A service says that it failed.
    #[error("PG-1607 service {service} refused: it answered with the result false.")]
    Refused {
        /// The service.
        service: String,
    },
    /// The bytes are no message of the type.
    #[error(
        "PG-1608 {topic}: the payload is no {type_name}: {cause}. Do both sides use the same version of gz-msgs?"
    )]
    Decode {
        /// Topic or service.
        topic: String,
        /// The type that was expected.
        type_name: String,
        /// What protobuf said.
        cause: prost::DecodeError,
    },
    /// The transport has ended.
    #[error("PG-1609 the transport has ended; start a new node.")]
    Ended,
    /// A variable holds what it cannot mean.
    #[error("PG-1610 {variable} is \"{value}\", {reason}.")]
    Variable {
        /// The environment variable.
        variable: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        reason: &'static str,
    },
}
