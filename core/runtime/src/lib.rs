//! The node runtime of Peregrine, in three nouns.
//!
//! A **node** declares what it reads and publishes in [`Node::configure`] and then gets callbacks, one at a time.
//!
//! A **topic** carries messages of one ROS 2 type. Within a process subscribers share a message; frames lie in slots of
//! the frame bus and are read in place. A topic of images is a `sensor_msgs/msg/Image` whichever way it goes.
//!
//! An **[`App`]** holds the nodes of a process and runs them: in *lockstep*, where a simulator's clock waits for every
//! node and the same seed gives the same bytes; or in *real time*, where lanes are threads.
//!
//! ```
//! extern crate peregrine_core as peregrine;
//! use peregrine::prelude::*;
//! use peregrine::{App, Mode, NodeFactory, NodeSpec};
//! use peregrine_msgs::std_msgs::UInt32;
//!
//! /// Counts its own ticks.
//! #[derive(Params)]
//! struct Config {
//!     /// Ticks per second, Hz.
//!     #[param(default = 10.0, range = 0.1..=1000.0)]
//!     rate: f64,
//! }
//! struct Ticker { count: u32, out: Publisher<UInt32> }
//! impl Node for Ticker {
//!     const NAME: &'static str = "ticker";
//!     type Params = Config;
//!     fn configure(setup: &mut Setup<Self>, config: Config) -> Result<Self> {
//!         setup.timer(Duration::from_secs_f64(1.0 / config.rate), Self::tick)?;
//!         Ok(Self { count: 0, out: setup.publish("count", Qos::Reliable)? })
//!     }
//! }
//! impl Ticker {
//!     fn tick(&mut self, ctx: &Context) -> Result {
//!         self.count += 1;
//!         if self.count == 5 { ctx.shutdown("counted to five"); }
//!         self.out.send(ctx, UInt32 { data: self.count })
//!     }
//! }
//! let mut app = App::new(Mode::Lockstep { threads: 1 });
//! app.add(NodeFactory::of::<Ticker>(), NodeSpec::new("ticker")).unwrap();
//! assert_eq!(app.run().unwrap().topics[0].published, 5);
//! ```

extern crate self as peregrine;

mod app;
mod arrivals;
mod context;
mod endpoints;
mod error;
mod exports;
mod graph;
mod health;
mod host;
mod hosted;
mod importer;
mod lane;
mod lifecycle;
mod message;
pub mod names;
mod node;
mod params;
mod period;
mod publisher;
mod qos;
mod registry;
mod ros;
mod sched;
pub mod service;
mod slots;
mod stock;
mod suggest;
pub mod tf;
pub mod time;
mod topic;

pub use app::{App, Identify, Mode, NodeReport, NodeSpec, RunReport, TopicReport};
pub use arrivals::Source;
pub use context::{Context, Stop, StopReason};
pub use endpoints::{Endpoint, Endpoints, Role, is_hidden};
pub use error::{Error, OrNode, Result};
pub use exports::Exports;
pub use graph::{Graph, Topics};
pub use host::NodeState;
pub use importer::Importer;
pub use lane::LaneOptions;
pub use message::{AnyMessage, ErasedMessage, Origin, TypeInfo};
pub use node::{Advance, Extensions, Node, Setup};
pub use params::{ParamField, ParamMap, ParamReader, ParamType, ParamValue, Params};
pub use peregrine_frame::{Encoding, Frame, Host as FrameHost, ImageSpec, Loan};
pub use peregrine_macros::{Params, export_node};
pub use period::Period;
pub use publisher::{AnyPublisher, FramePublisher, FrameSlots, FrameTime, Publisher};
pub use qos::{FramePolicy, Qos};
pub use registry::{NodeFactory, Registry};
pub use ros::{ComponentManager, Components, LogRecord, record_log};
pub use service::{CallError, Client};
pub use slots::SLOT_THRESHOLD;
pub use stock::Stock;
pub use suggest::{did_you_mean, nearest};
pub use time::{Clock, Time};
pub use topic::Topic;

/// What a node's file needs.
pub mod prelude {
    pub use std::time::Duration;

    pub use crate::{
        Advance, AnyMessage, CallError, Client, Context, Encoding, Error, Frame, FramePolicy, FramePublisher,
        FrameSlots, FrameTime, ImageSpec, Node, OrNode, Params, Publisher, Qos, Result, Setup, Time,
        export_node,
    };
}

/// For the macros only.
#[doc(hidden)]
pub mod __private {
    pub use inventory;
}
