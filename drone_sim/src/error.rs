//! Everything that can go wrong in the simulator, as sentences with a stable code.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// The result of every fallible function of this crate.
pub type Result<T, E = SimError> = std::result::Result<T, E>;

/// Where in a text file a fault lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, or the name given to a text that came from memory.
    pub file: Arc<str>,
    /// Line, counted from 1.
    pub line: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// Every fault of the simulator: cause, offending value, remedy, and a code `PG-10xx` at the front.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimError {
    /// A file could not be read.
    #[error("PG-1001 cannot read {path}: {cause}. Check the path and its permissions.")]
    Read {
        /// The file that was asked for.
        path: PathBuf,
        /// What the operating system said.
        cause: std::io::Error,
    },
    /// The text is not well-formed XML.
    #[error("PG-1002 {place}: not well-formed XML: {cause}. Close or repair the tag named here.")]
    Xml {
        /// Where the parser stopped.
        place: Place,
        /// What the parser said.
        cause: String,
    },
    /// The file is XML but not SDF.
    #[error(
        "PG-1003 {place}: the outermost element is <{found}>, expected <sdf version=\"...\">. \
         Is this an SDF file? (URDF is not read.)"
    )]
    NotSdf {
        /// Where the root stands.
        place: Place,
        /// The root that was found; empty if the file holds no element.
        found: String,
    },
    /// The `version` attribute is missing or outside what this loader reads.
    #[error("PG-1004 {place}: SDF version \"{found}\" is not supported. Use version 1.4 to 1.12.")]
    Version {
        /// Where the root stands.
        place: Place,
        /// The version text.
        found: String,
    },
    /// An element or attribute holds a value that its type does not allow.
    #[error("PG-1005 {place}: <{element}> holds \"{value}\", {reason}. {remedy}")]
    Value {
        /// Where the element starts.
        place: Place,
        /// The element (or element@attribute).
        element: Box<str>,
        /// The offending text.
        value: Box<str>,
        /// Why it cannot be used.
        reason: Box<str>,
        /// What to write in its stead.
        remedy: Box<str>,
    },
    /// A required element or attribute is absent.
    #[error("PG-1006 {place}: <{element}> lacks {missing}. Add it.")]
    Missing {
        /// Where the element starts.
        place: Place,
        /// The element that is incomplete.
        element: String,
        /// What it lacks.
        missing: String,
    },
    /// A `<uri>` names nothing that can be found.
    #[error(
        "PG-1007 {place}: <{element}> {uri} was not found (looked in: {searched}). \
         Add its parent folder to GZ_SIM_RESOURCE_PATH, GAZEBO_MODEL_PATH or SDF_PATH, or load with placeholders."
    )]
    Uri {
        /// Where the reference stands.
        place: Place,
        /// `include` or `mesh`.
        element: String,
        /// The URI as written.
        uri: String,
        /// The places that were tried.
        searched: String,
    },
    /// A file includes itself, directly or through others.
    #[error("PG-1008 {place}: include cycle: {chain}. Remove one of these includes.")]
    IncludeCycle {
        /// The include that closes the cycle.
        place: Place,
        /// The files from outermost to innermost.
        chain: String,
    },
    /// A limit that keeps hostile files from exhausting memory was reached.
    #[error("PG-1009 {place}: {what} exceeds the limit of {limit}. Split or simplify the file.")]
    Limit {
        /// Where the limit was crossed.
        place: Place,
        /// What grew too large.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// Two siblings share a name.
    #[error("PG-1010 {place}: a second {kind} is named \"{name}\". Rename one of them.")]
    Duplicate {
        /// Where the second one starts.
        place: Place,
        /// link, model, frame ...
        kind: &'static str,
        /// The shared name.
        name: String,
    },
    /// A pose refers to a frame that its scope does not have.
    #[error(
        "PG-1011 {place}: frame \"{name}\" does not exist in {scope}. \
         Known here: {known}."
    )]
    UnknownFrame {
        /// Where the reference stands.
        place: Place,
        /// The name that was looked up.
        name: String,
        /// The model or world whose names are visible.
        scope: String,
        /// Names that would have worked (at most twelve).
        known: String,
    },
    /// Frames refer to each other in a circle.
    #[error("PG-1012 {place}: the pose of \"{name}\" depends on itself. Break the circle of relative_to.")]
    FrameCycle {
        /// Where the circle was noticed.
        place: Place,
        /// A member of the circle.
        name: String,
    },
    /// No built-in world has this name, nor is it a file.
    #[error(
        "PG-1020 no world \"{name}\". Built-in worlds: {known}. A file name must end in .sdf or .world and exist."
    )]
    UnknownWorld {
        /// What was asked for.
        name: String,
        /// The names of the built-in worlds.
        known: String,
    },
    /// A parameter is outside its meaning.
    #[error("PG-1021 parameter {name} is {value}, {reason}.")]
    Parameter {
        /// The parameter.
        name: &'static str,
        /// Its value.
        value: String,
        /// Why it cannot be and what may.
        reason: String,
    },
    /// A forest cannot be generated as asked.
    #[error(
        "PG-1022 only {placed} of {wanted} trees fit with {spacing} m between trunks. \
         Lower density or min_spacing."
    )]
    ForestTooDense {
        /// Trees that found a place.
        placed: usize,
        /// Trees that the density asks for.
        wanted: usize,
        /// The least distance between two trunk axes, metres.
        spacing: f64,
    },
    /// A file could not be written.
    #[error("PG-1027 cannot write {path}: {cause}. Check the folder, its permissions and the space left.")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        cause: std::io::Error,
    },
    /// The side that talks with Gazebo's clients cannot start.
    #[error("PG-1026 no Gazebo clients: {0}")]
    Gz(#[from] peregrine_gz::GzError),
    /// The flight controller outside does not fly.
    #[error("PG-1040 no flight controller: {0}")]
    Autopilot(Box<peregrine_hil::HilError>),
    /// A file is not the checkpoint of this simulation.
    #[error(
        "PG-1042 the checkpoint {path} is not taken up: {fault}. Give the parameters and the world that it was made with, or begin \
         without it."
    )]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fault: String,
    },
    /// A checkpoint cannot be written.
    #[error(
        "PG-1043 cannot write the checkpoint {path}: {cause}. Check the folder, its permissions and the disk."
    )]
    CheckpointWrite {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        cause: std::io::Error,
    },
    /// The renderer refused.
    #[error("PG-1024 drawing failed: {0}")]
    Render(#[from] peregrine_render::RenderError),
    /// A model that is not there shall move or go.
    #[error("PG-1025 no model \"{name}\" stands in this world. The topic /world/NAME/pose/info lists them.")]
    UnknownModel {
        /// The name.
        name: String,
    },
    /// The vehicle state stopped being finite.
    #[error(
        "PG-1023 the vehicle state is not finite at {seconds} s of simulated time. Lower the commanded speeds."
    )]
    Diverged {
        /// Simulated time, seconds.
        seconds: f64,
    },
}
