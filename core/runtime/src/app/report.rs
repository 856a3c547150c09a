//! What a run came to, for people and for tests.

use std::sync::Arc;

use super::seat::Seat;
use crate::context::StopReason;
use crate::graph::Graph;
use crate::host::NodeState;
use crate::time::Time;

/// The record of a finished run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunReport {
    /// Why it ended.
    pub reason: StopReason,
    /// The node clock at the end.
    pub time: Time,
    /// Every node.
    pub nodes: Vec<NodeReport>,
    /// Every topic.
    pub topics: Vec<TopicReport>,
    /// Frames lost because readers held every slot.
    pub failed_loans: u64,
    /// SHA-256 over everything published, in lockstep with `App::log_topics`.
    pub topic_log_sha256: Option<String>,
}

/// One node's record.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeReport {
    /// Full name.
    pub name: Arc<str>,
    /// Kind in the registry.
    pub kind: &'static str,
    /// State at the end.
    pub state: NodeState,
    /// Callbacks run.
    pub callbacks: u64,
    /// Errors and panics.
    pub errors: u64,
    /// The last of them.
    pub last_error: Option<String>,
}

/// One topic's record.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopicReport {
    /// Full name.
    pub name: String,
    /// Message type.
    pub type_name: &'static str,
    /// Messages published.
    pub published: u64,
    /// Messages that readers of this process lost, summed over readers.
    pub dropped: u64,
    /// True when it carries frames.
    pub frames: bool,
}

impl RunReport {
    pub(super) fn collect(
        seats: &[Seat],
        graph: &Graph,
        time: Time,
        reason: StopReason,
        topic_log_sha256: Option<String>,
    ) -> Self {
        let nodes = seats
            .iter()
            .map(|seat| {
                let host = seat.host();
                NodeReport {
                    name: host.name.clone(),
                    kind: host.kind,
                    state: host.state,
                    callbacks: host.callbacks,
                    errors: host.errors,
                    last_error: host.last_error.clone(),
                }
            })
            .collect();
        let topics = graph
            .topics()
            .values()
            .filter(|t| crate::graph::is_topic(t.name()))
            .map(|t| TopicReport {
                name: t.name().to_owned(),
                type_name: t.type_info().name,
                published: t.published(),
                dropped: t.dropped(),
                frames: t.carries_frames(),
            })
            .collect();
        Self { reason, time, nodes, topics, failed_loans: graph.failed_loans(), topic_log_sha256 }
    }
}
