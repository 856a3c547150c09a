//! From a plan's nodes to an application in this process.

use peregrine_core::{App, FrameHost, Mode, NodeSpec, ParamMap, ParamValue, Registry};
use peregrine_launch::PlannedNode;

use crate::args::Timing;
use crate::error::{Error, Result};
use crate::way::Way;

/// Every node kind of this program: the stock nodes, and what `export_node!` registered in the crate that links this one.
pub fn registry() -> Registry {
    Registry::linked()
        .with(peregrine_autopilot::PEREGRINE_NODE)
        .with(peregrine_autopilot::px4::PEREGRINE_NODE)
        .with(peregrine_avoidance::PEREGRINE_NODE)
        .with(peregrine_camera::PEREGRINE_NODE)
        .with(peregrine_detector::PEREGRINE_NODE)
        .with(peregrine_detector::CAMERAS_NODE)
        .with(peregrine_detector::store::PEREGRINE_NODE)
        .with(peregrine_exporter::PEREGRINE_NODE)
        .with(peregrine_gz_bridge::PEREGRINE_NODE)
        .with(peregrine_recorder::PEREGRINE_NODE)
        .with(peregrine_recorder::play::PEREGRINE_NODE)
        .with(peregrine_safety_filter::PEREGRINE_NODE)
        .with(peregrine_sim::node::PEREGRINE_NODE)
        .with(peregrine_tracker::PEREGRINE_NODE)
}

/// Nodes that are going to share this process.
#[derive(Debug)]
pub struct Composition {
    /// The application, to which nodes may still be added.
    pub app: App,
    way: Option<Way>,
}

impl Composition {
    /// An application with the given nodes; unless `isolated`, other processes see its topics.
    ///
    /// # Errors
    /// Whatever keeps a node from being configured.
    pub fn new(mode: Mode, specs: Vec<NodeSpec>, isolated: bool) -> Result<Self> {
        Self::with_way(mode, specs, if isolated { None } else { Way::open(None) })
    }

    /// An application with the given nodes, seen by other processes through `way`.
    ///
    /// # Errors
    /// Whatever keeps a node from being configured.
    pub(crate) fn with_way(mode: Mode, specs: Vec<NodeSpec>, way: Option<Way>) -> Result<Self> {
        let registry = registry();
        let mut app = App::new(mode);
        if way.is_some() {
            app.serve_ros()?;
        }
        for spec in specs {
            app.add(registry.find(&spec.kind)?, spec)?;
        }
        Ok(Self { app, way })
    }

    /// Runs to the end; Ctrl-C asks for an orderly stop, a second one ends the program at once.
    ///
    /// # Errors
    /// As [`App::run`].
    pub fn run(self) -> Result<peregrine_core::RunReport> {
        let signals = crate::commands::signals::stop_on_ctrl_c(self.app.stop_handle());
        let outcome = self.run_unwatched();
        drop(signals);
        outcome
    }

    /// Runs to the end; signals are somebody else's business.
    ///
    /// # Errors
    /// As [`App::run`].
    pub(crate) fn run_unwatched(mut self) -> Result<peregrine_core::RunReport> {
        if let Some(way) = &self.way {
            share_frames(&mut self.app);
            way.carry(&mut self.app)?;
        }
        let outcome = self.app.run();
        if let Some(way) = self.way {
            way.close();
        }
        Ok(outcome?)
    }
}

/// Frames pass between the processes of this host without a copy, if there is a place to meet.
fn share_frames(app: &mut App) {
    match FrameHost::from_env() {
        Ok(host) => {
            app.share_frames(host);
            if let Some(value) = std::env::var("PEREGRINE_SLOT_THRESHOLD").ok().filter(|v| !v.is_empty()) {
                match value.parse() {
                    Ok(bytes) => _ = app.slot_threshold(bytes),
                    Err(_) => tracing::warn!(
                        "PG-1313: PEREGRINE_SLOT_THRESHOLD is '{value}', which is no number of bytes; {} is used",
                        peregrine_core::SLOT_THRESHOLD
                    ),
                }
            }
        }
        Err(error) => tracing::warn!("{error}; frames of other processes come over the network, copied"),
    }
}

/// What a plan says of a node, for the runtime.
///
/// # Errors
/// PG-1301 for a parameter that ROS has no type for.
pub fn spec(node: &PlannedNode) -> Result<NodeSpec> {
    let mut params = ParamMap::new();
    for (key, value) in &node.params {
        let typed = ParamValue::from_json(value).ok_or_else(|| Error::Argument {
            what: "parameter",
            value: format!("{key}: {value}"),
            why: format!("ROS has no parameter of that type (node {})", node.full_name()),
        })?;
        params.insert(key.clone(), typed);
    }
    // ROS gives every node this one; here the clock is the process's.
    params.remove("use_sim_time");
    Ok(NodeSpec {
        kind: node.kind_name().to_owned(),
        name: node.name.clone(),
        namespace: Some(node.namespace.clone()),
        remaps: node.remaps.clone(),
        params,
    })
}

impl Timing {
    /// The mode these flags ask for.
    ///
    /// # Errors
    /// PG-1301 for a factor or a number of threads that makes no sense.
    pub fn mode(self, lockstep_by_default: bool, use_sim_time: bool) -> Result<Mode> {
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = self.threads.unwrap_or(cpus);
        let bad = |what, value: String, why: &str| Err(Error::Argument { what, value, why: why.into() });
        if !(1..=256).contains(&threads) {
            return bad("--threads", threads.to_string(), "give 1 to 256");
        }
        if !(self.realtime_factor.is_finite() && self.realtime_factor > 0.0) {
            return bad("--realtime-factor", self.realtime_factor.to_string(), "give a number above 0");
        }
        if self.lockstep || (lockstep_by_default && !self.realtime) {
            return Ok(Mode::Lockstep { threads });
        }
        Ok(Mode::Realtime { threads, factor: self.realtime_factor, use_sim_time })
    }
}
