//! What can be wrong with parameters and links, and how to put it right.

/// Errors of the autopilot node. Codes PG-15xx.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AutopilotError {
    /// A link's address that cannot be read.
    #[error(
        "PG-1501 parameter `link` is `{given}`: {why}. Write udpin:ADDRESS:PORT, udpout:HOST:PORT, tcpin:ADDRESS:PORT, tcpout:HOST:PORT or serial:DEVICE:BAUD."
    )]
    Address {
        /// As given.
        given: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A link that does not open.
    #[error("PG-1502 link {link} does not open: {source}. {remedy}; it is tried again every {retry_s} s.")]
    Open {
        /// The link.
        link: String,
        /// What the system says.
        source: std::io::Error,
        /// What may help.
        remedy: &'static str,
        /// Seconds between attempts.
        retry_s: f64,
    },
    /// A link that broke.
    #[error(
        "PG-1503 link {link} broke: {why}. Nothing reaches the autopilot until it is back; it is tried again every {retry_s} s."
    )]
    Broke {
        /// The link.
        link: String,
        /// How.
        why: String,
        /// Seconds between attempts.
        retry_s: f64,
    },
    /// A choice by name that does not exist.
    #[error("PG-1504 parameter `{name}` is `{value}`, which is none of: {choices}. Use one of these.")]
    UnknownChoice {
        /// Name of the parameter.
        name: &'static str,
        /// What it was set to.
        value: String,
        /// What it may be.
        choices: &'static str,
    },
    /// A scan or range that cannot be told.
    #[error(
        "PG-1505 {what} on '{topic}' makes no sense ({detail}) and is not sent. Publish finite angles, a range_max above range_min, and a steady increment."
    )]
    Sensor {
        /// LaserScan or Range.
        what: &'static str,
        /// The topic as the node knows it.
        topic: &'static str,
        /// Its numbers.
        detail: String,
    },
}
