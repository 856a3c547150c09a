//! Records topics into a bag, and plays bags back ([`play`]). What is recorded is a bag that `ros2 bag`, Foxglove and the `mcap` and `rosbags` Python packages read.
//!
//! A bag is a directory: MCAP files with CDR messages and their ROS 2 definitions, and a `metadata.yaml` beside them.
//! The parts, from the outside in: [`RecorderNode`] is the node; [`BagThread`] takes messages without making their sender wait for the disk;
//! [`Bag`] lays out the directory; the selection of topics is [`Selection`].
//!
//! ```
//! use peregrine_recorder::{Bag, BagOptions, Topic};
//! let directory = tempfile::tempdir()?;
//! let mut bag = Bag::create(&directory.path().join("flight"), BagOptions::default())?;
//! let topic = bag.topic(&Topic {
//!     name: "/chatter".into(),
//!     type_name: "std_msgs/msg/String".into(),
//!     type_hash: String::new(),
//!     definition: "string data\n".into(),
//!     reliable: true,
//!     transient_local: false,
//! })?;
//! bag.write(topic, 1_000_000_000, 1_000_000_000, &[0, 1, 0, 0, 3, 0, 0, 0, b'h', b'i', 0])?;
//! assert_eq!(bag.finish()?.messages, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod algo;
mod error;
mod node;
pub mod play;
pub mod seal;
mod thread;

pub use algo::{
    bag::{Bag, BagOptions, BagSummary, Topic, TopicId},
    recover::recover,
    select::Selection,
};
pub use error::{RecorderError, Result};
pub use node::{Config, PEREGRINE_NODE, RecorderNode};
pub use thread::{BagThread, Full, Outcome};
