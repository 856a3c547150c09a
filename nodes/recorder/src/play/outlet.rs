//! Where a topic's messages go: images into frame slots, everything else as it is.

use peregrine::prelude::*;
use peregrine::{AnyPublisher, TypeInfo};
use peregrine_msgs::{Message, image::ImageHeader, sensor_msgs::Image};

use super::node::PlayerNode;
use super::reader::BagTopic;

/// A slot takes at least a 4K picture in RGB; pages that no picture reached take no memory.
const LEAST_BYTES: usize = 3840 * 2160 * 3;
/// Pictures on their way.
const SLOTS: usize = 8;

/// A topic that is played.
pub(crate) enum Outlet {
    /// Any message.
    Message(AnyPublisher),
    /// Pictures that the frame bus can carry.
    Frames(FramePublisher),
}

/// Why a message was not published.
#[derive(Debug)]
pub(crate) enum Refused {
    /// It is damaged, or none of the topic's type.
    Message(String),
    /// Readers hold every slot.
    NoSlot,
}

impl Outlet {
    /// Publishes what `topic` holds as type `info`. `first` is the topic's first message: what the frame bus has no name for
    /// goes as a plain message.
    pub(crate) fn open(
        setup: &mut Setup<PlayerNode>,
        topic: &BagTopic,
        info: TypeInfo,
        first: &[u8],
    ) -> Result<Self> {
        if info.name == Image::TYPE_NAME
            && let Ok((header, _)) = ImageHeader::decode(first)
            && header_encoding(&header).is_some()
        {
            let bytes = LEAST_BYTES.max(header.data_len as usize);
            return Ok(Self::Frames(setup.publish_frames(&topic.name, FrameSlots { slots: SLOTS, bytes })?));
        }
        Ok(Self::Message(setup.publish_any(&topic.name, info, topic.qos)?))
    }

    /// Publishes one message.
    pub(crate) fn put(&mut self, ctx: &Context, cdr: &[u8]) -> Result<(), Refused> {
        let refused = |error: &dyn std::fmt::Display| Refused::Message(error.to_string());
        let frames = match self {
            Self::Message(publisher) => return publisher.send_cdr(ctx, cdr).map_err(|error| refused(&error)),
            Self::Frames(frames) => frames,
        };
        let (header, pixels) = ImageHeader::decode(cdr).map_err(|error| refused(&error))?;
        let encoding = header_encoding(&header).ok_or_else(|| {
            refused(&format!("the frame bus does not know the encoding '{}'", header.encoding))
        })?;
        let pixels = cdr.get(pixels..).and_then(|rest| rest.get(..header.data_len as usize));
        let pixels = pixels.ok_or_else(|| refused(&"its pixels break off"))?;
        let (width, height, step, frame_id) = (header.width, header.height, header.step, header.frame_id);
        let spec = ImageSpec { width, height, encoding, step, frame_id };
        let mut loan = match frames.loan(&spec) {
            Ok(Some(loan)) => loan,
            Ok(None) => return Err(Refused::NoSlot),
            Err(error) => return Err(refused(&error)),
        };
        let slot = loan.bytes_mut();
        if slot.len() != pixels.len() {
            return Err(refused(&format!(
                "it has {} bytes of pixels where its size needs {}",
                pixels.len(),
                slot.len()
            )));
        }
        slot.copy_from_slice(pixels);
        loan.set_stamp(header.stamp);
        frames.send(ctx, loan).map_err(|error| refused(&error))
    }
}

/// The frame bus's name for the pixels, if it has one and their bytes lie in this machine's order.
fn header_encoding(header: &ImageHeader<'_>) -> Option<Encoding> {
    let wide = matches!(header.encoding, "mono16" | "16UC1" | "32FC1");
    let encoding = Encoding::ALL.into_iter().find(|encoding| encoding.as_str() == header.encoding)?;
    (encoding != Encoding::Jpeg && !(wide && header.is_bigendian)).then_some(encoding)
}
