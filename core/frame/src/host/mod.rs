//! Buses of the whole host: found by topic and ROS domain, without a daemon.
//!
//! A publisher puts a socket into a folder that only its user may enter, and answers there with two descriptors: the
//! control block, which both map to read and write, and the slots, which readers map read-only. From then on frames
//! pass through memory alone; the connection stays, and its end says that the other side is gone.

mod folder;
mod inspect;
mod publication;
mod service;
mod socket;
mod subscriber;
mod watch;
pub mod wire;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use folder::Folder;
pub use inspect::{Found, FoundState, Onlooker, SlotView};
pub(crate) use publication::Publication;
pub use publication::PublishOptions;
pub use subscriber::{Event, Subscriber, wait_any, wake_word};
use watch::Watch;

use crate::{BusConfig, DEFAULT_PINS, Error, Policy, Result, Writer};

/// The buses of this user on this host, in one ROS domain.
#[derive(Clone)]
pub struct Host {
    folder: Arc<Folder>,
    domain: u32,
}

impl Host {
    /// By the environment: `$XDG_RUNTIME_DIR/peregrine` if that is this user's own folder, else `/tmp/peregrine-UID`;
    /// and `ROS_DOMAIN_ID`, 0 if unset.
    ///
    /// # Errors
    /// `PG-0118` if the folder cannot be used, `PG-0119` for the domain.
    pub fn from_env() -> Result<Host> {
        let domain = match std::env::var("ROS_DOMAIN_ID") {
            Ok(value) if !value.is_empty() => {
                value.parse().ok().filter(|d| *d <= 232).ok_or(Error::Domain { value })?
            }
            _ => 0,
        };
        Host::at(folder::default_base(), domain)
    }

    /// In a folder of one's own, which is made if it is not there (its parent must be).
    ///
    /// # Errors
    /// `PG-0118` if the folder cannot be used.
    pub fn at(base: impl Into<PathBuf>, domain: u32) -> Result<Host> {
        Ok(Host { folder: Arc::new(Folder::open(&base.into(), domain)?), domain })
    }

    /// Makes a bus that any process of this user can read, and returns its writer. It is withdrawn with the writer.
    ///
    /// # Errors
    /// As [`publish_with`](Self::publish_with).
    pub fn publish(&self, topic: &str, config: BusConfig) -> Result<Writer> {
        self.publish_with(topic, &PublishOptions { config, ..PublishOptions::default() })
    }

    /// As [`publish`](Self::publish), with all that can be chosen.
    ///
    /// # Errors
    /// `PG-0101`, `PG-0102`, `PG-0103`, `PG-0117` if the numbers of the configuration do not go together, `PG-0112` if
    /// the memory cannot be had, `PG-0121` if the system refuses a socket or a thread, `PG-0123` for the name.
    pub fn publish_with(&self, topic: &str, options: &PublishOptions) -> Result<Writer> {
        publication::publish(&self.folder, self.domain, topic, options)
    }

    /// Reads a topic, holding at most [`DEFAULT_PINS`] frames of each publisher at once. Publishers are found by
    /// themselves, now and later.
    ///
    /// # Errors
    /// As [`subscribe_with`](Self::subscribe_with).
    pub fn subscribe(&self, topic: &str, policy: Policy) -> Result<Subscriber> {
        self.subscribe_with(topic, &SubscribeOptions { policy, ..SubscribeOptions::default() })
    }

    /// As [`subscribe`](Self::subscribe), with all that can be chosen.
    ///
    /// # Errors
    /// `PG-0116` for the number of pins, `PG-0121` if the system refuses a thread, `PG-0123` for the name.
    pub fn subscribe_with(&self, topic: &str, options: &SubscribeOptions) -> Result<Subscriber> {
        check_topic(topic)?;
        // The deepest ring there is: whether a publisher's is deep enough is known when it answers.
        options.policy.resolve(topic, crate::protocol::RING, options.pins)?;
        Subscriber::new(Watch::new(Arc::clone(&self.folder), self.domain, topic, options))
    }

    /// All buses of this domain, live or not. Nobody is disturbed: no row is claimed, no frame is held. A publisher that
    /// does not answer within `timeout` (a stopped process) is [`FoundState::Silent`].
    pub fn inspect(&self, timeout: Duration) -> Vec<Found> {
        inspect::inspect(&self.folder, self.domain, timeout)
    }

    /// Removes the entries of processes that are dead, and returns how many there were. Whoever looks for a topic does
    /// the same for that topic.
    pub fn clear_stale(&self) -> usize {
        let dead = |entry: &folder::Entry| !crate::process::lives(entry.owner.pid, entry.owner.start_time);
        self.folder.entries().iter().filter(|(name, entry)| dead(entry) && self.folder.remove(name)).count()
    }

    /// The folder of the buses.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The ROS domain.
    pub fn domain(&self) -> u32 {
        self.domain
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("folder", &self.folder()).field("domain", &self.domain).finish()
    }
}

/// How a topic is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscribeOptions {
    /// Which frames.
    pub policy: Policy,
    /// Frames of each publisher that may be held at once, 1 to 16.
    pub pins: usize,
    /// Leave out publishers of this very process.
    pub skip_own: bool,
    /// Message type wanted; empty for any. A publisher of another type refuses.
    pub message_type: String,
    /// A tool that looks in, with one pin: it may use the slot and the row that every bus keeps for that.
    pub tool: bool,
}

impl Default for SubscribeOptions {
    fn default() -> Self {
        Self {
            policy: Policy::Latest,
            pins: DEFAULT_PINS,
            skip_own: false,
            message_type: String::new(),
            tool: false,
        }
    }
}

fn check_topic(topic: &str) -> Result {
    let why = match topic {
        "" => "it is empty",
        t if t.len() > wire::MAX_TEXT => "it is longer than 512 bytes",
        t if t.contains('\0') => "it holds a NUL character",
        _ => return Ok(()),
    };
    Err(Error::TopicName { topic: topic.to_owned(), why })
}
