//! Topics on their way out: one Zenoh publisher for each publishing node of a topic.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use peregrine_core::{AnyMessage, Frame, Qos, Topic};
use zenoh::Wait;
use zenoh::bytes::ZBytes;
use zenoh::handlers::DefaultHandler;
use zenoh::matching::{MatchingListenerBuilder, MatchingStatus};
use zenoh::pubsub::Publisher;
use zenoh::qos::{CongestionControl, Priority, Reliability};
use zenoh::sample::Locality;
use zenoh_ext::{AdvancedPublisher, AdvancedPublisherBuilderExt, CacheConfig, MissDetectionConfig};

use crate::error::{Result, zenoh as failed};
use crate::keys::{self, Attachment, Endpoint};
use crate::link::Link;
use crate::shm::Pool;

/// How soon after a latched message its number is told once more, so that a reader notices one that was lost.
const HEARTBEAT: Duration = Duration::from_millis(500);

/// A topic as one node publishes it.
pub(crate) struct Output {
    /// The publishing node's full name.
    pub node: Arc<str>,
    outlet: Outlet,
    sequence: i64,
    gid: [u8; 16],
}

enum Outlet {
    /// Sends to whoever reads now, to those on this host through memory that they share.
    Volatile { publisher: Publisher<'static>, pool: Pool },
    /// Pictures that stay on this host: who asks for them is told so, nothing is ever sent.
    Private { _publisher: Publisher<'static> },
    /// Keeps the last messages for those who come later (transient local).
    Latched(AdvancedPublisher<'static>),
}

impl Output {
    /// Declares the publisher; a volatile one opens the topic's gate while somebody remote listens.
    pub fn new(
        link: &Link,
        topic: &Arc<Topic>,
        node: &Arc<str>,
        qos: Qos,
        endpoint: &Endpoint,
    ) -> Result<Self> {
        let info = topic.type_info();
        let key = link.key(topic.name(), info.name, info.hash);
        let stays = link.exports.keep(topic);
        let outlet = if stays {
            Outlet::Private { _publisher: private(link, &key, topic)? }
        } else if qos.is_latched() {
            Outlet::Latched(latched(link, &key, topic, qos)?)
        } else {
            let pool = Pool::new(topic.name(), link.shared_memory.clone());
            Outlet::Volatile { publisher: volatile(link, &key, topic, qos)?, pool }
        };
        Ok(Self { node: node.clone(), outlet, sequence: 0, gid: keys::gid(&endpoint.token()) })
    }

    /// Publishes one message, with the publisher's own number if it has one: then it has the same wherever it goes.
    /// `scratch` is for messages that have yet to be written as CDR.
    pub fn put(
        &mut self,
        any: &AnyMessage<'_>,
        number: Option<u64>,
        scratch: &mut Vec<u8>,
    ) -> zenoh::Result<()> {
        let number = number.and_then(|number| i64::try_from(number).ok()).unwrap_or(0);
        self.sequence = number.max(self.sequence + 1);
        let attachment = Attachment { sequence: self.sequence, stamp_ns: any.time().0, gid: self.gid };
        let attachment = attachment.to_bytes();
        match &mut self.outlet {
            Outlet::Volatile { publisher, pool } => {
                let payload = match any.as_frame() {
                    Some(frame) => pool.lend(frame.cdr()).unwrap_or_else(|| in_place(frame)),
                    None => any.with_cdr(scratch, |cdr| pool.lend(cdr).unwrap_or_else(|| ZBytes::from(cdr))),
                };
                publisher.put(payload).attachment(attachment).wait()
            }
            Outlet::Private { .. } => Ok(()),
            Outlet::Latched(publisher) => {
                any.with_cdr(scratch, |cdr| publisher.put(cdr).attachment(attachment).wait())
            }
        }
    }
}

/// The frame's own slot as the payload, pinned for as long as Zenoh needs it: until it has been cut into packets.
fn in_place(frame: &Frame) -> ZBytes {
    struct Whole(Frame);
    impl AsRef<[u8]> for Whole {
        fn as_ref(&self) -> &[u8] {
            self.0.cdr()
        }
    }
    Bytes::from_owner(Whole(frame.clone())).into()
}

/// An image may be lost, a camera may not be held up; small messages are worth waiting for.
fn congestion(qos: Qos) -> (CongestionControl, Reliability) {
    if qos.is_reliable() {
        (CongestionControl::Block, Reliability::Reliable)
    } else {
        (CongestionControl::Drop, Reliability::BestEffort)
    }
}

/// A publisher that only learns whether somebody would read it. The topic's gate stays closed.
fn private(link: &Link, key: &str, topic: &Arc<Topic>) -> Result<Publisher<'static>> {
    let publisher = link
        .session
        .declare_publisher(key.to_owned())
        .allowed_destination(Locality::Remote)
        .wait()
        .map_err(failed("declare a publisher on", key))?;
    let (name, told) = (topic.name().to_owned(), AtomicBool::new(false));
    let say = move |matching: bool| {
        if matching && !told.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "PG-1218: another process reads the pictures of {name} over the network, and they stay on this host: set \
                 PEREGRINE_EXPORT={name} to let them out as they are, or run the node exporter, which blurs people"
            );
        }
    };
    let status = publisher.matching_status().wait().map_err(failed("look for readers of", key))?;
    say(status.matching());
    publisher
        .matching_listener()
        .callback(move |status| say(status.matching()))
        .background()
        .wait()
        .map_err(failed("watch for readers of", key))?;
    Ok(publisher)
}

fn volatile(link: &Link, key: &str, topic: &Arc<Topic>, qos: Qos) -> Result<Publisher<'static>> {
    let (congestion, reliability) = congestion(qos);
    // Over one connection small messages overtake the packets of a picture, instead of waiting for the last of them.
    let priority = if topic.carries_frames() { Priority::DataLow } else { Priority::default() };
    let publisher = link
        .session
        .declare_publisher(key.to_owned())
        .congestion_control(congestion)
        .reliability(reliability)
        .priority(priority)
        .allowed_destination(Locality::Remote)
        .wait()
        .map_err(failed("declare a publisher on", key))?;
    count_readers(key, topic, publisher.matching_listener(), publisher.matching_status())?;
    Ok(publisher)
}

/// As rmw_zenoh publishes what is transient local: a cache of as many messages as the depth, found by late readers through
/// a token of its own.
fn latched(link: &Link, key: &str, topic: &Arc<Topic>, qos: Qos) -> Result<AdvancedPublisher<'static>> {
    let (congestion, reliability) = congestion(qos);
    let publisher = link
        .session
        .declare_publisher(key.to_owned())
        .congestion_control(congestion)
        .reliability(reliability)
        .allowed_destination(Locality::Remote)
        .advanced()
        .cache(CacheConfig::default().max_samples(qos.depth()))
        .sample_miss_detection(MissDetectionConfig::default().sporadic_heartbeat(HEARTBEAT))
        .publisher_detection()
        .wait()
        .map_err(failed("declare a latched publisher on", key))?;
    // It is published whoever reads; whether somebody does is for those who ask.
    count_readers(key, topic, publisher.matching_listener(), publisher.matching_status())?;
    Ok(publisher)
}

/// Tells the topic whether somebody remote reads it, now and whenever that changes.
fn count_readers(
    key: &str,
    topic: &Arc<Topic>,
    listener: MatchingListenerBuilder<'_, DefaultHandler>,
    status: impl Wait<To = zenoh::Result<MatchingStatus>>,
) -> Result<()> {
    let gate = topic.clone();
    listener
        .callback(move |status| gate.set_remote_readers(usize::from(status.matching())))
        .background()
        .wait()
        .map_err(failed("watch for readers of", key))?;
    let status = status.wait().map_err(failed("look for readers of", key))?;
    topic.set_remote_readers(usize::from(status.matching()));
    Ok(())
}
