//! Looking at topics from outside: for the command line.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use zenoh::Wait;
use zenoh::pubsub::Subscriber;

use crate::error::{Result, zenoh as failed};
use crate::keys::{self, Endpoint, Kind};
use crate::link::Link;

/// A topic as the graph shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopicEntry {
    /// Full name.
    pub name: String,
    /// `sensor_msgs/msg/Image`.
    pub type_name: String,
    /// `RIHS01_...`.
    pub hash: String,
    /// Full names of publishing nodes.
    pub publishers: Vec<String>,
    /// Full names of subscribing nodes.
    pub subscriptions: Vec<String>,
}

/// A view of the graph.
#[derive(Debug)]
pub struct Inspector {
    link: Link,
}

/// One message as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Update {
    /// CDR, header included.
    pub payload: Vec<u8>,
    /// The publisher's stamp, ns, if it sent one.
    pub stamp_ns: Option<i64>,
    /// The publisher's sequence number, if it sent one.
    pub sequence: Option<i64>,
}

/// Messages of one topic, as they come.
#[derive(Debug)]
pub struct Stream {
    updates: Receiver<Update>,
    _subscriber: Subscriber<()>,
}

impl Stream {
    /// The next message; `None` when none came in time.
    pub fn next(&self, timeout: Duration) -> Option<Update> {
        self.updates.recv_timeout(timeout).ok()
    }
}

impl Inspector {
    /// Looks through `link`.
    pub fn new(link: Link) -> Self {
        Self { link }
    }

    /// Every endpoint of the domain, as its token tells it.
    ///
    /// # Errors
    /// PG-1201.
    pub fn endpoints(&self, timeout: Duration) -> Result<Vec<Endpoint>> {
        let pattern = format!("{}/{}/**", keys::ROOT, self.link.domain);
        let replies = self
            .link
            .session
            .liveliness()
            .get(&pattern)
            .timeout(timeout)
            .wait()
            .map_err(failed("ask for the graph", &pattern))?;
        let mut endpoints = Vec::new();
        while let Ok(reply) = replies.recv() {
            let Ok(sample) = reply.result() else { continue };
            endpoints.extend(Endpoint::parse(sample.key_expr().as_str()));
        }
        Ok(endpoints)
    }

    /// All topics that somebody publishes or reads, by name.
    ///
    /// # Errors
    /// PG-1201.
    pub fn topics(&self, timeout: Duration) -> Result<Vec<TopicEntry>> {
        let mut topics: BTreeMap<(String, String), TopicEntry> = BTreeMap::new();
        for endpoint in self.endpoints(timeout)? {
            let node = endpoint.node_name();
            let entry =
                topics.entry((endpoint.topic.clone(), endpoint.hash.clone())).or_insert_with(|| TopicEntry {
                    name: endpoint.topic,
                    type_name: endpoint.type_name,
                    hash: endpoint.hash,
                    publishers: Vec::new(),
                    subscriptions: Vec::new(),
                });
            match endpoint.kind {
                Kind::Publisher => entry.publishers.push(node),
                Kind::Subscription => entry.subscriptions.push(node),
                Kind::Service | Kind::Client => {}
            }
        }
        Ok(topics
            .into_values()
            .map(|mut entry| {
                entry.publishers.sort();
                entry.subscriptions.sort();
                entry
            })
            .collect())
    }

    /// Messages of `topic` from now on.
    ///
    /// # Errors
    /// PG-1201.
    pub fn stream(&self, topic: &TopicEntry) -> Result<Stream> {
        let key = keys::data_key(self.link.domain, &topic.name, &topic.type_name, &topic.hash);
        let (sender, updates) = channel();
        let subscriber = self
            .link
            .session
            .declare_subscriber(&key)
            .callback(move |sample| {
                let attachment =
                    sample.attachment().and_then(|bytes| keys::Attachment::parse(&bytes.to_bytes()).ok());
                // The receiver is gone only while the stream is being dropped.
                let _ = sender.send(Update {
                    payload: sample.payload().to_bytes().into_owned(),
                    stamp_ns: attachment.map(|a| a.stamp_ns),
                    sequence: attachment.map(|a| a.sequence),
                });
            })
            .wait()
            .map_err(failed("subscribe to", &key))?;
        Ok(Stream { updates, _subscriber: subscriber })
    }
}
