//! Publishers: of messages, and of frames that are written in place.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use peregrine_frame::{Frame, ImageSpec, Loan, Writer};
use peregrine_msgs::Message;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::message::Encoded;
use crate::slots::MessagePort;
use crate::stock::Stock;
use crate::time::Time;
use crate::topic::Topic;

/// Publishes messages of one type on one topic.
#[derive(Debug)]
pub struct Publisher<M> {
    port: Arc<MessagePort>,
    message: PhantomData<fn(M)>,
}

impl<M> Clone for Publisher<M> {
    fn clone(&self) -> Self {
        Self { port: self.port.clone(), message: PhantomData }
    }
}

impl<M: Message> Publisher<M> {
    pub(crate) fn new(port: Arc<MessagePort>) -> Self {
        Self { port, message: PhantomData }
    }

    /// Publishes `message`. Subscribers in this process share it; it is not copied. Those in other processes of this host
    /// read it out of a slot, if it is large ([`App::share_frames`](crate::App::share_frames)).
    ///
    /// # Errors
    /// None today; a transport that must report may in future.
    pub fn send(&self, ctx: &Context, message: M) -> Result {
        let number = self.port.number(&message, ctx.origin.get(), ctx.now());
        let sent = ctx.emit_numbered(&self.port.topic, Arc::new(message), number);
        self.port.note_sent(sent);
        Ok(())
    }

    /// As [`send`](Self::send), for a node that fills one message again and again: nothing is allocated while only other
    /// processes of this host listen. For listeners in this process, and over the network, it is cloned.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_ref(&self, ctx: &Context, message: &M) -> Result {
        if ctx.is_lockstep() || self.port.topic.is_heard() {
            return self.send(ctx, message.clone());
        }
        self.port.number(message, ctx.origin.get(), ctx.now());
        self.port.topic.count_unheard();
        self.port.note_sent(false);
        Ok(())
    }

    /// Publishes a message of the publisher's own `stock`, filled by `fill`. Nothing is allocated once the stock has as many
    /// messages as are held at once, if `fill` allocates nothing. `fill` gets what the message held when it was last
    /// published (at first the default): it sets every field.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_from(&self, ctx: &Context, stock: &mut Stock<M>, fill: impl FnOnce(&mut M)) -> Result {
        let message = stock.fill(fill);
        let number = self.port.number(&*message, ctx.origin.get(), ctx.now());
        let sent = ctx.emit_numbered(&self.port.topic, message, number);
        self.port.note_sent(sent);
        Ok(())
    }

    /// The topic, for its name and counters.
    pub fn topic(&self) -> &Topic {
        &self.port.topic
    }
}

/// Publishes messages of a type that is known only at run time, from their CDR: for players and bridges.
#[derive(Debug, Clone)]
pub struct AnyPublisher {
    port: Arc<MessagePort>,
}

impl AnyPublisher {
    pub(crate) fn new(port: Arc<MessagePort>) -> Self {
        Self { port }
    }

    /// Publishes the message that `cdr` holds, encapsulation header included. It is decoded once, for the subscribers of this
    /// process; to slots it goes as it is.
    ///
    /// # Errors
    /// When the bytes are not a message of the topic's type; nothing is published then.
    pub fn send_cdr(&self, ctx: &Context, cdr: &[u8]) -> Result {
        let topic = &self.port.topic;
        let info = topic.type_info();
        let message = (info.decode)(cdr).map_err(|source| Error::Decode {
            topic: topic.name().into(),
            type_name: info.name,
            source,
        })?;
        let number = if is_little_endian(cdr) {
            self.port.number(&Encoded(cdr), ctx.origin.get(), ctx.now())
        } else {
            // Slots hold the byte order that every reader of them expects.
            let mut written = Vec::new();
            message.write_cdr(&mut written);
            self.port.number(&Encoded(&written), ctx.origin.get(), ctx.now())
        };
        let sent = ctx.emit_numbered(topic, message, number);
        self.port.note_sent(sent);
        Ok(())
    }

    /// The topic, for its name and counters.
    pub fn topic(&self) -> &Topic {
        &self.port.topic
    }
}

/// Whether CDR says of itself that it is plain and little endian.
fn is_little_endian(cdr: &[u8]) -> bool {
    cdr.starts_with(&[0, 1])
}

/// How many slots a frame topic has at the least, and how large they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameSlots {
    /// Slots, 4 to 64; raised by itself to what the readers found at start need.
    pub slots: usize,
    /// Bytes of the largest picture.
    pub bytes: usize,
}

/// The place where a frame publisher finds its writer once the readers are known.
#[derive(Debug)]
pub(crate) struct FramePort {
    pub topic: Arc<Topic>,
    /// Full name of the publishing node.
    pub owner: Arc<str>,
    pub slots: FrameSlots,
    pub writer: Mutex<Option<Writer>>,
    /// Index of this publisher's bus among the topic's buses.
    pub bus: std::sync::OnceLock<usize>,
    pub failed_loans: AtomicU64,
}

impl FramePort {
    /// Frames of other machines come in here.
    pub fn is_import(&self) -> bool {
        &*self.owner == IMPORT
    }
}

/// Owner of the ports for frames that a transport brings.
pub(crate) const IMPORT: &str = "import";

/// Publishes frames: `sensor_msgs/msg/Image` written once, read in place by everybody on the host.
#[derive(Debug)]
pub struct FramePublisher {
    port: Arc<FramePort>,
    writer: Option<Writer>,
}

impl FramePublisher {
    pub(crate) fn new(port: Arc<FramePort>) -> Self {
        Self { port, writer: None }
    }

    fn writer(&mut self) -> Option<&mut Writer> {
        if self.writer.is_none() {
            self.writer = self.port.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
        self.writer.as_mut()
    }

    /// A slot to write into, or `None` when readers hold them all: the frame is then lost and counted, and the camera
    /// goes on.
    ///
    /// # Errors
    /// When the picture described does not fit a slot, or the description contradicts itself.
    pub fn loan(&mut self, spec: &ImageSpec<'_>) -> Result<Option<Loan>> {
        let loan = self.try_loan(spec)?;
        if loan.is_none() && self.writer.is_some() {
            self.port.failed_loans.fetch_add(1, Ordering::Relaxed);
        }
        Ok(loan)
    }

    /// The same for who waits until a slot is free: `None` loses no frame, and is not counted.
    ///
    /// # Errors
    /// As [`FramePublisher::loan`].
    pub fn try_loan(&mut self, spec: &ImageSpec<'_>) -> Result<Option<Loan>> {
        let Some(writer) = self.writer() else { return Ok(None) };
        Ok(writer.loan(spec)?)
    }

    /// Publishes a written slot. Its stamp is the loan's own, or the present time when none was set.
    ///
    /// # Errors
    /// When the loan belongs to another publisher.
    pub fn send(&mut self, ctx: &Context, mut loan: Loan) -> Result {
        if loan.meta().capture_stamp_ns == 0 {
            loan.set_stamp(ctx.now().0);
        }
        if ctx.simulates {
            // A simulated photon is caught when its picture is ready: rendering is no part of a robot's latency.
            loan.set_capture_mono(peregrine_frame::monotonic_ns());
        }
        if let Some(writer) = self.writer() {
            writer.publish(loan)?;
            self.announce(ctx);
        }
        Ok(())
    }

    /// Publishes a received frame under this topic too, without copying it. False when no slot was free.
    ///
    /// # Errors
    /// When the frame cannot be pinned a second time.
    pub fn forward(&mut self, ctx: &Context, frame: &Frame) -> Result<bool> {
        let hop = peregrine_frame::hop_id(ctx.node_name());
        let Some(writer) = self.writer() else { return Ok(false) };
        if writer.forward(frame, hop)?.is_none() {
            self.port.failed_loans.fetch_add(1, Ordering::Relaxed);
            return Ok(false);
        }
        self.announce(ctx);
        Ok(true)
    }

    fn announce(&self, ctx: &Context) {
        if let Some(bus) = self.port.bus.get() {
            ctx.emit_frame(&self.port.topic, *bus);
        }
    }

    /// The topic, for its name and counters.
    pub fn topic(&self) -> &Topic {
        &self.port.topic
    }
}

/// A frame's times in the runtime's own type.
pub trait FrameTime {
    /// Capture stamp, node clock.
    fn stamp(&self) -> Time;
}

impl FrameTime for Frame {
    fn stamp(&self) -> Time {
        Time(self.stamp_ns())
    }
}
