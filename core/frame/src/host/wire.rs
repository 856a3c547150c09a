//! What a reader and a publisher say to each other over their socket: one packet each way.
//!
//! Layout, little endian: `PGFB`, u16 version, u8 kind, then the fields in the order of the structs below; a text is a
//! u16 length and UTF-8. Both ends are built from one release: a packet of another version is refused, not guessed at.

use std::time::Duration;

use crate::protocol::{PINS, ROWS, SLOTS};
use crate::{Error, Policy, Result};

/// Largest packet, bytes.
pub const MAX_PACKET: usize = 2048;
/// Longest text in a packet, bytes.
pub const MAX_TEXT: usize = 512;
const MAGIC: [u8; 4] = *b"PGFB";
const VERSION: u16 = 2;

/// What a reader asks of a publisher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// ROS domain id.
    pub domain: u32,
    /// Full topic name; empty, for a look, if it is not known.
    pub topic: String,
    /// Message type wanted; empty for any.
    pub message_type: String,
    /// A row, or nothing but a look.
    pub request: Request,
}

/// See [`Hello`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// To read frames.
    Read {
        /// Which ones.
        policy: Policy,
        /// How many at once.
        pins: usize,
        /// With the slot that is kept for tools.
        tool: bool,
    },
    /// To look at the control block, and at nothing else.
    Look,
}

/// What the publisher answers. A grant travels with two descriptors: the control block's and the slots'.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Here it is.
    Granted(Grant),
    /// No, and why, for people.
    Refused(String),
}

/// The layout of the memory that comes along, and the reader's place in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The topic.
    pub topic: String,
    /// Message type of the bus.
    pub message_type: String,
    /// Who publishes, for people.
    pub label: String,
    /// Who publishes, for programs; zeros if it has no such id.
    pub source: [u8; 16],
    /// Depth of the ring.
    pub keep: usize,
    /// Slots that readers may count on.
    pub count: usize,
    /// Slots that there are.
    pub slots: usize,
    /// Most readers.
    pub max_readers: usize,
    /// Bytes from one slot to the next.
    pub stride: u64,
    /// Bytes of the control block, for both ends must agree on it.
    pub control: u64,
    /// Slots that are present in memory.
    pub present: usize,
    /// The slots lie in huge pages.
    pub huge: bool,
    /// The reader's row; meaningless for a look.
    pub row: usize,
    /// Sequence of the first frame that the reader gets.
    pub next: u64,
}

struct Out(Vec<u8>);

impl Out {
    fn new(kind: u8) -> Out {
        let mut out = Out(Vec::with_capacity(256));
        out.0.extend_from_slice(&MAGIC);
        out.0.extend_from_slice(&VERSION.to_le_bytes());
        out.0.push(kind);
        out
    }
    fn u32(&mut self, v: u32) {
        self.0.extend_from_slice(&v.to_le_bytes());
    }
    fn small(&mut self, v: usize) {
        self.u32(u32::try_from(v).unwrap_or(u32::MAX));
    }
    fn u64(&mut self, v: u64) {
        self.0.extend_from_slice(&v.to_le_bytes());
    }
    /// Cut at [`MAX_TEXT`], at a character's start.
    fn text(&mut self, text: &str) {
        let end = (0..=text.len().min(MAX_TEXT)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        self.0.extend_from_slice(&(end as u16).to_le_bytes());
        self.0.extend_from_slice(&text.as_bytes()[..end]);
    }
}

struct In<'a>(&'a [u8]);

impl<'a> In<'a> {
    fn new(packet: &'a [u8]) -> Result<(In<'a>, u8)> {
        let mut packet = In(packet);
        if packet.take::<4>()? != MAGIC || u16::from_le_bytes(packet.take()?) != VERSION {
            return Err(bad("is of another version"));
        }
        let [kind] = packet.take()?;
        Ok((packet, kind))
    }
    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk().ok_or_else(|| bad("is too short"))?;
        self.0 = tail;
        Ok(*head)
    }
    fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.take()?))
    }
    fn upto(&mut self, most: usize) -> Result<usize> {
        let v = self.u32()? as usize;
        if v <= most { Ok(v) } else { Err(bad("holds a number that is out of range")) }
    }
    fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.take()?))
    }
    fn text(&mut self) -> Result<String> {
        let len = usize::from(u16::from_le_bytes(self.take()?));
        if len > MAX_TEXT || len > self.0.len() {
            return Err(bad("holds a text that is too long"));
        }
        let (text, rest) = self.0.split_at(len);
        self.0 = rest;
        std::str::from_utf8(text).map(str::to_owned).map_err(|_| bad("holds a text that is not UTF-8"))
    }
    fn end(&self) -> Result {
        if self.0.is_empty() { Ok(()) } else { Err(bad("is too long")) }
    }
}

fn bad(why: &'static str) -> Error {
    Error::Handshake { what: "a packet of the frame bus's handshake", why }
}

impl Hello {
    /// As a packet.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Out::new(1);
        out.u32(self.domain);
        out.text(&self.topic);
        out.text(&self.message_type);
        let (policy, pins, tool) = match self.request {
            Request::Look => (None, 0, false),
            Request::Read { policy, pins, tool } => (Some(policy), pins, tool),
        };
        let (kind, depth, wait) = match policy {
            None => (0, 0, 0),
            Some(Policy::Latest) => (1, 1, 0),
            Some(Policy::KeepLast(k)) => (2, k, 0),
            Some(Policy::Lossless { wait }) => (3, 0, u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX)),
        };
        out.small(kind);
        out.small(depth);
        out.u64(wait);
        out.small(pins);
        out.small(usize::from(tool));
        out.0
    }

    /// From a packet.
    ///
    /// # Errors
    /// `PG-0120`.
    pub fn decode(packet: &[u8]) -> Result<Hello> {
        let (mut from, kind) = In::new(packet)?;
        if kind != 1 {
            return Err(bad("is of an unknown kind"));
        }
        let (domain, topic, message_type) = (from.u32()?, from.text()?, from.text()?);
        let (kind, depth, wait, pins) = (from.u32()?, from.upto(1 << 16)?, from.u64()?, from.upto(PINS)?);
        let tool = from.upto(1)? == 1;
        from.end()?;
        let read = |policy| Request::Read { policy, pins, tool };
        let request = match kind {
            0 => Request::Look,
            1 => read(Policy::Latest),
            2 => read(Policy::KeepLast(depth)),
            3 => read(Policy::Lossless { wait: Duration::from_nanos(wait) }),
            _ => return Err(bad("asks for an unknown policy")),
        };
        Ok(Hello { domain, topic, message_type, request })
    }
}

impl Answer {
    /// As a packet.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Answer::Refused(why) => {
                let mut out = Out::new(3);
                out.text(why);
                out.0
            }
            Answer::Granted(g) => {
                let mut out = Out::new(2);
                out.text(&g.topic);
                out.text(&g.message_type);
                out.text(&g.label);
                for v in [g.keep, g.count, g.slots, g.max_readers, g.present, usize::from(g.huge), g.row] {
                    out.small(v);
                }
                out.u64(g.stride);
                out.u64(g.control);
                out.u64(g.next);
                out.0.extend_from_slice(&g.source);
                out.0
            }
        }
    }

    /// From a packet.
    ///
    /// # Errors
    /// `PG-0120`; also if the numbers are not those of any bus.
    pub fn decode(packet: &[u8]) -> Result<Answer> {
        let (mut from, kind) = In::new(packet)?;
        let answer = match kind {
            3 => Answer::Refused(from.text()?),
            2 => {
                let (topic, message_type, label) = (from.text()?, from.text()?, from.text()?);
                let (keep, count) = (from.upto(crate::protocol::RING)?, from.upto(SLOTS)?);
                let (slots, max_readers) = (from.upto(SLOTS)?, from.upto(ROWS)?);
                let (present, huge, row) = (from.upto(SLOTS)?, from.upto(1)? == 1, from.upto(ROWS - 1)?);
                let (stride, control, next) = (from.u64()?, from.u64()?, from.u64()?);
                let source = from.take()?;
                if keep == 0 || slots == 0 {
                    return Err(bad("holds a number that is out of range"));
                }
                Answer::Granted(Grant {
                    topic,
                    message_type,
                    label,
                    source,
                    keep,
                    count,
                    slots,
                    max_readers,
                    stride,
                    control,
                    present,
                    huge,
                    row,
                    next,
                })
            }
            _ => return Err(bad("is of an unknown kind")),
        };
        from.end()?;
        Ok(answer)
    }
}

/// What the fuzz targets call: whatever is read must survive being written and read again.
#[doc(hidden)]
pub fn fuzz(packet: &[u8]) {
    if let Ok(hello) = Hello::decode(packet) {
        assert_eq!(Hello::decode(&hello.encode()), Ok(hello));
    }
    if let Ok(answer) = Answer::decode(packet) {
        assert_eq!(Answer::decode(&answer.encode()), Ok(answer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_survive_the_way_there_and_back() {
        let policies =
            [Policy::Latest, Policy::KeepLast(4), Policy::Lossless { wait: Duration::from_millis(20) }];
        let reads = policies.map(|policy| Request::Read { policy, pins: 3, tool: false });
        for request in reads.into_iter().chain([Request::Look]) {
            let hello = Hello { domain: 7, topic: "/é".into(), message_type: String::new(), request };
            assert_eq!(Hello::decode(&hello.encode()), Ok(hello.clone()));
            for cut in 0..hello.encode().len() {
                assert!(Hello::decode(&hello.encode()[..cut]).is_err());
            }
        }
        let long = "é".repeat(MAX_TEXT);
        let Ok(Answer::Refused(text)) = Answer::decode(&Answer::Refused(long.clone()).encode()) else {
            panic!("no refusal")
        };
        assert!(text.len() == MAX_TEXT && long.starts_with(&text));
    }

    #[test]
    fn the_seeds_of_the_fuzz_target_are_packets() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/seeds/frame_handshake");
        let mut seen = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            let packet = std::fs::read(file.unwrap().path()).unwrap();
            assert!(Hello::decode(&packet).is_ok() || Answer::decode(&packet).is_ok());
            fuzz(&packet);
            seen += 1;
        }
        assert!(seen >= 5);
    }
}
