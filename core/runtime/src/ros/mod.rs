//! What ROS 2 expects of every node, served by the runtime so that no node's author has to think of it: parameters,
//! lifecycle, type descriptions; and for the process `/rosout` and a clock that follows `/clock`.
//!
//! All of it is off in lockstep: nothing from outside may reach a run that must repeat.

mod clock;
mod container;
mod describe;
mod diagnostics;
mod lifecycle;
mod params;
mod rosout;
mod type_description;
mod values;

pub(crate) use clock::ClockFollower;
pub use container::{ComponentManager, Components};
pub(crate) use diagnostics::Diagnostics;
pub use rosout::{LogRecord, Rosout, record_log};

use peregrine_msgs::Message;
use peregrine_msgs::diagnostic_msgs::DiagnosticArray;
use peregrine_msgs::rcl_interfaces::Log;

use crate::endpoints::{Role, is_hidden};
use crate::error::Result;
use crate::node::{Node, Setup};
use crate::params::ParamMap;
use crate::qos::Qos;

/// What the services must know of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RosOptions {
    /// The clock follows a simulator.
    pub use_sim_time: bool,
}

/// Declares the services of one node whose parameters have these values.
pub(crate) fn serve<N: Node>(setup: &mut Setup<'_, N>, options: RosOptions, values: ParamMap) -> Result {
    if is_hidden(&setup.full_name) {
        return Ok(());
    }
    // All of the process's log goes out through one publisher; in the graph every node has its own, as in rclcpp.
    let (name, qos) = ("/rosout", Qos::LatchedLast(rosout::DEPTH));
    setup.graph.endpoints.add(&setup.full_name, name, Role::Publisher, (Log::TYPE_NAME, Log::TYPE_HASH), qos);
    // What of the process is about this node goes out in its name, as from any rclcpp node with an updater.
    let kind = (DiagnosticArray::TYPE_NAME, DiagnosticArray::TYPE_HASH);
    setup.graph.endpoints.add(&setup.full_name, "/diagnostics", Role::Publisher, kind, Qos::Reliable);
    params::serve(setup, options, values)?;
    lifecycle::serve(setup)?;
    type_description::serve(setup)
}
