//! Bytes of a link to MAVLink frames, whatever comes between them.
//!
//! A frame is believed when its checksum is right and its message is of the dialect; every other byte is counted. After a
//! false start the search goes on at the next byte, so that no frame hides in a broken one. The buffer is bounded, and
//! nothing here can be made to allocate by a stranger.

use mavlink::dialects::common::MavMessage;
use mavlink::{MavHeader, MavlinkVersion, Message, calculate_crc};

/// Begin of a MAVLink 1 and of a MAVLink 2 frame.
const STX: [u8; 2] = [0xFE, 0xFD];
/// The longest frame: header, payload, checksum, signature.
const LONGEST: usize = 10 + 255 + 2 + 13;
/// Bytes kept at the most.
const CAPACITY: usize = 16 * LONGEST;
/// The frame carries a signature.
const SIGNED: u8 = 0x01;

/// What came of a link.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames that were believed.
    pub frames: u64,
    /// Bytes that were part of no frame that was believed.
    pub garbage_bytes: u64,
    /// Frames of known messages whose checksum was wrong.
    pub bad_checksums: u64,
    /// Frames of messages that the dialect does not have; their checksum cannot be told.
    pub unknown_messages: u64,
    /// Frames with a right checksum and a payload that cannot be.
    pub bad_payloads: u64,
    /// Frames missing by their sequence numbers, over all senders that were seen twice in a row.
    pub lost_frames: u64,
}

/// The decoder of one link.
#[derive(Debug, Clone)]
pub struct Decoder {
    buffer: Vec<u8>,
    start: usize,
    counts: Counts,
    last: Option<(u32, u8, u8)>,
}

impl Default for Decoder {
    fn default() -> Self {
        Self { buffer: Vec::with_capacity(CAPACITY), start: 0, counts: Counts::default(), last: None }
    }
}

/// What stands at the front of the buffer.
#[expect(
    clippy::large_enum_variant,
    reason = "one lives at a time, on the stack; a box would allocate for every frame"
)]
enum Front {
    /// Too little to tell.
    Short,
    /// No frame: pass over so many bytes.
    Nothing(usize),
    /// A frame that is whole and right, of so many bytes.
    Frame(usize, MavHeader, MavMessage),
}

impl Decoder {
    /// What was counted.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Forgets what is half received: a new connection begins a new stream.
    pub fn restart(&mut self) {
        self.counts.garbage_bytes += (self.buffer.len() - self.start) as u64;
        self.buffer.clear();
        self.start = 0;
        self.last = None;
    }

    /// Takes bytes in and calls `receive` for every frame in them.
    pub fn feed(&mut self, mut bytes: &[u8], mut receive: impl FnMut(&MavHeader, &MavMessage)) {
        while !bytes.is_empty() {
            let room = CAPACITY - self.buffer.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.buffer.extend_from_slice(now);
            bytes = later;
            self.drain(&mut receive);
        }
    }

    fn drain(&mut self, receive: &mut impl FnMut(&MavHeader, &MavMessage)) {
        loop {
            match front(&self.buffer[self.start..], &mut self.counts) {
                Front::Short => break,
                Front::Nothing(bytes) => {
                    self.counts.garbage_bytes += bytes as u64;
                    self.start += bytes;
                }
                Front::Frame(bytes, header, message) => {
                    self.start += bytes;
                    self.counts.frames += 1;
                    self.sequence(&header);
                    receive(&header, &message);
                }
            }
        }
        self.buffer.drain(..self.start);
        self.start = 0;
    }

    fn sequence(&mut self, header: &MavHeader) {
        let this = (header.system_id, header.component_id);
        if let Some((system, component, sequence)) = self.last
            && (system, component) == this
        {
            let missing = header.sequence.wrapping_sub(sequence).wrapping_sub(1);
            // More than half a turn is a sender that began anew, not a loss.
            self.counts.lost_frames += if missing < 128 { u64::from(missing) } else { 0 };
        }
        self.last = Some((this.0, this.1, header.sequence));
    }
}

/// What stands at the front of `bytes`.
fn front(bytes: &[u8], counts: &mut Counts) -> Front {
    let Some(first) = bytes.iter().position(|b| STX.contains(b)) else {
        return if bytes.is_empty() { Front::Short } else { Front::Nothing(bytes.len()) };
    };
    if first > 0 {
        return Front::Nothing(first);
    }
    let version = if bytes[0] == STX[0] { MavlinkVersion::V1 } else { MavlinkVersion::V2 };
    let header_len = if version == MavlinkVersion::V1 { 6 } else { 10 };
    if bytes.len() < header_len {
        return Front::Short;
    }
    let payload_len = usize::from(bytes[1]);
    let (header, id, signature) = match version {
        MavlinkVersion::V1 => {
            let header =
                MavHeader { system_id: u32::from(bytes[3]), component_id: bytes[4], sequence: bytes[2] };
            (header, u32::from(bytes[5]), 0)
        }
        MavlinkVersion::V2 => {
            // A frame with a flag that is not understood must not be read, says the protocol.
            if bytes[2] & !SIGNED != 0 {
                return Front::Nothing(1);
            }
            let header =
                MavHeader { system_id: u32::from(bytes[5]), component_id: bytes[6], sequence: bytes[4] };
            let id = u32::from_le_bytes([bytes[7], bytes[8], bytes[9], 0]);
            (header, id, if bytes[2] & SIGNED == 0 { 0 } else { 13 })
        }
    };
    let end = header_len + payload_len;
    let total = end + 2 + signature;
    if bytes.len() < total {
        return Front::Short;
    }
    let given = u16::from_le_bytes([bytes[end], bytes[end + 1]]);
    // A message that the dialect does not have has no checksum that could be verified.
    if MavMessage::default_message_from_id(id).is_none() {
        counts.unknown_messages += 1;
        return Front::Nothing(1);
    }
    if calculate_crc(&bytes[1..end], MavMessage::extra_crc(id)) != given {
        counts.bad_checksums += 1;
        return Front::Nothing(1);
    }
    match MavMessage::parse(version, id, &bytes[header_len..end]) {
        Ok(message) => Front::Frame(total, header, message),
        Err(_) => {
            counts.bad_payloads += 1;
            Front::Nothing(total)
        }
    }
}

/// A message as a MAVLink 2 frame, appended to `out`.
pub fn encode(header: MavHeader, message: &MavMessage, out: &mut Vec<u8>) {
    let mut raw = mavlink::MAVLinkV2MessageRaw::new();
    raw.serialize_message(header, message);
    out.extend_from_slice(raw.raw_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use mavlink::dialects::common::{DISTANCE_SENSOR_DATA, HEARTBEAT_DATA};

    fn messages() -> [MavMessage; 3] {
        let distance = DISTANCE_SENSOR_DATA {
            time_boot_ms: 0xFEFD_FDFE,
            current_distance: 0xFDFE,
            ..Default::default()
        };
        let beat = HEARTBEAT_DATA { custom_mode: 0xFE, ..Default::default() };
        [
            MavMessage::HEARTBEAT(beat),
            MavMessage::DISTANCE_SENSOR(distance),
            MavMessage::HEARTBEAT(HEARTBEAT_DATA::default()),
        ]
    }

    fn stream() -> Vec<u8> {
        let mut bytes = Vec::new();
        for (sequence, message) in (0..).zip(&messages()) {
            encode(MavHeader { system_id: 1, component_id: 1, sequence }, message, &mut bytes);
        }
        bytes
    }

    fn read(decoder: &mut Decoder, bytes: &[u8], chunk: usize) -> Vec<MavMessage> {
        let mut got = Vec::new();
        for part in bytes.chunks(chunk) {
            decoder.feed(part, |_, message| got.push(message.clone()));
        }
        got
    }

    #[test]
    fn frames_come_out_however_the_bytes_are_cut() {
        for chunk in [1, 2, 3, 7, 40, 1000] {
            let mut decoder = Decoder::default();
            assert_eq!(read(&mut decoder, &stream(), chunk), messages());
            assert_eq!(decoder.counts(), Counts { frames: 3, ..Counts::default() });
        }
    }

    #[test]
    fn garbage_between_frames_is_counted_to_the_byte() {
        let clean = stream();
        let mut bytes = b"hello \x00\x01".to_vec();
        bytes.extend_from_slice(&clean);
        // A beginning that promises 255 bytes and then other frames instead.
        bytes.extend_from_slice(&[0xFD, 0xFF, 0, 0, 0, 1, 1, 0, 0, 0]);
        for _ in 0..10 {
            bytes.extend_from_slice(&clean);
        }
        let mut decoder = Decoder::default();
        let got = read(&mut decoder, &bytes, 5);
        assert_eq!(got.len(), 33);
        assert_eq!(decoder.counts().garbage_bytes, 18);
        assert_eq!(decoder.counts().frames, 33);
    }

    #[test]
    fn one_flipped_bit_costs_one_frame() {
        let clean = stream();
        for bit in 0..clean.len() * 8 {
            let mut bytes = clean.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            // Room behind, so that a length that grew is waited for in vain and no longer.
            bytes.resize(clean.len() + 300, 0);
            let mut decoder = Decoder::default();
            let got = read(&mut decoder, &bytes, 1000);
            assert!(got.len() >= 2 && got.iter().all(|m| messages().contains(m)), "bit {bit}: {got:?}");
        }
    }

    #[test]
    fn the_other_version_and_signed_frames_are_read_too() {
        let message = &messages()[0];
        let mut raw = mavlink::MAVLinkV1MessageRaw::new();
        raw.serialize_message(MavHeader { system_id: 9, component_id: 8, sequence: 7 }, message);
        let mut bytes = raw.raw_bytes().to_vec();
        let mut signed = Vec::new();
        encode(MavHeader::default(), message, &mut signed);
        signed[2] = SIGNED;
        let end = signed.len() - 2;
        let crc = calculate_crc(&signed[1..end], MavMessage::extra_crc(0)).to_le_bytes();
        signed[end..].copy_from_slice(&crc);
        signed.extend_from_slice(&[0xFD; 13]);
        bytes.extend_from_slice(&signed);
        let mut decoder = Decoder::default();
        let mut from = Vec::new();
        decoder.feed(&bytes, |header, _| from.push(header.system_id));
        assert_eq!((from.len(), from[0], decoder.counts().garbage_bytes), (2, 9, 0));
    }

    #[test]
    fn losses_are_counted_by_sequence() {
        let mut bytes = Vec::new();
        for sequence in [250, 251, 254, 255, 0, 3] {
            encode(MavHeader { system_id: 1, component_id: 1, sequence }, &messages()[0], &mut bytes);
        }
        let mut decoder = Decoder::default();
        read(&mut decoder, &bytes, 64);
        assert_eq!(decoder.counts().lost_frames, 4);
    }

    #[test]
    fn a_flood_of_nothing_needs_no_memory() {
        let mut decoder = Decoder::default();
        let flood: Vec<u8> =
            (0..1_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let got = read(&mut decoder, &flood, 999);
        assert!(got.len() < 3 && decoder.buffer.capacity() <= 2 * CAPACITY);
        decoder.restart();
        assert_eq!(read(&mut decoder, &stream(), 10).len(), 3);
    }
}
