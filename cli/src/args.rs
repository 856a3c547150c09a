//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Perception nodes for robots and drones.
#[derive(Debug, Parser)]
#[command(name = "peregrine", version, about, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Fly a simulated drone from start to goal through a forest, by its own eyes.
    Demo(Demo),
    /// Detect objects in photos, directories of photos, or videos (MJPEG, Y4M).
    Detect(Detect),
    /// Run one node.
    Run(Run),
    /// Run a launch file (ROS 2 XML or YAML).
    Launch(Launch),
    /// Make a crate with a node of your own, ready to be composed into the demo.
    New(New),
    /// Fly SDF worlds, and check what of them is simulated.
    #[command(subcommand)]
    Sim(Sim),
    /// Look at topics of running programs.
    #[command(subcommand)]
    Topic(Topic),
    /// Look at services of running programs, and call them.
    #[command(subcommand)]
    Service(Service),
    /// Look at the state of running nodes, pause and resume them.
    #[command(subcommand)]
    Lifecycle(Lifecycle),
    /// Run a component container: nodes are loaded into it while it runs.
    Container(Container),
    /// Work with bags.
    #[command(subcommand)]
    Bag(crate::commands::bag::args::Bag),
    /// Look at the nodes that are compiled in, or run.
    #[command(subcommand)]
    Node(NodeCommand),
    /// Look at a node's parameters.
    #[command(subcommand)]
    Param(Param),
    /// Benchmarks of whole behaviours, in simulation.
    #[command(subcommand)]
    Bench(Bench),
    /// Fetch ONNX Runtime into your cache: detection gets several times faster.
    Setup(Setup),
    /// Find what stands in the way; explain an error code.
    Doctor(Doctor),
    /// Look at, measure, shrink, sign and explain detection models.
    #[command(subcommand)]
    Model(crate::commands::model::args::Model),
}

#[derive(Debug, Args)]
pub struct Demo {
    /// Seed of the world and of all noise.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// A built-in world, or an SDF file.
    #[arg(long, default_value = "forest", value_name = "NAME|FILE.sdf")]
    pub world: String,
    /// The detector: a model's name, a manifest, or an ONNX file.
    #[arg(long, default_value = "nanodet_g")]
    pub model: String,
    /// What runs the network.
    #[arg(long, default_value = "auto", value_parser = ["auto", "ort", "tract"])]
    pub backend: String,
    /// Load a model that nobody trusted has signed.
    #[arg(long)]
    pub allow_unsigned: bool,
    /// Cruise speed, m/s.
    #[arg(long, default_value_t = 4.0)]
    pub cruise: f64,
    #[command(flatten)]
    pub timing: Timing,
    /// Print the summary alone, as JSON.
    #[arg(long)]
    pub json: bool,
    /// Where the report (and the bag) go.
    #[arg(long, default_value = "report", value_name = "DIR")]
    pub out: PathBuf,
    /// Do not write a report.
    #[arg(long)]
    pub no_report: bool,
    /// Also record every topic as MCAP.
    #[arg(long)]
    pub record: bool,
    /// Another launch file than the built-in demo.
    #[arg(long, value_name = "FILE")]
    pub launch: Option<PathBuf>,
    /// Do not talk to other processes.
    #[arg(long)]
    pub isolated: bool,
    /// Let clients of Gazebo see and control the world over gz-transport (GZ_PARTITION, GZ_IP).
    #[arg(long)]
    pub gz: bool,
}

#[derive(Debug, Subcommand)]
pub enum Sim {
    /// Read SDF files and list what of them is not simulated. Exit status: 0 all is, 3 something is not, 1 broken file.
    Check(SimCheck),
    /// Run a world: real time, unless --lockstep.
    Run(SimRun),
    /// Fly many seeds without cameras, as fast as the cores allow: a row of CSV each. Started again, it goes on.
    Batch(SimBatch),
    /// Labelled pictures of seeded worlds, to train and test detectors with.
    Dataset(crate::commands::sim::SimDataset),
}

#[derive(Debug, Args)]
pub struct SimBatch {
    /// Seeds: 1..1000 (both included), 7, or 1,5,9.
    #[arg(long, value_name = "SEEDS")]
    pub seeds: String,
    /// The file of the rows.
    #[arg(long, default_value = "flights.csv", value_name = "FILE.csv")]
    pub out: PathBuf,
    /// A built-in world or an SDF file; forests follow the seed.
    #[arg(long, default_value = "forest", value_name = "NAME|FILE.sdf")]
    pub world: String,
    /// What flies: x500 or x3; when absent the vehicle of the SDF file, or the x500.
    #[arg(long, value_name = "NAME")]
    pub vehicle: Option<String>,
    /// Who flies, knowing the whole world: hover, straight or slide (along what stands before it).
    #[arg(long, default_value = "slide")]
    pub pilot: String,
    /// Speed of the pilot, m/s.
    #[arg(long, default_value_t = 4.0)]
    pub speed: f64,
    /// Trees per square metre.
    #[arg(long, default_value_t = 0.04)]
    pub density: f64,
    /// Gusts after Dryden: the wind at 20 ft that they follow, m/s; 7.7 is light, 15 moderate, 23 severe. In a world that is no
    /// forest they are all that follows the seed.
    #[arg(long, default_value_t = 0.0)]
    pub turbulence: f64,
    /// Simulated seconds after which a flight ends.
    #[arg(long, default_value_t = 120.0, value_name = "SECONDS")]
    pub time_limit: f64,
    /// End a flight at its first contact.
    #[arg(long)]
    pub stop_on_collision: bool,
    /// Threads; one for each core when absent. What a row says does not depend on them.
    #[arg(long)]
    pub threads: Option<usize>,
    /// Print the summary as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct SimCheck {
    /// SDF files (.sdf, .world).
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Print JSON, one object a line.
    #[arg(long)]
    pub json: bool,
    /// Leave out includes that cannot be found, and draw boxes for meshes that cannot.
    #[arg(long)]
    pub placeholder: bool,
    /// Folders to search for models, besides GZ_SIM_RESOURCE_PATH and its kin.
    #[arg(long = "path", value_name = "DIR")]
    pub paths: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub struct SimRun {
    /// An SDF file, or a built-in world.
    #[arg(value_name = "FILE.sdf|NAME")]
    pub world: String,
    /// Let clients of Gazebo see and control the world over gz-transport (GZ_PARTITION, GZ_IP).
    #[arg(long)]
    pub gz: bool,
    /// Let a flight controller fly: px4 (MAVLink, TCP 4560) or ardupilot (JSON, UDP 9002), on loopback. Parameters autopilot.* (-p)
    /// say more.
    #[arg(long, value_name = "px4|ardupilot")]
    pub autopilot: Option<String>,
    /// Stand still until a client lets time go on (with --gz).
    #[arg(long, requires = "gz")]
    pub paused: bool,
    /// Simulated seconds to run; until Ctrl-C when absent.
    #[arg(long, value_name = "SECONDS")]
    pub duration: Option<f64>,
    /// Set a parameter of drone_sim: name:=value; `peregrine param describe drone_sim` lists them.
    #[arg(short = 'p', long = "param", value_name = "NAME:=VALUE")]
    pub values: Vec<String>,
    #[command(flatten)]
    pub timing: Timing,
    /// Do not talk to other processes over Zenoh.
    #[arg(long)]
    pub isolated: bool,
}

/// How time passes.
#[derive(Debug, Clone, Copy, Args)]
pub struct Timing {
    /// The clock waits for every node: the same seed gives the same bytes (the default for demo).
    #[arg(long, conflicts_with = "realtime")]
    pub lockstep: bool,
    /// The clock follows the wall.
    #[arg(long)]
    pub realtime: bool,
    /// With --realtime: simulated seconds per wall second.
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR")]
    pub realtime_factor: f64,
    /// Threads for nodes and rendering; as many as there are CPUs when absent.
    #[arg(long)]
    pub threads: Option<usize>,
}

#[derive(Debug, Args)]
pub struct Detect {
    /// Photos, directories of photos, or videos.
    #[arg(required = true, value_name = "PHOTO")]
    pub inputs: Vec<PathBuf>,
    /// The detector: a model's name, a manifest, or an ONNX file.
    #[arg(long, default_value = "nanodet_g")]
    pub model: String,
    /// What runs the network.
    #[arg(long, default_value = "auto", value_parser = ["auto", "ort", "tract"])]
    pub backend: String,
    /// An execution provider of ONNX Runtime; asking for one that is not there is an error.
    #[arg(long)]
    pub provider: Option<String>,
    /// Lowest score shown, 0 to 1; the model's own when absent.
    #[arg(long)]
    pub score: Option<f32>,
    /// Draw the boxes into this file (one photo) or directory.
    #[arg(long, value_name = "OUT")]
    pub draw: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Threads of the network.
    #[arg(long, default_value_t = 1)]
    pub threads: usize,
    /// Load a model that nobody trusted has signed.
    #[arg(long)]
    pub allow_unsigned: bool,
}

#[derive(Debug, Args)]
pub struct Run {
    /// The node's kind; `peregrine node list` shows them.
    pub node: String,
    /// A ROS 2 parameter file.
    #[arg(long, value_name = "F.yaml")]
    pub params: Vec<PathBuf>,
    /// The node's name.
    #[arg(long)]
    pub name: Option<String>,
    /// The node's namespace.
    #[arg(long)]
    pub namespace: Option<String>,
    /// Remap a name: from:=to.
    #[arg(short = 'r', long = "remap", value_name = "FROM:=TO")]
    pub remaps: Vec<String>,
    /// Set a parameter: name:=value.
    #[arg(short = 'p', long = "param", value_name = "NAME:=VALUE")]
    pub values: Vec<String>,
    #[command(flatten)]
    pub timing: Timing,
    /// Follow /clock.
    #[arg(long)]
    pub use_sim_time: bool,
    /// Do not talk to other processes.
    #[arg(long)]
    pub isolated: bool,
    /// What a ROS 2 executable takes: --ros-args ...
    #[arg(last = true)]
    pub rest: Vec<String>,
}

/// How a launch file's nodes are spread over processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Processes {
    /// Containers and nodes as the file says.
    AsWritten,
    /// All of them in one.
    One,
    /// Each node in its own.
    Several,
}

#[derive(Debug, Args)]
pub struct Launch {
    /// The launch file, or a package followed by the name of one of its launch files, as for ros2 launch.
    pub file: PathBuf,
    /// Launch arguments: name:=value.
    pub arguments: Vec<String>,
    /// How nodes are spread over processes.
    #[arg(long, value_enum, default_value_t = Processes::AsWritten)]
    pub processes: Processes,
    #[command(flatten)]
    pub timing: Timing,
    /// Show the file's arguments.
    #[arg(long)]
    pub show_args: bool,
    /// Print the plan as JSON and stop.
    #[arg(long)]
    pub plan: bool,
    /// Run only this container or node of the plan, in this process; the supervisor starts its children so.
    #[arg(long, hide = true)]
    pub only: Option<String>,
    /// Do not talk to other processes.
    #[arg(long)]
    pub isolated: bool,
}

#[derive(Debug, Args)]
pub struct New {
    /// The crate's name, also the node's: letters, digits, '_'.
    pub name: String,
    /// Where to put it; ./NAME when absent.
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// Where this repository lies, for the path dependency; found by itself when the command was built from it.
    #[arg(long, value_name = "DIR")]
    pub peregrine: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Topic {
    /// Topics with their types and parties.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Messages as they come, as YAML-like JSON.
    Echo {
        /// The topic.
        topic: String,
        /// Stop after that many.
        #[arg(long)]
        count: Option<usize>,
        /// Give up when nothing came for that long, s.
        #[arg(long, default_value_t = 10.0)]
        timeout: f64,
        /// One line each.
        #[arg(long)]
        compact: bool,
    },
    /// Publish a message: a goal, a command, a switch.
    Pub(Publish),
    /// The rate of a topic, and how even it is.
    Hz(Watch),
    /// The bandwidth of a topic.
    Bw(Watch),
    /// How old a topic's messages are when they come.
    Delay(Watch),
    /// A topic's type, parties, quality of service and slots.
    Info {
        /// The topic.
        topic: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// A message to publish, again and again, or once.
#[derive(Debug, Args)]
pub struct Publish {
    /// The topic.
    pub topic: String,
    /// The message's type: geometry_msgs/msg/PoseStamped.
    #[arg(value_name = "TYPE")]
    pub type_name: String,
    /// The message in YAML or JSON; fields left out take their defaults, and `stamp: now` is the time at which it leaves.
    #[arg(default_value = "{}", allow_hyphen_values = true)]
    pub message: String,
    /// Wait for a reader (see --wait), publish once, and end.
    #[arg(long, conflicts_with = "rate")]
    pub once: bool,
    /// So often a second; 1 when absent.
    #[arg(long, value_name = "HZ")]
    pub rate: Option<f64>,
    /// Keep the message for readers that come later (transient local), as goals are read: published once and held until Ctrl-C,
    /// unless --rate or --once says otherwise.
    #[arg(long)]
    pub latched: bool,
    /// With --once: how long to wait for a reader, s.
    #[arg(long, default_value_t = 10.0, value_name = "SECONDS")]
    pub wait: f64,
    /// Follow /clock, so that `now` is the simulator's time.
    #[arg(long)]
    pub use_sim_time: bool,
}

/// Listening to a topic for a while. Frames of this host are read on the frame bus, in place; all else over Zenoh.
#[derive(Debug, Args)]
pub struct Watch {
    /// The topic.
    pub topic: String,
    /// Measure for that long, s.
    #[arg(long, default_value_t = 5.0)]
    pub duration: f64,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Where to listen.
    #[arg(long, value_enum, default_value_t = Over::Auto)]
    pub over: Over,
}

/// Where a topic is listened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Over {
    /// The frame bus if a publisher of this host is on it, else Zenoh.
    Auto,
    /// The frame bus of this host.
    Bus,
    /// Zenoh: what another computer gets.
    Zenoh,
}

#[derive(Debug, Subcommand)]
pub enum Service {
    /// Services with their types and nodes.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Call a service and print its answer.
    Call {
        /// The service.
        service: String,
        /// The request as JSON; fields left out take their defaults.
        #[arg(default_value = "{}")]
        request: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum Lifecycle {
    /// The state of a running node.
    Get {
        /// The node's full name.
        node: String,
    },
    /// Make a running node change its state: activate, deactivate, shutdown.
    Set {
        /// The node's full name.
        node: String,
        /// The transition.
        transition: String,
    },
}

#[derive(Debug, Args)]
pub struct Container {
    /// The container's name; ComponentManager when absent.
    #[arg(long)]
    pub name: Option<String>,
    /// The container's namespace.
    #[arg(long)]
    pub namespace: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum NodeCommand {
    /// All kinds.
    List,
    /// The nodes that run.
    Running,
}

#[derive(Debug, Subcommand)]
pub enum Param {
    /// The parameters of a running node, with their values.
    List {
        /// The node's full name.
        node: String,
    },
    /// One parameter of a running node.
    Get {
        /// The node's full name.
        node: String,
        /// The parameter.
        name: String,
    },
    /// Set a parameter of a running node.
    Set {
        /// The node's full name.
        node: String,
        /// The parameter.
        name: String,
        /// Its value.
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// The parameters of a node kind, with defaults, ranges and units.
    Describe {
        /// The node's kind.
        node: String,
    },
}

#[derive(Debug, Args)]
pub struct Setup {
    /// The version of ONNX Runtime.
    #[arg(long, default_value = crate::commands::setup::VERSION)]
    pub version: String,
    /// A folder that holds the wheel already: nothing is fetched. That of `onnxruntime-gpu` or `onnxruntime-openvino` brings its providers.
    #[arg(long, value_name = "DIR")]
    pub wheel_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Doctor {
    /// Nothing: look at everything. `frames`: the frame bus of this host. `PG-0214`: what that code means. `codes`: all.
    #[arg(value_name = "frames|codes|PG-xxxx")]
    pub what: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// With `frames`: remove the entries that dead processes left.
    #[arg(long)]
    pub clean: bool,
}

/// Benchmarks of whole behaviours, in simulation.
#[derive(Debug, Subcommand)]
pub enum Bench {
    /// Fly the avoidance planner through many seeded worlds, and print what came of it.
    Avoid(BenchAvoid),
}

#[derive(Debug, Args)]
pub struct BenchAvoid {
    /// The suite.
    #[arg(value_parser = ["poisson25", "poisson16", "barn", "forest_gen", "dense", "moving", "maze", "file"])]
    pub suite: String,
    /// Seeds, both ends included: A..B, or one number.
    #[arg(long, default_value = "1..20", value_name = "A..B")]
    pub seeds: String,
    /// Set speed, m/s; the suite's own when absent.
    #[arg(long, value_name = "MPS")]
    pub speed: Option<f64>,
    /// Worlds: a JSON list of cylinders and boxes, or an SDF file. `barn` and `forest_gen` need their published file.
    #[arg(long, value_name = "FILE.json|FILE.sdf")]
    pub world: Option<PathBuf>,
    /// From the arrival of an image until its command acts, milliseconds.
    #[arg(long, default_value_t = 21.0, value_name = "MS")]
    pub latency_ms: f64,
    /// By how much the vehicle differs from what the planner believes, percent of each number.
    #[arg(long, default_value_t = 25.0, value_name = "PERCENT")]
    pub mismatch: f64,
    /// What the vehicle sees by: the depth camera alone, or with a laser scanner of one plane beside it. The suite's own when absent:
    /// `barn` and `maze` are flown with both.
    #[arg(long, value_parser = ["depth", "depth,scan"], value_name = "LIST")]
    pub sensors: Option<String>,
    /// Rays per row of the simulated depth camera.
    #[arg(long, default_value_t = 160, value_parser = clap::value_parser!(u64).range(80..=640))]
    pub rays: u64,
    /// Flights at the same time.
    #[arg(long, default_value_t = 1)]
    pub jobs: usize,
    /// Write a page for every failed flight into this directory.
    #[arg(long, value_name = "DIR")]
    pub failures: Option<PathBuf>,
    /// Fly this seed alone, and write a page about it (--out).
    #[arg(long, value_name = "SEED", conflicts_with = "seeds")]
    pub replay: Option<u64>,
    /// Where the page of --replay goes.
    #[arg(long, default_value = "flight.html", value_name = "FILE.html")]
    pub out: PathBuf,
    /// Print the figures as JSON.
    #[arg(long)]
    pub json: bool,
}
