//! Topics on their way in: one Zenoh subscriber for each topic that is read here.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use peregrine_core::{Context, Importer, Source, Topic, Topics};
use zenoh::Wait;
use zenoh::pubsub::Subscriber;
use zenoh::sample::{Locality, Sample};
use zenoh_ext::{AdvancedSubscriber, AdvancedSubscriberBuilderExt, HistoryConfig, RecoveryConfig};

use crate::error::{Result, zenoh as failed};
use crate::keys::Attachment;
use crate::link::Link;

/// The way in for the remote messages of one topic.
pub(crate) struct Inlet {
    link: Link,
    pub topic: Arc<Topic>,
    /// Its key.
    pub key: String,
    latched: Option<usize>,
    /// Outlives what is opened and closed: there is one writer of frames for each topic.
    importer: Arc<Mutex<Importer>>,
    own: Arc<BTreeSet<Source>>,
}

/// A topic as it comes in; ends when dropped.
#[allow(dead_code, reason = "held for its lifetime")]
pub(crate) enum Input {
    Volatile(Subscriber<()>),
    Latched(AdvancedSubscriber<()>),
}

impl Inlet {
    /// For `topic`. `latched` is how many of the messages that were published earlier are wanted. `own` are the ids of this
    /// process's publishers: what it published itself must not come back out of its own cache.
    pub fn new(
        link: &Link,
        topic: &Arc<Topic>,
        topics: &Arc<Topics>,
        ctx: &Context,
        latched: Option<usize>,
        own: &Arc<BTreeSet<Source>>,
    ) -> Self {
        let info = topic.type_info();
        Self {
            link: link.clone(),
            topic: topic.clone(),
            key: link.key(topic.name(), info.name, info.hash),
            latched,
            importer: Arc::new(Mutex::new(Importer::new(ctx, topics, topic))),
            own: own.clone(),
        }
    }

    /// Delivers the remote messages to the readers of this process, on Zenoh's thread, until the input is dropped.
    pub fn open(&self) -> Result<Input> {
        let (own, importer) = (self.own.clone(), self.importer.clone());
        let callback = move |sample: Sample| {
            let attachment = sample.attachment().and_then(|bytes| Attachment::parse(&bytes.to_bytes()).ok());
            if attachment.is_some_and(|attachment| own.contains(&attachment.gid)) {
                return;
            }
            let sent = attachment.map(|a| (a.gid, u64::try_from(a.sequence).unwrap_or(0)));
            let mut importer = importer.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = importer.take(&sample.payload().to_bytes(), sent) {
                tracing::warn!(topic = importer.topic().name(), "{error}");
            }
        };
        let subscriber = self.link.session.declare_subscriber(self.key.clone());
        let subscriber = subscriber.allowed_origin(Locality::Remote).callback(callback);
        match self.latched {
            None => subscriber.wait().map(Input::Volatile),
            Some(depth) => subscriber
                .history(HistoryConfig::default().detect_late_publishers().max_samples(depth))
                .recovery(RecoveryConfig::default().heartbeat())
                .subscriber_detection()
                .wait()
                .map(Input::Latched),
        }
        .map_err(failed("subscribe to", &self.key))
    }
}
