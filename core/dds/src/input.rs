//! Topics on their way in: a DDS reader for each node that reads one, and one importer for each topic.

use std::cmp::Reverse;
use std::sync::Arc;

use peregrine_core::{Context, Importer, Qos, Topic, Topics};

use crate::error::Result;
use crate::origins::Origins;
use crate::rcl::{Bytes, MessageSupport, Node, Subscription};

/// A topic that is read here.
pub(crate) struct Inlet {
    importer: Importer,
    /// The strictest first.
    readers: Vec<Arc<Subscription>>,
    /// Those that only show in the graph who reads: a second reader of the same QoS would bring the same.
    _shown: Vec<Arc<Subscription>>,
    origins: Origins,
}

impl Inlet {
    /// Subscribes in the name of each of `nodes`.
    pub fn open(
        topics: &Arc<Topics>,
        topic: &Arc<Topic>,
        ctx: &Context,
        support: MessageSupport,
        mut nodes: Vec<(Arc<Node>, Qos)>,
    ) -> Result<Self> {
        // The strictest first, and of equals the one that keeps most, for it loses least.
        let strictness = |qos: Qos| (!qos.is_latched(), !qos.is_reliable());
        nodes.sort_by_key(|(_, qos)| (strictness(*qos), Reverse(qos.depth())));
        let (mut readers, mut shown) = (Vec::new(), Vec::new());
        for equals in nodes.chunk_by(|(_, a), (_, b)| strictness(*a) == strictness(*b)) {
            for (place, (node, qos)) in equals.iter().enumerate() {
                let subscription = Arc::new(Subscription::new(node, support, topic.name(), *qos)?);
                if place == 0 { readers.push(subscription) } else { shown.push(subscription) }
            }
        }
        let importer = Importer::new(ctx, topics, topic);
        Ok(Self { importer, readers, _shown: shown, origins: Origins::default() })
    }

    pub fn readers(&self) -> &[Arc<Subscription>] {
        &self.readers
    }

    /// Delivers the next message of the reader of that rank; false when there is none.
    pub fn take(&mut self, rank: usize, bytes: &mut Bytes) -> Result<bool> {
        let Some(reader) = self.readers.get(rank) else { return Ok(false) };
        let Some((publisher, number)) = reader.take(bytes)? else { return Ok(false) };
        if self.readers.len() > 1 && !self.origins.is_due(publisher, rank, number) {
            return Ok(true);
        }
        if let Err(error) = self.importer.take(bytes.as_slice(), None) {
            tracing::warn!(topic = self.importer.topic().name(), "{error}");
        }
        Ok(true)
    }
}
