//! Topics on their way in: one Zenoh subscriber for each topic that is read here.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use peregrine_core::prelude::*;
use peregrine_core::{ImageSpec, Source, Topic, Topics};
use peregrine_msgs::image::ImageHeader;
use zenoh::Wait;
use zenoh::pubsub::Subscriber;
use zenoh::sample::{Locality, Sample};
use zenoh_ext::{AdvancedSubscriber, AdvancedSubscriberBuilderExt, HistoryConfig, RecoveryConfig};

use crate::error::{self, zenoh as failed};
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
        let importer = Importer {
            ctx: ctx.for_imports(),
            frames: if topic.carries_frames() { topics.import_frames(topic.name()) } else { None },
            topic: topic.clone(),
            topics: topics.clone(),
        };
        Self {
            link: link.clone(),
            topic: topic.clone(),
            key: link.key(topic.name(), info.name, info.hash),
            latched,
            importer: Arc::new(Mutex::new(importer)),
            own: own.clone(),
        }
    }

    /// Delivers the remote messages to the readers of this process, on Zenoh's thread, until the input is dropped.
    pub fn open(&self) -> error::Result<Input> {
        let (own, importer) = (self.own.clone(), self.importer.clone());
        let callback = move |sample: Sample| {
            let attachment = sample.attachment().and_then(|bytes| Attachment::parse(&bytes.to_bytes()).ok());
            if attachment.is_some_and(|attachment| own.contains(&attachment.gid)) {
                return;
            }
            let sent = attachment.map(|a| (a.gid, u64::try_from(a.sequence).unwrap_or(0)));
            let mut importer = importer.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = importer.take(&sample.payload().to_bytes(), sent) {
                tracing::warn!(topic = importer.topic.name(), "{error}");
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

struct Importer {
    ctx: Context,
    topic: Arc<Topic>,
    topics: Arc<Topics>,
    frames: Option<FramePublisher>,
}

impl Importer {
    fn take(&mut self, cdr: &[u8], sent: Option<(Source, u64)>) -> Result {
        if !self.topic.carries_frames() {
            return self.topics.import(&self.ctx, &self.topic, cdr, sent);
        }
        if !self.topics.takes_frame(&self.topic, sent) {
            return Ok(());
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
