//! Looking at topics from outside: for the command line.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use peregrine_core::is_hidden;
use peregrine_core::service::ServiceName;
use peregrine_msgs::registry::ServiceSupport;
use zenoh::Wait;
use zenoh::pubsub::Subscriber;
use zenoh::query::QueryTarget;
use zenoh::sample::Sample;
use zenoh_ext::{AdvancedSubscriber, AdvancedSubscriberBuilderExt, HistoryConfig};

use crate::bridge::bridged_graph;
use crate::error::{Result, zenoh as failed};
use crate::form::KeyForm;
use crate::keys::{self, BRIDGED_NODES, BridgedNode, Endpoint, Kind, ROS2DDS_TOKENS, Token, WireQos};
use crate::link::Link;
use crate::services::call_and_wait;

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
    /// Whether somebody publishes it as transient local: late readers get the last messages.
    pub latched: bool,
    /// Full names of publishing nodes.
    pub publishers: Vec<String>,
    /// Full names of subscribing nodes.
    pub subscriptions: Vec<String>,
}

/// A service as the graph shows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct ServiceFound {
    /// Full name.
    pub name: String,
    /// `std_srvs/srv/Trigger`.
    pub type_name: String,
    /// `RIHS01_...`.
    pub hash: String,
    /// Full name of the serving node.
    pub node: String,
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
    _source: Source,
}

#[derive(Debug)]
#[allow(dead_code, reason = "held for its lifetime")]
enum Source {
    Volatile(Subscriber<()>),
    Latched(AdvancedSubscriber<()>),
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

    /// Every token of the graph; through a bridge, what it tells of its side besides.
    fn tokens(&self, timeout: Duration) -> Result<Vec<Token>> {
        let form = self.link.keys;
        let declared = self.declared(&format!("{}/{}/**", form.root(), self.link.domain), timeout)?;
        let mut tokens: Vec<Token> =
            declared.iter().filter_map(|key| Token::parse(&form.inside(key)).ok()).collect();
        if form == KeyForm::Ros2Dds {
            tokens.extend(bridged_graph(&self.declared(ROS2DDS_TOKENS, timeout)?, &self.bridged(timeout)?));
        }
        Ok(tokens)
    }

    /// Keys of the tokens that fit `pattern`.
    fn declared(&self, pattern: &str, timeout: Duration) -> Result<Vec<String>> {
        let replies = self
            .link
            .session
            .liveliness()
            .get(pattern)
            .timeout(timeout)
            .wait()
            .map_err(failed("ask for the graph", pattern))?;
        let mut keys = Vec::new();
        while let Ok(reply) = replies.recv() {
            let Ok(sample) = reply.result() else { continue };
            keys.push(sample.key_expr().to_string());
        }
        Ok(keys)
    }

    /// The nodes behind bridges.
    fn bridged(&self, timeout: Duration) -> Result<Vec<BridgedNode>> {
        let replies = self
            .link
            .session
            .get(BRIDGED_NODES)
            .target(QueryTarget::All)
            .timeout(timeout)
            .wait()
            .map_err(failed("ask bridges for nodes", BRIDGED_NODES))?;
        let mut nodes = Vec::new();
        while let Ok(reply) = replies.recv() {
            let Ok(sample) = reply.result() else { continue };
            nodes.extend(BridgedNode::parse(sample.key_expr().as_str(), &sample.payload().to_bytes()));
        }
        Ok(nodes)
    }

    /// Every endpoint of the domain, as its token tells it.
    ///
    /// # Errors
    /// PG-1201.
    pub fn endpoints(&self, timeout: Duration) -> Result<Vec<Endpoint>> {
        let tokens = self.tokens(timeout)?.into_iter();
        Ok(tokens
            .filter_map(|token| match token {
                Token::Endpoint(endpoint) => Some(endpoint),
                Token::Node(_) => None,
            })
            .collect())
    }

    /// Full names of all running nodes, hidden ones left out.
    ///
    /// # Errors
    /// PG-1201.
    pub fn nodes(&self, timeout: Duration) -> Result<Vec<String>> {
        let mut names: Vec<String> = self
            .tokens(timeout)?
            .into_iter()
            .filter_map(|token| match token {
                Token::Node(node) => Some(node.full()),
                Token::Endpoint(_) => None,
            })
            .filter(|name| !is_hidden(name))
            .collect();
        names.sort();
        Ok(names)
    }

    /// All topics that somebody publishes or reads, by name.
    ///
    /// # Errors
    /// PG-1201.
    pub fn topics(&self, timeout: Duration) -> Result<Vec<TopicEntry>> {
        let mut topics: BTreeMap<(String, String), TopicEntry> = BTreeMap::new();
        for token in self.tokens(timeout)? {
            let Token::Endpoint(endpoint) = token else { continue };
            if matches!(endpoint.kind, Kind::Service | Kind::Client) {
                continue;
            }
            let entry =
                topics.entry((endpoint.name.clone(), endpoint.hash.clone())).or_insert_with(|| TopicEntry {
                    name: endpoint.name.clone(),
                    type_name: endpoint.type_name.clone(),
                    hash: endpoint.hash.clone(),
                    latched: false,
                    publishers: Vec::new(),
                    subscriptions: Vec::new(),
                });
            let node = endpoint.node.full();
            if endpoint.kind == Kind::Publisher {
                entry.latched |= WireQos::parse(&endpoint.qos).is_ok_and(|qos| qos.transient_local);
                entry.publishers.push(node);
            } else {
                entry.subscriptions.push(node);
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

    /// All services that somebody serves, by name.
    ///
    /// # Errors
    /// PG-1201.
    pub fn services(&self, timeout: Duration) -> Result<Vec<ServiceFound>> {
        let mut services: Vec<ServiceFound> = self
            .tokens(timeout)?
            .into_iter()
            .filter_map(|token| match token {
                Token::Endpoint(e) if e.kind == Kind::Service => Some(ServiceFound {
                    node: e.node.full(),
                    name: e.name,
                    type_name: e.type_name,
                    hash: e.hash,
                }),
                _ => None,
            })
            .collect();
        services.sort();
        Ok(services)
    }

    /// Calls `service` and waits for its answer: CDR in, CDR out, each with its header. The server need not be in the graph
    /// yet when the call is made, but must be within `patience`.
    ///
    /// # Errors
    /// PG-1201, PG-1207, PG-1208.
    pub fn call(
        &self,
        name: &str,
        support: &'static ServiceSupport,
        request: Vec<u8>,
        patience: Duration,
    ) -> Result<Vec<u8>> {
        let service =
            ServiceName { name: name.to_owned(), type_name: support.type_name, hash: support.type_hash };
        call_and_wait(&self.link, &service, request, patience)
    }

    /// Messages of `topic` from now on, after the last ones when it is latched.
    ///
    /// # Errors
    /// PG-1201.
    pub fn stream(&self, topic: &TopicEntry) -> Result<Stream> {
        let key = self.link.keys.key(self.link.domain, &topic.name, &topic.type_name, &topic.hash);
        let (sender, updates) = channel();
        let callback = move |sample: Sample| {
            let attachment =
                sample.attachment().and_then(|bytes| keys::Attachment::parse(&bytes.to_bytes()).ok());
            // The receiver is gone only while the stream is being dropped.
            let _ = sender.send(Update {
                payload: sample.payload().to_bytes().into_owned(),
                stamp_ns: attachment.map(|a| a.stamp_ns),
                sequence: attachment.map(|a| a.sequence),
            });
        };
        let subscriber = self.link.session.declare_subscriber(&key).callback(callback);
        let source = if topic.latched {
            let history = HistoryConfig::default().detect_late_publishers();
            subscriber.history(history).wait().map(Source::Latched)
        } else {
            subscriber.wait().map(Source::Volatile)
        };
        Ok(Stream { updates, _source: source.map_err(failed("subscribe to", &key))? })
    }
}
