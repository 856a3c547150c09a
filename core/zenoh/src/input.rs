//! Topics on their way in: one Zenoh subscriber for each topic that is read here.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use peregrine_core::prelude::*;
use peregrine_core::{ImageSpec, Topic, Topics};
use peregrine_msgs::image::ImageHeader;
use zenoh::Wait;
use zenoh::pubsub::Subscriber;
use zenoh::sample::{Locality, Sample};
use zenoh_ext::{AdvancedSubscriber, AdvancedSubscriberBuilderExt, HistoryConfig, RecoveryConfig};

use crate::error::{self, zenoh as failed};
use crate::keys::Attachment;
use crate::link::Link;

/// A topic as it comes in; ends when dropped.
#[allow(dead_code, reason = "held for its lifetime")]
pub(crate) enum Input {
    Volatile(Subscriber<()>),
    Latched(AdvancedSubscriber<()>),
}

/// Delivers the remote messages of `topic` to the readers of this process, on Zenoh's thread. `latched` is how many of the
/// messages that were published earlier are wanted. `own` are the ids of this process's publishers: what it published
/// itself must not come back out of its own cache.
pub(crate) fn input(
    link: &Link,
    topic: &Arc<Topic>,
    topics: &Arc<Topics>,
    ctx: &Context,
    latched: Option<usize>,
    own: &Arc<BTreeSet<[u8; 16]>>,
) -> error::Result<Input> {
    let info = topic.type_info();
    let key = link.key(topic.name(), info.name, info.hash);
    let importer = Mutex::new(Importer {
        ctx: ctx.for_imports(),
        frames: if topic.carries_frames() { topics.import_frames(topic.name()) } else { None },
        topic: topic.clone(),
        topics: topics.clone(),
    });
    let own = own.clone();
    let callback = move |sample: Sample| {
        let attachment = sample.attachment().and_then(|bytes| Attachment::parse(&bytes.to_bytes()).ok());
        if attachment.is_some_and(|attachment| own.contains(&attachment.gid)) {
            return;
        }
        let mut importer = importer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = importer.take(&sample.payload().to_bytes()) {
            tracing::warn!(topic = importer.topic.name(), "{error}");
        }
    };
    let subscriber =
        link.session.declare_subscriber(key.clone()).allowed_origin(Locality::Remote).callback(callback);
    match latched {
        None => subscriber.wait().map(Input::Volatile),
        Some(depth) => subscriber
            .history(HistoryConfig::default().detect_late_publishers().max_samples(depth))
            .recovery(RecoveryConfig::default().heartbeat())
            .subscriber_detection()
            .wait()
            .map(Input::Latched),
    }
    .map_err(failed("subscribe to", &key))
}

struct Importer {
    ctx: Context,
    topic: Arc<Topic>,
    topics: Arc<Topics>,
    frames: Option<FramePublisher>,
}

impl Importer {
    fn take(&mut self, cdr: &[u8]) -> Result {
        if !self.topic.carries_frames() {
            return self.topics.import(&self.ctx, &self.topic, cdr);
        }
        let Some(frames) = &mut self.frames else { return Ok(()) };
        let decode = |source| Error::Decode {
            topic: self.topic.name().into(),
            type_name: self.topic.type_info().name,
            source,
        };
        let (header, offset) = ImageHeader::decode(cdr).map_err(decode)?;
        let Some(pixels) = cdr.get(offset..offset + header.data_len as usize) else { return Ok(()) };
        let Ok(encoding) = header.encoding.parse::<Encoding>() else {
            return Err(Error::node(error::Error::Malformed {
                text: header.encoding.to_owned(),
                expected: "an image encoding that frames can have",
                why: "it is not known",
            }));
        };
        let spec = ImageSpec {
            width: header.width,
            height: header.height,
            encoding,
            step: header.step,
            frame_id: header.frame_id,
        };
        if let Some(mut loan) = frames.loan(&spec)?
            && loan.bytes_mut().len() == pixels.len()
        {
            loan.bytes_mut().copy_from_slice(pixels);
            loan.set_stamp(header.stamp);
            frames.send(&self.ctx, loan)?;
        }
        Ok(())
    }
}
