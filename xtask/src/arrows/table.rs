//! The arrows of ARCHITECTURE.md as a table: change both together.

/// What a crate of ours may depend on, among ours.
pub struct Room {
    /// The package.
    pub name: &'static str,
    /// The packages it may name in `[dependencies]` and `[build-dependencies]`.
    pub may: &'static [&'static str],
    /// Why no more than these.
    pub reason: &'static str,
}

/// A package from outside that only some rooms may name.
pub struct Fence {
    /// The package.
    pub package: &'static str,
    /// The rooms inside of the fence.
    pub rooms: &'static [&'static str],
    /// Why.
    pub reason: &'static str,
}

/// Stands for all rooms.
pub const ANYTHING: &str = "*";

const NODE: &[&str] =
    &["peregrine-msgs", "peregrine-frame", "peregrine-macros", "peregrine-core", "peregrine-models"];
const NODE_REASON: &str =
    "a node meets other nodes and the simulator on topics only, so that each can be replaced";

/// Every crate of the workspace.
pub const ROOMS: [Room; 33] = [
    Room {
        name: "peregrine-msgs",
        may: &["peregrine-msgs-codegen"],
        reason: "messages lie at the very bottom and know nothing of ours; their generator is part of them",
    },
    Room { name: "peregrine-msgs-codegen", may: &[], reason: "it turns text into text" },
    Room { name: "peregrine-frame", may: &[], reason: "the frame bus is useful alone: no ROS, no tokio" },
    Room {
        name: "peregrine-macros",
        may: &[],
        reason: "macros make code that names the runtime; they do not use it",
    },
    Room {
        name: "peregrine-core",
        may: &["peregrine-msgs", "peregrine-frame", "peregrine-macros"],
        reason: "the runtime runs any node and any model: it knows none",
    },
    Room {
        name: "peregrine-zenoh",
        may: &["peregrine-msgs", "peregrine-frame", "peregrine-core"],
        reason: "a transport carries topics, whatever is on them",
    },
    Room {
        name: "peregrine-dds",
        may: &["peregrine-msgs", "peregrine-frame", "peregrine-core"],
        reason: "a transport carries topics, whatever is on them",
    },
    Room { name: "peregrine-models", may: &[], reason: "networks are of use without the runtime" },
    Room { name: "peregrine-camera", may: NODE, reason: NODE_REASON },
    Room { name: "peregrine-detector", may: NODE, reason: NODE_REASON },
    Room { name: "peregrine-avoidance", may: NODE, reason: NODE_REASON },
    Room { name: "peregrine-recorder", may: NODE, reason: NODE_REASON },
    Room { name: "peregrine-tracker", may: NODE, reason: NODE_REASON },
    Room { name: "peregrine-exporter", may: NODE, reason: NODE_REASON },
    Room {
        name: "peregrine-autopilot",
        may: &[
            "peregrine-msgs",
            "peregrine-frame",
            "peregrine-macros",
            "peregrine-core",
            "peregrine-models",
            "peregrine-mavlink",
        ],
        reason: NODE_REASON,
    },
    Room {
        name: "peregrine-mavlink",
        may: &[],
        reason: "frames and axes are of use to the bridge and to the simulator alike; it knows neither",
    },
    Room {
        name: "peregrine-hil",
        may: &["peregrine-mavlink"],
        reason: "what flight controllers say to a simulator, whichever it is",
    },
    Room { name: "peregrine-safety-filter", may: NODE, reason: NODE_REASON },
    Room {
        name: "peregrine-suites",
        may: &["peregrine-avoidance", "peregrine-safety-filter"],
        reason: "benchmark flights use the pure part of what flies, and neither topics nor the simulator",
    },
    Room {
        name: "peregrine-gz",
        may: &["peregrine-msgs"],
        reason: "Gazebo's transport and messages are of use to simulator and bridge alike; it knows neither",
    },
    Room {
        name: "peregrine-gz-bridge",
        may: &[
            "peregrine-msgs",
            "peregrine-frame",
            "peregrine-macros",
            "peregrine-core",
            "peregrine-models",
            "peregrine-gz",
        ],
        reason: NODE_REASON,
    },
    Room { name: "peregrine-render", may: &[], reason: "the rasteriser is useful alone: no ROS" },
    Room {
        name: "peregrine-sim",
        may: &[
            "peregrine-msgs",
            "peregrine-frame",
            "peregrine-macros",
            "peregrine-core",
            "peregrine-render",
            "peregrine-gz",
            "peregrine-mavlink",
            "peregrine-hil",
        ],
        reason: "the simulator stands in for a vehicle: it must not know what flies it",
    },
    Room {
        name: "peregrine-launch",
        may: &[
            "peregrine-msgs",
            "peregrine-frame",
            "peregrine-macros",
            "peregrine-core",
            "peregrine-zenoh",
            "peregrine-models",
            "peregrine-camera",
            "peregrine-detector",
            "peregrine-avoidance",
            "peregrine-recorder",
            "peregrine-exporter",
            "peregrine-tracker",
            "peregrine-autopilot",
            "peregrine-gz",
            "peregrine-gz-bridge",
        ],
        reason: "launching is below the command line and beside the simulator",
    },
    Room {
        name: "peregrine",
        may: &[
            "peregrine-msgs",
            "peregrine-frame",
            "peregrine-macros",
            "peregrine-core",
            "peregrine-zenoh",
            "peregrine-dds",
            "peregrine-models",
            "peregrine-camera",
            "peregrine-detector",
            "peregrine-avoidance",
            "peregrine-recorder",
            "peregrine-exporter",
            "peregrine-tracker",
            "peregrine-autopilot",
            "peregrine-safety-filter",
            "peregrine-suites",
            "peregrine-render",
            "peregrine-gz",
            "peregrine-gz-bridge",
            "peregrine-sim",
            "peregrine-launch",
        ],
        reason: "the command is made of all rooms, but of no test, benchmark or developer tool",
    },
    Room {
        name: "peregrine-counting",
        may: &[],
        reason: "it stands below every test that counts allocations",
    },
    Room { name: "peregrine-tests", may: &[ANYTHING], reason: "tests may see everything" },
    Room { name: "peregrine-bench", may: &[ANYTHING], reason: "benchmarks may see everything" },
    Room {
        name: "peregrine-bench-sim",
        may: &["peregrine-render", "peregrine-sim"],
        reason: "the benchmark of the simulator is built without Zenoh and tract",
    },
    Room { name: "xtask", may: &[], reason: "it is built before everything else, in seconds" },
    // Not a member of the workspace; here so that nobody makes it one without saying what it may see.
    Room {
        name: "peregrine-fuzz",
        may: &["peregrine-tests"],
        reason: "fuzz targets call what the smoke test calls",
    },
    // Nor are these: the peers ask for all of Zenoh's features, the benchmark for a newer Rust than the house.
    Room { name: "peregrine-test-peers", may: &[], reason: "a peer of the tests knows nothing of ours" },
    Room { name: "peregrine-bench-copper", may: &[], reason: "a peer of the benchmark, measured by itself" },
];

/// Packages from outside with a place of their own.
pub const FENCES: [Fence; 9] = [
    Fence {
        package: "tokio",
        rooms: &["peregrine-zenoh", "peregrine-gz", "peregrine", "peregrine-bench"],
        reason: "tokio carries network and control; perception runs on lanes; a benchmark measures it",
    },
    Fence {
        package: "zeromq",
        rooms: &["peregrine-gz"],
        reason: "all of ZeroMQ lies behind Gazebo's transport",
    },
    Fence {
        package: "zenoh",
        rooms: &["peregrine-zenoh", "peregrine-bench"],
        reason: "all of Zenoh lies behind the transport seam; a benchmark measures it bare",
    },
    Fence {
        package: "zenoh-ext",
        rooms: &["peregrine-zenoh"],
        reason: "all of Zenoh lies behind the transport seam",
    },
    Fence {
        package: "r2r_rcl",
        rooms: &["peregrine-dds"],
        reason: "all of an installed ROS 2 lies behind the transport seam",
    },
    Fence {
        package: "ort",
        rooms: &["peregrine-models", "peregrine-bench"],
        reason: "inference lies behind the backends of models/",
    },
    Fence {
        package: "tract-onnx",
        rooms: &["peregrine-models", "peregrine-bench"],
        reason: "inference lies behind the backends of models/",
    },
    Fence {
        package: "iceoryx2",
        rooms: &["peregrine-bench"],
        reason: "it is measured beside the frame bus, not used",
    },
    Fence { package: "anyhow", rooms: &["peregrine"], reason: "libraries have an error enum with codes" },
];
