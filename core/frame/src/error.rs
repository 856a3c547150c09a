//! What can go wrong on a frame bus: cause, offending value, remedy, and a stable code.

/// Result of this crate's fallible calls.
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// Every error of the frame bus. The code at the front (`PG-01xx`) is stable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The number of slots is outside what one 64-bit busy mask can hold.
    #[error("PG-0101: frame bus `{bus}` asks for {slots} slots; choose 4 to {max}")]
    SlotCount {
        /// Name of the bus.
        bus: String,
        /// Slots asked for.
        slots: usize,
        /// Most slots a bus can have.
        max: usize,
    },
    /// The ring depth is zero or deeper than the ring.
    #[error("PG-0102: frame bus `{bus}` asks to keep {keep} frames; choose 1 to {max}")]
    KeepDepth {
        /// Name of the bus.
        bus: String,
        /// Depth asked for.
        keep: usize,
        /// Deepest ring.
        max: usize,
    },
    /// `slots < keep + sum of pins + 2`: the publisher could be starved by its readers.
    #[error(
        "PG-0103: frame bus `{bus}` has {slots} slots but needs {needed}: {keep} kept in the ring + {pins} that \
         readers may hold + 2 for the publisher; create it with at least {needed} slots, or let readers hold fewer"
    )]
    NotEnoughSlots {
        /// Name of the bus.
        bus: String,
        /// Slots it was created with.
        slots: usize,
        /// Slots it would need.
        needed: usize,
        /// Ring depth.
        keep: usize,
        /// Sum of the pins of all readers, the new one included.
        pins: usize,
    },
    /// All reader rows are taken.
    #[error(
        "PG-0104: frame bus `{bus}` already has its {max} readers; create it with a higher `max_readers` (at most 64)"
    )]
    TooManyReaders {
        /// Name of the bus.
        bus: String,
        /// Readers allowed.
        max: usize,
    },
    /// The image does not fit into a slot.
    #[error(
        "PG-0105: a {width}x{height} {encoding} image with step {step} needs {needed} bytes, but the slots of frame bus `{bus}` hold {capacity}; create the bus with `slot_bytes` of at least {needed}"
    )]
    FrameTooLarge {
        /// Name of the bus.
        bus: String,
        /// Image width, pixels.
        width: u32,
        /// Image height, pixels.
        height: u32,
        /// sensor_msgs name of the encoding.
        encoding: &'static str,
        /// Bytes per row.
        step: u32,
        /// Bytes of payload.
        needed: u64,
        /// Bytes a slot holds.
        capacity: usize,
    },
    /// The frame id does not fit into the header's room, or holds a NUL.
    #[error("PG-0106: frame_id `{frame_id}` has {len} bytes; use at most {max}, without NUL characters")]
    FrameId {
        /// The offending id.
        frame_id: String,
        /// Its length in bytes.
        len: usize,
        /// Longest id allowed.
        max: usize,
    },
    /// Width, height, step and encoding contradict each other.
    #[error("PG-0107: a {width}x{height} {encoding} image cannot have step {step}: {reason}")]
    ImageSpec {
        /// Image width, pixels.
        width: u32,
        /// Image height, pixels.
        height: u32,
        /// sensor_msgs name of the encoding.
        encoding: &'static str,
        /// Bytes per row.
        step: u32,
        /// Why not.
        reason: &'static str,
    },
    /// The reader holds as many frames as it said it would.
    #[error(
        "PG-0108: a reader of frame bus `{bus}` already holds {pins} frames; drop some, or create it with `reader_with(policy, pins)` and more pins"
    )]
    PinsExhausted {
        /// Name of the bus.
        bus: String,
        /// Pins the reader was created with.
        pins: usize,
    },
    /// A loan was published on another bus than the one it came from.
    #[error(
        "PG-0109: a loan of frame bus `{loan}` was handed to the writer of `{bus}`; publish it where it was loaned"
    )]
    ForeignLoan {
        /// Bus of the writer.
        bus: String,
        /// Bus of the loan.
        loan: String,
    },
    /// A frame would be forwarded to a bus that it came from.
    #[error(
        "PG-0110: frame bus `{bus}` cannot forward a frame that came from itself; remove the loop of topics, or copy the pixels"
    )]
    ForwardLoop {
        /// Name of the bus.
        bus: String,
    },
    /// `KeepLast(k)` with a `k` that the ring cannot serve.
    #[error(
        "PG-0111: KeepLast({k}) cannot be served by frame bus `{bus}`, which keeps {keep} frames; choose 1 to {keep}, or create the bus with a larger `keep`"
    )]
    PolicyDepth {
        /// Name of the bus.
        bus: String,
        /// Depth asked for.
        k: usize,
        /// Ring depth of the bus.
        keep: usize,
    },
    /// Memory for the slots could not be had.
    #[error(
        "PG-0112: {bytes} bytes for the slots of a frame bus could not be allocated; use fewer or smaller slots"
    )]
    OutOfMemory {
        /// Bytes asked for.
        bytes: usize,
    },
    /// A slot's description does not fit its memory: another version, or corrupt memory.
    #[error(
        "PG-0113: slot {slot} of frame bus `{bus}` is not a frame of this version (magic {magic:#010x}, version {version}); publisher and reader must be built from the same release"
    )]
    CorruptSlot {
        /// Name of the bus.
        bus: String,
        /// Index of the slot.
        slot: usize,
        /// Magic number found.
        magic: u32,
        /// Layout version found.
        version: u16,
    },
    /// The encoding's name is not one that frames can carry.
    #[error("PG-0114: image encoding `{name}` is not supported; use one of {}", crate::Encoding::NAMES)]
    UnknownEncoding {
        /// The offending name.
        name: String,
    },
    /// A compressed payload is longer than its slot.
    #[error(
        "PG-0115: a payload of {len} bytes does not fit into the {capacity} bytes that were loaned; loan a larger image"
    )]
    PayloadLength {
        /// Bytes asked for.
        len: usize,
        /// Bytes loaned.
        capacity: usize,
    },
    /// The number of pins of a reader is outside its row.
    #[error("PG-0116: a reader of frame bus `{bus}` asks to hold {pins} frames at once; choose 1 to {max}")]
    PinCount {
        /// Name of the bus.
        bus: String,
        /// Pins asked for.
        pins: usize,
        /// Pins of a row.
        max: usize,
    },
    /// The number of reader rows is outside the control block.
    #[error("PG-0117: frame bus `{bus}` asks for {max_readers} readers; choose 1 to {max}")]
    ReaderCount {
        /// Name of the bus.
        bus: String,
        /// Readers asked for.
        max_readers: usize,
        /// Rows of the control block.
        max: usize,
    },
    /// The folder where buses are found cannot be used.
    #[error("PG-0118: the folder `{path}`, where frame buses are found, {why}; {remedy}")]
    RegistryFolder {
        /// The folder.
        path: String,
        /// What is wrong with it.
        why: String,
        /// What to do.
        remedy: &'static str,
    },
    /// `ROS_DOMAIN_ID` is no domain.
    #[error("PG-0119: ROS_DOMAIN_ID is `{value}`; use a number from 0 to 232, or unset it")]
    Domain {
        /// Its value.
        value: String,
    },
    /// What another process sent does not make sense.
    #[error("PG-0120: {what} {why}; publisher and reader must be built from the same release")]
    Handshake {
        /// What was sent.
        what: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The system refused something that buses between processes need.
    #[error(
        "PG-0121: cannot {action} for frame bus `{bus}`: {source_text}; check the limits of open files and threads"
    )]
    System {
        /// Name of the bus.
        bus: String,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source_text: String,
    },
    /// Publisher and reader of a topic disagree on its type.
    #[error(
        "PG-0122: frame bus `{bus}` carries {has}, but a reader wants {wants}; rename or remap one of them"
    )]
    TypeMismatch {
        /// Name of the bus.
        bus: String,
        /// Its type.
        has: String,
        /// The type asked for.
        wants: String,
    },
    /// A topic's name is too long to be found by.
    #[error("PG-0123: `{topic}` cannot be the name of a frame bus: {why}; choose another name")]
    TopicName {
        /// The name.
        topic: String,
        /// Why not.
        why: &'static str,
    },
    /// The message does not fit into a slot.
    #[error(
        "PG-0124: a message of {needed} bytes does not fit into the slots of frame bus `{bus}`, which hold {capacity}; create the bus with `slot_bytes` of at least {needed}"
    )]
    MessageTooLarge {
        /// Name of the bus.
        bus: String,
        /// Bytes of the message.
        needed: usize,
        /// Bytes a slot holds.
        capacity: usize,
    },
}
