//! gz-transport and Gazebo's messages in pure Rust.
//!
//! Its nouns, in the order they meet: [`Options`] say who may see us (partition, address); a [`GzNode`] joins the graph;
//! [`Publisher`]s and subscriptions carry [`msgs`] on topics, services are offered and asked for; [`convert`] turns these
//! messages into ROS 2's and back, by the table of ros_gz_bridge.
//!
//! ```no_run
//! use peregrine_gz::{GzNode, Options, msgs};
//! let node = GzNode::new(Options::from_env()?)?;
//! node.subscribe("/world/default/stats", |stats: msgs::world::WorldStatistics| println!("{}", stats.iterations))?;
//! let cmd_vel = node.advertise::<msgs::geometry::Twist>("/model/x500/cmd_vel")?;
//! cmd_vel.publish(&msgs::geometry::Twist::default());
//! # Ok::<(), peregrine_gz::GzError>(())
//! ```

pub mod convert;
mod engine;
pub mod error;
mod links;
pub mod msgs;
mod multicast;
pub mod names;
mod node;
mod options;
pub mod peers;
pub mod wire;

pub use error::{GzError, Result};
pub use node::{GzNode, MAX_WAITING, Publisher, RawPublisher, Received, ServiceInfo, TopicInfo};
pub use options::{Flavour, Options, bare_type};
