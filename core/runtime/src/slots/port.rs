//! The publisher's side.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use peregrine_frame::{BusConfig, Host as FrameHost, PIXEL_OFFSET, PublishOptions, Writer};
use peregrine_msgs::{Message, cdr};

use super::KEEP;
use crate::arrivals::Source;
use crate::error::Result;
use crate::message::Origin;
use crate::time::Time;
use crate::topic::Topic;

/// Bytes from one slot to the next. Pages that no message reached take no memory.
const STRIDE: usize = 128 << 20;

/// Processes that can read one publisher.
const READERS: usize = 48;

/// In [`FrameMeta::number`](peregrine_frame::FrameMeta::number): the message before this one was sent over the network.
pub(super) const SENT_BEFORE: u64 = 1 << 63;

const UNUSED: u8 = 0;
const OPEN: u8 = 1;
const GIVEN_UP: u8 = 2;

/// One publisher of one topic: it numbers the messages, and knows the way to the other processes of the host.
#[derive(Debug)]
pub(crate) struct MessagePort {
    pub topic: Arc<Topic>,
    /// Full name of the publishing node.
    pub owner: Arc<str>,
    number: AtomicU64,
    way: OnceLock<Way>,
    failed_loans: AtomicU64,
}

#[derive(Debug)]
struct Way {
    host: FrameHost,
    source: Source,
    threshold: usize,
    state: AtomicU8,
    writer: Mutex<Option<Writer>>,
    /// The last message went over the network too.
    sent: AtomicBool,
}

impl MessagePort {
    pub fn new(topic: Arc<Topic>, owner: Arc<str>) -> Self {
        let (number, failed_loans) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { topic, owner, number, way: OnceLock::new(), failed_loans }
    }

    /// Shows the way to the other processes of `host`. What is latched does not take it: the network's cache serves those
    /// who come late.
    pub fn open(&self, host: &FrameHost, source: Source, threshold: usize) {
        if self.topic.qos().is_latched() || self.topic.carries_frames() {
            return;
        }
        let _ = self.way.set(Way {
            host: host.clone(),
            source,
            threshold,
            state: AtomicU8::new(UNUSED),
            writer: Mutex::default(),
            sent: AtomicBool::new(false),
        });
    }

    /// Messages that found no free slot.
    pub fn failed_loans(&self) -> u64 {
        self.failed_loans.load(Ordering::Relaxed)
    }

    /// Numbers a message, and writes it into a slot if another process of this host is to have it there.
    pub fn number<M: Message>(&self, message: &M, origin: Option<Origin>, now: Time) -> u64 {
        let number = self.number.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(way) = self.way.get()
            && way.is_open_for(message, self)
        {
            self.share(way, message, number, origin, now);
        }
        number
    }

    /// Says whether the last message went over the network.
    pub fn note_sent(&self, sent: bool) {
        if let Some(way) = self.way.get() {
            way.sent.store(sent, Ordering::Relaxed);
        }
    }

    fn share<M: Message>(&self, way: &Way, message: &M, number: u64, origin: Option<Origin>, now: Time) {
        let mut writer = way.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = writer.as_mut().filter(|writer| writer.has_remote_readers()) else { return };
        match self.write(open, way, message, number, origin, now) {
            Ok(None) => {}
            Ok(Some(too_large)) => {
                tracing::warn!(
                    topic = self.topic.name(),
                    node = %self.owner,
                    "PG-0234: a message of {too_large} bytes does not fit into a slot of {}; from now on this publisher's \
                     messages go over the network only, and readers on this host may miss those of this moment; publish \
                     smaller ones",
                    open.message_capacity()
                );
                *writer = None;
                way.state.store(GIVEN_UP, Ordering::Relaxed);
            }
            Err(error) => {
                if self.failed_loans.fetch_add(1, Ordering::Relaxed).is_multiple_of(100) {
                    tracing::warn!(topic = self.topic.name(), node = %self.owner, "{error}");
                }
            }
        }
    }

    /// Writes a message. `Some(bytes)` if it is larger than a slot.
    fn write<M: Message>(
        &self,
        writer: &mut Writer,
        way: &Way,
        message: &M,
        number: u64,
        origin: Option<Origin>,
        now: Time,
    ) -> Result<Option<usize>> {
        let capacity = writer.message_capacity();
        let Some(mut loan) = writer.loan_message(capacity)? else {
            self.failed_loans.fetch_add(1, Ordering::Relaxed);
            return Ok(None);
        };
        let len = cdr::to_slice(message, loan.bytes_mut());
        if len > capacity {
            return Ok(Some(len));
        }
        loan.set_payload_len(len)?;
        loan.set_stamp(origin.map_or(now, |origin| origin.capture).0);
        // 0: nobody knows.
        loan.set_capture_mono(origin.and_then(|origin| u64::try_from(origin.entered_ns).ok()).unwrap_or(0));
        let sent = way.sent.load(Ordering::Relaxed);
        loan.set_number(number | if sent { SENT_BEFORE } else { 0 });
        // Who is reliable waits for readers who are, as over DDS: at most as long as they ask for, and once.
        if self.topic.qos().is_reliable() {
            writer.publish(loan)?
        } else {
            writer.publish_now(loan)?
        };
        Ok(None)
    }
}

impl Way {
    /// Whether there is a bus, made now if this is the first message that is worth one.
    fn is_open_for<M: Message>(&self, message: &M, port: &MessagePort) -> bool {
        match self.state.load(Ordering::Relaxed) {
            OPEN => true,
            UNUSED if cdr::encoded_len(message) > self.threshold => {
                let made = self.host.publish_with(port.topic.name(), &self.options(port));
                let state = match made {
                    Ok(writer) => {
                        *self.writer.lock().unwrap_or_else(PoisonError::into_inner) = Some(writer);
                        OPEN
                    }
                    Err(error) => {
                        let topic = port.topic.name();
                        tracing::warn!(topic, "{error}; its messages go over the network only, copied");
                        GIVEN_UP
                    }
                };
                self.state.store(state, Ordering::Relaxed);
                state == OPEN
            }
            _ => false,
        }
    }

    fn options(&self, port: &MessagePort) -> PublishOptions {
        PublishOptions {
            config: BusConfig {
                slots: BusConfig::slots_for(KEEP, READERS, 1),
                slot_bytes: STRIDE - PIXEL_OFFSET,
                keep: KEEP,
                max_readers: READERS,
            },
            message_type: port.topic.type_info().name.to_owned(),
            label: port.owner.to_string(),
            source: self.source,
            lazy: true,
            ..PublishOptions::default()
        }
    }
}
