//! The frame bus: a frame is written once, into a slot, and every reader reads it there.
//!
//! Three nouns, in the order a frame meets them.
//!
//! A **[`Writer`]** owns a bus. It loans a slot, fills it, and publishes it; it never waits for readers, unless one asked
//! for that ([`Policy::Lossless`]).
//!
//! A **[`Reader`]** takes frames by its [`Policy`]. One that is slower than the publisher misses frames, exactly counted,
//! and costs nobody anything.
//!
//! A **[`Frame`]** is what it takes: the pixels in place, which are at the same time a CDR `sensor_msgs/msg/Image`. Its
//! slot is not written again while it is held.
//!
//! ```
//! use peregrine_frame::{BusConfig, Encoding, FrameBus, ImageSpec, Policy};
//!
//! let mut camera = FrameBus::create("camera/image_raw", BusConfig::default())?;
//! let mut viewer = camera.bus().reader(Policy::Latest)?;
//!
//! let spec = ImageSpec::packed(640, 480, Encoding::Rgb8, "camera_optical");
//! if let Some(mut loan) = camera.loan(&spec)? {
//!     loan.bytes_mut().fill(7);
//!     loan.set_stamp(1_000_000_000);
//!     camera.publish(loan)?;
//! }
//! let frame = viewer.take()?.expect("a frame was published");
//! assert_eq!((frame.sequence(), frame.bytes()[0], frame.frame_id()), (1, 7, "camera_optical"));
//! # Ok::<(), peregrine_frame::Error>(())
//! ```
//!
//! No call of the steady state (loan, publish, forward, take, drop) allocates or locks. The protocol is in `protocol.rs`,
//! with its argument; `tests/loom.rs` checks it and shows that its weakened variants fail.

// Under the model checker only the protocol is built, on the checker's atomics.
#[cfg(loom)]
pub mod protocol;
#[cfg(not(loom))]
mod protocol;
mod sync;

#[cfg(not(loom))]
mod bus;
#[cfg(not(loom))]
mod cdr;
#[cfg(not(loom))]
mod clock;
#[cfg(not(loom))]
mod control;
#[cfg(not(loom))]
mod encoding;
#[cfg(not(loom))]
mod error;
#[cfg(not(loom))]
mod frame;
#[cfg(not(loom))]
mod futex;
#[cfg(not(loom))]
pub mod host;
#[cfg(not(loom))]
mod loan;
#[cfg(not(loom))]
mod memfd;
#[cfg(not(loom))]
mod meta;
#[cfg(not(loom))]
mod process;
#[cfg(not(loom))]
mod reader;
#[cfg(not(loom))]
mod region;
#[cfg(not(loom))]
mod shared;
#[cfg(not(loom))]
mod slots;
#[cfg(not(loom))]
mod spec;
#[cfg(not(loom))]
mod writer;

#[cfg(not(loom))]
pub use self::{
    bus::{Bus, BusConfig, BusStats, DEFAULT_PINS, FrameBus, ReaderStats, WakerGuard},
    cdr::FRAME_ID_MAX,
    clock::monotonic_ns,
    encoding::Encoding,
    error::{Error, Result},
    frame::Frame,
    host::{
        Event, Found, FoundState, Host, Onlooker, PublishOptions, SlotView, SubscribeOptions, Subscriber,
    },
    loan::Loan,
    meta::{FrameMeta, Hop, MAX_HOPS, META_MAGIC, META_VERSION, MemKind, PIXEL_OFFSET, hop_id},
    protocol::PINS as MAX_PINS,
    reader::{Policy, Reader},
    shared::Waker,
    spec::ImageSpec,
    writer::{Forwarded, Published, Writer},
};
