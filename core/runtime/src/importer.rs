//! The way in for what other processes publish on one topic, as a transport has it: CDR.

use std::sync::Arc;

use peregrine_frame::{Encoding, ImageSpec};
use peregrine_msgs::image::ImageHeader;

use crate::arrivals::Source;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::graph::Topics;
use crate::publisher::FramePublisher;
use crate::topic::Topic;

/// Delivers the messages of one topic that a transport brings; those of a frame topic are written into slots.
#[derive(Debug)]
pub struct Importer {
    ctx: Context,
    topic: Arc<Topic>,
    topics: Arc<Topics>,
    frames: Option<FramePublisher>,
}

impl Importer {
    /// For `topic`, on a thread of the transport. The first importer of a frame topic gets its writer: there is to be one.
    pub fn new(ctx: &Context, topics: &Arc<Topics>, topic: &Arc<Topic>) -> Self {
        Self {
            ctx: ctx.for_imports(),
            frames: if topic.carries_frames() { topics.import_frames(topic.name()) } else { None },
            topic: topic.clone(),
            topics: topics.clone(),
        }
    }

    /// The topic.
    pub fn topic(&self) -> &Topic {
        &self.topic
    }

    /// Delivers one message, unless slots bring it: see [`Topics::import`].
    ///
    /// # Errors
    /// When the bytes are not a message of the topic's type, or an image in an encoding that frames do not have.
    pub fn take(&mut self, cdr: &[u8], sent: Option<(Source, u64)>) -> Result {
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
        let encoding = header.encoding.parse::<Encoding>().map_err(|_| Error::ImageEncoding {
            topic: self.topic.name().into(),
            encoding: header.encoding.to_owned(),
        })?;
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
