//! The graph around this process: who reads what is published here, and what keeps peers from understanding each other.
//!
//! A topic is published over DDS only while somebody elsewhere reads it. The middleware's own count of matches does not
//! say that: it counts the readers of this process too.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use peregrine_core::Topic;

use crate::error::Result;
use crate::mismatch::{Party, complaint, fits, kept};
use crate::origins::Gid;
use crate::rcl::{Context as Domain, End, Guard, Node, WaitSet, Waited};
use crate::spin::Worker;

/// Changes come in bursts, when a process appears: one look is enough for those of this time.
const BURST: Duration = Duration::from_millis(20);
/// A look is taken this often although nothing was told: a change during the last look may have gone unnoticed.
const ANYWAY: Duration = Duration::from_secs(1);
/// After so long an endpoint whose node is not known is taken to have none.
const GRACE: Duration = Duration::from_secs(5);
/// What the ids of all endpoints of one participant begin with.
const PARTICIPANT: usize = 12;

/// A topic of this process, with the own ends of it that the graph shows.
pub(crate) struct Watched {
    pub topic: Arc<Topic>,
    /// It carries pictures that must not leave this host: readers elsewhere are told, and do not count.
    pub stays: bool,
    pub publishers: Vec<Party>,
    pub subscriptions: Vec<Party>,
}

/// Watches until dropped.
pub(crate) struct Watch {
    node: Arc<Node>,
    own: BTreeSet<Gid>,
    topics: Vec<Watched>,
    said: BTreeSet<String>,
    /// Endpoints whose node is not known, and since when they have been there.
    nameless: BTreeMap<Gid, Instant>,
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
        let mut watch = Self { node, own, topics, said: BTreeSet::new(), nameless: BTreeMap::new() };
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

    fn look(&mut self) -> Result {
        let (now, mut nameless) = (Instant::now(), BTreeMap::new());
        let mut complaints = Vec::new();
        for watched in &self.topics {
            let name = watched.topic.name();
            if !watched.publishers.is_empty() {
                let remote = self.elsewhere(self.node.subscriptions(name)?);
                let fitting = |end: &&End| watched.publishers.iter().any(|from| fits(from, &end.party));
                let asking = remote.iter().filter(fitting).count();
                let heard = if watched.stays { 0 } else { asking };
                complaints.extend((watched.stays && asking > 0).then(|| kept(name)));
                if heard != watched.topic.remote_readers() {
                    tracing::debug!(topic = name, "{heard} readers elsewhere");
                    watched.topic.set_remote_readers(heard);
                }
                for to in remote.iter().filter(|end| self.is_known(end, now, &mut nameless)) {
                    let all = watched.publishers.iter();
                    complaints.extend(all.filter_map(|from| complaint(name, from, &to.party)));
                }
            }
            if !watched.subscriptions.is_empty() {
                let remote = self.elsewhere(self.node.publishers(name)?);
                for from in remote.iter().filter(|end| self.is_known(end, now, &mut nameless)) {
                    let all = watched.subscriptions.iter();
                    complaints.extend(all.filter_map(|to| complaint(name, &from.party, to)));
                }
            }
        }
        self.nameless = nameless;
        for text in complaints {
            if self.said.insert(text.clone()) {
                tracing::warn!("{text}");
            }
        }
        Ok(())
    }

    fn elsewhere(&self, ends: Vec<End>) -> Vec<End> {
        let is_own = |end: &End| self.own.iter().any(|own| own[..PARTICIPANT] == end.gid[..PARTICIPANT]);
        ends.into_iter().filter(|end| !is_own(end)).collect()
    }

    /// Whether it is known whose it is, or that it is nobody's; if not, it is noted in `nameless`.
    fn is_known(&self, end: &End, now: Instant, nameless: &mut BTreeMap<Gid, Instant>) -> bool {
        if end.named {
            return true;
        }
        let since = self.nameless.get(&end.gid).copied().unwrap_or(now);
        nameless.insert(end.gid, since);
        now.duration_since(since) > GRACE
    }
}
