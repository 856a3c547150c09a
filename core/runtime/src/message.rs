//! Messages as the runtime carries them: typed in a shared box, or a view over a frame slot.

use std::any::Any;
use std::sync::Arc;

use peregrine_frame::Frame;
use peregrine_msgs::{CdrError, Message, cdr, registry};

use crate::time::Time;
use crate::topic::Topic;

/// Where an output's information came from: the photon, or whatever first entered the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// Capture stamp, node clock.
    pub capture: Time,
    /// When the captured data entered the graph, monotonic nanoseconds ([`crate::time::monotonic_ns`]).
    pub entered_ns: i64,
}

/// A typed message behind a pointer that forgets its type.
pub trait ErasedMessage: Any + Send + Sync {
    /// For the downcast to the message's type.
    fn as_any(&self) -> &dyn Any;
    /// Appends the message as CDR, encapsulation header included.
    fn write_cdr(&self, out: &mut Vec<u8>);
}

impl<M: Message> ErasedMessage for M {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn write_cdr(&self, out: &mut Vec<u8>) {
        cdr::to_buf(self, out);
    }
}

/// Reads a message of one type from CDR.
pub type Decode = fn(&[u8]) -> Result<Arc<dyn ErasedMessage>, CdrError>;

/// What the runtime must know of a message type to carry it without naming it.
#[derive(Debug, Clone, Copy)]
pub struct TypeInfo {
    /// `sensor_msgs/msg/Image`.
    pub name: &'static str,
    /// `RIHS01_...`.
    pub hash: &'static str,
    /// The definition text with its dependencies, as MCAP and rosbag2 store it.
    pub definition: &'static str,
    /// Reads a message of this type.
    pub decode: Decode,
}

impl TypeInfo {
    /// The information of `M`.
    pub const fn of<M: Message>() -> Self {
        Self {
            name: M::TYPE_NAME,
            hash: M::TYPE_HASH,
            definition: M::DEFINITION,
            decode: |bytes| Ok(Arc::new(cdr::from_slice::<M>(bytes)?)),
        }
    }

    /// The information of the type called so, such as `sensor_msgs/msg/Imu`, if it is compiled in.
    pub fn find(type_name: &str) -> Option<Self> {
        struct Of;
        impl registry::Visitor for Of {
            type Output = TypeInfo;
            fn visit<M: Message>(self) -> TypeInfo {
                TypeInfo::of::<M>()
            }
        }
        registry::visit(type_name, Of)
    }
}

/// A message as a slot takes it: typed, or as the bytes that it came in.
pub(crate) trait Payload {
    /// Bytes of CDR, encapsulation header included.
    fn cdr_len(&self) -> usize;
    /// Writes the CDR into `out` as far as it fits, and says how many bytes it has.
    fn write_to(&self, out: &mut [u8]) -> usize;
}

impl<M: Message> Payload for M {
    fn cdr_len(&self) -> usize {
        cdr::encoded_len(self)
    }
    fn write_to(&self, out: &mut [u8]) -> usize {
        cdr::to_slice(self, out)
    }
}

/// A whole message in CDR.
pub(crate) struct Encoded<'a>(pub &'a [u8]);

impl Payload for Encoded<'_> {
    fn cdr_len(&self) -> usize {
        self.0.len()
    }
    fn write_to(&self, out: &mut [u8]) -> usize {
        let fits = self.0.len().min(out.len());
        out[..fits].copy_from_slice(&self.0[..fits]);
        self.0.len()
    }
}

/// A typed message on its way: what every subscriber of a topic is handed, sharing one allocation.
#[derive(Clone)]
pub(crate) struct Envelope {
    pub topic: Arc<Topic>,
    /// Full name of the node that published it.
    pub node: Arc<str>,
    pub message: Arc<dyn ErasedMessage>,
    pub origin: Option<Origin>,
    pub published_ns: i64,
    pub time: Time,
    /// Its number among its publisher's; 0 if those are not counted.
    pub number: u64,
}

/// What reaches a callback: an envelope, or a pinned frame.
pub(crate) enum Delivery {
    Message(Envelope),
    Frame { topic: Arc<Topic>, frame: Frame },
}

impl Delivery {
    /// Where its information came from; a frame is its own origin unless it was forwarded.
    pub fn origin(&self) -> Option<Origin> {
        match self {
            Self::Message(envelope) => envelope.origin,
            Self::Frame { frame, .. } => Some(frame_origin(frame)),
        }
    }

    pub fn as_any(&self) -> AnyMessage<'_> {
        match self {
            Self::Message(e) => AnyMessage {
                topic: &e.topic,
                node: Some(&e.node),
                body: AnyBody::Message(&*e.message),
                origin: e.origin,
                published_ns: e.published_ns,
                time: e.time,
                number: e.number,
            },
            Self::Frame { topic, frame } => AnyMessage::of_frame(topic, frame),
        }
    }
}

pub(crate) fn frame_origin(frame: &Frame) -> Origin {
    Origin { capture: Time(frame.stamp_ns()), entered_ns: signed(frame.meta().capture_mono_ns) }
}

fn signed(ns: u64) -> i64 {
    i64::try_from(ns).unwrap_or(i64::MAX)
}

/// A message of any type, as recorders and transports see it.
#[derive(Debug)]
pub struct AnyMessage<'a> {
    pub(crate) topic: &'a Topic,
    pub(crate) node: Option<&'a Arc<str>>,
    pub(crate) body: AnyBody<'a>,
    pub(crate) origin: Option<Origin>,
    pub(crate) published_ns: i64,
    pub(crate) time: Time,
    pub(crate) number: u64,
}

pub(crate) enum AnyBody<'a> {
    Message(&'a dyn ErasedMessage),
    Frame(&'a Frame),
}

impl std::fmt::Debug for AnyBody<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AnyBody")
    }
}

impl<'a> AnyMessage<'a> {
    pub(crate) fn of_frame(topic: &'a Topic, frame: &'a Frame) -> Self {
        Self {
            topic,
            node: None,
            body: AnyBody::Frame(frame),
            origin: Some(frame_origin(frame)),
            published_ns: signed(frame.meta().publish_mono_ns),
            time: Time(frame.stamp_ns()),
            number: frame.sequence(),
        }
    }
    /// The topic's full name.
    pub fn topic(&self) -> &str {
        self.topic.name()
    }
    /// Full name of the node that published it; `None` for a frame, which its topic's only publisher wrote.
    pub fn publisher(&self) -> Option<&Arc<str>> {
        self.node
    }
    /// `sensor_msgs/msg/Image`.
    pub fn type_name(&self) -> &'static str {
        self.topic.type_info().name
    }
    /// `RIHS01_...`.
    pub fn type_hash(&self) -> &'static str {
        self.topic.type_info().hash
    }
    /// The definition text with its dependencies.
    pub fn definition(&self) -> &'static str {
        self.topic.type_info().definition
    }
    /// Its number among those of its publisher, from 1, if they are counted.
    pub fn number(&self) -> Option<u64> {
        Some(self.number).filter(|number| *number != 0)
    }
    /// When it was published, by the node clock.
    pub fn time(&self) -> Time {
        self.time
    }
    /// When it was published, monotonic nanoseconds.
    pub fn published_ns(&self) -> i64 {
        self.published_ns
    }
    /// Where its information came from, if that is known.
    pub fn origin(&self) -> Option<Origin> {
        self.origin
    }
    /// The message as its type, if it is of that type.
    pub fn as_message<M: Message>(&self) -> Option<&M> {
        match self.body {
            AnyBody::Message(message) => message.as_any().downcast_ref(),
            AnyBody::Frame(_) => None,
        }
    }
    /// The frame, if it is one.
    pub fn as_frame(&self) -> Option<&Frame> {
        match self.body {
            AnyBody::Frame(frame) => Some(frame),
            AnyBody::Message(_) => None,
        }
    }
    /// Calls `f` with the whole message as CDR. A frame's bytes are used in place; others are written to `scratch`.
    pub fn with_cdr<R>(&self, scratch: &mut Vec<u8>, f: impl FnOnce(&[u8]) -> R) -> R {
        match self.body {
            AnyBody::Frame(frame) => f(frame.cdr()),
            AnyBody::Message(message) => {
                scratch.clear();
                message.write_cdr(scratch);
                f(scratch)
            }
        }
    }
    /// The whole message as CDR, in a new buffer.
    pub fn cdr(&self) -> Vec<u8> {
        let mut scratch = Vec::new();
        match self.body {
            AnyBody::Frame(frame) => frame.cdr().to_vec(),
            AnyBody::Message(message) => {
                message.write_cdr(&mut scratch);
                scratch
            }
        }
    }
}
