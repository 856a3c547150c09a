//! The graph around this process: who reads what is published here, and what keeps peers from understanding each other.
//!
//! A topic is published over DDS only while somebody elsewhere reads it. The middleware's own count of matches does not
//! say that: it counts the readers of this process too.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use peregrine_core::Topic;

use crate::error::Result;
use crate::mismatch::{Party, complaint, fits};
use crate::origins::Gid;
use crate::rcl::{Context as Domain, End, Guard, Node, WaitSet, Waited};
use crate::spin::Worker;

/// Changes come in bursts, when a process appears: one look is enough for those of this time.
const BURST: Duration = Duration::from_millis(20);
/// A look is taken this often although nothing was told: a change during the last look may have gone unnoticed.
const ANYWAY: Duration = Duration::from_secs(1);
/// What the ids of all endpoints of one participant begin with.
const PARTICIPANT: usize = 12;

/// A topic of this process, with the own ends of it that the graph shows.
pub(crate) struct Watched {
    pub topic: Arc<Topic>,
    pub publishers: Vec<Party>,
    pub subscriptions: Vec<Party>,
}

/// Watches until dropped.
pub(crate) struct Watch {
    node: Arc<Node>,
    own: BTreeSet<Gid>,
    topics: Vec<Watched>,
    said: BTreeSet<String>,
}

impl Watch {
    /// On a thread of its own. `own` are the ids of this process's publishers.
    pub fn start(
        domain: &Arc<Domain>,
        node: Arc<Node>,
        own: BTreeSet<Gid>,
        topics: Vec<Watched>,
    ) -> Result<Worker> {
        let mut set = WaitSet::new(domain, 0, 0, 0)?;
        let mut watch = Self { node, own, topics, said: BTreeSet::new() };
        let guard = Guard::new(domain)?;
        watch.look()?;
        Worker::start("dds-graph", guard, move |guard| {
            let waited =
                Waited { subscriptions: &[], services: &[], clients: &[], guard, graph: Some(&watch.node) };
            set.wait(&waited, Some(ANYWAY))?;
            std::thread::park_timeout(BURST);
            watch.look()
        })
    }

    fn is_own(&self, end: &End) -> bool {
        self.own.iter().any(|own| own[..PARTICIPANT] == end.gid[..PARTICIPANT])
    }

    fn look(&mut self) -> Result {
        let mut complaints = Vec::new();
        for watched in &self.topics {
            let name = watched.topic.name();
            if !watched.publishers.is_empty() {
                let remote = self.node.subscriptions(name)?;
                let remote: Vec<&Party> =
                    remote.iter().filter(|e| !self.is_own(e)).map(|e| &e.party).collect();
                let heard = remote.iter().filter(|to| watched.publishers.iter().any(|from| fits(from, to)));
                let heard = heard.count();
                if heard != watched.topic.remote_readers() {
                    tracing::debug!(topic = name, "{heard} readers elsewhere");
                    watched.topic.set_remote_readers(heard);
                }
                for to in &remote {
                    complaints.extend(watched.publishers.iter().filter_map(|from| complaint(name, from, to)));
                }
            }
            if !watched.subscriptions.is_empty() {
                let remote = self.node.publishers(name)?;
                for from in remote.iter().filter(|end| !self.is_own(end)).map(|end| &end.party) {
                    complaints
                        .extend(watched.subscriptions.iter().filter_map(|to| complaint(name, from, to)));
                }
            }
        }
        for text in complaints {
            if self.said.insert(text.clone()) {
                tracing::warn!("{text}");
            }
        }
        Ok(())
    }
}
