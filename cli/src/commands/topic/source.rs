//! Messages of one topic as they come, from the frame bus of this host or over Zenoh.

use std::time::{Duration, Instant};

use peregrine_core::Clock;
use peregrine_frame::{FoundState, Frame, Host, SubscribeOptions, Subscriber, monotonic_ns};
use peregrine_msgs::registry;
use peregrine_zenoh::{Inspector, Link, LinkOptions, Stream};

use super::find;
use crate::args::{Over, Watch};
use crate::error::{Error, Result};

/// How long to look for a publisher on the frame bus. One that is there answers within a few milliseconds.
const BUS_PATIENCE: Duration = Duration::from_millis(300);

/// One message, without its content.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub at: Instant,
    pub bytes: usize,
    /// Node clock at publication, ns.
    pub stamp_ns: Option<i64>,
    /// From capture to arrival, ns. `None` if the message does not say, or its clock is not this computer's.
    pub since_capture_ns: Option<i64>,
    /// From publication to arrival, ns; `None` likewise.
    pub since_publication_ns: Option<i64>,
}

/// Where the messages come from.
pub(super) struct Source {
    /// The topic's full name.
    pub name: String,
    from: From,
}

enum From {
    Bus { bus: Box<Subscriber>, has_header: bool },
    Zenoh { stream: Box<Stream>, has_header: bool, link: Link },
}

impl Source {
    pub fn open(watch: &Watch) -> Result<Self> {
        let name = super::full_name(&watch.topic);
        if watch.over != Over::Zenoh {
            // A tool uses the slot that every bus keeps for one: it takes none of the robot's own.
            let options = SubscribeOptions { pins: 1, tool: true, ..SubscribeOptions::default() };
            let host = Host::from_env()?;
            let mut bus = host.subscribe_with(&name, &options)?;
            if bus.wait_attached(BUS_PATIENCE) {
                let has_header = type_on_bus(&host, &name).is_some_and(|found| type_has_header(&found));
                return Ok(Self { name, from: From::Bus { bus: Box::new(bus), has_header } });
            }
            if watch.over == Over::Bus {
                let refused = bus.events().last().map_or_else(String::new, |event| format!(" ({event})"));
                return Err(Error::NotOnBus { topic: name, why: refused });
            }
        }
        let options = LinkOptions::from_env(false)?;
        let link = Link::open(&options)?.ok_or(Error::NobodyThere { port: options.port })?;
        let inspector = Inspector::new(link.clone());
        let entry = find(&inspector, &watch.topic)?;
        let stream = Box::new(inspector.stream(&entry)?);
        let has_header = type_has_header(&entry.type_name);
        Ok(Self { name, from: From::Zenoh { stream, has_header, link } })
    }

    /// In words.
    pub fn over(&self) -> &'static str {
        match self.from {
            From::Bus { .. } => "the frame bus",
            From::Zenoh { .. } => "Zenoh",
        }
    }

    /// Frames that came faster than this tool could look; 0 over Zenoh, where they queue.
    pub fn missed(&self) -> u64 {
        match &self.from {
            From::Bus { bus, .. } => bus.dropped(),
            From::Zenoh { .. } => 0,
        }
    }

    /// The next message; `None` when none came in time.
    pub fn next(&mut self, timeout: Duration) -> Result<Option<Seen>> {
        match &mut self.from {
            From::Bus { bus, has_header } => {
                if !bus.wait(timeout) {
                    return Ok(None);
                }
                Ok(bus.take()?.map(|frame| of_frame(&frame, *has_header)))
            }
            From::Zenoh { stream, has_header, .. } => {
                let Some(update) = stream.next(timeout) else { return Ok(None) };
                let header = if *has_header { header_stamp(&update.payload) } else { None };
                Ok(Some(of_message(Clock::System.now().0, update.payload.len(), update.stamp_ns, header)))
            }
        }
    }

    /// All messages of `duration`.
    pub fn listen(&mut self, duration: Duration) -> Result<Vec<Seen>> {
        let end = Instant::now() + duration;
        let mut all = Vec::new();
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            all.extend(self.next(left)?);
        }
        Ok(all)
    }

    /// Withdraws.
    pub fn close(self) {
        if let From::Zenoh { stream, link, .. } = self.from {
            drop(stream);
            link.close();
        }
    }
}

/// Type of the messages that `topic` has on the bus.
fn type_on_bus(host: &Host, topic: &str) -> Option<String> {
    host.inspect(BUS_PATIENCE).into_iter().find_map(|found| match found.state {
        FoundState::Live(bus) if bus.topic() == topic => Some(bus.message_type().to_owned()),
        _ => None,
    })
}

fn of_frame(frame: &Frame, has_header: bool) -> Seen {
    let (meta, now) = (frame.meta(), monotonic_ns());
    let since = |then: u64| i64::try_from(now.saturating_sub(then)).ok();
    if meta.capture_mono_ns == 0 {
        // A message whose publisher does not know where it came from: only its header can say.
        let header = if has_header { header_stamp(frame.cdr()) } else { None };
        let seen = of_message(Clock::System.now().0, frame.cdr().len(), Some(frame.stamp_ns()), header);
        return Seen { since_publication_ns: since(meta.publish_mono_ns), ..seen };
    }
    Seen {
        at: Instant::now(),
        bytes: frame.cdr().len(),
        stamp_ns: Some(frame.stamp_ns()),
        since_capture_ns: since(meta.capture_mono_ns),
        since_publication_ns: since(meta.publish_mono_ns),
    }
}

/// Clocks that are further apart than this are not the same clock: one of them is a simulator's.
const SAME_CLOCK_NS: i64 = 60_000_000_000;

fn of_message(now: i64, bytes: usize, stamp: Option<i64>, header: Option<i64>) -> Seen {
    let is_ours = |then: i64| (now - then).abs() < SAME_CLOCK_NS;
    Seen {
        at: Instant::now(),
        bytes,
        stamp_ns: stamp,
        // In simulated time only what was measured with one clock can be told: from capture to publication.
        since_capture_ns: match (header, stamp) {
            (Some(header), Some(stamp)) if !is_ours(stamp) => Some(stamp - header),
            (Some(header), _) if is_ours(header) => Some(now - header),
            _ => None,
        },
        since_publication_ns: stamp.filter(|s| is_ours(*s)).map(|s| now - s),
    }
}

fn type_has_header(type_name: &str) -> bool {
    registry::find(type_name).is_some_and(|t| begins_with_header(t.definition))
}

/// Whether messages of this definition begin with a `std_msgs/Header`.
fn begins_with_header(definition: &str) -> bool {
    let mut fields =
        definition.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    fields
        .next()
        .is_some_and(|line| line.starts_with("std_msgs/Header ") || line.starts_with("std_msgs/msg/Header "))
}

/// The header's stamp, ns: the first two words of the message. Zero is no stamp.
fn header_stamp(cdr: &[u8]) -> Option<i64> {
    let little = cdr.get(1)? & 1 == 1;
    let word = |at: usize| -> Option<[u8; 4]> { cdr.get(at..at + 4)?.try_into().ok() };
    let (seconds, rest) = (word(4)?, word(8)?);
    let (seconds, rest) = if little {
        (i32::from_le_bytes(seconds), u32::from_le_bytes(rest))
    } else {
        (i32::from_be_bytes(seconds), u32::from_be_bytes(rest))
    };
    Some(i64::from(seconds) * 1_000_000_000 + i64::from(rest)).filter(|stamp| *stamp != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stamp_of_a_header_is_read_in_both_byte_orders() {
        assert_eq!(header_stamp(&[0, 1, 0, 0, 2, 0, 0, 0, 5, 0, 0, 0]), Some(2_000_000_005));
        assert_eq!(header_stamp(&[0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 5]), Some(2_000_000_005));
        assert_eq!(header_stamp(&[0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), None);
        for cut in 0..12 {
            assert_eq!(header_stamp(&[0, 1, 0, 0, 2, 0, 0, 0, 5, 0, 0, 0][..cut]), None);
        }
        let has = |name: &str| begins_with_header(registry::find(name).unwrap().definition);
        assert!(has("sensor_msgs/msg/Image") && has("vision_msgs/msg/Detection2DArray"));
        assert!(!has("std_msgs/msg/UInt32"));
    }

    #[test]
    fn a_simulators_clock_is_not_taken_for_this_ones() {
        let now = 1_800_000_000_000_000_000;
        let real = of_message(now, 1, Some(now - 5), Some(now - 9));
        assert_eq!((real.since_capture_ns, real.since_publication_ns), (Some(9), Some(5)));
        let simulated = of_message(now, 1, Some(7_000), Some(4_000));
        assert_eq!((simulated.since_capture_ns, simulated.since_publication_ns), (Some(3_000), None));
        let neither = of_message(now, 1, None, Some(4_000));
        assert_eq!((neither.since_capture_ns, neither.since_publication_ns), (None, None));
    }
}
