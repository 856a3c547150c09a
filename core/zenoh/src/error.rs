//! What can go wrong between processes.

use thiserror::Error;

/// The result of everything in this crate.
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// An error of the Zenoh transport.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// Zenoh refused something.
    #[error("PG-1201: Zenoh could not {what}: {source}; see whether another program holds {endpoint}")]
    Zenoh {
        /// What was tried.
        what: &'static str,
        /// Where.
        endpoint: String,
        /// Zenoh's own words.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A key or token that is not in the form of rmw_zenoh.
    #[error("PG-1202: '{text}' is not {expected}: {why}; the sender may not speak rmw_zenoh")]
    Malformed {
        /// The text.
        text: String,
        /// What it should have been.
        expected: &'static str,
        /// Where it failed.
        why: &'static str,
    },
    /// An attachment that is not in the form of rmw_zenoh.
    #[error("PG-1203: an attachment of {len} bytes is not rmw_zenoh's 33; the sender may be older than 2025")]
    Attachment {
        /// Its length.
        len: usize,
    },
    /// The domain id is not a number.
    #[error("PG-1204: ROS_DOMAIN_ID is '{value}', which is not a number from 0 to 232; unset it or set one")]
    Domain {
        /// Its value.
        value: String,
    },
    /// A distribution that is not known.
    #[error("PG-1205: PEREGRINE_ROS_DISTRO is '{value}'; known are humble, jazzy, kilted and lyrical")]
    Distro {
        /// Its value.
        value: String,
    },
    /// The session's configuration cannot be used.
    #[error("PG-1206: {variable} is '{value}', which cannot be used: {why}; mend it or unset it")]
    Config {
        /// The environment variable.
        variable: &'static str,
        /// Its value.
        value: String,
        /// What is wrong.
        why: String,
    },
    /// Nobody answered a call.
    #[error(
        "PG-1207: the service '{service}' did not answer in {seconds:.1} s; see that its server runs and is active"
    )]
    NoAnswer {
        /// The service's full name.
        service: String,
        /// How long was waited, s.
        seconds: f64,
    },
    /// The server answered with an error.
    #[error("PG-1208: the service '{service}' refused: {reason}")]
    Refused {
        /// The service's full name.
        service: String,
        /// Its own words.
        reason: String,
    },
    /// The system refuses a thread.
    #[error(
        "PG-1215: the thread that opens and closes subscriptions could not be started: {source}; check the limit of threads"
    )]
    Thread {
        /// What the system says.
        source: std::io::Error,
    },
}

/// A boxed error of Zenoh with what was tried.
pub(crate) fn zenoh(what: &'static str, endpoint: &str) -> impl FnOnce(zenoh::Error) -> Error {
    let endpoint = endpoint.to_owned();
    move |source| Error::Zenoh { what, endpoint, source }
}
