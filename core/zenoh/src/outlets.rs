//! The topics of a process on their way out.

use std::collections::BTreeMap;

use peregrine_core::prelude::*;
use peregrine_core::{AnyMessage, Topic, Topics};

use crate::error::{self, zenoh as failed};
use crate::link::Link;
use crate::output::Output;
use crate::transport::Parties;

/// One output for each publishing node of each topic.
#[derive(Default)]
pub(crate) struct Outlets {
    by_topic: BTreeMap<String, Vec<Output>>,
    scratch: Vec<u8>,
}

impl Outlets {
    /// Declares the publishers of those topics that are `wanted`.
    pub fn declare(
        link: &Link,
        topics: &Topics,
        parties: &Parties,
        wanted: fn(&Topic) -> bool,
    ) -> error::Result<Self> {
        let mut outlets = Self::default();
        for (local, endpoint) in parties.spoken_for() {
            let Some(topic) = topics.get(&local.name).filter(|topic| wanted(topic)) else { continue };
            let output = Output::new(link, topic, &local.node, local.qos, endpoint)?;
            outlets.by_topic.entry(local.name.clone()).or_default().push(output);
        }
        Ok(outlets)
    }

    /// Sends a message as its publisher's.
    pub fn send(&mut self, ctx: &Context, any: &AnyMessage<'_>) -> Result {
        let Some(outputs) = self.by_topic.get_mut(any.topic()) else { return Ok(()) };
        // A frame says nothing of its publisher, and what the runtime itself publishes goes out under a node's name.
        let at = outputs.iter().position(|o| any.publisher() == Some(&o.node));
        let alone = outputs.len() == 1;
        let Some(output) = outputs.get_mut(at.unwrap_or(0)) else { return Ok(()) };
        // Not the number of a node in whose name another one publishes.
        let number = any.number().filter(|_| if any.as_frame().is_some() { alone } else { at.is_some() });
        let sent = output.put(any, number, &mut self.scratch);
        if let Some(topic) = ctx.topics().get(any.topic()) {
            topic.count_sent();
        }
        sent.map_err(failed("publish on", any.topic())).or_node()
    }
}
