//! The application: nodes are added, wired, and run in lockstep or in real time.

mod fused;
mod lockstep;
mod pool;
mod realtime;
mod report;
mod seat;
mod topic_log;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

pub use report::{NodeReport, RunReport, TopicReport};
use seat::Seat;

use crate::arrivals::Source;
use crate::context::{Context, Stop, StopReason};
use crate::endpoints::Endpoints;
use crate::error::{Error, Result};
use crate::graph::{Graph, Sharing};
use crate::host::{Declared, Host};
use crate::lane::{Lane, LaneOptions};
use crate::names;
use crate::node::{Extensions, Setup};
use crate::params::{ParamMap, ParamValue};
use crate::registry::{Blank, NodeFactory};
use crate::ros::{ClockFollower, RosOptions};
use crate::slots::SLOT_THRESHOLD;
use crate::time::Clock;
use crate::topic::Inbox;

/// How time and threads go together.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Mode {
    /// The clock waits for every node. The same seed gives the same bytes, with any number of threads.
    Lockstep {
        /// Threads for nodes and for work inside nodes, 1 or more.
        threads: usize,
    },
    /// Lanes run freely; a simulator in this process is paced by the wall clock.
    Realtime {
        /// Threads a node may use inside a callback, 1 or more.
        threads: usize,
        /// Simulated seconds per wall second, if a node of this process drives the clock.
        factor: f64,
        /// Follow `/clock` instead of the system's clock (`use_sim_time`), when no node here drives it.
        use_sim_time: bool,
    },
}

impl Mode {
    /// Threads a node may use inside a callback.
    pub fn threads(self) -> usize {
        match self {
            Self::Lockstep { threads } | Self::Realtime { threads, .. } => threads.max(1),
        }
    }
    /// True for [`Mode::Lockstep`].
    pub fn is_lockstep(self) -> bool {
        matches!(self, Self::Lockstep { .. })
    }
}

/// One node to start: what a launch file or a command line says of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NodeSpec {
    /// The kind in the registry.
    pub kind: String,
    /// The name in the graph; the kind when absent.
    pub name: Option<String>,
    /// The namespace; "/" when absent.
    pub namespace: Option<String>,
    /// Remaps, applied in order.
    pub remaps: Vec<(String, String)>,
    /// Parameters. `peregrine.lane`, `peregrine.cpu`, `peregrine.priority` and `peregrine.sim_latency_ms` are the
    /// runtime's own.
    pub params: ParamMap,
}

impl NodeSpec {
    /// A node of `kind` with everything else by default.
    pub fn new(kind: &str) -> Self {
        Self { kind: kind.to_owned(), ..Self::default() }
    }
    /// With a parameter.
    #[must_use]
    pub fn with_param(mut self, key: &str, value: ParamValue) -> Self {
        self.params.insert(key.to_owned(), value);
        self
    }
    /// With a remap.
    #[must_use]
    pub fn with_remap(mut self, from: &str, to: &str) -> Self {
        self.remaps.push((from.to_owned(), to.to_owned()));
        self
    }
    /// With a name.
    #[must_use]
    pub fn with_name(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }
}

/// Nodes of one process, about to run.
#[derive(Debug)]
pub struct App {
    mode: Mode,
    clock: Clock,
    stop: Stop,
    graph: Graph,
    hosts: Vec<Host>,
    host_lanes: Vec<Arc<Lane>>,
    lanes: BTreeMap<String, Arc<Lane>>,
    latencies: Vec<Duration>,
    extensions: Extensions,
    log_topics: bool,
    imports: bool,
    ros: bool,
    frames: Option<peregrine_frame::Host>,
    threshold: usize,
    identify: Option<Identity>,
}

/// Gives every endpoint, in the order of [`Endpoints::iter`], the id that it has on a network.
pub type Identify = Box<dyn Fn(&Endpoints) -> Vec<Source> + Send>;

struct Identity(Identify);

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity")
    }
}

impl App {
    /// An application without nodes.
    pub fn new(mode: Mode) -> Self {
        let clock = match mode {
            Mode::Lockstep { .. } | Mode::Realtime { use_sim_time: true, .. } => Clock::simulated(),
            Mode::Realtime { .. } => Clock::System,
        };
        Self {
            mode,
            clock,
            stop: Stop::default(),
            graph: Graph::default(),
            hosts: Vec::new(),
            host_lanes: Vec::new(),
            lanes: BTreeMap::new(),
            latencies: Vec::new(),
            extensions: Extensions::default(),
            log_topics: false,
            imports: false,
            ros: false,
            frames: None,
            threshold: SLOT_THRESHOLD,
            identify: None,
        }
    }

    /// Lends `object` to the nodes added from now on; they find it with `Setup::extension`.
    pub fn extend<T: std::any::Any + Send + Sync>(&mut self, object: Arc<T>) -> &mut Self {
        self.extensions.insert(object);
        self
    }

    /// In lockstep, hash everything that is published; the report then holds `topic_log_sha256`.
    pub fn log_topics(&mut self, yes: bool) -> &mut Self {
        self.log_topics = yes;
        self
    }

    /// Frame topics that are read here and published nowhere here get a port for frames from other processes.
    pub fn accept_remote_frames(&mut self, yes: bool) -> &mut Self {
        self.imports = yes;
        self
    }

    /// The nodes added from now on serve what ROS 2 expects of every node (parameters, lifecycle, type descriptions), and
    /// the process publishes `/rosout` and `/diagnostics`. In lockstep this changes nothing: there nobody from outside may be listened to.
    ///
    /// # Errors
    /// None today.
    pub fn serve_ros(&mut self) -> Result<&mut Self> {
        if !self.mode.is_lockstep() && !self.ros {
            self.add(NodeFactory::of::<crate::ros::Rosout>(), NodeSpec::new("_rosout"))?;
            self.add(NodeFactory::of::<crate::ros::Diagnostics>(), NodeSpec::new("_diagnostics"))?;
            self.ros = true;
        }
        Ok(self)
    }

    /// Frames pass between this process and the others of `host` without a copy: what is published here can be read
    /// there, and the other way round. Large messages of other types ride in slots too, see
    /// [`slot_threshold`](Self::slot_threshold). In lockstep this changes nothing: there nobody from outside may be listened to.
    pub fn share_frames(&mut self, host: peregrine_frame::Host) -> &mut Self {
        self.frames = Some(host).filter(|_| !self.mode.is_lockstep());
        self
    }

    /// A publisher whose message takes more than `bytes` of CDR passes it, and all that follow, to other processes of the
    /// host in slots; [`SLOT_THRESHOLD`] unless this says otherwise. Not what is latched, which the network keeps for late
    /// joiners.
    pub fn slot_threshold(&mut self, bytes: usize) -> &mut Self {
        self.threshold = bytes;
        self
    }

    /// Names the publishers as a network transport does, so that what comes both ways is known to be one message. Needed for
    /// messages in slots where remote frames are accepted too.
    pub fn identify(&mut self, identify: Identify) -> &mut Self {
        self.identify = Some(Identity(identify));
        self
    }

    /// A handle that stops the application from outside, from a signal handler say.
    pub fn stop_handle(&self) -> Stop {
        self.stop.clone()
    }

    /// How the application will run.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Configures a node of `factory`'s kind.
    ///
    /// # Errors
    /// Bad names or parameters, a duplicate name, or whatever the node's own `configure` refuses.
    pub fn add(&mut self, factory: NodeFactory, mut spec: NodeSpec) -> Result<&mut Self> {
        let name = spec.name.clone().unwrap_or_else(|| factory.kind.to_owned());
        let namespace = spec.namespace.clone().unwrap_or_else(|| "/".into());
        let full_name: Arc<str> = names::full_node_name(&namespace, &name)?.into();
        if self.hosts.iter().any(|h| h.name == full_name) {
            return Err(Error::DuplicateNode { name: full_name.to_string() });
        }
        let reserved = Reserved::take(&full_name, factory.kind, &mut spec.params)?;
        let lane_name = reserved.lane.clone().unwrap_or_else(|| full_name.to_string());
        let lane = self.lanes.entry(lane_name).or_insert_with_key(|name| Arc::new(Lane::new(name))).clone();
        if reserved.options != LaneOptions::default() {
            lane.set_options(reserved.options);
        }
        let lockstep = self.mode.is_lockstep();
        let ctx = Context {
            node: full_name.clone(),
            clock: self.clock.clone(),
            frozen: None.into(),
            origin: None.into(),
            outbox: lockstep.then(Default::default),
            lane: (!lockstep).then(|| lane.clone()),
            near: Default::default(),
            stop: self.stop.clone(),
            topics: Arc::default(),
            imports: false,
            simulates: false,
            lifecycle: Arc::default(),
            health: Arc::default(),
        };
        self.graph.endpoints.add_node(&full_name);
        self.graph.nodes.push((full_name.clone(), ctx.lifecycle.clone(), ctx.health.clone()));
        self.graph.remaps.declare(&spec.remaps);
        let use_sim_time = matches!(self.mode, Mode::Realtime { use_sim_time: true, .. });
        let setup = Setup::<()> {
            graph: &mut self.graph,
            full_name,
            name,
            namespace,
            remaps: spec.remaps,
            extensions: self.extensions.clone(),
            threads: self.mode.threads(),
            lockstep,
            ros: self.ros.then_some(RosOptions { use_sim_time }),
            declared: Declared::default(),
        };
        let mut host = (factory.build)(Blank { setup, ctx }, &spec.params)?;
        host.ctx.simulates = host.drives_clock;
        self.hosts.push(host);
        self.host_lanes.push(lane);
        self.latencies.push(reserved.latency);
        Ok(self)
    }

    /// Runs until the simulation ends, somebody asks for a stop, or a node fails.
    ///
    /// # Errors
    /// When the graph cannot be wired, a node does not start, or a node asked to stop because of a failure.
    pub fn run(mut self) -> Result<RunReport> {
        let simulates = self.hosts.iter().any(|h| h.drives_clock);
        if matches!(self.mode, Mode::Realtime { use_sim_time: true, .. }) && !simulates {
            self.add(NodeFactory::of::<ClockFollower>(), NodeSpec::new("_clock"))?;
        }
        for (rule, hint) in self.graph.remaps.unused() {
            tracing::warn!(
                "PG-0219: remap '{rule}' matches no name of any node here{hint}; see the node's README"
            );
        }
        if matches!(self.mode, Mode::Realtime { .. }) && self.hosts.iter().any(|h| h.drives_clock) {
            self.clock = Clock::Simulated(Arc::new(AtomicI64::new(0)));
            for host in &mut self.hosts {
                host.ctx.clock = self.clock.clone();
            }
        }
        if self.imports {
            self.graph.make_import_ports();
        }
        let log_readers = usize::from(self.log_topics);
        let sharing = self.frames.take().map(|host| Sharing {
            host,
            threshold: self.threshold,
            sources: self
                .identify
                .as_ref()
                .map(|identity| self.graph.identified(&identity.0))
                .unwrap_or_default(),
        });
        let inboxes = self.graph.wire(&self.hosts, &self.host_lanes, log_readers, sharing.as_ref())?;
        let clock = self.clock.clone();
        // Without ids what comes both in a slot and over a network would be taken for two messages.
        let imports = sharing
            .filter(|_| !self.imports || self.identify.is_some())
            .map(|sharing| self.graph.share_messages(&sharing, &clock))
            .transpose()?;
        if !self.imports {
            self.graph.warn_unmatched(&self.hosts);
        }
        let topics = Arc::new(self.graph.handle());
        for host in &mut self.hosts {
            host.ctx.topics = topics.clone();
        }
        let seats: Vec<Seat> = self
            .hosts
            .into_iter()
            .zip(inboxes)
            .zip(self.host_lanes)
            .zip(self.latencies)
            .map(|(((host, inboxes), lane), latency)| Seat::new(host, inboxes, lane, latency))
            .collect();
        let sha256 = match self.mode {
            Mode::Lockstep { threads } => {
                let log = if self.log_topics { Some(topic_log::TopicLog::new(&self.graph)?) } else { None };
                lockstep::run(&seats, &self.clock, &self.stop, threads.max(1), log)?
            }
            Mode::Realtime { factor, .. } => {
                let lanes: Vec<Arc<Lane>> = self.lanes.into_values().collect();
                realtime::run(&seats, &lanes, &self.clock, &self.stop, factor)?;
                None
            }
        };
        drop(imports);
        let reason = self.stop.reason().unwrap_or(StopReason::Finished);
        let report = RunReport::collect(&seats, &self.graph, self.clock.now(), reason.clone(), sha256);
        match reason {
            StopReason::Failed { node, reason } => Err(Error::NodeFailed { node, reason }),
            _ => Ok(report),
        }
    }
}

/// The runtime's own parameters.
struct Reserved {
    lane: Option<String>,
    options: LaneOptions,
    latency: Duration,
}

impl Reserved {
    fn take(node: &str, kind: &str, params: &mut ParamMap) -> Result<Self> {
        let mut reserved = Self { lane: None, options: LaneOptions::default(), latency: Duration::ZERO };
        let keys: Vec<String> = params.keys().filter(|k| k.starts_with("peregrine.")).cloned().collect();
        for key in keys {
            let Some(value) = params.remove(&key) else { continue };
            let bad = |expected| Error::ParameterType {
                node: node.into(),
                key: key.clone(),
                found: value.describe(),
                expected,
            };
            match (key.as_str(), &value) {
                ("peregrine.lane", ParamValue::String(lane)) => reserved.lane = Some(lane.clone()),
                ("peregrine.lane", _) => return Err(bad("string")),
                ("peregrine.cpu", ParamValue::Integer(cpu)) => {
                    reserved.options.cpu = Some(usize::try_from(*cpu).map_err(|_| bad("CPU number from 0"))?);
                }
                ("peregrine.cpu", _) => return Err(bad("integer")),
                ("peregrine.priority", ParamValue::Integer(p @ 1..=99)) => {
                    reserved.options.priority = u8::try_from(*p).ok();
                }
                ("peregrine.priority", _) => return Err(bad("integer from 1 to 99")),
                ("peregrine.sim_latency_ms", ParamValue::Integer(ms @ 0..=60_000)) => {
                    reserved.latency = Duration::from_millis(ms.unsigned_abs());
                }
                ("peregrine.sim_latency_ms", ParamValue::Double(ms)) if (0.0..=60_000.0).contains(ms) => {
                    reserved.latency = Duration::from_secs_f64(ms / 1000.0);
                }
                ("peregrine.sim_latency_ms", _) => return Err(bad("number of milliseconds from 0 to 60000")),
                _ => {
                    let known =
                        ["lane", "cpu", "priority", "sim_latency_ms"].map(|k| format!("peregrine.{k}"));
                    return Err(Error::UnknownParameter {
                        node: node.into(),
                        kind: kind.into(),
                        suggestion: crate::suggest::did_you_mean(&key, known.iter().map(String::as_str)),
                        key,
                    });
                }
            }
        }
        Ok(reserved)
    }
}

/// All inboxes of one node, by subscription.
type Inboxes = Vec<Arc<Inbox>>;
