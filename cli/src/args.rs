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
    /// Work with bags.
    #[command(subcommand)]
    Bag(Bag),
    /// Look at the nodes that are compiled in.
    #[command(subcommand)]
    Node(NodeCommand),
    /// Look at a node's parameters.
    #[command(subcommand)]
    Param(Param),
    /// Fetch ONNX Runtime into your cache: detection gets several times faster.
    Setup(Setup),
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
    /// The launch file.
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
    /// The rate of a topic.
    Hz {
        /// The topic.
        topic: String,
        /// Measure for that long, s.
        #[arg(long, default_value_t = 5.0)]
        duration: f64,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum Bag {
    /// Complete a bag whose recording was cut off: every whole message is copied, with index and metadata.
    Recover {
        /// The MCAP file that breaks off.
        from: PathBuf,
        /// The new bag: a directory that does not exist yet.
        to: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub enum NodeCommand {
    /// All kinds.
    List,
}

#[derive(Debug, Subcommand)]
pub enum Param {
    /// The parameters of a node kind, with defaults, ranges and units.
    Describe {
        /// The node's kind.
        node: String,
    },
}

#[derive(Debug, Args)]
pub struct Setup {
    /// The version of ONNX Runtime.
    #[arg(long, default_value = "1.32.0")]
    pub version: String,
    /// A folder that holds the wheel already: nothing is fetched.
    #[arg(long, value_name = "DIR")]
    pub wheel_dir: Option<PathBuf>,
}
