//! The publisher's side.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use peregrine_frame::{BusConfig, Host as FrameHost, PIXEL_OFFSET, PublishOptions, Writer};

use super::KEEP;
use crate::arrivals::Source;
use crate::error::Result;
use crate::message::{Origin, Payload};
use crate::qos::Qos;
use crate::time::Time;
use crate::topic::Topic;

/// Bytes from one slot to the next. Pages that no message reached take no memory.
const STRIDE: usize = if cfg!(test) { 1 << 20 } else { 128 << 20 };

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
    /// What the node asked for. The topic's own is that of its first party.
    qos: Qos,
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
    pub fn new(topic: Arc<Topic>, owner: Arc<str>, qos: Qos) -> Self {
        let (number, failed_loans) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { topic, owner, qos, number, way: OnceLock::new(), failed_loans }
    }

    /// Shows the way to the other processes of `host`. What is latched does not take it: the network's cache serves those
    /// who come late.
    pub fn open(&self, host: &FrameHost, source: Source, threshold: usize) {
        if self.qos.is_latched() || self.topic.qos().is_latched() || self.topic.carries_frames() {
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
    pub fn number<M: Payload>(&self, message: &M, origin: Option<Origin>, now: Time) -> u64 {
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

    fn share<M: Payload>(&self, way: &Way, message: &M, number: u64, origin: Option<Origin>, now: Time) {
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
    fn write<M: Payload>(
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
        let len = message.write_to(loan.bytes_mut());
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
        if self.qos.is_reliable() {
            writer.publish(loan)?
        } else {
            writer.publish_now(loan)?
        };
        Ok(None)
    }
}

impl Way {
    /// Whether there is a bus, made now if this is the first message that is worth one.
    fn is_open_for<M: Payload>(&self, message: &M, port: &MessagePort) -> bool {
        match self.state.load(Ordering::Relaxed) {
            OPEN => true,
            UNUSED if message.cdr_len() > self.threshold => {
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use peregrine_frame::{Event, Policy};
    use peregrine_msgs::{cdr, sensor_msgs::PointCloud2};

    use super::*;
    use crate::message::TypeInfo;

    fn cloud(bytes: usize) -> PointCloud2 {
        PointCloud2 { data: vec![9; bytes], ..PointCloud2::default() }
    }

    fn port(host: &FrameHost, qos: Qos) -> MessagePort {
        let topic = Topic::new("/cloud".into(), TypeInfo::of::<PointCloud2>(), qos, false);
        let port = MessagePort::new(Arc::new(topic), "/lidar".into(), qos);
        port.open(host, [7; 16], 1000);
        port
    }

    #[test]
    fn a_message_larger_than_a_slot_ends_the_bus() {
        let folder = std::env::temp_dir().join(format!("peregrine-port-test-{}", std::process::id()));
        let host = FrameHost::at(&folder, 0).unwrap();
        let port_of = |qos| port(&host, qos);
        let port = port_of(Qos::Sensor);
        let mut reader = host.subscribe("/cloud", Policy::KeepLast(4)).unwrap();
        let origin = Origin { capture: Time(5), entered_ns: 11 };
        assert_eq!(port.number(&cloud(100), None, Time(1)), 1);
        assert!(!reader.wait_attached(Duration::from_millis(50)), "a small message makes no bus");
        assert_eq!(port.number(&cloud(2000), None, Time(2)), 2);
        assert!(reader.wait_attached(Duration::from_secs(10)) && !reader.wait(Duration::ZERO));

        // From now on small ones too, with all that is known of them.
        port.note_sent(true);
        assert_eq!(port.number(&cloud(100), None, Time(3)), 3);
        port.note_sent(false);
        assert_eq!(port.number(&cloud(2000), Some(origin), Time(4)), 4);
        let first = reader.take().unwrap().unwrap();
        assert_eq!(
            (first.meta().number, first.meta().capture_mono_ns, first.stamp_ns()),
            (3 | SENT_BEFORE, 0, 3)
        );
        let second = reader.take().unwrap().unwrap();
        assert_eq!((second.meta().number, second.meta().capture_mono_ns, second.stamp_ns()), (4, 11, 5));
        assert_eq!((second.source(), second.label()), ([7; 16], "/lidar"));
        assert_eq!(cdr::from_slice::<PointCloud2>(second.cdr()).unwrap(), cloud(2000));

        assert_eq!(port.number(&cloud(2 << 20), None, Time(6)), 5);
        reader.wait(Duration::from_secs(1));
        assert!(reader.take().unwrap().is_none());
        assert!(reader.events().any(|event| matches!(event, Event::Lost { .. })));
        assert_eq!(port.number(&cloud(2000), None, Time(7)), 6);
        assert!(!reader.wait_attached(Duration::from_millis(100)), "it stays with the network");

        let latched = port_of(Qos::Latched);
        latched.number(&cloud(2000), None, Time(8));
        assert!(!reader.wait_attached(Duration::from_millis(50)), "what is latched takes no slot");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
