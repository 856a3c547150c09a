//! A model replaced on a running robot, with a way back.
//!
//! Three nouns: a [`Store`] has two slots on disk, of which one is active, and survives the power being cut at any instant;
//! a [`Bundle`] is what travels: a manifest with everything it names; a [`Trial`] watches a new model beside the old one
//! and decides. [`Live`] does all of it: a detector whose model can be replaced while it runs.
//!
//! The way: the bundle is staged into the idle slot, its signature and hashes verified, its test pattern run; then it runs
//! on live images beside the old one; then they are swapped between two images; then it is watched, and rolled back on
//! errors, slowness or drift. A model that was rolled back is remembered and not tried again. How models come over a network is
//! [`transfer`]'s, how they come to a fleet [`rollout`]'s.

mod begun;
mod bundle;
mod inbox;
mod live;
mod revert;
pub mod rollout;
pub(crate) mod store;
pub mod transfer;
mod trial;
mod worker;

pub(crate) use bundle::read_at_most;
pub use bundle::{Bundle, LARGEST_FILE, LARGEST_MANIFEST, LARGEST_NOTICE, LARGEST_SIGNATURE};
pub use inbox::{INCOMING, offer, waiting};
pub use live::{Live, Steps, UpdateOptions};
pub use revert::{asked as revert_asked, settled as revert_settled};
pub use store::{Against, Before, Boot, Slot, State, Store, write_whole};
pub use trial::{ENOUGH_WINDOWS, Limits, Sample, Trial, Verdict, twins};
pub use worker::Step;
